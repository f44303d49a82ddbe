"""The build id of an ELF file: what its linker left to tell it from every other build, without reading it whole.

The note ``NT_GNU_BUILD_ID`` of the System V ABI, "Note Section"; ``readelf -n`` shows it. A file may be anything, so
every offset and size in it is checked before it is used.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Iterator, NamedTuple, Optional

_PT_NOTE = 4
_NT_GNU_BUILD_ID = 3
_GNU = b"GNU\0"
#: More program headers, and more bytes of notes, no library has.
_MOST_HEADERS = 1024
_MOST_NOTES = 1 << 16
_LONGEST_ID = 64


class _Layout(NamedTuple):
    """Where the fields of one class of ELF files lie: of the header, and of a program header."""

    #: Format and offset of ``e_phoff``, and offset of ``e_phentsize`` and ``e_phnum``.
    address: str
    offset_at: int
    sizes_at: int
    #: Of a program header: its size, and where ``p_offset`` and ``p_filesz`` are.
    header: int
    file_offset: int
    file_size: int


_LAYOUTS = {1: _Layout("I", 28, 42, 32, 4, 16), 2: _Layout("Q", 32, 54, 56, 8, 32)}
_ORDERS = {1: "<", 2: ">"}


def build_id(file: BinaryIO) -> Optional[str]:
    """The build id in hexadecimal; ``None``: it is no ELF file, has none, or is damaged.

    Raises:
        OSError: it cannot be read.
    """
    start = _at(file, 0, 64)
    if len(start) < 64 or start[:4] != b"\x7fELF":
        return None
    layout, order = _LAYOUTS.get(start[4]), _ORDERS.get(start[5])
    if layout is None or order is None:
        return None
    (table,) = struct.unpack_from(order + layout.address, start, layout.offset_at)
    size, number = struct.unpack_from(order + "HH", start, layout.sizes_at)
    if size < layout.header or number > _MOST_HEADERS:
        return None
    headers = _at(file, table, size * number)
    for place in range(0, len(headers) - size + 1, size):
        (kind,) = struct.unpack_from(order + "I", headers, place)
        if kind != _PT_NOTE:
            continue
        (offset,) = struct.unpack_from(order + layout.address, headers, place + layout.file_offset)
        (length,) = struct.unpack_from(order + layout.address, headers, place + layout.file_size)
        for found in _build_ids(_at(file, offset, min(length, _MOST_NOTES)), order):
            return found
    return None


def _build_ids(notes: bytes, order: str) -> Iterator[str]:
    place = 0
    while place + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(order + "III", notes, place)
        name_at = place + 12
        at = name_at + _padded(name_size)
        if at + size > len(notes):
            return
        if kind == _NT_GNU_BUILD_ID and notes[name_at : name_at + name_size] == _GNU and 0 < size <= _LONGEST_ID:
            yield notes[at : at + size].hex()
        place = at + _padded(size)


def _padded(size: int) -> int:
    return (size + 3) & ~3


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    # Larger offsets than files have raise in seek.
    if offset >= 1 << 62:
        return b""
    file.seek(offset)
    return file.read(size)

"""The build id of a library: read from any class and order of ELF files, and from nothing that only looks like one."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.build_ids import build_id

ID = bytes(range(20))


def note(kind, name, content):
    def padded(part):
        return part + b"\0" * (-len(part) % 4)

    return struct.pack("<III", len(name), len(content), kind) + padded(name) + padded(content)


def elf(notes, *, bits=64, order="<"):
    """A file with two program headers, the second of which is of the notes."""
    if order == ">":
        notes = b"".join(notes[at : at + 4][::-1] if at < 12 else notes[at : at + 4] for at in range(0, len(notes), 4))
    wide = bits == 64
    header, size = (64, 56) if wide else (52, 32)
    at = header + 2 * size
    start = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    word = "Q" if wide else "I"
    rest = struct.pack(order + f"HHI{word}{word}{word}IHHHHHH", 3, 62, 1, 0, header, 0, 0, header, size, 2, 0, 0, 0)
    load, own = ((1, 0, 0), (4, at, len(notes)))

    def program(kind, offset, length):
        if wide:
            return struct.pack(order + "IIQQQQQQ", kind, 0, offset, 0, 0, length, length, 4)
        return struct.pack(order + "IIIIIIII", kind, offset, 0, 0, length, length, 0, 4)

    return start + rest + program(*load) + program(*own) + notes + bytes(16)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_note_of_the_linker_is_read(bits, order):
    assert build_id(io.BytesIO(elf(note(3, b"GNU\0", ID), bits=bits, order=order))) == ID.hex()


def test_it_is_found_behind_other_notes():
    notes = note(1, b"GNU\0", b"abcd") + note(3, b"Go\0\0", b"efgh") + note(3, b"GNU\0", ID)
    assert build_id(io.BytesIO(elf(notes))) == ID.hex()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n" * 20,
        elf(note(1, b"GNU\0", ID)),
        elf(note(3, b"GNU\0", b"")),
        elf(note(3, b"GNU\0", bytes(65))),
        elf(note(3, b"GNU\0", ID))[:130],
        elf(struct.pack("<III", 1 << 31, 1 << 31, 3)),
        b"\x7fELF" + b"\xff" * 200,
    ],
)
def test_what_has_none_or_is_damaged_has_none(content):
    assert build_id(io.BytesIO(content)) is None


@given(st.binary(max_size=300), st.integers(0, 200))
def test_no_content_is_an_error(noise, at):
    whole = elf(note(3, b"GNU\0", ID))
    changed = whole[:at] + noise + whole[at + len(noise) :]
    assert build_id(io.BytesIO(changed)) is None or len(changed) >= 64
    assert build_id(io.BytesIO(noise)) is None or noise.startswith(b"\x7fELF")

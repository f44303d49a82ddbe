"""A Jetson's power modes, by name: their numbers differ from board to board and from JetPack to JetPack."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from .system_files import read_text

CONF = "/etc/nvpmodel.conf"
STATUS = "/var/lib/nvpmodel/status"

# Words are taken whole (\b, no \w before), so that a long line is read once and not once per letter.
_TAG = re.compile(r"<[ \t]*(\w+)\b([^<>\n]*)>")
_ATTRIBUTE = re.compile(r"(?<!\w)(\w+)[ \t]*=[ \t]*(?:\"([^\"\n]*)\"|([^\s\"<>]+))")
_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_WATTS = re.compile(r"(?:MODE_)?([0-9]{1,4})W(?:_|\Z)", re.IGNORECASE)
_CORES = re.compile(r"_([0-9]{1,3})CORE", re.IGNORECASE)


@dataclass(frozen=True)
class Modes:
    """The modes of nvpmodel.conf, number -> name; ``ambiguous`` are numbers that it gives several names."""

    names: Mapping[int, str] = field(default_factory=dict)
    default: Optional[int] = None
    ambiguous: Tuple[int, ...] = ()


def parse_conf(text: str) -> Modes:
    """The power modes of ``/etc/nvpmodel.conf``.

    Read liberally, as people edit it: blanks, the order of attributes and everything unknown do not matter.
    """
    names: Dict[int, str] = {}
    ambiguous = set()
    default: Optional[int] = None
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        for tag in _TAG.finditer(line):
            attributes = {key.upper(): quoted or plain for key, quoted, plain in _ATTRIBUTE.findall(tag.group(2))}
            number, name = attributes.get("ID", ""), attributes.get("NAME", "")
            kind = tag.group(1).upper()
            if kind == "POWER_MODEL" and _NUMBER.match(number) and name:
                if names.setdefault(int(number), name) != name:
                    ambiguous.add(int(number))
            elif kind == "PM_CONFIG" and _NUMBER.match(attributes.get("DEFAULT", "")):
                default = int(attributes["DEFAULT"])
    return Modes(names, default, tuple(sorted(ambiguous)))


def parse_status(text: str) -> Optional[int]:
    """The number of the mode in ``/var/lib/nvpmodel/status``, such as ``pmode:0002 fmode:fan_mode_quiet``."""
    match = re.search(r"(?:\A|\s)pmode:([0-9]{1,9})(?:\s|\Z)", text)
    return int(match.group(1)) if match else None


def power_mode(root: Path) -> Tuple[Optional[str], str]:
    """The name of the power mode in force, such as ``MAXN``; or None and the reason."""
    status = read_text(root, STATUS)
    if status.text is None:
        return None, f"{status.reason}; `sudo nvpmodel -q` shows the power mode"
    number = parse_status(status.text)
    if number is None:
        return None, f"{STATUS} holds {status.text[:40]!r}, which names no power mode"
    conf = read_text(root, CONF)
    if conf.text is None:
        return None, f"the power mode is number {number}, but {conf.reason}"
    modes = parse_conf(conf.text)
    if number in modes.ambiguous:
        return None, f"{CONF} gives the power mode {number} several names"
    name = modes.names.get(number)
    return name, "" if name is not None else f"{CONF} names no power mode {number}"


def fastest(modes: Modes) -> Optional[Tuple[int, str]]:
    """The number and name of the fastest mode: MAXN_SUPER, else MAXN, else the most watts, then the most cores.

    None where no name shows how fast the mode is.
    """
    best: Optional[Tuple[Tuple[int, int, int], int, str]] = None
    for number, name in modes.names.items():
        rank = _rank(name)
        if number not in modes.ambiguous and rank is not None and (best is None or rank > best[0]):
            best = (rank, number, name)
    return (best[1], best[2]) if best else None


def _rank(name: str) -> Optional[Tuple[int, int, int]]:
    if name.upper() in ("MAXN_SUPER", "MAXN"):
        return (2 if name.upper() == "MAXN_SUPER" else 1, 0, 0)
    watts = _WATTS.match(name)
    if watts is None:
        return None
    cores = _CORES.search(name)
    # A mode whose name counts no cores uses all.
    return (0, int(watts.group(1)), int(cores.group(1)) if cores else 999)

"""A host with an NVIDIA GPU: which GPU, according to the driver in /proc, and the device's name that follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence

from .profile import HOST, Profile
from .system_files import names_in, read_text

_FOLDER = "/proc/driver/nvidia/gpus"
_NAME = re.compile(rf"{HOST}-[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_MODEL = re.compile(r"^Model:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)

#: Words of a model's name that do not distinguish models.
_EMPTY = frozenset(("nvidia", "geforce", "tesla", "corporation", "generation", "gpu", "edition", "with", "design"))
#: Words that the next one belongs to (RTX 4090), and words that belong to the one before (3080 Ti).
_SERIES = frozenset(("rtx", "gtx", "gt", "pro"))
_SUFFIXES = frozenset(("ti", "super"))
_LONGEST = 60


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU: its model, such as ``NVIDIA GeForce RTX 4090``, and the file that says so."""

    model: str
    file: str


def gpus(root: Path = Path("/")) -> List[Gpu]:
    """The NVIDIA GPUs that the driver shows, in order of their bus address; in a container only its own."""
    cards: List[Gpu] = []
    # Addresses are hexadecimal and of one width.
    for name in sorted(names_in(root, _FOLDER)):
        file = f"{_FOLDER}/{name}/information"
        match = _MODEL.search(read_text(root, file).text or "")
        # The driver says Unknown of a GPU that it could not start.
        if match is not None and match.group(1).lower() != "unknown":
            cards.append(Gpu(match.group(1), file))
    return cards


def device_name(models: Sequence[str]) -> Optional[str]:
    """The name of a host with these GPUs, such as ``host-rtx4090``, or None where the models do not give a name.

    Several GPUs of one model are named once, as an inference runs on one; different ones are joined by ``and``.
    """
    words = sorted({word for word in map(_short, models) if word})
    return f"{HOST}-{'-and-'.join(words)}" if words else None


def is_device_name(name: str) -> bool:
    """Whether ``name`` is that of a host with a GPU, known or not."""
    return _NAME.match(name) is not None


def profile(name: str, cards: Sequence[Gpu]) -> Profile:
    """What a host with these GPUs is."""
    models = [gpu.model for gpu in cards]
    counted = [
        model if models.count(model) == 1 else f"{models.count(model)} {model}" for model in dict.fromkeys(models)
    ]
    return Profile(name, f"host with {' and '.join(counted)}", HOST)


def _short(model: str) -> str:
    """``NVIDIA GeForce RTX 3080 Ti`` -> ``rtx3080ti``, ``NVIDIA A100-SXM4-40GB`` -> ``a100-sxm4-40gb``."""
    text, before = "", ""
    for word in re.findall(r"[a-z0-9]+", model.lower()):
        if word in _EMPTY:
            continue
        joined = not text or before in _SERIES or word in _SUFFIXES
        text += word if joined else f"-{word}"
        before = word
    return text[:_LONGEST].rstrip("-")

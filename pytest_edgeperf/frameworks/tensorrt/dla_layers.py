"""Which layers TensorRT's builder gave to a DLA, by what it prints of that."""

from __future__ import annotations

import re
from collections import Counter
from typing import Dict, Iterable, Optional

DLA, GPU = "DLA", "GPU"
#: Of the builder's messages: ``[DlaLayer] {ForeignNode[Conv_0...Relu_9]}``, ``[GpuLayer] SOFTMAX: prob``.
_PLACED = re.compile(r"\[(Dla|Gpu)Layer\] *\S")


def says_place(message: str) -> bool:
    """Whether a message says where a layer runs, or a group of them."""
    return _PLACED.search(message) is not None


def placed_layers(messages: Iterable[str]) -> Optional[Dict[str, int]]:
    """``DLA`` -> how many groups of layers, ``GPU`` -> how many layers; ``None`` where no message says.

    A release prints them as information or only as details, and of a group only its first and its last layer.
    """
    found = (_PLACED.search(message) for message in messages)
    layers = Counter(DLA if match.group(1) == "Dla" else GPU for match in found if match is not None)
    return dict(layers) or None

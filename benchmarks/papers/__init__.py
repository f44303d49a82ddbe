"""What the published tables of each paper cannot say: the files that reproduce them, and what is no figure.

One module a paper, each with a :class:`Paper`. The tables, ``baselines/published/sources``, have the benchmarks' names
of networks, tasks, parameters and metrics. Benchmarks may take their parameters from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Mapping


def key(network: str) -> str:
    """A network's name without what only writes it differently: ``MobileNet-V2`` is ``mobilenetv2``."""
    return re.sub("[^a-z0-9]", "", network.lower())


@dataclass(frozen=True)
class Paper:
    """A paper of ``baselines/published``."""

    name: str
    #: Benchmark of the published tables -> file of the benchmark that reproduces it.
    files: Mapping[str, str]

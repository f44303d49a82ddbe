"""At which resolution which suite measures a network: what the papers that measured it decide, and what it costs."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

import pytest
from models.network import MULTIPLY_ACCUMULATES, Network
from models.networks import NETWORKS
from papers.measured import NETWORKS as MEASURED
from papers.measured import measured_by, printed_sides
from suites import PAPERS, marked_for

#: Operations, two per multiply-accumulate, that an inference has at the most where a suite has many networks.
LARGEST_GFLOPS = 14.0
#: Suites with so many networks that what is larger is measured at half its resolution.
LARGE_SUITES = ("trinh-2023", "hadidi-2019")
#: Timed seconds of a run of what is larger.
BUDGET_S = 4.0


def configurations(task: str) -> List[Any]:
    """Network and resolution of each classifier or detector that a paper measured, as parameters with their markers."""
    chosen = (network for network in NETWORKS.values() if network.task == task and network.frames is None)
    return [configuration for network in chosen for configuration in of_network(network, papers_of(network))]


def papers_of(network: Network) -> List[str]:
    """The papers whose tables have it, or that print something of it."""
    named = measured_by(network.name)
    return [paper for paper in PAPERS if paper in MEASURED and (paper in named or paper in network.published)]


def of_network(network: Network, papers: Sequence[str]) -> List[Any]:
    """Its own resolution, half of it where a suite has no time for more, and inputs that only hadidi-2019 prints."""
    complexity = gflops(network)
    # what no paper counts is deep, or has a large input
    large = complexity is None or complexity > LARGEST_GFLOPS
    small = half(network) if large else None
    short_of_time = [paper for paper in papers if paper in LARGE_SUITES] if small is not None else []
    timed = pytest.mark.timed_inference(budget=BUDGET_S) if large else pytest.mark.timed_inference
    only_full = [pytest.mark.full_suite(*short_of_time)] if short_of_time else []
    found = marked_for(papers, (network.name, network.native), pytest.mark.paper_suite, timed, *only_full)
    if short_of_time:
        found += marked_for(short_of_time, (network.name, small), pytest.mark.paper_suite, pytest.mark.timed_inference)
    for side in printed_sides(network.name):
        if side not in (network.native, small) and network.refuses(side) is None:
            found += marked_for(("hadidi-2019",), (network.name, side), pytest.mark.full_suite, timed)
    return found


def gflops(network: Network) -> Optional[float]:
    """The most that a paper prints of its operations, two per multiply-accumulate; ``None`` where none does."""
    counts = [
        printed.operations * (2 if printed.convention == MULTIPLY_ACCUMULATES else 1) / 1e9
        for printed in network.published.values()
        if printed.operations
    ]
    return max(counts, default=None)


def half(network: Network) -> Optional[int]:
    """Half its resolution, or the next smaller that it takes; ``None`` where it takes no such."""
    side = network.native // 2 if isinstance(network.native, int) else 0
    side -= side % network.multiple_of
    return side if side > 0 and network.refuses(side) is None else None

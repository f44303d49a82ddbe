"""At which resolution which suite measures a network: what the papers that measured it decide, and what it costs."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
from models.network import MULTIPLY_ACCUMULATES, Network
from models.networks import NETWORKS
from papers.measured import NETWORKS as MEASURED
from papers.measured import measured_by, printed_sides
from suites import PAPERS, marked_for

#: Of the papers that measured many networks: those that ten minutes are enough for, small and large, old and new.
#: ``--suite=full -m trinh_2023`` has all.
IN_SUITE: Dict[str, Tuple[str, ...]] = {
    "trinh-2023": (
        *("alexnet", "mobilenetv2", "mobilenetv3-small", "resnet18", "resnet50", "squeezenet1-0"),
        *("ssdlite320-mobilenetv3-large", "yolov3-tiny"),
    ),
    "hadidi-2019": (
        *("alexnet", "cifarnet", "mobilenetv2", "resnet18", "resnet50", "vgg-s"),
        *("ssd-mobilenetv1", "yolov3-tiny"),
    ),
}
#: Operations, two per multiply-accumulate, of an inference that is large.
LARGE_GFLOPS = 14.0
#: Timed seconds of a run of what is large.
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
    """Its own resolution, and inputs that only hadidi-2019 prints, each with the suites that have time for it."""
    complexity = gflops(network)
    # what no paper counts is deep, or has a large input
    large = complexity is None or complexity > LARGE_GFLOPS
    timed = pytest.mark.timed_inference(budget=BUDGET_S) if large else pytest.mark.timed_inference
    left_out = [paper for paper in papers if network.name not in IN_SUITE.get(paper, (network.name,))]
    only_full = [pytest.mark.full_suite(*left_out)] if left_out else []
    parameters = marked_for(papers, (network.name, network.native), pytest.mark.paper_suite, timed, *only_full)
    for side in printed_sides(network.name):
        if side != network.native and network.refuses(side) is None:
            parameters += marked_for(("hadidi-2019",), (network.name, side), pytest.mark.full_suite, timed)
    return parameters


def gflops(network: Network) -> Optional[float]:
    """The most that a paper prints of its operations, two per multiply-accumulate; ``None`` where none does."""
    counts = [
        printed.operations * (2 if printed.convention == MULTIPLY_ACCUMULATES else 1) / 1e9
        for printed in network.published.values()
        if printed.operations
    ]
    return max(counts, default=None)

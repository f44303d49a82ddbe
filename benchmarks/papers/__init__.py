"""The words of each paper for what the benchmarks call otherwise, and what its published tables leave out.

One module a paper, each with a :class:`Paper`. Checklists read published figures by them; benchmarks may take their
parameters from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Mapping


def key(network: str) -> str:
    """A network's name without what only writes it differently: ``MobileNet-V2`` is ``mobilenetv2``."""
    return re.sub("[^a-z0-9]", "", network.lower())


@dataclass(frozen=True)
class Paper:
    """How the names in ``baselines/published`` are those of the benchmarks."""

    name: str
    #: Benchmark of the published tables -> file of the benchmark that reproduces it.
    files: Mapping[str, str]
    #: Parameter -> the paper's value -> the benchmarks' value. What is not there is called the same.
    values: Mapping[str, Mapping[Any, Any]] = field(default_factory=dict)
    #: Metric of the published tables -> the benchmarks' metric.
    metrics: Mapping[str, str] = field(default_factory=dict)

    def parameters(self, printed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters of a published figure in the benchmarks' words."""
        return {name: self.values.get(name, {}).get(value, value) for name, value in printed.items()}

"""How much the builds of an engine differ, and the runs of one build."""

from __future__ import annotations

import math
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.builds import build_of, have_builds
from pytest_edgeperf.judge.rules.rule import LATENCY
from pytest_edgeperf.judge.statistics.contrasts import checked_log, judged_summaries
from pytest_edgeperf.results.types import Benchmark


@dataclass(frozen=True)
class BuildNoise:
    """Latency's low quantile in the runs of several builds; spreads are standard deviations of its logarithm."""

    builds: int
    runs: int
    summary: str
    #: Between builds, beyond what the runs of one build differ by; 0 where they differ by no more.
    between: float
    #: Between the runs of a build; ``None`` where each build has one.
    within: Optional[float]

    def to_dict(self) -> Dict[str, Any]:
        """Return it for JSON, in per cent."""
        return {
            "builds": self.builds,
            "runs": self.runs,
            "summary": self.summary,
            "spread_of_builds_percent": float(f"{100 * self.between:.4g}"),
            "spread_of_runs_of_a_build_percent": None if self.within is None else float(f"{100 * self.within:.4g}"),
        }


def build_noise(benchmark_id: str, benchmark: Benchmark) -> Optional[BuildNoise]:
    """Split the scatter of a benchmark's runs into that of builds and that of runs; ``None`` without several builds.

    The moment estimator of a one-way random effects model (Searle, Casella & McCulloch 1992, Variance Components,
    section 3.6): with B builds of n_b runs, N in all, the mean square between builds is expected to be
    within^2 + n0 between^2, where n0 = (N - sum n_b^2 / N) / (B - 1).

    Raises:
        ValueError: a latency has no logarithm; the message names it.
    """
    pairs = [(run, run.values[LATENCY]) for run in benchmark.runs if LATENCY in run.values]
    timed = [(run, summary) for run, summary in pairs if isinstance(summary, MappingType)]
    if not have_builds([run for run, _ in timed]):
        return None
    summaries = [summary for _, summary in timed]
    low = judged_summaries(summaries, summaries)[0]
    by_build: Dict[Tuple[str, Optional[int]], List[float]] = {}
    for run, summary in timed:
        log = checked_log(summary[low], benchmark_id, f"{LATENCY} {low}")
        by_build.setdefault((run.session, build_of(run)), []).append(log)
    between, within = _components(list(by_build.values()))
    return BuildNoise(len(by_build), len(timed), low, between, within)


def _components(groups: Sequence[Sequence[float]]) -> Tuple[float, Optional[float]]:
    number = sum(map(len, groups))
    mean = math.fsum(value for group in groups for value in group) / number
    means = [math.fsum(group) / len(group) for group in groups]
    freedom = number - len(groups)
    squares = math.fsum((value - own) ** 2 for group, own in zip(groups, means) for value in group)
    within = squares / freedom if freedom else 0.0
    between = math.fsum(len(group) * (own - mean) ** 2 for group, own in zip(groups, means)) / (len(groups) - 1)
    typical = (number - sum(len(group) ** 2 for group in groups) / number) / (len(groups) - 1)
    return math.sqrt(max(0.0, (between - within) / typical)), math.sqrt(within) if freedom else None

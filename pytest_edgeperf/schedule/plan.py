"""Which benchmarks are measured, and in which order. Pure functions."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.measure.protocol import FixtureMeasured
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import Metric, Run
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.settings import BenchmarkOptions

#: A disturbed run is measured again, at most this often per planned run.
EXTRA_TRIES = 2


@dataclass
class Plan:
    """One benchmark of the session: its options and its results so far."""

    id: str
    path: str
    #: Uses pytest-benchmark's fixture instead of ours.
    adopted: bool
    options: BenchmarkOptions
    parameters: Mapping[str, Any]
    #: Runs to take in the first stage: one if there is nothing to compare them with.
    rounds: int
    #: Further tries per run for disturbed ones; none where nothing is compared.
    extra_tries: int = EXTRA_TRIES
    runs: List[Run] = field(default_factory=list)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    #: Per run of an adopted benchmark, what pytest-benchmark's fixture measured.
    benchmark_stats: List[FixtureMeasured] = field(default_factory=list)
    #: The study that it belongs to and its place there, if it named one.
    study: Optional[Study] = None
    place: Optional[Place] = None
    last: Optional[Delivery] = None
    tries: int = 0
    #: Good runs that it was to reach so far.
    wanted: int = 0
    #: What its worker took when prepared, once one was.
    memory_mib: Optional[float] = None
    #: Why no further run is tried in place of disturbed ones: run after run was disturbed.
    hopeless: Optional[str] = None
    #: Wall seconds of all tries, to estimate the remaining time.
    seconds: float = 0.0
    #: The other side's runs and, for each, the figures of the pair that it forms with this side's run.
    base_runs: List[Run] = field(default_factory=list)
    base_metrics: Mapping[str, Metric] = field(default_factory=dict)
    pairs: List[Pair] = field(default_factory=list)
    #: The build of the engines that each pair was taken with; empty where there is one.
    pair_builds: List[int] = field(default_factory=list)
    #: Its pairs were not taken in turns.
    alternating: bool = False
    #: Why the other side has no run of it.
    base_fault: Optional[str] = None

    @property
    def broken(self) -> bool:
        """Whether its body failed or its worker did not deliver, so that it is not measured further."""
        return self.last is not None and self.last.failed

    @property
    def ended(self) -> bool:
        """Whether no further run is possible: broken, skipped, nothing measured, or no run on the other side."""
        ended = self.last is not None and (self.last.failed or self.last.skipped or self.last.run is None)
        return ended or self.base_fault is not None

    @property
    def measured_nothing(self) -> bool:
        """Whether its body passed without a measurement; allowed for a disabled pytest-benchmark only."""
        return not self.adopted and self.last is not None and self.last.passed_without_run

    @property
    def good_runs(self) -> int:
        """The number of undisturbed runs."""
        return sum(not run.disturbed for run in self.runs)

    @property
    def replaced(self) -> int:
        """The number of disturbed runs that were replaced."""
        return max(0, len(self.runs) - self.wanted)

    def wants(self, good_runs: int) -> bool:
        """Whether to try again to reach that many good runs."""
        if self.ended or self.hopeless is not None:
            return False
        return self.good_runs < good_runs and self.tries < good_runs * (1 + self.extra_tries)


def round_order(plans: Sequence[Plan], seed: str, round_number: int) -> List[Plan]:
    """Shuffle the plans for a round; the order depends on the seed and the round only."""
    shuffled = list(plans)
    random.Random(f"{seed}/{round_number}").shuffle(shuffled)  # noqa: S311 (an order, not a secret)
    return shuffled

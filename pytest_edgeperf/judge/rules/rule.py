"""What a rule is: how one kind of metric is judged, what it is given and what it answers.

A rule is one file of this folder and one line of :mod:`~pytest_edgeperf.judge.rules.table`.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any, FrozenSet, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.evidence import Evidence
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.verdicts import Apart, Gain, LineVerdict, MetricVerdict
from pytest_edgeperf.results.types import HIGHER, Metric, Results

LATENCY = "latency"


class Question(NamedTuple):
    """Whether one metric of one benchmark got worse, and the values of it that the good runs of both sides have."""

    benchmark: str
    name: str
    metric: Metric
    #: Whether it decides, and does not only inform.
    gates: bool
    #: Whether all planned runs were made, so that it may be called regressed.
    may_regress: bool
    base: Sequence[Any]
    candidate: Sequence[Any]
    evidence: Evidence
    #: Whether some runs, and whether all runs, have more of the metric than a number.
    some_summaries: bool
    all_summaries: bool

    @classmethod
    def about(cls, benchmark: str, name: str, evidence: Evidence, *, gates: bool, may_regress: bool) -> Question:
        """Gather the values of a metric of the evidence."""
        base, candidate = evidence.values(name)
        # The kinds are few, and asking for an abstract class takes long.
        summaries = [issubclass(kind, MappingType) for kind in {*map(type, base), *map(type, candidate)}]
        metric = evidence.metrics[name]
        return cls(
            benchmark, name, metric, gates, may_regress, base, candidate, evidence, any(summaries), all(summaries)
        )

    @property
    def sign(self) -> int:
        """1 where larger is worse, -1 where smaller is."""
        return -1 if self.metric.better == HIGHER else 1

    def unanswered(self, verdict: str, reason: str, summary: str = "") -> MetricVerdict:
        """The verdict on a metric that needs no test, or that none can judge."""
        return MetricVerdict(
            verdict,
            summary=summary,
            unit=self.metric.unit,
            gates=self.gates,
            baseline_runs=len(self.base),
            candidate_runs=len(self.candidate),
            reason=reason,
        )


class Answer(NamedTuple):
    """The verdict on one metric of one benchmark."""

    benchmark: str
    metric: str
    verdict: MetricVerdict
    #: Whether further runs could change it and are worth their time.
    suspicious: bool = False


@dataclass(frozen=True)
class Suite:
    """What the benchmarks of a session show together."""

    #: Metric -> the variance by which the suite's differences spread beyond their errors, where they do.
    excess: Mapping[str, float] = field(default_factory=dict)
    apart: Optional[Apart] = None
    gain: Optional[Gain] = None
    common_shift: Optional[float] = None
    #: Benchmarks that moved so, and all that were judged.
    common_shift_of: Optional[Tuple[int, int]] = None


@dataclass(frozen=True)
class Case:
    """What is judged together: both sides of a session, and how far its measuring got."""

    base: Results
    candidate: Results
    family: Family
    stage: Stage
    #: Benchmark id -> the good, comparable runs of both sides, where both have some.
    evidence: Mapping[str, Evidence]
    #: As shown by the rules that come before in the table.
    suite: Suite = field(default_factory=Suite)

    def may_regress(self, benchmark: str) -> bool:
        """Whether the benchmark's measuring went on to the final stage: only there is anything rejected."""
        return self.stage.final and self.evidence[benchmark].made >= self.stage.runs


@dataclass(frozen=True)
class Answers:
    """A rule's answers."""

    metrics: Sequence[Answer] = ()
    lines: Tuple[LineVerdict, ...] = ()
    #: Benchmarks to measure further, beside those with a suspicious metric that gates.
    suspects: FrozenSet[str] = frozenset()
    #: Where the rule says something of all benchmarks together.
    suite: Optional[Suite] = None


class Rule(abc.ABC):
    """How one kind of metric is judged.

    A rule that judges something else than metrics of benchmarks, such as lines through several of them, takes no
    question in ``judges`` and finds what it asks about in the case.
    """

    #: How a verdict without a test names what it is of.
    summary = ""
    #: Whether it also judges sides that were measured in lock-step.
    in_lock_step = True

    def gates(self, name: str, metric: Metric) -> bool:
        """Whether such a metric decides by itself; a marker may make any other decide, too."""
        return False

    @abc.abstractmethod
    def judges(self, question: Question) -> bool:
        """Whether this rule answers the question; of several in the table the first one does."""

    @abc.abstractmethod
    def count(self, case: Case) -> int:
        """How many questions that gate it asks at most, by what was collected and not by what was measured.

        What the error level is divided by. A rule without any leaves its share to others, where the table says so.
        """

    def incomparable(self, question: Question) -> Optional[str]:
        """Why the values of the two sides cannot be compared, if they cannot."""
        if question.some_summaries == question.all_summaries:
            return None
        return "a summary of samples in some runs, one number in others"

    @abc.abstractmethod
    def answer(self, questions: Sequence[Question], level: Level, case: Case) -> Answers:
        """Answer the questions that share a level: once those that gate, and once those that inform, if there are any.

        Each question has a value on both sides, and nothing that makes them incomparable.
        """

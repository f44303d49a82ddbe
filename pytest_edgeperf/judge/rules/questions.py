"""Which rule each metric is judged by, and which part of the session's error level it draws on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from pytest_edgeperf.judge.evidence import Evidence
from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.rules.accuracies import AccuracyQuestion, gating, raise_question
from pytest_edgeperf.judge.rules.amounts import amounts_of, judge_amounts
from pytest_edgeperf.judge.rules.sizes import RELATIVE_MARGIN, SizeOutcome, checked_sizes, judge_size
from pytest_edgeperf.judge.statistics.contrasts import (
    Contrast,
    NoLogarithmError,
    contrast_summaries,
    contrast_values,
)
from pytest_edgeperf.judge.units import is_size
from pytest_edgeperf.judge.verdicts import INCOMPARABLE, INCONCLUSIVE, MISSING, NEW, MetricVerdict
from pytest_edgeperf.results.example_answers import is_accuracy
from pytest_edgeperf.results.types import HIGHER, Metric

LATENCY = "latency"
MEMORY = "memory_process_peak"


class Question(NamedTuple):
    """One metric of one benchmark that t-tests decide: ``tests`` of its group's tests, from ``first`` on."""

    benchmark: str
    name: str
    metric: Metric
    gates: bool
    tolerance: float
    may_regress: bool
    first: int
    tests: int

    @property
    def sign(self) -> int:
        """1 where larger is worse, -1 where smaller is."""
        return -1 if self.metric.better == HIGHER else 1


class Group:
    """Questions that share a part of the session's error level, and the contrasts that answer them."""

    def __init__(self) -> None:
        self.questions: List[Question] = []
        self.contrasts: List[Contrast] = []


#: What needs no test: a verdict on the spot, or a size's, which knows whether it is suspicious.
AtOnce = Union[MetricVerdict, SizeOutcome]


class Questions:
    """The metrics of all benchmarks: accuracies, what is judged at once, and the rest in three groups."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.latency = Group()
        self.others = Group()
        self.informing = Group()
        self.accuracies: List[AccuracyQuestion] = []

    def raise_for(
        self, benchmark: str, evidence: Evidence, *, may_regress: bool, without: Optional[str] = None
    ) -> Dict[str, AtOnce]:
        """Take in a benchmark's metrics, all but ``without``; return those that are judged already."""
        at_once: Dict[str, AtOnce] = {}
        gated = self.family.gates.get(benchmark, ())
        for name, metric in evidence.metrics.items():
            base, new = evidence.values(name)
            if name == without or not (base or new):
                continue
            gates = name in (LATENCY, MEMORY) or name in gated or gating(metric)
            answered = metric.is_accuracy or any(is_accuracy(value) for value in (*base, *new))
            if answered and name not in evidence.changed_metrics:
                asked = raise_question(benchmark, name, metric, gates, base, new, self._margin(benchmark, name))
                if isinstance(asked, MetricVerdict):
                    at_once[name] = asked
                else:
                    self.accuracies.append(asked)
                continue
            question = Question(benchmark, name, metric, gates, self._tolerance(benchmark, name), may_regress, 0, 0)
            answer = self._judge_at_once(question, evidence, base, new)
            if answer is None:
                answer = self._put(question, evidence, base, new)
            if answer is not None:
                at_once[name] = answer
        return at_once

    def _own_tolerance(self, benchmark: str, metric: str) -> Optional[float]:
        own = self.family.tolerances.get(benchmark)
        value = own.get(metric) if isinstance(own, Mapping) else own
        return None if value is None else float(value)

    def _tolerance(self, benchmark: str, metric: str) -> float:
        own = self._own_tolerance(benchmark, metric)
        return self.family.tolerance if own is None else own

    def _margin(self, benchmark: str, metric: str) -> Optional[float]:
        """What the marker allows for this accuracy; one number for all metrics is a ratio, and no margin."""
        own = self.family.tolerances.get(benchmark)
        return float(own[metric]) if isinstance(own, Mapping) and metric in own else None

    def _size_tolerance(self, benchmark: str, metric: str) -> float:
        own = self._own_tolerance(benchmark, metric)
        return max(self.family.tolerance, RELATIVE_MARGIN) if own is None else own

    def _judge_at_once(
        self, question: Question, evidence: Evidence, base: Sequence[Any], new: Sequence[Any]
    ) -> Optional[AtOnce]:
        if not new:
            return _without_test(question, base, new, MISSING, "in the baseline, not measured")
        if not base:
            return _without_test(question, base, new, NEW, "not in the baseline")
        if question.name in evidence.changed_metrics:
            return _without_test(question, base, new, INCOMPARABLE, evidence.changed_metrics[question.name])
        summarised = [issubclass(kind, Mapping) for kind in {*map(type, base), *map(type, new)}]
        if any(summarised) and not all(summarised):
            reason = "a summary of samples in some runs, one number in others"
            return _without_test(question, base, new, INCOMPARABLE, reason)
        if any(summarised) or not is_size(question.metric.unit):
            return None
        return judge_size(
            checked_sizes(base, question.benchmark, question.name),
            checked_sizes(new, question.benchmark, question.name),
            unit=question.metric.unit,
            larger_is_worse=question.sign > 0,
            gates=question.gates,
            may_regress=question.may_regress,
            relative=self._size_tolerance(question.benchmark, question.name),
        )

    def _put(self, question: Question, evidence: Evidence, base: Sequence[Any], new: Sequence[Any]) -> Optional[AtOnce]:
        benchmark, name = question.benchmark, question.name
        origins = evidence.origins(name)
        try:
            if isinstance(base[0], Mapping):
                contrasts = contrast_summaries(benchmark, name, base, new, origins=origins)
            else:
                contrasts = [contrast_values(benchmark, name, base, new, origins=origins)]
        except NoLogarithmError as error:
            amounts = amounts_of(base), amounts_of(new)
            if not question.gates or name == LATENCY or amounts[0] is None or amounts[1] is None:
                return _without_test(question, base, new, INCONCLUSIVE, str(error))
            return judge_amounts(
                checked_sizes(amounts[0], benchmark, name),
                checked_sizes(amounts[1], benchmark, name),
                unit=question.metric.unit,
                larger_is_worse=question.sign > 0,
                may_regress=question.may_regress,
                relative=question.tolerance,
                amount=self._margin(benchmark, name) or 0.0,
            )
        if not contrasts:
            reason = "the runs have no median, low quantile or tail in common"
            return _without_test(question, base, new, INCONCLUSIVE, reason)
        group = self._group(question)
        group.questions.append(question._replace(first=len(group.contrasts), tests=len(contrasts)))
        group.contrasts.extend(contrasts)
        return None

    def _group(self, question: Question) -> Group:
        if question.name == LATENCY:
            return self.latency
        return self.others if question.gates else self.informing


def _without_test(
    question: Question, base: Sequence[Any], new: Sequence[Any], verdict: str, reason: str
) -> MetricVerdict:
    return MetricVerdict(
        verdict,
        summary="",
        unit=question.metric.unit,
        gates=question.gates,
        baseline_runs=len(base),
        candidate_runs=len(new),
        reason=reason,
    )

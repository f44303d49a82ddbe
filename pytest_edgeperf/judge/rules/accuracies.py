"""The rule for accuracies: the same examples' answers of both sides in pairs, and a margin in the metric's unit.

Answers that are the same are unchanged without a test. Runs need not be repeated: what varies are the examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.statistics.corrections import holm
from pytest_edgeperf.judge.statistics.paired_answers import Paired, compare_detections, compare_right, compare_scores
from pytest_edgeperf.judge.statistics.t_tests import Level
from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    AccuracyFigures,
    MetricVerdict,
)
from pytest_edgeperf.results.errors import ResultsError
from pytest_edgeperf.results.example_answers import (
    ALL_THRESHOLDS,
    ANSWERS,
    DIGEST,
    MARGIN_POINTS,
    PERCENT,
    Answers,
    answers_of,
    is_accuracy,
)
from pytest_edgeperf.results.types import LOWER, Metric, Results

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

#: How a verdict names what was compared.
MEAN = "mean"
#: "Unchanged" claims a loss of less than so many margins, as latency's 10 % are five of its tolerances.
MUST_DETECT_MARGINS = 5.0


@dataclass(frozen=True)
class AccuracyQuestion:
    """One accuracy of one benchmark, and its values in the good runs of each side."""

    benchmark: str
    name: str
    metric: Metric
    gates: bool
    base: Sequence[Mapping[str, Any]]
    new: Sequence[Mapping[str, Any]]
    #: What the benchmark's marker allows for this metric: a share (0.01 is one point) of percentages, else in its unit.
    asked_for: Optional[float] = None

    @property
    def margin(self) -> float:
        """How much worse it may get, in the metric's unit: what the marker says, else the benchmark's body."""
        if self.asked_for is None:
            return MARGIN_POINTS if self.metric.margin is None else float(self.metric.margin)
        return self.scale * self.asked_for

    @property
    def scale(self) -> float:
        """What values of single examples are multiplied by to be in the metric's unit."""
        return 100.0 if self.metric.unit == PERCENT else 1.0


class _Asked(NamedTuple):
    """A question that takes a test."""

    question: AccuracyQuestion
    examples: int
    paired: Paired
    #: What the pairs' losses are multiplied by to be in the metric's unit.
    scale: float


def gating(metric: Metric) -> bool:
    """Whether a metric is an accuracy that gates by itself."""
    return metric.is_accuracy and not metric.informs


def count_gating(candidate: Results, family: Family) -> int:
    """How many accuracies of the collected benchmarks gate, whatever comes of them."""
    found = (candidate.benchmarks.get(name) for name in family.benchmarks)
    return sum(gating(metric) for one in found if one is not None for metric in one.metrics.values())


def raise_question(
    benchmark: str,
    name: str,
    metric: Metric,
    gates: bool,
    base: Sequence[Any],
    new: Sequence[Any],
    asked_for: Optional[float] = None,
) -> Union[AccuracyQuestion, MetricVerdict]:
    """The question about an accuracy, or the verdict of what has no answers to compare."""
    told: Dict[str, Any] = {"baseline_runs": len(base), "candidate_runs": len(new)}
    if not new:
        return MetricVerdict(MISSING, MEAN, metric.unit, gates, reason="in the baseline, not measured", **told)
    if not base:
        return MetricVerdict(NEW, MEAN, metric.unit, gates, reason="not in the baseline", **told)
    if not all(is_accuracy(value) for value in (*base, *new)):
        reason = "answers example by example in some runs, only a number in others"
        return MetricVerdict(INCOMPARABLE, MEAN, metric.unit, gates, reason=reason, **told)
    return AccuracyQuestion(benchmark, name, metric, gates, base, new, asked_for)


def answer_accuracies(
    questions: Sequence[AccuracyQuestion], level: Level
) -> List[Tuple[AccuracyQuestion, MetricVerdict]]:
    """Judge accuracies that share a part of the session's error level.

    Raises:
        ResultsError: a run's answers are damaged; the message names where.
    """
    verdicts: Dict[int, MetricVerdict] = {}
    asked: List[Tuple[int, _Asked]] = []
    raw = level.alpha * level.share / max(level.family_size, 1)
    for place, question in enumerate(questions):
        found = _ask(question, raw)
        if isinstance(found, MetricVerdict):
            verdicts[place] = found
        else:
            asked.append((place, found))
    worse = holm(np.array([one.paired.p_worse for _, one in asked]), level.family_size) / level.share
    better = holm(np.array([one.paired.p_better for _, one in asked]), level.family_size) / level.share
    for (place, one), adjusted_worse, adjusted_better in zip(asked, worse.tolist(), better.tolist()):
        verdicts[place] = _rule(one, min(adjusted_worse, 1.0), min(adjusted_better, 1.0), level)
    return [(question, verdicts[place]) for place, question in enumerate(questions)]


def _ask(question: AccuracyQuestion, level: float) -> Union[_Asked, MetricVerdict]:
    base, new = (_distinct(question, side) for side in (question.base, question.new))
    examples = {one.examples for one in (*base.values(), *new.values())}
    if len(examples) > 1:
        return _plain(question, INCOMPARABLE, "the sides, or their runs, were given different examples")
    count = int(question.new[0]["n"])
    if len(base) == 1 and base.keys() == new.keys():
        mean = _mean(question.new)
        figures = AccuracyFigures(0.0, (0.0, 0.0), question.margin, count, same=True)
        return _plain(question, UNCHANGED, None, baseline=mean, candidate=mean, accuracy=figures)
    sides = [list(base.values()), list(new.values())]
    if any(one.detections is not None for side in sides for one in side):
        return _of_images(question, count, sides, level)
    kinds = {one.values.dtype == bool for side in sides for one in side if one.values is not None}
    if len(kinds) > 1:
        return _plain(question, INCOMPARABLE, "right or wrong on one side, scores on the other")
    margin = question.margin / question.scale
    if kinds == {True} and len(base) == len(new) == 1:
        old, now = (np.asarray(side[0].values) for side in sides)
        if question.metric.better == LOWER:
            old, now = ~old, ~now
        return _Asked(question, count, compare_right(old, now, margin, level), question.scale)
    means = [
        np.mean([np.asarray(one.values, float) for one in _repeated(side, of)], axis=0)
        for side, of in zip((base, new), (question.base, question.new))
    ]
    losses = means[0] - means[1] if question.metric.better != LOWER else means[1] - means[0]
    return _Asked(question, count, compare_scores(losses, margin, level), question.scale)


def _of_images(
    question: AccuracyQuestion, count: int, sides: Sequence[Sequence[Answers]], level: float
) -> Union[_Asked, MetricVerdict]:
    sets = [[one.detections for one in side if one.detections is not None] for side in sides]
    if any(len(of) != len(side) for of, side in zip(sets, sides)):
        return _plain(question, INCOMPARABLE, "detections on one side, one value per example on the other")
    threshold = ALL_THRESHOLDS if question.metric.threshold is None else question.metric.threshold
    try:
        paired = compare_detections(sets[0], sets[1], question.margin, level, threshold)
    except ValueError as error:
        return _plain(question, INCOMPARABLE, str(error))
    return _Asked(question, count, paired, 1.0)


def _distinct(question: AccuracyQuestion, values: Sequence[Mapping[str, Any]]) -> Dict[str, Answers]:
    """The answers of a side's runs by their digest, each once."""
    found: Dict[str, Answers] = {}
    for value in values:
        digest = _digest(value)
        if digest in found:
            continue
        try:
            found[digest] = answers_of(value)
        except ValueError as error:
            raise ResultsError(
                f"{question.benchmark}: {question.name}: {error}; measure it again, or restore the file"
            ) from None
    return found


def _repeated(answers: Mapping[str, Answers], values: Sequence[Mapping[str, Any]]) -> List[Answers]:
    """The answers of every run, however often they are the same."""
    return [answers[_digest(value)] for value in values]


def _digest(value: Mapping[str, Any]) -> str:
    return str(value[ANSWERS].get(DIGEST))


def _rule(asked: _Asked, worse: float, better: float, level: Level) -> MetricVerdict:
    question, paired, scale = asked.question, asked.paired, asked.scale
    verdict, reason, p_adjusted = UNCHANGED, None, worse
    limit = MUST_DETECT_MARGINS * question.margin
    if worse <= level.alpha:
        verdict = REGRESSED
    elif better <= level.alpha:
        verdict, p_adjusted = IMPROVED, better
    elif paired.p_worse < level.suspicion:
        verdict = INCONCLUSIVE
        reason = f"it is suspected to be worse, p = {paired.p_worse:.2g}; more examples would tell"
    elif scale * paired.upper > limit:
        verdict = INCONCLUSIVE
        reason = f"it may be up to {scale * paired.upper:.3g} {_points(question)} worse; more examples would tell"
    towards = 1.0 if question.metric.better == LOWER else -1.0
    ends = sorted(towards * scale * end for end in paired.interval)
    figures = AccuracyFigures(
        difference=towards * scale * paired.loss,
        interval=(ends[0], ends[1]),
        margin=question.margin,
        examples=asked.examples,
        lost=paired.lost,
        won=paired.won,
        detectable=None if paired.detectable is None else scale * paired.detectable,
    )
    return _plain(
        question,
        verdict,
        reason,
        baseline=_mean(question.base),
        candidate=_mean(question.new),
        p_adjusted=p_adjusted,
        accuracy=figures,
    )


def _points(question: AccuracyQuestion) -> str:
    return "points" if question.metric.unit == PERCENT else question.metric.unit


def _plain(question: AccuracyQuestion, verdict: str, reason: Optional[str], **more: Any) -> MetricVerdict:
    return MetricVerdict(
        verdict,
        MEAN,
        question.metric.unit,
        question.gates,
        baseline_runs=len(question.base),
        candidate_runs=len(question.new),
        reason=reason,
        **more,
    )


def _mean(values: Sequence[Mapping[str, Any]]) -> float:
    return float(np.mean([float(value["mean"]) for value in values]))

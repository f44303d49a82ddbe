"""The rule for accuracies: the same examples' answers of both sides in pairs, and a margin in the metric's unit.

Answers that are the same are unchanged without a test. Runs need not be repeated: what varies are the examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.rules.rule import Answer, Answers, Case, Question, Rule
from pytest_edgeperf.judge.statistics.corrections import Level, holm
from pytest_edgeperf.judge.statistics.paired_answers import Paired, compare_detections, compare_right, compare_scores
from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
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
    answers_of,
    is_accuracy,
)
from pytest_edgeperf.results.example_answers import Answers as ExampleAnswers
from pytest_edgeperf.results.types import LOWER, Metric

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]

#: How a verdict names what was compared.
MEAN = "mean"
#: "Unchanged" claims a loss of less than so many margins, as latency's 10 % are five of its tolerances.
MUST_DETECT_MARGINS = 5.0


class AccuracyRule(Rule):
    """Judges metrics whose values hold an answer for each example."""

    summary = MEAN

    def gates(self, name: str, metric: Metric) -> bool:
        """An accuracy does, unless the benchmark's body says that it informs."""
        return metric.is_accuracy and not metric.informs

    def judges(self, question: Question) -> bool:
        """Accuracies, by what the benchmark says of the metric or by what a run has of it."""
        if question.metric.is_accuracy:
            return True
        return question.some_summaries and any(map(is_accuracy, (*question.base, *question.candidate)))

    def count(self, case: Case) -> int:
        """Every gating accuracy of the benchmarks that were collected."""
        benchmarks = (case.candidate.benchmarks.get(name) for name in case.family.benchmarks)
        return sum(
            self.gates(name, metric)
            for benchmark in benchmarks
            if benchmark is not None
            for name, metric in benchmark.metrics.items()
        )

    def incomparable(self, question: Question) -> Optional[str]:
        """A number says nothing of single examples."""
        if all(map(is_accuracy, (*question.base, *question.candidate))):
            return None
        return "some runs hold an answer for each example, others only a number"

    def answer(self, questions: Sequence[Question], level: Level, case: Case) -> Answers:
        """Judge accuracies that share a part of the session's error level.

        Raises:
            ResultsError: a run's answers are damaged; the message names where.
        """
        verdicts: Dict[int, MetricVerdict] = {}
        asked: List[Tuple[int, _Asked]] = []
        raw = level.alpha * level.share / max(level.family_size, 1)
        accuracies = [Accuracy.of(question, case.family) for question in questions]
        for place, accuracy in enumerate(accuracies):
            result = _ask(accuracy, raw)
            if isinstance(result, MetricVerdict):
                verdicts[place] = result
            else:
                asked.append((place, result))
        worse = holm(np.array([test.paired.p_worse for _, test in asked]), level.family_size) / level.share
        better = holm(np.array([test.paired.p_better for _, test in asked]), level.family_size) / level.share
        for (place, test), adjusted_worse, adjusted_better in zip(asked, worse.tolist(), better.tolist()):
            verdicts[place] = _decided(test, min(adjusted_worse, 1.0), min(adjusted_better, 1.0), level)
        # Further runs would give the same answers: none is worth its time.
        return Answers(
            [Answer(question.benchmark, question.name, verdicts[place]) for place, question in enumerate(questions)]
        )


class Accuracy(NamedTuple):
    """An accuracy that is asked about."""

    question: Question
    #: How much worse it may get, in the metric's unit: what the marker says, else the benchmark's body.
    margin: float
    #: What values of single examples are multiplied by to be in the metric's unit.
    scale: float

    @classmethod
    def of(cls, question: Question, family: Family) -> Accuracy:
        """The marker allows a share (0.01 is one point) of percentages, else an amount in the metric's unit."""
        scale = 100.0 if question.metric.unit == PERCENT else 1.0
        asked_for = family.margin(question.benchmark, question.name)
        if asked_for is not None:
            return cls(question, scale * asked_for, scale)
        margin = question.metric.margin
        return cls(question, MARGIN_POINTS if margin is None else float(margin), scale)

    @property
    def metric(self) -> Metric:
        """Its unit and direction."""
        return self.question.metric


class _Asked(NamedTuple):
    """An accuracy that takes a test."""

    accuracy: Accuracy
    examples: int
    paired: Paired
    #: What the pairs' losses are multiplied by to be in the metric's unit.
    scale: float


def _ask(accuracy: Accuracy, level: float) -> Union[_Asked, MetricVerdict]:
    base, new = (_distinct(accuracy, side) for side in (accuracy.question.base, accuracy.question.candidate))
    examples = {answers.examples for answers in (*base.values(), *new.values())}
    if len(examples) > 1:
        return _plain(accuracy, INCOMPARABLE, "the runs were given different examples")
    count = int(accuracy.question.candidate[0]["n"])
    if len(base) == 1 and base.keys() == new.keys():
        mean = _mean(accuracy.question.candidate)
        figures = AccuracyFigures(0.0, (0.0, 0.0), accuracy.margin, count, same=True)
        return _plain(accuracy, UNCHANGED, None, baseline=mean, candidate=mean, accuracy=figures)
    sides = [list(base.values()), list(new.values())]
    if any(answers.detections is not None for side in sides for answers in side):
        return _of_images(accuracy, count, sides, level)
    kinds = {answers.values.dtype == bool for side in sides for answers in side if answers.values is not None}
    if len(kinds) > 1:
        return _plain(accuracy, INCOMPARABLE, "one side has right and wrong answers, the other has scores")
    margin = accuracy.margin / accuracy.scale
    if kinds == {True} and len(base) == len(new) == 1:
        old, now = (np.asarray(side[0].values) for side in sides)
        if accuracy.metric.better == LOWER:
            old, now = ~old, ~now
        return _Asked(accuracy, count, compare_right(old, now, margin, level), accuracy.scale)
    means = [
        np.mean([np.asarray(answers.values, float) for answers in _repeated(side, of)], axis=0)
        for side, of in zip((base, new), (accuracy.question.base, accuracy.question.candidate))
    ]
    losses = means[0] - means[1] if accuracy.metric.better != LOWER else means[1] - means[0]
    return _Asked(accuracy, count, compare_scores(losses, margin, level), accuracy.scale)


def _of_images(
    accuracy: Accuracy, count: int, sides: Sequence[Sequence[ExampleAnswers]], level: float
) -> Union[_Asked, MetricVerdict]:
    sets = [[answers.detections for answers in side if answers.detections is not None] for side in sides]
    if any(len(of) != len(side) for of, side in zip(sets, sides)):
        return _plain(accuracy, INCOMPARABLE, "one side has detections, the other has one value per example")
    threshold = ALL_THRESHOLDS if accuracy.metric.threshold is None else accuracy.metric.threshold
    try:
        paired = compare_detections(sets[0], sets[1], accuracy.margin, level, threshold)
    except ValueError as error:
        return _plain(accuracy, INCOMPARABLE, str(error))
    return _Asked(accuracy, count, paired, 1.0)


def _distinct(accuracy: Accuracy, values: Sequence[Mapping[str, Any]]) -> Dict[str, ExampleAnswers]:
    """The answers of a side's runs by their digest, each once."""
    answers: Dict[str, ExampleAnswers] = {}
    for value in values:
        digest = _digest(value)
        if digest in answers:
            continue
        try:
            answers[digest] = answers_of(value)
        except ValueError as error:
            where = f"{accuracy.question.benchmark}: {accuracy.question.name}"
            raise ResultsError(f"{where}: {error}; measure it again, or restore the file") from None
    return answers


def _repeated(answers: Mapping[str, ExampleAnswers], values: Sequence[Mapping[str, Any]]) -> List[ExampleAnswers]:
    """The answers of every run, however often they are the same."""
    return [answers[_digest(value)] for value in values]


def _digest(value: Mapping[str, Any]) -> str:
    return str(value[ANSWERS].get(DIGEST))


def _decided(asked: _Asked, worse: float, better: float, level: Level) -> MetricVerdict:
    accuracy, paired, scale = asked.accuracy, asked.paired, asked.scale
    verdict, reason, p_adjusted = UNCHANGED, None, worse
    limit = MUST_DETECT_MARGINS * accuracy.margin
    if worse <= level.alpha:
        verdict = REGRESSED
    elif better <= level.alpha:
        verdict, p_adjusted = IMPROVED, better
    elif paired.p_worse < level.suspicion:
        verdict = INCONCLUSIVE
        reason = f"suspected to be worse, p = {paired.p_worse:.2g}; more examples are needed to decide"
    elif scale * paired.upper > limit:
        verdict = INCONCLUSIVE
        reason = (
            f"may be up to {scale * paired.upper:.3g} {_points(accuracy)} worse; more examples are needed to decide"
        )
    towards = 1.0 if accuracy.metric.better == LOWER else -1.0
    ends = sorted(towards * scale * end for end in paired.interval)
    figures = AccuracyFigures(
        difference=towards * scale * paired.loss,
        interval=(ends[0], ends[1]),
        margin=accuracy.margin,
        examples=asked.examples,
        lost=paired.lost,
        won=paired.won,
        detectable=None if paired.detectable is None else scale * paired.detectable,
    )
    return _plain(
        accuracy,
        verdict,
        reason,
        baseline=_mean(accuracy.question.base),
        candidate=_mean(accuracy.question.candidate),
        p_adjusted=p_adjusted,
        accuracy=figures,
    )


def _points(accuracy: Accuracy) -> str:
    return "points" if accuracy.metric.unit == PERCENT else accuracy.metric.unit


def _plain(asked: Accuracy, verdict: str, reason: Optional[str], **more: Any) -> MetricVerdict:
    question = asked.question
    return MetricVerdict(
        verdict,
        MEAN,
        question.metric.unit,
        question.gates,
        baseline_runs=len(question.base),
        candidate_runs=len(question.candidate),
        reason=reason,
        **more,
    )


def _mean(values: Sequence[Mapping[str, Any]]) -> float:
    return float(np.mean([float(value["mean"]) for value in values]))

"""The rule for sizes in bytes, above all the process's peak memory: every run beyond a margin."""

from __future__ import annotations

import math
from statistics import median
from typing import Any, List, Sequence

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.rules.rule import Answer, Answers, Case, Question, Rule
from pytest_edgeperf.judge.statistics.contrasts import VALUE
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.units import UNIT_BYTES, is_size
from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, MetricVerdict
from pytest_edgeperf.results.types import Metric

MEMORY = "memory_process_peak"

RELATIVE_MARGIN = 0.02
MARGIN_BYTES = 2 * 2**20
#: Scaled median absolute deviations of the baseline; 1.4826 makes one of them a normal standard deviation.
MARGIN_DEVIATIONS = 4.0 * 1.4826

MIN_CANDIDATE_RUNS = 3
MIN_BASELINE_RUNS = 5


class SizeRule(Rule):
    """Judges metrics in bytes that are one number in each run."""

    def gates(self, name: str, metric: Metric) -> bool:
        """The peak memory of the process does."""
        return name == MEMORY

    def judges(self, question: Question) -> bool:
        """Numbers in a unit of size."""
        return is_size(question.metric.unit) and not question.some_summaries

    def count(self, case: Case) -> int:
        """One a benchmark."""
        return len(case.family.benchmarks)

    def answer(self, questions: Sequence[Question], level: Level, case: Case) -> Answers:
        """Judge each size by itself."""
        return Answers([judge_size(question, case.family) for question in questions])


def margin(baseline: Sequence[float], unit: str, relative: float = RELATIVE_MARGIN) -> float:
    """Return max(2 %, 2 MiB, 4 x 1.4826 MAD) of the baseline runs, in their unit.

    Calibrated on the peak resident memory of nine workloads: no false alarm in most of 2000 sessions
    of 50 tests (at most 0.45 %), and 5 % more found in seven of ten. The median absolute deviation is
    Hampel's (1974, JASA 69).
    """
    return max(relative * abs(median(baseline)), MARGIN_BYTES / UNIT_BYTES[unit], scatter_margin(baseline))


def scatter_margin(baseline: Sequence[float]) -> float:
    """Return the part of a margin that the scatter of the baseline's runs asks for."""
    middle = median(baseline)
    return MARGIN_DEVIATIONS * median([abs(value - middle) for value in baseline])


def checked_numbers(values: Sequence[Any], benchmark: str, metric: str) -> List[float]:
    """Return the values as floats; refuse what is not a finite number and name where it is from."""
    for value in values:
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{benchmark}: {metric} is {value!r}; it must be a finite number")
    return [float(value) for value in values]


def judge_size(question: Question, family: Family) -> Answer:
    """Regressed if every candidate run is beyond the baseline's median by more than the margin.

    That takes 3 candidate and 5 baseline runs; with fewer a suspicion stays one. A tolerance that was asked for stands
    in for the 2 %, if it is the session's only where it is larger; ``improved`` is the mirror image.
    """
    baseline, candidate = (
        checked_numbers(values, question.benchmark, question.name) for values in (question.base, question.candidate)
    )
    own, unit = family.asked_for(question.benchmark, question.name), question.metric.unit
    relative = max(family.tolerance, RELATIVE_MARGIN) if own is None else own
    middle, new = median(baseline), median(candidate)
    beyond = margin(baseline, unit, relative)
    above, below = min(candidate) > middle + beyond, max(candidate) < middle - beyond
    threshold = middle + question.sign * beyond
    side = "above" if question.sign > 0 else "below"
    return answer_all_beyond(
        question,
        baseline,
        candidate,
        worse=above if question.sign > 0 else below,
        better=below if question.sign > 0 else above,
        reason=f"all of {len(candidate)} runs are {side} {threshold:.4g} {unit}",
        ratio=new / middle if middle > 0 and new > 0 else None,
        detectable=threshold / middle if middle > 0 and threshold > 0 else None,
        tolerance=relative,
    )


def answer_all_beyond(
    question: Question,
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    worse: bool,
    better: bool,
    reason: str,
    otherwise: str = "",
    **figures: Any,
) -> Answer:
    """Return the verdict where all runs, or not all, are beyond a threshold on the worse or the better side.

    Args:
        question: what is judged.
        baseline: its numbers.
        candidate: likewise.
        worse: whether all candidate runs are beyond on the worse side.
        better: whether all are on the other.
        reason: what is said of the former.
        otherwise: what is said where they are not.
        figures: further fields of the verdict.
    """
    enough = len(candidate) >= MIN_CANDIDATE_RUNS and len(baseline) >= MIN_BASELINE_RUNS
    verdict, said, needed = UNCHANGED, otherwise, None
    if worse:
        verdict, said = REGRESSED if enough and question.may_regress else INCONCLUSIVE, reason
        if len(candidate) < MIN_CANDIDATE_RUNS:
            needed = MIN_CANDIDATE_RUNS
        if len(baseline) < MIN_BASELINE_RUNS:
            said += f"; {MIN_BASELINE_RUNS} baseline runs are needed, there are {len(baseline)}"
    elif better and enough:
        verdict = IMPROVED
    metric_verdict = MetricVerdict(
        verdict=verdict,
        summary=VALUE,
        unit=question.metric.unit,
        gates=question.gates,
        baseline=median(baseline),
        candidate=median(candidate),
        baseline_runs=len(baseline),
        candidate_runs=len(candidate),
        runs_needed=needed,
        reason=said or None,
        **figures,
    )
    return Answer(question.benchmark, question.name, metric_verdict, suspicious=verdict == INCONCLUSIVE)

"""Slopes and intercepts of a study's series that gate: the candidate's line against the baseline's.

A slope and an intercept are weighted sums of the points, whether a line explains them or not. Each point is the
geometric mean over runs of their medians, its variance that of the judge (moderated over all points that are asked
about, with the floors for runs and sessions), and the sum's degrees of freedom are Satterthwaite's (Biometrics
Bulletin 2, 1946).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.special import stdtr, stdtrit

from pytest_edgeperf.judge.rules.rule import Answers, Case, Question, Rule
from pytest_edgeperf.judge.statistics.contrasts import Contrast, NoLogarithmError, contrast_medians
from pytest_edgeperf.judge.statistics.corrections import Level, adjusted, runs_factors
from pytest_edgeperf.judge.statistics.session_variance import between_sessions
from pytest_edgeperf.judge.statistics.t_tests import INTERVAL_TAIL, moderate
from pytest_edgeperf.judge.studies.study_results import places
from pytest_edgeperf.judge.units import is_size
from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, NEW, REGRESSED, UNCHANGED, LineVerdict
from pytest_edgeperf.results.study_definitions import SLOPE, Place, Study
from pytest_edgeperf.results.types import LOWER, Results

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

#: Two coordinates give a line that nothing contradicts.
FEWEST_COORDINATES = 3
#: A baseline's slope whose standard error is a larger share of it is no measure of a change.
_WELL_KNOWN = 0.25


class _Series(NamedTuple):
    study: Study
    name: str
    metric: str
    unit: str
    benchmarks: Tuple[str, ...]


class _Point(NamedTuple):
    """One benchmark of a series: its coordinate on both sides, and the contrast of its runs' medians."""

    base_x: float
    x: float
    contrast: Contrast


class _Line(NamedTuple):
    """A series whose points are all there, and where their contrasts are among those of the session."""

    series: _Series
    points: Sequence[_Point]
    first: int
    may_regress: bool


class _JudgedLine(NamedTuple):
    """A verdict, and whether more runs were worth their time."""

    verdict: LineVerdict
    suspicious: bool = False


class _Estimate(NamedTuple):
    """A slope or an intercept on both sides, and how its change beyond what is tolerated stands to its error."""

    baseline: float
    candidate: float
    margin: float
    baseline_error: float
    #: Of the difference, and of what is left of it beyond the margin.
    error: float
    freedom: float
    runs: int
    baseline_runs: int


class StudyLinesRule(Rule):
    """Judges the slopes and intercepts that the candidate's studies let gate.

    How many there are depends on what was collected and not on what was measured. Sizes, quotients and metrics of
    which more is better have lines, but none that gates: a size has a rule of its own, and "worse" no direction.
    """

    in_lock_step = False

    def judges(self, question: Question) -> bool:
        """No metric of a single benchmark."""
        return False

    def count(self, case: Case) -> int:
        """Every slope and every intercept that gates."""
        return sum(len(series.study.gate) for series in _gating_series(case))

    def answer(self, questions: Sequence[Question], level: Level, case: Case) -> Answers:
        """Judge all of them together, by the evidence on each benchmark."""
        lines: List[_Line] = []
        contrasts: List[Contrast] = []
        judged: List[_JudgedLine] = []
        for series in _gating_series(case):
            points = _points(series, case)
            if len({point.x for point in points}) < FEWEST_COORDINATES:
                judged += _not_judged(series, points)
                continue
            names = [point.contrast.benchmark for point in points]
            lines.append(_Line(series, points, len(contrasts), all(map(case.may_regress, names))))
            contrasts += [point.contrast for point in points]
        if lines:
            judged += _judged(lines, contrasts, level, case)
        suspects = frozenset(name for line in judged if line.suspicious for name in line.verdict.benchmarks)
        return Answers(lines=tuple(line.verdict for line in judged), suspects=suspects)


def _gating_series(case: Case) -> List[_Series]:
    studies = [study for study in case.candidate.studies.values() if study.gate]
    if not studies:
        return []
    collected = set(case.family.benchmarks)
    placed = {name: place for name, place in places(case.candidate).items() if name in collected}
    return [series for study in studies for series in _series_of(study, placed, case.candidate)]


def _series_of(study: Study, placed: Mapping[str, Place], candidate: Results) -> List[_Series]:
    names: Dict[str, List[str]] = {}
    for name, place in placed.items():
        if place.study == study.name:
            names.setdefault(place.series, []).append(name)
    series_found = []
    for metric in study.metrics:
        for series, benchmarks in names.items():
            metrics = [candidate.benchmarks[name].metrics for name in benchmarks]
            declared = next((declarations[metric] for declarations in metrics if metric in declarations), None)
            if declared is not None and declared.better == LOWER and not is_size(declared.unit):
                series_found.append(_Series(study, series, metric, declared.unit, tuple(benchmarks)))
    return series_found


def _points(series: _Series, case: Case) -> List[_Point]:
    points = []
    for name in series.benchmarks:
        evidence, before, now = case.evidence.get(name), _place(case.base, name), _place(case.candidate, name)
        if evidence is None or before is None or now is None or before.study != series.study.name:
            continue
        if series.metric in evidence.changed_metrics or series.metric not in evidence.metrics:
            continue
        base, new = ([value for value in side if _has_median(value)] for side in evidence.values(series.metric))
        if not base or not new:
            continue
        try:
            contrast = contrast_medians(
                name, series.metric, base, new, origins=evidence.origins(series.metric, _has_median)
            )
        except NoLogarithmError:
            continue
        points.append(_Point(before.x, now.x, contrast))
    return points


def _place(results: Results, name: str) -> Optional[Place]:
    benchmark = results.benchmarks.get(name)
    return None if benchmark is None else benchmark.place


def _judged(lines: Sequence[_Line], contrasts: Sequence[Contrast], level: Level, case: Case) -> List[_JudgedLine]:
    squares = np.array([contrast.squares for contrast in contrasts])
    freedom = np.array([float(contrast.freedom) for contrast in contrasts])
    moderation = moderate(contrasts, squares, freedom)
    asked = [
        (line, part, _estimate(line, part, moderation.variance, moderation.prior_freedom + freedom, case))
        for line in lines
        for part in line.series.study.gate
    ]
    known = [(line, part, estimate) for line, part, estimate in asked if estimate is not None]
    tested = _p_values([estimate for _, _, estimate in known], level)
    answers = [
        _JudgedLine(_verdict(line, part, None, reason="one run on each side says nothing about the variance"))
        for line, part, estimate in asked
        if estimate is None
    ]
    for (line, part, estimate), (p_worse, worse, better) in zip(known, tested):
        answers.append(_decided(line, part, estimate, p_worse, worse, better, level, case))
    return answers


def _estimate(line: _Line, part: str, variance: Array, freedom: Array, case: Case) -> Optional[_Estimate]:
    tolerance = case.family.tolerance
    where = slice(line.first, line.first + len(line.points))
    sigma2, nu = variance[where], freedom[where]
    if not np.all(nu > 0):
        return None
    base = np.array([point.contrast.baseline for point in line.points])
    new = np.array([point.contrast.candidate for point in line.points])
    base_weights = point_weights([point.base_x for point in line.points], part)
    weights = point_weights([point.x for point in line.points], part)
    contrasts = [point.contrast for point in line.points]
    base_runs = np.array([float(contrast.baseline_runs) for contrast in contrasts])
    runs = np.array([float(contrast.candidate_runs) for contrast in contrasts])
    session = between_sessions([contrast.nested for contrast in contrasts], sigma2).variance
    session = session + np.array([contrast.other_variance for contrast in contrasts])
    session = session + case.suite.excess.get(line.series.metric, 0.0)
    of_base = (base_weights * base) ** 2 * sigma2 / base_runs
    of_new = (weights * new) ** 2 * (sigma2 / runs + session)
    baseline = float(base_weights @ base)
    if part == SLOPE:
        margin, grown = tolerance * baseline, (1 + tolerance) ** 2
    else:
        margin, grown = tolerance * float(base[np.argmin([point.base_x for point in line.points])]), 1.0
    parts = grown * of_base + of_new
    return _Estimate(
        baseline,
        float(weights @ new),
        margin,
        math.sqrt(float(of_base.sum())),
        math.sqrt(float(parts.sum())),
        float(parts.sum() ** 2 / np.sum(parts**2 / nu)),
        int(runs.min()),
        int(base_runs.min()),
    )


def _decided(
    line: _Line,
    part: str,
    estimate: _Estimate,
    p_worse: float,
    worse: float,
    better: float,
    level: Level,
    case: Case,
) -> _JudgedLine:
    tolerance = case.family.tolerance
    verdict, reason = UNCHANGED, None
    suspicious = p_worse < level.suspicion
    if part == SLOPE and estimate.baseline_error > _WELL_KNOWN * estimate.baseline:
        reason = "the baseline's slope is too uncertain to detect a change of it"
        return _JudgedLine(_verdict(line, part, estimate, reason=reason, tolerance=tolerance))
    if worse <= level.alpha and line.may_regress:
        verdict, suspicious = REGRESSED, False
    elif suspicious:
        verdict, reason = INCONCLUSIVE, f"suspected to be worse, p = {p_worse:.2g}"
    elif better <= level.alpha and case.stage.final:
        verdict = IMPROVED
    p_adjusted = better if verdict == IMPROVED else worse
    answer = _verdict(line, part, estimate, verdict, reason, p_adjusted=p_adjusted, tolerance=tolerance)
    return _JudgedLine(answer, suspicious)


def _has_median(value: Any) -> bool:
    return not isinstance(value, Mapping) or "p50" in value


def point_weights(x: Sequence[float], part: str) -> Array:
    """What each point counts in the slope, or in the intercept, of the line with the least squares."""
    coordinates = np.array(x)
    centred = coordinates - coordinates.mean()
    slope = centred / float(centred @ centred)
    return np.asarray(slope if part == SLOPE else 1 / len(x) - coordinates.mean() * slope, dtype=np.float64)


def _p_values(estimates: Sequence[_Estimate], level: Level) -> List[Tuple[float, float, float]]:
    """Of each: the raw p-value of being worse by more than the margin, and both directions' adjusted ones."""
    if not estimates:
        return []
    difference = np.array([estimate.candidate - estimate.baseline for estimate in estimates])
    margin = np.array([estimate.margin for estimate in estimates])
    error = np.array([estimate.error for estimate in estimates])
    freedom = np.array([estimate.freedom for estimate in estimates])
    p_worse = stdtr(freedom, (margin - difference) / error)
    p_better = stdtr(freedom, (margin + difference) / error)
    runs = np.array([float(estimate.runs) for estimate in estimates])
    base_runs = np.array([float(estimate.baseline_runs) for estimate in estimates])
    worse = adjusted(p_worse, runs_factors(runs, base_runs), level.family_size, level.share)
    better = adjusted(p_better, runs_factors(base_runs, runs), level.family_size, level.share)
    return list(zip(p_worse.tolist(), worse.tolist(), better.tolist()))


def _not_judged(series: _Series, points: Sequence[_Point]) -> List[_JudgedLine]:
    coordinates = len({point.x for point in points})
    reason = f"a gating line needs {FEWEST_COORDINATES} coordinates that both sides have; there are {coordinates}"
    verdict = INCONCLUSIVE if points else NEW
    return [
        _JudgedLine(
            LineVerdict(
                series.study.name,
                series.name,
                series.metric,
                part,
                verdict,
                unit=series.unit,
                benchmarks=series.benchmarks,
                reason=reason,
            )
        )
        for part in series.study.gate
    ]


def _verdict(
    line: _Line,
    part: str,
    estimate: Optional[_Estimate],
    verdict: str = INCONCLUSIVE,
    reason: Optional[str] = None,
    **more: Any,
) -> LineVerdict:
    series = line.series
    unit = f"{series.unit} per {series.study.x_unit or series.study.x}" if part == SLOPE else series.unit
    figures: Dict[str, Any] = {}
    if estimate is not None:
        reach = -float(stdtrit(estimate.freedom, INTERVAL_TAIL)) * estimate.error
        difference = estimate.candidate - estimate.baseline
        figures = {
            "baseline": estimate.baseline,
            "candidate": estimate.candidate,
            "interval": (difference - reach, difference + reach),
        }
    return LineVerdict(
        series.study.name,
        series.name,
        series.metric,
        part,
        verdict,
        unit=unit,
        benchmarks=tuple(point.contrast.benchmark for point in line.points),
        reason=reason,
        **figures,
        **more,
    )

"""Studies as plain values, for programs."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from pytest_edgeperf.judge.studies.across_files import Across
from pytest_edgeperf.judge.studies.line_fits import Interval, LineFit
from pytest_edgeperf.judge.studies.line_pieces import Pieces
from pytest_edgeperf.judge.studies.pareto_fronts import ParetoFront, ParetoPoint
from pytest_edgeperf.judge.studies.series_ratios import SeriesRatios
from pytest_edgeperf.judge.studies.shares import SeriesShares
from pytest_edgeperf.judge.studies.study_results import SeriesResult, StudyResult


def across_to_dict(across: Across) -> Dict[str, Any]:
    """What ``edgeperf report --format json`` prints: studies by name, and the remarks."""
    return {
        "studies": {study.study.name: study_to_dict(study) for study in across.studies},
        "remarks": list(across.remarks),
    }


def study_to_dict(result: StudyResult) -> Dict[str, Any]:
    """One study: its description as stored, and what was measured of it."""
    return {
        "study": result.study.to_dict(),
        "series": [_series_to_dict(series) for series in result.series],
        "ratios": [_ratios_to_dict(ratio) for ratio in result.ratios],
        "rankings": [
            {
                "metric": ranking.metric,
                "x": ranking.x,
                "groups": [list(group) for group in ranking.groups],
                "told": ranking.separated,
            }
            for ranking in result.rankings
        ],
        "shares": [_shares_to_dict(share) for share in result.shares],
        "pareto": [_pareto_to_dict(front) for front in result.pareto],
        **(
            {"labels": [{"x": x, "label": label} for x, label in sorted(result.labels.items())]}
            if result.labels
            else {}
        ),
    }


def _series_to_dict(series: SeriesResult) -> Dict[str, Any]:
    values: Dict[str, Any] = {
        "series": series.series,
        "metric": series.metric,
        "unit": series.unit,
        "points": [
            {"x": point.x, "value": point.value, "runs": len(point.runs), "benchmark": point.benchmark}
            for point in series.points
        ],
        "line": _fit_to_dict(series.fit),
        "pieces": _pieces_to_dict(series.pieces),
    }
    pays = series.pays_up_to()
    return values if pays is None else {**values, "pays_up_to": pays}


def _fit_to_dict(fit: Optional[LineFit]) -> Optional[Dict[str, Any]]:
    if fit is None:
        return None
    return {
        "slope": fit.slope,
        "slope_interval": _ends(fit.slope_interval),
        "intercept": fit.intercept,
        "intercept_interval": _ends(fit.intercept_interval),
        "residual_sd": fit.residual_sd,
        "r_squared": fit.r_squared,
        "n": fit.n,
    }


def _pieces_to_dict(pieces: Optional[Pieces]) -> Optional[Dict[str, Any]]:
    if pieces is None:
        return None
    return {
        "lines": [
            {"x_from": piece.x_from, "x_to": piece.x_to, "line": _fit_to_dict(piece.fit)} for piece in pieces.pieces
        ],
        "breaks": [
            {"after": break_.after, "before": break_.before, "interval": _ends(break_.interval)}
            for break_ in pieces.breaks
        ],
        "p_straight": pieces.p_straight,
        "p_fewer": pieces.p_fewer,
        "agreeing": pieces.agreeing,
    }


def _ratios_to_dict(ratios: SeriesRatios) -> Dict[str, Any]:
    return {
        "metric": ratios.metric,
        "series": ratios.series,
        "over": ratios.over,
        "points": [
            {
                "x": point.x,
                "times_better": point.times_better,
                "interval": _ends(point.interval),
                "runs": list(point.runs),
            }
            for point in ratios.points
        ],
    }


def _shares_to_dict(shares: SeriesShares) -> Dict[str, Any]:
    return {
        "series": shares.series,
        "points": [
            {"x": point.x, "parts": dict(point.parts), "rest": point.rest, "runs": point.runs}
            for point in shares.points
        ],
    }


def _pareto_to_dict(front: ParetoFront) -> Dict[str, Any]:
    return {
        "cost": {"metric": front.cost, "unit": front.cost_metric.unit, "better": front.cost_metric.better},
        "gain": {"metric": front.gain, "unit": front.gain_metric.unit, "better": front.gain_metric.better},
        "points": [_pareto_point_to_dict(point, front.points) for point in front.points],
    }


def _pareto_point_to_dict(point: ParetoPoint, points: Sequence[ParetoPoint]) -> Dict[str, Any]:
    values = {**_identity(point), "cost": point.cost, "gain": point.gain, "front": point.on_front}
    if point.dominated_by is not None:
        values.update(dominated_by=_identity(points[point.dominated_by]), told=point.separated)
    elif point.step is not None:
        values.update(step={"cost": point.step.cost, "gain": point.step.gain})
    return values


def _identity(point: ParetoPoint) -> Dict[str, Any]:
    return {"series": point.series, "x": point.x, "benchmark": point.benchmark}


def _ends(interval: Optional[Interval]) -> Optional[List[float]]:
    return None if interval is None else list(interval)

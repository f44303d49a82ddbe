"""What a page shows of one benchmark, as plain values: its row in the list, and what it opens to."""

from __future__ import annotations

import hashlib
import math
from typing import Any, Dict, List, Mapping, Optional

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    REGRESSED,
    UNCHANGED,
    AccuracyFigures,
    BenchmarkVerdict,
    MetricVerdict,
)
from pytest_edgeperf.report.accuracy_text import difference, examples_text, points
from pytest_edgeperf.report.explanation_text import with_explanation
from pytest_edgeperf.report.figures import LATENCY, PHASES, compared_figure, deciding_metric, figure, metric_label
from pytest_edgeperf.report.html.run_data import Sessions, pairs_of, runs_of, scale_of, short, values_of
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.numbers import change, in_seconds, percent, quantities, quantity
from pytest_edgeperf.report.sentences import differences_text, inconclusive_text, regression_text
from pytest_edgeperf.results.benchmark_matching import canonical_id, file_of, function_of
from pytest_edgeperf.results.explanations import Explanation
from pytest_edgeperf.results.types import Benchmark

FAILED, MEASURED = "failed", "measured"
#: What each row has, be it empty.
_ALWAYS = ("id", "file", "function")


class Words:
    """Texts that many rows have, each once: a row holds the place in the list."""

    def __init__(self) -> None:
        self._places: Dict[str, int] = {}

    def place(self, word: str) -> int:
        """The place of a text in :meth:`listed`."""
        return self._places.setdefault(word, len(self._places))

    def listed(self) -> List[str]:
        """Every text."""
        return list(self._places)


def anchor(benchmark_id: str) -> str:
    """What a link to a benchmark ends in: the same in every report."""
    return "b-" + hashlib.sha256(canonical_id(benchmark_id).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def benchmark_ids(subject: Subject) -> List[str]:
    """Every benchmark that there is something to say of: what was judged, measured, failed or refused."""
    report = subject.report
    judged = () if report.comparison is None else report.comparison.benchmarks
    return list(dict.fromkeys((*judged, *report.measured.benchmarks, *report.faults, *report.refused)))


def benchmark_data(benchmark_id: str, subject: Subject, sessions: Sessions, words: Words) -> Dict[str, Any]:
    """The row of a benchmark, and what it opens to."""
    verdict = subject.comparison.benchmarks.get(benchmark_id)
    measured, base = subject.measured.benchmarks.get(benchmark_id), subject.base(benchmark_id)
    word = _word(benchmark_id, subject, verdict)
    name = canonical_id(benchmark_id)
    file, function = file_of(name), function_of(name)
    shown = measured if measured is not None else base
    row: Dict[str, Any] = {
        "id": benchmark_id,
        "anchor": anchor(benchmark_id),
        "file": file,
        "function": function[len(file) :].lstrip(":") or name,
        "parameters": name[len(function) :],
        "verdict": word,
        **_latency(shown, verdict if measured is not None else None, "" if measured is not None else "was "),
        **_moved(verdict),
        "sentences": _sentences(benchmark_id, subject, verdict),
        "metrics": _metrics(base, measured, verdict, words),
        **_accuracies(verdict),
    }
    main = _main_metric(shown)
    if main is not None and shown is not None:
        unit, size = scale_of(base, measured, main)
        row["main"] = [metric_label(main), unit]
        row["base"] = runs_of(base, main, size, sessions)
        row["now"] = runs_of(measured, main, size, sessions)
        row["phases"] = _phases(base, measured, shown, main, size)
        row["others"] = _others(base, measured, verdict, main)
    row["pairs"] = pairs_of(benchmark_id, subject)
    return {key: value for key, value in row.items() if key in _ALWAYS or value not in (None, [], {}, "")}


def _word(benchmark_id: str, subject: Subject, verdict: Optional[BenchmarkVerdict]) -> str:
    if benchmark_id in subject.report.faults:
        return FAILED
    return MEASURED if verdict is None else verdict.verdict


def _latency(benchmark: Optional[Benchmark], verdict: Optional[BenchmarkVerdict], before: str) -> Dict[str, Any]:
    """The figure of the row: the median latency, or of the first metric."""
    name = _main_metric(benchmark)
    if benchmark is None or name is None:
        return {}
    value = compared_figure(benchmark, name, None if verdict is None else verdict.metrics.get(name))
    if value is None:
        return {}
    unit = benchmark.metrics[name].unit
    label = before if name == LATENCY else f"{before}{metric_label(name)} "
    return {"value": f"{label}{quantity(value, unit)}", "sort": in_seconds(value, unit) if name == LATENCY else value}


def _moved(verdict: Optional[BenchmarkVerdict]) -> Dict[str, Any]:
    """The change of the row: of the metric that decided, or of the latency."""
    if verdict is None:
        return {}
    decides = verdict.verdict in (REGRESSED, IMPROVED) or LATENCY not in verdict.metrics
    name = deciding_metric(verdict) if decides else LATENCY
    if name is None:
        return {}
    return _change(name, verdict.metrics[name], of_latency="")


def _change(name: str, metric: MetricVerdict, of_latency: Optional[str] = None) -> Dict[str, Any]:
    label = metric_label(name, metric)
    if of_latency is not None and label == LATENCY:
        label = of_latency
    if metric.accuracy is not None:
        moved, _, interval = difference(metric.accuracy, metric.unit).partition(" [")
        return {"label": label, "change": moved, "interval": f"[{interval}"}
    if metric.ratio is None:
        return {"label": label} if label else {}
    shown: Dict[str, Any] = {"label": label, "change": change(metric.ratio), "ratio": _hundredths(metric.ratio)}
    if metric.interval is not None:
        low, high = metric.interval
        shown["interval"] = f"[{percent(low - 1)}, {percent(high - 1)}]"
        shown["ends"] = [_hundredths(low), _hundredths(high)]
    if metric.tolerance is not None:
        shown["tolerance"] = round(100 * metric.tolerance, 4)
    return {key: value for key, value in shown.items() if value != ""}


def _sentences(benchmark_id: str, subject: Subject, verdict: Optional[BenchmarkVerdict]) -> List[str]:
    report = subject.report
    lines: List[str] = []
    if benchmark_id in report.faults:
        lines += report.faults[benchmark_id].splitlines()
    elif verdict is not None:
        lines += _judged(benchmark_id, verdict, subject.measured.explanations.get(benchmark_id))
    if benchmark_id in report.refused:
        lines.append(f"Not accepted: {report.refused[benchmark_id]}")
    if benchmark_id in report.refreshed:
        lines.append(f"Baseline: {report.refreshed[benchmark_id]}")
    if benchmark_id in report.crept:
        creep = report.crept[benchmark_id]
        lines.append(
            f"Slower than the anchor, in steps that were accepted: latency {change(creep.ratio)} since {creep.since}"
        )
    return [line for line in lines if line.strip()]


def _judged(benchmark_id: str, verdict: BenchmarkVerdict, explanation: Optional[Explanation]) -> List[str]:
    if verdict.verdict == REGRESSED:
        return with_explanation(regression_text(benchmark_id, verdict), explanation).splitlines()
    lines: List[str] = []
    if verdict.verdict == INCONCLUSIVE:
        lines.append(inconclusive_text(verdict))
    elif verdict.reason:
        lines.append(verdict.reason)
    elif verdict.verdict == UNCHANGED and LATENCY in verdict.metrics:
        rules_out = verdict.metrics[LATENCY].rules_out
        if rules_out is not None:
            lines.append(f"Rules out a slowdown of {percent(rules_out, sign=False)} % or more (95 % confidence)")
    if verdict.differences:
        kind = "differ" if verdict.verdict == INCOMPARABLE else "differ, which only informs"
        lines.append(f"Environments {kind}: {differences_text(verdict.differences)}")
    return lines


def _metrics(
    base: Optional[Benchmark], measured: Optional[Benchmark], verdict: Optional[BenchmarkVerdict], words: Words
) -> List[List[Any]]:
    """A row per metric: name, both figures, the change in per cent and its ends, verdict, whether it decides.

    Name and verdict are places among the words.

    An accuracy's change is a text, in points; what ends a row and is not known is left out.
    """
    judged: Mapping[str, MetricVerdict] = {} if verdict is None else verdict.metrics
    described = {**(base.metrics if base else {}), **(measured.metrics if measured else {})}
    rows = []
    for name in dict.fromkeys((*judged, *described)):
        known = judged.get(name)
        unit = known.unit if known is not None else described[name].unit
        before = known.baseline if known is not None and known.baseline is not None else _figure(base, name)
        now = known.candidate if known is not None and known.candidate is not None else _figure(measured, name)
        if before is None and now is None:
            continue
        paired = ", pair by pair" if known is not None and known.paired else ""
        row: List[Any] = [words.place(metric_label(name, known) + paired)]
        row += _pair(before, now, unit)
        if known is not None:
            row += [*_moved_by(known), words.place(known.verdict), int(known.gates)]
        elif before and now is not None and before > 0 and now > 0:
            row.append(_hundredths(now / before))
        rows.append(row)
    return rows


def _moved_by(metric: MetricVerdict) -> List[Any]:
    """The change in per cent and the ends of its interval."""
    if metric.accuracy is not None:
        return [difference(metric.accuracy, metric.unit), None, None]
    if metric.ratio is None:
        return [None, None, None]
    return [_hundredths(ratio) for ratio in (metric.ratio, *(metric.interval or (None, None)))]


def _hundredths(ratio: Optional[float]) -> Optional[float]:
    """A ratio as a change in per cent, to two decimals."""
    return None if ratio is None or not math.isfinite(ratio) else round(100 * (ratio - 1), 2)


def _pair(before: Optional[float], now: Optional[float], unit: str) -> List[Optional[str]]:
    """Both figures of a metric, in one unit."""
    texts, one_unit = quantities([value for value in (before, now) if value is not None], unit)
    shown = iter(texts)
    return [None if value is None else f"{next(shown)} {one_unit}".rstrip() for value in (before, now)]


def _accuracies(verdict: Optional[BenchmarkVerdict]) -> Dict[str, Any]:
    judged = {} if verdict is None else {name: m for name, m in verdict.metrics.items() if m.accuracy is not None}
    return {"accuracies": [_accuracy(name, metric) for name, metric in judged.items()]}


def _accuracy(name: str, metric: MetricVerdict) -> Dict[str, Any]:
    answers = metric.accuracy
    assert isinstance(answers, AccuracyFigures)
    return {
        "name": metric_label(name, metric),
        "difference": difference(answers, metric.unit, "95 %: "),
        "examples": answers.examples,
        "lost": answers.lost,
        "won": answers.won,
        "same": answers.same,
        "text": examples_text(answers),
        "margin": points(answers.margin, metric.unit),
    }


def _main_metric(benchmark: Optional[Benchmark]) -> Optional[str]:
    if benchmark is None:
        return None
    if LATENCY in benchmark.metrics:
        return LATENCY
    return next((name for name in benchmark.metrics if figure(benchmark, name) is not None), None)


def _figure(benchmark: Optional[Benchmark], name: str) -> Optional[float]:
    return figure(benchmark, name) if benchmark is not None else None


def _phases(
    base: Optional[Benchmark], measured: Optional[Benchmark], shown: Benchmark, main: str, size: float
) -> List[List[Any]]:
    """Name, baseline, candidate of each phase, in the unit of the charts; none where there are fewer than two."""
    if main != LATENCY:
        return []
    unit = shown.metrics[LATENCY].unit
    rows = []
    for name in PHASES:
        sides = []
        for side in (base, measured):
            same_unit = side is not None and name in side.metrics and side.metrics[name].unit == unit
            sides.append(short(_figure(side, name), size) if same_unit else None)
        if sides != [None, None]:
            rows.append([name, *sides])
    return rows if len(rows) > 1 else []


def _others(
    base: Optional[Benchmark], measured: Optional[Benchmark], verdict: Optional[BenchmarkVerdict], main: str
) -> List[Dict[str, Any]]:
    """The runs' values of every other metric that decides and is not unchanged; accuracies are shown by examples."""
    shown = []
    for name, metric in ({} if verdict is None else verdict.metrics).items():
        known = next(
            (side.metrics[name] for side in (measured, base) if side is not None and name in side.metrics), None
        )
        shows = metric.gates and metric.verdict != UNCHANGED and metric.accuracy is None
        if name == main or known is None or not shows:
            continue
        shown.append(
            {
                "name": metric_label(name),
                "unit": known.unit,
                "base": values_of(base, name),
                "now": values_of(measured, name),
            }
        )
    return shown

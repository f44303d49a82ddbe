"""JUnit properties: a benchmark's figures at its test, and what holds for all of them at the suite.

xunit2, pytest's default, allows properties at the suite only; xunit1 also at a test.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from pytest_edgeperf.judge.verdicts import AccuracyFigures, BenchmarkVerdict, MetricVerdict
from pytest_edgeperf.report.exported import cut, safe_name
from pytest_edgeperf.report.exporters.interface import Exporter
from pytest_edgeperf.report.figures import LATENCY, figure, has_samples
from pytest_edgeperf.report.headline import session_headline
from pytest_edgeperf.report.numbers import significant
from pytest_edgeperf.report.outcome import outcome_of_session
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import judged
from pytest_edgeperf.results.types import Benchmark

_SUMMARIES = ("p50", "p95", "p99")
#: In bytes; a viewer shows them in a column.
_LONGEST_NAME, _LONGEST_VALUE = 200, 500


class JUnit(Exporter):
    """Properties of each test in the file that ``--junit-xml`` writes."""

    name = "junit"

    def properties(self, benchmark: Benchmark, verdict: Optional[BenchmarkVerdict]) -> List[Tuple[str, str]]:
        """Figures, ratios and the verdict."""
        return junit_properties(benchmark, verdict)


def junit_properties(benchmark: Benchmark, verdict: Optional[BenchmarkVerdict] = None) -> List[Tuple[str, str]]:
    """For ``item.user_properties``: ``("edgeperf.latency_p50_ms", "12.2")``, …, ratios and the verdict."""
    properties: List[Tuple[str, str]] = []
    for name, metric in sorted(benchmark.metrics.items(), key=lambda pair: (pair[0] != LATENCY, pair[0])):
        unit = metric.unit.lower().replace("%", "percent").replace("/", "_per_").replace(" ", "_")
        for summary in _SUMMARIES if has_samples(benchmark, name) else ("p50",):
            value = figure(benchmark, name, summary)
            if value is not None:
                middle = f"_{summary}" if has_samples(benchmark, name) else ""
                properties.append((f"edgeperf.{name}{middle}" + (f"_{unit}" if unit else ""), significant(value)))
    properties.append(("edgeperf.runs", str(len(benchmark.runs))))
    if verdict is not None:
        properties.append(("edgeperf.verdict", verdict.verdict))
        if verdict.reason is not None:
            properties.append(("edgeperf.reason", verdict.reason))
        for name, of_metric in verdict.metrics.items():
            properties += _of_metric(name, of_metric)
            if of_metric.accuracy is not None:
                properties += _answered(name, of_metric.accuracy)
    return [(safe_name(name, _LONGEST_NAME), cut(value, _LONGEST_VALUE)) for name, value in properties]


def suite_properties(report: SessionReport) -> List[Tuple[str, str]]:
    """For the suite: ``("edgeperf.device", "nano")``, the verdict, counts, the commit, and the environment's fields.

    A field that differs between the session's runs has all its values.
    """
    counts = judged(report).summary
    runs = [run for benchmark in report.measured.benchmarks.values() for run in benchmark.runs]
    properties = {
        "device": report.device,
        "machine": report.machine,
        "mode": report.mode,
        "verdict": outcome_of_session(report).verdict,
        "summary": session_headline(report),
        **{word: str(number) for word, number in counts.items() if report.comparison is not None},
        "failed": str(len(report.faults)),
        "commit": ", ".join(sorted({str(run.commit) for run in runs if run.commit})),
        "against": report.against or "",
        "rounds": str(report.rounds),
    }
    fields: Dict[str, List[str]] = {}
    for environment in sorted({run.environment for run in runs}):
        for name, value in _flat(report.measured.environments.get(environment, {})):
            values = fields.setdefault(f"environment.{name}", [])
            values += [value] if value not in values else []
    properties.update({name: ", ".join(values) for name, values in sorted(fields.items())})
    return [
        (safe_name(f"edgeperf.{name}", _LONGEST_NAME), cut(text, _LONGEST_VALUE))
        for name, text in properties.items()
        if text
    ]


def _flat(fields: Mapping[str, Any], before: str = "") -> Iterator[Tuple[str, str]]:
    """The fields of nested mappings, by their path: ``("software.python", "3.11.7")``."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", str(value)


def _of_metric(name: str, verdict: MetricVerdict) -> List[Tuple[str, str]]:
    properties = []
    if verdict.ratio is not None:
        properties.append((f"edgeperf.{name}_ratio", f"{verdict.ratio:.4f}"))
    if verdict.interval is not None:
        properties.append((f"edgeperf.{name}_ratio_low", f"{verdict.interval[0]:.4f}"))
        properties.append((f"edgeperf.{name}_ratio_high", f"{verdict.interval[1]:.4f}"))
    if verdict.p_adjusted is not None:
        properties.append((f"edgeperf.{name}_p_adjusted", f"{verdict.p_adjusted:.3g}"))
    if verdict.detectable is not None and verdict.accuracy is None:
        properties.append((f"edgeperf.{name}_detectable_ratio", f"{verdict.detectable:.4f}"))
    return properties


def _answered(name: str, figures: AccuracyFigures) -> List[Tuple[str, str]]:
    properties = [
        (f"edgeperf.{name}_difference", f"{figures.difference:.4f}"),
        (f"edgeperf.{name}_difference_low", f"{figures.interval[0]:.4f}"),
        (f"edgeperf.{name}_difference_high", f"{figures.interval[1]:.4f}"),
        (f"edgeperf.{name}_examples", str(figures.examples)),
    ]
    if figures.lost is not None:
        properties += [(f"edgeperf.{name}_lost", str(figures.lost)), (f"edgeperf.{name}_won", str(figures.won))]
    return properties

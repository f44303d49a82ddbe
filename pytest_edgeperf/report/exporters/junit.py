"""A benchmark's figures as JUnit properties of its test."""

from __future__ import annotations

from typing import List, Optional, Tuple

from pytest_edgeperf.judge.verdicts import AccuracyFigures, BenchmarkVerdict, MetricVerdict
from pytest_edgeperf.report.exporters.interface import Exporter
from pytest_edgeperf.report.figures import LATENCY, figure, has_samples
from pytest_edgeperf.report.numbers import significant
from pytest_edgeperf.results.types import Benchmark

_SUMMARIES = ("p50", "p95", "p99")


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
        for name, judged in verdict.metrics.items():
            properties += _judged(name, judged)
            if judged.accuracy is not None:
                properties += _answered(name, judged.accuracy)
    return properties


def _judged(name: str, judged: MetricVerdict) -> List[Tuple[str, str]]:
    properties = []
    if judged.ratio is not None:
        properties.append((f"edgeperf.{name}_ratio", f"{judged.ratio:.4f}"))
    if judged.interval is not None:
        properties.append((f"edgeperf.{name}_ratio_low", f"{judged.interval[0]:.4f}"))
        properties.append((f"edgeperf.{name}_ratio_high", f"{judged.interval[1]:.4f}"))
    if judged.p_adjusted is not None:
        properties.append((f"edgeperf.{name}_p_adjusted", f"{judged.p_adjusted:.3g}"))
    if judged.detectable is not None and judged.accuracy is None:
        properties.append((f"edgeperf.{name}_detectable_ratio", f"{judged.detectable:.4f}"))
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

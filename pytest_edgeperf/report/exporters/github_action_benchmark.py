"""github-action-benchmark's custom JSON, once for what should be small and once for what should be big.

The action has a ``tool`` for each and judges all of a file in one direction, so that the two are never mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Dict, Iterator, List, Optional, Sequence

from pytest_edgeperf.report.exported import (
    Exported,
    ExportError,
    RunFigure,
    change_text,
    dumped,
    json_lines,
    run_figure,
    safe_name,
    safe_names,
)
from pytest_edgeperf.report.exporters.interface import ResultsExporter
from pytest_edgeperf.report.figures import has_samples
from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.results.types import HIGHER, LOWER

if TYPE_CHECKING:
    from pytest_edgeperf.judge.verdicts import BenchmarkVerdict
    from pytest_edgeperf.report.text import Paper

_SUMMARIES = ("p50", "p95")


class _GithubActionBenchmark(ResultsExporter):
    """Both directions."""

    better: ClassVar[str]

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """A figure a line, with half of its 95 % interval as its range.

        Raises:
            ExportError: there are figures, but none of this direction; the action refuses an empty list.
        """
        entries = [entry for exported in measured for entry in self._entries(exported)]
        if not entries and any(exported.results.benchmarks for exported in measured):
            direction = "lower" if self.better == LOWER else "higher"
            raise ExportError(
                f"{self.name}: no exported metric of these results is better when {direction}, and the action refuses "
                "an empty file; leave this format out, or measure such a metric (throughput and accuracies are better "
                "when higher)"
            )
        return json_lines("[", map(dumped, entries), "]")

    def _entries(self, exported: Exported) -> Iterator[Dict[str, object]]:
        device = safe_name(exported.results.device)
        names = safe_names(exported.results.benchmarks)
        for benchmark_id, benchmark in exported.results.benchmarks.items():
            for metric in exported.chosen(benchmark, headlines=True):
                if benchmark.metrics[metric].better != self.better:
                    continue
                for summary in _SUMMARIES if has_samples(benchmark, metric) else _SUMMARIES[:1]:
                    figure = run_figure(benchmark, metric, summary)
                    if figure is None or not figure.is_finite:
                        continue
                    sampled = f" {summary}" if has_samples(benchmark, metric) else ""
                    yield {
                        "name": f"{device}: {names[benchmark_id]} {safe_name(metric)}{sampled}",
                        "unit": safe_name(benchmark.metrics[metric].unit) if benchmark.metrics[metric].unit else "",
                        "value": figure.value,
                        **({} if figure.half_width is None else {"range": f"± {figure.half_width:.3g}"}),
                        "extra": "\n".join(_extra(figure, exported.verdict(benchmark_id), metric)),
                    }


def _extra(figure: RunFigure, verdict: Optional[BenchmarkVerdict], metric: str) -> List[str]:
    lines = [count(figure.runs, "run")]
    text = None if verdict is None else change_text(verdict.metrics.get(metric)) or verdict.verdict
    return lines if text is None else [*lines, f"edgeperf: {text}"]


class SmallerIsBetter(_GithubActionBenchmark):
    """``tool: customSmallerIsBetter``: latency, memory, energy."""

    name = "smaller-is-better"
    suffixes = (".smaller-is-better.json",)
    better = LOWER


class BiggerIsBetter(_GithubActionBenchmark):
    """``tool: customBiggerIsBetter``: throughput, accuracies."""

    name = "bigger-is-better"
    suffixes = (".bigger-is-better.json",)
    better = HIGHER

"""JSON for programs: one object, sorted keys, no figure that is not a number."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Dict, List

from pytest_edgeperf.report.exporters.interface import Exporter
from pytest_edgeperf.report.figures import figure
from pytest_edgeperf.report.summary_text import judged

if TYPE_CHECKING:
    from pytest_edgeperf.devices.doctor import Diagnosis
    from pytest_edgeperf.judge.noise.analysis import Noise
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.verdicts import Comparison
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.types import Benchmark

#: Of a session's report; results files have a format of their own.
FORMAT, VERSION = "edgeperf-report", 1
_SUMMARIES = ("min", "p05", "p50", "p95", "p99", "mean")


class Json(Exporter):
    """JSON."""

    name = "json"
    suffixes = (".json",)

    def session(self, report: SessionReport, paper: Paper) -> str:
        """Figures, verdicts, faults and notes of a session."""
        return _dumped(session_to_dict(report))

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """All that the judge said."""
        return _dumped(comparison.to_dict())

    def studies(self, across: Across, paper: Paper) -> str:
        """Studies by name, as they were described and measured."""
        from pytest_edgeperf.report.exporters.study_values import across_to_dict

        return _dumped(across_to_dict(across))

    def noise(self, noise: Noise, paper: Paper) -> str:
        """Spreads, detectable slowdowns, false alarms and remedies."""
        return _dumped(noise.to_dict())

    def diagnosis(self, device: str, machine: str, diagnosis: Diagnosis, paper: Paper) -> str:
        """All checks with their state."""
        return _dumped({"device": device, "machine": machine, **diagnosis.to_dict()})


def session_to_dict(report: SessionReport) -> Dict[str, Any]:
    """A session as plain values.

    ``comparison`` is what ``edgeperf compare --format json`` prints, or ``None`` where nothing was judged; durations
    are in seconds, and a benchmark's figures in the unit of their metric.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "device": report.device,
        "machine": report.machine,
        "mode": report.mode,
        "against": report.against,
        "rounds": report.rounds,
        "seconds": report.seconds,
        "benchmarks": {name: _benchmark_to_dict(benchmark) for name, benchmark in report.measured.benchmarks.items()},
        "comparison": None if report.comparison is None else judged(report).to_dict(),
        "faults": dict(report.faults),
        "refreshed": dict(report.refreshed),
        "refused": dict(report.refused),
        "crept": {
            name: {"ratio": creep.ratio, "tolerance": creep.tolerance, "since": creep.since}
            for name, creep in report.crept.items()
        },
        "notes": list(report.notes),
        "files": [{"kind": kind, "path": path} for kind, path in report.written],
    }


def _benchmark_to_dict(benchmark: Benchmark) -> Dict[str, Any]:
    metrics = {}
    for name, metric in benchmark.metrics.items():
        values = {summary: figure(benchmark, name, summary) for summary in _SUMMARIES}
        shown = {summary: value for summary, value in values.items() if value is not None}
        metrics[name] = {"unit": metric.unit, "better": metric.better, **shown}
    return {"parameters": dict(benchmark.parameters), "runs": len(benchmark.runs), "metrics": metrics}


def _dumped(document: Any) -> str:
    return json.dumps(_plain(document), indent=2, sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:
    """The same with ``null`` for what JSON has no number for."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        kept: List[Any] = [_plain(item) for item in value]
        return kept
    return None if isinstance(value, float) and not math.isfinite(value) else value

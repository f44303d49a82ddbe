"""JSON for programs: one object, sorted keys, no figure that is not a number."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, List

import orjson

from pytest_edgeperf.report.exporters.interface import Exporter

if TYPE_CHECKING:
    from pytest_edgeperf.devices.doctor import Diagnosis
    from pytest_edgeperf.judge.noise.analysis import Noise
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.verdicts import Comparison
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.explanations import Explanation


class Json(Exporter):
    """JSON."""

    name = "json"
    suffixes = (".json",)

    def session(self, report: SessionReport, paper: Paper) -> str:
        """Verdict, evidence, faults, notes and next steps of a session."""
        from pytest_edgeperf.report.exporters.machine_verdict import session_to_dict

        return _dumped(session_to_dict(report))

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """Verdict, evidence and next steps."""
        from pytest_edgeperf.report.exporters.machine_verdict import comparison_to_dict

        return _dumped(comparison_to_dict(comparison))

    def explanation(self, benchmark_id: str, explanation: Explanation, paper: Paper) -> str:
        """The same as below a benchmark of a session's report, with the benchmark's id."""
        from pytest_edgeperf.report.exporters.explanation_values import explanation_to_dict

        return _dumped({"benchmark": benchmark_id, **explanation_to_dict(explanation)})

    def studies(self, across: Across, paper: Paper) -> str:
        """Studies by name, as they were described and measured."""
        from pytest_edgeperf.report.exporters.machine_verdict import studies_to_dict

        return _dumped(studies_to_dict(across))

    def noise(self, noise: Noise, paper: Paper) -> str:
        """Spreads, detectable slowdowns, false alarms and remedies."""
        return _dumped(noise.to_dict())

    def diagnosis(self, device: str, machine: str, diagnosis: Diagnosis, paper: Paper) -> str:
        """All checks with their state."""
        return _dumped({"device": device, "machine": machine, **diagnosis.to_dict()})


def _dumped(document: Any) -> str:
    plain = _plain(document)
    try:
        text = orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # half of a character, or a number of more than 64 bits
        text = ""
    # An output may take no more than ASCII.
    return text if text.isascii() and text else json.dumps(plain, indent=2, sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:
    """The same with ``null`` for what JSON has no number for."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        kept: List[Any] = [_plain(item) for item in value]
        return kept
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Courses of minutes of load: latency, temperature and clocks over time, and each lasting step in words."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pytest_edgeperf.report.curve_tables import curve_of, curve_remarks
from pytest_edgeperf.report.figures import usable_runs
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.numbers import duration, significant
from pytest_edgeperf.results.types import Run

#: A panel's axis -> the figures of a course that it shows, and what they are called; clocks share a panel.
_PANELS = {
    "latency (ms)": {"latency_ms": "latency"},
    "hottest zone (degC)": {"temperature_c": "hottest zone"},
    "clock (MHz)": {"clock_cpu_mhz": "CPU clock", "clock_gpu_mhz": "GPU clock"},
}


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """The courses of all runs that kept theirs, by benchmark; ``None`` where none did."""
    courses = []
    for label, results in subject.files or (("", subject.measured),):
        for name, benchmark in results.benchmarks.items():
            runs = [run for run in usable_runs(benchmark) if curve_of(run)]
            if runs:
                listed = {"anchor": anchor(name)} if name in subject.measured.benchmarks else {}
                courses.append({"name": name, **listed, "of": label, "runs": list(map(_run, runs))})
    return {"courses": courses} if courses else None


def _run(run: Run) -> Dict[str, Any]:
    curve = curve_of(run)
    panels: List[Dict[str, Any]] = []
    for label, figures in _PANELS.items():
        known = [{"name": name, "values": curve[figure]} for figure, name in figures.items() if figure in curve]
        panels += [{"label": label, "lines": known}] if known else []
    steps = [
        {"at_s": step["at_s"], "throttling": bool(step.get("throttling"))}
        for step in (run.quality or {}).get("steps", ())
    ]
    remarks = [{"text": text, "warns": warns} for text, warns in curve_remarks(run)]
    return {"at_s": curve["at_s"], "panels": panels, "steps": steps, "remarks": remarks, "alt": _alt(curve, panels)}


def _alt(curve: Dict[str, Any], panels: List[Dict[str, Any]]) -> str:
    texts = [
        f"{line['name']} from {significant(line['values'][0])} to {significant(line['values'][-1])} "
        f"{panel['label'].rpartition('(')[2].rstrip(')')}, at most {significant(max(line['values']))}"
        for panel in panels
        for line in panel["lines"]
    ]
    return f"Over {duration(curve['at_s'][-1])}: {'; '.join(texts)}."


SECTION = Section(
    "courses", "Minutes of load", data, scripts=("links.js", "plots.js", "courses.js"), styles=("pages.css",)
)

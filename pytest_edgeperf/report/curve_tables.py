"""The course of runs of minutes: latency, temperature and clocks at a few moments, and each lasting step in words."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.report.figures import usable_runs
from pytest_edgeperf.report.numbers import from_to, percent, quantities, quantity, significant
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.table_layout import Column, lay_out
from pytest_edgeperf.report.text import Paper, wrap
from pytest_edgeperf.results.types import Results, Run

_MOMENTS = 7
#: Figure of a curve -> how its row is called.
_ROWS = {
    "latency_ms": "latency, ms",
    "temperature_c": "hottest zone, degC",
    "clock_cpu_mhz": "CPU clock, MHz",
    "clock_gpu_mhz": "GPU clock, MHz",
}
_UNITS = {"temperature_c": "degC", "clock_cpu_mhz": "MHz CPU", "clock_gpu_mhz": "MHz GPU"}


def curve_tables(measured: Results, names: Names, paper: Paper) -> List[List[str]]:
    """A block per benchmark whose runs kept their course: that of the last good run, and the steps of all."""
    blocks = []
    for benchmark_id, benchmark in measured.benchmarks.items():
        runs = [run for run in usable_runs(benchmark) if curve_of(run)]
        if runs:
            blocks.append(_block(names[benchmark_id], runs, paper))
    return blocks


def _block(name: str, runs: Sequence[Run], paper: Paper) -> List[str]:
    curve = curve_of(runs[-1])
    at_s = curve["at_s"]
    chosen = sorted({round(index * (len(at_s) - 1) / (_MOMENTS - 1)) for index in range(_MOMENTS)})
    figures = [figure for figure in _ROWS if figure in curve]
    moments, unit = quantities([at_s[index] for index in chosen], "s")
    columns = [
        Column(
            moment,
            [significant(curve[figure][index]) for figure in figures],
            spare=0 if index in (chosen[0], chosen[-1]) else 1 + position % 2,
        )
        for position, (index, moment) in enumerate(zip(chosen, moments))
    ]
    lines = [paper.paint(line, "strong") for line in wrap(f"over time: {name}", paper.width, hanging="  ")]
    lines += lay_out(f"after, {unit}", [_ROWS[figure] for figure in figures], columns, paper)
    for number, run in enumerate(runs, 1):
        which = f"run {number}: " if len(runs) > 1 else ""
        for text, warns in curve_remarks(run):
            painted = "warning" if warns else None
            wrapped = wrap(paper.clean(which + text), paper.width, indent="  ", hanging="    ")
            lines += [paper.paint(line, painted) for line in wrapped]
    return lines


def curve_remarks(run: Run) -> List[Tuple[str, bool]]:
    """What is to be said of a run's course, and whether it warns: each lasting step, and that the course is cut."""
    quality = run.quality or {}
    sentences = [(step_text(step), bool(step.get("throttling"))) for step in quality.get("steps", ())]
    if "curve_full_after_s" in quality:
        sentences.append((_full_text(quality["curve_full_after_s"]), True))
    return sentences


def curve_of(run: Run) -> Dict[str, Any]:
    """The course in a run's quality figures; empty where it kept none."""
    curve = (run.quality or {}).get("curve")
    return curve if isinstance(curve, dict) and curve.get("at_s") else {}


def _full_text(seconds: float) -> str:
    return f"the curve ends after {quantity(seconds, 's')}: a run keeps no more timed inferences; use a shorter budget"


def step_text(step: Mapping[str, Any]) -> str:
    """One lasting step: ``after 42.0 s throttling: 22.1 -> 24.8 ms (+12.2 %), 85 degC, 1480 -> 1220 MHz CPU, …``."""
    before, after = step["latency_ms"]
    parts = [f"{from_to(before, after, 'ms')} ({percent(after / before - 1)} %)"]
    parts += [text for text in (_figure(step, figure, unit) for figure, unit in _UNITS.items()) if text is not None]
    parts += [f"slowed by {', '.join(step['slowed_by'])}"] if step.get("slowed_by") else []
    kind = "throttling" if step.get("throttling") else "a step"
    return f"after {quantity(step['at_s'], 's')} {kind}: {', '.join(parts)}"


def _figure(step: Mapping[str, Any], figure: str, unit: str) -> Optional[str]:
    value = step.get(figure)
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        return f"{significant(value)} {unit}"
    before, after = (significant(number) for number in value)
    return f"{before} -> {after} {unit}" if before != after else None

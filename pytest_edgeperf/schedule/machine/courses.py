"""Notes on single runs: how latency developed in them, and what could not be measured as asked."""

from __future__ import annotations

import math
from statistics import median
from typing import Any, Dict, List, Mapping, Optional, Sequence

from pytest_edgeperf.results.types import Run

#: One odd course is the machine's noise. One in more than half of a benchmark's runs, and in three, is reported.
FEWEST_RUNS = 3
#: Less is the pools of allocators and runtimes that fill.
LEAST_GROWTH_MIB = 5.0
_NAMES_TOLD = 3
_TOLD = {
    "slowdown": "slowed down while being timed (a falling clock, or a target that grows)",
    "warm_up": "still got faster while being timed (they need a longer warm-up)",
    "cyclic": "were slower and faster in cycles while being timed",
}


def notes(runs_by_benchmark: Mapping[str, Sequence[Run]]) -> List[str]:
    """One sentence per kind of unsteadiness, from the undisturbed runs of each benchmark and the throttled ones."""
    unsteady: Dict[str, int] = {}
    cold: Dict[str, int] = {}
    throttled: List[str] = []
    by_kind: Dict[str, List[str]] = {kind: [] for kind in _TOLD}
    for benchmark_id, runs in runs_by_benchmark.items():
        slowed = [quality for quality in (run.quality or {} for run in runs) if _slowed_by_throttling(quality)]
        if slowed:
            throttled.append(f"{benchmark_id} ({_size(slowed)} in {len(slowed)} of {_runs(len(runs))})")
        figures = [run.quality or {} for run in runs if not run.disturbed]
        never = sum(quality.get("steady") is False for quality in figures)
        if never:
            unsteady[benchmark_id] = never
        unmet = sum("cold_inputs" in quality for quality in figures)
        if unmet:
            cold[benchmark_id] = unmet
        for kind, items in by_kind.items():
            alike = [quality for quality in figures if quality.get("course") == kind]
            if len(alike) >= FEWEST_RUNS and 2 * len(alike) > len(figures):
                items.append(f"{benchmark_id} ({_size(alike)} in {len(alike)} of {_runs(len(figures))})")
    sentences = []
    if unsteady:
        sentences.append(
            f"{_runs(sum(unsteady.values()))} of {_benchmarks(len(unsteady))} did not become steady in the warm-up: "
            + _names(list(unsteady))
        )
    if cold:
        sentences.append(
            f"in {_runs(sum(cold.values()))} of {_benchmarks(len(cold))} the warm-up was too short to use every input, "
            f"so their first calls were timed: {_names(list(cold))}; use fewer inputs"
        )
    if throttled:
        sentences.append(f"{_benchmarks(len(throttled))} slowed down while the device throttled: {_names(throttled)}")
    moved = {id: _processors_changed(runs) for id, runs in runs_by_benchmark.items()}
    moved_names = [f"{id} ({change})" for id, change in moved.items() if change is not None]
    if moved_names:
        sentences.append(
            f"{_benchmarks(len(moved_names))} changed the processors they run on: {_names(moved_names)}; their "
            "runs are compared only with runs on the same processors; set --edgeperf-cpus=off, or leave the choice "
            "to edgeperf"
        )
    early = {id: _imported_before(runs) for id, runs in runs_by_benchmark.items()}
    early_names = [f"{id} ({packages})" for id, packages in early.items() if packages]
    if early_names:
        sentences.append(
            f"import_time was not measured of {_benchmarks(len(early_names))}, as the process had imported the runtime "
            f"before it was loaded: {_names(early_names)}; import it in no test file or conftest.py"
        )
    growing = {id: _growth_mib(runs) for id, runs in runs_by_benchmark.items()}
    leaks = [f"{id} ({mib:.1f} MiB)" for id, mib in growing.items() if mib > LEAST_GROWTH_MIB]
    if leaks:
        sentences.append(
            f"{_benchmarks(len(leaks))} used more and more memory while being timed, in each run: {_names(leaks)}; "
            "gate='memory_growth' in the marker fails a benchmark that grows more than its baseline"
        )
    sentences += [
        f"{_benchmarks(len(items))} {_TOLD[kind]}: {_names(items)}" for kind, items in by_kind.items() if items
    ]
    return sentences


def _processors_changed(runs: Sequence[Run]) -> Optional[str]:
    """``1 -> 0-3``, of the latest run."""
    changes = [run.quality["processors_changed"] for run in runs if run.quality and "processors_changed" in run.quality]
    return str(changes[-1]) if changes else None


def _imported_before(runs: Sequence[Run]) -> str:
    """Packages of the runtime, of the latest run."""
    packages = [run.quality["imported_before"] for run in runs if run.quality and "imported_before" in run.quality]
    return ", ".join(map(str, packages[-1])) if packages else ""


def _growth_mib(runs: Sequence[Run]) -> float:
    """By how much the resident memory grew while timed, in the run in which it grew least."""
    grown = [run.values.get("memory_growth", 0.0) for run in runs if not run.disturbed]
    return min((float(value) for value in grown if isinstance(value, (int, float))), default=0.0)


def _slowed_by_throttling(figures: Mapping[str, Any]) -> bool:
    """A slowdown alone is not called throttling; one in a run whose counters say so is."""
    return bool(figures.get("throttled") or figures.get("slowed_by")) and figures.get("course") == "slowdown"


def _size(figures: Sequence[Mapping[str, Any]]) -> str:
    """The middle change, and where its step was: ``+12 % from 43 % of the samples on``."""
    steps = [course["level_step"] for course in figures if "level_step" in course]
    ratios = [
        course["level_step"]["ratio"]
        if "level_step" in course
        else course["cycle"]["ratio"]
        if "cycle" in course
        else course["drift"]
        for course in figures
    ]
    change = math.exp(median(math.log(ratio) for ratio in ratios)) - 1
    text = f"{100 * change:+.0f} %"
    if 2 * len(steps) > len(figures):
        text += f" from {100 * median(step['at'] for step in steps):.0f} % of the samples on"
    return text


def _names(items: Sequence[str]) -> str:
    rest = len(items) - _NAMES_TOLD
    return ", ".join(items[:_NAMES_TOLD]) + (f" and {rest} more" if rest > 0 else "")


def _runs(number: int) -> str:
    return f"{number} run" + ("s" if number != 1 else "")


def _benchmarks(number: int) -> str:
    return f"{number} benchmark" + ("s" if number != 1 else "")

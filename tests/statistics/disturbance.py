"""What marking runs as disturbed costs and gains, by the thresholds of ``schedule/machine``. Run by hand.

    python -m tests.statistics.disturbance [--write docs] [--sessions 10]

Runs beside a hog of known share (``tests.statistics.hog``) say what a neighbour does to a run. Sessions are then drawn
from the recorded runs of ``tests/data/noise.npz``, some of them beside a neighbour that takes slices of time as the hog
does, and judged with each limit: what is refused and measured again, what is found, how often there is a false alarm.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from pytest_edgeperf.judge import Family, Stage, step
from pytest_edgeperf.judge.verdicts import INCONCLUSIVE, MORE, REGRESSED
from pytest_edgeperf.measure.sample_summary import summarise
from pytest_edgeperf.results.types import Run
from pytest_edgeperf.schedule.hopeless import Patience
from pytest_edgeperf.schedule.machine import disturbance
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.settings import BenchmarkOptions

from .calibration import per_cent, table, write_between
from .compact import SUMMARIES
from .evaluation import evaluate_later_session
from .hog import REFERENCE, SHARES, SLICE_S
from .recordings import ENVIRONMENT, RECORDINGS, Workload, as_results, workloads
from .sessions import STAGES

BASELINE_RUNS = 10

HOGS = Path(__file__).parents[1] / "data" / "hog.npz"
#: How often a neighbour of each share is met on a machine.
QUIET = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
SOME = (0.60, 0.10, 0.10, 0.10, 0.05, 0.05)
BUSY = (0.2, 0.1, 0.2, 0.2, 0.2, 0.1)
#: The machine of the refresh and that of the check.
MACHINES: Dict[str, Tuple[Tuple[float, ...], Tuple[float, ...]]] = {
    "quiet": (QUIET, QUIET),
    "some neighbours": (SOME, SOME),
    "busy": (BUSY, BUSY),
    "quiet, then 2 % all the time": (QUIET, (0, 1, 0, 0, 0, 0)),
    "quiet, then 5 % all the time": (QUIET, (0, 0, 1, 0, 0, 0)),
    "quiet, then 10 % all the time": (QUIET, (0, 0, 0, 1, 0, 0)),
}
#: The largest share of a run that is evidence, and of one whose tail is.
Limits = Tuple[float, float]
NONE = float("inf")
LIMITS: Dict[Limits, str] = {
    (NONE, NONE): "nothing",
    (0.07, 0.03): "**10 % and more, tails from 5 % on**",
    (0.15, 0.03): "20 % and more, tails from 5 % on",
    (0.15, NONE): "20 % and more",
    (0.07, NONE): "10 % and more",
    (0.03, NONE): "5 % and more",
}
#: Of a session: two of each workload; the first third of them was slowed down.
BENCHMARKS = 18
SLOWDOWN = 1.10
#: Runs of which a middle one says something.
FEWEST = 5
#: Canaries and preemption: what the guard is without each part.
GUARDS: Dict[str, Dict[str, float]] = {
    "as it is": {},
    "canary up to 6 % slower": {"CANARY_MARGIN": 1.06},
    "canary up to 10 % slower": {"CANARY_MARGIN": 1.10},
    "no canary": {"CANARY_MARGIN": float("inf")},
    "preemption by half": {"LEAST_CPU_SHARE": 0.5},
    "no preemption": {"LEAST_CPU_SHARE": 0.0},
    "neither": {"CANARY_MARGIN": float("inf"), "LEAST_CPU_SHARE": 0.0},
}


@dataclass
class Hogs:
    """The runs beside hogs."""

    arrays: Mapping[str, Any]

    def rows(self, work: str, share: float) -> List[int]:
        """The runs of a piece of work beside a hog of so much."""
        arrays = self.arrays
        return np.flatnonzero((arrays["workload"] == work) & np.isclose(arrays["share"], share)).tolist()

    def changes(self, work: str, share: float, summary: str) -> Any:
        """ln of a summary beside a hog of so much over that of the same process alone, of each run that has it."""
        column = SUMMARIES.index(summary)
        pairs = [(row, self._reference(row)) for row in self.rows(work, share)]
        values = np.log(self.arrays["summary"][:, column].astype(np.float64))
        changes = np.array([values[row] - values[reference] for row, reference in pairs])
        return changes[np.isfinite(changes)]

    def alone(self, work: str) -> Dict[str, float]:
        """The middle summary of the runs without a hog, in ms."""
        summaries = self.arrays["summary"][self.rows(work, REFERENCE)].astype(np.float64)
        middle = np.median(summaries, axis=0)
        return {name: float(value) for name, value in zip(SUMMARIES, middle) if np.isfinite(value)}

    def _reference(self, row: int) -> int:
        arrays = self.arrays
        alike = (arrays["process"] == arrays["process"][row]) & np.isclose(arrays["share"], REFERENCE)
        (reference,) = np.flatnonzero(alike)
        return int(reference)


def load(source: Path = HOGS) -> Hogs:
    """What ``tests.statistics.hog`` recorded."""
    with np.load(source) as stored:
        return Hogs({name: stored[name] for name in stored.files})


def beside(summary: Mapping[str, float], share: float, draw: Any, samples: int = 400) -> Tuple[Any, Any]:
    """Samples in ms that have this summary, alone and beside a neighbour that takes slices of ``share`` of the time.

    Slices begin at random moments, so a sample meets more of them the longer it lasts.
    """
    known = [(name, int(name[1:])) for name in SUMMARIES if name[0] == "p" and name in summary]
    percents = [0.0, *(float(percent) for _, percent in known), 100.0]
    values = [summary["min"], *(summary[name] for name, _ in known), summary["max"]]
    alone = np.interp(100 * draw.random(samples), percents, values)
    slice_ms = 1e3 * SLICE_S
    return alone, alone + slice_ms * draw.poisson(alone * share / (1 - share) / slice_ms)


def slowed(run: Run, share: float, factor: float, draw: Any, **marks: bool) -> Run:
    """The run as it would have been beside such a neighbour, of code that takes ``factor`` times as long.

    ``marks`` are its quality figures.
    """
    latency: Dict[str, Any] = dict(run.values["latency"])  # type: ignore[arg-type]
    for name in SUMMARIES:
        if name in latency:
            latency[name] = latency[name] * factor
    if share:
        alone, together = beside(latency, share, draw)
        before, after = summarise(alone), summarise(together)
        latency.update({name: latency[name] * after[name] / before[name] for name in latency if name in SUMMARIES})
        # What slices add to the dispersion of blocks that had some before.
        added = after["block_sd"]
        blocks = latency["block_sd"].items()
        latency["block_sd"] = {name: float(np.hypot(value, added.get(name, 0.0))) for name, value in blocks}
    values = {**run.values, "latency": latency}
    return Run(ENVIRONMENT, run.started, run.session, values, quality=marks)


@dataclass
class Result:
    """What came of a limit on a machine."""

    runs: int = 0
    refused: int = 0
    benchmarks: int = 0
    tries_of_a_refresh: int = 0
    accepted: int = 0
    sessions: int = 0
    alarmed: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)


class Stream:
    """A benchmark's runs on a machine, drawn as they are asked for, until so many are good."""

    def __init__(self, workload: Workload, rows: Sequence[int], rng: random.Random) -> None:
        self._workload = workload
        self._rows = rows
        self._rng = rng
        self._draw = np.random.default_rng(rng.getrandbits(32))

    def take(self, plan: Plan, machine: Sequence[float], limits: Limits, session: str, factor: float = 1.0) -> Run:
        """One more run; of ``plan`` it is a try."""
        (share,) = self._rng.choices(SHARES, machine)
        limit, tail_limit = limits
        run = self._workload.run(self._rng.choice(self._rows), session)
        marks = {"disturbed": share > limit, "tail_disturbed": share > tail_limit}
        made = slowed(run, share, factor, self._draw, **marks)
        plan.runs.append(made)
        plan.tries += 1
        return made


def _plan(name: str, rounds: int) -> Plan:
    return Plan(name, "", False, BenchmarkOptions(), {}, rounds)


def fill(plans: Mapping[str, Plan], streams: Mapping[str, Stream], wanted: int, patience: Patience, **how: Any) -> None:
    """Rounds, as a session makes them, until every plan has its good runs or no more are tried."""
    changed = how.pop("changed", ())
    for plan in plans.values():
        plan.wanted = wanted
    number = 0
    while True:
        waiting = [name for name, plan in plans.items() if plan.wants(wanted)]
        if not waiting:
            return
        number += 1
        for name in waiting:
            if plans[name].wants(wanted):
                run = streams[name].take(plans[name], factor=SLOWDOWN if name in changed else 1.0, **how)
                reasons = ["others_share"] if run.disturbed else []
                patience.note(plans[name], list(plans.values()), reasons, number)


def evaluate(
    machines: Tuple[Sequence[float], Sequence[float]], limits: Limits, sessions: int, *, benchmarks: int = BENCHMARKS
) -> Result:
    """Refresh on a machine and check on the other; a third of each session's benchmarks were slowed down."""
    known = workloads(RECORDINGS)
    found = Result()
    for seed in range(sessions):
        rng = random.Random(seed)
        names = {f"b{index}": known[(seed + index) % len(known)] for index in range(benchmarks)}
        base_streams, streams = {}, {}
        for name, workload in names.items():
            rows = workload.rows()
            rng.shuffle(rows)
            half = len(rows) // 2
            base_streams[name] = Stream(workload, rows[:half], rng)
            streams[name] = Stream(workload, rows[half:], rng)
        refreshed = {name: _plan(name, BASELINE_RUNS) for name in names}
        fill(refreshed, base_streams, BASELINE_RUNS, Patience(), machine=machines[0], limits=limits, session="baseline")
        base = {name: [run for run in plan.runs if not run.disturbed] for name, plan in refreshed.items()}
        found.tries_of_a_refresh += sum(plan.tries for plan in refreshed.values())
        found.accepted += sum(map(len, base.values()))
        base = {name: runs for name, runs in base.items() if runs}
        checked = {name: _plan(name, STAGES[0]) for name in base}
        changed = list(names)[: benchmarks // 3]
        verdicts = _check(checked, streams, base, machines[1], limits, changed)
        _count(found, checked, verdicts, changed)
    return found


def _check(
    plans: Mapping[str, Plan],
    streams: Mapping[str, Stream],
    base: Mapping[str, Sequence[Run]],
    machine: Sequence[float],
    limits: Limits,
    changed: Sequence[str],
) -> Dict[str, str]:
    family = Family(tuple(plans))
    stored = as_results(base)
    patience = Patience()
    waiting = dict(plans)
    answer: Any = None
    for runs in STAGES:
        how = {"machine": machine, "limits": limits, "session": "candidate", "changed": changed}
        fill(waiting, streams, runs, patience, **how)
        measured = as_results({name: plan.runs for name, plan in plans.items()})
        answer = step(stored, measured, family, Stage(runs=runs, final=runs == STAGES[-1]))
        waiting = {
            name: plan for name, plan in plans.items() if answer.decisions.get(name) == MORE and plan.hopeless is None
        }
        if not waiting:
            break
    return {name: answer.comparison.benchmarks[name].verdict for name in plans}


def _count(found: Result, plans: Mapping[str, Plan], verdicts: Mapping[str, str], changed: Sequence[str]) -> None:
    found.sessions += 1
    found.benchmarks += len(plans)
    found.runs += sum(plan.tries for plan in plans.values())
    found.refused += sum(run.disturbed for plan in plans.values() for run in plan.runs)
    found.changed.update(verdict for name, verdict in verdicts.items() if name in changed)
    others = [verdict for name, verdict in verdicts.items() if name not in changed]
    found.unchanged.update(others)
    found.alarmed += REGRESSED in others


def hogs_table(hogs: Hogs) -> str:
    """What a neighbour of a known share does to a run, and what its slices of time alone would do."""
    rows = []
    for share in SHARES:
        cells = [f"{100 * share:.0f} %"]
        for summary in ("min", "p50", "p95"):
            changes = [hogs.changes(work, share, summary) for work in _works(hogs)]
            middle = [float(np.median(one)) for one in changes if len(one) >= FEWEST]
            cells.append(f"{100 * np.median(middle):+.0f} ({100 * min(middle):+.0f} to {100 * max(middle):+.0f})")
        for summary in ("p50", "p95"):
            expected = [_expected(hogs.alone(work), share, summary) for work in _works(hogs)]
            cells.append(f"{100 * np.median(expected):+.0f} ({100 * min(expected):+.0f} to {100 * max(expected):+.0f})")
        rows.append(cells)
    head = ["hog on the run's processor", "minimum, %", "median, %", "p95, %"]
    return table([*head, "median by slices alone, %", "p95 by slices alone, %"], rows)


def _expected(summary: Mapping[str, float], share: float, name: str) -> float:
    alone, together = beside(summary, share, np.random.default_rng(1), samples=20_000)
    percent = float(name[1:])
    return float(np.log(np.percentile(together, percent) / np.percentile(alone, percent)))


def _works(hogs: Hogs) -> List[str]:
    return sorted(set(hogs.arrays["workload"].tolist()))


def limits_table(sessions: int) -> str:
    """What each limit costs and gains on each machine."""
    rows = []
    for machine, both in MACHINES.items():
        for limits in different(both):
            one = evaluate(both, limits, sessions)
            rows.append(
                [
                    machine,
                    LIMITS[limits],
                    f"{per_cent(one.refused / max(one.runs, 1))} %",
                    f"{one.tries_of_a_refresh / one.sessions / BENCHMARKS:.1f}",
                    f"{one.runs / max(one.benchmarks, 1):.1f}",
                    f"{per_cent(one.alarmed / one.sessions)} %",
                    f"{per_cent(one.changed[REGRESSED] / max(sum(one.changed.values()), 1))} %",
                    f"{per_cent(one.unchanged[INCONCLUSIVE] / max(sum(one.unchanged.values()), 1))} %",
                ]
            )
    head = ["machine", "refused: a neighbour of", "runs refused", "tries for 10 runs", "tries in a check"]
    return table([*head, "sessions with a false alarm", "finds +10 %", "inconclusive"], rows)


def different(machines: Tuple[Sequence[float], Sequence[float]]) -> List[Limits]:
    """The limits that do not treat all neighbours of these machines as another one does."""
    met = [share for share, *weights in zip(SHARES, *machines) if any(weights)]
    found: Dict[Any, Limits] = {}
    for limit, tail_limit in LIMITS:
        treatment = tuple("refused" if one > limit else "no tail" if one > tail_limit else "" for one in met)
        found.setdefault(treatment, (limit, tail_limit))
    return list(found.values())


@contextmanager
def thresholds(**values: float) -> Iterator[None]:
    """Other thresholds than those in force."""
    before = {name: getattr(disturbance, name) for name in values}
    for name, value in values.items():
        setattr(disturbance, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(disturbance, name, value)


def kept(session: str, draws: int = 20, source: Path = RECORDINGS) -> float:
    """The share of a session's recorded runs that are evidence, held against baselines of the usual one."""
    good = total = 0
    for seed in range(draws):
        rng = random.Random(seed)
        for workload in workloads(source):
            usual = [workload.quality(row) for row in rng.sample(workload.rows(), BASELINE_RUNS)]
            marks = [
                disturbance.disturbed_by(workload.quality(row), usual, pinned=False) for row in workload.rows(session)
            ]
            good += sum(not one for one in marks)
            total += len(marks)
    return good / total


def guards_table(draws: int, source: Path = RECORDINGS) -> str:
    """What the signs that were recorded cost in usual hours and gain in a slow one."""
    rows = []
    for name, values in GUARDS.items():
        with thresholds(**values):
            shares = [kept(session, draws, source) for session in "ABCE"]
            slow = evaluate_later_session("E", True, draws, source)
        verdicts = [slow.verdicts_unchanged[word] / slow.unchanged for word in (REGRESSED, INCONCLUSIVE)]
        rows.append([name, *[f"{per_cent(share)} %" for share in (*shares, *verdicts)]])
    head = ["guard", "kept of a usual hour", "of another", "beside a stressor", "of a slow hour"]
    return table([*head, "slow hour: regressed", "inconclusive"], rows)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the tables, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, help="a page, or a folder of pages, whose tables are made anew")
    parser.add_argument("--sessions", type=int, default=10, help="sessions for each limit on each machine")
    options = parser.parse_args(arguments)
    hogs = load()
    makers = {
        "hogs": lambda: hogs_table(hogs),
        "guards": lambda: guards_table(max(5, options.sessions // 10)),
        "limits": lambda: limits_table(options.sessions),
    }
    sections = {}
    for name, make in makers.items():
        sections[name] = make()
        print(f"\n{sections[name]}", flush=True)
    if options.write:
        write_between(options.write, sections)
    return 0


if __name__ == "__main__":
    sys.exit(main())

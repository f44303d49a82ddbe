"""Rules against resampled sessions: false alarms, power, runs and seconds."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.stats import beta

import pytest_edgeperf
from pytest_edgeperf.judge.verdicts import REGRESSED
from pytest_edgeperf.schedule.machine.disturbance import disturbed_by

from . import sessions
from .peers import Peer, Side
from .recordings import RECORDINGS, Workload, as_results, workloads
from .sessions import BENCHMARKS, STAGES, Change, Draw

#: What the most thorough of the other tools' rules takes on each side.
PEER_RUNS = 10


@dataclass(frozen=True)
class Ours:
    """A way in which our judge is asked: in the stages of a session, or once with so many runs."""

    name: str
    stages: Tuple[int, ...] = STAGES
    tolerance: float = 0.02
    base: int = sessions.BASELINE_RUNS
    #: Summaries that are withheld from the judge, which then falls back to others.
    without: Tuple[str, ...] = ()
    benchmarks: int = BENCHMARKS
    base_sessions: int = 1
    spread: float = 0.0

    def judge(self, draws: Mapping[str, Draw]) -> Tuple[Any, Dict[str, int]]:
        """The verdicts and the runs taken."""
        if len(self.stages) == 1:
            return sessions.judge_at_once(draws, runs=self.stages[0], tolerance=self.tolerance, without=self.without)
        return sessions.judge_in_stages(draws, stages=self.stages, tolerance=self.tolerance, without=self.without)


@dataclass
class Tally:
    """What came of resampled sessions."""

    sessions: int = 0
    sessions_with_alarm: int = 0
    unchanged: int = 0
    alarms: int = 0
    runs: int = 0
    seconds: float = 0.0
    verdicts_unchanged: Counter[str] = field(default_factory=Counter)
    #: Workload -> verdict -> count, of the changed benchmark.
    verdicts: Dict[str, Counter[str]] = field(default_factory=dict)
    ratios: List[float] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        verdicts = {name: Counter(counts) for name, counts in self.verdicts.items()}
        for name, counts in other.verdicts.items():
            verdicts.setdefault(name, Counter()).update(counts)
        return Tally(
            self.sessions + other.sessions,
            self.sessions_with_alarm + other.sessions_with_alarm,
            self.unchanged + other.unchanged,
            self.alarms + other.alarms,
            self.runs + other.runs,
            self.seconds + other.seconds,
            self.verdicts_unchanged + other.verdicts_unchanged,
            verdicts,
            self.ratios + other.ratios,
        )

    @property
    def alarm_rate(self) -> float:
        """False alarms per session."""
        return self.sessions_with_alarm / self.sessions

    @property
    def found(self) -> float:
        """The share of changed benchmarks that regressed, each workload weighing the same."""
        return float(np.mean([counts[REGRESSED] / sum(counts.values()) for counts in self.verdicts.values()]))

    def found_in(self, workload: str) -> float:
        """The share of one workload's changed benchmarks that regressed."""
        counts = self.verdicts[workload]
        return counts[REGRESSED] / sum(counts.values())


def upper_bound(events: int, trials: int, confidence: float = 0.95) -> float:
    """The one-sided upper bound of a binomial rate (Clopper & Pearson 1934, Biometrika 26)."""
    return 1.0 if events >= trials else float(beta.ppf(confidence, events + 1, trials - events))


class Task(NamedTuple):
    """A slice of the sessions by which a rule is evaluated, with the benchmark that is changed in each."""

    rule: Ours
    seeds: range
    change: Optional[Change] = None
    names: Tuple[str, ...] = ()
    source: Path = RECORDINGS


def evaluate(task: Task) -> Tally:
    """Resample and judge the task's sessions; their changed benchmarks go through the workloads in turn."""
    tally = Tally()
    known = workloads(task.source)
    targets = [one for one in known if not task.names or one.name in task.names]
    rule = task.rule
    for seed in task.seeds:
        target = None if task.change is None else (targets[seed % len(targets)], task.change)
        draws = sessions.session(
            known,
            seed,
            benchmarks=rule.benchmarks,
            base=rule.base,
            candidate=rule.stages[-1],
            target=target,
            base_sessions=rule.base_sessions,
            spread=rule.spread,
        )
        comparison, taken = rule.judge(draws)
        _count(tally, draws, comparison, taken, changed="b0" if target else None)
    return tally


def _count(tally: Tally, draws: Mapping[str, Draw], comparison: Any, taken: Mapping[str, int], changed: Any) -> None:
    alarms = 0
    for name, one in draws.items():
        verdict = comparison.benchmarks[name]
        if name == changed:
            tally.verdicts.setdefault(one.workload.name, Counter())[verdict.verdict] += 1
            tally.ratios.append(verdict.metrics["latency"].ratio)
            continue
        tally.unchanged += 1
        tally.verdicts_unchanged[verdict.verdict] += 1
        tally.runs += taken[name]
        tally.seconds += taken[name] * one.workload.seconds
        alarms += verdict.verdict == REGRESSED
    tally.sessions += 1
    tally.alarms += alarms
    tally.sessions_with_alarm += alarms > 0


class PeerTask(NamedTuple):
    """The same for a rule of another tool."""

    rule: Peer
    seeds: range
    change: Change = sessions.NO_CHANGE
    source: Path = RECORDINGS


def evaluate_peer(task: PeerTask) -> Tally:
    """Apply a peer's rule to the sessions that ours see; a change is applied to every benchmark."""
    known = workloads(task.source)
    by_workload: Dict[str, List[Tuple[int, Draw]]] = {one.name: [] for one in known}
    tests = 0
    for position, seed in enumerate(task.seeds):
        if task.rule.most_tests is not None and tests >= task.rule.most_tests:
            break
        for one in sessions.session(known, seed, base=PEER_RUNS, candidate=PEER_RUNS).values():
            by_workload[one.workload.name].append((position, one))
            tests += 1
    tally = Tally(sessions=position + 1)
    alarmed = set()
    generator = np.random.default_rng(task.seeds.start)
    for workload in known:
        drawn = by_workload[workload.name]
        base = _side(workload, [one.base_rows[: task.rule.runs] for _, one in drawn], 1.0)
        candidate = _side(workload, [one.candidate_rows[: task.rule.runs] for _, one in drawn], task.change.factor)
        slower = task.rule.slower(base, candidate, generator)
        alarmed.update(position for (position, _), alarm in zip(drawn, slower) if alarm)
        tally.verdicts[workload.name] = Counter({REGRESSED: int(slower.sum()), "passed": int((~slower).sum())})
        tally.alarms += int(slower.sum())
        tally.unchanged += len(drawn)
        tally.runs += task.rule.runs * len(drawn)
        tally.seconds += task.rule.runs * workload.seconds * len(drawn)
    tally.sessions_with_alarm = len(alarmed)
    return tally


def _side(workload: Workload, rows: Sequence[Sequence[int]], factor: float) -> Side:
    index = np.array(rows)
    groups = workload.arrays["groups"].astype(np.float64)
    summary = workload.arrays["summary"].astype(np.float64)
    return Side(groups[index] * factor, summary[index] * factor)


def evaluate_later_session(session_name: str, guarded: bool, draws: int, source: Path) -> Tally:
    """Judge the runs of another session against baselines drawn from the usual one: nothing was changed.

    ``guarded`` marks the runs that ``schedule.quality`` would mark by the signs that were recorded with them.
    """
    known = workloads(source)
    tally = Tally()
    for seed in range(draws):
        rng = random.Random(seed)
        base, candidate = {}, {}
        for workload in known:
            rows = rng.sample(workload.rows(), sessions.BASELINE_RUNS)
            base[workload.name] = [workload.run(row, "baseline") for row in rows]
            usual = [workload.quality(row) for row in rows]
            candidate[workload.name] = [
                workload.run(
                    row,
                    "candidate",
                    disturbed=guarded and bool(disturbed_by(workload.quality(row), usual, pinned=False)),
                )
                for row in workload.rows(session_name)
            ]
        comparison = pytest_edgeperf.compare(as_results(base), as_results(candidate))
        verdicts = [one.verdict for one in comparison.benchmarks.values()]
        tally.verdicts_unchanged.update(verdicts)
        tally.unchanged += len(verdicts)
        tally.sessions += 1
        tally.sessions_with_alarm += REGRESSED in verdicts
    return tally


def slices(seeds: range, size: int = 50) -> Iterable[range]:
    """Pieces of the seeds, for several processes."""
    return (seeds[first : first + size] for first in range(0, len(seeds), size))

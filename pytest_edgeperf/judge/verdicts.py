"""What the judge answers: verdicts on metrics, benchmarks, lines and whole results files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional, Tuple

from pytest_edgeperf.judge.loaded_differences import LoadedDifferences
from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.results.placement import PLACEMENT_FIELD, Placement, both_placements, nodes_moved

if TYPE_CHECKING:
    from pytest_edgeperf.results.types import Results

IMPROVED = "improved"
UNCHANGED = "unchanged"
REGRESSED = "regressed"
INCONCLUSIVE = "inconclusive"
NEW = "new"
MISSING = "missing"
INCOMPARABLE = "incomparable"

#: In the order in which a reader wants them.
VERDICTS = (REGRESSED, IMPROVED, UNCHANGED, INCONCLUSIVE, NEW, MISSING, INCOMPARABLE)

STOP = "stop"
MORE = "more"

#: What the distance between sessions is estimated from.
BY_FLOOR, BY_CHANCE, BY_SESSIONS, BY_SUITE = "floor", "chance", "sessions", "suite"


def _rounded(value: Optional[float]) -> Optional[float]:
    return None if value is None else float(f"{value:.6g}")


@dataclass(frozen=True)
class Side:
    """The evidence of one side: the timed seconds of its good runs, and the commit of the latest run that has one.

    ``timed_s`` is ``None`` if a run has no such figure.
    """

    timed_s: Optional[float] = None
    commit: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return the object that ``--format json`` prints."""
        return {"timed_s": _rounded(self.timed_s), "commit": self.commit}


@dataclass(frozen=True)
class AccuracyFigures:
    """How the answers to the same examples differ, in the metric's unit (percentage points of a percentage).

    ``difference`` is candidate - baseline, with its two-sided 95 % ``interval``; ``margin`` how much worse it may get.
    ``lost`` and ``won`` count the examples that only the baseline, or only the candidate, has right (of scores:
    answers better); ``None`` of average precision, which no single example has. ``detectable`` is the smallest loss
    that these examples would have shown with 80 % power. ``same``: every answer is the same.
    """

    difference: float
    interval: Tuple[float, float]
    margin: float
    examples: int
    lost: Optional[int] = None
    won: Optional[int] = None
    detectable: Optional[float] = None
    same: bool = False

    def to_dict(self) -> Dict[str, Any]:
        """Return the object that ``--format json`` prints."""
        printed: Dict[str, Any] = {
            "difference": _rounded(self.difference),
            "difference_interval": [_rounded(end) for end in self.interval],
            "margin": _rounded(self.margin),
            "examples": self.examples,
            "detectable_loss": _rounded(self.detectable),
        }
        if self.lost is not None:
            printed.update(lost=self.lost, won=self.won)
        return printed


@dataclass(frozen=True)
class MetricVerdict:
    """The verdict on one metric of one benchmark.

    ``ratio`` is candidate / baseline of ``summary`` (``p50``, …; ``value`` for a plain number), with
    its two-sided 95 % ``interval``; ``p_adjusted`` is Holm's, ``None`` where the rule has no p-value;
    ``detectable`` is the smallest ratio that this measurement would have detected with 80 % power;
    ``runs_needed`` says of an inconclusive one how many candidate runs should decide it; ``scatter`` is the
    standard deviation of the runs' logarithms around the mean of their side; ``paired`` says how pairs of
    processes were taken (``lock-step`` or ``alternating``) where the runs of the sides belong together,
    and ``builds`` among how many builds of the engines, where there were several (with stored runs those of the
    candidate, and ``baseline_builds`` those of the baseline); ``accuracy``
    replaces the ratio where answers were compared example by example. ``rules_out`` is the loss that an unchanged
    metric excludes with 95 % confidence: 0.041 is 4.1 %.
    """

    verdict: str
    summary: str
    unit: str
    gates: bool = True
    ratio: Optional[float] = None
    interval: Optional[Tuple[float, float]] = None
    p_adjusted: Optional[float] = None
    detectable: Optional[float] = None
    baseline: Optional[float] = None
    candidate: Optional[float] = None
    baseline_runs: int = 0
    candidate_runs: int = 0
    tolerance: Optional[float] = None
    runs_needed: Optional[int] = None
    reason: Optional[str] = None
    scatter: Optional[float] = None
    paired: Optional[str] = None
    builds: Optional[int] = None
    baseline_builds: Optional[int] = None
    accuracy: Optional[AccuracyFigures] = None
    rules_out: Optional[float] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return what ``--format json`` prints of it, to six significant digits."""
        printed: Dict[str, Any] = {
            "verdict": self.verdict,
            "summary": self.summary,
            "ratio": _rounded(self.ratio),
            "interval": None if self.interval is None else [_rounded(end) for end in self.interval],
            "p_adjusted": _rounded(self.p_adjusted),
            "detectable": _rounded(self.detectable),
            "gates": self.gates,
            "unit": self.unit,
            "baseline": _rounded(self.baseline),
            "candidate": _rounded(self.candidate),
            "baseline_runs": self.baseline_runs,
            "candidate_runs": self.candidate_runs,
            "tolerance": _rounded(self.tolerance),
            "scatter": _rounded(self.scatter),
        }
        if self.reason is not None:
            printed["reason"] = self.reason
        if self.runs_needed is not None:
            printed["runs_needed"] = self.runs_needed
        if self.paired is not None:
            printed["paired"] = self.paired
        if self.builds is not None:
            printed["builds"] = self.builds
        if self.baseline_builds is not None:
            printed["baseline_builds"] = self.baseline_builds
        if self.rules_out is not None:
            printed["rules_out"] = _rounded(self.rules_out)
        if self.accuracy is not None:
            printed["accuracy"] = self.accuracy.to_dict()
        return printed


@dataclass(frozen=True)
class BenchmarkVerdict:
    """The verdict on one benchmark: the worst of its gating metrics, or why there is none."""

    verdict: str
    metrics: Mapping[str, MetricVerdict] = field(default_factory=dict)
    reason: Optional[str] = None
    #: Fields of the environment that differ, ``section.key`` -> (baseline, candidate): the reason of
    #: ``incomparable``, otherwise they only inform.
    differences: Mapping[str, Tuple[Any, Any]] = field(default_factory=dict)
    #: For a regressed benchmark: the evidence of the baseline and of the candidate.
    sides: Optional[Tuple[Side, Side]] = None
    #: For a regressed benchmark: what differs in what its processes loaded; ``None``: nobody has looked.
    loaded: Optional[LoadedDifferences] = None

    @property
    def moved_placement(self) -> Optional[Tuple[Placement, Placement]]:
        """The placements of both sides, where nodes of the network moved between providers."""
        pair = both_placements(self.differences.get(PLACEMENT_FIELD, (None, None)))
        return pair if pair is not None and nodes_moved(*pair) else None

    def to_dict(self) -> Dict[str, Any]:
        """Return the object that ``--format json`` prints."""
        printed: Dict[str, Any] = {
            "verdict": self.verdict,
            "metrics": {name: metric.to_dict() for name, metric in self.metrics.items()},
        }
        if self.moved_placement is not None:
            before, after = self.moved_placement
            printed["moved_placement"] = {"baseline": dict(before), "candidate": dict(after)}
        if self.reason is not None:
            printed["reason"] = self.reason
        if self.differences:
            printed["differences"] = {name: list(pair) for name, pair in self.differences.items()}
        if self.loaded is not None:
            printed["loaded"] = self.loaded.to_dict()
        if self.sides is not None:
            base, candidate = self.sides
            printed["baseline"] = base.to_dict()
            printed["candidate"] = candidate.to_dict()
        return printed


@dataclass(frozen=True)
class LineVerdict:
    """The verdict on the ``slope`` or the ``intercept`` (its ``part``) of a series whose study lets it gate.

    ``baseline`` and ``candidate`` are in ``unit``, the ``interval`` (95 %) is of their difference. ``benchmarks`` are
    the ids that the line goes through, as they were collected.
    """

    study: str
    series: str
    metric: str
    part: str
    verdict: str
    unit: str = ""
    baseline: Optional[float] = None
    candidate: Optional[float] = None
    interval: Optional[Tuple[float, float]] = None
    p_adjusted: Optional[float] = None
    tolerance: Optional[float] = None
    benchmarks: Tuple[str, ...] = ()
    reason: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return the object that ``--format json`` prints."""
        printed: Dict[str, Any] = {
            "study": self.study,
            "series": self.series,
            "metric": self.metric,
            "part": self.part,
            "verdict": self.verdict,
            "unit": self.unit,
            "baseline": _rounded(self.baseline),
            "candidate": _rounded(self.candidate),
            "difference_interval": None if self.interval is None else [_rounded(end) for end in self.interval],
            "p_adjusted": _rounded(self.p_adjusted),
            "tolerance": _rounded(self.tolerance),
            "benchmarks": list(self.benchmarks),
        }
        if self.reason is not None:
            printed["reason"] = self.reason
        return printed


@dataclass(frozen=True)
class Rename:
    """A missing and a new benchmark with the same parameters: probably one that was renamed.

    ``ratio`` is new / old of the latency, with its two-sided 95 % ``interval``; where there is none, ``reason`` says
    why.
    """

    old: str
    new: str
    ratio: Optional[float] = None
    interval: Optional[Tuple[float, float]] = None
    reason: Optional[str] = None

    def to_dict(self) -> Dict[str, Any]:
        """Return the object that ``--format json`` prints."""
        printed: Dict[str, Any] = {
            "old": self.old,
            "new": self.new,
            "ratio": _rounded(self.ratio),
            "interval": None if self.interval is None else [_rounded(end) for end in self.interval],
        }
        if self.reason is not None:
            printed["reason"] = self.reason
        return printed


class Apart(NamedTuple):
    """How far two sessions may lie apart for no reason in the code: allowed for in every difference of latencies.

    ``allowed``: the standard deviation of a benchmark's log ratio beside its runs. ``known_by``: ``floor`` where
    nothing but the least that is always allowed is known, ``chance`` where the differences of the suite spread no more
    than noise explains, ``suite`` where they do, ``sessions`` where the baseline's own sessions show it.
    """

    allowed: float
    known_by: str
    #: Baseline sessions of the benchmark that has most, and benchmarks that were compared.
    sessions: int
    benchmarks: int

    def to_dict(self) -> Dict[str, Any]:
        """What ``edgeperf compare --format json`` prints."""
        return {**self._asdict(), "allowed": _rounded(self.allowed)}


class Gain(NamedTuple):
    """The slowdown (ratio - 1) that a baseline of more runs would detect, beside today's; medians over the suite."""

    runs: int
    more_runs: int
    found: float
    then_found: float


class ComparedFiles(NamedTuple):
    """The paths of the two files that were compared, as they were named, and what they hold."""

    base: str
    candidate: str
    base_results: Results
    candidate_results: Results

    @property
    def baseline_folder(self) -> Optional[str]:
        """Where the baselines are, if ``base`` is the candidate's device's; ``None``: it is another file."""
        folder, name = os.path.split(self.base)
        device = self.candidate_results.device
        return (folder or ".") if name == f"{device}.json" and self.base_results.device == device else None


@dataclass(frozen=True)
class Comparison:
    """The verdicts on all benchmarks of two results files."""

    benchmarks: Mapping[str, BenchmarkVerdict]
    #: Median ratio of the latencies, when most of the judged benchmarks moved the same way beyond the tolerance.
    common_shift: Optional[float] = None
    #: How many benchmarks moved so, and of how many that were judged; ``None`` without such a shift.
    common_shift_of: Optional[Tuple[int, int]] = None
    #: Of the series whose study lets slope or intercept gate.
    lines: Tuple[LineVerdict, ...] = ()
    #: Pairs of a missing and a new benchmark that are probably the same.
    renames: Tuple[Rename, ...] = ()
    #: Where the baseline of judged benchmarks is of another machine than the candidate, as far as is known.
    other_machine: Optional[OtherMachine] = None
    #: ``None`` where both sides are of the same sessions.
    apart: Optional[Apart] = None
    #: ``None`` if baselines have as many runs as a refresh makes, or more of them would detect nothing either.
    gain: Optional[Gain] = None
    #: ``None`` unless files were compared.
    files: Optional[ComparedFiles] = field(default=None, compare=False, repr=False)

    @property
    def regressed_lines(self) -> Tuple[LineVerdict, ...]:
        """The slopes and intercepts that got worse."""
        return tuple(line for line in self.lines if line.verdict == REGRESSED)

    @property
    def summary(self) -> Dict[str, int]:
        """How many benchmarks have each verdict; every verdict is listed."""
        counts = dict.fromkeys(VERDICTS, 0)
        for benchmark in self.benchmarks.values():
            counts[benchmark.verdict] += 1
        return counts

    def to_dict(self) -> Dict[str, Any]:
        """Return what the judge says in ``edgeperf compare --format json``, as plain values."""
        printed: Dict[str, Any] = {
            "summary": self.summary,
            "benchmarks": {name: benchmark.to_dict() for name, benchmark in self.benchmarks.items()},
        }
        if self.common_shift is not None:
            printed["common_shift"] = _rounded(self.common_shift)
        if self.common_shift_of is not None:
            moved, judged = self.common_shift_of
            printed["common_shift_of"] = {"moved": moved, "judged": judged}
        if self.lines:
            printed["lines"] = [line.to_dict() for line in self.lines]
        if self.renames:
            printed["renames"] = [rename.to_dict() for rename in self.renames]
        if self.other_machine is not None:
            printed["other_machine"] = self.other_machine.to_dict()
        if self.apart is not None:
            printed["apart"] = self.apart.to_dict()
        return printed


@dataclass(frozen=True)
class Step:
    """The judge's answer at a stage: which benchmarks to go on measuring, and the verdicts as they stand."""

    decisions: Mapping[str, str]
    comparison: Comparison

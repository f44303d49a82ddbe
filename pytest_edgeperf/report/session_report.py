"""What a session has to report, in one value that every report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.invocation import Invocation
from pytest_edgeperf.results.types import Results


@dataclass(frozen=True)
class SessionReport:
    """A finished session: what was measured, what the judge said of it, what went wrong, what was written."""

    device: str
    #: One line on the machine: CPU model, cores, memory.
    machine: str
    #: Only this session's runs.
    measured: Results
    #: None with ``--baseline=off``, or in a refresh without an earlier baseline.
    comparison: Optional[Comparison] = None
    #: ``check``, ``refresh``, ``off`` or ``against``.
    mode: str = "check"
    #: Benchmark id -> why it was not measured, in a sentence (a fault of its worker, a failed body).
    faults: Mapping[str, str] = field(default_factory=dict)
    #: Sentences the user should read: what could not be pinned, runs measured again, …
    notes: Sequence[str] = ()
    #: (what, path): ``("results", "…json")``, ``("baseline", "baselines/host.json")``.
    written: Sequence[Tuple[str, str]] = ()
    #: What a refresh did: benchmark id -> ``created``, ``updated`` or ``kept`` (in the file, not measured).
    refreshed: Mapping[str, str] = field(default_factory=dict)
    #: Benchmark id -> why a refresh did not accept it.
    refused: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 0
    seconds: float = 0.0
    #: What it was measured against in lock-step, for a person: ``origin/main (1a2b3c4d5e6f)``.
    against: Optional[str] = None
    #: Published figures to set beside what was measured.
    published: Sequence[Results] = ()
    #: Benchmarks that are slower than their anchor by more than their tolerance.
    crept: Mapping[str, Creep] = field(default_factory=dict)
    #: Benchmark id -> the file of its test, as pytest prints it, and the line (from 1) where it begins.
    locations: Mapping[str, Tuple[str, int]] = field(default_factory=dict)
    #: How it was started; ``None``: not known, so that no command can go on from it.
    invocation: Optional[Invocation] = None
    #: Whether something ended it before its benchmarks were measured.
    interrupted: bool = False
    #: Whether ``--edgeperf-resume`` continues with the runs so far.
    resumable: bool = False
    #: What failed of edgeperf itself, in sentences.
    errors: Sequence[str] = ()
    #: Benchmark id -> why its test fails by not being accepted: some of ``refused``.
    failing: Mapping[str, str] = field(default_factory=dict)
    #: ``pass`` or ``fail``: what an inconclusive verdict, and a missing or incomparable baseline, do to the exit code.
    inconclusive: str = "pass"
    unbaselined: str = "pass"
    #: Whether a metric that gates was not measured.
    unmeasured_gates: bool = False
    #: Whether ``--against baseline`` can check out the commit that was accepted.
    against_baseline: bool = False
    #: Whether the written results hold all benchmarks of the baseline that still exist.
    prunable: bool = False
    #: The accepted runs that these were compared with; ``None`` without any, and in lock-step, whose pairs hold both.
    baseline: Optional[Results] = None
    #: When the measuring began and ended, in local time.
    started: Optional[datetime] = None
    ended: Optional[datetime] = None
    #: Papers whose published figures were asked for, or ``all`` or ``none``; empty: all in a detailed report.
    papers: Sequence[str] = ()
    #: Whether what regressed was to be profiled, to say why.
    explains: bool = True

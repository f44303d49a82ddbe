"""Workers with given outcomes, on a clock that advances only while a session waits: sessions in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

from pytest_edgeperf.devices.condition import Condition
from pytest_edgeperf.devices.sensors.thermal import Headroom
from pytest_edgeperf.measure.measurement import METRICS, Measurement
from pytest_edgeperf.measure.protocol import Collected, ExitCalled, Loaded, Specification
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.schedule.coordinator import Coordinator
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.state import Launch, SessionFacts, SessionState
from pytest_edgeperf.schedule.stored import StoredRuns
from pytest_edgeperf.schedule.worker.starting import Starter
from pytest_edgeperf.settings import BenchmarkOptions, Settings

from ..judge.builders import summary

#: Seconds of the fake clock that a worker takes to load, and to be timed.
PREPARE_S = 2.0
UNKNOWN_HEADROOM = Headroom(None)
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class FakeClock:
    """Seconds that go on only by :meth:`sleep`."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.slept: List[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


class FakeObserver:
    """A machine that nothing slows down, with a given distance to that by heat."""

    root = None

    def __init__(self, headroom: Headroom) -> None:
        self._headroom = headroom

    def look(self) -> Condition:
        return Condition(self.headroom())

    def headroom(self) -> Headroom:
        return self._headroom


class RecordedProgress:
    """What the user would see, as tuples."""

    def __init__(self) -> None:
        self.shown: List[Tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.shown.append((name, *arguments))

    def of(self, name: str) -> List[Tuple[Any, ...]]:
        return [rest for shown, *rest in self.shown if shown == name]


class RecordedJournal:
    """The runs that were written down."""

    def __init__(self) -> None:
        self.runs: List[Tuple[str, Any]] = []

    def run(self, benchmark_id: str, record: Any) -> None:
        self.runs.append((benchmark_id, record))


@dataclass
class Outcome:
    """What a worker makes of its benchmark."""

    latency_ms: Optional[float] = 10.0
    quality: Mapping[str, Any] = field(default_factory=dict)
    #: ``passed``, ``failed`` or ``skipped``: of the body.
    body: str = "passed"
    fault: Optional[str] = None
    exit: Optional[ExitCalled] = None
    #: Medians of its turns; as many as it had by itself.
    turns_ms: Optional[List[float]] = None
    #: It ends before it is timed.
    unprepared: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    software: Mapping[str, Any] = field(default_factory=lambda: {"python": "3"})
    settings: Mapping[str, Any] = field(default_factory=lambda: {"cpus": "0"})
    memory_mib: Optional[float] = 50.0
    joined: Any = None
    #: Of a worker that profiles; an exception is raised instead.
    profile: Union[CostProfile, BaseException, None] = None
    #: What its process loaded, or why that is not known.
    loaded: Optional[Loaded] = None

    @property
    def run(self) -> Optional[Measurement]:
        if self.latency_ms is None or self.body != "passed" or self.fault is not None:
            return None
        values = {"latency": summary(self.latency_ms), **self.values}
        turns_ms = tuple(self.turns_ms or ())
        metrics = {name: METRICS[name] for name in values}
        return Measurement(values, metrics, dict(self.quality), self.software, self.settings, turns_ms)

    @property
    def reports(self) -> List[Dict[str, Any]]:
        if self.fault is not None:
            return []
        return [{"when": "setup", "outcome": "passed"}, {"when": "call", "outcome": self.body}]


class FakeAttempt:
    """As :class:`pytest_edgeperf.schedule.worker.attempt.Attempt`."""

    def __init__(
        self,
        launcher: FakeLauncher,
        plan: Plan,
        before: Condition,
        side: Optional[str],
        outcome: Outcome,
        *,
        profiles: bool,
        build: int,
    ):
        self._profiles = profiles
        self.plan = plan
        self.build = build
        self.before = before
        self.started = START
        self.idle_w = self.telemetry = self.curve = None
        self.visited = 0
        self._launcher = launcher
        self._side = side
        self._outcome = outcome
        self._turns = 0

    def __enter__(self) -> FakeAttempt:
        return self

    def __exit__(self, *_: object) -> None:
        self._launcher.alive.discard(self)

    def _log(self, what: str) -> None:
        self._launcher.log.append((what, self.plan.id if self._side is None else f"{self.plan.id} {self._side}"))

    def prepare(self) -> bool:
        self._log("prepare")
        self._launcher.clock.seconds += PREPARE_S
        self.plan.memory_mib = self._outcome.memory_mib
        self.plan.seconds += PREPARE_S
        return not self._outcome.unprepared and self._outcome.fault is None and self._outcome.body == "passed"

    def profile(self) -> bool:
        assert self._profiles
        self._log("profile")
        if isinstance(self._outcome.profile, BaseException):
            raise self._outcome.profile
        return self._outcome.profile is not None

    def visit(self) -> bool:
        assert not self._profiles
        self._log("visit")
        self.visited += 1
        return True

    def turn(self, seconds: float, settle_s: float) -> bool:
        self.visited += 1
        self._turns += 1
        return True

    def finish(self) -> Delivery:
        self._log("finish")
        self.__exit__()
        outcome = self._outcome
        if self._profiles:
            assert not isinstance(outcome.profile, BaseException)
            return Delivery(reports=outcome.reports, fault=outcome.fault, profile=outcome.profile)
        if outcome.turns_ms is None and self._turns and outcome.latency_ms is not None:
            outcome.turns_ms = [outcome.latency_ms] * self._turns
        return Delivery(
            reports=outcome.reports,
            run=outcome.run,
            fault=outcome.fault,
            exit=outcome.exit,
            joined=outcome.joined,
            loaded=outcome.loaded,
        )

    def figures(self) -> Dict[str, Any]:
        return {}

    def strangers(self) -> List[Dict[str, Any]]:
        return [{"command": "stress", "cpu_s": 1.0}]

    def coordinators_metrics(self) -> Dict[str, float]:
        return {}


@dataclass
class FakeLauncher:
    """Starts fake workers; ``outcomes(benchmark id, number of the try, side)`` says what each comes to."""

    outcomes: Callable[[str, int, Optional[str]], Outcome]
    clock: FakeClock
    #: What each worker did, in order.
    log: List[Tuple[str, str]] = field(default_factory=list)
    alive: set = field(default_factory=set)
    most_alive: int = 0
    #: What the other side collects; ``None``: it cannot.
    collected: Optional[Collected] = None
    builds: List[int] = field(default_factory=list)

    def attempt(
        self,
        plan: Plan,
        specification: Specification,
        before: Condition,
        *,
        seconds: float,
        starter: Optional[Starter] = None,
        build: int = 0,
    ) -> FakeAttempt:
        side = None
        if specification.side is not None:
            side = "base" if specification.side.is_mapped else "candidate"
        self.builds.append(build)
        # Turns are added to an outcome, which many workers may share.
        outcome = replace(self.outcomes(plan.id, plan.tries, side))
        attempt = FakeAttempt(self, plan, before, side, outcome, profiles=specification.profiles, build=build)
        self.alive.add(attempt)
        self.most_alive = max(self.most_alive, len(self.alive))
        return attempt

    def collect(self, specification: Specification, starter: Optional[Starter] = None) -> Delivery:
        return Delivery(collected=self.collected, fault=None if self.collected is not None else "it cannot collect")

    def done(self, what: str) -> List[str]:
        """Of which benchmarks this was done, in order."""
        return [name for action, name in self.log if action == what]


def plan(id: str, rounds: int = 3, **changes: Any) -> Plan:
    fields: Dict[str, Any] = {"path": "/test_it.py", "adopted": False, "options": BenchmarkOptions(), "parameters": {}}
    fields.update(changes)
    return Plan(id=id, rounds=rounds, **fields)


def specification_of(plan: Plan) -> Specification:
    return Specification(plan.id, [], [f"{plan.path}::{plan.id}"], {}, [])


@dataclass
class Session:
    """A session on fakes: its coordinator, and what went on."""

    coordinator: Coordinator
    launcher: FakeLauncher
    clock: FakeClock
    progress: RecordedProgress
    journal: RecordedJournal

    @property
    def verdicts(self) -> Dict[str, str]:
        comparison = self.coordinator.comparison
        return {} if comparison is None else {id: verdict.verdict for id, verdict in comparison.benchmarks.items()}


def session(
    plans: List[Plan],
    outcomes: Callable[[str, int, Optional[str]], Outcome] = lambda *_: Outcome(),
    *,
    strategy: Callable[[SessionState], Any] = StoredRuns,
    max_broken: int = 0,
    collected: Optional[Collected] = None,
    headroom: Headroom = UNKNOWN_HEADROOM,
    **settings: Any,
) -> Session:
    """A session of these benchmarks.

    Args:
        plans: the benchmarks.
        outcomes: as those of :class:`FakeLauncher`.
        strategy: makes the strategy of a state.
        max_broken: as ``--maxfail``.
        collected: what the other side collects.
        headroom: how hot the machine is; ``None`` degrees: nobody knows.
        settings: those of :class:`Settings` that differ from the default; nothing is waited for between rounds.
    """
    clock, progress, journal = FakeClock(), RecordedProgress(), RecordedJournal()
    launcher = FakeLauncher(outcomes, clock, collected=collected)
    own = Settings(**{"spacing_s": 0.0, "baseline": "off", **settings})
    state = SessionState(
        plans=plans,
        settings=own,
        facts=SessionFacts("20260101T000000Z-0000", "board", {"device": "board"}, None, "1a2b3c4"),
        launch=Launch(launcher, specification_of, max_broken, Specification("", [], ["/"], {}, [], collects=True)),
        progress=progress,
        journal=journal,
        observer=FakeObserver(headroom),
        clock=clock,
    )
    return Session(Coordinator(strategy(state)), launcher, clock, progress, journal)

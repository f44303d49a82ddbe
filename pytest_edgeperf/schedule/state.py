"""The state of a session while it measures, independent of the strategy."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set

from pytest_edgeperf.devices.condition import Condition, Observer
from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import ExitCalled, Specification
from pytest_edgeperf.results import Benchmark, Results
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.types import LoadedRecord
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.journal import Journal
from pytest_edgeperf.schedule.machine.cooling import Cooling
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.schedule.worker.attempt import Attempt
from pytest_edgeperf.schedule.worker.launching import Launcher
from pytest_edgeperf.settings import OFF, Settings

NOT_RECORDED = "what a benchmark loads could not be recorded"


class Clock:
    """How the coordinator waits and measures durations, in seconds."""

    def now(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        time.sleep(seconds)


class Progress(Protocol):
    """Receives the coordinator's progress; called between timed blocks only."""

    def start(self, rounds: int, benchmarks: int, total_runs: Optional[int] = None) -> None:
        """Rounds begin."""

    def update(
        self, round_number: int, rounds: int, benchmark_id: str, remaining_s: Optional[float], disturbed_runs: int = 0
    ) -> None:
        """The measuring of a benchmark begins."""

    def doing(self, what: str) -> None:
        """Something begins that takes seconds, during which nobody calls."""

    def busy(self, benchmark_id: str, what: str, seconds: float) -> None:
        """Something has been going on for so long, of which nothing is timed; ``benchmark_id`` may be empty."""

    def wait(self, seconds: float) -> None:
        """The next round begins after a pause."""

    def cool(self, zone: str, temperature_c: float, target_c: float) -> None:
        """The session waits for the machine to cool down."""

    def note(self, text: str) -> None:
        """A note that is shown to the user at once."""

    def finish(self) -> None:
        """The rounds have ended."""


@dataclass(frozen=True)
class SessionFacts:
    """Facts that all runs of a session share."""

    id: str
    device: str
    fingerprint: Mapping[str, Any]
    boot: Optional[str]
    commit: Optional[str]
    #: Further sections of each run's environment: the system's software, what the doctor found.
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Launch:
    """How a session starts workers, and with which specifications."""

    launcher: Launcher
    specification: Callable[[Plan], Specification]
    #: Stop measuring after so many broken bodies; 0 never.
    max_broken: int = 0
    #: For a worker that only collects, what the session's arguments select.
    collection: Optional[Specification] = None


@dataclass
class SessionState:
    """The benchmarks with their results so far, and everything needed to start a run."""

    plans: Sequence[Plan]
    settings: Settings
    facts: SessionFacts
    launch: Launch
    progress: Progress
    journal: Journal
    #: Looks at the machine before and after each run.
    observer: Observer
    clock: Clock = field(default_factory=Clock)
    environments: Dict[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    #: What processes loaded, by the keys that runs name.
    loaded: Dict[str, LoadedRecord] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)
    rounds: int = 0
    #: Of all benchmarks, replaced ones included.
    disturbed_runs: int = 0
    #: The ``pytest.exit`` that a test called, if one did.
    exit: Optional[ExitCalled] = None

    def __post_init__(self) -> None:
        self.cooling = Cooling(self.observer.headroom, self.progress, self.clock.now, self.clock.sleep)
        self._broken: Set[str] = set()

    @property
    def stopped(self) -> bool:
        """Whether ``-x``, ``--maxfail`` or a test's ``pytest.exit`` ends the measuring."""
        return self.exit is not None or 0 < self.launch.max_broken <= len(self._broken)

    def before(self) -> Condition:
        """Wait until the machine is cool, then read its condition."""
        if self.settings.cooldown:
            self.cooling.wait()
        return self.observer.look()

    def ended(self, plan: Plan, delivery: Delivery) -> None:
        """Take note that another try of a plan has ended."""
        plan.last = delivery
        plan.tries += 1
        self.exit = self.exit or delivery.exit
        if delivery.loaded is not None and delivery.loaded.record is None:
            note = f"{NOT_RECORDED}: {delivery.loaded.why_not}"
            if note not in self.notes:
                self.notes.append(note)
        (self._broken.add if plan.broken else self._broken.discard)(plan.id)

    def record(
        self,
        delivery: Delivery,
        attempt: Attempt,
        run: Measurement,
        figures: Mapping[str, Any],
        commit: Optional[str],
    ) -> RunRecord:
        """Create the record of a run.

        Args:
            delivery: what its worker delivered.
            attempt: the worker.
            run: the delivered run, with what was measured from outside the worker.
            figures: its quality.
            commit: of the code that it measured.
        """
        joined = delivery.joined
        return RunRecord(
            started=attempt.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            environment=self.environment(run, attempt.before),
            metrics=run.metrics,
            values=run.values,
            quality=figures,
            boot=self.facts.boot,
            commit=commit,
            study=joined.study if joined is not None else None,
            place=joined.place if joined is not None else None,
            reports=delivery.reports,
            benchmark_stats=delivery.benchmark_stats,
            loaded=None if delivery.loaded is None else delivery.loaded.record,
        )

    def environment(self, run: Measurement, before: Condition) -> Dict[str, Dict[str, Any]]:
        """The environment of a run, with the device's settings at its start."""
        return {
            "fingerprint": dict(self.facts.fingerprint),
            "software": dict(run.software),
            "settings": {**before.settings, **run.settings},
            **{name: dict(section) for name, section in self.facts.sections.items() if section},
        }

    def take(self, plan: Plan, record: RunRecord) -> None:
        """Add a run to its benchmark."""
        self.remember(record)
        plan.runs.append(record.run(self.facts.id))
        self.disturbed_runs += record.disturbed
        plan.metrics = record.metrics
        plan.study, plan.place = record.study, record.place
        if record.benchmark_stats is not None:
            plan.benchmark_stats.append(record.benchmark_stats)

    def remember(self, record: RunRecord) -> None:
        """Keep what a run names by keys: its environment, and what its process has loaded."""
        self.environments[record.environment_key] = record.environment
        if record.loaded is not None and record.loaded_key is not None:
            self.loaded[record.loaded_key] = record.loaded

    def family(self) -> Family:
        """The benchmarks that are judged together, with their options."""
        options = {plan.id: plan.options for plan in self.plans}
        return Family(
            benchmarks=tuple(options),
            tolerance=self.settings.tolerance,
            tolerances={id: own.tolerance for id, own in options.items() if own.tolerance is not None},
            gates={id: own.gate for id, own in options.items() if own.gate},
            allowed_differences=self.settings.allowed_differences,
            must_detect=self.settings.must_detect,
        )

    def results(self) -> Results:
        """The runs so far as a results file."""
        return Results(
            device=self.facts.device,
            environments=self.environments,
            benchmarks={plan.id: benchmark_of(plan) for plan in self.plans if plan.runs},
            studies={plan.study.name: plan.study for plan in self.plans if plan.study is not None},
            gate=self._gate(),
            allowed_differences=tuple(self.settings.allowed_differences),
            loaded=self.loaded,
        )

    def _gate(self) -> Optional[Gate]:
        """The family that a check of these benchmarks would have, for runs that may be compared later."""
        if self.settings.baseline != OFF:
            return None
        family = self.family()
        return Gate(
            tolerance=family.tolerance,
            must_detect=family.must_detect,
            rounds=self.settings.check_rounds,
            max_rounds=self.settings.check_max_rounds,
            tolerances=family.tolerances,
            metrics={name: tuple(metrics) for name, metrics in family.gates.items()},
        )


def benchmark_of(plan: Plan) -> Benchmark:
    """The runs of a plan as a results file stores them."""
    return Benchmark(
        parameters=plan.parameters,
        metrics=plan.metrics,
        runs=tuple(plan.runs),
        place=plan.place,
    )

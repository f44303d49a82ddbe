"""Measures a session's benchmarks in rounds of fresh processes, and asks the judge when to stop."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set

from pytest_edgeperf.devices.condition import Condition, Observer
from pytest_edgeperf.devices.condition import figures as condition_figures
from pytest_edgeperf.devices.sensors.process_memory import DeviceMemory
from pytest_edgeperf.judge.evidence import TAIL_DISTURBED
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.verdicts import MORE, NEW, BenchmarkVerdict, Comparison
from pytest_edgeperf.measure.channel import Message
from pytest_edgeperf.measure.measurement import described
from pytest_edgeperf.results import Benchmark, Metric, Results
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.schedule import courses, parking, quality
from pytest_edgeperf.schedule.attempt import Attempt
from pytest_edgeperf.schedule.cooling import Cooling
from pytest_edgeperf.schedule.curve import CurveRecorder
from pytest_edgeperf.schedule.hopeless import Patience, note_of
from pytest_edgeperf.schedule.journal import Journal, Past
from pytest_edgeperf.schedule.pace import Pace
from pytest_edgeperf.schedule.plan import Plan, round_order
from pytest_edgeperf.schedule.process import Delivery
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.schedule.telemetry import Instruments
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors
from pytest_edgeperf.settings import CHECK, OFF, Settings

NARROW = "visits could not be spread over all benchmarks of a round: memory holds only some of their workers at a time"

#: How the coordinator waits between rounds.
rest = time.sleep


class Progress(Protocol):
    """Where the coordinator tells how far it is; called between blocks only."""

    def start(self, rounds: int, benchmarks: int, total_runs: Optional[int] = None) -> None:
        """Rounds of so many benchmarks begin."""

    def update(self, round_number: int, rounds: int, benchmark_id: str, remaining_s: Optional[float]) -> None:
        """A benchmark's turn begins."""

    def wait(self, seconds: float) -> None:
        """The next round begins in so many seconds."""

    def cool(self, zone: str, temperature_c: float, target_c: float) -> None:
        """The machine is waited for until it has cooled down."""

    def note(self, text: str) -> None:
        """Something the user should know now."""

    def finish(self) -> None:
        """No more rounds."""


@dataclass(frozen=True)
class SessionFacts:
    """What all runs of a session share."""

    id: str
    device: str
    fingerprint: Mapping[str, Any]
    boot: Optional[str]
    commit: Optional[str]
    #: Further sections of each run's environment: the system's software, what the doctor found.
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Launch:
    """How to start a worker for a benchmark: the pytest options of this session, and where its output goes."""

    specification: Callable[[Plan], Message]
    show_output: bool
    #: Stop measuring after so many broken bodies; 0 never.
    max_broken: int = 0
    #: For a worker that only collects, and the files, folders and ids that the session's arguments select.
    collection: Optional[Message] = None
    selected: Sequence[str] = ()


@dataclass
class Coordinator:
    """One session of measuring. ``measure`` fills ``plans``, ``environments`` and ``comparison``."""

    plans: Sequence[Plan]
    settings: Settings
    facts: SessionFacts
    launch: Launch
    baseline: Optional[Results]
    progress: Progress
    journal: Journal
    #: Looks at the machine before and after each run.
    observer: Observer
    #: Benchmarks of the baseline that no longer exist.
    missing: Sequence[str] = ()
    #: What is read while an inference is repeated; ``None``: nothing.
    instruments: Optional[Instruments] = None
    #: Who tells what a worker holds of the GPU's memory; ``None``: nobody.
    device_memory: Optional[DeviceMemory] = None
    environments: Dict[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    comparison: Optional[Comparison] = None
    notes: List[str] = field(default_factory=list)
    rounds: int = 0
    seconds: float = 0.0
    #: Whether an error ended the measuring before its time.
    broken_off: bool = False
    _round_began: float = 0.0

    def __post_init__(self) -> None:
        self.errors = UnexpectedErrors(self.facts.id)
        #: Reason and code of the ``pytest.exit`` that a test called, if one did.
        self.exit: Optional[Message] = None
        self._pace = Pace({}, ())
        self._broken: Set[str] = set()
        #: What the largest worker so far took when prepared.
        self._largest_mib: Optional[float] = None
        self.cooling = Cooling(self.observer.headroom, self.progress, sleep=rest)
        self._patience = Patience()

    def measure(self) -> None:
        """Measure all plans: the planned rounds, then, in a check, further ones for suspects.

        Once there are runs, an error of ours ends the measuring or the judging; ``errors`` has it, and the runs stay.
        """
        began = time.monotonic()
        rounds = [plan.rounds for plan in self.plans]
        self.progress.start(max(rounds, default=0), len(self.plans), sum(rounds))
        try:
            try:
                self._rounds_until({plan.id: plan.rounds for plan in self.plans})
            except Exception as error:
                if not any(plan.tries for plan in self.plans):
                    raise
                self.broken_off = True
                self.errors.add("the measuring", error)
            try:
                self._judge()
            except Exception as error:  # no verdict is better than that of an earlier stage
                self.comparison = None
                self.errors.add("the comparison", error)
        finally:
            self.seconds = time.monotonic() - began
            self.progress.finish()
        with self.errors.survive("the summary of the measuring"):
            self._add_notes()

    def _add_notes(self) -> None:
        self._note_replaced()
        if self.cooling.waited_s >= 1:
            self.notes.append(f"waited {self.cooling.waited_s:.0f} s in all until the machine had cooled down")
        self.notes += [self.cooling.note] if self.cooling.note else []
        if self.instruments is not None and self.instruments.without_power is not None:
            self.notes.append(f"power and energy were not measured: {self.instruments.without_power}")
        self.notes += courses.notes({plan.id: plan.runs for plan in self.plans})

    def measured(self) -> Results:
        """This session's runs as a results file."""
        return Results(
            device=self.facts.device,
            environments=self.environments,
            benchmarks={plan.id: benchmark_of(plan) for plan in self.plans if plan.runs},
            studies={plan.study.name: plan.study for plan in self.plans if plan.study is not None},
            gate=self._gate(),
            allowed_differences=tuple(self.settings.allowed_differences),
        )

    def _gate(self) -> Optional[Gate]:
        """What a check of these benchmarks would be: runs that were not compared may be so later."""
        if self.settings.baseline != OFF:
            return None
        family = self._family()
        return Gate(
            tolerance=family.tolerance,
            must_detect=family.must_detect,
            rounds=self.settings.check_rounds,
            max_rounds=self.settings.check_max_rounds,
            tolerances=family.tolerances,
            metrics={name: tuple(metrics) for name, metrics in family.gates.items()},
        )

    @property
    def stopped(self) -> bool:
        """Whether ``-x``, ``--maxfail`` or a test's ``pytest.exit`` ends the measuring."""
        return self.exit is not None or 0 < self.launch.max_broken <= len(self._broken)

    def _judge(self) -> None:
        if self.settings.baseline == OFF:
            return
        if self.baseline is None:
            self.comparison = Comparison({plan.id: BenchmarkVerdict(NEW) for plan in self.plans if plan.runs})
        elif self.settings.baseline == CHECK:
            self._confirm(self.baseline)
        else:
            self.comparison = self._compare(self._collected(self.baseline), self.measured())
        if self.comparison is not None:
            self.comparison = self._without_broken(self.comparison)
        if self.comparison is not None and self.baseline is not None:
            from pytest_edgeperf.judge.renames import with_missing, with_renames

            self.comparison = with_missing(self.comparison, self.missing)
            self.comparison = with_renames(self.comparison, self.baseline, self.measured(), self._compare)

    def _compare(self, base: Results, candidate: Results) -> Comparison:
        from pytest_edgeperf.judge import compare

        return compare(base, candidate, allow_differences=self.settings.allowed_differences)

    def _collected(self, baseline: Results) -> Results:
        ids = {plan.id for plan in self.plans}
        kept = {id: one for id, one in baseline.benchmarks.items() if id in ids}
        return replace(baseline, benchmarks=kept)

    def _without_broken(self, comparison: Comparison) -> Comparison:
        broken = {plan.id for plan in self.plans if plan.broken}
        kept = {id: one for id, one in comparison.benchmarks.items() if id not in broken}
        return replace(comparison, benchmarks=kept)

    def _confirm(self, baseline: Results) -> None:
        from pytest_edgeperf.judge import step

        family = self._family()
        runs = self.settings.rounds
        while True:
            final = runs >= self.settings.max_rounds or self.stopped
            answer = step(baseline, self.measured(), family, Stage(runs=runs, final=final))
            self.comparison = answer.comparison
            unclear = [plan for plan in self.plans if answer.decisions.get(plan.id) == MORE and not plan.ended]
            suspects = [plan for plan in unclear if plan.hopeless is None]
            if unclear and not suspects:
                self.comparison = step(baseline, self.measured(), family, Stage(runs=runs, final=True)).comparison
            if final or not suspects:
                return
            runs = min(runs + self.settings.rounds, self.settings.max_rounds)
            self.progress.note(
                f"{len(suspects)} of {len(self.plans)} benchmarks are not clear yet: measuring on, up to {runs} runs"
            )
            self.progress.start(runs, len(suspects), sum(runs - plan.good_runs for plan in suspects))
            self._rounds_until({plan.id: runs for plan in suspects})

    def _family(self) -> Family:
        options = {plan.id: plan.options for plan in self.plans}
        return Family(
            benchmarks=tuple(options),
            tolerance=self.settings.tolerance,
            tolerances={id: one.tolerance for id, one in options.items() if one.tolerance is not None},
            gates={id: one.gate for id, one in options.items() if one.gate},
            allowed_differences=self.settings.allowed_differences,
            must_detect=self.settings.must_detect,
        )

    def _rounds_until(self, good_runs: Mapping[str, int]) -> None:
        """Go round after round over those that still want runs; a disturbed run is taken again in a later one."""
        by_id = {plan.id: plan for plan in self.plans}
        for id, wanted in good_runs.items():
            by_id[id].wanted = wanted
        last_round = (
            self.rounds + max(good_runs.values(), default=0) - min((by_id[id].good_runs for id in good_runs), default=0)
        )
        while not self.stopped:
            waiting = [by_id[id] for id, wanted in good_runs.items() if by_id[id].wants(wanted)]
            if not waiting:
                return
            self._await_next_round()
            self.rounds += 1
            last_round = max(last_round, self.rounds)
            self.progress.start(last_round, len(waiting))
            self._pace = Pace(good_runs, self.plans, self.settings.spacing_s)
            self._round(
                round_order(waiting, self.facts.id, self.rounds),
                lambda plan: self._announce(plan, last_round),  # noqa: B023 (called within this turn)
            )

    def _await_next_round(self) -> None:
        """Rounds of few benchmarks wait for their turn: runs within one burst of noise would agree with each other."""
        due = self._round_began + self.settings.spacing_s
        pause_s = due - time.monotonic() if self.rounds else 0.0
        if pause_s > 0:
            self.progress.wait(pause_s)
            rest(pause_s)
        self._round_began = time.monotonic()

    def _announce(self, plan: Plan, last_round: int) -> None:
        self.progress.update(self.rounds, last_round, plan.id, self._pace.remaining_s())

    def _round(self, order: List[Plan], announce: Callable[[Plan], None]) -> None:
        """One run of each plan: prepare as many workers as memory holds, then visit them in turn until all is timed."""
        waiting = list(order)
        while waiting and not self.stopped:
            with ExitStack() as parked:
                group = self._park(waiting, parked, announce)
                for _ in range(self.settings.visits - 1):
                    for attempt in list(group):
                        announce(attempt.plan)
                        if not attempt.visit():
                            group.remove(attempt)
                            self._deliver(attempt)
                            if self.stopped:
                                return
                for attempt in group:
                    self._deliver(attempt)

    def _park(self, waiting: List[Plan], parked: ExitStack, announce: Callable[[Plan], None]) -> List[Attempt]:
        """Prepare and visit once each; take from ``waiting`` until all are, or no further one has room."""
        group: List[Attempt] = []
        while waiting and not self.stopped:
            if not parking.has_room(len(group), self._expected_mib(waiting[0]), parking.memory()):
                self._note_full(len(group))
                break
            plan = waiting.pop(0)
            announce(plan)
            attempt = parked.enter_context(self._attempt(plan))
            prepared = attempt.prepare()
            self._largest_mib = max(filter(None, (self._largest_mib, plan.memory_mib)), default=None)
            alive = prepared and (self._course(attempt) if plan.options.curve else attempt.visit())
            if alive and self.settings.visits > 1 and not (plan.options.curve or plan.adopted):
                group.append(attempt)
            else:
                self._deliver(attempt)
        return group

    def _course(self, attempt: Attempt) -> bool:
        sensors = self.instruments.found if self.instruments is not None else []
        return attempt.course(CurveRecorder(sensors, self.observer.look, self.observer.root))

    def _expected_mib(self, plan: Plan) -> Optional[float]:
        return plan.memory_mib if plan.memory_mib is not None else self._largest_mib

    def _note_full(self, parked: int) -> None:
        if parked < parking.MOST_PARKED and NARROW not in self.notes:
            self.notes.append(NARROW)

    def _before(self) -> Condition:
        """Wait until the machine is cool, and look at it."""
        if self.settings.cooldown:
            self.cooling.wait()
        return self.observer.look()

    def _attempt(self, plan: Plan) -> Attempt:
        options, settings = plan.options, self.settings
        budget_s = options.budget_s or settings.budget_s
        before = self._before()
        idle_w = self.instruments.idle_w() if self.instruments is not None else None
        attempt = Attempt(
            plan,
            self.launch.specification(plan),
            before,
            threads=options.threads or settings.threads,
            show_output=self.launch.show_output,
            timeout_s=(options.timeout_s or settings.timeout_s) + (budget_s if options.curve else 0.0),
            seconds=budget_s if options.curve else budget_s / settings.visits,
            device_memory=self.device_memory,
        )
        attempt.idle_w = idle_w
        return attempt

    def _deliver(self, attempt: Attempt) -> None:
        plan = attempt.plan
        if self.instruments is not None and not plan.adopted:
            attempt.sustain(self.instruments, self.settings.telemetry_s, plan.options.power_series)
        delivery = attempt.finish()
        self._ended(plan, delivery)
        if delivery.run is not None and not delivery.failed:
            self._keep(plan, delivery, attempt)
        self._pace.update(plan)

    def _ended(self, plan: Plan, delivery: Delivery) -> None:
        """One more try of a plan has come to its end."""
        plan.last = delivery
        plan.tries += 1
        self.exit = self.exit or delivery.exit
        (self._broken.add if plan.broken else self._broken.discard)(plan.id)

    def _keep(self, plan: Plan, delivery: Delivery, attempt: Attempt) -> None:
        assert delivery.run is not None
        message = delivery.run
        environment = self._environment(message, attempt.before)
        condition = condition_figures(attempt.before, self.observer.look())
        figures = {**message["quality"], **attempt.figures(), **condition}
        measured = attempt.coordinators_metrics()
        if attempt.telemetry is not None:
            figures["telemetry"] = attempt.telemetry.basis
        if self.device_memory is not None and "memory_device_peak" in measured:
            figures["memory_device_source"] = self.device_memory.source
        figures.update(attempt.curve.figures if attempt.curve is not None else {})
        usual = quality.baseline_figures(self.baseline, plan.id, environment)
        pinned = message["settings"].get("cpus") != OFF
        reasons = quality.disturbed_by(figures, usual, pinned=pinned, heated=plan.options.curve)
        figures["disturbed"] = bool(reasons)
        if reasons:
            figures["disturbed_by"] = reasons
            # Of no use in a good run, whose figures a baseline may keep.
            if any(reason.startswith(quality.OTHERS) for reason in reasons):
                figures["others"] = attempt.strangers()
        elif quality.tail_disturbed(figures, usual, pinned=pinned):
            figures[TAIL_DISTURBED] = True
        message["metrics"] = {**described(measured), **message["metrics"]}
        message["values"] = {**measured, **message["values"]}
        record = self._record(delivery, attempt, environment, figures, self.facts.commit)
        self.journal.run(plan.id, record)
        self._take(plan, record)
        self._patience.note(plan, self.plans, reasons, self.rounds)

    def _record(
        self,
        delivery: Delivery,
        attempt: Attempt,
        environment: Mapping[str, Mapping[str, Any]],
        figures: Mapping[str, Any],
        commit: Optional[str],
    ) -> RunRecord:
        message: Message = delivery.run or {}
        study = delivery.study
        return RunRecord(
            started=attempt.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            environment=environment,
            metrics={name: Metric.from_dict(metric) for name, metric in message["metrics"].items()},
            values=message["values"],
            quality=figures,
            boot=self.facts.boot,
            commit=commit,
            study=Study.from_dict(study["name"], study["study"]) if study else None,
            place=Place.from_dict(study["place"]) if study else None,
            reports=delivery.reports,
            benchmark_stats=delivery.benchmark_stats,
        )

    def _environment(self, message: Message, before: Condition) -> Dict[str, Dict[str, Any]]:
        """What the run depended on; the device's settings as they were when it began."""
        return {
            "fingerprint": dict(self.facts.fingerprint),
            "software": message["software"],
            "settings": {**before.settings, **message["settings"]},
            **{name: dict(section) for name, section in self.facts.sections.items() if section},
        }

    def resume(self, past: Past) -> None:
        """Take over the runs that an unfinished session had measured, as if they were this one's."""
        plans = {plan.id: plan for plan in self.plans}
        for benchmark_id, record in past.runs:
            plan = plans.get(benchmark_id)
            if plan is None:
                continue
            self._take(plan, record)
            delivery = Delivery(
                reports=[dict(report) for report in record.reports],
                run=record.to_dict(),
                benchmark_stats=dict(record.benchmark_stats) if record.benchmark_stats is not None else None,
            )
            self._ended(plan, delivery)

    def _take(self, plan: Plan, record: RunRecord) -> None:
        self.environments[record.environment_key] = record.environment
        plan.runs.append(record.run(self.facts.id))
        plan.metrics = record.metrics
        plan.study, plan.place = record.study, record.place
        if record.benchmark_stats is not None:
            plan.benchmark_stats.append(record.benchmark_stats)

    def _note_replaced(self) -> None:
        runs = [run for plan in self.plans for run in plan.runs]
        note = quality.summary(runs, sum(plan.replaced for plan in self.plans))
        notes = (note, quality.tail_summary(runs), note_of(self.plans))
        self.notes += [one for one in notes if one is not None]


def benchmark_of(plan: Plan) -> Benchmark:
    """The runs of one plan, as they stand in a results file."""
    return Benchmark(
        parameters=plan.parameters,
        metrics=plan.metrics,
        runs=tuple(plan.runs),
        place=plan.place,
    )

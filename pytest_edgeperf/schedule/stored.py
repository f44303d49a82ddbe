"""Rounds of runs that are compared with stored ones: a baseline's. Without one, they are only measured."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, List, Mapping, Optional, Sequence

from pytest_edgeperf.devices.condition import figures as condition_figures
from pytest_edgeperf.devices.sensors.process_memory import DeviceMemory
from pytest_edgeperf.judge.builds import BUILD, build_of
from pytest_edgeperf.judge.evidence import TAIL_DISTURBED
from pytest_edgeperf.judge.family import Stage
from pytest_edgeperf.judge.verdicts import MORE, NEW, BenchmarkVerdict, Comparison
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.results import Results
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.hopeless import Patience, note_of
from pytest_edgeperf.schedule.machine import courses, disturbance
from pytest_edgeperf.schedule.machine.curve import CurveRecorder
from pytest_edgeperf.schedule.machine.telemetry import Instruments
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.rounds import Strategy, Turns, stages_of
from pytest_edgeperf.schedule.state import SessionState
from pytest_edgeperf.schedule.worker import parking
from pytest_edgeperf.schedule.worker.attempt import Attempt
from pytest_edgeperf.settings import CHECK, OFF

NARROW = "too little memory to interleave all workers of a round: each was interleaved with some of the others only"


class StoredRuns(Strategy):
    """Measures each benchmark in its own workers and interleaves the timed blocks of many workers."""

    def __init__(
        self,
        state: SessionState,
        baseline: Optional[Results] = None,
        *,
        missing: Sequence[str] = (),
        instruments: Optional[Instruments] = None,
        device_memory: Optional[DeviceMemory] = None,
    ) -> None:
        """Create the strategy that compares with stored runs.

        Args:
            state: of the session.
            baseline: what the runs are compared with.
            missing: benchmarks of the baseline that no longer exist.
            instruments: sensors that are read while an inference is repeated; ``None`` for none.
            device_memory: source of the GPU memory that a worker holds; ``None`` if there is none.
        """
        super().__init__(state)
        self._baseline = baseline
        self._missing = missing
        self._instruments = instruments
        self._device_memory = device_memory
        self._comparison: Optional[Comparison] = None
        #: What the largest worker so far took when prepared.
        self._largest_mib: Optional[float] = None
        self._patience = Patience()

    def stages(self) -> Sequence[int]:
        """The numbers of good runs: several in a check, which measures suspects further; otherwise one."""
        settings = self.state.settings
        if settings.baseline == OFF:
            return ()
        if self._baseline is None or settings.baseline != CHECK:
            return (settings.rounds,)
        return stages_of(settings.rounds, settings.max_rounds)

    def look(self, number: int, stages: Sequence[int], *, final: bool) -> List[Plan]:
        """Compare with the baseline."""
        state = self.state
        if self._baseline is None:
            self._comparison = Comparison({plan.id: BenchmarkVerdict(NEW) for plan in state.plans if plan.runs})
            return []
        if state.settings.baseline != CHECK:
            self._comparison = self._compare(self._collected(self._baseline), self.measured())
            return []
        return self._suspects(self._baseline, Stage(runs=stages[number - 1], final=final))

    def _suspects(self, baseline: Results, stage: Stage) -> List[Plan]:
        from pytest_edgeperf.judge import step

        measured, family = self.measured(), self.state.family()
        answer = step(baseline, measured, family, stage)
        unclear = [plan for plan in self.state.plans if answer.decisions.get(plan.id) == MORE and not plan.ended]
        suspects = [plan for plan in unclear if plan.hopeless is None]
        if unclear and not suspects:
            answer = step(baseline, measured, family, replace(stage, final=True))
        self._comparison = answer.comparison
        return suspects

    def comparison(self) -> Optional[Comparison]:
        """The verdicts of completely measured benchmarks, with those that no longer exist."""
        if self._comparison is None:
            return None
        comparison = without_broken(self._comparison, self.state.plans)
        if self._baseline is None:
            return comparison
        from pytest_edgeperf.judge.renames import with_missing, with_renames

        comparison = with_missing(comparison, self._missing)
        return with_renames(comparison, self._baseline, self.measured(), self._compare)

    def _compare(self, base: Results, candidate: Results) -> Comparison:
        from pytest_edgeperf.judge import compare

        return compare(base, candidate, allow_differences=self.state.settings.allowed_differences)

    def _collected(self, baseline: Results) -> Results:
        ids = {plan.id for plan in self.state.plans}
        kept = {id: benchmark for id, benchmark in baseline.benchmarks.items() if id in ids}
        return replace(baseline, benchmarks=kept)

    def notes(self) -> List[str]:
        """Notes on disturbed and replaced runs, abandoned benchmarks, missing power and unsteady latencies."""
        plans = self.state.plans
        runs = [run for plan in plans for run in plan.runs]
        replaced = disturbance.summary(runs, sum(plan.replaced for plan in plans))
        power = None
        if self._instruments is not None and self._instruments.without_power is not None:
            power = f"power and energy were not measured: {self._instruments.without_power}"
        candidates = (replaced, disturbance.tail_summary(runs), note_of(plans), power)
        return [note for note in candidates if note is not None] + courses.notes({plan.id: plan.runs for plan in plans})

    def round(self, order: Sequence[Plan], turns: Turns) -> None:
        """Measure one run of each plan: prepare as many workers as fit into memory, then time them in turn."""
        waiting = list(order)
        while waiting and not self.state.stopped:
            with ExitStack() as parked:
                group = self._park(waiting, parked, turns)
                for _ in range(self.state.settings.visits - 1):
                    for attempt in list(group):
                        turns.begin(attempt.plan)
                        if not attempt.visit():
                            group.remove(attempt)
                            self.deliver(attempt, turns)
                            if self.state.stopped:
                                return
                for attempt in group:
                    self.deliver(attempt, turns)

    def _park(self, waiting: List[Plan], parked: ExitStack, turns: Turns) -> List[Attempt]:
        """Prepare and visit once each; take from ``waiting`` until all are, or no further one has room."""
        group: List[Attempt] = []
        while waiting and not self.state.stopped:
            if not parking.has_room(len(group), self._expected_mib(waiting[0]), parking.memory()):
                self._note_full(len(group))
                break
            plan = waiting.pop(0)
            turns.begin(plan)
            attempt = parked.enter_context(self._attempt(plan))
            prepared = attempt.prepare()
            self._largest_mib = max(filter(None, (self._largest_mib, plan.memory_mib)), default=None)
            alive = prepared and (self._course(attempt) if plan.options.curve else attempt.visit())
            if alive and self.state.settings.visits > 1 and not (plan.options.curve or plan.adopted):
                group.append(attempt)
            else:
                self.deliver(attempt, turns)
        return group

    def _attempt(self, plan: Plan) -> Attempt:
        settings, launch = self.state.settings, self.state.launch
        budget_s = plan.options.budget_s or settings.budget_s
        before = self.state.before()
        idle_w = self._instruments.idle_w() if self._instruments is not None else None
        idle_c = self._instruments.temperature_c() if self._instruments is not None else None
        seconds = budget_s if plan.options.curve else budget_s / settings.visits
        specification = launch.specification(plan)
        attempt = launch.launcher.attempt(plan, specification, before, seconds=seconds, build=self._build(plan))
        attempt.idle_w, attempt.idle_c = idle_w, idle_c
        return attempt

    def _builds(self, plan: Plan) -> int:
        """How many builds of its engine a benchmark's runs take turns among: as many as its baseline has."""
        asked = plan.options.builds or self.state.settings.builds
        if asked > 1 or self._baseline is None or self.state.settings.baseline != CHECK:
            return asked
        known = self._baseline.benchmarks.get(plan.id)
        return max([asked, *(1 + (build_of(run) or 0) for run in (known.runs if known is not None else ()))])

    def _differs_by_build(self, plan: Plan, environment: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether the run's engine was built for it alone: by a framework, or by what its marker says."""
        if self._builds(plan) == 1:
            return False
        engine = environment["settings"].get("engine")
        return plan.options.builds is not None or (isinstance(engine, MappingType) and "built_with" in engine)

    def _build(self, plan: Plan) -> int:
        """Which build its next run is of."""
        return sum(not run.disturbed for run in plan.runs) % self._builds(plan)

    def _course(self, attempt: Attempt) -> bool:
        sensors = self._instruments.sensors if self._instruments is not None else []
        observer = self.state.observer
        return attempt.course(CurveRecorder(sensors, observer.look, observer.root))

    def _expected_mib(self, plan: Plan) -> Optional[float]:
        return plan.memory_mib if plan.memory_mib is not None else self._largest_mib

    def _note_full(self, parked: int) -> None:
        if parked < parking.MOST_PARKED and NARROW not in self.state.notes:
            self.state.notes.append(NARROW)

    def deliver(self, attempt: Attempt, turns: Turns) -> None:
        """Let a worker end, and keep its run with whether it was disturbed."""
        plan = attempt.plan
        if self._instruments is not None and not plan.adopted:
            attempt.sustain(self._instruments, self.state.settings.telemetry_s, plan.options.power_series)
        delivery = attempt.finish()
        self.state.ended(plan, delivery)
        if delivery.run is not None and not delivery.failed:
            self._keep(plan, delivery, attempt)
        turns.end(plan)

    def _keep(self, plan: Plan, delivery: Delivery, attempt: Attempt) -> None:
        state, run = self.state, delivery.run
        assert run is not None
        figures = {**run.quality, **attempt.figures(), **condition_figures(attempt.before, state.observer.look())}
        measured = attempt.coordinators_metrics()
        if attempt.telemetry is not None:
            figures["telemetry"] = attempt.telemetry.basis
        if self._device_memory is not None and "memory_device_peak" in measured:
            figures["memory_device_source"] = self._device_memory.source
        figures.update(attempt.curve.figures if attempt.curve is not None else {})
        environment = state.environment(run, attempt.before)
        if self._differs_by_build(plan, environment):
            figures[BUILD] = attempt.build
        usual = disturbance.baseline_figures(self._baseline, plan.id, environment)
        pinned = run.settings.get("cpus") != OFF
        reasons = disturbance.disturbed_by(figures, usual, pinned=pinned, heated=plan.options.curve)
        figures["disturbed"] = bool(reasons)
        if reasons:
            figures["disturbed_by"] = reasons
            # Of no use in a good run, whose figures a baseline may keep.
            if any(reason.startswith(disturbance.OTHERS) for reason in reasons):
                figures["others"] = attempt.strangers()
        elif disturbance.tail_disturbed(figures, usual, pinned=pinned):
            figures[TAIL_DISTURBED] = True
        whole = replace(
            run,
            metrics={**{name: METRICS[name] for name in measured}, **run.metrics},
            values={**measured, **run.values},
        )
        record = state.record(delivery, attempt, whole, figures, state.facts.commit)
        state.journal.run(plan.id, record)
        self.take(plan, record)
        self._patience.note(plan, state.plans, reasons, state.rounds)


def without_broken(comparison: Comparison, plans: Sequence[Plan]) -> Comparison:
    """The verdicts but for those of benchmarks whose bodies broke."""
    broken = {plan.id for plan in plans if plan.broken}
    kept = {id: verdict for id, verdict in comparison.benchmarks.items() if id not in broken}
    return replace(comparison, benchmarks=kept)

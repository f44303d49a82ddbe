"""Measures a session's benchmarks in pairs: this checkout and the other side, in lock-step."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence

from pytest_edgeperf.devices.condition import Condition
from pytest_edgeperf.devices.condition import figures as condition_figures
from pytest_edgeperf.judge.evidence import other_parameters
from pytest_edgeperf.judge.statistics.block_pairs import Pair, pair_of, pair_of_runs
from pytest_edgeperf.judge.verdicts import INCOMPARABLE, INCONCLUSIVE, MISSING, MORE, NEW, BenchmarkVerdict, Comparison
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.results import Against, Benchmark, Results, Run
from pytest_edgeperf.schedule.against.counterparts import Counterparts, counterparts, specification_of
from pytest_edgeperf.schedule.against.opponent import BASE, CANDIDATE, Opponent
from pytest_edgeperf.schedule.against.turns import take
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.machine import disturbance
from pytest_edgeperf.schedule.plan import EXTRA_TRIES, Plan
from pytest_edgeperf.schedule.record import PairRecord, RunRecord
from pytest_edgeperf.schedule.rounds import Strategy, Turns, stages_of
from pytest_edgeperf.schedule.state import SessionState
from pytest_edgeperf.schedule.stored import StoredRuns, without_broken
from pytest_edgeperf.schedule.worker.attempt import Attempt

if TYPE_CHECKING:
    from pytest_edgeperf.judge.lock_step import Look

#: Why a pair's runs were not taken in turns.
ADOPTED = "pytest-benchmark's fixture decides itself when to time"
NO_ROOM = "memory cannot hold both sides at once"
ALL_STOPPED = "every pair was stopped while it was measured"
#: Used where a run has no block dispersion: typical of a run of a second.
USUAL_DISPERSION = 0.01


class LockStep(Strategy):
    """Compares with another commit. The candidate's runs are the session's; the base's are stored beside them."""

    noun = "pairs"
    has_base = True

    def __init__(self, state: SessionState, opponent: Opponent) -> None:
        super().__init__(state)
        self._opponent = opponent
        #: Benchmarks that only this side has are measured as in any session.
        self._one_side = StoredRuns(state)
        #: What the other side has; ``None``: not known, so that all are tried.
        self._there: Optional[Counterparts] = None
        self._verdicts: Dict[str, BenchmarkVerdict] = {}
        #: Benchmarks that are not clear yet.
        self._waiting: List[Plan] = []

    def begin(self) -> None:
        """Collect the other side's benchmarks: those are measured in pairs, the others once."""
        self._there = self._ask_base()
        for plan in self.state.plans:
            both = self._is_on_base(plan)
            plan.rounds = max(self.state.settings.rounds, self._builds(plan)) if both else 1
            plan.extra_tries = EXTRA_TRIES
        self._waiting = [plan for plan in self.state.plans if self._is_on_base(plan)]

    def stages(self) -> Sequence[int]:
        """The number of pairs at each planned look."""
        return stages_of(self.state.settings.rounds, self.state.settings.max_rounds)

    def look(self, number: int, stages: Sequence[int], *, final: bool) -> List[Plan]:
        """Judge the pairs of the benchmarks that are still undecided."""
        from pytest_edgeperf.judge.lock_step import Look

        decisions = self._look(Look(number, len(stages), stages[-1]))
        self._waiting = [plan for plan in self._waiting if decisions.get(plan.id) == MORE and not plan.ended]
        return self._waiting

    def comparison(self) -> Comparison:
        """The verdicts, including those that need no test."""
        return without_broken(Comparison({**self._verdicts, **self._one_sided()}), self.state.plans)

    def measured(self) -> Results:
        """This checkout's runs, with the pairs that they belong to."""
        pairs = {
            plan.id: tuple(
                _stored(pair, run, build)
                for pair, run, build in zip(plan.pairs, plan.base_runs, plan.pair_builds or repeat(None))
            )
            for plan in self.state.plans
            if plan.pairs
        }
        against = Against(self._opponent.label, self._opponent.commit, pairs)
        return replace(self.state.results(), against=against)

    def notes(self) -> List[str]:
        """The notes of any session, and those on the other side."""
        return self._one_side.notes()

    def _look(self, look: Look) -> Mapping[str, str]:
        from pytest_edgeperf.judge.lock_step import Duet, step

        settings = self.state.settings
        measured = [plan for plan in self.state.plans if plan.pairs and not plan.broken]
        family = replace(self.state.family(), tolerance=settings.against_tolerance)
        answer = step(
            {plan.id: Duet(plan.pairs, plan.alternating, plan.pair_builds, self._builds(plan)) for plan in measured},
            self._base_results(measured),
            self.measured(),
            family,
            look,
            must_detect=settings.against_must_detect,
        )
        for plan in self._waiting:
            if plan.id in answer.comparison.benchmarks:
                self._verdicts[plan.id] = answer.comparison.benchmarks[plan.id]
        return answer.decisions

    def _one_sided(self) -> Dict[str, BenchmarkVerdict]:
        """Verdicts that need no test: benchmarks that one side does not have, or that break on the other."""
        there, label = self._there or Counterparts(), self._opponent.label
        verdicts = {id: BenchmarkVerdict(MISSING, reason=f"in {label}, not here") for id in there.missing}
        for plan in self.state.plans:
            if plan.id in there.changed:
                verdicts[plan.id] = other_parameters(there.changed[plan.id])
            elif not self._is_on_base(plan):
                verdicts[plan.id] = BenchmarkVerdict(NEW, reason=f"not in {label}")
            elif plan.base_fault is not None and plan.id not in self._verdicts:
                verdicts[plan.id] = BenchmarkVerdict(INCOMPARABLE, reason=plan.base_fault)
            elif plan.runs and not plan.good_runs:
                verdicts[plan.id] = BenchmarkVerdict(INCONCLUSIVE, reason=ALL_STOPPED)
        return verdicts

    def _is_on_base(self, plan: Plan) -> bool:
        return self._there is None or plan.id in self._there.ids

    def _ask_base(self) -> Optional[Counterparts]:
        """Have the other side collect; where it cannot, each benchmark says so itself."""
        launch = self.state.launch
        assert launch.collection is not None
        specification = self._opponent.collection(launch.collection)
        if specification is None:
            return Counterparts()
        delivery = launch.launcher.collect(specification, self._opponent.starter)
        if delivery.fault is not None or delivery.collected is None:
            return None
        collected = delivery.collected
        here = {plan.id: plan.parameters for plan in self.state.plans}
        return counterparts(here, collected.all, collected.marked, collected.parameters)

    def _base_results(self, plans: List[Plan]) -> Results:
        return Results(
            device=self.state.facts.device,
            environments=self.state.environments,
            loaded=self.state.loaded,
            benchmarks={
                plan.id: Benchmark(plan.parameters, plan.base_metrics, tuple(plan.base_runs)) for plan in plans
            },
        )

    def round(self, order: Sequence[Plan], turns: Turns) -> None:
        """Measure a pair of each benchmark that both sides have, and a run of each other benchmark."""
        for plan in order:
            if self.state.stopped:
                return
            turns.begin(plan)
            if self._is_on_base(plan):
                self._take_pair(plan)
                turns.end(plan)
                continue
            with self._start(plan, CANDIDATE, self.state.before()) as attempt:
                if attempt.prepare():
                    attempt.visit()
                self._one_side.deliver(attempt, turns)

    def _take_pair(self, plan: Plan) -> None:
        attempts: Dict[str, Attempt] = {}
        before = self.state.before()

        def start(side: str) -> Attempt:
            attempts[side] = self._start(plan, side, before)
            return attempts[side]

        settings = self.state.settings
        builds, build = self._builds(plan), self._build(plan)
        # Neighbouring pairs differ in who begins, and each build is met in both orders.
        order = (BASE, CANDIDATE) if (plan.tries % builds + plan.tries // builds) % 2 == 0 else (CANDIDATE, BASE)
        together = not (plan.adopted or plan.alternating)
        seconds = plan.options.budget_s or settings.budget_s
        taken = take(start, order=order, together=together, seconds=seconds, turn_s=settings.turn_s)
        base, candidate = taken.deliveries[BASE], taken.deliveries[CANDIDATE]
        self.state.ended(plan, candidate)
        if candidate.run is None or candidate.failed:
            return
        plan.base_fault = _why_no_run(base, self._opponent.label)
        if plan.base_fault is None and not taken.in_turns and not plan.alternating:
            self._turn_to_alternating(plan)
        after = self.state.observer.look()
        record = self._side(candidate, candidate.run, attempts[CANDIDATE], self.state.facts.commit, after)
        if plan.base_fault is None and base.run is not None:
            paired = PairRecord(
                base=self._side(base, base.run, attempts[BASE], self._opponent.commit, after),
                pair=_pair(base.run, candidate.run, in_turns=taken.in_turns),
                alternating=plan.alternating,
                # Not asked anew: a benchmark that turns to whole runs has given its pairs up by now.
                build=build if builds > 1 else None,
            )
            record = marked_stopped(replace(record, paired=paired))
        self.state.journal.run(plan.id, record)
        self.take(plan, record)

    def _turn_to_alternating(self, plan: Plan) -> None:
        """A benchmark's pairs are all of one kind, so those that were taken in turns are given up."""
        plan.alternating = True
        plan.pairs.clear()
        plan.pair_builds.clear()
        plan.base_runs.clear()
        plan.runs.clear()
        why = ADOPTED if plan.adopted else NO_ROOM
        self.state.notes.append(
            f"{plan.id}: measured in alternating whole runs instead of turns ({why}), which detects less"
        )

    def start_profile(self, plan: Plan, *, base: bool = False) -> Attempt:
        """Start a worker of one side that profiles instead of being timed."""
        return self._start(plan, BASE if base else CANDIDATE, self.state.before(), profiles=True)

    def _start(self, plan: Plan, side: str, before: Condition, *, profiles: bool = False) -> Attempt:
        launch = self.state.launch
        specification = replace(launch.specification(plan), profiles=profiles)
        if side == BASE and self._there is not None:
            specification = specification_of(specification, self._there.ids[plan.id])
        return launch.launcher.attempt(
            plan,
            self._opponent.specification(specification, side),
            before,
            seconds=plan.options.budget_s or self.state.settings.budget_s,
            starter=self._opponent.starter if side == BASE else None,
            build=self._build(plan),
        )

    def _builds(self, plan: Plan) -> int:
        return plan.options.builds or self.state.settings.builds

    def _build(self, plan: Plan) -> int:
        """Which of a benchmark's builds its next pair is of."""
        return len(plan.pairs) % self._builds(plan)

    def _side(
        self, delivery: Delivery, run: Measurement, attempt: Attempt, commit: Optional[str], after: Condition
    ) -> RunRecord:
        """What the journal keeps of one side's run. What else disturbs one side of a pair disturbs the other too."""
        figures = {
            **run.quality,
            **attempt.figures(),
            **condition_figures(attempt.before, after),
            "disturbed": False,
            "turns_ms": [float(f"{turn_ms:.7g}") for turn_ms in run.turns_ms],
        }
        return self.state.record(delivery, attempt, run, figures, commit)

    def take(self, plan: Plan, record: RunRecord) -> None:
        """Add a pair to its benchmark's; one that was stopped is kept as a run and is no evidence."""
        super().take(plan, record)
        paired = record.paired
        if paired is None or record.disturbed:
            return
        self.state.remember(paired.base)
        plan.base_runs.append(paired.base.run(self.state.facts.id))
        plan.base_metrics = paired.base.metrics
        plan.alternating = paired.alternating
        plan.pairs.append(paired.pair)
        if paired.build is not None:
            plan.pair_builds.append(paired.build)


def marked_stopped(record: RunRecord) -> RunRecord:
    """The record of a pair; a stop, unlike all else, may hit one side alone: then the pair is no evidence."""
    if record.paired is None:
        return record
    sides = [record.quality, record.paired.base.quality]
    reasons = list(dict.fromkeys(reason for figures in sides for reason in disturbance.stopped(figures)))
    if not reasons:
        return record
    marks = {"disturbed": True, "disturbed_by": reasons}
    base = replace(record.paired.base, quality={**record.paired.base.quality, **marks})
    return replace(record, quality={**record.quality, **marks}, paired=replace(record.paired, base=base))


def _why_no_run(base: Delivery, label: str) -> Optional[str]:
    """One line; ``None``: there is one."""
    if base.fault is not None:
        return f"in {label}: {base.fault.splitlines()[0]}"
    if base.failed:
        return f"in {label} its {base.failed_phase} failed: {base.crash}"
    if base.skipped:
        return f"it is skipped in {label}"
    return None if base.run is not None else f"in {label} it measured nothing"


def _pair(base: Measurement, candidate: Measurement, *, in_turns: bool) -> Pair:
    if in_turns and min(len(base.turns_ms), len(candidate.turns_ms)) > 0:
        return pair_of(base.turns_ms, candidate.turns_ms)
    dispersions = [run.latency.get("block_sd", {}).get("p50", USUAL_DISPERSION) for run in (base, candidate)]
    return pair_of_runs(base.latency_ms, candidate.latency_ms, *dispersions)


def _stored(pair: Pair, base: Run, build: Optional[int]) -> Dict[str, Any]:
    """A pair and its base's run; the candidate's is among the session's."""
    loaded = {} if base.loaded is None else {"loaded": base.loaded}
    of_base = {"environment": base.environment, "started": base.started, "quality": base.quality, **loaded}
    return {
        **{name: round(value, 7) for name, value in pair._asdict().items()},
        **({} if build is None else {"build": build}),
        "base": {**of_base, **base.values},
    }

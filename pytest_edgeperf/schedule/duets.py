"""Measures a session's benchmarks in pairs: this checkout and the other side, in lock-step."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import repeat
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from pytest_edgeperf.devices.condition import Condition
from pytest_edgeperf.devices.condition import figures as condition_figures
from pytest_edgeperf.judge.evidence import other_parameters
from pytest_edgeperf.judge.statistics.block_pairs import Pair, pair_of, pair_of_runs
from pytest_edgeperf.judge.verdicts import (
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    MORE,
    NEW,
    BenchmarkVerdict,
    Comparison,
)
from pytest_edgeperf.measure.channel import Message
from pytest_edgeperf.results import Against, Benchmark, Results, Run
from pytest_edgeperf.schedule import quality
from pytest_edgeperf.schedule.attempt import Attempt
from pytest_edgeperf.schedule.coordinator import Coordinator
from pytest_edgeperf.schedule.counterparts import Counterparts, counterparts, specification_of
from pytest_edgeperf.schedule.duet import take
from pytest_edgeperf.schedule.opponent import BASE, CANDIDATE, Opponent
from pytest_edgeperf.schedule.plan import EXTRA_TRIES, Plan
from pytest_edgeperf.schedule.process import Delivery, Worker
from pytest_edgeperf.schedule.record import PairRecord, RunRecord

#: Why a pair's runs were not taken in turns.
ADOPTED = "pytest-benchmark's fixture times when it likes"
NO_ROOM = "memory does not hold both sides at once"
#: The blocks of a file from elsewhere may not tell their dispersion; typical of a run of a second.
USUAL_DISPERSION = 0.01


class DuetCoordinator(Coordinator):
    """A session against living code. The candidate's runs are the session's; the base's are kept beside them."""

    def __init__(self, *, opponent: Opponent, **parts: Any) -> None:
        """``parts`` are those of every coordinator."""
        super().__init__(**parts)
        self.opponent = opponent
        #: What the other side has; ``None``: not known, so that all are tried.
        self.there: Optional[Counterparts] = None
        self._verdicts: Dict[str, BenchmarkVerdict] = {}

    def measure(self) -> None:
        """Ask the other side which benchmarks it has, then measure pairs of those, and the others once."""
        self._ask_base()
        for plan in self.plans:
            plan.rounds = max(self.settings.rounds, self._builds(plan)) if self._is_on_base(plan) else 1
            plan.extra_tries = EXTRA_TRIES
        super().measure()

    def measured(self) -> Results:
        """This checkout's runs, with the pairs they belong to beside them."""
        results = super().measured()
        pairs = {
            plan.id: tuple(
                _stored(pair, run, build)
                for pair, run, build in zip(plan.pairs, plan.base_runs, plan.pair_builds or repeat(None))
            )
            for plan in self.plans
            if plan.pairs
        }
        return replace(results, against=Against(self.opponent.label, self.opponent.commit, pairs))

    def _judge(self) -> None:
        """Look at the pairs as planned; between looks measure those on that are not clear yet."""
        from pytest_edgeperf.judge.lock_step import Look

        planned = looks(self.settings.rounds, self.settings.max_rounds)
        waiting = [plan for plan in self.plans if self._is_on_base(plan)]
        for number in range(1, len(planned) + 1):
            decisions = self._look(waiting, Look(number, len(planned), planned[-1]))
            waiting = [plan for plan in waiting if decisions.get(plan.id) == MORE and not plan.ended]
            if not waiting or number == len(planned) or self.stopped:
                break
            wanted = planned[number]
            self.progress.note(
                f"{len(waiting)} of {len(self.plans)} benchmarks are not clear yet: measuring on, up to {wanted} pairs"
            )
            self.progress.start(wanted, len(waiting), sum(wanted - plan.good_runs for plan in waiting))
            self._rounds_until({plan.id: wanted for plan in waiting})
        self.comparison = self._without_broken(Comparison({**self._verdicts, **self._one_sided()}))

    def _look(self, waiting: List[Plan], look: Any) -> Mapping[str, str]:
        from pytest_edgeperf.judge.lock_step import Duet, step

        measured = [plan for plan in self.plans if plan.pairs and not plan.broken]
        family = replace(self._family(), tolerance=self.settings.against_tolerance)
        answer = step(
            {plan.id: Duet(plan.pairs, plan.alternating, plan.pair_builds, self._builds(plan)) for plan in measured},
            self._base_results(measured),
            self.measured(),
            family,
            look,
            must_detect=self.settings.against_must_detect,
        )
        for plan in waiting:
            if plan.id in answer.comparison.benchmarks:
                self._verdicts[plan.id] = answer.comparison.benchmarks[plan.id]
        return answer.decisions

    def _one_sided(self) -> Dict[str, BenchmarkVerdict]:
        """Verdicts that need no test: benchmarks that one side does not have, or that break on the other."""
        there = self.there or Counterparts()
        told = {id: BenchmarkVerdict(MISSING, reason=f"in {self.opponent.label}, not here") for id in there.missing}
        for plan in self.plans:
            if plan.id in there.changed:
                told[plan.id] = other_parameters(there.changed[plan.id])
            elif not self._is_on_base(plan):
                told[plan.id] = BenchmarkVerdict(NEW, reason=f"not in {self.opponent.label}")
            elif plan.base_fault is not None and plan.id not in self._verdicts:
                told[plan.id] = BenchmarkVerdict(INCOMPARABLE, reason=plan.base_fault)
            elif plan.runs and not plan.good_runs:
                told[plan.id] = BenchmarkVerdict(INCONCLUSIVE, reason="every pair was stopped while it was measured")
        return told

    def _is_on_base(self, plan: Plan) -> bool:
        return self.there is None or plan.id in self.there.ids

    def _ask_base(self) -> None:
        """Have the other side collect; where it cannot, each benchmark says so itself."""
        specification = self.opponent.collection(self.launch)
        if specification is None:
            self.there = Counterparts()
            return
        worker = Worker(
            specification,
            threads=self.settings.threads,
            show_output=self.launch.show_output,
            timeout_s=self.settings.timeout_s,
            executable=self.opponent.python,
        )
        with worker:
            delivery = worker.collect()
        if delivery.fault is None:
            self.there = counterparts(
                {plan.id: plan.parameters for plan in self.plans},
                delivery.collected,
                delivery.collected_benchmarks,
                delivery.parameters,
            )

    def _base_results(self, plans: List[Plan]) -> Results:
        return Results(
            device=self.facts.device,
            environments=self.environments,
            benchmarks={
                plan.id: Benchmark(plan.parameters, plan.base_metrics, tuple(plan.base_runs)) for plan in plans
            },
        )

    def _round(self, order: List[Plan], announce: Callable[[Plan], None]) -> None:
        for plan in order:
            if self.stopped:
                return
            announce(plan)
            if self._is_on_base(plan):
                self._take_pair(plan)
                self._pace.update(plan)
            else:
                with self._start(plan, CANDIDATE, self._before()) as attempt:
                    if attempt.prepare():
                        attempt.visit()
                    self._deliver(attempt)

    def _take_pair(self, plan: Plan) -> None:
        attempts: Dict[str, Attempt] = {}

        before = self._before()

        def start(side: str) -> Attempt:
            attempts[side] = self._start(plan, side, before)
            return attempts[side]

        builds, build = self._builds(plan), self._build(plan)
        # Each build is met in both orders.
        order = (BASE, CANDIDATE) if (plan.tries + plan.tries // builds) % 2 == 0 else (CANDIDATE, BASE)
        together = not (plan.adopted or plan.alternating)
        seconds = plan.options.budget_s or self.settings.budget_s
        taken = take(start, order=order, together=together, seconds=seconds, turn_s=self.settings.turn_s)
        base, candidate = taken.deliveries[BASE], taken.deliveries[CANDIDATE]
        self._ended(plan, candidate)
        if candidate.run is None or candidate.failed:
            return
        plan.base_fault = _why_no_run(base, self.opponent.label)
        if plan.base_fault is None and not taken.in_turns and not plan.alternating:
            self._turn_to_alternating(plan)
        after = self.observer.look()
        record = self._side(candidate, attempts[CANDIDATE], self.facts.commit, after)
        if plan.base_fault is None:
            paired = PairRecord(
                base=self._side(base, attempts[BASE], self.opponent.commit, after),
                pair=_pair(base.run or {}, candidate.run, in_turns=taken.in_turns),
                alternating=plan.alternating,
                # Not asked anew: a benchmark that turns to whole runs has given its pairs up by now.
                build=build if builds > 1 else None,
            )
            record = marked_stopped(replace(record, paired=paired))
        self.journal.run(plan.id, record)
        self._take(plan, record)

    def _turn_to_alternating(self, plan: Plan) -> None:
        """A benchmark's pairs are all of one kind, so those that were taken in turns are given up."""
        plan.alternating = True
        plan.pairs.clear()
        plan.pair_builds.clear()
        plan.base_runs.clear()
        plan.runs.clear()
        why = ADOPTED if plan.adopted else NO_ROOM
        self.notes.append(f"{plan.id}: whole runs in alternation instead of turns ({why}), so it finds less")

    def _start(self, plan: Plan, side: str, before: Condition) -> Attempt:
        options, settings = plan.options, self.settings
        specification = self.launch.specification(plan)
        if side == BASE and self.there is not None:
            specification = specification_of(specification, self.there.ids[plan.id])
        return Attempt(
            plan,
            self.opponent.specification(specification, side),
            before,
            threads=options.threads or settings.threads,
            show_output=self.launch.show_output,
            timeout_s=options.timeout_s or settings.timeout_s,
            seconds=options.budget_s or settings.budget_s,
            executable=self.opponent.python if side == BASE else None,
            build=self._build(plan),
        )

    def _builds(self, plan: Plan) -> int:
        return plan.options.builds or self.settings.builds

    def _build(self, plan: Plan) -> int:
        """Which of a benchmark's builds its next pair is of."""
        return len(plan.pairs) % self._builds(plan)

    def _side(self, delivery: Delivery, attempt: Attempt, commit: Optional[str], after: Condition) -> RunRecord:
        """What the journal keeps of one side's run. What else disturbs one side of a pair disturbs the other too."""
        message: Message = delivery.run or {}
        figures = {
            **message["quality"],
            **attempt.figures(),
            **condition_figures(attempt.before, after),
            "disturbed": False,
            "turns_ms": [float(f"{turn_ms:.7g}") for turn_ms in message["turns_ms"]],
        }
        return self._record(delivery, attempt, self._environment(message, attempt.before), figures, commit)

    def _take(self, plan: Plan, record: RunRecord) -> None:
        super()._take(plan, record)
        paired = record.paired
        if paired is None or record.disturbed:
            return
        self.environments[paired.base.environment_key] = paired.base.environment
        plan.base_runs.append(paired.base.run(self.facts.id))
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
    reasons = list(dict.fromkeys(reason for figures in sides for reason in quality.stopped(figures)))
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


def _pair(base: Mapping[str, Any], candidate: Mapping[str, Any], *, in_turns: bool) -> Pair:
    if in_turns and min(len(base["turns_ms"]), len(candidate["turns_ms"])) > 0:
        return pair_of(base["turns_ms"], candidate["turns_ms"])
    sides = [message["values"]["latency"] for message in (base, candidate)]
    dispersions = [one.get("block_sd", {}).get("p50", USUAL_DISPERSION) for one in sides]
    return pair_of_runs(sides[0]["p50"], sides[1]["p50"], *dispersions)


def _stored(pair: Pair, base: Run, build: Optional[int]) -> Dict[str, Any]:
    """A pair and its base's run; the candidate's is among the session's."""
    return {
        **{name: round(value, 7) for name, value in pair._asdict().items()},
        **({} if build is None else {"build": build}),
        "base": {"environment": base.environment, "started": base.started, "quality": base.quality, **base.values},
    }


def looks(pairs: int, last: int) -> Tuple[int, ...]:
    """How many pairs a benchmark that is not clear has at each look."""
    return tuple(min(last, (number + 1) * pairs) for number in range(math.ceil(last / pairs)))

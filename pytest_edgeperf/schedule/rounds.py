"""The loop of rounds: planned ones, the judge's looks at the runs so far, and further ones for undecided benchmarks.

A strategy decides what a round measures and how it is judged: runs that are compared with stored
ones (:mod:`.stored`), or pairs in lock-step with another commit (:mod:`.against.lock_step`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.results import Results
from pytest_edgeperf.schedule.pace import Pace
from pytest_edgeperf.schedule.plan import Plan, round_order
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.schedule.state import SessionState
from pytest_edgeperf.schedule.worker.attempt import Attempt

#: How often a wait between rounds is shown.
WAIT_SHOWN_S = 10.0


class Turns:
    """Callbacks of a strategy around each benchmark of a round."""

    def __init__(self, state: SessionState, pace: Pace, last_round: int) -> None:
        self._state = state
        self._pace = pace
        self._last_round = last_round

    def begin(self, plan: Plan) -> None:
        """Called before a benchmark is measured."""
        state = self._state
        remaining_s = self._pace.remaining_s()
        state.progress.update(state.rounds, self._last_round, plan.id, remaining_s, state.disturbed_runs)

    def end(self, plan: Plan) -> None:
        """Called after a benchmark was measured."""
        self._pace.update(plan)


class Strategy(ABC):
    """Decides what a round measures of each benchmark, and how it is judged."""

    #: What a benchmark collects, for a person.
    noun = "runs"
    #: Whether the code that is compared with can be started, too.
    has_base = False

    def __init__(self, state: SessionState) -> None:
        self.state = state

    def begin(self) -> None:  # noqa: B027 (most have nothing to do)
        """Prepare before the first round; may change a plan's number of rounds."""

    @abstractmethod
    def round(self, order: Sequence[Plan], turns: Turns) -> None:
        """Measure each benchmark once, in this order, unless the session is stopped."""

    @abstractmethod
    def stages(self) -> Sequence[int]:
        """The good runs that an undecided benchmark has at each look of the judge; empty if nothing is judged."""

    @abstractmethod
    def look(self, number: int, stages: Sequence[int], *, final: bool) -> List[Plan]:
        """Judge the runs measured so far.

        Args:
            number: which look it is, from 1 on.
            stages: those of :meth:`stages`.
            final: whether no further runs are measured, whatever the result.

        Returns:
            The benchmarks that need further runs.
        """

    @abstractmethod
    def comparison(self) -> Optional[Comparison]:
        """The verdicts after the last look; ``None`` if nothing was judged."""

    def take(self, plan: Plan, record: RunRecord) -> None:
        """Add a run to its benchmark."""
        self.state.take(plan, record)

    def measured(self) -> Results:
        """The runs so far as a results file."""
        return self.state.results()

    def start_profile(self, plan: Plan, *, base: bool = False) -> Attempt:
        """Start a worker that profiles a benchmark instead of being timed; ``base``: of the code compared with."""
        launch = self.state.launch
        return launch.launcher.attempt(
            plan,
            replace(launch.specification(plan), profiles=True),
            self.state.before(),
            seconds=plan.options.budget_s or self.state.settings.budget_s,
        )

    def notes(self) -> List[str]:
        """Notes for the end of the report on how it was measured."""
        return []


class Rounds:
    """Runs the rounds of a session with a strategy."""

    def __init__(self, state: SessionState, strategy: Strategy) -> None:
        self._state = state
        self._strategy = strategy
        self._began_s = 0.0

    def begin(self) -> None:
        """Have the strategy prepare, and show what will be measured."""
        self._strategy.begin()
        rounds = [plan.rounds for plan in self._state.plans]
        self._state.progress.start(max(rounds, default=0), len(rounds), sum(rounds))

    def measure(self) -> None:
        """Measure the planned rounds."""
        self._until({plan.id: plan.rounds for plan in self._state.plans})

    def judge(self) -> Optional[Comparison]:
        """Judge the runs at the planned looks; measure undecided benchmarks further in between.

        Returns:
            The verdicts; ``None`` if nothing is judged.
        """
        state, strategy = self._state, self._strategy
        stages = strategy.stages()
        for number in range(1, len(stages) + 1):
            state.progress.doing("comparing")
            final = number == len(stages) or state.stopped
            unclear = strategy.look(number, stages, final=final)
            if final or not unclear:
                break
            wanted = stages[number]
            state.progress.note(
                f"{len(unclear)} of {len(state.plans)} benchmarks are still undecided: measuring further, "
                f"up to {wanted} {strategy.noun}"
            )
            state.progress.start(wanted, len(unclear), sum(wanted - plan.good_runs for plan in unclear))
            self._until({plan.id: wanted for plan in unclear})
        return strategy.comparison()

    def _until(self, good_runs: Mapping[str, int]) -> None:
        """Measure rounds until no benchmark needs runs; a disturbed run is repeated in a later round."""
        state = self._state
        plans = [plan for plan in state.plans if plan.id in good_runs]
        for plan in plans:
            plan.wanted = good_runs[plan.id]
        fewest = min((plan.good_runs for plan in plans), default=0)
        last_round = state.rounds + max(good_runs.values(), default=0) - fewest
        while not state.stopped:
            waiting = [plan for plan in plans if plan.wants(good_runs[plan.id])]
            if not waiting:
                return
            self._await_next()
            state.rounds += 1
            last_round = max(last_round, state.rounds)
            state.progress.start(last_round, len(waiting))
            turns = Turns(state, Pace(good_runs, state.plans, state.settings.spacing_s), last_round)
            self._strategy.round(round_order(waiting, state.facts.id, state.rounds), turns)

    def _await_next(self) -> None:
        """Space out rounds of few benchmarks: runs within one burst of noise would agree with each other."""
        state = self._state
        pause_s = self._began_s + state.settings.spacing_s - state.clock.now() if state.rounds else 0.0
        while pause_s > 0:
            state.progress.wait(pause_s)
            state.clock.sleep(min(pause_s, WAIT_SHOWN_S))
            pause_s -= WAIT_SHOWN_S
        self._began_s = state.clock.now()


def stages_of(first: int, last: int) -> Tuple[int, ...]:
    """The number of runs at each look: a fixed step more each time, up to the maximum."""
    return (first, *(min(last, (number + 1) * first) for number in range(1, math.ceil(last / first))))

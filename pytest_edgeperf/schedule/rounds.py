"""The one loop of a session of measuring: round after round, looks at what there is, further rounds for who is unclear.

What a round measures of a benchmark, and what the judge says of it, is a strategy's: runs that are compared with stored
ones (:mod:`.stored`), or pairs in lock-step with another commit (:mod:`.against.lock_step`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.results import Results
from pytest_edgeperf.schedule.pace import Pace
from pytest_edgeperf.schedule.plan import Plan, round_order
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.schedule.state import SessionState


class Turns:
    """What a strategy calls around each benchmark of a round."""

    def __init__(self, state: SessionState, pace: Pace, last_round: int) -> None:
        self._state = state
        self._pace = pace
        self._last_round = last_round

    def begin(self, plan: Plan) -> None:
        """A benchmark is measured now."""
        state = self._state
        state.progress.update(state.rounds, self._last_round, plan.id, self._pace.remaining_s())

    def end(self, plan: Plan) -> None:
        """A benchmark has been measured."""
        self._pace.update(plan)


class Strategy(ABC):
    """What is measured of a benchmark in a round, and what is said of it."""

    #: What a benchmark collects, for a person.
    noun = "runs"

    def __init__(self, state: SessionState) -> None:
        self.state = state

    def begin(self) -> None:  # noqa: B027 (most have nothing to do)
        """Prepare, before the first round; may change how many rounds a plan has."""

    @abstractmethod
    def round(self, order: Sequence[Plan], turns: Turns) -> None:
        """Measure each benchmark once, in this order, until the session is stopped."""

    @abstractmethod
    def stages(self) -> Sequence[int]:
        """How many good runs a benchmark that is not clear has at each look of the judge; empty: nothing is judged."""

    @abstractmethod
    def look(self, number: int, stages: Sequence[int], *, final: bool) -> List[Plan]:
        """Have the judge look at what there is.

        Args:
            number: which look it is, from 1 on.
            stages: those of :meth:`stages`.
            final: no further runs are measured whatever it says.

        Returns:
            The benchmarks that want further runs.
        """

    @abstractmethod
    def comparison(self) -> Optional[Comparison]:
        """The verdicts after the last look; ``None``: nothing was judged."""

    def take(self, plan: Plan, record: RunRecord) -> None:
        """Add a run to its benchmark's."""
        self.state.take(plan, record)

    def measured(self) -> Results:
        """The runs so far as a results file."""
        return self.state.results()

    def notes(self) -> List[str]:
        """What is to be said at the end about how it was measured."""
        return []


class Rounds:
    """Measures by a strategy."""

    def __init__(self, state: SessionState, strategy: Strategy) -> None:
        self._state = state
        self._strategy = strategy
        self._began_s = 0.0

    def begin(self) -> None:
        """Let the strategy prepare, and show what will be measured."""
        self._strategy.begin()
        rounds = [plan.rounds for plan in self._state.plans]
        self._state.progress.start(max(rounds, default=0), len(rounds), sum(rounds))

    def measure(self) -> None:
        """The planned rounds."""
        self._until({plan.id: plan.rounds for plan in self._state.plans})

    def judge(self) -> Optional[Comparison]:
        """Look at the runs as planned; between looks measure those on that are not clear yet.

        Returns:
            The verdicts; ``None``: nothing is judged.
        """
        state, strategy = self._state, self._strategy
        stages = strategy.stages()
        for number in range(1, len(stages) + 1):
            final = number == len(stages) or state.stopped
            unclear = strategy.look(number, stages, final=final)
            if final or not unclear:
                break
            wanted = stages[number]
            state.progress.note(
                f"{len(unclear)} of {len(state.plans)} benchmarks are not clear yet: measuring on, "
                f"up to {wanted} {strategy.noun}"
            )
            state.progress.start(wanted, len(unclear), sum(wanted - plan.good_runs for plan in unclear))
            self._until({plan.id: wanted for plan in unclear})
        return strategy.comparison()

    def _until(self, good_runs: Mapping[str, int]) -> None:
        """Go round after round over those that still want runs; a disturbed run is taken again in a later one."""
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
        """Rounds of few benchmarks wait for their turn: runs within one burst of noise would agree with each other."""
        state = self._state
        pause_s = self._began_s + state.settings.spacing_s - state.clock.now() if state.rounds else 0.0
        if pause_s > 0:
            state.progress.wait(pause_s)
            state.clock.sleep(pause_s)
        self._began_s = state.clock.now()


def stages_of(first: int, last: int) -> Tuple[int, ...]:
    """How many runs a benchmark that is not clear has at each look: so many more each time, up to the last."""
    return (first, *(min(last, (number + 1) * first) for number in range(1, math.ceil(last / first))))

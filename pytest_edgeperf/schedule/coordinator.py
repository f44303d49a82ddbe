"""A session from its first round to its verdicts; whatever fails on the way, the runs are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Dict, List, Optional

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import ExitCalled
from pytest_edgeperf.results import Results
from pytest_edgeperf.results.explanations import Explanation
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.journal import Past
from pytest_edgeperf.schedule.rounds import Rounds, Strategy
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors


@dataclass
class Coordinator:
    """Measures one session. ``measure`` fills the plans and environments of its state, and ``comparison``."""

    strategy: Strategy
    comparison: Optional[Comparison] = None
    seconds: float = 0.0
    #: When the measuring began and ended, in local time.
    started: Optional[datetime] = None
    ended: Optional[datetime] = None
    #: Whether an error ended the measuring before its time.
    broken_off: bool = False
    #: Benchmark id -> why it got slower, once that was looked into.
    explanations: Dict[str, Explanation] = field(default_factory=dict)
    errors: UnexpectedErrors = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.strategy.state
        self.errors = UnexpectedErrors(self.state.facts.id)

    @property
    def notes(self) -> List[str]:
        """Notes for the user on how the session was measured."""
        return self.state.notes

    @property
    def rounds(self) -> int:
        """The number of rounds that were measured."""
        return self.state.rounds

    @property
    def exit(self) -> Optional[ExitCalled]:
        """The ``pytest.exit`` that a test called, if one did."""
        return self.state.exit

    @property
    def stopped(self) -> bool:
        """Whether ``-x``, ``--maxfail`` or a test's ``pytest.exit`` ends the measuring."""
        return self.state.stopped

    def measure(self) -> None:
        """Measure all plans: the planned rounds and, in a check, further rounds for suspects.

        An internal error ends the measuring or the judging; it is recorded in ``errors``, and the runs are kept.
        """
        state = self.state
        began_s, self.started = state.clock.now(), datetime.now(timezone.utc).astimezone()
        rounds = Rounds(state, self.strategy)
        rounds.begin()
        try:
            try:
                rounds.measure()
            except Exception as error:
                if not any(plan.tries for plan in state.plans):
                    raise
                self.broken_off = True
                self.errors.add("the measuring", error)
            try:
                self.comparison = rounds.judge()
            except Exception as error:  # no verdict is better than that of an earlier stage
                self.errors.add("the comparison", error)
        finally:
            self.seconds, self.ended = state.clock.now() - began_s, datetime.now(timezone.utc).astimezone()
            state.progress.finish()
        with self.errors.survive("the summary of the measuring"):
            self._add_notes()

    def measured(self) -> Results:
        """This session's runs as a results file."""
        return replace(self.strategy.measured(), explanations=dict(self.explanations))

    def resume(self, past: Past) -> None:
        """Take over the runs of an unfinished session as if this session had measured them."""
        plans = {plan.id: plan for plan in self.state.plans}
        for benchmark_id, record in past.runs:
            plan = plans.get(benchmark_id)
            if plan is None:
                continue
            self.strategy.take(plan, record)
            delivery = Delivery(
                reports=[dict(report) for report in record.reports],
                run=Measurement(record.values, record.metrics, record.quality),
                benchmark_stats=record.benchmark_stats,
            )
            self.state.ended(plan, delivery)

    def _add_notes(self) -> None:
        cooling, notes = self.state.cooling, self.state.notes
        notes += self.strategy.notes()
        if cooling.waited_s >= 1:
            notes.append(f"waited {cooling.waited_s:.0f} s in total for the machine to cool down")
        notes += [cooling.note] if cooling.note else []

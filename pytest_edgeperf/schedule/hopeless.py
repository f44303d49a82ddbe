"""When to stop replacing disturbed runs: a machine that stays busy would disturb the next ones too."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Set

from pytest_edgeperf.results.disturbance_words import causes_text
from pytest_edgeperf.schedule.plan import Plan

#: Of a benchmark without a good run so far: where a third of all runs are disturbed, one in 700 begins with so many.
FIRST_RUNS = 6
#: Of a benchmark that had good runs: there are many places where so many could follow each other by chance.
RUNS_IN_A_ROW = 9
#: Of a session, whatever benchmark they are of, over at least so many rounds: bursts of noise are shorter.
SESSION_RUNS_IN_A_ROW = 12
SESSION_ROUNDS = 3


class Patience:
    """Counts disturbed runs in a row, and sets ``plan.hopeless`` once there were too many.

    Runs of an earlier session that is resumed do not count: the machine may be quiet by now.
    """

    def __init__(self) -> None:
        self._rounds: Set[int] = set()
        self._in_a_row: List[Sequence[str]] = []
        self._of_plan: Dict[str, List[Sequence[str]]] = {}

    def note(self, plan: Plan, plans: Sequence[Plan], reasons: Sequence[str], round_number: int) -> None:
        """Count a run of ``plan``.

        Args:
            plan: the benchmark whose run it was.
            plans: all benchmarks of the session.
            reasons: what disturbed the run; empty for a good one.
            round_number: the round that it belongs to.
        """
        own = self._of_plan.setdefault(plan.id, [])
        if not reasons:
            for counted in (own, self._in_a_row, self._rounds):
                counted.clear()
            return
        own.append(reasons)
        self._in_a_row.append(reasons)
        self._rounds.add(round_number)
        if len(own) >= (RUNS_IN_A_ROW if plan.good_runs else FIRST_RUNS):
            _give_up([plan], own)
        if len(self._in_a_row) >= SESSION_RUNS_IN_A_ROW and len(self._rounds) >= SESSION_ROUNDS:
            _give_up(plans, self._in_a_row)


def note_of(plans: Sequence[Plan]) -> Optional[str]:
    """A sentence on the benchmarks that were abandoned, with a remedy; ``None`` if there are none."""
    given_up = [plan for plan in plans if plan.hopeless is not None]
    if not given_up:
        return None
    of = f"{len(given_up)} of {len(plans)} benchmarks" if len(plans) > 1 else "the benchmark"
    return (
        f"gave up on {of} because {given_up[0].hopeless}. Measure again when the machine is idle, or compare two "
        "commits with --against=REF, which alternates between them and cancels most of the machine's noise"
    )


def _give_up(plans: Sequence[Plan], reasons: Sequence[Sequence[str]]) -> None:
    """Of those that still want runs; not where nothing is compared, whose runs are never replaced."""
    for plan in plans:
        if plan.extra_tries and plan.wants(plan.wanted):
            plan.hopeless = f"{len(reasons)} runs in a row were disturbed ({causes_text(reasons)})"

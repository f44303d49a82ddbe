"""One pair: a worker of the other side and one of this checkout, taking turns on the same processors."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable, Mapping, Sequence, Tuple

from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.worker import parking
from pytest_edgeperf.schedule.worker.attempt import Attempt

#: Of each turn, in untimed calls: the caches are the other's.
DISCARDED_SHARE = 0.2
#: Turns of each side that a pair has at least, however slow the network.
FEWEST_TURNS = 6
#: Slow networks overrun their turns; no pair takes longer than this many times its planned seconds.
LONGEST = 2.0


@dataclass(frozen=True)
class Taken:
    """What a pair's workers delivered, and whether they took turns: memory may hold only one at a time."""

    deliveries: Mapping[str, Delivery]
    in_turns: bool


def take(
    start: Callable[[str], Attempt], *, order: Tuple[str, str], together: bool, seconds: float, turn_s: float
) -> Taken:
    """Measure one pair.

    Args:
        start: starts the worker of ``base`` or ``candidate``.
        order: which side is prepared and has its turn first.
        together: whether to take turns; else, or where memory does not hold both, each has its run alone.
        seconds: of turns for each side, their untimed starts included.
        turn_s: length of one turn, its untimed start included.
    """
    with ExitStack() as alive:
        first = alive.enter_context(start(order[0]))
        ready = first.prepare()
        if not (together and ready and parking.has_room(1, first.plan.memory_mib, parking.memory())):
            return Taken({order[0]: _alone(first, ready), order[1]: _alone_later(start, order[1])}, in_turns=False)
        second = alive.enter_context(start(order[1]))
        in_turns = second.prepare()
        if in_turns:
            take_turns((first, second), seconds, turn_s)
        # Who has not been timed yet, because the other broke, still delivers its run.
        deliveries = [_alone(worker, worker is first or in_turns) for worker in (first, second)]
    return Taken(dict(zip(order, deliveries)), in_turns)


def take_turns(sides: Sequence[Attempt], seconds: float, turn_s: float) -> None:
    """Let both have their turns in ABBA order until each had its ``seconds``, or one ended."""
    number = max(FEWEST_TURNS, 2 * round(seconds / turn_s / 2))
    began = time.monotonic()
    for done in range(number):
        for side in sides if done % 2 == 0 else reversed(sides):
            if not side.turn((1 - DISCARDED_SHARE) * turn_s, DISCARDED_SHARE * turn_s):
                return
        overrun = time.monotonic() - began > LONGEST * len(sides) * seconds
        if overrun and done + 1 >= FEWEST_TURNS and done % 2:
            return


def _alone_later(start: Callable[[str], Attempt], side: str) -> Delivery:
    with start(side) as attempt:
        return _alone(attempt, attempt.prepare())


def _alone(attempt: Attempt, ready: bool) -> Delivery:
    if ready and not attempt.visited:
        attempt.visit()
    return attempt.finish()

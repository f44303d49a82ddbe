"""Estimates the remaining time of the measuring."""

from __future__ import annotations

from collections import Counter
from typing import Counter as Counts
from typing import Dict, Mapping, NamedTuple, Optional, Sequence

from pytest_edgeperf.schedule.plan import Plan


class _Share(NamedTuple):
    """What one benchmark contributes: pending tries, and the time of those so far."""

    pending: int = 0
    tries: int = 0
    seconds: float = 0.0

    @property
    def known_s(self) -> float:
        """The time of the pending tries, by the benchmark's own mean."""
        return self.pending * self.seconds / self.tries if self.tries else 0.0


class Pace:
    """The estimated seconds of the pending tries, as sums that are updated benchmark by benchmark.

    A benchmark that was not tried yet counts with the mean of all tries.
    """

    def __init__(self, wanted: Mapping[str, int], plans: Sequence[Plan], spacing_s: float = 0.0) -> None:
        """``wanted``: good runs by id; ``spacing_s``: rounds start at least so far apart."""
        self._wanted = wanted
        self._spacing_s = spacing_s
        self._shares: Dict[str, _Share] = {}
        self._pending: Counts[int] = Counter()
        self._tries = self._untimed = 0
        self._seconds = self._known_s = 0.0
        for plan in plans:
            self.update(plan)

    def update(self, plan: Plan) -> None:
        """Update the sums with a benchmark's latest tries."""
        self._add(self._shares.get(plan.id, _Share()), -1)
        wanted = self._wanted.get(plan.id)
        pending = wanted - plan.good_runs if wanted is not None and plan.wants(wanted) else 0
        share = self._shares[plan.id] = _Share(pending, plan.tries, plan.seconds if plan.tries else 0.0)
        self._add(share, 1)

    def _add(self, share: _Share, sign: int) -> None:
        self._tries += sign * share.tries
        self._seconds += sign * share.seconds
        self._known_s += sign * share.known_s
        self._untimed += 0 if share.tries else sign * share.pending
        self._pending[share.pending] += sign

    def remaining_s(self) -> Optional[float]:
        """The remaining seconds; ``None`` before the first try has ended."""
        if not self._tries:
            return None
        busy_s = self._known_s + self._untimed * self._seconds / self._tries
        rounds = max((pending for pending, benchmarks in self._pending.items() if benchmarks > 0), default=0)
        return max(busy_s, self._spacing_s * (rounds - 1), 0.0)

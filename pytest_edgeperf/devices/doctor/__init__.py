"""``edgeperf doctor``: what makes measurements on this machine wrong or noisy, and how to fix it. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from ..identity import Identity
from . import heat, instance, memory, neighbours, sensing, speed, system
from .check import ADVICE, OK, PROBLEM, STATES, UNKNOWN, Check

__all__ = ["ADVICE", "OK", "PROBLEM", "STATES", "UNKNOWN", "Check", "Diagnosis", "examine"]

#: Each checks one side of the machine; a check that does not apply to it is left out.
_LOOKS: Tuple[Callable[[Path, Identity], List[Check]], ...] = (
    speed.checks,
    heat.checks,
    memory.checks,
    neighbours.checks,
    sensing.checks,
    system.checks,
    instance.checks,
)

_MOMENTARY = frozenset(
    ("background", "gpu-busy", "memory-free", "monitors", "storage", "thermal", "throttle", "undervoltage", "updates")
)
#: What runs record of it in a section of its own.
_RECORDED_APART = frozenset((instance.CHECK,))


@dataclass(frozen=True)
class Diagnosis:
    """The result of all checks of a machine."""

    checks: Tuple[Check, ...]

    @property
    def fit(self) -> bool:
        """Whether to measure here: nothing was found that makes results misleading."""
        return not self.of(PROBLEM)

    def of(self, state: str) -> List[Check]:
        """The checks that found this state."""
        return [check for check in self.checks if check.state == state]

    def summary(self) -> str:
        """One line: ``2 problems (governor, background), 1 hint (swap)``."""
        parts = []
        for state, singular, plural in ((PROBLEM, "problem", "problems"), (ADVICE, "hint", "hints")):
            ids = [check.id for check in self.of(state)]
            if ids:
                parts.append(f"{len(ids)} {singular if len(ids) == 1 else plural} ({', '.join(ids)})")
        fit = "fit to measure" if self.fit else "not fit to measure"
        return f"{fit}: {', '.join(parts)}" if parts else fit

    def lasting(self) -> List[str]:
        """The findings of those checks whose result does not change by itself within a session."""
        ids = [check.id for state in (PROBLEM, ADVICE) for check in self.of(state)]
        return sorted(id for id in ids if id not in _MOMENTARY | _RECORDED_APART)

    def to_dict(self) -> Dict[str, Any]:
        """What ``edgeperf doctor --format json`` prints."""
        return {"fit": self.fit, "checks": [dict(vars(check)) for check in self.checks]}


def examine(identity: Identity, root: Path = Path("/")) -> Diagnosis:
    """Run all checks that apply to this machine; changes nothing."""
    return Diagnosis(tuple(check for look in _LOOKS for check in look(root, identity)))

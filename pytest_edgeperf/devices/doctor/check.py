"""The result of one check of the doctor."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"
#: Results measured in this state are misleading.
PROBLEM = "problem"
#: Measuring works, but with more noise or other results than necessary.
ADVICE = "advice"
#: It cannot be determined here.
UNKNOWN = "unknown"
STATES = (PROBLEM, ADVICE, UNKNOWN, OK)


@dataclass(frozen=True)
class Check:
    """What was checked (``id``), its state, what was found, why it matters, and how to fix it.

    ``why`` and ``remedy`` are empty where there is nothing to fix; a remedy is a command, or a few words where no
    command does it. Only the user runs it.
    """

    id: str
    state: str
    found: str
    why: str = ""
    remedy: str = ""


def ok(id: str, found: str) -> Check:
    """Nothing to fix."""
    return Check(id, OK, found)


def unknown(id: str, reason: str, why: str = "") -> Check:
    """It could not be checked, for the reason."""
    return Check(id, UNKNOWN, reason, why)

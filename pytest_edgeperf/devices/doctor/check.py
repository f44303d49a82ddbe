"""What one look of the doctor tells."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"
#: Figures that are measured like this mislead.
PROBLEM = "problem"
#: It measures, but noisier or otherwise than it could.
ADVICE = "advice"
#: It cannot be seen from here.
UNKNOWN = "unknown"
STATES = (PROBLEM, ADVICE, UNKNOWN, OK)


@dataclass(frozen=True)
class Check:
    """What was looked at (``id``), how it is, what was found, why it matters, and the command that mends it.

    ``why`` and ``remedy`` are empty where nothing is to be mended; a remedy is a command, or a few words where
    none does it. Nobody but the user runs it.
    """

    id: str
    state: str
    found: str
    why: str = ""
    remedy: str = ""


def ok(id: str, found: str) -> Check:
    """Nothing to mend."""
    return Check(id, OK, found)


def unknown(id: str, reason: str, why: str = "") -> Check:
    """It could not be looked at, for the reason."""
    return Check(id, UNKNOWN, reason, why)

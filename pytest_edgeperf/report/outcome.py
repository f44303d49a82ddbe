"""What a session or a comparison comes to in one word and one exit code: for programs that read nothing else."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    Comparison,
)
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import judged
from pytest_edgeperf.settings import AGAINST, CHECK, REFRESH

PASS = "pass"  # noqa: S105 (a verdict)
ACCEPTED = "accepted"
NOTHING_COMPARED = "nothing_compared"
UNBASELINED = "unbaselined"
NOT_ACCEPTED = "not_accepted"
FAILED = "failed"
INTERRUPTED = "interrupted"
ERROR = "error"
#: From worst to best: of several that hold, the first is the verdict of the whole.
OUTCOMES = (
    ERROR,
    INTERRUPTED,
    REGRESSED,
    FAILED,
    NOT_ACCEPTED,
    INCONCLUSIVE,
    UNBASELINED,
    NOTHING_COMPARED,
    ACCEPTED,
    PASS,
)

EXIT_PASS = 0
EXIT_FAILED = 1
EXIT_INTERRUPTED = 2
EXIT_ERROR = 3
#: Nothing failed, but something was inconclusive.
EXIT_INCONCLUSIVE = 10
#: Nothing failed, but a baseline was missing or incomparable.
EXIT_UNBASELINED = 11


class Outcome(NamedTuple):
    """The verdict of the whole, one of :data:`OUTCOMES`, and the exit code that the benchmarks alone lead to."""

    verdict: str
    exit_code: int


def unseen(
    counts: Mapping[str, int], *, inconclusive: str, unbaselined: str, unmeasured_gates: bool = False
) -> Optional[int]:
    """The exit code of a session in which nothing failed, but something must not go unseen; ``None``: nothing.

    Args:
        counts: verdict -> benchmarks.
        inconclusive, unbaselined: ``fail`` where such benchmarks must not go unseen.
        unmeasured_gates: whether a metric that gates was not measured.
    """
    if inconclusive == "fail" and counts[INCONCLUSIVE]:
        return EXIT_INCONCLUSIVE
    if unbaselined == "fail" and (unmeasured_gates or any(counts[word] for word in (NEW, MISSING, INCOMPARABLE))):
        return EXIT_UNBASELINED
    return None


def outcome_of_session(report: SessionReport) -> Outcome:
    """What a session's benchmarks come to; ordinary tests beside them may make pytest's exit code worse."""
    comparison = judged(report)
    if report.errors:
        return Outcome(ERROR, EXIT_ERROR)
    if report.interrupted:
        return Outcome(INTERRUPTED, EXIT_INTERRUPTED)
    judges = report.mode in (CHECK, AGAINST)
    if judges and _is_worse(comparison):
        return Outcome(REGRESSED, EXIT_FAILED)
    if report.faults:
        return Outcome(FAILED, EXIT_FAILED)
    if report.failing:
        return Outcome(NOT_ACCEPTED, EXIT_FAILED)
    if report.mode == REFRESH:
        accepted = any(word != "kept" for word in report.refreshed.values())
        return Outcome(ACCEPTED if accepted else NOTHING_COMPARED, EXIT_PASS)
    if not judges:
        return Outcome(NOTHING_COMPARED, EXIT_PASS)
    code = unseen(
        comparison.summary,
        inconclusive=report.inconclusive,
        unbaselined=report.unbaselined,
        unmeasured_gates=report.unmeasured_gates,
    )
    if code is not None:
        return Outcome(INCONCLUSIVE if code == EXIT_INCONCLUSIVE else UNBASELINED, code)
    return Outcome(_without_failure(comparison), EXIT_PASS)


def outcome_of_comparison(comparison: Comparison) -> Outcome:
    """What two files come to."""
    if _is_worse(comparison):
        return Outcome(REGRESSED, EXIT_FAILED)
    return Outcome(_without_failure(comparison), EXIT_PASS)


def _is_worse(comparison: Comparison) -> bool:
    return bool(comparison.summary[REGRESSED] or comparison.regressed_lines)


def _without_failure(comparison: Comparison) -> str:
    """``pass`` only where at least one benchmark was decided."""
    counts = comparison.summary
    if counts[UNCHANGED] or counts[IMPROVED]:
        return PASS
    return INCONCLUSIVE if counts[INCONCLUSIVE] else NOTHING_COMPARED

"""Whether the machine rather than the code may be behind what is worse or undecided."""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence

from pytest_edgeperf.judge.verdicts import INCONCLUSIVE, REGRESSED, Comparison
from pytest_edgeperf.report.loaded_text import nothing_differs_text
from pytest_edgeperf.report.sentences import other_machine_text
from pytest_edgeperf.report.summary_text import common_shift_text
from pytest_edgeperf.results.types import Results, Run

#: So many of the runs of worse and undecided benchmarks put the machine under suspicion.
DISTURBED_SHARE = 1 / 3


def why_the_machine(comparison: Comparison, measured: Optional[Results]) -> List[str]:
    """What speaks for the machine, in sentences; none where no benchmark is worse or undecided.

    Args:
        comparison: the verdicts.
        measured: the candidate's runs, where they are at hand.
    """
    doubtful = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict in (REGRESSED, INCONCLUSIVE)]
    if not doubtful:
        return []
    texts = (common_shift_text(comparison), other_machine_text(comparison), nothing_differs_text(comparison))
    reasons = [text for text in texts if text is not None]
    runs = runs_of(measured, doubtful)
    disturbed = sum(run.disturbed for run in runs)
    if is_mostly_disturbed(runs):
        reasons.append(f"{disturbed} of {len(runs)} runs of worse or undecided benchmarks were disturbed.")
    return reasons


def is_mostly_disturbed(runs: Sequence[Run]) -> bool:
    """Whether so many runs were disturbed that the machine is under suspicion."""
    return bool(runs) and sum(run.disturbed for run in runs) >= DISTURBED_SHARE * len(runs)


def runs_of(measured: Optional[Results], names: Optional[Iterable[str]] = None) -> List[Run]:
    """The runs of these benchmarks, or of all."""
    if measured is None:
        return []
    wanted = measured.benchmarks if names is None else names
    return [run for name in wanted if name in measured.benchmarks for run in measured.benchmarks[name].runs]

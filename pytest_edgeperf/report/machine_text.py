"""Whether a change may be the machine's and not the code's: one answer in one wording, for every kind of report."""

from __future__ import annotations

from statistics import median
from typing import List, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, UNCHANGED, Comparison
from pytest_edgeperf.report.figures import LATENCY, reasons_of
from pytest_edgeperf.report.machine_evidence import is_mostly_disturbed, runs_of, why_the_machine
from pytest_edgeperf.report.numbers import change, count
from pytest_edgeperf.report.sentences import apart_text, other_machine_text
from pytest_edgeperf.report.summary_text import common_shift_text
from pytest_edgeperf.results.disturbance_words import causes_text
from pytest_edgeperf.results.types import Results

#: A median of fewer benchmarks says nothing of the machine.
_LEAST_BENCHMARKS = 3


class MachineAnswer(NamedTuple):
    """The ``answer`` and ``facts`` beside it, as clauses; in sentences what speaks for it, and what limits it.

    ``environments``: of how many benchmarks they differ, where they do. ``suspected``: the machine may be behind what
    is worse, undecided, or was not accepted.
    """

    suspected: bool
    answer: str
    facts: Sequence[str]
    environments: Optional[str]
    signs: Sequence[str]
    cautions: Sequence[str]

    @property
    def clauses(self) -> List[str]:
        """The answer and all that stands beside it."""
        return [self.answer, *self.facts, *([self.environments] if self.environments is not None else [])]

    @property
    def sentence(self) -> str:
        """The answer as a sentence."""
        return as_sentence(self.answer)


def as_sentence(clause: str) -> str:
    """``clause`` with a capital and a full stop."""
    return f"{clause[:1].upper()}{clause[1:]}."


def is_asked(comparison: Comparison) -> bool:
    """Whether there is something that the machine may explain: it is worse or undecided."""
    return bool(comparison.summary[REGRESSED] + comparison.summary[INCONCLUSIVE] or comparison.regressed_lines)


def machine_answer(comparison: Comparison, measured: Optional[Results] = None) -> MachineAnswer:
    """What answers "is it the machine?".

    Args:
        comparison: the verdicts.
        measured: this side's runs, where they are at hand.
    """
    signs = why_the_machine(comparison, measured)
    told = filter(None, (common_shift_text(comparison), other_machine_text(comparison)))
    suspected = bool(signs) or (not _is_decided(comparison) and is_mostly_disturbed(runs_of(measured)))
    answer = "it may be: look at this before the code" if suspected else _without_signs(comparison)
    facts = [_median_change(comparison), _disturbed(measured)]
    caution = apart_text(comparison)
    return MachineAnswer(
        suspected,
        answer,
        [fact for fact in facts if fact is not None],
        _environments(comparison),
        list(dict.fromkeys([*signs, *told])),
        [] if caution is None else [caution],
    )


def _without_signs(comparison: Comparison) -> str:
    counts = comparison.summary
    if not _is_decided(comparison):
        return "not known: nothing was decided"
    metrics = [list(verdict.metrics.values()) for verdict in comparison.benchmarks.values()]
    compared = [several for several in metrics if any(metric.ratio is not None for metric in several)]
    # Memory is compared run by run also where latency is compared pair by pair.
    if compared and all(any(metric.paired for metric in several) for several in compared):
        return "no sign of it: both sides took turns on it, and what slows it slows both"
    if counts[UNCHANGED] >= max(counts[REGRESSED], 1):
        kind = "other benchmark" if is_asked(comparison) else "benchmark"
        return f"no sign of it: {count(counts[UNCHANGED], kind)} of the session did not change"
    few = f"only {counts[UNCHANGED]}" if counts[UNCHANGED] else "none"
    what = f"{few} of {count(len(comparison.benchmarks), 'benchmark')} {'are' if counts[UNCHANGED] > 1 else 'is'}"
    return f"not known: {what} unchanged; pytest --against=REF measures both commits side by side"


def _is_decided(comparison: Comparison) -> bool:
    counts = comparison.summary
    return bool(comparison.regressed_lines or any(counts[word] for word in (REGRESSED, IMPROVED, UNCHANGED)))


def _median_change(comparison: Comparison) -> Optional[str]:
    """How far the benchmarks moved together, where no sentence says it."""
    metrics = [verdict.metrics.get(LATENCY) for verdict in comparison.benchmarks.values()]
    ratios = [metric.ratio for metric in metrics if metric is not None and metric.ratio is not None]
    if comparison.common_shift is not None or len(ratios) < _LEAST_BENCHMARKS:
        return None
    return f"median change of all {len(ratios)} benchmarks {change(median(ratios))}"


def _disturbed(measured: Optional[Results]) -> Optional[str]:
    """How many runs were disturbed, and by what."""
    runs = runs_of(measured)
    if not runs:
        return None
    disturbed = [run for run in runs if run.disturbed]
    causes = causes_text(reasons_of(run) for run in disturbed)
    text = f"{len(disturbed) or 'none'} of {count(len(runs), 'run')} disturbed"
    return f"{text} ({causes})" if causes else text


def _environments(comparison: Comparison) -> Optional[str]:
    """For how many of the benchmarks the recorded environments differ."""
    different = sum(bool(verdict.differences) for verdict in comparison.benchmarks.values())
    if not different:
        return None
    whole = len(comparison.benchmarks)
    return f"the recorded environments differ{'' if different == whole else f' for {different} of {whole}'}"

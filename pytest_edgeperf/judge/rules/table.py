"""The rules, and what each has of the error level of a session: the only place that lists them."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.rules.accuracies import AccuracyRule
from pytest_edgeperf.judge.rules.latency import LatencyRule
from pytest_edgeperf.judge.rules.other_metrics import OtherMetricsRule
from pytest_edgeperf.judge.rules.rule import Case, Rule
from pytest_edgeperf.judge.rules.sizes import SizeRule
from pytest_edgeperf.judge.rules.study_lines import StudyLinesRule
from pytest_edgeperf.judge.statistics.corrections import Level


class Entry(NamedTuple):
    """A rule and its share of the session's error level."""

    rule: Rule
    #: Per cent of the error level; ``None``: an equal part of what the others leave, among all such rules that ask.
    share_percent: Optional[int] = None
    #: Whether the share is set aside also in a session in which the rule asks nothing.
    reserved: bool = True


#: The first rule that judges a metric has it, so that the one for all others stands last of those for metrics. A rule
#: sees in its case what the rules above it show of the suite.
RULES: Tuple[Entry, ...] = (
    Entry(AccuracyRule()),
    # Has no p-value; it was measured to keep to its share.
    Entry(SizeRule(), share_percent=10),
    Entry(LatencyRule(), share_percent=70),
    Entry(OtherMetricsRule()),
    Entry(StudyLinesRule(), share_percent=10, reserved=False),
)


def levels(case: Case, table: Sequence[Entry]) -> List[Level]:
    """Return the level at which each rule of the table answers the questions that gate.

    Raises:
        ValueError: the shares of the rules add up to more than the whole error level.
    """
    counts = [entry.rule.count(case) for entry in table]
    taken = sum(entry.share_percent or 0 for entry, count in zip(table, counts) if entry.reserved or count)
    if taken > 100:
        raise ValueError(f"the rules' shares of the error level add up to {taken} %; they must not exceed 100 %")
    sharing = sum(entry.share_percent is None and count > 0 for entry, count in zip(table, counts))
    rest = (100 - taken) / 100 / max(sharing, 1)
    family = case.family
    return [
        Level(
            family.alpha,
            count,
            rest if entry.share_percent is None else entry.share_percent / 100,
            family.suspicion,
        )
        for entry, count in zip(table, counts)
    ]


def in_lock_step(latency: Rule) -> Tuple[Entry, ...]:
    """Return the rules for sides that were measured together, with a rule for the latency of their pairs."""
    entries = [entry for entry in RULES if entry.rule.in_lock_step]
    return tuple(entry._replace(rule=latency) if isinstance(entry.rule, LatencyRule) else entry for entry in entries)

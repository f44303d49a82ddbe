"""Why a benchmark got slower, in words: the one line of its failing test, and the sentences around its tables."""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.verdicts import REGRESSED, Comparison
from pytest_edgeperf.report.numbers import count, from_to, percent, quantity
from pytest_edgeperf.report.placement_text import MOVED
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import enumerate_names, middle_ellipsis, printable
from pytest_edgeperf.results.explanations import FUNCTIONS, OPERATORS, CostTable, ExplainedPart, Explanation

#: Of one part in a table and in a sentence, in cells; names may be of any length.
ROW_CELLS, SENTENCE_CELLS = 100, 160
#: Rows that a short table has at least.
_FEWEST_ROWS = 3
_SINGULAR = {OPERATORS: "operator", FUNCTIONS: "function"}
#: Of the largest rise: an operator with so much of it is named in place of a function.
_ENOUGH = 0.5
#: Of the loss: no figure is worth more of it.
_MOST_SHARE = 10.0
#: A rise that most parts share explains the loss where it is so much of it.
_MOST_OF_LOSS = 0.5
#: Why a sum rises by more than the latency.
_WHY_MORE = "profiling takes time itself, and what runs at once counts twice"
#: Of the loss: less than this outside of what was profiled is not worth a sentence.
_WORTH_SAYING = 0.05


class ShownTable(NamedTuple):
    """The rows of a table that are shown, and what all others come to, in milliseconds."""

    rows: Sequence[ExplainedPart]
    rest: int
    rest_before_ms: float
    rest_after_ms: float


def explanation_headline(explanation: Explanation) -> Optional[str]:
    """``Conv /model.3/conv: 4.10 -> 6.90 ms, 83 % of the loss``; ``None`` where nothing is to blame."""
    tables = [table for table in explanation.tables if table.rows and table.rows[0].blamed]
    if not tables:
        return None
    largest = max(table.rows[0].difference_ms for table in tables)
    # Operators stand first: one says more than the function that runs all of them.
    table = next(table for table in tables if table.rows[0].difference_ms >= min(_ENOUGH * largest, largest))
    first = table.rows[0]
    parts = [_moved(first), share_text(explanation, first)]
    if table.blamed > 1:
        others = count(table.blamed - 1, f"other {_SINGULAR[table.parts]}")
        parts.append(f"and {others} {'takes' if table.blamed == 2 else 'take'} longer")
    name = middle_ellipsis(printable(named(first)), SENTENCE_CELLS, "…")
    return f"{name}: {', '.join(filter(None, parts))}"


def explanation_sentences(explanation: Explanation) -> List[str]:
    """The headline, or why there is none, and what could not be profiled."""
    text = explanation_headline(explanation) or _why_none(explanation)
    return [*([text] if text else []), *(printable(reason.strip()) for reason in explanation.reasons)]


def explanation_line(explanation: Optional[Explanation]) -> str:
    """The one line of a failing test: the headline, or why there is none; nothing where nobody looked."""
    if explanation is None:
        return ""
    headline = explanation_headline(explanation)
    if headline is not None:
        return f"Why: {headline}"
    sentence = _why_none(explanation)
    # A reason may begin with the name of a runtime.
    why = sentence[:1].lower() + sentence[1:] if sentence else "; ".join(explanation.reasons)
    return f"Why is not known: {printable(why)}" if why else ""


def with_explanation(text: str, explanation: Optional[Explanation]) -> str:
    """The text of a failing test with that line below its first one on what got worse, and below a moved placement."""
    lines = text.splitlines()
    at = 2 if lines[0].startswith(MOVED) else 1
    return "\n".join([*lines[:at], *filter(None, [explanation_line(explanation)]), *lines[at:]])


def table_remarks(explanation: Explanation, table: CostTable) -> List[str]:
    """What measured it, and that the sum is not the latency: by how much they rose apart."""
    remarks = [f"measured by {printable(table.source)} in a pass of its own"] if table.source else []
    loss = explanation.loss_ms
    if loss is not None:
        outside = loss - (table.sum_after_ms - table.sum_before_ms)
        text = f"the sum is not the latency, which rose by {quantity(loss, 'ms')}"
        if outside >= _WORTH_SAYING * loss:
            text += f", {quantity(outside, 'ms')} of it outside of these {table.parts}"
        elif outside <= -_WORTH_SAYING * loss:
            text += f", {quantity(-outside, 'ms')} less than the sum: {_WHY_MORE}"
        remarks.append(text)
    return ["; ".join(remarks)] if remarks else []


def shown_table(table: CostTable, *, everything: bool) -> ShownTable:
    """All rows, or those that are to blame, three at least."""
    most = len(table.rows) if everything else max(_FEWEST_ROWS, sum(row.blamed for row in table.rows))
    shown, others = table.rows[:most], table.rows[most:]
    return ShownTable(
        shown,
        table.rest + len(others),
        table.rest_before_ms + sum(row.before_ms or 0.0 for row in others if not row.at_most),
        table.rest_after_ms + sum(row.after_ms or 0.0 for row in others),
    )


def row_names(rows: Sequence[ExplainedPart], ellipsis: str) -> List[str]:
    """The printable names of rows, shortened so that different ones stay different."""
    return shorten_names([printable(named(row)) for row in rows], ROW_CELLS, ellipsis)


def named(row: ExplainedPart) -> str:
    """``Conv /a + Relu /b (was FusedConv /a)``, ``resize (prepare.py:31)``."""
    remarks = [row.place, f"was {_short(row.was)}" if row.was else ""]
    remark = ", ".join(filter(None, remarks))
    return f"{_short(row.label)} ({remark})" if remark else _short(row.label)


def share_text(explanation: Explanation, row: ExplainedPart) -> str:
    """``83 % of the loss``; nothing where the loss is not known."""
    share = explanation.share(row.difference_ms)
    if share is None:
        return ""
    return "all of the loss" if share >= 0.995 else f"{100 * share:.0f} % of the loss"


def share_cell(explanation: Explanation, row: ExplainedPart) -> str:
    """``83 %``; that it is noise; nothing where it takes no longer."""
    share = explanation.share(row.difference_ms)
    if not row.blamed:
        return "noise" if 0 < row.difference_ms <= row.noise_ms else ""
    if share is None:
        return ""
    return f"{100 * share:.0f} %" if share < _MOST_SHARE else f"> {100 * _MOST_SHARE:.0f} %"


def explained_regressions(comparison: Comparison, explanations: Mapping[str, Explanation]) -> List[str]:
    """The benchmarks that got slower and have a table, in the order of the verdicts."""
    return [
        name
        for name, verdict in comparison.benchmarks.items()
        if verdict.verdict == REGRESSED and name in explanations and explanations[name].tables
    ]


def _short(name: str) -> str:
    return middle_ellipsis(printable(name).strip(), SENTENCE_CELLS, "…") or "(no name)"


def _moved(row: ExplainedPart) -> str:
    after = row.after_ms or 0.0
    if row.before_ms is None:
        return f"new, {quantity(after, 'ms')}"
    return f"{'at most ' if row.at_most else ''}{from_to(row.before_ms, after, 'ms')}"


def _latency(explanation: Explanation) -> str:
    assert explanation.before_ms is not None
    assert explanation.after_ms is not None
    return from_to(explanation.before_ms, explanation.after_ms, "ms")


def _why_none(explanation: Explanation) -> str:
    tables = explanation.tables
    if not tables:
        return ""
    if explanation.before_ms is not None and explanation.loss_ms is None:
        return f"The latency did not rise: {_latency(explanation)}" if explanation.after_ms is not None else ""
    parts = _either(tables, " or ")
    shared = [table for table in tables if table.shift is not None and _is_most(table.shift, explanation)]
    if shared:
        by = percent((shared[0].shift or 1.0) - 1, sign=False)
        return (
            f"No {parts} stands out: most {shared[0].parts} take {by} % longer, as with slower clocks, other load, or "
            "another build of all"
        )
    return f"No {parts} takes longer by more than the noise of the profile"


def _is_most(shift: float, explanation: Explanation) -> bool:
    if not explanation.before_ms or explanation.after_ms is None:
        return shift > 1.1
    return shift - 1 >= _MOST_OF_LOSS * (explanation.after_ms / explanation.before_ms - 1)


def _either(tables: Sequence[CostTable], word: str) -> str:
    names = [_SINGULAR[table.parts] for table in tables]
    return word.join(names) if len(names) < 3 else enumerate_names(names)

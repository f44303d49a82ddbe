"""Reading a Markdown report as GitHub does: its structure, and whether anything in it is more than text."""

from __future__ import annotations

import re

import pytest

from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, LineVerdict, Rename
from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.exporters.markdown import session_markdown
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation
from pytest_edgeperf.results.types import Results

from .conftest import SIDES, benchmark, verdict

_TAG = re.compile(r"<(?!/?(?:details|summary|code)>|!-- edgeperf:[\w.-]+ -->)")


def assert_well_formed(text):
    """Folded parts are closed, fences too, no table is torn, and there is no other tag."""
    outside = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert outside.count("<details>") == outside.count("</details>") == outside.count("<summary>")
    assert not re.search(r"^```", outside, re.MULTILINE)
    assert not _TAG.search(outside)
    for line in outside.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def tokens_of(text):
    """All tokens of the document as CommonMark with tables reads it, the inner ones in their place."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for token in parser.parse(text):
        yield token
        yield from token.children or ()


#: What our reports are made of.
_KINDS = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "strong_open"),
    *("strong_close", "code_inline", "fence", "html_block", "html_inline", "softbreak", "bullet_list_open"),
    *("bullet_list_close", "list_item_open", "list_item_close", "text_special", "hr"),
    *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
}
_OWN_HTML = re.compile(r"(?:\s|</?details>|<summary>[^<]*</summary>|<!-- edgeperf:[\w.-]+ -->|</?code>)*\Z")


def assert_only_text(report):
    """Whatever the report holds, its document has our own structure, and nothing that GitHub makes a link of."""
    text = session_markdown(report)
    assert isinstance(text.encode(), bytes)
    assert_well_formed(text)
    in_code = False
    for token in tokens_of(text):
        assert token.type in _KINDS, token
        if token.type == "html_inline":
            in_code = token.content == "<code>"
        if token.type in ("html_block", "html_inline"):
            assert _OWN_HTML.match(token.content), token
        if token.type == "text" and not in_code:
            assert not re.search(r"@\w|#\d|://|www\.\w|(?i:gh-\d)", token.content), token
    return text


def hostile_report(names, text):
    """A session in which every name, and every text, is one of these."""
    words = ("regressed", "inconclusive", "improved", "unchanged")
    judged = {
        name: verdict(words[at % 4], 1.1, 1.05, 1.2, reason=text, sides=SIDES, differences={text: (text, text)})
        for at, name in enumerate(names)
    }
    judged[text + "i"] = BenchmarkVerdict("incomparable", reason=text, differences={text: (text, None)})
    line = LineVerdict(text, text, "latency", "slope", "regressed", text, 1.0, 1.2, benchmarks=tuple(names))
    comparison = Comparison(
        judged,
        common_shift=1.1,
        lines=(line,),
        renames=(Rename(text, text, reason=text),),
        other_machine=OtherMachine(text, 1, 2),
    )
    rows = tuple(ExplainedPart(name, 1.0, 2.0, 0.1, True, place=text, was=name) for name in names)
    explanation = Explanation(5.0, 6.0, (CostTable("operators", rows, 1, 1.0, 1.0, len(rows), 1.0, text),), (text,))
    return SessionReport(
        device=text or "-",
        machine=text,
        measured=Results(
            "host",
            benchmarks={name: benchmark(1.0) for name in names},
            explanations=dict.fromkeys(names, explanation),
        ),
        comparison=comparison,
        faults={text + "f": text},
        notes=[text],
        written=[("report", text)],
        refused={text + "r": text},
        against=text,
        crept={text + "c": Creep(1.2, 0.02, text)},
    )

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.exporters.markdown import comparison_markdown
from pytest_edgeperf.report.markup import codes, escape, item

from .conftest import PREFIX, verdict


def test_failures_come_first(comparison):
    lines = comparison_markdown(comparison).splitlines()
    assert lines[0].startswith("**2 regressed, 1 inconclusive, 1 incomparable")
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(comparison.benchmarks)
    assert "**regressed**" in rows[0]
    assert "**regressed**" in rows[1]
    assert rows[-1].endswith("| unchanged |")
    assert rows[0] == (
        f"| `{PREFIX}test_yolov3[onnxruntime-fp32-416]` | 11.3 ms | 12.2 ms"
        " | latency +8.1 % [+5.2, +11.1] | **regressed** |"
    )
    assert "- Would detect slowdowns of 3.4 % or more" in lines


def test_every_row_has_the_same_cells(comparison):
    rows = [line for line in comparison_markdown(comparison).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}


def test_ids_cannot_break_the_table():
    odd = "a.py::test[`x`|<b>\n]"
    text = comparison_markdown(Comparison({odd: verdict("regressed", 1.1, 1.05, 1.2)}))
    row = next(line for line in text.splitlines() if line.startswith("| <code>"))
    assert row.startswith(
        "| <code>a&#46;py&#58;&#58;test&#91;&#96;x&#96;&#124;&#60;b&#62;&#92;n&#93;</code> | 11.3 ms | 12.2 ms |"
    )


def test_reasons_are_escaped():
    one = BenchmarkVerdict("incomparable", reason="a|b <script> *c*")
    text = comparison_markdown(Comparison({"x": one}))
    assert "incomparable: a\\|b &lt;script> \\*c\\*" in text


def test_nothing_to_compare():
    assert comparison_markdown(Comparison({})) == "**nothing to compare**\n"


def comparison_of(number, word, **more):
    return Comparison({f"{PREFIX}test_a[{at}]": verdict(word, 1.1, 1.05, 1.2, **more) for at in range(number)})


@pytest.mark.parametrize(("word", "what"), [("unchanged", "further rows"), ("regressed", "further entries")])
def test_many_benchmarks_fit_into_a_comment(word, what):
    text = comparison_markdown(comparison_of(2000, word))
    assert 20_000 < len(text) < 65_536
    assert what in text
    assert "--format json" in text


def test_what_fits_is_listed_whole():
    text = comparison_markdown(comparison_of(100, "unchanged"))
    assert "further" not in text
    assert text.count("| unchanged |") == 100


def test_very_long_ids_are_shortened_and_stay_different():
    ids = [f"a.py::test[{letter * 20_000}{end}]" for letter in "xy" for end in "pq"]
    text = comparison_markdown(Comparison({id: verdict("regressed", 1.1, 1.05, 1.2) for id in ids}))
    assert len(text) < 5000
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    assert len(set(rows)) == 4


def test_reasons_cannot_mention_link_or_embed():
    reason = (
        "see @octocat ![x](http://e.example/p.png) [y](javascript:z) owner/repo#12 www.e.example gh-5 [q]: u a@b.org"
    )
    text = comparison_markdown(Comparison({"x": BenchmarkVerdict("incomparable", reason=reason)}))
    row = text.splitlines()[-1]
    assert "see @&#8203;octocat" in row
    assert "\\!\\[x\\](http:&#8203;//e.example/p.png)" in row
    assert "\\[y\\](javascript:z)" in row
    assert "repo#&#8203;12 www.&#8203;e.example gh-&#8203;5 \\[q\\]: u a@&#8203;b.org" in row


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# no heading", "- \\# no heading"),
        ("> no quotation", "- \\> no quotation"),
        ("- no item", "- \\- no item"),
        ("12. no number", "- 12\\. no number"),
        ("[ ] no task", "- \\[ ] no task"),
        ("[x]: no definition", "- \\[x\\]: no definition"),
        ("latency +8.1 % [+5.2, +11.1]", "- latency +8.1 % [+5.2, +11.1]"),
    ],
)
def test_an_item_begins_nothing_else(text, line):
    assert item(text) == line


NASTY = st.text(st.sampled_from("ab1@#![](){}<>`|\\*_~&:/.-$ \n\x1b\u202e\udc80é中"), max_size=40)


@given(NASTY)
def test_no_text_is_anything_but_text(text):
    cell = escape(text)
    assert cell.isprintable()
    assert isinstance(cell.encode(), bytes)
    bare = re.sub(r"\\.", "x", cell)
    assert not re.search(r"[<|`*_~$]|\]\(|\]\[|!\[|@(?!&#8203;|$| )|#(?=\d)(?!8203;)|://", bare)


@given(st.lists(NASTY, max_size=4))
def test_code_is_code_whatever_it_holds(texts):
    for text in codes(texts):
        assert text.isprintable()
        inside = re.fullmatch(r"`([^`|]+)`|<code>((?:\w|&#\d+;)+)</code>", text)
        assert inside is not None, text


def test_another_machine_is_said_and_is_no_markup(comparison):
    why = "the baseline was measured on a different machine (product ![a](b) -> <b>)"
    text = comparison_markdown(replace(comparison, other_machine=OtherMachine(why, 7, 7)))
    assert "pytest --against=REF" in text.replace("\\", "")
    assert "![a](b)" not in text
    assert "<b>" not in text
    assert "a different machine" not in comparison_markdown(comparison)

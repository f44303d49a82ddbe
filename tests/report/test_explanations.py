"""Why it got slower, in every report: the line of the failing test, tables, Markdown, the page, and for programs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_edgeperf.report.explanation_tables import explanation_lines
from pytest_edgeperf.report.explanation_text import (
    explanation_headline,
    explanation_line,
    explanation_sentences,
    shown_table,
    table_remarks,
    with_explanation,
)
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.html.elements import plain
from pytest_edgeperf.report.html.sections import explanations as section
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.results.errors import schema_text
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation

from .hostile import NAMES, TEXTS
from .markdown_reading import assert_well_formed
from .scenarios import SCENARIOS

CONV = ExplainedPart("Conv /model.3/conv", 4.1, 6.9, 0.2, True)
RELU = ExplainedPart("Relu /model.3/relu", 0.5, 0.51, 0.1)


def explanation(*rows, before=12.0, after=15.4, rest=5, by=1.0, shift=1.0, parts="operators", reasons=()):
    blamed = sum(row.blamed for row in rows)
    table = CostTable(parts, rows, rest, 3.0, 3.0 * by, blamed, shift, "a profiler")
    return Explanation(before, after, (table,), reasons)


@pytest.mark.parametrize(
    ("row", "headline"),
    [
        (CONV, "Conv /model.3/conv: 4.10 -> 6.90 ms, 82 % of the loss"),
        (replace(CONV, before_ms=None, after_ms=1.7), "Conv /model.3/conv: new, 1.70 ms, 50 % of the loss"),
        (replace(CONV, at_most=True), "Conv /model.3/conv: at most 4.10 -> 6.90 ms, 82 % of the loss"),
        (replace(CONV, was="FusedConv /f"), "Conv /model.3/conv (was FusedConv /f): 4.10 -> 6.90 ms, 82 % of the loss"),
        (replace(CONV, after_ms=8.0), "Conv /model.3/conv: 4.10 -> 8.00 ms, all of the loss"),
        (
            ExplainedPart("letterbox", 0.004, 0.009, 0.001, True, "app/prepare.py:31"),
            "letterbox (app/prepare.py:31): 4.00 -> 9.00 us, 0 % of the loss",
        ),
    ],
)
def test_the_one_line_that_matters(row, headline):
    assert explanation_headline(explanation(row, RELU)) == headline


def test_the_line_counts_what_else_takes_longer():
    text = explanation_headline(explanation(CONV, replace(RELU, after_ms=0.9, blamed=True)))
    assert text == "Conv /model.3/conv: 4.10 -> 6.90 ms, 82 % of the loss, and 1 other operator takes longer"


def test_an_operator_says_more_than_the_function_that_runs_it():
    operators, functions = (explanation(row).tables[0] for row in (CONV, ExplainedPart("run", 5.0, 8.3, 0.3, True)))
    made = Explanation(12.0, 15.4, (operators, replace(functions, parts="functions")))
    assert explanation_headline(made).startswith("Conv")
    small = replace(operators, rows=(replace(CONV, after_ms=5.0),))
    assert explanation_headline(replace(made, tables=(small, replace(functions, parts="functions")))).startswith("run")


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (None, ""),
        (Explanation(), ""),
        (explanation(CONV), "Why: Conv /model.3/conv: 4.10 -> 6.90 ms, 82 % of the loss"),
        (explanation(RELU), "Why is not known: no operator takes longer by more than the noise of the profile"),
        (
            explanation(RELU, shift=1.2),
            "Why is not known: no operator stands out: most operators take 20.0 % longer, as with slower clocks, other "
            "load, or another build of all",
        ),
        (explanation(RELU, after=11.0), "Why is not known: the latency did not rise: 12.0 -> 11.0 ms"),
        (
            explanation(RELU, parts="functions"),
            "Why is not known: no function takes longer by more than the noise of the profile",
        ),
        (Explanation(1.0, 2.0, reasons=("ncnn reports no times",)), "Why is not known: ncnn reports no times"),
        (Explanation(1.0, 2.0, reasons=("TensorRT has none",)), "Why is not known: TensorRT has none"),
        (Explanation(1.0, 2.0, reasons=("\x1b[31mred",)), "Why is not known: \\x1b[31mred"),
    ],
)
def test_the_failing_test_says_why_or_that_it_is_not_known(made, line):
    assert explanation_line(made) == line


def test_the_line_stands_below_what_got_worse():
    text = with_explanation("Median latency rose\nRuns: 9", explanation(CONV))
    assert text.splitlines()[1] == "Why: Conv /model.3/conv: 4.10 -> 6.90 ms, 82 % of the loss"
    assert with_explanation("Median latency rose\nRuns: 9", None) == "Median latency rose\nRuns: 9"
    moved = with_explanation("Placement changed: a 1 -> 2 nodes\nMedian latency rose", explanation(CONV))
    assert [line.split()[0] for line in moved.splitlines()] == ["Placement", "Median", "Why:"]


def test_what_could_not_be_profiled_is_a_sentence_of_its_own():
    assert explanation_sentences(explanation(CONV, reasons=("before: it has no functions",)))[1:] == [
        "before: it has no functions"
    ]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (15.0, "rose by 3.00 ms"),
        (17.0, "rose by 5.00 ms, 2.19 ms of it outside of these operators"),
        (
            13.0,
            "rose by 1.00 ms, 1.81 ms less than the sum: profiling takes time itself, and what runs at once counts "
            "twice",
        ),
    ],
)
def test_the_sum_is_not_the_latency(after, said):
    made = explanation(CONV, RELU, after=after)
    if after == 15.0:
        made = replace(made, after_ms=14.81 + 0.05)
        said = "rose by 2.86 ms"
    assert table_remarks(made, made.tables[0]) == [
        f"measured by a profiler in a pass of its own; the sum is not the latency, which {said}"
    ]


def test_a_short_table_has_what_is_to_blame_and_three_rows_at_least():
    rows = [replace(RELU, label=f"Relu {at}") for at in range(8)]
    table = explanation(CONV, *rows).tables[0]
    short = shown_table(table, everything=False)
    assert ([row.label for row in short.rows], short.rest) == (["Conv /model.3/conv", "Relu 0", "Relu 1"], 11)
    assert short.rest_before_ms == pytest.approx(3.0 + 6 * 0.5)
    assert len(shown_table(table, everything=True).rows) == 9


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_no_line_is_wider_than_the_paper_whatever_an_operator_is_called(width):
    rows = [ExplainedPart(name, 1.0, 2.0 + at, 0.1, True, was=NAMES[-1 - at]) for at, name in enumerate(NAMES)]
    made = explanation(*rows[:10], reasons=NAMES)
    lines = explanation_lines(f"title {NAMES[-1]}", made, Paper(width), everything=True)
    assert max(map(cells, lines)) <= width
    assert all(line.isprintable() for line in lines)


@given(st.lists(TEXTS, min_size=1, max_size=6), st.floats(0, 1e100), st.none() | st.floats(0, 1e100))
def test_any_rows_have_a_table(labels, milliseconds, before):
    rows = [ExplainedPart(label, before, milliseconds, milliseconds, at % 2 == 0) for at, label in enumerate(labels)]
    made = explanation(*rows, before=before)
    lines = explanation_lines("x", made, Paper(80, ascii_only=True), everything=True)
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert max(map(cells, lines)) <= 80
    assert exporter("markdown", "explanation").explanation("x", made, Paper(80))


@pytest.fixture
def report():
    return SCENARIOS["explained"]()


def test_the_quick_report_has_three_tables_and_the_detailed_one_all(report):
    short = render(report, width=100, colour=False)
    assert short.count("why it got slower: ") == 3
    assert "why 2 other benchmarks got slower: see -v, or edgeperf explain ID" in short
    long = render(report, width=100, colour=False, verbosity=1)
    assert long.count("why it got slower: ") == 5
    # Of what has no profile, its reason stands with its verdict.
    assert "Why is not known: ncnn reports no operator times" in short


def test_a_short_report_leaves_out_the_table_that_blames_nothing_beside_one_that_does():
    operators, functions = explanation(CONV).tables[0], explanation(RELU, parts="functions").tables[0]
    made = Explanation(12.0, 15.4, (operators, functions))
    short = "\n".join(explanation_lines("x", made, Paper(100), everything=False))
    assert ("operator" in short, "function" in short) == (True, False)
    assert "function" in "\n".join(explanation_lines("x", made, Paper(100), everything=True))
    assert "function" in "\n".join(
        explanation_lines("x", replace(made, tables=(functions,)), Paper(100), everything=False)
    )


def test_what_did_not_regress_has_no_table(report):
    name = "benchmarks/test_detection.py::test_ssd[openvino]"
    verdicts = dict(report.comparison.benchmarks)
    verdicts[name] = replace(verdicts[name], verdict="unchanged")
    text = render(replace(report, comparison=replace(report.comparison, benchmarks=verdicts)), width=100, colour=False)
    assert "why it got slower: test_ssd" not in text


def test_markdown_names_the_parts_to_blame_and_folds_the_tables(report):
    text = exporter("markdown", "session").session(report, Paper(100))
    visible = text[: text.index("<details>")]
    assert "**Why it got slower:**" in visible
    assert "Conv /model.3/conv/Conv: 4.10 -> 6.90 ms, 82 % of the loss" in visible
    assert "| Conv /model.3/conv/Conv | 4.10 | 6.90 | +2.80 | 0.21 | 82 % |" in text


def test_markdown_shows_the_names_of_strangers_as_text():
    rows = [ExplainedPart(name, 1.0, 2.0, 0.1, True) for name in NAMES]
    for start in range(0, len(rows), 10):
        made = explanation(*rows[start : start + 10], reasons=NAMES)
        text = exporter("markdown", "explanation").explanation(NAMES[start], made, Paper(100))
        assert_well_formed(text)


def test_programs_get_rows_with_shares_and_the_schema_describes_them(report):
    document = json.loads(exporter("json", "session").session(report, Paper(100)))
    Draft202012Validator(json.loads(schema_text("report_schema.json"))).validate(document)
    entry = document["benchmarks"]["benchmarks/test_detection.py::test_yolov3[onnxruntime-fp32-416]"]
    (table,) = entry["explanation"]["tables"]
    first = table["rows"][0]
    assert (first["label"], first["blamed"], round(first["share_of_loss"], 2)) == (
        "Conv /model.3/conv/Conv",
        True,
        0.82,
    )
    assert table["rest"]["parts"] == 71
    assert entry["sentences"][1].startswith("Why: Conv /model.3/conv/Conv")


def test_the_page_has_a_section_and_each_row_its_line(report):
    shown = section.data(Subject(report))
    first = shown["benchmarks"][0]
    assert (first["latency"], first["has_headline"]) == ("12.0 -> 15.4 ms", True)
    assert first["tables"][0]["columns"] == ["before (ms)", "now", "change", "noise", "of the loss"]
    assert first["tables"][0]["rows"][0] == ["Conv /model.3/conv/Conv", True, "4.10", "6.90", "+2.80", "0.21", "82 %"]
    assert shown["benchmarks"][-1]["sentences"] == ["ncnn reports no operator times"]
    json.dumps(plain(shown), allow_nan=False)


def test_the_first_answer_of_the_page_says_why(report):
    page = exporter("html", "session").session(report, Paper(100))
    answer = page[page.index("What got slower") : page.index("Is it the machine")]
    assert "latency +28.3 % [+26.3, +30.3]; Conv /model.3/conv/Conv: 4.10 -&gt; 6.90 ms, 82 % of the loss" in answer


def test_a_page_without_explanations_has_no_such_section():
    assert section.data(Subject(SCENARIOS["three-unchanged"]())) is None

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

import pytest_edgeperf
from pytest_edgeperf.cli import main
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, LineVerdict
from pytest_edgeperf.report.exporters.markdown import comparison_markdown
from pytest_edgeperf.report.line_text import failing_lines, line_headline, line_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render, render_comparison
from pytest_edgeperf.results.types import Results

IDS = ("test_a.py::test_yolo[320]", "test_a.py::test_yolo[416]", "test_a.py::test_yolo[512]")
SLOPE = LineVerdict(
    "suo-2021",
    "torch",
    "latency",
    "slope",
    "regressed",
    unit="ms per GFLOPs",
    baseline=14.66,
    candidate=15.9,
    interval=(0.8, 1.7),
    p_adjusted=0.0004,
    tolerance=0.02,
    benchmarks=IDS,
)
INTERCEPT = LineVerdict(
    "suo-2021",
    "torch",
    "latency",
    "intercept",
    "regressed",
    unit="ms",
    baseline=-3.0,
    candidate=37.6,
    interval=(30.0, 51.2),
    p_adjusted=1e-9,
    tolerance=0.02,
    benchmarks=IDS,
)
UNKNOWN = LineVerdict("suo-2021", "ort", "latency", "slope", "inconclusive", reason="there are 2", benchmarks=IDS[:2])
SAME = {name: BenchmarkVerdict("unchanged") for name in IDS}
COMPARISON = Comparison(SAME, lines=(SLOPE, INTERCEPT, UNKNOWN))


def test_a_slope_in_sentences():
    assert line_headline(SLOPE) == "slope of torch in suo-2021 (latency): 14.7 -> 15.9 ms per GFLOPs, +8.5 %"
    assert line_text(SLOPE).splitlines() == [
        "Slope of torch in suo-2021 (latency): 14.7 -> 15.9 ms per GFLOPs, +8.5 % [95 %: +5.5, +11.6]; tolerance 2 %",
        "The line through 3 benchmarks, by the medians of their runs; adjusted p = 0.0004",
    ]


def test_an_intercept_is_told_as_a_difference():
    assert line_text(INTERCEPT).splitlines()[0] == (
        "Intercept of torch in suo-2021 (latency): -3.00 -> 37.6 ms [difference, 95 %: +30.0, +51.2]; "
        "tolerance 2 % of the smallest coordinate's"
    )


def test_the_last_measured_test_of_a_line_fails_for_it():
    assert failing_lines(COMPARISON, IDS) == {IDS[2]: [SLOPE, INTERCEPT]}
    assert failing_lines(COMPARISON, IDS[:2]) == {IDS[1]: [SLOPE, INTERCEPT]}
    assert failing_lines(COMPARISON, [*reversed(IDS), "test_a.py::test_other"]) == {IDS[0]: [SLOPE, INTERCEPT]}
    assert failing_lines(COMPARISON, ["test_a.py::test_other"]) == {}
    assert failing_lines(None, IDS) == {}


def test_two_files():
    text = render_comparison(COMPARISON, width=100, colour=False)
    assert "regressed (2)\n  Slope of torch in suo-2021 (latency): " in text
    assert text.index("Slope of torch") < text.index("unchanged (3)")
    assert "inconclusive: slope of ort in suo-2021 (latency): there are 2" in text
    assert "3 unchanged, 2 lines regressed" in text


@pytest.mark.parametrize(("mode", "word"), [("check", "regressed"), ("refresh", "accepted although worse")])
def test_a_session(mode, word):
    report = SessionReport("host", "", Results("host"), comparison=COMPARISON, mode=mode)
    text = render(report, width=100, colour=False)
    assert re.search(rf"^{word}.* \(2\)\n  Slope of torch in suo-2021 \(latency\): ", text, re.MULTILINE)
    quiet = render(report, width=100, colour=False, verbosity=-1)
    assert f"{word}: slope of torch in suo-2021 (latency): 14.7 -> 15.9" in quiet


def test_markdown():
    text = comparison_markdown(COMPARISON)
    assert text.startswith("### edgeperf: 2 lines regressed\n\n3 unchanged, 2 lines regressed.\n")
    assert "\nregressed: slope of torch in suo-2021 (latency)\n" in text
    assert "\nslope of torch in suo-2021 (latency):\n\n- Slope of torch" in text


def test_compare_exits_with_one_for_a_line_alone(monkeypatch):
    monkeypatch.setattr(pytest_edgeperf, "compare", lambda *files, **keywords: COMPARISON)
    outcome = CliRunner().invoke(main, ["compare", "a.json", "b.json"])
    assert outcome.exit_code == 1
    assert "regressed (2)\n  Slope of torch in suo-2021" in outcome.output

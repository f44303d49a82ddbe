"""Accuracies in reports: points instead of per cent, lost and won examples, and latency beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_edgeperf import compare
from pytest_edgeperf.report.accuracy_text import points
from pytest_edgeperf.report.exporters.junit import junit_properties
from pytest_edgeperf.report.exporters.markdown import comparison_markdown
from pytest_edgeperf.report.sentences import inconclusive_text, regression_headline, regression_text, worse_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render, render_comparison
from pytest_edgeperf.results.example_answers import of_examples
from pytest_edgeperf.results.types import Metric
from tests.judge.builders import summary
from tests.judge.test_accuracy import RIGHT, TOP1, side, wrong_too


@pytest.fixture
def faster_and_worse():
    candidate = side([wrong_too(30, won=2)] * 3, "two", latency=summary(5.0))
    return candidate, compare(side([RIGHT] * 5), candidate)


def test_a_failing_test_says_what_was_lost_and_that_it_is_faster(faster_and_worse):
    _, comparison = faster_and_worse
    text = regression_text("a", comparison.benchmarks["a"])
    assert text.splitlines()[0] == (
        "top1 95.6 -> 89.3 %, -6.2 points [95 %: -9.0, -4.1]; 30 of 450 examples lost, 2 won; margin 0.5 points"
    )
    assert "compared in pairs; adjusted p < 0.0001" in text
    assert "Would detect a loss of 4 points or more; latency -50.0 % " in text
    assert regression_headline("a", comparison.benchmarks["a"]) == (
        "top1 -6.2 points [-9.0, -4.1], 30 of 450 examples lost, 2 won (margin 0.5 points)"
    )
    assert worse_text(comparison.benchmarks["a"]) == "top1 -6.2 points [-9.0, -4.1]"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_shows_accuracy_beside_latency(faster_and_worse, width):
    measured, comparison = faster_and_worse
    report = SessionReport("board", "a machine", measured, comparison, rounds=3, seconds=9.0)
    lines = render(report, width=width, colour=False).splitlines()
    header = next(line for line in lines if "change" in line)
    assert "top1, %" in header
    row = next(line for line in lines if line.startswith("  a "))
    assert "89.3" in row
    moved = next(line for line in lines if "top1 89.3 %" in line)
    assert "-6.2 pt" in moved
    assert "[ -9.0,  -4.1]" in moved
    assert "latency improved" in " ".join(" ".join(lines).split())
    assert lines.index("regressed (1)") < lines.index(moved)
    assert max(map(len, lines)) <= width


def test_markdown_and_a_comparison_of_files_show_points(faster_and_worse):
    _, comparison = faster_and_worse
    shown = comparison_markdown(comparison)
    assert "| top1 -6.2 points [-9.0, -4.1] | 95.6 % | 89.3 % | **regressed** |" in shown
    # What is copied from a comment has spaces of one kind.
    assert all(line.isprintable() for line in shown.splitlines())
    assert "-6.2 pt" in render_comparison(comparison, width=80, colour=False)


def test_junit_has_the_difference_and_the_counts(faster_and_worse):
    measured, comparison = faster_and_worse
    found = dict(junit_properties(measured.benchmarks["a"], comparison.benchmarks["a"]))
    assert found["edgeperf.top1_percent"] == "89.3"
    assert (found["edgeperf.top1_lost"], found["edgeperf.top1_won"]) == ("30", "2")
    assert found["edgeperf.top1_difference"].startswith("-6.22")


def test_an_inconclusive_one_says_what_more_examples_are_for():
    found = compare(side([RIGHT] * 5), side([wrong_too(8)] * 3, "two")).benchmarks["a"]
    assert inconclusive_text(found) == (
        "top1 -1.8 points [-3.5, -0.9]; 8 of 450 examples lost, 0 won; suspected to be worse, p = 0.0084; "
        "more examples are needed to decide; would have detected a loss of 3 points or more"
    )


def test_benchmarks_with_other_accuracies_name_them_in_their_rows():
    first = side([RIGHT])
    error = Metric("mm", "lower", margin=0.1)
    other = replace(
        side([RIGHT]).benchmarks["a"],
        metrics={"latency": Metric("ms"), "error": error},
        runs=tuple(
            replace_values(one, {"latency": summary(3.0), "error": of_examples(np.linspace(0, 2, 9))})
            for one in first.benchmarks["a"].runs
        ),
    )
    without = replace(
        other,
        metrics={"latency": Metric("ms")},
        runs=tuple(replace_values(o, {"latency": summary(1.0)}) for o in other.runs),
    )
    both = replace(first, benchmarks={**first.benchmarks, "b": other, "c": without})
    lines = render(SessionReport("board", "", both, mode="off"), width=100, colour=False).splitlines()
    assert any("95.6  top1" in line for line in lines)
    assert any("1.00 error" in line for line in lines)
    assert "accuracy" in next(line for line in lines if "p95" in line)


def replace_values(run, values):
    from pytest_edgeperf.results.types import Run

    return Run(run.environment, run.started, run.session, values, quality=run.quality)


def test_scores_are_told_in_their_unit():
    metric = Metric("dB", "higher", margin=0.2)
    before = np.random.default_rng(1).normal(35, 2, 300)
    base, now = (side([of_examples(one)], metric=metric) for one in (before, before - 1.3))
    text = regression_text("a", compare(base, now).benchmarks["a"])
    assert text.startswith("top1 34.8 -> 33.5 dB, -1.30 dB [95 %: ")
    assert points(0.2, "dB") == "0.2 dB"
    assert TOP1.unit == "%"

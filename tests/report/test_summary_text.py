from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.numbers import from_to, quantities, quantity
from pytest_edgeperf.report.sentences import regression_text
from pytest_edgeperf.report.summary_text import common_shift_text, summary_text
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.results.types import Results

from .conftest import benchmark, latency, verdict

MOVED = {name: verdict("regressed", 1.04, 1.03, 1.05) for name in "abcd"}
CHANGED = {"onnxruntime": ("1.11.0", "1.12.1")}


# One unit a line.


@pytest.mark.parametrize(
    ("before", "now", "unit", "text"),
    [
        (1.0, 1.5, "ms", "1.00 -> 1.50 ms"),
        (0.9999, 1.5, "ms", "1.00 -> 1.50 ms"),
        (0.95, 1.5, "ms", "0.950 -> 1.50 ms"),
        (0.5, 0.6, "ms", "500 -> 600 us"),
        (990.0, 1200.0, "ms", "0.990 -> 1.20 s"),
        (80.0, 1200.0, "MiB", "80.0 -> 1200 MiB"),
        (0.0, 2.0, "ms", "0 -> 2.00 ms"),
        (1.0, 2.0, "", "1.00 -> 2.00"),
    ],
)
def test_a_figure_moves_in_one_unit(before, now, unit, text):
    assert from_to(before, now, unit) == text


SIZES = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
TIMES = st.floats(1e-4, 1e6)


@given(st.lists(TIMES, min_size=1, max_size=4), st.sampled_from(["s", "ms", "us"]))
def test_the_figures_of_a_line_are_what_they_were_in_one_unit(values, unit):
    texts, one_unit = quantities(values, unit)
    for text, value in zip(texts, values):
        assert float(text) * SIZES[one_unit] == pytest.approx(value * SIZES[unit], rel=0.006)


@given(TIMES)
def test_a_time_has_one_to_three_digits_before_the_point(value):
    number, unit = quantity(value, "ms").split()
    assert float(number) < 1000 or unit == "s"


@given(TIMES, TIMES)
def test_the_first_line_of_a_regression_names_one_unit(before, now):
    moved = {"latency": latency("regressed", now / before, 1.0, 2.0, baseline=before, candidate=now, summary="min")}
    line = regression_text("a", BenchmarkVerdict("regressed", moved)).splitlines()[0]
    figures = line.partition(",")[0].replace("Minimum latency ", "")
    assert len([word for word in figures.split() if word in SIZES]) == 1
    assert figures.split()[-1] in SIZES
    assert figures.count("->") == 1


# How many moved together.


def test_a_shift_says_how_many_of_how_many_moved_and_where_to_look():
    text = common_shift_text(Comparison(MOVED, common_shift=1.04, common_shift_of=(3, 4)))
    assert text == (
        "3 of 4 judged benchmarks moved the same way: latency +4.0 % (median). Look first for what they share: clocks, "
        "temperature, other load (edgeperf doctor), a common library. The verdicts include this shift."
    )
    assert common_shift_text(Comparison(MOVED, common_shift=1.04, common_shift_of=(4, 4))).startswith("All 4 judged ")
    assert common_shift_text(Comparison(MOVED)) is None


def test_a_shift_names_the_change_that_all_share():
    changed = {name: replace(one, differences={**CHANGED, name: (1, 2)}) for name, one in MOVED.items()}
    text = common_shift_text(Comparison(changed, common_shift=1.04, common_shift_of=(4, 4)))
    assert "They share a change of the environment: onnxruntime 1.11.0 -> 1.12.1. The verdicts" in text
    changed["b"] = MOVED["b"]
    assert "onnxruntime" not in common_shift_text(Comparison(changed, common_shift=1.04, common_shift_of=(4, 4)))


# What a refresh did.


def refresh(session, refreshed, *, runs=17, verdicts=None, **more):
    measured = {name: benchmark(12.0, runs=runs) for name, what in refreshed.items() if what != "kept"}
    comparison = None if verdicts is None else Comparison(verdicts)
    measured.update({name: benchmark(12.0, runs=1, disturbed=(0,)) for name in more.get("refused", ())})
    return replace(
        session,
        mode="refresh",
        measured=Results("host", benchmarks=measured),
        comparison=comparison,
        refreshed=refreshed,
        faults=more.get("faults", {}),
        refused=more.get("refused", {}),
        notes=(),
        rounds=17,
    )


def counted(report):
    return summary_text(report).partition("; 17 rounds")[0]


def test_a_refresh_counts_what_it_accepted_refused_and_kept(session):
    done = {"a": "created", "b": "updated", "c": "updated", "d": "kept"}
    report = refresh(session, done, verdicts={"b": MOVED["b"]}, refused={"e": "why"}, faults={"f": "it crashed"})
    assert counted(report) == (
        "accepted 3 benchmarks (1 new, 2 updated, 1 of them worse than before); refused 1; kept 1 that was not "
        "measured; 1 failed"
    )


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        (1, "accepted 2 benchmarks (2 new), with 1 run each: too few to detect most slowdowns"),
        (4, "accepted 2 benchmarks (2 new), with 4 runs each: too few to detect most slowdowns"),
        (5, "accepted 2 benchmarks (2 new)"),
    ],
)
def test_a_refresh_says_that_it_accepted_few_runs(session, runs, text):
    assert counted(refresh(session, {"a": "created", "b": "created"}, runs=runs)) == text


def test_a_refresh_of_different_numbers_of_runs_says_how_many_have_few(session):
    report = refresh(session, dict.fromkeys("abc", "created"), runs=17)
    report.measured.benchmarks["a"] = benchmark(12.0, runs=2)
    report.measured.benchmarks["b"] = benchmark(12.0, runs=6, disturbed=(0, 1, 2))
    assert counted(report).endswith(", 2 of them with 2 to 3 runs each: too few to detect most slowdowns")


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_a_refresh_that_accepts_nothing_says_so_and_why(session, verbosity):
    verdicts = {"a": BenchmarkVerdict("new"), "b": BenchmarkVerdict("new")}
    why = "its only run was disturbed (other processes used the processors): measure it again on a quiet machine"
    report = refresh(session, {}, verdicts=verdicts, refused={"a": why, "b": why})
    text = " ".join(render(report, width=80, colour=False, verbosity=verbosity).split())
    assert "accepted nothing; refused 2" in text
    earlier = Results("host", benchmarks={"a": benchmark(12.0)})
    known = render(replace(report, baseline=earlier), width=80, colour=False, verbosity=verbosity)
    assert "accepted nothing: the baseline is unchanged; refused 2" in " ".join(known.split())
    assert "2 new" not in text
    assert why in text


def test_a_quiet_refresh_shows_what_it_makes_worse_refuses_and_did(session):
    done = {"a": "updated", "b": "updated"}
    report = refresh(session, done, verdicts={"b": MOVED["b"]}, refused={"e": "it was disturbed"})
    assert render(report, width=200, colour=False, verbosity=-1).splitlines() == [
        "accepted although worse: b: latency 1.040x baseline [1.030, 1.050] (tolerance 2 %)",
        "not accepted: e: it was disturbed",
        "accepted 2 benchmarks (2 updated, 1 of them worse than before); refused 1; 17 rounds, 95 s on host "
        "(AMD EPYC, 2 cores)",
    ]

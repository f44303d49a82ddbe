from __future__ import annotations

from dataclasses import replace

from pytest_edgeperf.report.creep import creep_lines, crept
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.baselines import set_anchor
from pytest_edgeperf.results.types import Results

from .conftest import benchmark

A, B = "test_a.py::test_a", "test_a.py::test_b"
ENVIRONMENTS = {"8c1f0e2a": {"fingerprint": {"device": "host"}, "settings": {"power_mode": "MAXN"}}}
OTHER = {"8c1f0e2a": {"fingerprint": {"device": "host"}, "settings": {"power_mode": "5W"}}}


def results(a, b, environments=ENVIRONMENTS):
    return Results("host", environments=environments, benchmarks={A: benchmark(a), B: benchmark(b)})


def anchored(a, b):
    """An anchor of 10 and 5 ms, and what was accepted since."""
    since = set_anchor(results(10.0, 5.0), [A, B])
    now = results(a, b)
    accepted = {name: replace(one, runs=now.benchmarks[name].runs) for name, one in since.benchmarks.items()}
    return replace(since, benchmarks=accepted)


#: A little of the way has been accepted.
ANCHORED = anchored(10.6, 5.3)


def test_what_is_slower_than_its_anchor_by_more_than_the_tolerance_has_crept():
    found = crept(results(10.8, 5.05), ANCHORED, 0.02, {})
    assert list(found) == [A]
    assert round(found[A].ratio, 6) == 1.08
    assert found[A].since == "2026-11-20"


def test_a_single_step_has_not_crept_unless_it_is_accepted():
    assert crept(results(10.8, 5.05), anchored(10.0, 5.0), 0.02, {}) == {}
    assert list(crept(results(10.8, 5.05), anchored(10.0, 5.0), 0.02, {}, accepting=True)) == [A]
    assert list(crept(results(10.25, 5.0), anchored(10.15, 5.0), 0.02, {})) == [A]


def test_disturbed_runs_say_nothing():
    slow = results(10.8, 5.6)
    runs = tuple(replace(run, quality={"disturbed": True}) for run in slow.benchmarks[A].runs)
    slow = replace(slow, benchmarks={**slow.benchmarks, A: replace(slow.benchmarks[A], runs=runs)})
    assert list(crept(slow, ANCHORED, 0.02, {})) == [B]


def test_a_benchmark_may_have_a_tolerance_of_its_own():
    assert list(crept(results(10.8, 5.4), ANCHORED, 0.02, {A: 0.1, B: {"latency": 0.05}})) == [B]
    assert list(crept(results(10.8, 5.0), ANCHORED, 0.02, {A: {"memory_process_peak": 0.5}})) == [A]


def test_faster_ones_and_those_without_an_anchor_have_not():
    assert crept(results(9.0, 4.0), ANCHORED, 0.02, {}) == {}
    assert crept(results(20.0, 10.0), results(10.0, 5.0), 0.02, {}) == {}
    assert crept(results(20.0, 10.0), None, 0.02, {}) == {}


def test_an_anchor_of_another_environment_says_nothing():
    now = results(20.0, 10.0, OTHER)
    assert crept(now, ANCHORED, 0.02, {}) == {}
    assert list(crept(now, ANCHORED, 0.02, {}, allowed_differences=["power_mode"])) == [A, B]


def test_the_report_says_how_far_the_worst_first():
    measured = results(10.8, 5.5)
    report = SessionReport("host", "a machine", measured, crept=crept(measured, ANCHORED, 0.02, {}), mode="refresh")
    text = render(report, width=80, colour=False)
    assert (
        "crept (2): slower than the anchor by more than 2 %, in steps that were accepted;\n"
        "  edgeperf baseline anchor makes the accepted runs the new anchor\n"
        "  test_b: latency +10.0 % since 2026-11-20\n"
        "  test_a: latency +8.0 % since 2026-11-20\n"
    ) in text
    quiet = render(report, width=80, colour=False, verbosity=-1)
    assert "crept since the anchor: test_b +10.0 %, and 1 other benchmark" in quiet


def test_many_are_listed_with_v_only():
    ids = [f"test_a.py::test_{at}" for at in range(30)]
    stored = Results("host", environments=ENVIRONMENTS, benchmarks={id: benchmark(10.0) for id in ids})
    measured = replace(stored, benchmarks={id: benchmark(11.0 + at / 10) for at, id in enumerate(ids)})
    found = crept(measured, set_anchor(stored, ids), 0.02, {ids[0]: 0.03}, accepting=True)
    paper = Paper(80)
    lines = creep_lines(found, Names(ids, paper), paper, everything=False)
    assert "by more than the tolerance" in lines[0]
    assert lines[-1] == "  and 20 more, listed with -v"
    assert len(creep_lines(found, Names(ids, paper), paper, everything=True)) == 32

from __future__ import annotations

from pytest_edgeperf.report.curve_tables import curve_tables, step_text
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results import Benchmark, Metric, Results, Run

STEP = {
    "at_s": 42.0,
    "latency_ms": [22.1, 24.8],
    "temperature_c": 85.0,
    "clock_cpu_mhz": [1479.0, 1224.0],
    "clock_gpu_mhz": [921.6, 921.6],
    "slowed_by": ["cpu-throttle-alert"],
    "throttling": True,
}


def run(count=120, **quality):
    curve = {
        "at_s": [1.5 * (index + 1) for index in range(count)],
        "latency_ms": [22.1 + 0.02 * index for index in range(count)],
        "temperature_c": [40.0 + index / 3 for index in range(count)],
    }
    return Run("e", "2026-11-21T12:00:00Z", "s", {"latency": {"p50": 22.0}}, quality={"curve": curve, **quality})


def shown(*runs, width=80):
    benchmark = Benchmark({}, {"latency": Metric("ms")}, runs)
    paper = Paper(width, False, False)
    measured = Results("nano", {"e": {}}, {"test_a.py::test_sustained": benchmark})
    return curve_tables(measured, Names(list(measured.benchmarks), paper), paper)


def test_a_curve_is_a_few_moments_and_its_steps():
    ((title, header, latency, temperature, *step),) = shown(run(steps=[STEP]))
    assert title == "over time: test_sustained"
    assert header.split() == ["after,", "s", "1.50", "31.5", "61.5", "91.5", "120", "150", "180"]
    assert latency.split()[-1] == "24.5"
    assert temperature.split()[:3] == ["hottest", "zone,", "degC"]
    assert " ".join(" ".join(step).split()) == step_text(STEP)


def test_a_step_tells_what_changed_with_it():
    assert step_text(STEP) == (
        "after 42.0 s throttling: 22.1 -> 24.8 ms (+12.2 %), 85.0 degC, 1479 -> 1224 MHz CPU, "
        "slowed by cpu-throttle-alert"
    )
    assert step_text({"at_s": 3.0, "latency_ms": [1.0, 0.9]}) == "after 3.00 s a step: 1.00 -> 0.900 ms (-10.0 %)"


def test_a_course_that_ended_early_says_so():
    ((*_, one, two),) = shown(run(curve_full_after_s=63.0))
    assert " ".join(f"{one} {two}".split()) == (
        "the curve ends after 63.0 s: a run keeps no more timed inferences; use a shorter budget"
    )


def test_a_narrow_terminal_leaves_moments_out_and_keeps_the_first_and_the_last():
    ((_, header, *_),) = shown(run(), width=44)
    assert header.split()[:3] == ["after,", "s", "1.50"]
    assert header.split()[-1] == "180"
    assert all(len(line) <= 44 for block in shown(run(), width=44) for line in block)


def test_several_runs_name_theirs_and_no_curve_is_no_block():
    ((*_, last),) = shown(run(), run(steps=[{"at_s": 3.0, "latency_ms": [1.0, 2.0]}]))
    assert last.startswith("  run 2: after 3.00 s a step")
    plain = Run("e", "2026-11-21T12:00:00Z", "s", {"latency": {"p50": 22.0}}, quality={})
    assert shown(plain) == []
    (block,) = shown(run(count=1))
    assert len(block) == 4

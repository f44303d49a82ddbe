from __future__ import annotations

import pytest

from pytest_edgeperf.judge.noise.analysis import BenchmarkNoise, Noise, SummaryNoise
from pytest_edgeperf.judge.noise.false_alarms import FalseAlarms
from pytest_edgeperf.judge.noise.remedies import Remedy
from pytest_edgeperf.report.noise_text import noise_text
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.results.gate import Gate

A, B, C = (f"benchmarks/test_it.py::test_{name}[fp32]" for name in ("fast", "slow", "gone"))


def summary_noise(name, spread, *found, explained=0.002):
    return SummaryNoise(name, spread, spread, explained, found)


def noise(**changes):
    fields = {
        "device": "nano",
        "gate": Gate(),
        "baseline_runs": 10,
        "alpha": 0.01,
        "benchmarks": {
            A: BenchmarkNoise(
                19,
                0,
                {
                    "throughput": (summary_noise("value", 0.03, 0.081, 0.09),),
                    "latency": (summary_noise("min", 0.0123, 0.0432, 0.05), summary_noise("p50", 0.05, 0.2, 0.3)),
                },
            ),
            B: BenchmarkNoise(17, 2, {"latency": (summary_noise("p50", 0.2, None, None, explained=None),)}),
        },
        "not_analysed": {C: "2 of 2 runs are undisturbed; at least 3 are needed"},
        "false_alarms": FalseAlarms(500, 0, 10, 9),
        "remedies": (
            Remedy("max_rounds", True, 18, {B: (None, 0.31), A: (0.0432, 0.0391)}),
            Remedy("baseline_runs", True, 20, {B: (None, None), A: (0.0432, 0.04)}),
            Remedy("budget", False, 2, {B: (None, None), A: (0.0432, 0.043)}),
            Remedy("clocks", None, found="the governor is schedutil"),
        ),
    }
    return Noise(**{**fields, **changes})


def words(text):
    return " ".join(text.split())


def test_the_whole_report():
    text = noise_text(noise(), Paper(100))
    assert text.splitlines()[:9] == [
        "noise on nano, for a check with 3, 6 and 9 runs against a baseline of 10; tolerance 2 %",
        "",
        "benchmarks/test_it.py",
        "                                         detectable in",
        "                 runs  spread %  by       80 %    95 %",
        "test_fast[fp32]    19      1.23  min    +4.3 %  +5.0 %",
        "  throughput               3.00  value  +8.1 %  +9.0 %",
        "test_slow[fp32]    17     20.0   p50         -       -",
        "",
    ]
    told = words(text)
    assert (
        "17 runs give the spread to within about 18 %; another day may differ more. Excluded: 2 disturbed runs." in told
    )
    assert "test_gone[fp32] was not analysed: 2 of 2 runs are undisturbed; at least 3 are needed" in told
    assert "false alarms: 0 of 500 sessions that were resampled from these runs; at most 0.6 % with 95 %" in told
    assert "max-rounds=18: test_slow[fp32] not detectable -> 31.0 %, test_fast[fp32] 4.3 % -> 3.9 %" in told
    assert "a baseline of 20 rounds, refreshed with --edgeperf-rounds=20: test_slow[fp32] not detectable" in told
    assert "a longer budget is not expected to help: runs of test_fast[fp32] differ by 1.2 %, of which" in told
    assert "variation within a run explains 0.2 %" in told
    assert "pin the clocks (the governor is schedutil): the gain cannot be predicted" in told


def test_smaller_baselines_and_missing_alarms_are_said():
    told = words(noise_text(noise(false_alarms=FalseAlarms(300, 3, 4, 9)), Paper(80)))
    assert "3 of 300 sessions" in told
    assert "(with baselines of 4 runs: there are 13 runs, 19 would allow 10)" in told
    too_few = "a benchmark with at least 12 undisturbed runs is needed"
    none = noise(false_alarms=None, no_false_alarms=too_few, remedies=())
    told = words(noise_text(none, Paper(80)))
    assert "false alarms: no sessions were resampled; a benchmark with at least 12 undisturbed runs" in told
    assert "to detect smaller" not in told


def test_a_budget_that_helps_and_one_of_which_nothing_is_known():
    helps = Remedy("budget", True, 2, {A: (0.05, 0.04)})
    assert "2 times the --edgeperf-budget, for baseline and checks: test_fast[fp32] 5.0 % -> 4.0 %" in words(
        noise_text(noise(remedies=(helps,)), Paper(100))
    )
    unknown = Remedy("budget", False, 2, {B: (None, None)})
    assert "these runs do not show how much varies within a run" in words(
        noise_text(noise(remedies=(unknown,)), Paper(100))
    )


def test_nothing_measured():
    told = words(noise_text(noise(benchmarks={}, not_analysed={}, false_alarms=None, remedies=()), Paper(80)))
    assert told.startswith("noise on nano")
    assert "Spread is" not in told


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_paper_and_nothing_moves_the_cursor(width):
    text = noise_text(noise(device="na\x1b[2Jno"), Paper(width, ascii_only=True))
    assert text.isascii()
    assert "\x1b" not in text
    assert max(cells(line) for line in text.splitlines()) <= width

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import Apart, BenchmarkVerdict, Comparison, Gain, Side
from pytest_edgeperf.report.closing import SCREEN_ROWS
from pytest_edgeperf.report.exporters.markdown import comparison_markdown
from pytest_edgeperf.report.sentences import (
    inconclusive_text,
    regression_headline,
    regression_text,
    ruled_out_text,
)
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render, render_comparison
from pytest_edgeperf.report.text import cells
from pytest_edgeperf.results.types import Metric, Results

from .conftest import MEMORY, PREFIX, benchmark, latency, verdict

GOLDEN = Path(__file__).parent / "golden"
REGRESSED = PREFIX + "test_yolov3[onnxruntime-fp32-416]"

#: By how much each is not slower.
BOUNDS = {"test_a": 0.012, "test_b": 0.041}


def expect(name: str, text: str) -> None:
    assert text + "\n" == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 120])
def test_check_of_every_verdict(session, width):
    expect(f"check-{width}.txt", render(session, width=width, colour=False))


def test_verbose_adds_phases(session):
    expect("verbose-100.txt", render(session, width=100, colour=False, verbosity=1))


def test_quiet_is_a_line_per_failure_and_the_summary(session):
    expect("quiet-120.txt", render(session, width=120, colour=False, verbosity=-1))


def test_without_a_baseline_there_is_memory_and_no_change(unbaselined):
    expect("new-80.txt", render(unbaselined, width=80, colour=False))


def test_refresh_says_what_it_did_and_what_it_makes_worse(session):
    done = dict.fromkeys(session.measured.benchmarks, "updated")
    done[PREFIX + "test_added"] = "created"
    done[PREFIX + "test_removed[torch-fp32]"] = "kept"
    report = replace(session, mode="refresh", refreshed=done, faults={}, notes=[])
    expect("refresh-80.txt", render(report, width=80, colour=False))


@pytest.mark.parametrize("width", [80, 100, 160])
def test_two_files(comparison, width):
    expect(f"compare-{width}.txt", render_comparison(comparison, width=width, colour=False))
    expect(f"compare-{width}.ansi", render_comparison(comparison, width=width, colour=True))


def test_baseline_off_only_measures(session):
    text = render(replace(session, comparison=None, mode="off", faults={}), width=80, colour=False)
    assert "change" not in text
    assert "baseline" not in text
    assert "machine: host (AMD EPYC, 2 cores)\nmeasured: 3 rounds in 95 s" in text
    assert text.endswith("\n\n7 measured")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_no_line_is_wider_and_nothing_moves_the_cursor(session, width, verbosity):
    text = render(session, width=width, colour=False, verbosity=verbosity)
    assert all(cells(line) <= width for line in text.splitlines())
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.replace("\n", "").isprintable()


def test_colour_only_adds_to_what_the_words_say(session):
    painted = render(session, width=80, colour=True)
    assert re.search(r"\x1b\[1;31mregressed \(2\)\x1b\[0m", painted)
    stripped = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", painted).splitlines()]
    assert stripped == render(session, width=80, colour=False).splitlines()


def test_ascii_only(session):
    quick = {PREFIX + "test_größe[データ]" + "x" * 60: benchmark(0.2)}
    report = replace(session, measured=Results("host", benchmarks=quick))
    assert "200 us" in render(report, width=80, colour=False)
    text = render(report, width=80, colour=False, ascii_only=True)
    assert text.isascii()
    assert "0.200 ms" in text or "200 us" in text
    assert "test_gr\\xf6\\xdfe" in text


def test_ten_benchmarks_stay_under_one_screen(session):
    names = [f"{PREFIX}test_{k}" for k in range(10)]
    report = replace(
        session,
        measured=Results("host", benchmarks={name: benchmark(5.0 + k) for k, name in enumerate(names)}),
        comparison=Comparison({name: verdict("unchanged", 1.0, 0.99, 1.01) for name in names}),
        faults={},
    )
    assert len(render(report, width=80, colour=False).splitlines()) <= SCREEN_ROWS


def test_a_p95_without_enough_samples_is_not_shown(session):
    names = (PREFIX + "test_a", PREFIX + "test_b")
    both = {names[0]: benchmark(5.0), names[1]: benchmark(900.0, samples=7)}
    report = replace(session, measured=Results("host", benchmarks=both), comparison=None, faults={})
    row = next(line for line in render(report, width=80, colour=False).splitlines() if "test_b" in line)
    assert row.split()[1:] == ["900", "ms", "-", "100", "3"]


def test_disturbed_runs_are_not_in_the_figures(session):
    one = {PREFIX + "test_a": benchmark(10.0, runs=3, disturbed=(0, 1))}
    report = replace(session, measured=Results("host", benchmarks=one), comparison=None, faults={})
    row = next(line for line in render(report, width=80, colour=False).splitlines() if "test_a" in line)
    assert row.split()[1] == "10.2"


def test_the_row_names_the_summary_that_decided(session):
    tail = {REGRESSED: verdict("improved", 0.8, 0.7, 0.9, summary="p95")}
    measured = replace(session.measured, benchmarks={REGRESSED: session.measured.benchmarks[REGRESSED]})
    report = replace(session, measured=measured, comparison=Comparison(tail), faults={})
    row = next(line for line in render(report, width=100, colour=False).splitlines() if "-20.0 %" in line)
    assert "p95  -20.0 %" in row


def test_a_benchmark_that_failed_is_not_also_judged(session):
    report = replace(session, faults={REGRESSED: "The body raised ValueError."})
    text = render(report, width=80, colour=False)
    assert "failed (1): The body raised ValueError.\n  test_yolov3\n    onnxruntime-fp32-416 " in text
    assert text.count("onnxruntime-fp32-416") == 1
    assert "\n1 regressed, 1 inconclusive," in text


def test_many_of_one_kind_are_shortened_unless_verbose(session):
    many = {f"{PREFIX}test_{k}": BenchmarkVerdict("missing") for k in range(40)}
    report = replace(session, comparison=Comparison(many))
    assert "and 30 more, listed with -v" in render(report, width=80, colour=False)
    assert "test_39" in render(report, width=80, colour=False, verbosity=1)


def test_benchmarks_with_the_same_difference_share_its_line(session):
    one = BenchmarkVerdict("incomparable", differences={"power_mode": ("MAXN", "5W")})
    report = replace(session, comparison=Comparison({PREFIX + "test_a": one, PREFIX + "test_b": one}))
    heading = "incomparable (2): differs from the baseline: power_mode MAXN -> 5W"
    assert f"{heading}\n  test_a\n  test_b" in render(report, width=80, colour=False)
    three = {**report.comparison.benchmarks, PREFIX + "test_c": replace(one, differences={"threads": (4, 2)})}
    text = render(replace(report, comparison=Comparison(three)), width=80, colour=False)
    assert "  test_c\n    threads 4 -> 2\n  power_mode MAXN -> 5W:\n    test_a\n    test_b" in text


def test_nothing_measured_is_said(session):
    report = replace(session, measured=Results("host"), comparison=None, faults={}, notes=[], written=[])
    assert render(report, width=80, colour=False).endswith("\n\nnothing measured")


def test_failing_test_text(comparison):
    assert regression_text(REGRESSED, comparison.benchmarks[REGRESSED]).splitlines() == [
        "Median latency 11.3 -> 12.2 ms, +8.1 % [95 %: +5.2, +11.1]; tolerance 2 %",
        "Runs scatter by 1.5 %; 9 (11 s timed) against 10 (12 s); adjusted p = 0.0004",
        "Would detect slowdowns of 3.4 % or more",
        "Environment differs from the baseline's: onnxruntime 1.11.0 -> 1.12.1; commits 1a2b3c4..5d6e7f8",
    ]


def test_failing_test_text_has_one_unit_where_both_sides_have_another():
    slow = latency("regressed", 1.41, 1.38, 1.44, baseline=0.997, candidate=1.41)
    assert "latency 0.997 -> 1.41 ms, +41.0 %" in regression_text("a", BenchmarkVerdict("regressed", {"latency": slow}))


def test_failing_test_text_tells_which_phase_moved():
    metrics = {
        "latency": latency("regressed", 1.081, 1.052, 1.111, summary="min"),
        "preprocess": latency("unchanged", 1.002, 0.99, 1.01, gates=False),
        "infer": latency("regressed", 1.091, 1.08, 1.1, gates=False),
        "warm_up": latency("regressed", 1.5, 1.4, 1.6, gates=False),
    }
    lines = regression_text("a", BenchmarkVerdict("regressed", metrics)).splitlines()
    assert lines[0].startswith("Minimum latency 11.3 -> 12.2 ms")
    assert lines[2] == "Would detect slowdowns of 3.4 % or more; preprocess +0 %, infer +9 %"
    assert len(lines) == 4


def test_failing_test_text_has_one_line_for_each_further_metric():
    metrics = {"memory_process_peak": MEMORY, "latency": latency("regressed", 1.081, 1.052, 1.111)}
    lines = regression_text("a", BenchmarkVerdict("regressed", metrics)).splitlines()
    assert lines[0].startswith("Median latency")
    assert lines[3] == (
        "Peak memory 80.0 -> 89.6 MiB, +12.0 % [95 %: +11.0, +13.0]; tolerance 3 %; all of 9 runs are above 82.4 MiB"
    )
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("digests", "kind", "said"),
    [
        (("a1", "b2"), {"paired": "lock-step"}, True),
        (("a1", "a1"), {"paired": "lock-step"}, False),
        (("a1", None), {"paired": "lock-step"}, False),
        (("a1", "b2"), {"paired": "lock-step", "builds": 4}, False),
        (("a1", "b2"), {}, False),
    ],
)
def test_a_failure_says_that_each_side_built_its_own_engine(digests, kind, said):
    engines = tuple({"engine_sha256": digest} if digest else {} for digest in digests)
    one = verdict("regressed", 1.1, 1.05, 1.2, differences={"settings.engine": engines}, **kind)
    text = regression_text("a", one)
    assert ("--edgeperf-builds=4" in text) is said
    assert ("pairs of 4 builds on each side in lock-step" in text) is ("builds" in kind)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ({}, "unchanged means: the fastest calls are less than 4.1 % slower (95 % confidence)"),
        ({"paired": "lock-step"}, "unchanged means: no slowdown of 4.1 % or more (95 % confidence)"),
    ],
)
def test_unchanged_says_what_it_rules_out_where_every_benchmark_does(kind, said):
    judged = {name: verdict("unchanged", 1.0, 0.99, 1.02, rules_out=bound, **kind) for name, bound in BOUNDS.items()}
    assert ruled_out_text(Comparison(judged)) == said
    judged["test_c"] = verdict("unchanged", 1.0, 0.99, 1.02)
    assert ruled_out_text(Comparison(judged)) is None
    assert ruled_out_text(Comparison({"test_c": verdict("regressed", 1.1, 1.05, 1.2)})) is None


def test_unchanged_of_what_got_faster_rules_out_any_slowdown():
    faster = verdict("unchanged", 0.6, 0.59, 0.61, rules_out=-0.4)
    assert ruled_out_text(Comparison({"test_a": faster})) == "unchanged means: not slower (95 % confidence)"


def test_failing_test_text_leaves_out_what_is_not_known():
    bare = latency("regressed", 1.1, 1.05, 1.2, scatter=None, p_adjusted=None, detectable=None)
    one = BenchmarkVerdict("regressed", {"latency": bare}, sides=(Side(None, "1a2b3c4"), Side(3.0, "1a2b3c4")))
    assert regression_text("a", one).splitlines()[1:] == [
        "Runs: 9 (3.0 s timed) against 10",
        "Detectable change unknown",
        "The recorded environment is the same as the baseline's; commit 1a2b3c4 in both",
    ]


def test_failing_test_text_of_a_metric_that_should_be_high():
    accuracy = latency("regressed", 0.95, 0.93, 0.97, unit="", summary="value", detectable=0.99)
    text = regression_text("a", BenchmarkVerdict("regressed", {"accuracy_top1": accuracy}))
    assert "Accuracy top1 11.3 -> 12.2, -5.0 % [95 %: -7.0, -3.0]" in text
    assert "Would detect decreases of 1.0 % or more" in text


def test_failing_test_text_without_any_metric():
    text = regression_text("a::b", BenchmarkVerdict("regressed", reason="the engine is wrong"))
    assert text.splitlines()[0] == "a::b regressed: the engine is wrong"


def test_headline(comparison):
    assert (
        regression_headline(REGRESSED, comparison.benchmarks[REGRESSED])
        == "latency 1.081x baseline [1.052, 1.111] (tolerance 2 %)"
    )
    memory = comparison.benchmarks[PREFIX + "test_mobilenet_v2[onnxruntime-int8]"]
    assert regression_headline("x", memory) == "peak memory 1.120x baseline [1.110, 1.130] (tolerance 3 %)"
    assert regression_headline("x", BenchmarkVerdict("regressed", reason="why")) == "regressed: why"


def test_what_had_to_be_assumed_stands_with_the_evidence():
    tail = {"latency": latency("regressed", 1.1, 1.05, 1.2, summary="p95", reason="the dispersion is assumed")}
    lines = regression_text("a", BenchmarkVerdict("regressed", tail, reason="no quality figures")).splitlines()
    assert lines[0].startswith("P95 latency 11.3 -> 12.2 ms, +10.0 %")
    assert lines[1].endswith("; adjusted p = 0.0004; the dispersion is assumed; no quality figures")
    assert len(lines) == 4


def test_an_inconclusive_one_tells_how_many_more_rounds_would_decide(comparison):
    undecided = next(one for one in comparison.benchmarks.values() if one.verdict == "inconclusive")
    assert inconclusive_text(undecided) == (
        "latency +3.1 % [-0.5, +6.8]; about 5 more rounds would decide; would have detected slowdowns of 12.0 % or more"
    )


def test_an_inconclusive_one_tells_its_reasons_once(session):
    why = "machine disturbed: 1 of 3 candidate runs are undisturbed"
    one = BenchmarkVerdict("inconclusive", {"latency": latency("inconclusive", 1, 1, 1, reason=why)}, reason=why)
    text = render(replace(session, comparison=Comparison({REGRESSED: one})), width=200, colour=False)
    assert text.count(why) == 1


def test_verbose_tells_the_courses_that_were_not_flat(session):
    name, one = next(iter(session.measured.benchmarks.items()))
    courses = ({"course": "slowdown"}, {"course": "slowdown", "steady": False}, {"steady": True})
    runs = tuple(replace(run, quality=quality) for run, quality in zip(one.runs, courses))
    told = replace(session, measured=Results("host", benchmarks={name: replace(one, runs=runs)}))
    assert "slower 2/3, unsteady 1/3" in render(told, width=120, colour=False, verbosity=1)
    assert "slower" not in render(told, width=120, colour=False)
    assert "course" not in render(session, width=120, colour=False, verbosity=1)


def test_power_and_energy_are_a_table_where_a_sensor_told_them(session):
    assert "energy" not in render(session, width=100, colour=False)
    measured = {
        "power_mean": ("W", 5.25),
        "power_sd": ("W", 0.31),
        "power_idle": ("W", 2.1),
        "energy_per_inference": ("mJ", 412.0),
        "energy_above_idle": ("mJ", 247.0),
        "temperature_max": ("degC", 51.5),
    }
    (name, *others) = session.measured.benchmarks
    first = session.measured.benchmarks[name]
    powered = replace(
        first,
        metrics={**first.metrics, **{metric: Metric(unit) for metric, (unit, _) in measured.items()}},
        runs=tuple(
            replace(run, values={**run.values, **{metric: value for metric, (_, value) in measured.items()}})
            for run in first.runs
        ),
    )
    benchmarks = {name: powered, **{other: session.measured.benchmarks[other] for other in others}}
    text = render(replace(session, measured=replace(session.measured, benchmarks=benchmarks)), width=100, colour=False)
    over = next(line for line in text.splitlines() if "energy, mJ" in line)
    assert "power, W" in over
    row = next(line for line in text.splitlines() if "412" in line)
    assert row.split()[-6:] == ["5.25", "0.310", "2.10", "412", "247", "51.5"]


OTHER = OtherMachine("the baseline was measured on a different cloud instance (instance aws 1a -> aws 2b)", 7, 7)
TOLD = (
    "The baseline was measured on a different cloud instance (instance aws 1a -> aws 2b), and that alone can change "
    "latency: pytest --against=REF measures both commits on the same machine."
)


def flat(text):
    return " ".join(text.split())


def test_another_machine_is_said_in_a_sentence_with_the_remedy(session, comparison):
    told = replace(comparison, other_machine=OTHER)
    assert TOLD in flat(render(replace(session, comparison=told), width=80, colour=False))
    assert TOLD in flat(render_comparison(told, width=80, colour=False))
    assert "a different cloud instance" not in render(session, width=80, colour=False)
    some = replace(told, other_machine=OTHER._replace(benchmarks=2))
    assert "(instance aws 1a -> aws 2b) (for 2 of 7 benchmarks), and that" in flat(
        render_comparison(some, width=80, colour=False)
    )


def test_a_quiet_report_says_it_beside_a_regression_only(session, comparison):
    told = replace(session, comparison=replace(comparison, other_machine=OTHER))
    assert TOLD in flat(render(told, width=80, colour=False, verbosity=-1))
    kept = {name: one for name, one in comparison.benchmarks.items() if one.verdict != "regressed"}
    good = replace(told, comparison=Comparison(kept, other_machine=OTHER), faults={})
    assert "cloud instance" not in render(good, width=80, colour=False, verbosity=-1)


def test_what_a_file_calls_its_machine_moves_no_cursor(session, comparison):
    odd = OTHER._replace(why="the baseline was measured on a different machine (product \x1b[2J -> \u202eB)")
    text = render_comparison(replace(comparison, other_machine=odd), width=80, colour=False)
    assert "\x1b" not in text
    assert "\u202e" not in text


FEW = Apart(0.0025, "floor", sessions=1, benchmarks=7)


@pytest.mark.parametrize(
    ("apart", "says"),
    [
        (
            FEW,
            "One baseline session with 7 benchmarks does not show how much sessions on this machine differ; the "
            "comparison allows for 0.25 %.",
        ),
        (Apart(0.009, "suite", 1, 40), "The 40 benchmarks moved apart by more than their noise: 0.9 % each (standard"),
        (Apart(0.003, "chance", 1, 40), None),
        (Apart(0.006, "sessions", 3, 40), None),
        (
            Apart(0.02, "sessions", 3, 40),
            "The baseline's 3 sessions differ a lot: the comparison allows for 2 % per benchmark (standard deviation)",
        ),
        (FEW._replace(sessions=2), None),
    ],
)
def test_what_is_allowed_between_sessions_is_said_where_it_is_unknown_or_great(session, comparison, apart, says):
    told = replace(comparison, apart=apart)
    texts = [flat(render(replace(session, comparison=told), width=80, colour=False)), flat(comparison_markdown(told))]
    texts.append(flat(render_comparison(told, width=80, colour=False)))
    for text in texts:
        assert (says in text) if says else ("comparison allows for" not in text)


def test_few_benchmarks_that_did_not_regress_need_no_caution(comparison):
    kept = {name: one for name, one in comparison.benchmarks.items() if one.verdict != "regressed"}
    assert "sessions on this machine differ" not in render_comparison(
        Comparison(kept, apart=FEW), width=80, colour=False
    )


def test_the_gain_of_a_whole_refresh_is_told_with_v_in_a_check(session, comparison):
    gain = Gain(10, 17, 0.0372, 0.0361)
    report = replace(session, comparison=replace(comparison, gain=gain))
    told = "With the baseline's 10 runs per benchmark, this check detects slowdowns of 3.7 % or more; with 17, as"
    assert told in flat(render(report, width=80, colour=False, verbosity=1))
    assert "as a refresh records" not in flat(render(report, width=80, colour=False))
    assert "as a refresh records" not in flat(
        render(replace(report, mode="against"), width=80, colour=False, verbosity=1)
    )
    report = replace(session, comparison=replace(comparison, gain=gain._replace(runs=1, found=math.inf)))
    assert "With the baseline's 1 run per benchmark, this check detects no slowdown; with" in flat(
        render(report, width=80, colour=False, verbosity=1)
    )


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
@pytest.mark.parametrize("parameter", ["::error::x", "::stop-commands::t", "a##[error]b", "##[group]"])
def test_no_row_is_a_command_to_github_actions(parameter, verbosity):
    judged = {f"b.py::test_a[{each}]": verdict("regressed", 1.1, 1.05, 1.2) for each in (parameter, "b")}
    measured = Results("host", benchmarks={name: benchmark(12.0) for name in judged})
    session = SessionReport("host", "a machine", measured, Comparison(judged))
    texts = [render(session, width=100, colour=False, verbosity=verbosity)]
    texts.append(render_comparison(Comparison(judged), width=100, colour=False))
    for text in texts:
        assert parameter.strip("#:a")[:5] in text
        assert "##[" not in text
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]

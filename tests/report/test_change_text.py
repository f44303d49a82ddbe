"""What got worse in a sentence, what differs, and whether it may be the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import AccuracyFigures, BenchmarkVerdict, Comparison, MetricVerdict, Side
from pytest_edgeperf.report.change_text import difference_remarks, failure_message
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.machine_text import machine_answer
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Results

from .conftest import MEMORY, SIDES, benchmark, latency, verdict
from .hostile import TEXTS


def test_a_slower_one_says_how_much_from_where_to_where_and_between_which_commits():
    assert failure_message("a", verdict("regressed", 1.081, 1.052, 1.111, sides=SIDES)) == (
        "latency rose by 8.1 % [95 %: +5.2, +11.1] against the baseline, 11.3 -> 12.2 ms (tolerance 2 %), "
        "commits 1a2b3c4..5d6e7f8"
    )


def test_more_metrics_are_counted_and_a_tail_is_named():
    both = {"latency": latency("regressed", 1.081, 1.052, 1.111, summary="p95"), "memory_process_peak": MEMORY}
    message = failure_message("a", BenchmarkVerdict("regressed", both))
    assert message.startswith("p95 latency rose by 8.1 %")
    assert message.endswith(", and 1 other metric regressed")


def test_what_should_be_more_fell():
    rate = MetricVerdict("regressed", "value", "1/s", ratio=0.9, interval=(0.88, 0.92), baseline=100.0, candidate=90.0)
    message = failure_message("a", BenchmarkVerdict("regressed", {"throughput": rate}))
    assert message == "throughput fell by 10.0 % [95 %: -12.0, -8.0] against the baseline, 100 -> 90.0 1/s"


def test_in_lock_step_it_is_the_other_side():
    paired = verdict("regressed", 1.081, 1.052, 1.111, paired="lock-step", sides=(Side(1.0, "abc"), Side(1.0, "abc")))
    message = failure_message("a", paired)
    assert "against the other side" in message
    assert message.endswith(", commit abc in both")


def test_an_accuracy_says_what_was_lost_in_points():
    figures = AccuracyFigures(-6.2, (-9.0, -4.1), 0.5, 450, 30, 2)
    top1 = MetricVerdict("regressed", "mean", "%", accuracy=figures)
    assert failure_message("a", BenchmarkVerdict("regressed", {"top1": top1})) == (
        "top1 moved by -6.2 points [95 %: -9.0, -4.1] against the baseline, "
        "30 of 450 examples lost, 2 won (margin 0.5 points)"
    )


def test_without_a_metric_there_is_the_reason():
    assert failure_message("a", BenchmarkVerdict("regressed", reason="a line\nof two")) == "regressed: a line\\nof two"


@given(TEXTS, TEXTS)
def test_the_message_is_one_line_whatever_it_quotes(unit, commit):
    sides = (Side(1.0, commit), Side(1.0, commit + "x"))
    message = failure_message(unit, verdict("regressed", 1.1, 1.05, 1.2, unit=unit, sides=sides))
    assert message.isprintable()


def test_what_differs_is_counted_where_it_is_not_of_all():
    same = {"onnxruntime": ("1.11", "1.12")}
    worse = [
        verdict("regressed", 1.1, 1.05, 1.2, sides=SIDES, differences=same),
        verdict("regressed", 1.1, 1.05, 1.2, sides=SIDES, differences={**same, "power_mode": ("MAXN", "5W")}),
    ]
    assert difference_remarks(worse) == [
        "commits 1a2b3c4..5d6e7f8",
        "onnxruntime 1.11 -> 1.12 and power_mode MAXN -> 5W (for 1 of 2)",
    ]


def test_where_nothing_differs_that_is_said():
    both = (Side(1.0, "abc"), Side(1.0, "abc"))
    assert difference_remarks([verdict("regressed", 1.1, 1.05, 1.2, sides=both)]) == [
        "both sides are of commit abc",
        "the recorded environment is the same",
    ]


def test_of_many_fields_the_most_frequent_are_listed():
    worse = [verdict("regressed", 1.1, 1.05, 1.2, differences={f"f{at}": ("a", "b") for at in range(9)})]
    (remark,) = difference_remarks(worse)
    assert remark.endswith("f4 a -> b and 4 more")


# Is it the machine?


def compared(*words, **more):
    return Comparison({f"a[{at}]": verdict(word, 1.1, 1.05, 1.2) for at, word in enumerate(words)}, **more)


@pytest.mark.parametrize(
    ("comparison", "answer", "says"),
    [
        (
            compared("regressed", "unchanged", "unchanged"),
            "no sign of it: 2 other benchmarks of the session did not change",
            "median change of all 3 benchmarks +10.0 %",
        ),
        (compared("unchanged"), "no sign of it: 1 benchmark of the session did not change", ""),
        (compared("regressed", "regressed"), "not known: none of 2 benchmarks is unchanged; pytest --against=REF", ""),
        (compared("regressed", "regressed", "unchanged"), "not known: only 1 of 3 benchmarks is unchanged;", ""),
        (compared("new", "missing"), "not known: nothing was decided", ""),
        (compared("regressed", common_shift=1.1), "it may be: look at this", "moved the same way: latency +10.0 %"),
        (
            compared("regressed", other_machine=OtherMachine("another board", 1, 1)),
            "it may be: look at this before the code",
            "Another board, and that alone",
        ),
    ],
)
def test_what_speaks_for_or_against_the_machine(comparison, answer, says):
    given = machine_answer(comparison)
    assert given.answer.startswith(answer)
    assert says in " ".join([*given.facts, *given.signs])
    assert given.sentence[0].isupper()
    assert given.sentence.endswith(".")


def test_both_sides_in_turns_rule_the_machine_out():
    pairs = Comparison({"a": verdict("regressed", 1.1, 1.05, 1.2, paired="lock-step")})
    assert machine_answer(pairs).answer.startswith("no sign of it: both sides took turns on it")
    latency = verdict("regressed", 1.1, 1.05, 1.2, paired="lock-step")
    both = replace(latency, metrics={**latency.metrics, "memory_process_peak": MEMORY})
    assert machine_answer(Comparison({"a": both})).answer.startswith("no sign of it: both sides took turns on it")


def test_disturbed_runs_are_counted_where_they_are_known():
    measured = Results("host", benchmarks={"a[0]": benchmark(1.0, disturbed=(0, 1))})
    comparison = compared("regressed", "unchanged")
    given = machine_answer(comparison, measured)
    assert given.answer.startswith("it may be")
    assert "2 of 3 runs of worse or undecided benchmarks were disturbed." in given.signs
    assert "2 of 3 runs disturbed" in given.facts
    quiet = machine_answer(comparison, replace(measured, benchmarks={"a[0]": benchmark(1.0)}))
    assert (quiet.signs, quiet.facts) == ([], ["none of 3 runs disturbed"])
    # A refresh compares with nothing, and refuses what was disturbed.
    assert machine_answer(Comparison({}), measured).answer.startswith("it may be")


def test_environments_that_differ_are_counted():
    one = verdict("regressed", 1.1, 1.05, 1.2, differences={"onnxruntime": ("1.11.0", "1.12.1")})
    assert "the recorded environments differ" in machine_answer(Comparison({"a": one})).clauses
    both = Comparison({"a": one, "b": verdict("unchanged", 1.0, 0.99, 1.01)})
    assert "the recorded environments differ for 1 of 2" in machine_answer(both).clauses


@pytest.mark.parametrize("name", ["text", "markdown", "json", "html"])
@pytest.mark.parametrize("words", [("regressed", "unchanged", "unchanged"), ("regressed",), ("inconclusive", "new")])
def test_every_report_has_the_same_answer(name, words):
    comparison = compared(*words)
    measured = Results("host", benchmarks={"a[0]": benchmark(1.0)})
    report = SessionReport("host", "", measured, comparison)
    document = " ".join(exporter(name, "session").session(report, Paper(100)).split())
    answer = machine_answer(comparison, measured).answer
    if name == "markdown":
        answer = answer.replace("_", "\\_")
        assert answer[1:] in document or "regressed" not in words
    else:
        assert answer[1:] in document

"""A changed placement is the first thing that is said of what got worse, wherever it is said."""

from __future__ import annotations

import html
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_edgeperf.judge import compare
from pytest_edgeperf.judge.loaded_differences import LoadedDifferences
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.change_text import difference_remarks, failure_message
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.exporters.markdown import session_markdown
from pytest_edgeperf.report.github import annotations_of
from pytest_edgeperf.report.html.machine_card import machine_parts
from pytest_edgeperf.report.html.sections import environment
from pytest_edgeperf.report.html.worse_card import worse_parts
from pytest_edgeperf.report.loaded_text import nothing_differs_text
from pytest_edgeperf.report.placement_text import placement_text
from pytest_edgeperf.report.regressions import explained
from pytest_edgeperf.report.sentences import differences_text, environment_text, regression_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import common_shift_text
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.errors import schema_text
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from ..judge.builders import latency_runs, results
from .conftest import SIDES, benchmark, verdict
from .hostile import TEXTS
from .test_page_sections import subject

FIELD = "settings.placement"
BEFORE = {"CUDAExecutionProvider": 120}
AFTER = {"CUDAExecutionProvider": 118, "CPUExecutionProvider": 2}
MOVED = {FIELD: (BEFORE, AFTER)}
OTHERS = {"settings.engine": ("a", "b"), "onnxruntime": ("1.11", "1.12")}
SAID = "Placement changed: CUDAExecutionProvider 120 -> 118 nodes, CPUExecutionProvider 0 -> 2"


def worse(differences=MOVED, **more):
    return verdict("regressed", 1.081, 1.052, 1.111, differences=differences, sides=SIDES, **more)


def test_providers_whose_number_changed_are_named_the_largest_first():
    pair = ({"TensorRT": 90, "CUDA": 20, "CPU": 4}, {"TensorRT": 80, "CPU": 4, "CUDA": 30})
    assert placement_text(worse({FIELD: pair})) == "Placement changed: TensorRT 90 -> 80 nodes, CUDA 20 -> 30"


def test_it_is_the_first_line_of_the_failing_test():
    lines = regression_text("a", worse({**OTHERS, **MOVED})).splitlines()
    assert lines[0] == SAID
    assert lines[1].startswith("Median latency 11.3 -> 12.2 ms")
    assert lines[-1] == (
        "Environment differs from the baseline's: onnxruntime 1.11 -> 1.12, settings.engine a -> b; "
        "commits 1a2b3c4..5d6e7f8"
    )


def test_slower_runs_whose_nodes_moved_fail_with_it_and_are_comparable():
    before, after = ({"env": {"settings": {"placement": placement}}} for placement in (BEFORE, AFTER))
    base = results({"a": latency_runs([10.0, 10.1, 9.9] * 3)}, environments=before)
    now = results({"a": latency_runs([12.0, 12.1, 11.9] * 3, "two")}, environments=after)
    got = compare(base, now).benchmarks["a"]
    assert got.verdict == "regressed"
    assert regression_text("a", got).splitlines()[0] == SAID


def test_alone_it_leaves_the_rest_of_the_environment_the_same():
    assert environment_text(worse()) == "The rest of the recorded environment is the same as the baseline's"
    assert environment_text(worse(paired="lock-step")).endswith("is the same as the other side's")


def test_the_failure_in_a_sentence_has_it():
    assert failure_message("a", worse()) == (
        "latency rose by 8.1 % [95 %: +5.2, +11.1] against the baseline, 11.3 -> 12.2 ms (tolerance 2 %), "
        "placement changed: CUDAExecutionProvider 120 -> 118 nodes, CPUExecutionProvider 0 -> 2, "
        "commits 1a2b3c4..5d6e7f8"
    )


def test_among_other_differences_it_is_the_first():
    assert differences_text({**OTHERS, **MOVED}) == (
        "placement CUDAExecutionProvider 120 -> 118 nodes, CPUExecutionProvider 0 -> 2, "
        "onnxruntime 1.11 -> 1.12, settings.engine a -> b"
    )


def test_of_engines_only_the_entries_that_differ_are_named():
    engines = ({"threads": 1, "model_sha256": "33c9"}, {"threads": 1, "model_sha256": "cc37", "pinned": True})
    assert differences_text({"settings.engine": engines, **MOVED}) == (
        "placement CUDAExecutionProvider 120 -> 118 nodes, CPUExecutionProvider 0 -> 2, "
        "settings.engine.model_sha256 33c9 -> cc37, settings.engine.pinned (none) -> True"
    )
    assert differences_text({"settings.engine": (engines[0], None)}).startswith("settings.engine {'threads': 1")


def test_another_network_on_one_provider_is_one_difference_of_several():
    grown = worse({**OTHERS, FIELD: ({"CPU": 120}, {"CPU": 122})})
    assert regression_text("a", grown).splitlines()[0].startswith("Median latency")
    assert differences_text(grown.differences) == (
        "onnxruntime 1.11 -> 1.12, settings.engine a -> b, placement CPU 120 -> 122 nodes"
    )


def test_what_differs_begins_with_it_and_says_for_how_many():
    assert difference_remarks([worse(), worse()]) == [
        SAID,
        "commits 1a2b3c4..5d6e7f8",
        "the rest of the recorded environment is the same",
    ]
    assert difference_remarks([worse(), worse(OTHERS)])[0] == f"{SAID} (for 1 of 2)"


def session_of(**verdicts):
    measured = Results("host", benchmarks={name: benchmark(12.2) for name in verdicts})
    return SessionReport("host", "a board", measured, Comparison(verdicts), rounds=3, seconds=60.0)


def test_the_terminal_says_it_before_anything_else_of_what_got_worse():
    report = session_of(a=worse({**OTHERS, **MOVED}), b=worse({**OTHERS, **MOVED}))
    text = render(report, width=200, colour=False)
    lines = text.splitlines()
    (place,) = (at for at, line in enumerate(lines) if "Placement changed" in line)
    assert lines[place].strip().startswith(f"{SAID}. Environment differs from the baseline's: onnxruntime")
    assert place < min(at for at, line in enumerate(lines) if "11.3 -> 12.2 ms" in line)


def test_where_benchmarks_differ_each_has_its_own_first():
    said = explained(Comparison({"a": worse(), "b": worse({})}), {})
    assert said.sentences["a"][0] == SAID
    assert "Placement" not in "".join(said.sentences["b"])
    in_full = explained(Comparison({"a": worse(), "b": worse({})}), {}, in_full=True)
    assert [line for line in in_full.sentences["a"] if "Placement" in line] == [SAID]
    assert in_full.sentences["a"][0] == SAID


def test_in_markdown_it_is_the_first_of_what_differs():
    (line,) = (one for one in session_markdown(session_of(a=worse())).splitlines() if "**What differs:**" in one)
    assert html.unescape(line.replace("\\", "")).startswith(f"**What differs:** {SAID}; commits")


def test_an_annotation_begins_with_it():
    report = replace(session_of(a=worse()), locations={"a": ("test_a.py", 3)})
    (annotation, *_) = annotations_of(report)
    lines = annotation.message.splitlines()
    assert lines[0] == SAID
    assert lines[1].startswith("latency rose by 8.1 %")
    assert sum("11.3 -> 12.2" in line for line in lines) == 1


def test_programs_find_both_placements_and_the_sentence_first():
    text = exporter("json", "session").session(session_of(a=worse()), Paper(100))
    document = json.loads(text)
    schema = json.loads(schema_text("report_schema.json"))
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    entry = document["benchmarks"]["a"]
    assert entry["moved_placement"] == {"baseline": BEFORE, "candidate": AFTER}
    assert entry["sentences"][0] == SAID


def page_subject():
    def side(placement, other):
        run = Run("env", "2026-11-21T12:00:00Z", "s", {"latency": 1.0})
        environments = {"env": {"settings": {"placement": placement, "a": other}}}
        return Results("host", environments, {"a": Benchmark({}, {"latency": Metric("ms")}, (run,))})

    comparison = Comparison({"a": worse({"settings.a": (1, 2), **MOVED})})
    return subject(side(AFTER, 2), baseline=side(BEFORE, 1), comparison=comparison)


def test_the_page_says_it_on_top_and_first_in_each_list():
    about = page_subject()
    assert "Placement changed" in worse_parts(about)[0]
    listed = "".join(machine_parts(about))
    assert 0 < listed.index("Placement changed") < listed.index("settings.a 1")
    first = environment.data(about)["rows"][0]
    assert (first["field"], first["differs"]) == ("placement", True)


def test_where_nodes_moved_nothing_says_to_suspect_the_machine():
    moved, same = (replace(worse(differences), loaded=LoadedDifferences()) for differences in (MOVED, {}))
    assert regression_text("a", moved).endswith("Nothing that this benchmark loads differs from the baseline's")
    assert regression_text("a", same).endswith("suspect the machine")
    assert nothing_differs_text(Comparison({"a": moved})) is None
    assert nothing_differs_text(Comparison({"a": same})) is not None


def test_a_shift_of_all_benchmarks_names_it():
    comparison = Comparison({"a": worse(), "b": worse()}, common_shift=1.08, common_shift_of=(2, 2))
    text = common_shift_text(comparison)
    assert "They share a change of the environment: placement CUDAExecutionProvider 120 -> 118 nodes" in text


@given(TEXTS, TEXTS, st.integers(0, 10**6))
def test_whatever_a_provider_is_called_it_is_one_line(one, other, nodes):
    verdict_on_it = BenchmarkVerdict("regressed", differences={FIELD: ({one: nodes}, {other: nodes + 1, one: nodes})})
    for text in (placement_text(verdict_on_it), *regression_text("a", verdict_on_it).splitlines()):
        assert text.isprintable()


@pytest.mark.parametrize("value", [None, "not known: it does not say", {"CPU": "x"}])
def test_what_is_no_placement_is_shown_as_it_is(value):
    assert placement_text(worse({FIELD: (value, AFTER)})) == ""
    assert differences_text({FIELD: (value, AFTER)}).startswith("settings.placement")

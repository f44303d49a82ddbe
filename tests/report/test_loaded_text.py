"""What a report says of what a regressed benchmark loads: a list of at most five, or that the machine is suspect."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from pytest_edgeperf.judge.loaded_differences import BASELINE, BOTH, CANDIDATE, LoadedDifference, LoadedDifferences
from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.change_text import difference_remarks
from pytest_edgeperf.report.exporters.machine_verdict import comparison_to_dict
from pytest_edgeperf.report.html.page import render
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.loaded_text import loaded_text, nothing_differs_text, without_record_text
from pytest_edgeperf.report.machine_evidence import why_the_machine
from pytest_edgeperf.report.regressions import explained
from pytest_edgeperf.report.sentences import regression_text
from pytest_edgeperf.report.terminal import render_comparison
from pytest_edgeperf.results.errors import schema_text

from ..fakes import reports
from .conftest import SIDES, verdict
from .hostile import TEXTS
from .html_pages import Page

OPS = LoadedDifference("source", "benchmarks/ops.py", "1", "2")
NET = LoadedDifference("model", "net.onnx", "1", "2")
NUMPY = LoadedDifference("package", "numpy", "1.26.4 a", "2.0.1 b")
ZLIB = LoadedDifference("library", "libz.so.1", "1", "2")
NOTHING = LoadedDifferences()
SUSPECT = "Nothing that this benchmark loads differs from the baseline's: suspect the machine"


def slower(*differences, unknown=None, with_model=True, **more):
    loaded = LoadedDifferences(differences, unknown, with_model)
    environment = more.pop("differences", {})
    judged = verdict("regressed", 1.081, 1.052, 1.111, sides=SIDES, **more)
    return replace(judged, loaded=loaded, differences=environment)


def session(*verdicts):
    report = reports.two_regressions()
    names = [name for name, judged in report.comparison.benchmarks.items() if judged.verdict == "regressed"]
    regressed = dict(zip(names, verdicts))
    return replace(report, comparison=Comparison(regressed))


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (OPS, "benchmarks/ops.py"),
        (LoadedDifference("source", "a.py", None, "2"), "a.py (new)"),
        (LoadedDifference("source", "a.py", "1", None), "a.py (no longer loaded)"),
        (NET, "model net.onnx"),
        (LoadedDifference("engine", "model.plan", "1", "2"), "engine model.plan"),
        (NUMPY, "numpy 1.26.4 -> 2.0.1"),
        (LoadedDifference("package", "numpy", "1.26.4 a", "1.26.4 b"), "numpy 1.26.4 (another build)"),
        (LoadedDifference("package", "numpy", None, "2.0.1"), "numpy (new)"),
        (ZLIB, "libz.so.1 (another build)"),
    ],
)
def test_each_difference_in_its_words(difference, said):
    assert loaded_text(slower(difference)) == f"What it loads differs from the baseline's: {said}"


def test_the_failing_test_lists_five_at_most_and_says_the_commits_once():
    text = regression_text("a", slower(OPS, NET, NUMPY, *[replace(ZLIB, name=f"lib{n}.so") for n in range(5)]))
    assert text.splitlines()[-2:] == [
        "The recorded environment is the same as the baseline's",
        "What it loads differs from the baseline's: benchmarks/ops.py (commits 1a2b3c4..5d6e7f8), model net.onnx, "
        "numpy 1.26.4 -> 2.0.1, lib0.so (another build), lib1.so (another build) and 3 more",
    ]
    assert text.count("1a2b3c4") == 1


def test_the_commits_stay_with_the_environment_where_no_source_differs():
    lines = regression_text("a", slower(NET)).splitlines()
    assert lines[-2].endswith("; commits 1a2b3c4..5d6e7f8")
    assert lines[-1] == "What it loads differs from the baseline's: model net.onnx"


def test_where_nothing_differs_the_machine_is_suspect():
    assert regression_text("a", slower()).splitlines()[-1] == SUSPECT
    comparison = Comparison({"a": slower(), "b": slower()})
    assert why_the_machine(comparison, None) == [
        "Nothing that the 2 regressed benchmarks load differs from the baseline's."
    ]
    assert nothing_differs_text(Comparison({"a": slower()})) == (
        "Nothing that the regressed benchmark loads differs from the baseline's."
    )
    for other in (slower(NET), slower(unknown=BASELINE), replace(slower(), loaded=None)):
        assert why_the_machine(Comparison({"a": slower(), "b": other}), None) == []


def test_files_that_a_benchmark_opens_itself_are_not_claimed_to_be_the_same():
    assert loaded_text(slower(with_model=False)) == (
        "Nothing that this benchmark loads differs from the baseline's (of what it recorded: files that its own code "
        "opens are not in it): suspect the machine"
    )
    assert nothing_differs_text(Comparison({"a": slower(), "b": slower(with_model=False)})) == (
        "Nothing that the 2 regressed benchmarks load differs from the baseline's (of what it recorded: files that its "
        "own code opens are not in it)."
    )


@pytest.mark.parametrize(
    ("field", "suspect"), [("settings.engine", False), ("settings.threads", False), ("fingerprint.kernel", True)]
)
def test_where_the_engine_was_told_otherwise_the_machine_is_not_suspect(field, suspect):
    told = slower(differences={field: ({"spinning": True}, {"spinning": False})})
    assert loaded_text(told) == (SUSPECT if suspect else SUSPECT.partition(":")[0])
    assert bool(why_the_machine(Comparison({"a": told}), None)) == suspect


def test_in_lock_step_the_machine_is_not_suspect():
    paired = slower(paired="lock-step")
    assert loaded_text(paired) == "Nothing that this benchmark loads differs from the other side's"
    assert why_the_machine(Comparison({"a": paired}), None) == []


def test_a_version_that_the_environment_shows_is_not_said_again():
    environment = {"software.numpy": ("1.26.4", "2.0.1")}
    assert loaded_text(slower(NUMPY, differences=environment)) == "Nothing else that this benchmark loads differs"
    assert loaded_text(slower(NUMPY, NET, differences=environment)).endswith(": model net.onnx")
    headless = LoadedDifference("package", "opencv-python-headless", "4.10 a", "4.11 b")
    assert "opencv" not in loaded_text(slower(headless, differences={"software.opencv": ("4.10", "4.11")}))
    assert "numpy" in loaded_text(slower(NUMPY, differences={"software.python": ("3.11.7", "3.11.8")}))


def test_a_digest_in_the_environment_is_not_said_beside_the_file_that_it_is_of():
    environment = {"settings.engine.model_sha256": ("a", "b"), "settings.engine.threads": (1, 2)}
    lines = regression_text("a", slower(NET, differences=environment)).splitlines()
    assert lines[-2].startswith("Environment differs from the baseline's: settings.engine.threads 1 -> 2; commits")
    assert lines[-1].endswith("model net.onnx")
    only = {"settings.engine.model_sha256": ("a", "b")}
    assert "The rest of the recorded environment is the same" in regression_text("a", slower(NET, differences=only))
    assert "model_sha256 a -> b" in regression_text("a", slower(OPS, differences=only))
    assert "model_sha256" not in str(difference_remarks([slower(NET, differences=only)]))


def test_a_baseline_without_records_says_so_once():
    worse = {name: slower(unknown=BASELINE) for name in ("a", "b")}
    assert "loads" not in regression_text("a", worse["a"])
    said = "the baseline has no record of what its benchmarks loaded; the next refresh keeps one"
    assert difference_remarks(list(worse.values())).count(said) == 1
    page = render_comparison(Comparison(worse), width=300, colour=False)
    assert page.count("has no record") == 1
    assert without_record_text([slower(unknown=BOTH)]) == "no side has a record of what its benchmarks loaded"
    assert without_record_text([slower(unknown=CANDIDATE)]) == "these runs have no record of what they loaded"
    assert without_record_text([slower(), replace(slower(), loaded=None)]) is None


def test_the_terminal_says_it_once_where_it_is_the_same_for_all():
    shared = explained(Comparison({"a": slower(NET), "b": slower(NET)}), {})
    assert shared.differences.endswith("What it loads differs from the baseline's: model net.onnx")
    own = explained(Comparison({"a": slower(NET), "b": slower(OPS)}), {}).sentences
    assert own["a"][-1].endswith("model net.onnx")
    assert own["b"][-1].endswith("benchmarks/ops.py")


def test_remarks_on_several_count_for_how_many_each_difference_is():
    assert difference_remarks([slower(NET, NUMPY), slower(NUMPY)])[-1] == (
        "what they load differs in model net.onnx (for 1 of 2) and numpy 1.26.4 -> 2.0.1"
    )
    assert difference_remarks([slower(OPS)])[-1] == "what it loads differs in benchmarks/ops.py"


def test_a_page_says_it_beside_what_got_worse():
    listed = Page(render(Subject(session(slower(OPS, NET), slower(OPS))))).text
    assert "What they load differs in benchmarks/ops.py and model net.onnx (for 1 of 2)." in listed
    same = Page(render(Subject(session(slower(), slower())))).text
    assert "Nothing that the 2 regressed benchmarks load differs from the baseline's." in same
    old = Page(render(Subject(session(slower(unknown=BASELINE), slower(unknown=BASELINE))))).text
    assert old.count("The baseline has no record of what its benchmarks loaded; the next refresh keeps one.") == 1


def test_programs_get_all_of_it():
    document = comparison_to_dict(Comparison({"a": slower(OPS, NUMPY), "b": slower(unknown=BASELINE)}))
    Draft202012Validator(json.loads(schema_text("report_schema.json"))).validate(document)
    assert document["benchmarks"]["a"]["loaded"]["differences"] == [
        {"kind": "source", "name": "benchmarks/ops.py", "baseline": "1", "candidate": "2"},
        {"kind": "package", "name": "numpy", "baseline": "1.26.4 a", "candidate": "2.0.1 b"},
    ]
    assert document["benchmarks"]["b"]["loaded"]["without_record"] == "baseline"
    assert document["benchmarks"]["a"]["sentences"][-1].startswith("What it loads differs")


@given(TEXTS)
def test_a_name_of_any_content_stays_in_its_line(name):
    text = regression_text("a", slower(replace(OPS, name=name)))
    assert len(text.splitlines()) == len(regression_text("a", slower(OPS)).splitlines())

"""What GitHub Actions reads of a session: commands, a summary that it does not drop, outputs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, LineVerdict
from pytest_edgeperf.report.github import (
    SUMMARY_BYTES,
    Annotation,
    annotations_of,
    command,
    merged_outputs,
    outputs,
    step_summary,
)
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.types import Results

from .conftest import PREFIX, verdict
from .hostile import NAMES, TEXTS
from .markdown_reading import assert_well_formed, hostile_report

YOLO = PREFIX + "test_yolov3[onnxruntime-fp32-416]"
FILE = "benchmarks/test_framework_comparison.py"


def report_of(benchmarks, **more):
    locations = dict.fromkeys(benchmarks, (FILE, 12))
    return SessionReport("host", "", Results("host"), Comparison(benchmarks), locations=locations, **more)


def titles(report, **more):
    return [(one.kind, one.title) for one in annotations_of(report, **more)]


# Annotations.


def test_regressions_come_first_then_faults_then_what_is_not_clear(session):
    shown = annotations_of(replace(session, locations={YOLO: (FILE, 12)}))
    assert [(one.kind, one.title) for one in shown] == [
        ("error", "regressed: test_yolov3[onnxruntime-fp32-416]"),
        ("error", "regressed: test_mobilenet_v2[onnxruntime-int8]"),
        ("error", "not measured: test_crash[tvm]"),
        ("warning", "inconclusive: test_tiny_with_postprocess[onnxruntime-fp32-320]"),
        ("warning", "not compared: test_unet[torch]"),
        ("warning", "not compared: test_removed[torch-fp32]"),
        ("notice", "no baseline yet: test_added"),
        ("notice", "is it the machine?"),
    ]
    assert shown[0].place == (FILE, 12)
    assert shown[0].message.startswith(
        "latency rose by 8.1 % [95 %: +5.2, +11.1] against the baseline, 11.3 -> 12.2 ms (tolerance 2 %), "
        "commits 1a2b3c4..5d6e7f8.\n"
    )
    assert "onnxruntime 1.11.0 -> 1.12.1" in shown[0].message


def test_failed_tests_are_not_annotated_twice(session):
    without = titles(session, annotated={YOLO, PREFIX + "test_crash[tvm]"})
    assert [title for kind, title in without if kind == "error"] == ["regressed: test_mobilenet_v2[onnxruntime-int8]"]
    assert ("warning", "not compared: test_unet[torch]") in without


@pytest.mark.parametrize(("number", "shown", "last"), [(10, 10, "regressed: test[9]"), (11, 10, "2 more")])
def test_there_are_ten_of_a_kind_at_most_and_the_last_counts_the_others(number, shown, last):
    benchmarks = {f"a.py::test[{at}]": verdict("regressed", 1.1, 1.05, 1.2) for at in range(number)}
    made = annotations_of(report_of(benchmarks))
    assert len(made) == shown
    assert made[-1].title == last


def test_benchmarks_that_are_not_compared_for_one_reason_are_one_warning():
    benchmarks = {
        f"a.py::test[{at}]": BenchmarkVerdict("incomparable", differences={"power_mode": ("MAXN", "5W")})
        for at in range(300)
    }
    (made,) = annotations_of(report_of(benchmarks))
    assert (made.kind, made.title, made.place) == ("warning", "not compared: 300 benchmarks", None)
    assert made.message.startswith("power_mode MAXN -> 5W\ntest[0], test[1]")
    assert made.message.endswith("295 more")


def test_a_line_is_annotated_at_the_last_of_its_benchmarks():
    line = LineVerdict("study", "torch", "latency", "slope", "regressed", "ms", 1.0, 1.2, benchmarks=("a::x", "a::y"))
    unchanged = {name: verdict("unchanged", 1.0, 0.99, 1.01) for name in ("a::x", "a::y")}
    places = {"a::x": ("a", 3), "a::y": ("a", 9)}
    report = SessionReport("host", "", Results("host"), Comparison(unchanged, lines=(line,)), locations=places)
    (made,) = annotations_of(report)
    assert (made.kind, made.place) == ("error", ("a", 9))


def test_what_a_refresh_accepts_or_not_is_no_error(session):
    report = replace(session, mode="refresh", faults={}, refused={YOLO: "every run was disturbed"})
    kinds = dict(reversed(pair) for pair in titles(report))
    assert kinds["not accepted: test_yolov3[onnxruntime-fp32-416]"] == "warning"
    assert kinds["accepted although worse: test_mobilenet_v2[onnxruntime-int8]"] == "warning"
    assert "error" not in kinds.values()


def test_a_session_without_a_remark_has_no_annotation():
    assert annotations_of(report_of({"a.py::test": verdict("unchanged", 1.0, 0.99, 1.01)})) == []


def test_the_machine_is_a_notice_only_where_something_got_worse(session):
    other = OtherMachine("the baseline was measured on a different board", 8, 8)
    worse = replace(session, comparison=replace(session.comparison, other_machine=other))
    assert any("different board" in one.message for one in annotations_of(worse) if one.kind == "notice")
    fine = {"a.py::test": verdict("unchanged", 1.0, 0.99, 1.01)}
    assert annotations_of(replace(report_of(fine), comparison=Comparison(fine, other_machine=other))) == []


# Commands.


def test_a_command_names_the_file_from_the_workspace(tmp_path):
    made = Annotation("error", "regressed: a", "text", ("sub/test_a.py", 12))
    (tmp_path / "project").mkdir()
    line = command(made, str(tmp_path / "project"), str(tmp_path))
    assert line == "::error file=project/sub/test_a.py,line=12,title=regressed%3A a::text"


@pytest.mark.parametrize("workspace", [None, "", "elsewhere"])
def test_a_file_that_github_cannot_show_is_left_out(tmp_path, workspace):
    made = Annotation("warning", "a", "text", ("test_a.py", 12))
    line = command(made, str(tmp_path), workspace and str(tmp_path / workspace))
    assert line == "::warning title=a::text"


def test_a_link_to_the_workspace_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    line = command(Annotation("error", "a", "b", ("t.py", 1)), str(tmp_path / "real"), str(tmp_path / "link"))
    assert line == "::error file=t.py,line=1,title=a::b"


def test_what_separates_parts_of_a_command_is_escaped():
    line = command(Annotation("error", "100%: a, b\nc", "50%: d, e\nf\r", None), "/", None)
    assert line == "::error title=100%25%3A a%2C b\\nc::50%25: d, e%0Af\\r"


def read(line):
    """A command as GitHub's runner reads it: its kind, properties and message."""
    kind, listed, message = re.fullmatch(r"::(\w+) ([^\n\r]*?)::([^\n\r]*)", line).groups()
    properties = dict(pair.split("=", 1) for pair in listed.split(","))
    unescaped = {
        name: value.replace("%2C", ",")
        .replace("%3A", ":")
        .replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%25", "%")
        for name, value in properties.items()
    }
    return kind, unescaped, message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


@given(TEXTS, TEXTS)
def test_github_reads_what_was_meant(title, message):
    kind, properties, shown = read(command(Annotation("error", title, message, ("t.py", 3)), "/work", "/work"))
    assert kind == "error"
    assert set(properties) == {"file", "line", "title"}
    assert (properties["file"], properties["line"]) == ("t.py", "3")
    assert properties["title"].isprintable()
    assert len(shown.splitlines()) <= len(message.splitlines()) + 1


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_every_command_of_a_hostile_session_is_one_line(name):
    for made in annotations_of(hostile_report([name], name)):
        line = command(made, "/work", "/work")
        assert line.isprintable()
        assert line.encode()
        assert len(line) < 10_000
        assert read(line)[0] == made.kind


# The summary of a step.


def test_the_summary_is_the_report_and_may_be_long():
    benchmarks = {f"{PREFIX}test_a[{at}]": verdict("unchanged", 1.0, 0.99, 1.01) for at in range(2000)}
    text = step_summary(report_of(benchmarks), 0)
    assert text.count("| unchanged |") == 2000
    assert len(text.encode()) < SUMMARY_BYTES


@given(present=st.integers(0, SUMMARY_BYTES + 10), number=st.sampled_from([0, 1, 20]))
def test_the_summary_fits_beside_what_is_there(present, number):
    benchmarks = {f"{PREFIX}test_é[{at}]": verdict("regressed", 1.1, 1.05, 1.2) for at in range(number)}
    text = step_summary(report_of(benchmarks), present)
    if text is not None:
        assert present + len(text.encode()) < SUMMARY_BYTES
        assert_well_formed(text)
    else:
        assert present > SUMMARY_BYTES - 20_000


def test_a_summary_that_is_cut_names_the_files_that_have_all_of_it():
    benchmarks = {f"{PREFIX}test_a[{at}]": verdict("regressed", 1.1, 1.05, 1.2) for at in range(2000)}
    written = [
        ("results", "out/now.json"),
        ("report", "/home/me/out/report.json"),
        ("report", "out/c.md"),
        ("report", "p.html"),
    ]
    text = step_summary(report_of(benchmarks, written=written), SUMMARY_BYTES - 100_000)
    assert 50_000 < len(text.encode()) < 100_000
    assert "left out here: see `report.json` and `p.html`." in text
    assert "/home/me" not in text
    assert_well_formed(text)


# Outputs.


@pytest.mark.parametrize(
    ("words", "more", "expected"),
    [
        (["regressed", "regressed", "unchanged", "inconclusive"], {}, "regressed"),
        (["unchanged", "inconclusive"], {}, "pass"),
        (["unchanged", "inconclusive"], {"inconclusive": "fail"}, "inconclusive"),
        (["unchanged", "inconclusive"], {"faults": {"x": "killed"}}, "failed"),
        (["regressed"], {"mode": "refresh", "refreshed": {"x": "created"}}, "accepted"),
        ([], {"mode": "off"}, "nothing_compared"),
    ],
)
def test_the_verdict_is_that_of_the_report_for_programs(words, more, expected):
    judged = {f"a.py::test[{at}]": verdict(word, 1.1, 1.05, 1.2) for at, word in enumerate(words)}
    made = outputs(report_of(judged, **more))
    assert made["verdict"] == expected
    assert made["regressed"] == ("0" if more.get("mode") else str(words.count("regressed")))
    assert made["failed"] == str(len(more.get("faults", ())))
    assert all(re.fullmatch(r"\w+", value) for value in made.values())


def test_the_outputs_of_several_devices_are_the_worst_and_the_sums():
    nano = {"verdict": "pass", "regressed": "0", "failed": "1", "inconclusive": "2"}
    orin = {"verdict": "regressed", "regressed": "3", "failed": "0", "inconclusive": "1"}
    assert merged_outputs([nano, orin]) == {
        "verdict": "regressed", "regressed": "3", "failed": "1", "inconclusive": "3"
    }  # fmt: skip

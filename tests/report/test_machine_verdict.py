"""The document for programs: its verdict, its evidence, and that each one keeps what its schema promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import pytest_edgeperf
from pytest_edgeperf.cli import main
from pytest_edgeperf.judge.machines import OtherMachine
from pytest_edgeperf.judge.studies.across_files import read_across
from pytest_edgeperf.judge.verdicts import (
    VERDICTS,
    AccuracyFigures,
    Apart,
    BenchmarkVerdict,
    Comparison,
    LineVerdict,
    Rename,
)
from pytest_edgeperf.report.creep import Creep
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.invocation import Invocation
from pytest_edgeperf.report.outcome import OUTCOMES, outcome_of_session
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results import write
from pytest_edgeperf.results.errors import schema_text
from pytest_edgeperf.results.types import Results

from ..judge.builders import latency_runs, results
from .conftest import PREFIX, SIDES, benchmark, verdict
from .test_studies import whole_study

SCHEMA = json.loads(schema_text("report_schema.json"))
PAGE = Path(__file__).parents[2] / "docs" / "machine-verdict.md"
A, B = "test_a.py::test_x[1]", "test_a.py::test_y"
UNCHANGED = verdict("unchanged", 1.0, 0.99, 1.01, rules_out=0.02)
WORSE = verdict("regressed", 1.08, 1.05, 1.11, sides=SIDES)
UNCLEAR = verdict("inconclusive", 1.03, 0.99, 1.07, runs_needed=14)


def checked(text):
    """The document, which the schema allows."""
    document = json.loads(text)
    problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(document)]
    assert problems == []
    return document


def of_session(report):
    return checked(exporter("json", "session").session(report, Paper(100)))


def of_comparison(comparison):
    return checked(exporter("json", "comparison").comparison(comparison, Paper(100)))


def report(verdicts, **fields):
    comparison = Comparison(dict(verdicts))
    measured = Results("nano", benchmarks={name: benchmark(10.0) for name in comparison.benchmarks})
    given = {"comparison": comparison, "measured": measured, **fields}
    return SessionReport(device="nano", machine="", **given)


def test_the_schema_is_one_and_lists_the_words_that_there_are():
    Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    assert tuple(definitions["report"]["properties"]["verdict"]["enum"]) == OUTCOMES
    assert definitions["benchmark"]["properties"]["verdict"]["enum"] == [*VERDICTS, "failed", None]
    assert definitions["metric"]["properties"]["verdict"]["enum"] == [*VERDICTS, None]


def test_a_session_has_verdict_evidence_and_what_to_type(session):
    session = replace(session, invocation=Invocation(("benchmarks",), targets=("benchmarks",)), against_baseline=True)
    document = of_session(replace(session, locations={PREFIX + "test_added": ("benchmarks/test_a.py", 12)}))
    assert (document["verdict"], document["exit_code"], document["kind"]) == ("regressed", 1, "session")
    assert document["sentence"].startswith("2 regressed, 1 inconclusive, 1 incomparable")
    assert document["summary"]["failed"] == 1
    worse = document["benchmarks"][PREFIX + "test_yolov3[onnxruntime-fp32-416]"]
    assert worse["decided_by"] == "latency"
    assert worse["metrics"]["latency"] == {
        "verdict": "regressed",
        "summary": "p50",
        "unit": "ms",
        "better": "lower",
        "gates": True,
        "baseline": 11.3,
        "candidate": 12.2,
        "baseline_runs": 10,
        "candidate_runs": 9,
        "ratio": 1.081,
        "interval": [1.052, 1.111],
        "p_adjusted": 0.0004,
        "detectable": 1.034,
        "tolerance": 0.02,
        "scatter": 0.0152,
        "measured": {"p50": pytest.approx(12.2), "p95": pytest.approx(12.2 * 1.07)},
    }
    assert (worse["baseline"]["commit"], worse["candidate"]["commit"]) == ("1a2b3c4", "5d6e7f8")
    assert worse["differences"] == {"onnxruntime": ["1.11.0", "1.12.1"]}
    assert worse["sentences"][0].startswith("Median latency 11.3 -> 12.2 ms")
    assert document["benchmarks"][PREFIX + "test_crash[tvm]"]["verdict"] == "failed"
    assert document["benchmarks"][PREFIX + "test_added"]["location"] == {"file": "benchmarks/test_a.py", "line": 12}
    assert document["is_it_the_machine"]["suspected"]
    assert document["is_it_the_machine"]["answer"] == "It may be: look at this before the code."
    assert [step["purpose"] for step in document["next_steps"]] == ["check the machine", "look closer", "accept"]


def test_a_session_says_when_and_against_which_commits_it_measured():
    runs = benchmark(10.0).runs
    older, newer = (replace(run, started=f"2026-0{month}", commit=f"c{month}") for month, run in zip((1, 2), runs))
    baseline = Results("nano", benchmarks={A: replace(benchmark(10.0), runs=(newer, older)), B: benchmark(1.0)})
    moments = {"started": datetime(2026, 3, 1, 12, 0, 5), "ended": datetime(2026, 3, 1, 12, 10)}
    document = of_session(report({A: UNCHANGED, B: UNCHANGED}, baseline=baseline, **moments))
    assert (document["started"], document["ended"]) == ("2026-03-01T12:00:05", "2026-03-01T12:10:00")
    assert [document["benchmarks"][name]["baseline"] for name in (A, B)] == [{"commit": "c2"}, {"commit": None}]


def test_every_field_that_a_comparison_may_have_is_described():
    accuracy = AccuracyFigures(-0.4, (-0.9, 0.1), 0.5, 200, lost=3, won=1, detectable=0.7)
    top1 = verdict("regressed", None, 0.9, 1.1, summary="mean", unit="%", accuracy=accuracy, interval=None)
    paired = verdict("unchanged", 1.0, 0.99, 1.01, paired="lock-step", builds=4, detectable=float("inf"))
    line = LineVerdict("s", "torch", "latency", "slope", "regressed", "ms", 1.0, 1.2, (0.1, 0.3), 0.001, 0.02, (A, B))
    comparison = Comparison(
        {A: top1, B: paired, "test_c": UNCLEAR, "test_d": BenchmarkVerdict("incomparable", reason="another board")},
        common_shift=1.03,
        lines=(line, replace(line, verdict="new", reason="not in the baseline")),
        renames=(Rename("a", "b", 1.0, (0.9, 1.1)), Rename("c", "d", reason="too few runs")),
        other_machine=OtherMachine("it is another", 3, 4),
        apart=Apart(0.01, "suite", 1, 4),
    )
    document = of_comparison(comparison)
    assert document["verdict"] == "regressed"
    assert document["lines"][0]["benchmarks"] == [A, B]
    assert len(document["is_it_the_machine"]["reasons"]) == 2
    assert document["benchmarks"][B]["metrics"]["latency"]["detectable"] is None
    assert document["benchmarks"]["test_c"]["metrics"]["latency"]["runs_needed"] == 14


def test_a_refresh_says_what_it_did():
    crept = {A: Creep(1.2, 0.02, "2026-11-01")}
    session = report({A: WORSE}, mode="refresh", refreshed={A: "updated"}, refused={B: "disturbed"}, crept=crept)
    document = of_session(session)
    assert (document["verdict"], document["exit_code"]) == ("accepted", 0)
    assert (document["refused"], document["summary"]["not_accepted"]) == ({B: "disturbed"}, 1)
    assert document["crept"] == {A: {"ratio": 1.2, "tolerance": 0.02, "since": "2026-11-01"}}


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, ("pass", 0)),
        ({"verdicts": {A: WORSE, B: UNCHANGED}}, ("regressed", 1)),
        ({"verdicts": {A: WORSE, B: UNCHANGED}, "faults": {B: "it crashed"}}, ("regressed", 1)),
        ({"faults": {B: "it crashed"}}, ("failed", 1)),
        # What failed is no regression, too.
        ({"verdicts": {A: WORSE}, "faults": {A: "it crashed"}}, ("failed", 1)),
        ({"verdicts": {A: UNCHANGED, B: UNCLEAR}}, ("pass", 0)),
        ({"verdicts": {A: UNCHANGED, B: UNCLEAR}, "inconclusive": "fail"}, ("inconclusive", 10)),
        ({"verdicts": {A: UNCLEAR}}, ("inconclusive", 0)),
        ({"verdicts": {A: UNCHANGED, B: BenchmarkVerdict("new")}}, ("pass", 0)),
        ({"verdicts": {A: UNCHANGED, B: BenchmarkVerdict("new")}, "unbaselined": "fail"}, ("unbaselined", 11)),
        ({"unmeasured_gates": True, "unbaselined": "fail"}, ("unbaselined", 11)),
        ({"verdicts": {A: BenchmarkVerdict("new")}}, ("nothing_compared", 0)),
        ({"verdicts": {}}, ("nothing_compared", 0)),
        ({"mode": "off", "comparison": None}, ("nothing_compared", 0)),
        ({"mode": "against", "verdicts": {A: WORSE}}, ("regressed", 1)),
        ({"mode": "refresh", "refreshed": {A: "created"}}, ("accepted", 0)),
        ({"mode": "refresh", "refreshed": {A: "kept"}}, ("nothing_compared", 0)),
        ({"mode": "refresh", "refused": {A: "x"}, "failing": {A: "x"}}, ("not_accepted", 1)),
        ({"interrupted": True, "comparison": None}, ("interrupted", 2)),
        ({"errors": ["the report failed"], "verdicts": {A: WORSE}}, ("error", 3)),
    ],
)
def test_the_whole_in_one_word_by_the_rules_of_the_exit_code(fields, outcome):
    fields = dict(fields)
    session = report(fields.pop("verdicts", {A: UNCHANGED, B: UNCHANGED}), **fields)
    assert tuple(outcome_of_session(session)) == outcome
    document = of_session(session)
    assert (document["verdict"], document["exit_code"]) == outcome


def test_disturbed_runs_put_the_machine_under_suspicion_where_something_is_worse():
    runs = benchmark(10.0, disturbed=(0, 1))
    named = tuple(replace(run, quality={**run.quality, "disturbed_by": ["others_share 0.30"]}) for run in runs.runs)
    measured = Results(
        "nano",
        {"8c1f0e2a": {"doctor": {"findings": "governor, swap"}}},
        {A: replace(runs, runs=named), B: benchmark(1.0)},
    )
    machine = of_session(report({A: WORSE, B: UNCHANGED}, measured=measured))["is_it_the_machine"]
    assert (machine["suspected"], machine["runs"], machine["disturbed_runs"]) == (True, 6, 2)
    assert machine["reasons"] == ["2 of 3 runs of worse or undecided benchmarks were disturbed."]
    assert machine["disturbed_by"] == {"others_share": 2}
    assert machine["doctor"] == ["governor", "swap"]
    assert not of_session(report({A: UNCHANGED}, measured=measured))["is_it_the_machine"]["suspected"]


def test_studies_of_files_and_of_a_session_read_alike():
    measured = whole_study()
    across = read_across([("a.json", measured)])
    document = checked(exporter("json", "studies").studies(across, Paper(100)))
    assert (document["kind"], document["verdict"]) == ("studies", "nothing_compared")
    session = of_session(SessionReport("host", "", measured, mode="off"))
    assert session["studies"] == document["studies"] != {}


HOSTILE = [
    "<script>alert(1)</script>",
    "</title>",
    "a|b`c",
    "\x1b[2J\x07",
    "a\nb\r\n",
    "\u202eabc",
    "\ud800",
    "x" * 20000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_text(text):
    name = f"test_a.py::test[{text}]"
    odd = BenchmarkVerdict("incomparable", reason=text, differences={text: (text, {text: [text]})})
    session = report({name: odd, B: WORSE}, faults={text: text}, notes=[text], invocation=Invocation((text,)))
    document = of_session(session)
    assert document["benchmarks"][name]["reason"] == text
    assert (document["notes"], document["faults"]) == ([text], {text: text})


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=20), st.sampled_from([UNCHANGED, WORSE, UNCLEAR, BenchmarkVerdict("new")])))
def test_any_names_keep_the_schema(verdicts):
    document = of_session(report(verdicts, invocation=Invocation(("x", *verdicts))))
    assert set(document["benchmarks"]) == set(verdicts)
    assert (document["verdict"] == "regressed") == (WORSE in verdicts.values())


# What the commands print.


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """A report of a slower file, and its folder as the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines").mkdir()
    write(tmp_path / "baselines" / "board.json", results({B: latency_runs([1.0, 1.01, 0.99, 1.002, 1.012, 0.992])}))
    write(tmp_path / "new.json", results({B: latency_runs([1.5, 1.51, 1.49, 1.502, 1.512, 1.492])}))
    outcome = CliRunner().invoke(main, ["compare", "baselines/board.json", "new.json", "--format=json"])
    (tmp_path / "report.json").write_text(outcome.output)
    return outcome


def test_a_comparison_of_files_names_them_and_how_to_accept(compared):
    document = checked(compared.output)
    assert (compared.exit_code, document["exit_code"], document["verdict"]) == (1, 1, "regressed")
    assert document["files"] == [
        {"kind": "base", "path": "baselines/board.json"},
        {"kind": "candidate", "path": "new.json"},
    ]
    (step,) = document["next_steps"]
    assert step["command"].endswith("edgeperf baseline accept new.json --reason WHY")
    words = step["command"].partition("edgeperf ")[2].split()
    assert CliRunner().invoke(main, words).exit_code == 0
    assert pytest_edgeperf.compare("baselines/board.json", "new.json").summary["unchanged"] == 1


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)


def test_the_pages_example_in_python_reads_it(compared, capsys):
    exec(compile(block("python"), PAGE.name, "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("regressed 1 regressed\n")
    assert f"{B}\n  Minimum latency" in printed or f"{B}\n  Median latency" in printed
    assert "accept: " in printed


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_the_pages_example_in_jq_reads_it(compared):
    done = subprocess.run(["sh", "-c", block("sh")], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "regressed: 1 regressed"
    assert re.match(rf"{re.escape(B)}: 0\.9\d* -> 1\.3\d* ms, 1\.[45]\d* \[1\.4\d*,1\.5\d*\]", lines[1])
    assert lines[-1].startswith("accept: ")


def test_the_page_describes_every_field_and_word():
    text = PAGE.read_text(encoding="utf-8")
    for word in OUTCOMES:
        assert f"| `{word}` |" in text
    shown = {"format", "version", "kind", "verdict", "exit_code", "sentence", "summary", "benchmarks", "lines"}
    shown |= {"is_it_the_machine", "next_steps", "studies", "faults", "refused", "crept", "errors", "notes", "files"}
    assert {name for name in shown if f"`{name}" not in text} == set()
    assert shown <= set(SCHEMA["$defs"]["report"]["properties"])


@pytest.mark.parametrize(("arguments", "title"), [((), "Report"), (("report",), "Report"), (("results",), "Results")])
def test_the_schemas_are_printed(arguments, title):
    outcome = CliRunner().invoke(main, ["schema", *arguments])
    assert outcome.exit_code == 0
    assert json.loads(outcome.output)["title"].startswith(f"{title} of pytest-edgeperf")

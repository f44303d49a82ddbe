"""Formats of reports: each is found by its name or by a file's end, ours and other packages' alike."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.cli import main
from pytest_edgeperf.extensions import ExtensionError
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.exporters import EXPORTERS, UnknownFormat, exporter, exporter_for, names
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Results
from tests.fakes.distributions import distribution

from .conftest import PREFIX, benchmark
from .test_studies import whole_study

PAPER = Paper(100)
TAB_SEPARATED = """
from pytest_edgeperf.report.exporters.interface import Exporter

class TabSeparated(Exporter):
    name = "tsv"
    suffixes = (".tsv",)

    def comparison(self, comparison, paper):
        return "\\n".join(f"{name}\\t{one.verdict}" for name, one in comparison.benchmarks.items())

    def session(self, report, paper):
        return self.comparison(report.comparison, paper)
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def install(points, **modules):
        folder = distribution(tmp_path / "site", "edgeperf-more", {"edgeperf.exporters": points}, **modules)
        monkeypatch.syspath_prepend(str(folder))

    return install


def test_each_of_ours_calls_itself_as_it_is_listed():
    kinds = (
        "session",
        "comparison",
        "results",
        "studies",
        "references",
        "noise",
        "diagnosis",
        "properties",
        "pictures",
    )
    shown = {name for kind in kinds for name in names(kind)}
    assert shown == set(EXPORTERS)
    for kind in kinds:
        for name in names(kind):
            assert exporter(name, kind).name == name


@pytest.mark.parametrize(
    ("file", "name"), [("a.md", "markdown"), ("b/c.MARKDOWN", "markdown"), ("r.json", "json"), ("x.y.txt", "text")]
)
def test_a_files_end_names_its_format(file, name):
    assert exporter_for(Path(file), "session").name == name


@pytest.mark.parametrize("file", ["a", "md", "a.doc", "a.md.gz"])
def test_another_end_is_answered_with_those_that_there_are(file):
    with pytest.raises(UnknownFormat, match=re.escape(f"{file}: no format") + r".*\.txt, \.md, \.markdown, \.json"):
        exporter_for(Path(file), "session")


@pytest.mark.parametrize(("name", "kind"), [("xml", "comparison"), ("junit", "comparison"), ("markdown", "noise")])
def test_a_format_that_cannot_show_it_is_answered_with_those_that_can(name, kind):
    with pytest.raises(UnknownFormat, match=f"'{name}' is not one of text"):
        exporter(name, kind)


def test_another_packages_exporter_is_one_file_and_an_entry_point(installed, session, tmp_path):
    installed({"tsv": "tab_separated:TabSeparated"}, tab_separated=TAB_SEPARATED)
    assert names("comparison") == ["text", "markdown", "json", "html", "tsv"]
    assert "tsv" not in names("noise")
    rows = exporter_for(Path("report.tsv"), "session").session(session, PAPER).splitlines()
    assert f"{PREFIX}test_added\tnew" in rows
    empty = {"format": "edgeperf-results", "version": 1, "device": "host", "environments": {}, "benchmarks": {}}
    path = tmp_path / "empty.json"
    path.write_text(json.dumps(empty))
    run = CliRunner().invoke(main, ["compare", str(path), str(path), "--format", "tsv"])
    assert (run.exit_code, run.output) == (0, "\n")
    assert "[text|markdown|json|html|tsv]" in CliRunner().invoke(main, ["compare", "--help"]).output


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("nowhere:Tsv", "ModuleNotFoundError"),
        ("wrong:Tsv", "is no subclass of"),
        ("tab_separated:TabSeparated", "calls itself 'tsv'; both names must agree"),
    ],
)
def test_one_that_cannot_be_used_is_left_out_until_it_is_asked_for(installed, place, says):
    installed({"odd": place}, wrong="Tsv = int", tab_separated=TAB_SEPARATED)
    assert names("comparison") == ["text", "markdown", "json", "html"]
    with pytest.raises(ExtensionError, match=says):
        exporter("odd", "comparison")


# A session's report.


def test_text_is_what_the_terminal_shows_with_v(session):
    from pytest_edgeperf.report.terminal import render

    assert exporter("text", "session").session(session, PAPER) == render(session, width=100, colour=False, verbosity=1)


def test_markdown_shows_the_studies_last():
    measured = whole_study()
    text = exporter("markdown", "session").session(SessionReport("host", "", measured, mode="off"), PAPER)
    assert "\n## " in text
    assert text.index("| benchmark") < text.index("<summary>Studies (1)</summary>") < text.index("\n## ")


def test_json_has_figures_verdicts_and_faults(session):
    document = json.loads(exporter("json", "session").session(session, PAPER))
    assert (document["format"], document["version"], document["device"]) == ("edgeperf-report", 2, "host")
    name = PREFIX + "test_yolov3[onnxruntime-fp32-416]"
    assert document["benchmarks"][name]["metrics"]["latency"]["measured"]["p50"] == pytest.approx(12.2)
    assert document["benchmarks"][name]["metrics"]["latency"]["unit"] == "ms"
    assert document["summary"]["regressed"] == 2
    assert list(document["faults"]) == [PREFIX + "test_crash[tvm]"]
    assert document["files"] == [{"kind": "results", "path": "results/20261121T0911.json"}]


@given(value=st.floats(), ratio=st.floats())
def test_json_has_no_number_that_is_none(value, ratio):
    report = SessionReport(
        "host",
        "",
        Results("host", benchmarks={"a": benchmark(value)}),
        comparison=Comparison({"a": BenchmarkVerdict("new")}, common_shift=ratio),
        seconds=value,
    )

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(exporter("json", "session").session(report, PAPER), parse_constant=refuse)


@pytest.mark.parametrize("name", ["text", "markdown", "json", "html"])
def test_microseconds_are_us_everywhere(session, name):
    quick = dict.fromkeys(session.measured.benchmarks, benchmark(0.0325))
    report = replace(session, comparison=None, mode="off", measured=Results("host", benchmarks=quick))
    document = exporter(name, "session").session(report, PAPER).partition("<script>")[0]
    assert not set("\u00b5\u03bc") & set(document)
    assert ("0.0325" if name == "json" else "32.5 us") in document


def test_a_session_that_measured_nothing_is_a_line():
    text = exporter("text", "session").session(SessionReport("host", "", Results("host")), PAPER)
    assert text.strip().endswith("nothing measured")

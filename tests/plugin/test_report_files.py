"""``--edgeperf-report``: each file is checked before anything is measured, and written after it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from pytest_edgeperf.plugin.report_files import locations_of, report_files, write_reports
from pytest_edgeperf.plugin.state import REPORT
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.results.types import Results
from pytest_edgeperf.schedule.earlier_files import EarlierFiles
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors
from pytest_edgeperf.settings import Settings

#: Its sessions are traced for coverage.
TRACED = True


@pytest.fixture
def config(tmp_path):
    stash = pytest.Stash()
    stash[REPORT] = SessionReport("host", "", Results("host"))
    return SimpleNamespace(rootpath=tmp_path, invocation_params=SimpleNamespace(dir=tmp_path), stash=stash)


def files(config, *reports, **more):
    return report_files(config, Settings(reports=reports, **more), "host")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("report.doc", r"--edgeperf-report=report.doc: .* no format of reports has files that end so; .*\.md"),
        ("report", "no format of reports"),
        ("r.json", "the report would replace results"),
        ("baselines/host.json", "the report would replace results"),
    ],
)
def test_what_cannot_be_a_report_is_refused(config, name, says):
    with pytest.raises(pytest.UsageError, match=says):
        files(config, "good.md", name, results=("r.json",))


def test_a_path_that_cannot_be_written_is_refused(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"file"):
        files(config, "file/report.md")


def test_one_that_fails_keeps_no_other_from_being_written(config, tmp_path):
    asked = files(config, "gone/a.md", "new/b.md", "c.json")
    (tmp_path / "gone").write_text("")
    errors = UnexpectedErrors("session")
    measuring = SimpleNamespace(coordinator=SimpleNamespace(errors=errors), written=[], interrupted=False)
    write_reports(config, measuring, asked, EarlierFiles("report"))
    assert measuring.written == [("report", str(tmp_path / "new" / "b.md")), ("report", str(tmp_path / "c.json"))]
    (sentence,) = errors.sentences
    assert "gone/a.md" in sentence
    assert (
        (tmp_path / "new" / "b.md").read_text()
        == "<!-- edgeperf:host -->\n### edgeperf on `host`: nothing measured\n\nnothing measured in 0.0 s on host.\n"
    )


def test_each_report_lists_all_that_were_written(config, tmp_path):
    asked = files(config, "a.txt", "gone/b.md", "c.json", "d.html")
    (tmp_path / "gone").write_text("")
    written = [("results", str(tmp_path / "r.json"))]
    errors = UnexpectedErrors("session")
    measuring = SimpleNamespace(coordinator=SimpleNamespace(errors=errors), written=written, interrupted=False)
    write_reports(config, measuring, asked, EarlierFiles("report"))
    expected = [str(tmp_path / name) for name in ("r.json", "a.txt", "c.json", "d.html")]
    assert [path for _, path in measuring.written] == expected
    assert [one["path"] for one in json.loads((tmp_path / "c.json").read_text())["files"]] == expected
    for name in ("a.txt", "d.html"):
        text = (tmp_path / name).read_text()
        assert all(path in text for path in expected)
        assert "b.md" not in text.partition("<script")[0]
    assert len(errors.sentences) == 1


def test_an_interrupted_session_tells_programs_alone_and_keeps_the_earlier_report(config, tmp_path):
    asked = files(config, "a.md", "c.json")
    (tmp_path / "c.json").write_text("of an earlier session")
    earlier = EarlierFiles("report")
    earlier.set_aside(file.path for file in asked)
    errors = UnexpectedErrors("session")
    measuring = SimpleNamespace(coordinator=SimpleNamespace(errors=errors), written=[], interrupted=True)
    write_reports(config, measuring, asked, earlier)
    assert measuring.written == [("report", str(tmp_path / "c.json"))]
    assert not (tmp_path / "a.md").exists()
    assert (tmp_path / "c.json.previous").read_text() == "of an earlier session"


def test_tests_are_where_they_begin_counted_from_one():
    items = [
        SimpleNamespace(nodeid="a.py::x", location=("a.py", 0, "x")),
        SimpleNamespace(nodeid="a.txt::y", location=("a.txt", None, "y")),
    ]
    assert locations_of(items) == {"a.py::x": ("a.py", 1)}


def test_a_session_writes_what_was_asked_for_and_lists_it(project):
    project.suite("def test_a(timed_inference):\n    timed_inference(work, 300)\n")
    outcome = project.run("--baseline=off", "--edgeperf-report=out/r.md", "--edgeperf-report=r.json")
    assert outcome.code == 0, outcome
    assert f"reports: {project.path / 'out' / 'r.md'}" in outcome.output
    assert "| `test_a` |" in (project.path / "out" / "r.md").read_text()
    assert list(json.loads((project.path / "r.json").read_text())["benchmarks"]) == ["test_it.py::test_a"]

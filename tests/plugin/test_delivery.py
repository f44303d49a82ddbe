"""What a session delivers beside its files: to GitHub Actions, and in the JUnit file's suite."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from .conftest import properties_of

SCHEMA = Path(__file__).parents[1] / "data" / "junit" / "junit-10.xsd"
#: The first one's name would begin a command of its own.
SUITE = """
@pytest.mark.parametrize("steps", [300], ids=["a\\\\n::error::b"])
def test_named(timed_inference, steps):
    timed_inference(work, steps)

def test_broken(timed_inference):
    timed_inference(work, 300)
    assert False, "a wrong answer"
"""
#: As the plugin itself does it.
ANNOTATING = """
class _AnnotateErrors:
    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.failed:
            with open("annotated.txt", "a") as file:
                print(report.nodeid, report.longrepr.reprcrash.message, file=file)

def pytest_configure(config):
    config.pluginmanager.register(_AnnotateErrors(), "annotate_errors")
"""


@pytest.fixture
def step(project):
    """The environment of a step of GitHub Actions, with its files."""
    project.suite(SUITE)
    (project.path / "summary.md").write_text("of another command")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(project.path.parent),
        "GITHUB_STEP_SUMMARY": str(project.path / "summary.md"),
        "GITHUB_OUTPUT": str(project.path / "output"),
    }


def commands(outcome):
    return [line for line in outcome.output.splitlines() if line.startswith("::")]


def assert_valid(path):
    """The file is as the schema of xunit2 has it."""
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed")
    xmlschema.XMLSchema(str(SCHEMA)).validate(str(path))


def suite_of(project):
    (suite,) = ElementTree.parse(str(project.path / "junit.xml")).getroot().iter("testsuite")
    return {one.get("name"): one.get("value") for one in suite.find("properties")}


def test_a_step_gets_a_summary_annotations_and_outputs_and_the_suite_its_properties(project, step):
    outcome = project.run("-o", "junit_family=xunit2", "--junitxml=junit.xml", env=step)
    assert outcome.code == 1, outcome
    error, notice = commands(outcome)
    begins = (project.path / "test_it.py").read_text().splitlines().index("def test_broken(timed_inference):") + 1
    assert error.startswith(f"::error file=project/test_it.py,line={begins},title=not measured%3A test_broken::")
    assert notice.startswith("::notice file=project/test_it.py,line=")
    summary = (project.path / "summary.md").read_text()
    assert summary.startswith("of another command\n<!-- edgeperf:host -->\n### edgeperf on `host`: ")
    assert (project.path / "output").read_text() == "verdict=failed\nregressed=0\nfailed=1\ninconclusive=0\n"
    assert_valid(project.path / "junit.xml")
    suite = suite_of(project)
    assert (suite["edgeperf.device"], suite["edgeperf.verdict"], suite["edgeperf.new"]) == ("host", "failed", "1")
    assert suite["edgeperf.environment.software.python"] == ".".join(map(str, sys.version_info[:3]))
    assert all(case.find("properties") is None for case in project.testcases().values())


def test_it_can_be_turned_off_and_the_older_family_has_the_figures_at_the_tests_too(project, step):
    options = ("--edgeperf-github=off", "-o", "junit_family=xunit1", "--junitxml=junit.xml")
    outcome = project.run("-k", "named", *options, env=step)
    assert outcome.code == 0, outcome
    assert not commands(outcome)
    assert (project.path / "summary.md").read_text() == "of another command"
    assert not (project.path / "output").exists()
    (case,) = project.testcases().values()
    assert properties_of(case)["edgeperf.verdict"] == "new"
    assert suite_of(project)["edgeperf.verdict"] == "nothing_compared"


def test_a_failed_test_is_annotated_once_and_files_that_cannot_be_written_are_a_sentence_each(project, step):
    project.write("pytest_github_actions_annotate_failures/__init__.py", "")
    project.write("pytest_github_actions_annotate_failures/plugin.py", ANNOTATING)
    lost = {"GITHUB_STEP_SUMMARY": str(project.path / "no" / "summary.md"), "GITHUB_OUTPUT": str(project.path)}
    plugin = ("-p", "pytest_github_actions_annotate_failures.plugin")
    outcome = project.run("--baseline=off", *plugin, env={**step, **lost})
    assert outcome.code == 1, outcome
    assert not commands(outcome)
    first = (project.path / "annotated.txt").read_text().splitlines()[0]
    assert first.startswith("test_it.py::test_broken AssertionError: a wrong answer")
    assert "edgeperf: the summary of this step could not be written: [Errno 2]" in outcome
    assert "edgeperf: the outputs of this step could not be written: [Errno 21]" in outcome


def test_without_a_terminal_report_annotations_are_printed_as_well(project, step):
    outcome = project.run("-k", "broken", "--baseline=off", "-p", "no:terminal", env=step)
    assert len(commands(outcome)) == 1, outcome


@pytest.mark.slow
def test_under_xdist_the_controller_writes_what_its_workers_send(project, step):
    pytest.importorskip("xdist")
    project.suite("def test_killed(timed_inference):\n    os.kill(os.getpid(), 9)\n")
    options = ("-p", "xdist", "--dist=each", "--tx=popen", "-o", "junit_family=xunit2", "--junitxml=junit.xml")
    outcome = project.run("--baseline=off", *options, env=step)
    assert outcome.code == 1, outcome
    (error,) = commands(outcome)
    assert "SIGKILL" in error
    assert "<!-- edgeperf:host -->" in (project.path / "summary.md").read_text()
    assert (project.path / "output").read_text().startswith("verdict=failed\n")
    assert_valid(project.path / "junit.xml")
    assert suite_of(project)["edgeperf.gw0.verdict"] == "failed"
    (failure,) = (case.find("failure") for case in project.testcases().values())
    assert "SIGKILL" in failure.get("message")
    assert "\n" not in failure.get("message")

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_edgeperf.cli import main

from .conftest import REFRESH

pytestmark = pytest.mark.long

SUITE = """
@pytest.mark.parametrize("steps", [(300,), (60000,)])
def test_net(timed_inference, steps):
    timed_inference(work, steps[0])

@pytest.mark.parametrize("steps", [400])
def test_old(timed_inference, steps):
    timed_inference(work, steps)
"""
RENAME = ("test_it.py::test_old", "test_it.py::test_new")


def test_reordered_parameters_a_rename_and_a_benchmark_that_is_gone(project, monkeypatch):
    project.suite(SUITE)
    assert project.run(*REFRESH).code == 0
    before = project.baseline().benchmarks
    project.suite(SUITE.replace("(300,), (60000,)", "(60000,), (300,)").replace("test_old", "test_new"))

    outcome = project.run("--edgeperf-unbaselined=fail", "--junitxml=junit.xml")
    assert outcome.code == 11, outcome
    assert "missing (1): in the baseline, not measured now" in outcome
    assert "no longer collected; edgeperf baseline prune --missing-from RESULTS removes them test_old[400]" in outcome
    assert "probably renamed (1): test_old[400] -> test_new[400]: latency" in outcome
    assert f"edgeperf baseline rename {' '.join(RENAME)}" in outcome
    # The labels changed places; the values, of which one takes 200 times as long as the other, did not.
    assert set(project.verdicts().values()) <= {"unchanged", "inconclusive", "new"}
    assert "missing" not in project.run("-k", "net")

    monkeypatch.chdir(project.path)
    assert CliRunner().invoke(main, ["baseline", "rename", *RENAME]).exit_code == 0
    outcome = project.run("--baseline=refresh", "--edgeperf-reason=second", "-k", "net and steps1")
    assert outcome.code == 0, outcome
    after = project.baseline().benchmarks
    # The refresh of one value replaced its runs and left the other's, under the labels of now.
    assert after["test_it.py::test_net[steps0]"].runs == before["test_it.py::test_net[steps1]"].runs
    assert after["test_it.py::test_net[steps1]"].parameters == {"steps": [300]}
    assert {run.reason for run in after["test_it.py::test_net[steps1]"].runs} == {"second"}
    assert after["test_it.py::test_new[400]"].runs == before["test_it.py::test_old[400]"].runs
    outcome = project.run("--edgeperf-unbaselined=fail")
    assert outcome.code == 0, outcome

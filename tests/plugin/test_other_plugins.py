"""Sessions in which well-known plugins are installed and used."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.long

SUITE = """
def test_one(timed_inference):
    ran("one")
    timed_inference(work, 1000)

def test_two(timed_inference):
    ran("two")
    timed_inference(work, 1000)

def test_ordinary():
    ran("ordinary")
"""
MEASURE = "--baseline=off"


@pytest.fixture(autouse=True)
def _all_plugins(project):
    project.load_all_plugins()


def test_side_by_side_under_xdist_is_a_usage_error_and_ordinary_tests_run(project):
    pytest.importorskip("xdist")
    project.suite(SUITE)
    outcome = project.run(MEASURE, "-n2")
    assert outcome.code == 4, outcome
    assert "benchmarks cannot be measured side by side under pytest-xdist" in outcome
    assert project.ran_names() == ["ordinary"]


def test_each_device_under_xdist_measures(project):
    pytest.importorskip("xdist")
    project.suite(SUITE)
    outcome = project.run(MEASURE, "--dist=each", "--tx=popen", "--edgeperf-results=all.json")
    assert outcome.code == 0, outcome
    assert sorted(project.ran_names()) == ["one", "ordinary", "two"]
    assert (project.path / "all.json").exists()


@pytest.mark.thorough
def test_a_usage_error_of_a_device_under_xdist_keeps_its_reason(project):
    pytest.importorskip("xdist")
    project.suite(SUITE)
    (project.path / "baselines").mkdir()
    (project.path / "baselines" / "host.json").write_text("<<<<<<< HEAD\n")
    outcome = project.run("--dist=each", "--tx=popen")
    assert outcome.code == 4, outcome
    assert "unresolved merge conflict" in outcome
    assert "INTERNALERROR" not in outcome
    assert project.ran_names() == ["ordinary"]


@pytest.mark.thorough
def test_a_random_order_of_items_is_not_drawn_again_in_workers(project):
    pytest.importorskip("pytest_randomly")
    project.suite(SUITE)
    outcome = project.run("--baseline=off", "--randomly-seed=7", env={"PYTEST_ADDOPTS": ""})
    assert outcome.code == 0, outcome
    assert "3 passed" in outcome


@pytest.mark.thorough
def test_a_failing_benchmark_is_not_run_again_by_rerunfailures(project):
    pytest.importorskip("pytest_rerunfailures")
    project.suite("def test_one(timed_inference):\n    ran('one')\n    assert False\n")
    outcome = project.run(MEASURE, "--reruns=2")
    assert outcome.code == 1, outcome
    assert "1 failed" in outcome
    assert project.ran_names() == ["one"]


def test_the_timeout_of_a_test_is_not_that_of_its_rounds(project):
    pytest.importorskip("pytest_timeout")
    project.suite(SUITE)
    outcome = project.run(MEASURE, "--timeout=0.8", "--edgeperf-rounds=2")
    assert outcome.code == 0, outcome
    assert project.ran_names().count("one") == 2


def test_coverage_of_the_session_is_reported_and_workers_are_not_traced(project):
    pytest.importorskip("pytest_cov")
    project.suite(SUITE.replace('ran("one")', "import sys; assert sys.gettrace() is None, sys.gettrace()"))
    # pytest-cov combines every data file it finds, so also those of a suite that itself runs under coverage.
    own_data = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_FILE": str(project.path / "coverage")}
    outcome = project.run(MEASURE, "--cov=.", "--cov-report=term", env=own_data)
    assert outcome.code == 0, outcome
    assert "TOTAL" in outcome


def test_a_plugin_whose_summary_fails_hides_no_verdict(project):
    project.write("conftest.py", "def pytest_terminal_summary():\n    raise OSError('no disk')\n")
    project.suite(SUITE)
    outcome = project.run(short=False)
    assert "no disk" in outcome
    assert "\n2 new\n" in outcome

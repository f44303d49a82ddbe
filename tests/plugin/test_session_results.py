"""A conftest that reads what the session measured, and what it gets where nothing was."""

from __future__ import annotations

import pytest

SUITE = """
def test_work(timed_inference):
    timed_inference(work, 2000)
"""
CONFTEST = """
import pytest
from pytest_edgeperf import session_results

@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    measured = session_results(config)
    if measured is None:
        terminalreporter.write_line("nothing measured")
        return
    for name, benchmark in measured.benchmarks.items():
        terminalreporter.write_line(f"read {name}: {benchmark.runs[0].values['latency']['n'] > 0}, at the end")
"""


@pytest.fixture
def reading(project):
    project.suite(SUITE)
    project.write("conftest.py", CONFTEST)
    return project


def test_a_conftest_reads_the_sessions_runs_above_our_report(reading):
    outcome = reading.run("--baseline=off")
    assert outcome.code == 0, outcome
    text = outcome.output
    assert text.index("read test_it.py::test_work: True, at the end") < text.index("= edgeperf =")
    assert "nothing measured" not in outcome


@pytest.mark.parametrize("arguments", [("--edgeperf-in-process",), ("--collect-only",), ("-k", "nothing")])
def test_a_session_that_measures_nothing_has_no_results(reading, arguments):
    outcome = reading.run("--baseline=off", *arguments)
    assert "nothing measured" in outcome, outcome

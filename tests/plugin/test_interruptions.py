"""A test that is interrupted in its worker has no report of its own there, and must not pass for that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_edgeperf.measure.protocol import ExitCalled
from pytest_edgeperf.plugin.verdicts import exit_as_asked

#: Its sessions are traced for coverage.
TRACED = True

BROKEN = """
import _thread, pytest, time

@pytest.fixture
def interrupted():
    yield
    raise KeyboardInterrupt

def test_interrupted_in_its_body(timed_inference):
    timed_inference(work, 2000)
    _thread.interrupt_main()
    time.sleep(5)

def test_interrupted_in_its_teardown(timed_inference, interrupted):
    timed_inference(work, 2000)

def test_neighbour(timed_inference):
    timed_inference(work, 2000)
"""
EXITS = """
import pytest

@pytest.fixture
def board():
    pytest.exit("no board here", returncode=3)

def test_on_board(timed_inference, board):
    timed_inference(work, 2000)

def test_after(timed_inference):
    timed_inference(work, 2000)
"""


def test_an_interrupted_test_fails_and_the_session_goes_on(project):
    project.suite(BROKEN)
    outcome = project.run("--baseline=off")
    assert outcome.code == pytest.ExitCode.TESTS_FAILED, outcome
    assert "2 failed, 1 passed" in outcome
    assert outcome.output.count("- it was interrupted in its worker (KeyboardInterrupt)") == 2


def test_pytest_exit_ends_the_session_with_its_code(project):
    project.suite(EXITS)
    outcome = project.run("--baseline=off")
    assert outcome.code == 3, outcome
    assert "no board here" in outcome


@pytest.mark.parametrize(("code", "expected"), [(3, 3), (0, pytest.ExitCode.TESTS_FAILED), (None, None)])
def test_a_test_that_calls_pytest_exit_has_failed_whatever_its_code(code, expected):
    coordinator = SimpleNamespace(exit=ExitCalled("no board here", code))
    with pytest.raises(pytest.exit.Exception, match="no board here") as raised:
        exit_as_asked(SimpleNamespace(coordinator=coordinator))
    assert raised.value.returncode == expected

"""Whole sessions in which a function before the inference became slower: it is named with its file and line."""

from __future__ import annotations

import shutil

import pytest

from pytest_edgeperf import results
from tests.schedule.repositories import commit

from .conftest import REFRESH
from .duets import against

pytestmark = pytest.mark.long

#: No call of a function adds the time: it is that of the function itself.
STEPS = """
import calm

def normalise(image):
    calm.spent_ns += 300_000
    return image

def letterbox(image):
    calm.spent_ns += {rows_ns}
    return image

def preprocess(image):
    return letterbox(normalise(image))
"""
SUITE = """
import calm
from pytest_edgeperf.measure import function_times
from steps.image import preprocess

function_times.perf_counter_ns = function_times.thread_time_ns = calm.clock_ns

def infer(image):
    calm.spent_ns += 2_000_000

def test_camera(timed_inference):
    timed_inference(infer, "image", preprocess=preprocess)
"""
BEFORE, AFTER = STEPS.format(rows_ns=1_000_000), STEPS.format(rows_ns=1_300_000)
SHORT = ("--edgeperf-budget=0.1", "--edgeperf-explain=regressed")


def require_letterbox(project, outcome):
    assert outcome.code == 1, outcome
    (explanation,) = results.read(project.path / "now.json").explanations.values()
    (table,) = explanation.tables
    blamed = [(row.label, row.place) for row in table.rows if row.blamed]
    assert blamed == [("letterbox", "steps/image.py:8")], outcome
    assert 0.25 < explanation.loss_ms < 0.35


def test_a_slower_function_is_named_by_the_profile_that_was_accepted(project):
    project.write("steps/__init__.py", "")
    project.write("steps/image.py", BEFORE)
    project.suite(SUITE)
    first = project.run(*SHORT, "--edgeperf-rounds=5", *REFRESH, short=False)
    assert first.code == 0, first
    project.write("steps/image.py", AFTER)
    check = (*SHORT, "--edgeperf-rounds=3", "--edgeperf-max-rounds=3", "--edgeperf-results=now.json")
    require_letterbox(project, project.run(*check, short=False))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_slower_function_is_named_in_lock_step_with_another_commit(repository):
    repository.write("steps/__init__.py", "")
    commit(repository.path, **{"steps/__init__": "", "steps/image": BEFORE, "test_it": SUITE})
    repository.write("steps/image.py", AFTER)
    outcome = against(repository, *SHORT, "--edgeperf-max-rounds=4", "--edgeperf-results=now.json")
    require_letterbox(repository, outcome)

"""Engines that are built several times on each side: what differs from build to build is not taken for a change."""

from __future__ import annotations

import shutil

import pytest

from tests.schedule.repositories import commit, git

from .conftest import REFRESH, load_json
from .duets import ONE_LOOK, against

pytestmark = [pytest.mark.long, pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")]

#: An engine is 10 % slower in every other build, in the even ones of the one commit and the odd ones of the other.
ENGINE = """
import os

STEPS = 20000

def build(folder, version):
    slow = (int(os.environ["EDGEPERF_BUILD"]) + version) % 2
    (folder / "engine.txt").write_text(str(round(STEPS * (1.1 if slow else 1.0))))
"""
SUITE = """
import engine
from pytest_edgeperf.frameworks.building import built
from pytest_edgeperf.frameworks.interface import Model
from work import work

VERSION = 0

def test_net(timed_inference):
    made = built(
        "engine:build", Model("net", {}), "fp32", tools={"maker": "1"}, arguments={"version": VERSION}, source={}
    )
    timed_inference(work, int((made.folder / "engine.txt").read_text()))
"""


@pytest.fixture
def rebuilt(repository):
    commit(repository.path, test_it=SUITE, engine=ENGINE)
    repository.write("test_it.py", SUITE.replace("VERSION = 0", "VERSION = 1"))
    assert git(repository.path, "status", "--porcelain").split() == ["M", "test_it.py"]
    return repository


@pytest.mark.thorough
def test_one_build_is_taken_for_the_code_and_four_are_not(rebuilt):
    once = against(rebuilt, ONE_LOOK)
    assert once.code == 1, once
    assert rebuilt.verdicts() == {"test_net": "regressed"}
    several = against(rebuilt, ONE_LOOK, "--edgeperf-builds=4", "--edgeperf-results=now.json")
    assert several.code == 0, several
    stored = load_json(rebuilt.path / "now.json")["against"]["benchmarks"]["test_it.py::test_net"]
    assert [pair["build"] for pair in stored] == [0, 1, 2, 3]
    assert [pair["log_ratio"] > 0 for pair in stored] == [True, False, True, False]


def test_a_slowdown_of_all_builds_fails_and_says_how_many_there_were(rebuilt):
    rebuilt.write("engine.py", ENGINE.replace("20000", "30000"))
    outcome = against(rebuilt, ONE_LOOK, "--edgeperf-builds=4")
    assert outcome.code == 1, outcome
    assert "4 pairs of 4 builds on each side in lock-step" in outcome


#: Engines of the version that is built now are slower by its share, and of every second build by 10 %.
STORED = """
import os

import pytest
from pytest_edgeperf.frameworks.building import built
from pytest_edgeperf.frameworks.interface import Model

SHARE = float(os.environ.get("SHARE", "1"))

@pytest.mark.timed_inference(builds=4)
def test_net(timed_inference):
    asked = {"version": 0, "share": SHARE}
    made = built("engine:build", Model("net", {}), "fp32", tools={"maker": "1"}, arguments=asked, source={})
    timed_inference(work, int((made.folder / "engine.txt").read_text()))
"""


def test_stored_runs_take_turns_among_builds_and_a_check_compares_their_means(project):
    project.suite(STORED)
    slower = ENGINE.replace("version):", "version, share):").replace("STEPS * (", "STEPS * share * (")
    project.write("engine.py", slower)
    accepted = project.run(*REFRESH, "--edgeperf-rounds=8")
    assert accepted.code == 0, accepted
    (known,) = project.baseline().benchmarks.values()
    assert [run.quality["build"] for run in known.runs] == [0, 1, 2, 3] * 2
    unchanged = project.run("--edgeperf-rounds=4", "--edgeperf-max-rounds=4", "--junitxml=junit.xml")
    assert unchanged.code == 0, unchanged
    twice = project.run("--edgeperf-rounds=4", "--edgeperf-max-rounds=4", env={"SHARE": "3"})
    assert twice.code == 1, twice
    assert "Builds of the engine scatter by" in twice
    assert "; 4 in 4 runs" in twice
    assert "against 4 in 8" in twice

"""Accuracies in whole sessions: recorded in workers, kept in baselines, compared in pairs, failing their test."""

from __future__ import annotations

import json

import pytest

from pytest_edgeperf.results.example_answers import answers_of

from .conftest import REFRESH, WORK
from .duets import ONE_LOOK, against, commit, turn_into_repository

SUITE = """
import json
import pathlib

ANSWERS = json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())

@pytest.mark.parametrize("network", sorted(ANSWERS))
def test_network(timed_inference, network):
    right = ANSWERS[network]
    timed_inference(work, 20_000)
    assert timed_inference.accuracy("top1", [bool(answer) for answer in right]) == 100 * sum(right) / len(right)
"""
RIGHT = [1] * 427 + [0] * 23


def worse(lost, won=0):
    return [0] * lost + RIGHT[lost : 450 - won] + [1] * won


@pytest.fixture
def session(project):
    def run(answers, *options):
        project.suite(SUITE)
        project.write("answers.json", json.dumps(answers))
        return project.run(*options)

    return run


def test_an_accuracy_that_fell_fails_its_test_and_the_same_one_passes(project, session):
    outcome = session({"a": RIGHT, "b": RIGHT}, *REFRESH)
    assert outcome.code == 0, outcome
    assert "top1, %" in outcome
    baseline = project.baseline()
    stored = next(benchmark for name, benchmark in baseline.benchmarks.items() if "[a]" in name)
    assert stored.metrics["top1"].margin == 0.5
    assert all(answers_of(run.values["top1"]).values.tolist() == list(map(bool, RIGHT)) for run in stored.runs)

    outcome = session({"a": RIGHT, "b": worse(30, 2)}, "--junitxml=out.xml")
    assert outcome.code == 1, outcome
    assert "top1 94.9 -> 88.7 %, -6.2 points" in outcome
    assert "30 of 450 examples lost, 2 won; margin 0.5 points" in outcome
    failed = {name: case.find("failure") is not None for name, case in project.testcases("out.xml").items()}
    assert failed == {"test_network[a]": False, "test_network[b]": True}


def test_other_examples_are_not_compared_and_a_refresh_says_what_it_makes_worse(session):
    session({"a": RIGHT}, *REFRESH)
    outcome = session({"a": RIGHT[:400]})
    assert outcome.code == 0, outcome
    assert "were given different examples" in outcome
    outcome = session({"a": worse(40)}, *REFRESH)
    assert outcome.code == 0, outcome
    assert "40 of 450 examples lost, 0 won" in outcome


def test_values_that_are_no_accuracy_fail_the_body_in_one_sentence(session):
    outcome = session({"a": []}, "--baseline=off")
    assert outcome.code == 1, outcome
    assert "top1: an accuracy needs one value per example" in outcome


@pytest.mark.thorough
@pytest.mark.long
def test_in_lock_step_they_are_compared_too(project):
    repository = turn_into_repository(project)
    suite = WORK + SUITE.replace(SUITE[SUITE.index("ANSWERS = ") : SUITE.index("@pytest")], "ANSWERS = {}\n\n", 1)
    commit(repository.path, test_it=suite.replace("{}", repr({"a": RIGHT, "b": RIGHT})))
    (repository.path / "test_it.py").write_text(suite.replace("{}", repr({"a": RIGHT, "b": worse(30, 2)})))
    outcome = against(repository, ONE_LOOK)
    assert outcome.code == 1, outcome
    assert "30 of 450 examples lost, 2 won; margin 0.5 points" in outcome
    failed = {name: case.find("failure") is not None for name, case in project.testcases().items()}
    assert failed == {"test_network[a]": False, "test_network[b]": True}

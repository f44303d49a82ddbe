"""What a session says to type next, typed."""

from __future__ import annotations

import json
import shlex

import pytest


def steps(project):
    """Purpose -> pytest's arguments, of the session's report."""
    report = json.loads((project.path / "report.json").read_text())
    commands = {step["purpose"]: shlex.split(step["command"]) for step in report["next_steps"]}
    starts = {
        purpose: next(at for at, word in enumerate(words) if word.endswith("pytest"))
        for purpose, words in commands.items()
    }
    return report["verdict"], {purpose: words[starts[purpose] + 1 :] for purpose, words in commands.items()}


def test_the_first_baseline_is_made_as_the_session_says(project):
    project.suite("def test_a(timed_inference):\n    timed_inference(work, 300)\n")
    project.write("pytest.ini", "[pytest]\nedgeperf_rounds = 2\n")
    outcome = project.run("--edgeperf-report=report.json", "--edgeperf-baseline-dir", "of all boards")
    verdict, commands = steps(project)
    assert (outcome.code, verdict, list(commands)) == (0, "nothing_compared", ["first baseline"])
    assert "next, first baseline: " in outcome
    assert not any("report" in word for word in commands["first baseline"])
    outcome = project.run(*commands["first baseline"], "--edgeperf-report=report.json", short=False)
    assert outcome.code == 0, outcome
    assert (project.path / "of all boards" / "host.json").exists()
    assert steps(project) == ("accepted", {})


@pytest.mark.thorough
def test_what_got_worse_is_accepted_by_itself(accepted):
    accepted.write("pytest.ini", "[pytest]\nedgeperf_rounds = 5\n")
    slow = {"CHANGING": "1.5", "TOLERANT": "1.5"}
    given = ("test_it.py", "--edgeperf-budget=0.15", "--edgeperf-report=report.json")
    outcome = accepted.run(*given, short=False, env=slow)
    verdict, commands = steps(accepted)
    assert (outcome.code, verdict) == (1, "regressed"), outcome
    before = accepted.baseline().benchmarks
    outcome = accepted.run(*commands["accept"], short=False, env=slow)
    assert outcome.code == 0, outcome
    changed = {name for name, benchmark in accepted.baseline().benchmarks.items() if benchmark != before[name]}
    assert changed == {"test_it.py::test_changing"}
    reasons = {run.reason for run in accepted.baseline().benchmarks["test_it.py::test_changing"].runs}
    assert reasons == {"WHY"}

"""Sessions after sessions: failures first, interrupted ones resumed, two at once."""

from __future__ import annotations

import json
import shlex
import signal
import time

import pytest

from pytest_edgeperf import results

pytestmark = pytest.mark.long

SUITE = """
def test_good(timed_inference):
    ran("good")
    timed_inference(work, 1000)

def test_bad(timed_inference):
    ran("bad")
    assert not pathlib.Path("broken").exists()
    timed_inference(work, 1000)

def test_worse(timed_inference):
    ran("worse")
    assert not pathlib.Path("broken").exists()
    timed_inference(work, 1000)
"""


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.thorough
def test_last_failed_and_failed_first_know_failed_benchmarks(project):
    project.suite(SUITE)
    project.write("broken", "")
    assert project.run("--baseline=off").code == 1
    project.write("ran.txt", "")
    assert project.run("--baseline=off", "--lf").code == 1
    assert sorted(project.ran_names()) == ["bad", "worse"]
    first = project.run("--baseline=off", "--ff", "-v")
    assert first.output.index("::test_bad") < first.output.index("::test_good")


@pytest.mark.thorough
def test_maxfail_stops_measuring_when_so_many_are_broken(project):
    project.suite(SUITE)
    project.write("broken", "")
    outcome = project.run("--baseline=off", "--maxfail=2", "--edgeperf-rounds=3")
    assert outcome.code == 1, outcome
    assert "stopping after 2 failures" in outcome
    assert project.ran_names().count("good") <= 1


def test_output_is_shown_with_dash_s_and_not_without(project):
    project.suite("def test_one(timed_inference):\n    print('said in ' + 'a worker')\n    timed_inference(work, 9)\n")
    assert "said in a worker" in project.run("--baseline=off", "-s")
    assert "said in a worker" not in project.run("--baseline=off")


def test_an_interrupted_session_is_resumed_with_every_run_it_had(project):
    project.suite(SUITE)
    arguments = ("--baseline=refresh", "--edgeperf-reason=first", "--edgeperf-rounds=4")
    arguments += ("--edgeperf-results=so-far.json", "--edgeperf-report=report.md", "--edgeperf-report=report.json")
    project.write("report.md", "of an earlier session")
    with project.start(*arguments) as process:
        wait_until(lambda: len(project.ran()) >= 4)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    said = " ".join(output.split())
    assert "the session was interrupted: add --edgeperf-resume to continue with the runs measured so far" in said
    assert "next, resume: " in said
    assert "runs measured so far, for --edgeperf-resume: " in said
    assert results.read(project.path / "so-far.json").benchmarks
    assert "report of an earlier session: " in output
    assert not (project.path / "report.md").exists()
    assert (project.path / "report.md.previous").read_text() == "of an earlier session"
    report = json.loads((project.path / "report.json").read_text())
    assert (report["verdict"], report["exit_code"]) == ("interrupted", 2)
    (step,) = report["next_steps"]
    assert step["purpose"] == "resume"
    assert shlex.split(step["command"])[-len(arguments) - 1 :] == [*arguments, "--edgeperf-resume"]
    assert not project.baseline_path.exists()
    before = len(project.ran())
    outcome = project.run(*arguments, "--edgeperf-resume")
    assert outcome.code == 0, outcome
    assert "resumed session" in outcome
    assert len(project.ran()) - before <= 12 - (before - 1)
    assert [len(benchmark.runs) for benchmark in project.baseline().benchmarks.values()] == [4, 4, 4]


def kill_after(project, runs, *arguments):
    """Kill a session once so many runs are in its journal."""
    with project.start(*arguments) as process:
        wait_until(lambda: len(journalled(project)) > runs, 180)
        process.kill()
        process.communicate(timeout=60)


def journalled(project):
    return [line for path in (project.path / "cache" / "journals").glob("*.jsonl") for line in path.open()]


@pytest.mark.thorough
def test_what_is_not_selected_when_going_on_is_kept_for_later(project):
    project.suite(SUITE)
    arguments = ("--baseline=off", "--edgeperf-rounds=2")
    kill_after(project, 3, *arguments)
    outcome = project.run(*arguments, "--edgeperf-resume", "-k", "good")
    assert outcome.code == 0, outcome
    assert "runs of benchmarks that this session did not select are kept in" in outcome
    before = len(project.ran())
    outcome = project.run(*arguments, "--edgeperf-resume", "-k", "not good")
    assert outcome.code == 0, outcome
    assert "resumed session" in outcome
    assert len(project.ran()) - before <= 2
    assert journalled(project) == []


@pytest.mark.thorough
def test_other_code_does_not_go_on_with_the_runs_of_the_code_before(project):
    project.suite(SUITE)
    arguments = ("--baseline=off", "--edgeperf-rounds=2")
    kill_after(project, 1, *arguments)
    project.suite(SUITE.replace("work, 1000", "work, 9"))
    outcome = project.run(*arguments, "--edgeperf-resume", "-k", "good")
    assert outcome.code == 0, outcome
    assert "differs in the project's source files, and its runs are kept in" in outcome
    assert project.ran_names().count("good") >= 2


def test_with_nothing_to_resume_it_says_so_and_measures(project):
    project.suite(SUITE)
    outcome = project.run("--baseline=off", "--edgeperf-resume")
    assert outcome.code == 0, outcome
    assert "no unfinished session" in outcome


@pytest.mark.thorough
def test_other_settings_than_the_interrupted_sessions_do_not_resume_it(project):
    project.suite(SUITE)
    with project.start("--baseline=off", "--edgeperf-rounds=4") as process:
        wait_until(lambda: len(project.ran()) >= 2)
        process.kill()
        process.communicate(timeout=60)
    outcome = project.run("--baseline=off", "--edgeperf-resume", "--edgeperf-budget=0.03")
    assert outcome.code == 0, outcome
    assert "no unfinished session" in outcome


def test_the_second_of_two_sessions_says_who_holds_the_device(project):
    project.suite("def test_one(timed_inference):\n    ran('one')\n    import time; time.sleep(60)\n")
    with project.start("--baseline=off") as first:
        wait_until(lambda: project.ran())
        second = project.run("--baseline=off")
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    assert second.code == 4, second
    assert f"another session is measuring on this machine (process {first.pid} of" in second

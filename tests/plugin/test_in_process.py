from __future__ import annotations

#: Its sessions are traced for coverage.
TRACED = True

BODY = """
def test_one(timed_inference):
    ran("one")
    assert timed_inference(work, 1000).latency_ms > 0

def test_broken(timed_inference):
    secret = 41 + 1
    assert secret == 0
"""


def test_in_process_runs_each_body_once_in_the_session_and_compares_nothing(project):
    project.suite(BODY)
    with project.start("-k", "one", "--edgeperf-in-process", "--junitxml=junit.xml") as session:
        output, _ = session.communicate(timeout=120)
    assert session.returncode == 0, output
    assert project.ran() == [("one", session.pid)]
    assert project.verdicts() == {"test_one": None}
    assert not project.baseline_path.exists()


def test_pdb_needs_in_process_and_says_so(project):
    project.suite(BODY)
    outcome = project.run("--pdb")
    assert outcome.code == 4, outcome
    assert "add --edgeperf-in-process" in outcome
    assert project.ran() == []


def test_pdb_stops_in_the_body_in_process(project):
    project.suite(BODY)
    outcome = project.run("-k", "broken", "--pdb", "--edgeperf-in-process", typed="p secret\nq\n")
    assert outcome.code == 2, outcome
    assert "(Pdb) 42" in outcome


def test_pdb_without_benchmarks_is_pytests_own(project):
    project.suite("def test_ordinary():\n    ran('ordinary')\n")
    assert project.run("--pdb").code == 0
    assert project.ran_names() == ["ordinary"]

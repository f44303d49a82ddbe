from __future__ import annotations

import os
import signal
import time

import pytest

from pytest_edgeperf import results

from ..faults.processes import alive
from .conftest import REFRESH

TWO = """
@pytest.mark.parametrize("name", ["a", "b"])
def test_one(timed_inference, name):
    ran(name)
    timed_inference(work, 1000)

def test_ordinary():
    ran("ordinary")
"""


def test_collect_only_measures_nothing(project):
    project.suite(TWO)
    outcome = project.run("--collect-only")
    assert outcome.code == 0, outcome
    assert project.ran() == []


def test_collection_errors_measure_nothing(project):
    project.suite(TWO)
    project.write("test_bad.py", "import nothing_of_that_name\n")
    outcome = project.run()
    assert outcome.code == 2, outcome
    assert project.ran() == []


def test_no_tests_is_pytests_own_exit_code(project):
    project.suite("")
    assert project.run().code == 5


def test_one_killed_body_fails_with_the_reason_and_others_are_measured(project):
    project.suite(TWO + "\ndef test_killed(timed_inference):\n    os.kill(os.getpid(), 9)\n")
    outcome = project.run("--junitxml=junit.xml", "--edgeperf-results=now.json")
    assert outcome.code == 1, outcome
    cases = project.testcases()
    assert [name for name, case in cases.items() if case.find("failure") is not None] == ["test_killed"]
    assert "SIGKILL" in cases["test_killed"].find("failure").get("message")
    assert len(results.read(project.path / "now.json").benchmarks) == 2


def test_dash_x_stops_at_the_first_broken_body(project):
    project.suite(
        """
@pytest.mark.parametrize("name", range(4))
def test_broken(timed_inference, name):
    ran(f"broken {name}")
    assert False
"""
    )
    outcome = project.run("-x")
    assert outcome.code == 1, outcome
    assert len(project.ran()) == 1


def test_a_broken_body_is_measured_once_and_reported_as_it_failed(project):
    project.suite("def test_broken(timed_inference):\n    ran('broken')\n    assert 1 + 1 == 3\n")
    outcome = project.run("--edgeperf-rounds=3")
    assert outcome.code == 1, outcome
    assert project.ran_names() == ["broken"]
    assert "assert (1 + 1) == 3" in outcome
    # pytest's list of failed tests would push the report's answers off the screen.
    assert outcome.output.index("= short test summary info =") < outcome.output.index("= edgeperf =")
    assert "1 failed" in outcome.output.splitlines()[-1]


def test_dash_k_measures_only_what_is_selected(project):
    project.suite(TWO)
    assert project.run("-k", "b").code == 0
    assert project.ran_names() == ["b"]


def test_switched_off_the_plugin_is_gone(project):
    project.suite("def test_ordinary():\n    ran('ordinary')\n")
    outcome = project.run("-p", "no:edgeperf", "-p", "no:calm", short=False)
    assert outcome.code == 0, outcome
    assert project.ran_names() == ["ordinary"]
    unknown = project.run("-p", "no:edgeperf", "-p", "no:calm", "--baseline=check", short=False)
    assert unknown.code == 4, unknown


def test_installed_but_unused_the_plugin_says_nothing(project):
    project.suite("def test_ordinary():\n    pass\n")
    outcome = project.run()
    assert outcome.code == 0, outcome
    assert "= edgeperf =" not in outcome.output
    assert "measuring" not in outcome.output


@pytest.mark.parametrize("flag", ["-qq", "-vv", "-s"])
def test_the_report_comes_in_every_verbosity(project, flag):
    project.suite("def test_one(timed_inference):\n    timed_inference(work, 1000)\n")
    outcome = project.run(flag)
    assert outcome.code == 0, outcome
    assert "1 new" in outcome


def test_skips_and_expected_failures_of_workers_are_pytests_own(project):
    project.suite(
        """
def test_skipped(timed_inference):
    pytest.skip("no camera")

@pytest.mark.xfail(reason="known")
def test_expected(timed_inference):
    assert False

@pytest.mark.skip(reason="never")
def test_never(timed_inference):
    ran("never")
"""
    )
    outcome = project.run("-rsx")
    assert outcome.code == 0, outcome
    assert "2 skipped, 1 xfailed" in outcome
    assert "no camera" in outcome
    assert project.ran() == []


def test_interrupted_it_leaves_no_worker_and_names_the_journal(project):
    project.suite(
        """
import time

def test_quick(timed_inference):
    timed_inference(work, 1000)
    ran("quick")

def test_slow(timed_inference):
    ran("slow")
    time.sleep(120)
"""
    )
    with project.start("--edgeperf-rounds=2", start_new_session=True) as session:
        deadline = time.monotonic() + 60
        while "slow" not in project.ran_names():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        session.send_signal(signal.SIGINT)
        output, _ = session.communicate(timeout=60)
    assert session.returncode == 2, output
    workers = [pid for name, pid in project.ran() if name == "slow"]
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    journals = list((project.path / "cache" / "journals").glob("*.jsonl"))
    assert len(journals) == 1
    # Their order is drawn: where the slow one came first, nothing was measured that could be gone on with.
    assert (str(journals[0]) in output) is ("quick" in project.ran_names())


def test_a_finished_session_leaves_no_journal(project):
    project.suite(TWO)
    assert project.run("-k", "a").code == 0
    assert list((project.path / "cache" / "journals").iterdir()) == []
    assert oct(os.stat(str(project.path / "cache")).st_mode & 0o777) == "0o700"


def test_results_are_written_where_they_are_asked_for(project):
    project.suite(TWO)
    outcome = project.run("-k", "test_one", "--edgeperf-results=one.json", "--edgeperf-results=deep/two.json")
    assert outcome.code == 0, outcome
    for name in ("one.json", "deep/two.json"):
        written = results.read(project.path / name)
        assert set(written.benchmarks) == {"test_it.py::test_one[a]", "test_it.py::test_one[b]"}
        assert written.benchmarks["test_it.py::test_one[a]"].parameters == {"name": "a"}


def test_a_read_only_checkout_without_home_is_measured_and_only_a_refresh_fails(project):
    project.suite("def test_one(timed_inference):\n    timed_inference(work, 1000)\n")
    # A file in the way stands for a folder that cannot be written: root may write anywhere.
    (project.path / "baselines").write_text("")
    homeless = {"HOME": "/proc/nowhere", "EDGEPERF_CACHE_DIR": "/proc/nowhere", "TMPDIR": str(project.path)}
    homeless["XDG_CACHE_HOME"] = "/proc/nowhere"
    outcome = project.run("-p", "no:cacheprovider", env=homeless)
    assert outcome.code == 0, outcome
    assert str(project.path / "edgeperf-") in outcome
    refreshed = project.run("-p", "no:cacheprovider", *REFRESH, env=homeless)
    assert refreshed.code == 4, refreshed
    errors = [line for line in refreshed.output.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert "cannot be written" in errors[0]
    assert "Traceback" not in refreshed.output


def test_a_runtime_that_collecting_imports_is_told(project):
    project.write("torch.py", "")
    project.suite("import torch\n\ndef test_one(timed_inference):\n    timed_inference(work, 1000)\n")
    outcome = project.run("--baseline=off")
    assert outcome.code == 0, outcome
    assert "collecting the tests imported torch" in outcome
    project.suite("def test_one(timed_inference):\n    import torch\n    timed_inference(work, 1000)\n")
    assert "collecting the tests imported" not in project.run("--baseline=off")


def test_a_worker_imports_nothing_heavy_of_its_own(project):
    project.suite(
        """
import sys

def test_plain(timed_inference):
    timed_inference(work, 1000)
    loaded = {"numpy", "scipy", "torch", "onnxruntime"} & set(sys.modules)
    assert not loaded, loaded
"""
    )
    outcome = project.run()
    assert outcome.code == 0, outcome

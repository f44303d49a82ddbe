"""One session of benchmarks that break in every way, between neighbours that do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from ..plugin.conftest import own_plugins
from ..sessions import PLUGIN_ALONE
from .processes import gone_in_time

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals and limits are Linux's"),
]

BODIES = """
import ctypes
import os
import resource
import signal
import sys
import time

import pytest


def work():
    sum(range(500))


def test_first_neighbour(timed_inference):
    timed_inference(work)


def test_killed(timed_inference):
    print("said before the kill")
    os.kill(os.getpid(), signal.SIGKILL)


def test_killed_while_timed(timed_inference):
    calls = []

    def target():
        calls.append(None)
        if len(calls) == 2000:
            sys.stderr.write("said in the loop\\n")
            os.kill(os.getpid(), signal.SIGKILL)

    timed_inference(target)


def test_left(timed_inference):
    os.write(1, b"said before it left\\n")
    os._exit(3)


def test_crashed(timed_inference):
    print("said before the crash")
    ctypes.string_at(0)


@pytest.mark.timed_inference(timeout=4)
def test_hung(timed_inference):
    print("said before the hang")
    time.sleep(600)


def test_child_holds_the_channel(timed_inference):
    child = os.fork()
    if child == 0:
        time.sleep(600)
    with open("child.pid", "w") as file:
        file.write(str(child))
    print("said by the parent")
    sys.stdout.flush()
    os._exit(5)


def test_body_raises(timed_inference):
    print("said before the exception")
    raise ZeroDivisionError("in the body")


@pytest.fixture
def broken_setup():
    print("said in the setup")
    raise KeyError("in the setup")


def test_setup_raises(broken_setup, timed_inference):
    timed_inference(work)


@pytest.fixture
def broken_teardown():
    yield
    print("said in the teardown")
    raise LookupError("in the teardown")


def test_teardown_raises(broken_teardown, timed_inference):
    timed_inference(work)


def test_raises_after_measuring(timed_inference):
    timed_inference(work)
    assert 1 == 2, "after the measurement"


def test_wrong_answer(timed_inference):
    timed_inference(work, check=lambda result: result == 5)


def test_out_of_address_space(timed_inference):
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    bytearray(4 << 30)


def test_skipped_in_body(timed_inference):
    pytest.skip("not on this board")


def test_xfailed_in_body(timed_inference):
    pytest.xfail("known to be wrong")


@pytest.mark.xfail(reason="known to raise")
def test_marked_xfail(timed_inference):
    raise ValueError("as expected")


def test_measures_nothing(timed_inference):
    print("nothing is called")


def test_last_neighbour(timed_inference):
    timed_inference(work)
"""


class Session:
    """What the session printed, what JUnit says of each benchmark, and the results file."""

    def __init__(self, folder):
        (folder / "test_bodies.py").write_text(BODIES)
        (folder / "pytest.ini").write_text("[pytest]\n")
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", *own_plugins(folder, forked=False), "-p", "no:cacheprovider",
                "--baseline=off", "--edgeperf-rounds=1",
                "--edgeperf-cpus=off",
                "--edgeperf-budget=0.05", "--edgeperf-results=results.json", "--junitxml=junit.xml",
            ],
            cwd=folder,
            env={
                **os.environ,
                **PLUGIN_ALONE,
                "EDGEPERF_CACHE_DIR": str(folder / "cache"),
                "EDGEPERF_LOCK_DIR": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )  # fmt: skip
        self.folder = folder
        self.status, self.output = done.returncode, done.stdout
        self.cases = {}
        for case in ElementTree.parse(str(folder / "junit.xml")).iter("testcase"):
            self.cases.setdefault(case.get("name"), []).append(case)
        self.results = json.loads((folder / "results.json").read_text())

    def outcomes(self, name):
        messages = [(child.tag, child.get("message")) for case in self.cases[name] for child in case]
        return [(tag, message) for tag, message in messages if tag in ("failure", "error", "skipped")]

    def text(self, name):
        """What stands under the benchmark's heading among the failures and errors."""
        parts = []
        for heading in (f" {name} _", f" of {name} _"):
            if heading in self.output:
                rest = self.output.split(heading, 1)[1].split("\n", 1)[1]
                end = min(position for position in (rest.find("\n_____"), rest.find("\n=====")) if position >= 0)
                parts.append(rest[:end])
        return "\n".join(parts)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return Session(tmp_path_factory.mktemp("bodies"))


@pytest.mark.parametrize("name", ["test_first_neighbour", "test_last_neighbour"])
def test_neighbours_are_measured(session, name):
    assert session.outcomes(name) == []
    assert session.results["benchmarks"][f"test_bodies.py::{name}"]["runs"]


def test_the_session_comes_to_its_end_and_fails(session):
    assert session.status == pytest.ExitCode.TESTS_FAILED, session.output
    assert "INTERNALERROR" not in session.output
    assert len(session.cases) == BODIES.count("\ndef test_")


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("test_killed", "killed by SIGKILL from outside", "said before the kill"),
        ("test_killed_while_timed", "killed by SIGKILL from outside", "said in the loop"),
        ("test_left", "ended with exit status 3 in the middle", "said before it left"),
        ("test_crashed", "crashed with SIGSEGV", "said before the crash"),
        ("test_hung", "hung: not finished after 4 s", "said before the hang"),
        ("test_child_holds_the_channel", "ended with exit status 5 in the middle", "said by the parent"),
        ("test_body_raises", "ZeroDivisionError: in the body", "said before the exception"),
        ("test_raises_after_measuring", "after the measurement", None),
        ("test_wrong_answer", "OutputMismatch", None),
        ("test_out_of_address_space", "MemoryError", None),
        ("test_measures_nothing", "measured nothing", "nothing is called"),
    ],
)
def test_a_broken_body_fails_with_its_reason_and_its_output(session, name, reason, said):
    ((tag, message),) = session.outcomes(name)
    assert tag == "failure"
    assert reason in message
    text = session.text(name)
    assert reason in text
    assert said is None or said in text


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("test_setup_raises", "in the setup", "said in the setup"),
        ("test_teardown_raises", "in the teardown", "said in the teardown"),
    ],
)
def test_a_broken_fixture_is_an_error(session, name, reason, said):
    ((tag, message),) = session.outcomes(name)
    assert tag == "error"
    assert reason in message
    assert said in session.text(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_skipped_in_body", "not on this board"),
        ("test_xfailed_in_body", "known to be wrong"),
        ("test_marked_xfail", "known to raise"),
    ],
)
def test_what_is_skipped_or_expected_to_fail_is_no_failure(session, name, reason):
    ((tag, message),) = session.outcomes(name)
    assert tag == "skipped"
    assert reason in message


def test_only_what_was_measured_whole_is_in_the_results(session):
    names = {id.partition("::")[2] for id in session.results["benchmarks"]}
    assert names == {"test_first_neighbour", "test_last_neighbour"}


def test_what_a_dead_worker_left_behind_is_killed(session):
    assert gone_in_time(int((session.folder / "child.pid").read_text()))

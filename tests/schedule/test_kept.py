"""What is started for a session ends with it, whoever ends it and however it was hidden."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from pytest_edgeperf.schedule.worker import keeper, kept
from pytest_edgeperf.schedule.worker.kept import Kept

from ..faults.processes import alive, gone_in_time, wait_for

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promises are Linux's")

#: A program that starts a child in each way that it could escape by, writes their ids, and does what it is told.
HIDES = """
import os, subprocess, sys, time

def note(pid):
    with open("pids.tmp", "a") as file:
        file.write(f"{pid}\\n")

note(os.getpid())
note(subprocess.Popen(["sleep", "300"]).pid)
note(subprocess.Popen(["sleep", "300"], start_new_session=True, env={}).pid)
if not os.fork():
    os.setsid()
    if not os.fork():
        note(os.getpid())
        os.execve("/bin/sleep", ["sleep", "300"], {})
    os._exit(0)
os.wait()
while open("pids.tmp").read().count("\\n") < 4:
    time.sleep(0.01)
os.rename("pids.tmp", "pids")
"""
KEEPS = """
import sys, time
from pytest_edgeperf.schedule.worker.kept import Kept
program = Kept([sys.executable, "-I", "-S", "-c", sys.argv[1] + "time.sleep(300)"])
time.sleep(300)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def python(code):
    return [sys.executable, "-I", "-S", "-c", code]


def pids_in(folder):
    return [int(line) for line in wait_for(folder / "pids").split()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_of_a_program_whose_asker_is_killed(folder, number):
    with subprocess.Popen([sys.executable, "-c", KEEPS, HIDES]) as asker:
        pids = pids_in(folder)
        assert len(pids) == 4
        assert all(map(alive, pids))
        asker.send_signal(number)
    assert all(map(gone_in_time, pids))


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 11)", -11)])
def test_a_program_that_ends_takes_its_children_along_and_its_end_is_told(folder, ending, code):
    program = Kept(python(HIDES + ending))
    assert program.wait(60) == code
    assert not any(map(alive, pids_in(folder)))
    program.kill()
    assert program.poll() == code


def test_a_program_that_is_killed_takes_its_children_along(folder):
    program = Kept(python(HIDES + "time.sleep(300)"))
    pids = pids_in(folder)
    program.kill()
    assert not any(map(alive, pids))
    assert program.poll() == -signal.SIGKILL


def test_a_program_that_stops_itself_and_its_children_is_killed_all_the_same(folder):
    program = Kept(python(HIDES + "os.killpg(0, 19)"))
    pids = pids_in(folder)
    program.kill()
    assert not any(map(alive, pids))


def test_stops_of_a_program_are_told_with_their_times():
    program = Kept(["sleep", "300"])
    try:
        before = time.monotonic()
        os.kill(program.pid, signal.SIGSTOP)
        while not program.stops():
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(program.pid, signal.SIGCONT)
        # A stop that lasts ends now, whenever one asks.
        while program.stops() != program.stops():
            time.sleep(0.01)
        ((begin_s, end_s),) = program.stops()
        assert before <= begin_s <= end_s - 0.1 < end_s <= time.monotonic()
    finally:
        program.kill()
    assert len(program.stops()) == 1


def test_what_cannot_be_started_says_so():
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        Kept(["no-such-program"])
    with pytest.raises(PermissionError):
        Kept(["/"])


def test_descriptors_are_for_the_program_alone():
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            words = python(f"import socket; socket.socket(fileno={theirs.fileno()}).sendall(b'here')")
            program = Kept(words, pass_fds=[theirs.fileno()])
        ours.settimeout(30)
        assert ours.recv(100) == b"here"
        assert ours.recv(100) == b""
    assert program.wait(30) == 0
    program.kill()


def test_an_order_travels_whatever_its_words_hold(tmp_path):
    words = ["a", "", "two\nlines", "päth", "x" * 200_000, "\udcff"]
    path = tmp_path / "order"
    path.write_bytes(keeper.order(words, [7, 2000]))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert keeper.read_order(descriptor) == (words, [7, 2000])
        assert keeper.read_order(descriptor) is None
    finally:
        os.close(descriptor)


def run(words, timeout_s=60.0):
    return kept.run(words, folder=".", variables=dict(os.environ), timeout_s=timeout_s)


def test_signals_are_as_programs_find_them_everywhere():
    words = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    usual = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert run(words) == (0, usual)


def test_a_run_tells_status_and_all_output_and_does_not_wait_for_what_is_left_behind(folder):
    began = time.monotonic()
    assert run(["sh", "-c", "echo out; echo err >&2; sleep 300 & echo $! > child; exit 4"]) == (4, "out\nerr\n")
    assert time.monotonic() - began < 30
    assert not alive(int((folder / "child").read_text()))


def test_a_run_that_takes_too_long_is_killed_with_what_it_said():
    assert run(["sh", "-c", "echo begun; sleep 300"], timeout_s=0.5) == (None, "begun\n")


def test_time_in_which_the_session_was_stopped_is_not_waited(monkeypatch):
    waits = []

    class Stopped:
        def wait(self, seconds):
            waits.append(seconds)
            if len(waits) < 4:
                raise subprocess.TimeoutExpired("x", seconds)
            return 0

    # Whatever the clock says: four looks of half a second are less than two and a half.
    assert kept.wait_while_running(Stopped(), 2.5) == 0


def test_who_waits_for_a_program_is_told_for_how_long_it_runs(monkeypatch):
    monkeypatch.setattr(kept, "LOOK_SECONDS", 0.05)
    seconds = []
    status, _ = kept.run(["sleep", "0.4"], variables=os.environ, timeout_s=60.0, waiting=seconds.append)
    assert status == 0
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0.04

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promises are Linux's")

PREAMBLE = "import os, subprocess, sys, time; from pytest_edgeperf.measure import launcher; "


def python(code):
    done = subprocess.run([sys.executable, "-c", PREAMBLE + code], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.strip()


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def gone_in_time(pid, seconds=5.0):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def test_a_pinned_process_and_its_threads_stay_on_their_processors():
    chosen = max(os.sched_getaffinity(0))
    status, output = python(
        f"launcher.pin([{chosen}]); import threading; "
        "thread = threading.Thread(target=lambda: print(os.sched_getaffinity(0))); thread.start(); thread.join()"
    )
    assert (status, output) == (0, f"{{{chosen}}}")


def test_no_processors_means_not_pinned():
    assert python("launcher.pin([]); print(sorted(os.sched_getaffinity(0)))") == (
        0,
        str(sorted(os.sched_getaffinity(0))),
    )


def test_a_process_whose_parent_is_gone_already_leaves():
    assert python("launcher.die_with_parent(os.getppid() + 1); print('went on')") == (1, "")
    assert python("launcher.die_with_parent(os.getppid()); print('went on')") == (0, "went on")


def test_a_killed_parent_takes_its_child_along():
    child = "launcher.die_with_parent(os.getppid()); print(os.getpid(), flush=True); time.sleep(60)"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{PREAMBLE}subprocess.run([sys.executable, '-c', {PREAMBLE + child!r}], start_new_session=True)",
        ],
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        assert gone_in_time(pid)

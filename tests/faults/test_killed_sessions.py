from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from .processes import alive, gone_in_time, wait_for

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promises are Linux's")

ARGUMENTS = ("--baseline=off", "--edgeperf-rounds=1", "--edgeperf-budget=0.1")
HANGS = """
import os, time

def test_hangs(timed_inference):
    with open("worker.tmp", "w") as file:
        file.write(str(os.getpid()))
    os.rename("worker.tmp", "worker.pid")
    time.sleep(600)
"""
GREEDY = """
import os

def test_greedy(timed_inference):
    with open({group!r} + "/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))
    print("takes more than there is", flush=True)
    held = [bytearray(os.urandom(1 << 20) * 8) for _ in range(100)]

def test_neighbour(timed_inference):
    timed_inference(sum, range(200))
"""
LIMIT_BYTES = 256 << 20


@pytest.fixture(autouse=True)
def private_places(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("EDGEPERF_LOCK_DIR", str(tmp_path_factory.mktemp("lock")))


def popen(pytester):
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *ARGUMENTS],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_killed_coordinator_leaves_no_worker(pytester):
    pytester.makepyfile(HANGS)
    with popen(pytester) as coordinator:
        worker = int(wait_for(pytester.path / "worker.pid"))
        assert alive(worker)
        coordinator.kill()
        coordinator.communicate()
    assert gone_in_time(worker)


def test_ctrl_c_leaves_no_worker_and_names_no_journal_that_holds_nothing(pytester):
    pytester.makepyfile(HANGS)
    with popen(pytester) as coordinator:
        worker = int(wait_for(pytester.path / "worker.pid"))
        coordinator.send_signal(signal.SIGINT)
        output, _ = coordinator.communicate(timeout=30)
    assert coordinator.returncode == pytest.ExitCode.INTERRUPTED, output
    assert gone_in_time(worker)
    assert "nothing measured" in output
    assert ".jsonl" not in output
    assert "--edgeperf-resume" not in output


@pytest.fixture
def small_group():
    """A control group below our own with little memory, if this user may make one."""
    path, limit = _own_group()
    group = path / f"edgeperf-test-{uuid.uuid4().hex[:8]}" if path else None
    try:
        if group is None:
            raise OSError("no memory controller")
        group.mkdir()
        (group / limit).write_text(str(LIMIT_BYTES))
        yield group
    except OSError as error:
        pytest.skip(f"no control group with a memory limit can be made here: {error}")
    finally:
        if group is not None:
            with suppress(OSError):
                group.rmdir()


def _own_group():
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return Path("/sys/fs/cgroup/memory") / path.lstrip("/"), "memory.limit_in_bytes"
        if number == "0":
            return Path("/sys/fs/cgroup") / path.lstrip("/"), "memory.max"
    return None, ""


def test_a_worker_that_the_kernel_kills_for_lack_of_memory_is_said_to_be_that(pytester, small_group):
    pytester.makepyfile(GREEDY.format(group=str(small_group)))
    result = pytester.runpytest_subprocess(*ARGUMENTS)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*killed: out of memory (SIGKILL, and *oom_kill counter*rose*", "takes more than*"])
    assert "at the last reading its peak was " in " ".join(result.stdout.str().split())

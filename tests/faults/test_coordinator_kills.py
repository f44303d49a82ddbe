"""The coordinator is killed with SIGKILL at moments of a seeded schedule; nothing measured is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pytest_edgeperf import results

from ..plugin.conftest import CALM
from ..sessions import PLUGIN_ALONE

ROUNDS = 6
SUITE = """
import pytest

@pytest.mark.timed_inference
@pytest.mark.parametrize("size", [1000, 2000])
def test_sum(timed_inference, size):
    timed_inference(sum, range(size))
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    # Tests that run beside it would disturb its runs.
    (tmp_path / "calm.py").write_text(CALM)
    return tmp_path


def start(suite):
    arguments = ["-p", "calm", "-q", "--baseline=refresh", "--edgeperf-reason=kills", f"--edgeperf-rounds={ROUNDS}"]
    arguments += ["--edgeperf-spacing=0"]
    arguments += ["--edgeperf-budget=0.05", "--edgeperf-resume", "--edgeperf-results=all.json"]
    own = {"EDGEPERF_CACHE_DIR": str(suite / "cache"), "EDGEPERF_LOCK_DIR": str(suite)}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=suite,
        env={**os.environ, **PLUGIN_ALONE, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def workers_of(suite):
    workers = []
    for process in psutil.process_iter():
        try:
            if "launcher.py" in " ".join(process.cmdline()) and process.cwd() == str(suite):
                workers.append(process)
        except psutil.Error:
            continue
    return workers


def stay_gone(suite, seconds=30.0):
    """Whether all workers end in time; beside other tests, their keeper may wait for a processor."""
    deadline = time.monotonic() + seconds
    unseen = 0
    # One that was just being started when its coordinator was killed is seen a moment later, and ends by itself.
    while unseen < 10 and time.monotonic() < deadline:
        unseen = 0 if workers_of(suite) else unseen + 1
        time.sleep(0.05)
    return unseen >= 10


def journalled(suite):
    """The runs in all journals: every line but a torn last one must be whole."""
    runs = set()
    for path in (suite / "cache" / "journals").glob("*.jsonl"):
        lines = path.read_bytes().split(b"\n")
        for line in (json.loads(line) for line in lines[:-1]):
            if line["kind"] == "run":
                runs.add((line["benchmark"], line["started"], f"{line['values']['latency']['p50']:.6g}"))
    return runs


def seconds_until_first_run(suite):
    began = time.monotonic()
    with start(suite) as session:
        while not journalled(suite):
            time.sleep(0.02)
        session.kill()
    return time.monotonic() - began


def measured(path):
    return {
        (name, run.started, f"{run.values['latency']['p50']:.6g}")
        for name, benchmark in results.read(path).benchmarks.items()
        for run in benchmark.runs
    }


@pytest.mark.slow
@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.thorough)])
def test_kills_lose_no_run_and_leave_no_worker_and_no_torn_file(suite, kills):
    moments = random.Random(20261121)
    until_first_run_s = seconds_until_first_run(suite)
    completed = set()
    for _ in range(kills):
        session = start(suite)
        time.sleep(moments.uniform(0.1, 1.6) * until_first_run_s)
        session.send_signal(signal.SIGKILL)
        session.communicate()
        if not any((suite / "cache" / "journals").glob("*.jsonl")):
            # It had come to its end, if not out of its process; the next begins anew.
            completed.clear()
        assert stay_gone(suite)
        completed |= journalled(suite)
        if (suite / "baselines" / "host.json").exists():
            results.read(suite / "baselines" / "host.json")

    session = start(suite)
    output, _ = session.communicate(timeout=240)
    assert session.returncode == 0, output
    assert completed
    assert completed <= measured(suite / "all.json"), output

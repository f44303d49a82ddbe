from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from pytest_edgeperf.results import read
from pytest_edgeperf.results.gate import Gate

from ..plugin.conftest import own_plugins
from ..sessions import PLUGIN_ALONE
from .test_cli import ID, run, run_with_stderr, write_results

SUITE = """
import pytest

def test_steady(timed_inference):
    timed_inference(sum, range(1000))

@pytest.mark.timed_inference(tolerance=0.3)
def test_tolerant(timed_inference):
    timed_inference(sum, range(1000))
"""
PROGRAM = [sys.executable, "-c", "from pytest_edgeperf.cli import main; main()", "noise"]
SHORT = [
    "--edgeperf-budget=0.02",
    "--edgeperf-cpus=off",
    "--edgeperf-spacing=0",
    "--device=host",
    "-p",
    "calm",
    "-p",
    "forked",
]


@pytest.fixture(autouse=True)
def _width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def stored(tmp_path):
    return write_results(tmp_path / "runs.json", 12.2)


# From a file


@pytest.mark.untraced
@pytest.mark.newest
def test_a_table_from_a_file(stored):
    done = run("noise", "--from", stored, "--max-rounds", "6")
    assert done.exit_code == 0, done.output
    assert "for a check with 3 and 6 runs against a baseline of 17; tolerance 2 %" in " ".join(done.output.split())
    assert "test_a[onnxruntime-fp32]     9" in done.output
    assert "false alarms: 0 of 1000 sessions" in done.output
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_json_from_a_file_with_another_gate(stored):
    done = run("noise", "--from", stored, "--format", "json", "--rounds=4", "--tolerance=0.1", "--baseline-rounds=20")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["gate"]["stages_runs"] == [4, 8, 9]
    assert (found["gate"]["tolerance_percent"], found["gate"]["baseline_runs"]) == (10.0, 20)
    assert found["benchmarks"][ID]["metrics"]["latency"]["detectable_80_power_percent"] > 10
    assert found["false_alarms"] == {"sessions": 0, "reason": "a benchmark with at least 12 undisturbed runs is needed"}


def test_files_that_cannot_be_used(tmp_path, stored):
    for path, reason in (("none.json", "there is no such file"), ("bad.json", "gate.rounds: 0 instead of")):
        document = {**json.loads((tmp_path / "runs.json").read_text()), "gate": {"rounds": 0}}
        (tmp_path / "bad.json").write_text(json.dumps(document))
        done = run_with_stderr("noise", "--from", str(tmp_path / path))
        assert (done.exit_code, done.stdout) == (4, "")
        assert reason in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert run("noise", "--from", stored, "benchmarks").exit_code == 2


# The command that measures


@pytest.mark.parametrize(("variable", "name"), [(None, "--baseline"), ("1", "--edgeperf-baseline")])
def test_pytest_gets_its_arguments_and_ours(monkeypatch, tmp_path, variable, name):
    monkeypatch.delenv("EDGEPERF_PREFIX_OPTIONS", raising=False)
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    if variable:
        monkeypatch.setenv("EDGEPERF_PREFIX_OPTIONS", variable)
    called = []

    class Pytest:
        def __init__(self, command, stdout, preexec_fn):
            called.append((command, stdout))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def wait(self):
            return 5

    monkeypatch.setattr(subprocess, "Popen", Pytest)
    done = run_with_stderr("noise", "benchmarks", "-k", "a or b", "-x", "--max-rounds=6", "--baseline-rounds", "5")
    ((command, output),) = called
    assert command[:7] == [sys.executable, "-m", "pytest", "benchmarks", "-k", "a or b", "-x"]
    assert command[7:9] == [f"{name}=off", "--edgeperf-rounds=11"]
    assert command[9].startswith(f"--edgeperf-results={tmp_path}")
    assert output is None
    assert (done.exit_code, done.stderr) == (
        5,
        "edgeperf: pytest ended with exit code 5; there is nothing to analyse\n",
    )
    for given in ("--edgeperf-rounds=5", f"{name}=check"):
        refused = run_with_stderr("noise", "benchmarks", given)
        assert refused.exit_code == 4
        assert f"{given} cannot be used here" in refused.stderr
    assert len(called) == 1


def new_project(path, text=SUITE):
    (path / "pytest.ini").write_text("[pytest]\nedgeperf_max_rounds = 4\nedgeperf_rounds = 2\n")
    (path / "test_it.py").write_text(text)
    own_plugins(path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "EDGEPERF_"))}
    own = {"EDGEPERF_CACHE_DIR": str(path / "cache"), "EDGEPERF_LOCK_DIR": str(path), **PLUGIN_ALONE}
    return {"cwd": path, "env": {**kept, **own}, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


@pytest.mark.slow
def test_a_project_measured_against_itself(tmp_path):
    keywords = new_project(tmp_path)
    kept = tmp_path / "kept.json"
    command = [*PROGRAM, *SHORT, "--baseline-rounds=4", "--max-rounds=4", f"--edgeperf-results={kept}", "--format=json"]
    done = subprocess.run(command, timeout=200, check=False, **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stderr
    assert "8 rounds" in done.stderr
    found = json.loads(done.stdout)
    assert found["gate"]["stages_runs"] == [2, 4]
    assert {name: one["runs"] for name, one in found["benchmarks"].items()} == {
        "test_it.py::test_steady": 8,
        "test_it.py::test_tolerant": 8,
    }
    tolerances = {"test_it.py::test_tolerant": 0.3}
    assert read(kept).gate == Gate(rounds=2, max_rounds=4, tolerances=tolerances)
    (again,) = (tmp_path / "cache" / "results").glob("*-noise-*.json")
    assert read(again) == read(kept)


@pytest.mark.thorough
@pytest.mark.slow
def test_what_others_measured_is_analysed_when_a_benchmark_fails(tmp_path):
    keywords = new_project(tmp_path, SUITE + "\ndef test_broken(timed_inference):\n    assert 0\n")
    command = [*PROGRAM, *SHORT, "--baseline-rounds=3", "--max-rounds=1"]
    done = subprocess.run(command, timeout=200, check=False, **keywords)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.index("1 failed") < done.stdout.index("noise on host")
    assert "test_steady" in done.stdout.partition("noise on host")[2]
    assert done.stderr.splitlines()[-1] == (
        "edgeperf: pytest ended with exit code 1; what it measured is analysed above"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 2), (signal.SIGTERM, 143)])
def test_it_can_be_stopped(tmp_path, sent, code):
    keywords = new_project(tmp_path)
    command = [*PROGRAM, *SHORT, "--edgeperf-budget=30"]
    with subprocess.Popen(command, start_new_session=True, **keywords) as process:
        wait_for(lambda: (tmp_path / "cache" / "journals").exists())
        # The terminal sends an interrupt to all of its group, a supervisor its signal to one process.
        (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == code, output + errors
    assert errors.splitlines()[-1] == f"edgeperf: pytest ended with exit code {code}; there is nothing to analyse"
    assert "Traceback" not in output + errors
    wait_for(lambda: not group_members(process.pid))


def group_members(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

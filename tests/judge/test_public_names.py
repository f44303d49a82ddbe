from __future__ import annotations

import json
import subprocess
import sys

import pytest

import pytest_edgeperf
import pytest_edgeperf.judge
from pytest_edgeperf.results.types import Results

from .builders import latency_runs, results


def loaded_by(statement):
    script = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, timeout=60)
    return set(done.stdout.decode().split())


@pytest.mark.parametrize(
    "statement",
    [
        "import pytest_edgeperf",
        "import pytest_edgeperf.judge",
        "import pytest_edgeperf.judge.verdicts",
        "from pytest_edgeperf.judge import Family, Stage, Comparison",
        "from pytest_edgeperf import Comparison, Engine, Framework, Model, TensorSpec",
    ],
)
def test_importing_loads_nothing_heavy(statement):
    assert not loaded_by(statement) & {"numpy", "scipy", "pytest", "_pytest", "torch", "onnxruntime"}


def test_the_judge_loads_no_scipy_stats_and_no_pytest():
    loaded = loaded_by("from pytest_edgeperf.judge import step, compare")
    assert "scipy.special" in loaded
    assert not loaded & {"scipy.stats", "pytest", "_pytest", "torch"}


@pytest.mark.parametrize("name", pytest_edgeperf.__all__)
def test_every_public_name_is_there(name):
    assert getattr(pytest_edgeperf, name).__name__ == name
    assert name in dir(pytest_edgeperf)


@pytest.mark.parametrize("module", [pytest_edgeperf, pytest_edgeperf.judge])
def test_other_names_are_not_there(module):
    with pytest.raises(AttributeError, match="no attribute 'comapre'"):
        _ = module.comapre


def document(session, factor):
    latency = {"n": 500, "mean": 10.0, "sd": 0.1, "min": 9.0, "p50": 10.0 * factor, "max": 20.0}
    run = {"environment": "e", "session": session, "latency": latency}
    runs = [{**run, "started": f"2026-01-01T00:00:0{second}Z"} for second in range(9)]
    return {
        "format": "edgeperf-results",
        "version": 1,
        "device": "nano",
        "environments": {"e": {"fingerprint": {"device": "nano"}, "software": {}, "settings": {}}},
        "benchmarks": {
            "b": {"parameters": {}, "metrics": {"latency": {"unit": "ms", "better": "lower"}}, "runs": runs}
        },
    }


def test_compare_takes_paths_and_parsed_files(tmp_path):
    slow = tmp_path / "slow.json"
    slow.write_text(json.dumps(document("two", 2.0)))
    for candidate in (slow, str(slow), document("two", 2.0)):
        comparison = pytest_edgeperf.compare(document("one", 1.0), candidate)
        assert isinstance(comparison, pytest_edgeperf.Comparison)
        assert comparison.benchmarks["b"].verdict == "regressed"
    assert pytest_edgeperf.compare(document("one", 1.0), slow, tolerance=2.0).summary["regressed"] == 0


def test_compare_takes_results_as_they_are():
    same: Results = results({"b": latency_runs([10.0, 10.1, 9.9] * 3)})
    assert pytest_edgeperf.compare(same, same).summary["unchanged"] == 1


def test_results_are_read_from_a_file(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document("one", 1.0)))
    found = pytest_edgeperf.read_results(path)
    assert isinstance(found, pytest_edgeperf.Results)
    assert len(found.benchmarks["b"].runs) == 9

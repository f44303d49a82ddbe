"""Sessions whose benchmarks ask how long the parts of the software stack take."""

from __future__ import annotations

import pytest

from pytest_edgeperf import results

from ..frameworks.registrations import register
from .conftest import SHORT

RUNTIME = """
import time
time.sleep(0.03)
"""
FRAMEWORK = """
from pytest_edgeperf import Engine, EngineDescription, Framework

class SlowEngine(Engine):
    def infer(self, *arrays):
        return arrays

    def describe(self):
        return EngineDescription("slow", "1.0", self.precision, "cpu", self.configuration.threads)

class Slow(Framework):
    name = "slow"
    install_advice = "it is here"

    def version(self):
        return "1.0"

    def unsupported(self, model, precision):
        return None

    def _load(self, configuration):
        self.imported("slow_runtime")
        return SlowEngine(configuration)
"""
BODY = """
from pytest_edgeperf import Model

@pytest.mark.timed_inference(stack=True, gate="build_time")
def test_asks(timed_inference, framework):
    timed_inference(framework.load(Model("net", {})), 1.0)

@pytest.mark.timed_inference(stack=True)
def test_imported_before(timed_inference, framework):
    import slow_runtime
    timed_inference(framework.load(Model("net", {})), 1.0)
"""
PARTS = {"import_time", "load_time", "build_time"}


@pytest.mark.slow
def test_the_stack_is_measured_where_a_marker_asks_and_an_earlier_import_is_noted(project):
    project.suite(BODY)
    (project.path / "slow_runtime.py").write_text(RUNTIME)
    (project.path / "slow_framework.py").write_text(FRAMEWORK)
    register(project.path, "slowframework", "slow", "slow_framework:Slow")
    environment = {"PYTHONPATH": str(project.path)}
    outcome = project.run(
        *SHORT, "--framework=slow", "--baseline=off", "--edgeperf-results=now.json", env=environment.items()
    )
    assert outcome.code == 0, outcome
    asks, before = results.read(project.path / "now.json").benchmarks.values()
    assert {*asks.metrics} & PARTS == {"import_time", "build_time"}
    assert asks.metrics["import_time"].unit == "ms"
    (run,) = asks.runs
    assert run.values["import_time"] >= 30
    assert {*before.metrics} & PARTS == {"build_time"}
    assert before.runs[0].quality["imported_before"] == ["slow_runtime"]
    assert "import_time was not measured of 1 benchmark" in outcome
    assert "test_imported_before[slow] (slow_runtime)" in outcome

"""The study of energy in a session on a recorded Nano, whose files say what it draws and how warm it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_edgeperf import results

from .conftest import SHORT
from .test_devices import materialise

#: The sensor has a new value 2.4 times a second; a shorter window has too few of them for a mean.
WINDOW = "--edgeperf-telemetry=3"
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
BODY = """
from studies import HADIDI_2019_ENERGY

STEPS = {"small": 300, "large": 3000}

@pytest.mark.parametrize("network", STEPS)
def test_energy(timed_inference, device, network):
    assert device.without_power() is None
    assert device.without_temperature() is None
    timed_inference.study(HADIDI_2019_ENERGY, series="python", x=STEPS[network] / 1e3, label=network)
    timed_inference(real_work, STEPS[network])
"""


@pytest.mark.thorough
@pytest.mark.slow
def test_energy_and_the_front_of_time_and_power_are_shown_with_the_networks_names(project, tmp_path):
    project.suite(BODY)
    project.in_coordinator("from pytest_edgeperf.schedule.machine import telemetry\ntelemetry.IDLE_VALUES = 0\n")
    root = materialise(tmp_path / "nano", "nano")
    paths = os.pathsep.join(filter(None, [str(BENCHMARKS), os.environ.get("PYTHONPATH")]))
    environment = {"EDGEPERF_ROOT": str(root), "PYTHONPATH": paths}
    outcome = project.run(
        *SHORT, WINDOW, "--device=nano", "--baseline=off", "--edgeperf-results=now.json", env=environment.items()
    )
    assert outcome.code == 0, outcome
    lines = outcome.output.splitlines()
    start = lines.index("hadidi-2019 energy per inference, and time against power: python")
    assert [line.split()[0] for line in lines[start + 2 : start + 4]] == ["small", "large"]
    assert any(line.endswith("Pareto front") for line in lines[start:])
    for benchmark in results.read(project.path / "now.json").benchmarks.values():
        (run,) = benchmark.runs
        assert run.values["temperature_idle"] == 47.5
        assert run.values["power_max"] == pytest.approx(run.values["power_mean"])
        assert benchmark.metrics["temperature_idle"].unit == "degC"

"""Whole sessions with the sensors of a recorded Nano, whose power file somebody rewrites meanwhile."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_edgeperf import results

from .conftest import load_json
from .test_devices import materialise

POWER = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input"
#: As the chip does: a new value each 0.42 s, of a load that swings between 5 and 7 W.
CHIP = """
import math, os, sys, time
path = sys.argv[1]
parent = os.getppid()
began = time.monotonic()
while os.getppid() == parent:
    watts = 6.0 + math.sin(2 * math.pi * (time.monotonic() - began) / 1.7)
    with open(path + ".new", "w") as file:
        file.write(f"{1000 * watts:.0f}\\n")
    os.replace(path + ".new", path)
    time.sleep(0.0417)
"""
BODY = "def test_one(timed_inference):\n    timed_inference(real_work, 2000)\n"
NOW = ("--baseline=off", "--edgeperf-results=now.json")


@pytest.fixture
def nano(project, tmp_path):
    """A project whose sessions see a Jetson Nano."""
    project.suite(BODY)
    project.root = materialise(tmp_path / "nano", "nano")
    project.environment["EDGEPERF_ROOT"] = str(project.root)
    return project


def only_run(project):
    (benchmark,) = results.read(project.path / "now.json").benchmarks.values()
    (run,) = benchmark.runs
    return benchmark, run


@pytest.mark.long
def test_energy_per_inference_of_a_nano_is_right(nano):
    with subprocess.Popen([sys.executable, "-c", CHIP, str(nano.root / POWER)]) as chip:
        outcome = nano.run("--device=nano", *NOW)
        chip.kill()
    assert outcome.code == 0, outcome
    benchmark, run = only_run(nano)
    basis = run.quality["telemetry"]
    # Six watts on the average, over a window of which we know the length and the inferences.
    expected_mj = 6.0 * basis["window_s"] / basis["inferences"] * 1e3
    assert run.values["energy_per_inference"] == pytest.approx(expected_mj, rel=0.02)
    assert run.values["power_mean"] == pytest.approx(6.0, rel=0.02)
    assert 0.3 < run.values["power_sd"] < 1.1
    assert 6.5 < run.values["power_p95"] < 7.1
    assert basis["power_total"]["distinct"] >= 12
    assert basis["power_total"]["refresh_hz"] == 2.4
    assert basis["power_total"]["source"].endswith("in_power0_input")
    assert run.values["temperature_max"] == run.values["temperature_idle"] == 47.5
    assert run.values["power_p95"] <= run.values["power_max"] < 7.1
    assert run.values["throughput"] == pytest.approx(basis["inferences"] / basis["window_s"], rel=1e-3)
    assert benchmark.metrics["energy_per_inference"].unit == "mJ"
    assert benchmark.metrics["throughput"].better == "higher"


@pytest.mark.thorough
@pytest.mark.slow
def test_a_power_series_holds_the_inferences_that_were_asked_for(nano):
    inferences = 100
    nano.suite(
        f"@pytest.mark.timed_inference(power_series={inferences})\n"
        "def test_one(timed_inference):\n    timed_inference(real_work, 300_000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", CHIP, str(nano.root / POWER)]) as chip:
        # far too short for so many
        outcome = nano.run("--device=nano", *NOW, "--edgeperf-telemetry=0.8")
        chip.kill()
    assert outcome.code == 0, outcome
    _, run = only_run(nano)
    basis = run.quality["telemetry"]
    assert basis["inferences"] >= inferences
    figures = basis["power_total"]
    assert len(figures["at_s"]) == len(figures["power_w"]) == figures["distinct"]
    assert figures["at_s"] == sorted(figures["at_s"])
    assert figures["at_s"][-1] <= basis["window_s"]
    assert all(4.9 < value < 7.1 for value in figures["power_w"])


BODY_THAT_SKIPS = """
def test_one(timed_inference, device):
    reason = device.without_power()
    if reason is not None:
        pytest.skip(f"no power here: {reason}")
    timed_inference(real_work, 2000)
"""


@pytest.mark.thorough
@pytest.mark.long
def test_a_body_can_ask_whether_there_is_power(nano, tmp_path):
    nano.suite(BODY_THAT_SKIPS)
    outcome = nano.run("--device=nano", *NOW)
    assert outcome.code == 0, outcome
    assert "1 passed" in outcome
    (tmp_path / "bare").mkdir()
    outcome = nano.run(*NOW, "-rs", env={"EDGEPERF_ROOT": str(tmp_path / "bare")}.items())
    assert "1 skipped" in outcome, outcome
    assert "no power here: " in outcome


@pytest.mark.thorough
@pytest.mark.slow
def test_telemetry_can_be_shortened_and_turned_off(nano):
    assert nano.run("--device=nano", *NOW, "--edgeperf-telemetry=0.8").code == 0
    _, run = only_run(nano)
    assert 0.8 <= run.quality["telemetry"]["window_s"] < 4
    assert nano.run("--device=nano", *NOW, "--edgeperf-telemetry=off").code == 0
    _, run = only_run(nano)
    assert "telemetry" not in run.quality
    assert "power_mean" not in run.values
    assert nano.run("--device=nano", *NOW, "--edgeperf-telemetry=soon").code == 4


@pytest.mark.slow
def test_a_power_file_that_vanishes_is_told_and_the_run_is_kept(nano):
    vanish = f"import os, pathlib\npathlib.Path({str(nano.root / POWER)!r}).unlink()\n"
    nano.suite(f"def test_one(timed_inference):\n    exec({vanish!r})\n    timed_inference(real_work, 2000)\n")
    outcome = nano.run("--device=nano", *NOW, "--edgeperf-telemetry=0.8")
    assert outcome.code == 0, outcome
    _, run = only_run(nano)
    assert "power_mean" not in run.values
    assert "latency" in run.values
    assert "there is no" in run.quality["telemetry"]["power_total"]["reason"]


def test_a_machine_without_a_sensor_of_power_says_so_once(project, tmp_path):
    project.suite(BODY)
    (tmp_path / "bare").mkdir()
    outcome = project.run(*NOW, env={"EDGEPERF_ROOT": str(tmp_path / "bare")}.items())
    assert outcome.code == 0, outcome
    assert outcome.output.count("power and energy were not measured") == 1
    stored = load_json(project.path / "now.json")
    (benchmark,) = stored["benchmarks"].values()
    assert not {"power_mean", "energy_per_inference"} & set(benchmark["metrics"])
    for run in benchmark["runs"]:
        assert run["memory_system_peak"] >= 0
        assert run["memory_process_start"] <= run["memory_process_loaded"] <= run["memory_process_peak"]

"""A run of minutes in small, on a recorded Nano that gets hot and slow while it is measured."""

from __future__ import annotations

import pytest

from .conftest import load_json
from .test_devices import nano  # noqa: F401 (a fixture)

TEMPERATURE = "sys/class/thermal/thermal_zone1/temp"
CLOCK = "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"
SUITE = """
import time

ROOT = pathlib.Path({root!r})
BEGAN_S = time.thread_time()

def heat():
    # By the clock that these sessions are timed with.
    seconds = time.thread_time() - BEGAN_S
    hot = seconds > 4
    (ROOT / {temperature!r}).write_text(str(int(45000 + 5000 * seconds)))
    (ROOT / {clock!r}).write_text("1224000" if hot else "1479000")
    work(60000 if hot else 20000)

@pytest.mark.timed_inference(budget=6, curve=True)
def test_heats_up(timed_inference):
    timed_inference(heat)

def test_neighbour(timed_inference):
    timed_inference(work, 2000)
"""


@pytest.mark.slow
@pytest.mark.thorough
def test_throttling_is_found_and_dated(nano):  # noqa: F811
    nano.suite(SUITE.format(root=str(nano.root), temperature=TEMPERATURE, clock=CLOCK))
    outcome = nano.run("--device=nano", "--baseline=off", "--edgeperf-telemetry=0.3", "--edgeperf-results=now.json")
    assert outcome.code == 0, outcome
    stored = load_json(nano.path / "now.json")["benchmarks"]
    heated = stored["test_it.py::test_heats_up"]
    (run,) = heated["runs"]
    quality = run["quality"]
    curve = quality["curve"]
    assert len(curve["at_s"]) == len(curve["latency_ms"]) == len(curve["temperature_c"]) == 120
    assert curve["at_s"] == sorted(curve["at_s"])
    (step,) = [candidate for candidate in quality["steps"] if candidate.get("throttling")]
    before, after = step["latency_ms"]
    assert 1.8 < after / before < 4
    assert step["clock_cpu_mhz"][0] > 1400
    assert step["clock_cpu_mhz"][1] < 1300
    assert run["latency_sustained"] > 1.4 * run["latency_start"]
    assert run["temperature_max"] > 60
    assert heated["metrics"]["latency_sustained"] == {"unit": "ms", "better": "lower"}
    assert quality["disturbed"] is False
    assert 0.2 < quality["curve_duty"] <= 1
    assert "over time: test_heats_up" in outcome
    assert "throttling:" in outcome
    assert "curve" not in stored["test_it.py::test_neighbour"]["runs"][0]["quality"]

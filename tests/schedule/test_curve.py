from __future__ import annotations

import pytest

from pytest_edgeperf.devices.condition import Condition
from pytest_edgeperf.devices.sensors.interface import CLOCK, LOAD, TEMPERATURE, Reading
from pytest_edgeperf.devices.sensors.thermal import Headroom
from pytest_edgeperf.schedule.machine.curve import CurveRecorder, steps


class Machine:
    """A machine whose state is set between the looks; each look takes 10 ms, each block 1 s."""

    def __init__(self, root):
        self.now_s = 100.0
        self.state = {"temperature_cpu": 40.0, "temperature_gpu": 38.0, "clock_cpu0": 1479.0, "clock_gpu": 921.6}
        self.slowed_by = ()
        kinds = {"temperature": TEMPERATURE, "clock": CLOCK, "load": LOAD}
        sensors = [Sensor(self, name, kinds[name.partition("_")[0]]) for name in (*self.state, "load_gpu")]
        self.recorder = CurveRecorder(sensors, self.look, root, self.clock)

    def clock(self):
        return self.now_s

    def look(self):
        self.now_s += 0.01
        return Condition(Headroom(None), slowed_by=self.slowed_by)

    def block(self):
        self.now_s += 1.0
        self.recorder.take()


class Sensor:
    source = "a file"
    refresh_hz = None
    is_total = False

    def __init__(self, machine, name, quantity):
        self.machine, self.name, self.quantity = machine, name, quantity

    def read(self):
        value = self.machine.state.get(self.name)
        return Reading(value, None if value is not None else "gone")


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_run_that_throttles_has_its_step_dated(machine):
    machine.recorder.take()
    for index in range(60):
        machine.state["temperature_cpu"] += 1.0
        if index == 40:
            machine.slowed_by = ("cpu-throttle-alert",)
            machine.state["clock_cpu0"] = 1224.0
        machine.block()
    curve = machine.recorder.curve([20.0 + 0.01 * (index % 3) + (4.0 if index >= 40 else 0.0) for index in range(60)])
    assert curve.values == pytest.approx(
        {"latency_start": 20.01, "latency_sustained": 24.01, "temperature_max": 100.0, "clock_gpu_mean": 921.6},
        rel=1e-3,
    )
    (step,) = curve.figures["steps"]
    assert step["at_s"] == pytest.approx(40.4, abs=0.1)
    assert step["latency_ms"] == [20.01, 24.01]
    assert step["temperature_c"] == 80.0
    assert step["clock_cpu_mhz"] == [1479.0, 1224.0]
    assert step["slowed_by"] == ["cpu-throttle-alert"]
    assert step["throttling"] is True
    assert curve.figures["curve"]["slowed_by"]["40"] == ["cpu-throttle-alert"]
    assert "39" not in curve.figures["curve"]["slowed_by"]
    assert len(curve.figures["curve"]["at_s"]) == 60
    assert curve.figures["curve_duty"] == pytest.approx(0.99, abs=0.002)


def test_a_step_alone_is_not_called_throttling_and_a_clock_that_falls_with_it_is(machine):
    curve = {"at_s": list(range(1, 41)), "latency_ms": [10.0] * 20 + [11.0] * 20}
    (step,) = steps(curve, [[]] * 40)
    assert step == {"at_s": 20, "latency_ms": [10.0, 11.0]}
    (step,) = steps({**curve, "clock_gpu_mhz": [900.0] * 20 + [800.0] * 20}, [[]] * 40)
    assert step["throttling"] is True
    (step,) = steps({**curve, "clock_gpu_mhz": [900.0] * 40}, [[]] * 40)
    assert "throttling" not in step


def test_getting_faster_is_no_throttling_and_little_is_no_step():
    slower = {"at_s": list(range(1, 41)), "latency_ms": [11.0] * 20 + [10.0] * 20}
    (step,) = steps(slower, [["gpu"]] * 40)
    assert "throttling" not in step
    assert steps({"at_s": list(range(1, 41)), "latency_ms": [10.0] * 20 + [10.1] * 20}, [["gpu"]] * 40) == []


def test_a_sensor_that_fails_leaves_its_figure_out_and_one_that_ends_ends_the_curve(machine):
    machine.recorder.take()
    for index in range(10):
        if index == 5:
            machine.state["clock_cpu0"] = None
        machine.block()
    curve = machine.recorder.curve([1.0] * 7)
    assert len(curve.figures["curve"]["latency_ms"]) == 7
    assert "clock_cpu_mhz" not in curve.figures["curve"]
    assert "clock_gpu_mhz" in curve.figures["curve"]
    assert "steps" not in curve.figures


def test_without_sensors_there_is_the_latency_and_without_blocks_nothing(tmp_path):
    recorder = CurveRecorder([], lambda: Condition(Headroom(None)), tmp_path)
    recorder.take()
    assert recorder.curve([]) is None
    recorder.take()
    curve = recorder.curve([2.0])
    assert curve.values == {"latency_start": 2.0, "latency_sustained": 2.0}
    assert set(curve.figures["curve"]) == {"at_s", "latency_ms"}


def test_counters_of_the_processors_own_throttling_count(machine, tmp_path):
    counter = tmp_path / "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
    counter.parent.mkdir(parents=True)
    counter.write_text("7\n")
    machine.recorder.take()
    machine.block()
    counter.write_text("9\n")
    machine.block()
    curve = machine.recorder.curve([1.0, 1.0])
    assert curve.figures["curve"]["slowed_by"] == {"1": ["cpu0/core_throttle_count"]}


def test_a_run_whose_samples_were_full_says_when(machine):
    machine.recorder.take()
    for _ in range(20):
        machine.block()
    curve = machine.recorder.curve([10.0] * 12)
    assert len(curve.figures["curve"]["at_s"]) == 12
    assert curve.figures["curve_full_after_s"] == pytest.approx(12.1, abs=0.05)
    assert "curve_full_after_s" not in machine.recorder.curve([10.0] * 20).figures

"""Power, energy and the rest of a window, from sensors whose values the test decides."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from pytest_edgeperf.devices.sensors.interface import CLOCK, LOAD, POWER, TEMPERATURE, Reading, Unavailable
from pytest_edgeperf.schedule.machine.sampler import LEAST_HZ, MOST_HZ, Sampler, rate_hz
from pytest_edgeperf.schedule.machine.series import Series
from pytest_edgeperf.schedule.machine.telemetry import LONGEST_S, SHORTEST_S, Instruments, Window, evaluate
from pytest_edgeperf.schedule.worker.memory_watch import MemoryWatch, lowest
from pytest_edgeperf.schedule.worker.parking import Memory


class Sensor:
    def __init__(self, name, quantity, value=0.0, refresh_hz=None, is_total=False):
        self.name, self.quantity, self.source = name, quantity, f"the file of {name}"
        self.refresh_hz, self.is_total = refresh_hz, is_total
        self.value = value
        self.reads = 0

    def read(self):
        self.reads += 1
        value = self.value() if callable(self.value) else self.value
        return value if isinstance(value, Reading) else Reading(value)


def series(name, quantity, values, refresh_hz=10.0):
    made = Series(name, quantity, f"the file of {name}", refresh_hz)
    for step, value in enumerate(values):
        made.take(step / 10, value, "it vanished")
    return made


POWERED = series("power_total", POWER, [2000.0] * 10 + [8000.0, 8200.0] * 10)
WINDOW = Window(1.0, 3.0, 400)


def test_power_and_energy_of_a_window():
    got = evaluate([POWERED], WINDOW, idle_w=2.0)
    # From 1.1 s on 8.2, 8.0, … W: 8.1 W over 2 s are 16.2 J for 400 inferences.
    assert got.values["power_mean"] == pytest.approx(8.1, rel=0.01)
    assert got.values["energy_per_inference"] == pytest.approx(40.5, rel=0.01)
    assert got.values["energy_above_idle"] == pytest.approx(30.5, rel=0.01)
    assert got.values["power_p95"] == pytest.approx(8.2)
    assert got.values["power_max"] == 8.2
    assert got.values["power_sd"] == pytest.approx(0.1, rel=0.1)
    assert got.values["power_idle"] == 2.0
    assert got.values["throughput"] == 200.0
    assert got.basis["power_total"] == {"source": "the file of power_total", "distinct": 19, "refresh_hz": 10.0}


def test_readings_of_power_are_kept_where_asked_for():
    got = evaluate([POWERED, series("temperature_cpu", TEMPERATURE, [40.0] * 30)], WINDOW, None, keep_power=True)
    figures = got.basis["power_total"]
    assert figures["at_s"][:2] == [0.1, 0.2]
    assert figures["power_w"][:2] == [8.2, 8.0]
    assert len(figures["at_s"]) == len(figures["power_w"]) == 19
    assert "power_w" not in evaluate([POWERED], WINDOW, None).basis["power_total"]


def test_without_sensors_only_the_throughput_is_told():
    got = evaluate([], WINDOW, None)
    assert got.values == {"throughput": 200.0}


def test_what_was_not_read_is_absent_and_never_nought():
    gone = series("power_total", POWER, [None] * 30)
    got = evaluate([gone], WINDOW, idle_w=2.0)
    assert got.values == {"throughput": 200.0}
    assert got.basis["power_total"]["missed"] == 30
    assert got.basis["power_total"]["reason"] == "it vanished"


def test_temperature_is_the_hottest_zones_and_gpu_figures_are_means():
    got = evaluate(
        [
            series("temperature_cpu", TEMPERATURE, [40.0] * 29 + [55.0]),
            series("temperature_gpu", TEMPERATURE, [50.0] * 30),
            series("load_gpu", LOAD, [0.0] * 12 + [80.0, 100.0] * 9),
            series("clock_gpu", CLOCK, [921.6] * 30),
        ],
        Window(1.0, 2.9, 10),
        None,
    )
    assert got.values["temperature_max"] == 55.0
    assert got.values["utilisation_gpu"] == pytest.approx(88, abs=5)
    assert got.values["clock_gpu_mean"] == pytest.approx(921.6)


def test_a_window_holds_twelve_new_values_of_a_slow_sensor():
    slow = Instruments([Sensor("power_total", POWER, refresh_hz=2.4)], [])
    assert slow.window_s() == pytest.approx(5.625)
    assert Instruments([Sensor("power_total", POWER, refresh_hz=77.0)], []).window_s() == SHORTEST_S
    assert Instruments([Sensor("power_total", POWER, refresh_hz=0.1)], []).window_s() == LONGEST_S
    assert Instruments([], []).window_s() == SHORTEST_S


def test_the_fullest_power_is_taken_and_the_reason_of_none_is_told():
    sensors = [Sensor(name, POWER) for name in ("power_VDD_SOC", "power_package_0", "power_sum_of_rails")]
    assert Instruments(sensors, []).power.name == "power_sum_of_rails"
    without = Instruments(
        [Sensor("temperature_cpu", TEMPERATURE)],
        [
            Unavailable("power_total", POWER, "x", "nothing measures it"),
            Unavailable("power_package", POWER, "y", "there is no powercap"),
        ],
    )
    assert without.power is None
    assert without.without_power == "there is no powercap"
    assert not without.worth_a_window
    assert Instruments([Sensor("load_gpu", LOAD)], []).worth_a_window


def test_idle_power_is_a_mean_of_several_values():
    values = iter([1900.0, 2100.0] * 500)
    instruments = Instruments([Sensor("power_total", POWER, lambda: next(values), 20.0)], [])
    assert instruments.idle_w() == pytest.approx(2.0, rel=0.05)


def test_the_temperature_before_a_run_is_the_hottest_zones_that_can_be_read():
    zones = [Sensor("temperature_cpu", TEMPERATURE, 41.0), Sensor("temperature_gpu", TEMPERATURE, 43.5)]
    gone = Sensor("temperature_board", TEMPERATURE, Reading(None, "it vanished"))
    assert Instruments([*zones, gone, Sensor("clock_gpu", CLOCK, 900.0)], []).temperature_c() == 43.5
    assert Instruments([gone], []).temperature_c() is None


def test_each_sensor_is_read_at_its_own_rate():
    fast, slow = Sensor("power_total", POWER, refresh_hz=77.0), Sensor("temperature_cpu", TEMPERATURE)
    assert (rate_hz(fast), rate_hz(slow)) == (MOST_HZ, LEAST_HZ)
    assert rate_hz(Sensor("power_total", POWER, refresh_hz=2.4)) == pytest.approx(9.6)
    with Sampler([fast, slow]) as sampler:
        time.sleep(1.0)
    assert fast.reads > 3 * slow.reads > 3
    assert fast.reads <= 1.2 * MOST_HZ + 2
    # The first reading is of the time before.
    assert len(sampler.series[0].values) == fast.reads - 1
    assert sampler.cpu_s < 0.5


def test_a_sensor_that_fails_in_the_middle_ends_nothing():
    calls = []

    def value():
        calls.append(1)
        if len(calls) > 4:
            raise OSError("the bus is gone")
        return 5000.0

    with Sampler([Sensor("power_total", POWER, value, 77.0), Sensor("temperature_cpu", TEMPERATURE, 50.0)]) as sampler:
        time.sleep(0.6)
    power, temperature = sampler.series
    assert power.values == [5000.0] * 3
    assert power.missed >= 1
    assert power.reason == "OSError: the bus is gone"
    assert len(temperature.values) >= 2


def test_sampling_leaves_no_thread_behind():
    before = threading.active_count()
    with Sampler([]):
        pass
    assert threading.active_count() == before


def test_the_least_available_memory_is_kept():
    looks = iter([Memory(8000.0, 5000.0), None, Memory(8000.0, 4200.0)])
    with MemoryWatch(os.getpid(), lambda: next(looks, Memory(8000.0, 4900.0))) as memory:
        time.sleep(0.4)
    assert memory.least_mib == 4200.0
    assert memory.last_mib == 4900.0
    assert memory.peak_mib > 1
    assert lowest(None, None) is None
    assert lowest(None, 3.0) == 3.0


def test_a_machine_that_does_not_tell_its_memory_has_no_least():
    with MemoryWatch(os.getpid(), lambda: None) as memory:
        pass
    assert memory.least_mib is None
    assert memory.last_mib is None


def test_the_most_of_a_gpus_memory_is_kept_and_nothing_seen_is_no_nought():
    class Held:
        source = "a list"

        def __init__(self, *values):
            self.values = list(values)
            self.asked = set()

        def held_by(self, pids):
            self.asked |= set(pids)
            return Reading(self.values.pop(0) if len(self.values) > 1 else self.values[0])

    held = Held(30.0, 70.0, None, 40.0)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        with MemoryWatch(os.getpid(), lambda: None, held) as memory:
            time.sleep(2.2)
        child.kill()
    assert memory.device_peak_mib == 70.0
    assert {os.getpid(), child.pid} <= held.asked
    with MemoryWatch(os.getpid(), lambda: None, Held(0.0)) as memory:
        pass
    assert memory.device_peak_mib is None


def test_what_was_last_seen_of_a_process_that_died_is_kept():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        with MemoryWatch(process.pid, lambda: Memory(8000.0, 4000.0)) as memory:
            time.sleep(0.3)
            process.kill()
            process.wait()
            time.sleep(0.2)
    assert memory.peak_mib > 1
    assert memory.last_mib == 4000.0

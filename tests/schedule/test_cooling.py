"""Waiting for the temperature, with a machine whose temperature the test decides."""

from __future__ import annotations

from pytest_edgeperf.devices.sensors.thermal import Headroom, Trip
from pytest_edgeperf.schedule.machine.cooling import PATIENCE_S, STEP_S, Cooling


class Machine:
    """Falls or rises by so many degC a second from where it is; slowed down at 97 degC."""

    def __init__(self, celsius, per_s, floor_c=0.0):
        self.celsius = celsius
        self.per_s = per_s
        self.floor_c = floor_c
        self.now = 0.0
        self.shown = []

    def headroom(self):
        return Headroom(97.0 - self.celsius, "cpu", self.celsius, Trip("passive", 97.0))

    def sleep(self, seconds):
        self.now += seconds
        self.celsius = max(self.floor_c, self.celsius + self.per_s * seconds)

    def cool(self, zone, temperature_c, target_c):
        self.shown.append((zone, temperature_c, target_c))

    def cooling(self):
        return Cooling(self.headroom, self, clock=lambda: self.now, sleep=self.sleep)


def test_a_cool_machine_is_not_waited_for():
    machine = Machine(87.0, -0.1)
    machine.cooling().wait()
    assert machine.now == 0.0
    assert machine.shown == []


def test_a_hot_one_is_waited_for_until_ten_degrees_are_left():
    machine = Machine(95.0, -0.5)
    cooling = machine.cooling()
    cooling.wait()
    # 8 degC at half a degree a second.
    assert machine.now == 16.0
    assert cooling.waited_s == 16.0
    assert machine.shown[0] == ("cpu", 95.0, 87.0)
    assert [temperature for _, temperature, _ in machine.shown] == [95.0 - 0.5 * STEP_S * step for step in range(8)]
    assert cooling.note is None


def test_one_that_cools_no_further_is_measured_warm_and_not_waited_for_again():
    machine = Machine(95.0, -1.0, floor_c=91.0)
    cooling = machine.cooling()
    cooling.wait()
    assert PATIENCE_S <= machine.now <= PATIENCE_S + 4 + 2 * STEP_S
    assert cooling.note == (
        "cpu stayed at 91.0 degC and did not cool down to 87.0, so it was measured warm; improve its cooling"
    )
    machine.celsius, began = 91.8, machine.now
    cooling.wait()
    assert machine.now == began
    machine.celsius = 94.0
    cooling.wait()
    assert began < machine.now <= began + 4 * STEP_S


def test_one_that_warms_up_all_the_while_ends_the_waiting_too():
    machine = Machine(90.0, 0.01)
    machine.cooling().wait()
    assert machine.now <= PATIENCE_S + STEP_S


def test_a_temperature_that_cannot_be_read_is_not_waited_for():
    machine = Machine(95.0, -1.0)
    cooling = Cooling(lambda: Headroom(None, reason="no zone"), machine, sleep=machine.sleep)
    cooling.wait()
    assert machine.now == 0.0

from __future__ import annotations

import re

from pytest_edgeperf.devices.doctor import ADVICE, OK, PROBLEM, UNKNOWN, Check, Diagnosis
from pytest_edgeperf.devices.sensors.interface import POWER, TEMPERATURE, Reading, Unavailable
from pytest_edgeperf.report.doctor_text import absent_text, doctor_text, sensor_rows
from pytest_edgeperf.report.text import Paper

CHECKS = (
    Check("swap", OK, "none"),
    Check("governor", UNKNOWN, "the kernel scales no clocks", "Clocks matter."),
    Check("turbo", ADVICE, "on", "The clock depends on how warm it is.", "echo 0 | sudo tee /sys/boost"),
    Check("background", PROBLEM, "load 9.00", "Other work takes time.", "ps aux"),
)


def test_the_worst_comes_first_and_a_command_stays_whole():
    text = doctor_text("host: a machine", Diagnosis(CHECKS), Paper(40))
    lines = text.splitlines()
    assert lines[0] == "host: a machine"
    assert [line.split()[1] for line in lines if re.match(r"problem|hint|unknown|ok", line)] == [
        "background",
        "turbo",
        "governor",
        "swap",
    ]
    assert any(line.strip() == "-> echo 0 | sudo tee /sys/boost" for line in lines)
    assert " ".join(text.split()).endswith("not fit to measure: 1 problem (background), 1 hint (turbo)")


def test_colours_change_nothing_but_colours():
    coloured = doctor_text("host", Diagnosis(CHECKS), Paper(80, colour=True))
    assert "\x1b[1;31m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == doctor_text("host", Diagnosis(CHECKS), Paper(80))


class Sensor:
    def __init__(self, name, quantity, reading, refresh_hz=None, is_total=False):
        self.name, self.quantity, self.source = name, quantity, "a file"
        self.refresh_hz, self.is_total = refresh_hz, is_total
        self.reading = reading

    def read(self):
        return self.reading


def test_sensors_are_rows_with_unit_rate_and_source():
    rows = sensor_rows(
        [
            Sensor("temperature_cpu", TEMPERATURE, Reading(48.468)),
            Sensor("power_total", POWER, Reading(2132.0), 2.4, True),
            Sensor("power_gone", POWER, Reading(None, "it vanished")),
        ]
    )
    assert rows == [
        ("power_gone", "it vanished", "", "", "a file"),
        ("power_total", "2132 mW", "total", "2.4 Hz", "a file"),
        ("temperature_cpu", "48.5 degC", "", "", "a file"),
    ]


def test_what_is_absent_has_its_reason():
    assert (
        absent_text([Unavailable("nvml", POWER, "NVML", "no driver")], Paper(80)) == "not available:\nnvml: no driver"
    )
    assert absent_text([], Paper(80)) == ""

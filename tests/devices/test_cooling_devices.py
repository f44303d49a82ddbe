from __future__ import annotations

from pathlib import Path

import pytest

from pytest_edgeperf.devices.sensors.cooling_devices import cooling_devices, throttling_now


def test_cooling_devices_are_in_order_and_only_some_slow_the_machine_down(machine):
    devices = cooling_devices(machine("xavier-nx"))
    assert [(device.type, device.state, device.max_state, device.throttles) for device in devices] == [
        ("pwm-fan", 1, 4, False),
        ("gpu-throttle-alert", 0, 1, True),
        ("cpu-throttle-alert", 0, 1, True),
        ("devfreq-17000000.gv11b", 0, 13, True),
    ]


def test_what_slows_the_machine_down_now(machine):
    root = machine("orin-nano", {"/sys/class/thermal/cooling_device1/cur_state": "1\n"})
    assert [device.type for device in throttling_now(root)] == ["gpu-throttle-alert"]
    assert throttling_now(Path("/nowhere")) == []


@pytest.mark.parametrize(
    ("kind", "throttles"),
    [
        ("soc012-throttle-alert", True),
        ("hot-surface-alert", False),
        ("some-other-alert", False),
        ("cpufreq-cpu0", True),
        ("thermal-cpufreq-0", True),
        ("devfreq-gpu-gpc-0", True),
        ("thermal-idle-0", True),
        ("Processor", True),
        ("cpu-balanced", True),
        ("gpu-balanced", True),
        ("skin-balanced", True),
        ("emergency-balanced", True),
        ("aux-balanced", True),
        ("tegra-heavy", True),
        ("heavy", True),
        ("pwm-fan", False),
        ("Fan", False),
        ("CORE-floor", None),
        ("unbalanced-load", None),
    ],
)
def test_what_a_cooling_device_does(machine, kind, throttles):
    folder = "/sys/class/thermal/cooling_device0"
    (device,) = cooling_devices(machine(files={f"{folder}/type": f"{kind}\n", f"{folder}/cur_state": "2\n"}))
    assert (device.throttles, device.state) == (throttles, 2)


def test_a_cooling_state_that_is_none(machine):
    folder = "/sys/class/thermal/cooling_device{}"
    files = {
        folder.format(0) + "/type": "intel_powerclamp",
        folder.format(0) + "/cur_state": "-1",
        folder.format(1) + "/type": "cpu-throttle-alert",
        folder.format(1) + "/cur_state": "-1",
        folder.format(2) + "/type": "cpu-throttle-alert",
    }
    idle, negative, missing = cooling_devices(machine(files=files))
    assert (idle.state, negative.state, missing.state) == (0, None, None)
    assert negative.reason == "/sys/class/thermal/cooling_device1/cur_state is negative"
    assert missing.reason == "there is no /sys/class/thermal/cooling_device2/cur_state"

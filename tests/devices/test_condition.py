"""What two looks at a machine tell of the run between them."""

from __future__ import annotations

from pytest_edgeperf.devices.condition import Observer, figures
from pytest_edgeperf.devices.identity import identify

from .conftest import put

OVERCURRENT = "/sys/devices/platform/soctherm-oc-event/hwmon/hwmon0"


def between(root, changes):
    observer = Observer(identify(root), root)
    before = observer.look()
    for path, text in changes.items():
        put(root, path, text)
    return figures(before, observer.look())


def test_nano_that_warms_up(machine):
    root = machine("nano", {"/proc/vmstat": "pswpin 10\npswpout 20\n"})
    found = between(
        root,
        {
            "/sys/class/thermal/thermal_zone1/temp": "60500\n",
            "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input": "5000\n",
            "/proc/vmstat": "pswpin 40\npswpout 320\n",
        },
    )
    # The zone's limit is 97 degC; 30 + 300 pages.
    assert found == {
        "temperature_c": [39.0, 60.5],
        "headroom_c": [58.0, 36.5],
        "temperature_zone": "cpu",
        "power_at_rest_mw": [2132.0, 5000.0],
        "swapped_pages": 330,
    }


def test_nothing_that_cannot_be_read_is_told(machine):
    assert between(machine(), {}) == {}


def test_a_power_mode_that_somebody_changes_meanwhile(machine):
    found = between(machine("nano"), {"/var/lib/nvpmodel/status": "pmode:0001\n"})
    assert found["settings_changed"] == ["power_mode"]


def test_throttling_is_told_by_name(machine):
    root = machine("xavier-nx")
    device = "/sys/class/thermal/cooling_device99"
    found = between(root, {f"{device}/type": "gpu-throttle-alert\n", f"{device}/cur_state": "1\n"})
    assert found["slowed_by"] == ["gpu-throttle-alert"]


def test_over_current_is_counted_and_a_weak_supply_slows_down(machine):
    root = machine(
        "xavier-nx",
        {f"{OVERCURRENT}/name": "soctherm_oc\n", **{f"{OVERCURRENT}/oc{n}_event_cnt": "5\n" for n in (1, 2, 3)}},
    )
    found = between(root, {f"{OVERCURRENT}/oc3_event_cnt": "12\n"})
    assert found["overcurrent_events"] == 7
    assert "slowed_by" not in found
    found = between(root, {f"{OVERCURRENT}/oc1_event_cnt": "6\n"})
    assert found["overcurrent_events"] == 1
    assert found["slowed_by"] == ["overcurrent_oc1_undervoltage"]


def test_a_raspberry_pi_that_was_slowed_down_meanwhile(machine):
    flags = "/sys/devices/platform/soc/soc:firmware/get_throttled"
    root = machine("rpi4", {flags: "0\n"})
    assert "slowed_by" not in between(root, {})
    assert between(root, {flags: "20000\n"})["slowed_by"] == ["frequency_capped"]


def test_the_alarm_of_a_raspberry_pi_is_seen_at_either_look(machine):
    folder = "/sys/class/hwmon/hwmon1"
    tree = {"/proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0"}
    root = machine(files={**tree, f"{folder}/name": "rpi_volt\n", f"{folder}/in0_lcrit_alarm": "0\n"})
    assert "slowed_by" not in between(root, {})
    assert between(root, {f"{folder}/in0_lcrit_alarm": "1\n"})["slowed_by"] == ["undervoltage"]


def test_a_notice_of_a_hot_surface_slows_nothing(machine):
    device = "/sys/class/thermal/cooling_device99"
    found = between(machine("xavier-nx"), {f"{device}/type": "hot-surface-alert\n", f"{device}/cur_state": "1\n"})
    assert "slowed_by" not in found


def test_a_process_that_the_kernel_killed(machine):
    root = machine(files={"/proc/vmstat": "oom_kill 1\n"})
    assert between(root, {"/proc/vmstat": "oom_kill 2\n"})["oom_kills"] == 1

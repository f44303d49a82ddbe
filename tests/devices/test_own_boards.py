"""A board of the user's own: from its table in pyproject.toml and the kernel's files to the energy of an inference."""

from __future__ import annotations

import pytest

from pytest_edgeperf.devices import ProfileError, profiles, resolve
from pytest_edgeperf.devices.condition import Observer
from pytest_edgeperf.devices.doctor import examine
from pytest_edgeperf.devices.sensors.interface import POWER
from pytest_edgeperf.devices.sensors.registry import find_sensors
from pytest_edgeperf.devices.sensors.thermal import Trip, headroom
from pytest_edgeperf.schedule.machine.series import Series
from pytest_edgeperf.schedule.machine.telemetry import Instruments, Window, evaluate

from .conftest import put

ROCK = """
[tool.edgeperf.devices.rock-5b]
description = "Radxa ROCK 5B"
compatible = ["radxa,rock-5b"]
"""
POWERED = f"""{ROCK}
[tool.edgeperf.devices.rock-5b.power]
total = "12V DC-IN"
parts = ["power_VDD_CPU"]
"""
MONITOR = "/sys/class/hwmon/hwmon{}/{}"
ZONE = "/sys/class/thermal/thermal_zone{}/{}"
COMPATIBLE = {"/proc/device-tree/compatible": "radxa,rock-5b\0rockchip,rk3588\0"}


def monitor(number, microwatt, chip="ina226", **files):
    content = {"name": chip, "power1_input": microwatt, **files}
    return {MONITOR.format(number, name): f"{text}\n" for name, text in content.items()}


def zone(number, kind, milli, **trips):
    files = {ZONE.format(number, "type"): f"{kind}\n", ZONE.format(number, "temp"): f"{milli}\n"}
    for place, (trip, temperature) in enumerate(trips.items()):
        files[ZONE.format(number, f"trip_point_{place}_type")] = f"{trip}\n"
        files[ZONE.format(number, f"trip_point_{place}_temp")] = f"{temperature}\n"
    return files


SUPPLY = monitor(2, 6_000_000, label="12V DC-IN", update_interval=100)
PROCESSOR = monitor(3, 2_000_000, label="VDD_CPU")


@pytest.fixture
def board(tmp_path, machine):
    """The device that a project with this text in its pyproject.toml sees on a board with these files."""

    def make(text, *files):
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        (project / "pyproject.toml").write_text(text, encoding="utf-8")
        root = machine(files={**COMPATIBLE, **{path: content for part in files for path, content in part.items()}})
        return resolve("auto", root, project)

    return make


def sensors_of(device):
    sensors, absent = find_sensors(device.identity, device.root)
    return {one.name: one for one in sensors}, {one.name: one.reason for one in absent}


def test_from_the_table_and_the_kernels_files_to_the_energy_of_an_inference(board):
    device = board(POWERED, SUPPLY, PROCESSOR)
    assert device.without_power() is None
    sensors, absent = find_sensors(device.identity, device.root)
    total = Instruments(sensors, absent).power
    assert (total.name, total.is_total, total.read().value, total.refresh_hz) == ("power_total", True, 6000.0, 10.0)
    measured = Series(total.name, total.quantity, total.source, total.refresh_hz)
    for step in range(40):
        put(device.root, MONITOR.format(2, "power1_input"), f"{7_000_000 + step % 2}\n")
        measured.take(step / 10, total.read().value, None)
    values = evaluate([measured], Window(1.0, 3.0, 400), idle_w=2.0).values
    # 7 W over 2 s are 14 J, of 400 inferences.
    assert values["energy_per_inference"] == pytest.approx(35.0, rel=1e-3)
    assert values["energy_above_idle"] == pytest.approx(25.0, rel=1e-3)
    assert Observer(device.identity, device.root).look().power_mw == pytest.approx(7000.0, rel=1e-3)


def test_without_the_table_the_rails_are_there_and_the_reason_says_what_to_write(board):
    sensors, absent = sensors_of(board(ROCK, SUPPLY, PROCESSOR))
    assert {"power_12V_DC_IN", "power_VDD_CPU"} <= set(sensors)
    assert "power_total" not in sensors
    assert "a profile can name it: power.total" in absent["power_total"]
    assert "power_12V_DC_IN" in absent["power_total"]


def test_a_total_that_is_not_there_is_said_with_what_is(board):
    device = board(POWERED.replace("DC-IN", "DC_INN"), SUPPLY, PROCESSOR)
    reason = sensors_of(device)[1]["power_total"]
    assert reason.startswith("12V DC_INN cannot be read: ")
    assert "did you mean 12V_DC_IN?" in reason
    assert device.without_power() is not None


def test_a_board_says_why_no_temperature_is_read_or_nothing_where_one_is(board):
    assert board(ROCK).without_temperature() == "/sys/class/thermal has no thermal zone"
    assert board(ROCK, zone(0, "soc-thermal", 45_000)).without_temperature() is None


def test_a_total_below_one_of_its_parts_is_none(board):
    reason = sensors_of(board(POWERED, monitor(2, 1_000_000, label="12V DC-IN", update_interval=1), PROCESSOR))[1]
    assert "VDD_CPU draws 2000 mW, more than the 1000 mW" in reason["power_total"]


def test_a_sum_of_rails_where_none_feeds_all(board):
    rails = (
        '\n[tool.edgeperf.devices.rock-5b.power]\nsum = ["VDD_CPU", "12V DC-IN"]\nno_total = "the GPU has its own"\n'
    )
    sensors, absent = sensors_of(board(ROCK + rails, SUPPLY, PROCESSOR))
    assert sensors["power_sum_of_rails"].read().value == 8000.0
    assert absent["power_total"].startswith("the GPU has its own; the rails are ")


def test_a_monitor_without_a_label_has_the_name_of_its_place_on_the_bus(board):
    device = board(POWERED.replace("12V DC-IN", "ina260_1_0040"), monitor(7, 5_000_000, "ina260"))
    assert "power_ina260_hwmon7" in sensors_of(device)[0]
    (device.root / MONITOR.format(7, "device")[1:]).symlink_to("../../../1-0040")
    sensors, absent = sensors_of(device)
    assert sensors["power_total"].read().value == 5000.0
    assert "power_total" not in absent


@pytest.mark.parametrize("text", ["", "x", "-9999999999", "9" * 20])
def test_a_monitor_that_holds_nonsense_is_absent_with_the_reason(board, text):
    sensors, absent = sensors_of(board(POWERED, monitor(2, text, label="12V DC-IN")))
    assert "power_total" not in sensors
    assert "power1_input" in absent["power_total"]


def test_a_known_board_gets_the_total_of_a_meter_that_was_added(tmp_path, machine):
    (tmp_path / "pyproject.toml").write_text('[tool.edgeperf.devices.rpi4.power]\ntotal = "ina219_hwmon9"\n')
    device = resolve("auto", machine("rpi4", monitor(9, 4_200_000, "ina219")), tmp_path)
    assert device.profile.hardware == profiles()["rpi4"].hardware
    assert sensors_of(device)[0]["power_total"].read().value == 4200.0
    assert profiles()["rpi4"].power.total is None


def test_the_zones_that_the_profile_names_count_and_no_others(board):
    zones = (zone(0, "soc-thermal", 61000), zone(1, "package_thermal", 84000, passive=85000))
    device = board(ROCK, *zones)
    assert headroom(device.root, device.identity).zone == "package"
    device = board(f"{ROCK}thermal_zones = ['soc-thermal']\nthermal_limits_c = {{ soc = 95.5 }}\n", *zones)
    left = headroom(device.root, device.identity)
    assert (left.zone, left.celsius, left.trip) == ("soc", 34.5, Trip("published", 95.5))


def test_the_kernels_trip_point_comes_before_the_profiles_limit(board):
    device = board(f"{ROCK}thermal_limits_c = {{ soc = 95 }}\n", zone(0, "soc-thermal", 60000, passive=80000))
    assert headroom(device.root, device.identity).celsius == 20.0


@pytest.mark.parametrize("line", ["thermal_zones = ['cpu', 'soc']", "thermal_limits_c = { cpu = 80 }"])
def test_a_zone_that_the_kernel_lacks_is_said(board, line):
    device = board(f"{ROCK}{line}\n", zone(0, "soc-thermal", 60000))
    reason = sensors_of(device)[1]["temperature_cpu"]
    assert reason == "the profile of rock-5b names the thermal zone cpu, but the kernel has soc"
    assert reason in headroom(device.root, device.identity).reason


def test_a_host_that_is_asked_for_by_the_users_name_has_its_total(tmp_path, machine):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.edgeperf.devices.bench-pc]\ndescription = "the PC"\npower = { total = "PSU" }\n'
    )
    root = machine(files=monitor(1, 90_000_000, "corsairpsu", power1_label="PSU"))
    assert "power_total" in sensors_of(resolve("bench-pc", root, tmp_path))[0]
    assert "power_total" not in sensors_of(resolve("auto", root, tmp_path))[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("power = 1", "power must be a table of total, parts, sum, no_total, not 1"),
        ("power = { totl = 'VIN' }", "power.totl is not a key of a device (did you mean total?); known: total, parts"),
        ("power = { total = '' }", "power.total must be a string, not ''"),
        ("power = { total = ['VIN'] }", "power.total must be a string"),
        ("power = { parts = ['VIN'] }", "power.parts are parts of a total; name that in "),
        ("power = { total = 'A', sum = ['B'] }", "power has both total and sum"),
        ("power = { total = 'A', no_total = 'b' }", "power has both total and no_total"),
        ("power = { sum = 'A' }", "power.sum must be a list of strings"),
        ("powr = {}", "powr is not a key of a device (did you mean power?)"),
        ("thermal_zone = ['soc']", "thermal_zone is not a key of a device (did you mean thermal_zones?)"),
        ("thermal_zones = 'soc'", "thermal_zones must be a list of strings"),
        ("thermal_limits_c = ['soc']", "thermal_limits_c must be a table of degC by thermal zone, not ['soc']"),
        ("thermal_limits_c = { soc = '85' }", "thermal_limits_c.soc must be a temperature in degC"),
        ("thermal_limits_c = { soc = 0 }", "thermal_limits_c.soc must be a temperature in degC"),
        (
            "thermal_limits_c = { soc = 85000 }",
            "thermal_limits_c.soc must be a temperature in degC, above 0 and at most",
        ),
        ("thermal_limits_c = { soc = nan }", "thermal_limits_c.soc must be a temperature in degC"),
    ],
)
@pytest.mark.parametrize("table", [ROCK, "[tool.edgeperf.devices.nano]\n"])
def test_what_is_wrong_is_said_with_file_and_key(tmp_path, table, text, said):
    (tmp_path / "pyproject.toml").write_text(f"{table}{text}\n")
    with pytest.raises(ProfileError) as caught:
        profiles(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'pyproject.toml'}: tool.edgeperf.devices.")
    assert said in str(caught.value)


SENSOR = """
from pytest_edgeperf.devices.sensors.file_sensor import FileSensor, sort_out
from pytest_edgeperf.devices.sensors.interface import POWER


def find(root, identity):
    sensors, absent = [], []
    meter = FileSensor("power_usb_meter", POWER, "/dev/usb-meter", root, refresh_hz=10.0)
    sort_out([meter], sensors, absent)
    return sensors, absent
"""
BOARD = """
ROCK = {"description": "Radxa ROCK 5B", "compatible": ["radxa,rock-5b"], "power": {"total": "usb_meter"}}
"""


def test_a_sensor_is_one_file_and_one_entry_point_and_a_device_is_one_entry(package, board):
    package("acme_meter", SENSOR, sensors={"usb-meter": "find"})
    package("acme_boards", BOARD, devices={"rock-5b": "ROCK"})
    device = board("", {"/dev/usb-meter": "5250\n"}, PROCESSOR)
    sensors, absent = sensors_of(device)
    total = sensors["power_total"]
    assert (total.read().value, total.quantity, total.source) == (5250.0, POWER, "/dev/usb-meter")
    assert (total.is_total, total.refresh_hz) == (True, 10.0)
    assert "power_total" not in absent
    assert "power_usb_meter" not in sensors
    assert Observer(device.identity, device.root).look().power_mw == 5250.0
    checks = {check.id: check for check in examine(device.identity, device.root).checks}
    assert checks["sensors"].found == "power: power_VDD_CPU, power_total"
    put(device.root, "/dev/usb-meter", "0\n")
    sensors, absent = sensors_of(device)
    assert "power_total" not in sensors
    assert "it was not measured" in absent["power_total"]

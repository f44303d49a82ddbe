from __future__ import annotations

from pathlib import Path

import pytest

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors.thermal import Headroom, Trip, find, headroom, zones

from .conftest import put

HOST = Identity("host", "host", "", "")
ZONE = "/sys/class/thermal/thermal_zone{}/{}"


def zone(number, kind, milli, **trips):
    files = {ZONE.format(number, "type"): f"{kind}\n", ZONE.format(number, "temp"): f"{milli}\n"}
    for position, (trip, temperature) in enumerate(trips.items()):
        files[ZONE.format(number, f"trip_point_{position}_type")] = trip.rstrip("_") + "\n"
        files[ZONE.format(number, f"trip_point_{position}_temp")] = f"{temperature}\n"
    return files


def bound(number, *bindings):
    """Cooling devices of these types, each bound to a trip point of the zone: ``(type, trip point)``."""
    files = {}
    for position, (kind, trip) in enumerate(bindings):
        files[ZONE.format(number, f"cdev{position}_trip_point")] = f"{trip}\n"
        files[ZONE.format(number, f"cdev{position}/type")] = f"{kind}\n"
    return files


def temperatures(root):
    sensors, absent = find(root, identify(root))
    assert {(sensor.quantity, sensor.is_total) for sensor in sensors} == {("temperature", False)}
    return {sensor.name: sensor.read().value for sensor in sensors}, {gone.name: gone for gone in absent}


def test_nano(machine):
    known, absent = temperatures(machine("nano"))
    assert known == {
        "temperature_ao": 47.5,
        "temperature_cpu": 39.0,
        "temperature_gpu": 37.0,
        "temperature_pll": 36.5,
        "temperature_thermal_fan_est": 38.0,
    }
    assert list(absent) == ["temperature_pmic_die"]
    assert absent["temperature_pmic_die"].reason == "PMIC-Die reports a constant, not a temperature"
    assert absent["temperature_pmic_die"].source == "/sys/class/thermal/thermal_zone4/temp"


def test_orin_nano_whose_vision_cores_are_off(machine):
    root = machine("orin-nano")
    known, absent = temperatures(root)
    assert known == {
        "temperature_cpu": 48.468,
        "temperature_gpu": 48.562,
        "temperature_soc0": 48.062,
        "temperature_soc1": 49.156,
        "temperature_soc2": 47.531,
        "temperature_tj": 49.156,
    }
    assert sorted(absent) == ["temperature_cv0", "temperature_cv1", "temperature_cv2"]
    assert "Resource temporarily unavailable" in absent["temperature_cv0"].reason


def test_xavier_nx(machine):
    assert temperatures(machine("xavier-nx"))[0] == {
        "temperature_cpu": 43.5,
        "temperature_gpu": 43.0,
        "temperature_aux": 41.5,
        "temperature_ao": 41.5,
        "temperature_thermal_fan_est": 42.55,
    }


@pytest.mark.parametrize("milli", ["-256000", "-1", "0", "150001", "2147483647", "", "hot", "4e4"])
def test_what_no_running_chip_has_is_absent_and_not_nought(machine, milli):
    sensors, absent = find(machine(files=zone(0, "CPU-therm", milli)), HOST)
    assert sensors == []
    assert [(gone.name, gone.quantity) for gone in absent] == [("temperature_cpu", "temperature")]
    assert absent[0].reason.startswith("/sys/class/thermal/thermal_zone0/temp ")


def test_a_powered_off_domain_says_what_it_answered(machine):
    _, absent = find(machine(files=zone(0, "GPU-therm", -256000)), HOST)
    assert absent[0].reason == (
        "/sys/class/thermal/thermal_zone0/temp says -256 degC, which is not a valid measurement"
    )


def test_a_zone_that_fails_in_the_middle_is_a_reading_with_its_reason(machine, failing):
    root = machine(files=zone(0, "cpu-thermal", 48000))
    (sensor,), _ = find(root, HOST)
    assert sensor.read().value == 48.0
    failing(root, {sensor.source: "EINVAL"})
    assert sensor.read().value is None
    assert "Invalid argument" in sensor.read().reason


def test_a_zone_that_vanishes_is_a_reading_with_its_reason(machine):
    root = machine(files=zone(0, "cpu-thermal", 48000))
    (sensor,), _ = find(root, HOST)
    (root / sensor.source[1:]).unlink()
    assert sensor.read().value is None
    assert sensor.read().reason == f"there is no {sensor.source}"


def test_zones_are_found_by_type_and_have_names_of_their_own(machine):
    files = {**zone(10, "acpitz", 30000), **zone(2, "acpitz", 20000), **zone(0, "x86_pkg_temp", 40000)}
    files[ZONE.format(3, "temp")] = "50000\n"
    root = machine(files={**files, "/sys/class/thermal/cooling_device0/type": "Processor\n"})
    assert [found.name for found in zones(root)] == ["x86_pkg_temp", "acpitz", "zone3", "acpitz_10"]


def test_a_machine_without_zones_says_so(machine):
    assert find(machine(), HOST)[0] == []
    assert find(Path("/nowhere"), HOST)[1][0].reason == "/sys/class/thermal has no thermal zone"
    assert headroom(Path("/nowhere"), HOST).reason == "/sys/class/thermal has no thermal zone"
    assert headroom(Path("/nowhere"), HOST).celsius is None


def test_headroom_to_the_passive_trip_of_the_zone(machine):
    found = headroom(machine("orin-nano"), Identity("orin-nano", "jetson", "", ""))
    assert found.celsius == pytest.approx(99.0 - 48.468)
    assert (found.zone, found.temperature_c, found.trip) == ("cpu", 48.468, Trip("passive", 99.0))
    assert found.source == "/sys/class/thermal/thermal_zone0/temp"


@pytest.mark.parametrize(
    ("board", "left", "zone_name", "limit"),
    [("nano", 97.0 - 39.0, "cpu", 97.0), ("xavier-nx", 90.5 - 43.5, "cpu", 90.5), ("rpi4", 80.0 - 47.712, "cpu", 80.0)],
)
def test_headroom_to_the_published_limit_where_no_passive_trip_is_told(machine, board, left, zone_name, limit):
    root = machine(board)
    found = headroom(root, identify(root))
    assert found.celsius == pytest.approx(left)
    assert (found.zone, found.trip) == (zone_name, Trip("published", limit))


def pi(board, milli, kind="cpu-thermal"):
    tree = {"/proc/device-tree/compatible": f"raspberrypi,{board}\0brcm,bcm2837\0"}
    return {**tree, **zone(0, kind, milli, critical=110000)}


@pytest.mark.parametrize(
    ("board", "kind", "limit"),
    [
        ("3-model-b", "cpu-thermal", 80.0),
        ("3-model-a-plus", "cpu-thermal", 60.0),
        ("3-model-b-plus", "cpu_thermal", 60.0),
        ("3-model-b-plus", "bcm2835_thermal", 60.0),
        ("model-zero-2-w", "cpu-thermal", 80.0),
        ("2-model-b-rev2", "soc-thermal", 80.0),
        ("4-compute-module-s", "cpu-thermal", 80.0),
        ("5-model-b", "cpu-thermal", 80.0),
        ("a-board-of-tomorrow", "cpu-thermal", 80.0),
    ],
)
def test_every_raspberry_pi_slows_itself_down(machine, board, kind, limit):
    root = machine(files=pi(board, 44000, kind))
    found = headroom(root, identify(root))
    assert (found.celsius, found.trip) == (limit - 44.0, Trip("published", limit))


def test_the_firmware_of_a_raspberry_pi_acts_before_and_after_the_kernel(machine):
    tree = {"/proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0"}
    for passive, limit in ((85000, 80.0), (75000, 75.0)):
        trips = {**zone(0, "cpu-thermal", 50000, passive=passive), **bound(0, ("cpufreq-cpu0", 0))}
        root = machine(files={**tree, **trips})
        assert headroom(root, identify(root)).celsius == limit - 50.0


def test_a_hidden_raspberry_pi_slows_itself_down_too(machine):
    files = {**zone(0, "cpu-thermal", 62300, critical=110000)}
    files["/proc/cpuinfo"] = "processor : 0\nModel\t\t: Raspberry Pi 3 Model B Plus Rev 1.3\n"
    root = machine(files=files)
    assert headroom(root, identify(root)).celsius == pytest.approx(-2.3)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("temp_soft_limit=70\n", 70.0),
        ("# temp_soft_limit=70\n", 60.0),
        ("[pi4]\ntemp_soft_limit=70\n[all]\n", 60.0),
        ("[pi4]\n[pi3+]\n temp_soft_limit = 65\n", 65.0),
        ("temp_soft_limit=90\n", 70.0),
        ("temp_soft_limit=0\n", 60.0),
        ("temp_soft_limit=x\n", 60.0),
    ],
)
def test_the_soft_limit_that_the_user_set(machine, text, limit):
    root = machine(files={**pi("3-model-b-plus", 40000), "/boot/firmware/config.txt": text})
    assert headroom(root, identify(root)).celsius == limit - 40.0


def test_the_nearest_trip_counts_and_not_the_hottest_zone(machine):
    files = {
        **zone(0, "cpu-thermal", 80000, passive=99000, passive_=95000, critical=104500),
        **zone(1, "gpu-thermal", 70000, passive=75000),
        **zone(2, "pll-thermal", 90000, active=50000),
    }
    found = headroom(machine(files=files), HOST)
    assert (found.celsius, found.zone, found.trip) == (5.0, "gpu", Trip("passive", 75.0))


def test_beyond_the_trip_the_headroom_is_negative(machine):
    found = headroom(machine(files=zone(0, "cpu-thermal", 97500, passive=95000)), HOST)
    assert found.celsius == -2.5


ORIN = {"passive": 99000, "critical": 104500, "passive_": 70000}


def test_a_trip_that_only_warns_of_a_hot_surface_slows_nothing(machine):
    bindings = bound(0, ("hot-surface-alert", 2), ("cpufreq-cpu0", 0), ("cpu-throttle-alert", 0), ("pwm-fan", -1))
    root = machine(files={**zone(0, "cpu-thermal", 67000, **ORIN), **bindings})
    assert headroom(root, HOST) == Headroom(32.0, "cpu", 67.0, Trip("passive", 99.0), ZONE.format(0, "temp"))
    (found,) = zones(root)
    assert [(trip.celsius, trip.devices, trip.slows) for trip in found.trips] == [
        (99.0, ("cpufreq-cpu0", "cpu-throttle-alert"), True),
        (104.5, (), False),
        (70.0, ("hot-surface-alert",), False),
    ]


def test_the_trip_to_which_the_clocks_are_bound_counts_whatever_its_type(machine):
    trips = zone(0, "soc-thermal", 40000, passive=60000, active=80000, hot=90000, critical=100000)
    bindings = bound(0, ("pwm-fan", 0), ("emergency-balanced", 1), ("tegra-heavy", 2), ("tegra-shutdown", 3))
    assert headroom(machine(files={**trips, **bindings}), HOST).trip == Trip("active", 80.0)


#: Of a Jetson Nano under L4T 32, from its device tree.
NANO = Identity("nano", "jetson", "", "", soc="tegra210")
NANO_CPU = {"active": 66000, "active_": 86000, "critical": 102000, "hot": 100500, "passive": 97000}


@pytest.mark.parametrize("with_bindings", [True, False])
def test_a_nano_is_slowed_down_at_97_degc_and_not_where_its_memory_is_refreshed_more_often(machine, with_bindings):
    files = {**zone(0, "PLL-therm", 60000, passive=70000), **zone(1, "CPU-therm", 62000, **NANO_CPU)}
    if with_bindings:
        cpu = ("DFLL-cap", 0), ("DFLL-cap", 1), ("tegra_heavy", 3), ("cpu-balanced", 4)
        files = {**files, **bound(0, ("tegra-dram", 0)), **bound(1, *cpu)}
    assert headroom(machine(files=files), NANO) == Headroom(
        35.0, "cpu", 62.0, Trip("passive", 97.0), ZONE.format(1, "temp")
    )


def test_a_device_of_unknown_kind_may_slow_the_machine_down(machine):
    trips = zone(0, "cpu-thermal", 40000, active=60000, passive=80000, critical=100000)
    root = machine(files={**trips, **bound(0, ("novelty", 0), ("novelty", 1))})
    assert headroom(root, HOST).trip == Trip("passive", 80.0)


def test_where_no_trip_slows_the_machine_the_published_limit_counts_then_the_critical_trip(machine):
    trips = zone(0, "cpu-thermal", 40000, passive=70000, hot=90000, critical=110000)
    root = machine(files={**trips, **bound(0, ("hot-surface-alert", 0), ("hot-surface-alert", 1))})
    assert headroom(root, HOST).trip == Trip("critical", 110.0)
    assert headroom(root, Identity("rpi4", "raspberry-pi", "", "")).trip == Trip("published", 80.0)


def test_a_zone_without_bindings_slows_nothing_where_others_have_them(machine):
    # A laptop: the sensor of its skin has a passive trip point that no cooling device is bound to.
    files = {
        **zone(0, "acpitz", 45000, passive=95000, critical=105000),
        **zone(1, "SEN1", 51000, passive=52000, critical=90000),
        **bound(0, ("Processor", 0)),
    }
    found = headroom(machine(files=files), HOST)
    assert (found.zone, found.celsius, found.trip) == ("sen1", 39.0, Trip("critical", 90.0))


def test_a_binding_of_a_recording_leads_to_the_class(machine):
    root = machine(files=zone(0, "cpu-thermal", 67000, **ORIN))
    for position, (kind, trip) in enumerate([("hot-surface-alert", 2), ("cpufreq-cpu0", 0)]):
        put(root, f"/sys/class/thermal/cooling_device{position}/type", f"{kind}\n")
        put(root, ZONE.format(0, f"cdev{position}_trip_point"), f"{trip}\n")
        link = root / ZONE.format(0, f"cdev{position}").lstrip("/")
        link.symlink_to(f"../../devices/virtual/thermal/cooling_device{position}")
    assert headroom(root, HOST).celsius == 32.0


def test_bindings_that_cannot_be_read_are_not_believed_in_part(machine):
    bindings = bound(0, ("hot-surface-alert", 2), ("cpufreq-cpu0", 0))
    del bindings[ZONE.format(0, "cdev1/type")]
    root = machine(files={**zone(0, "cpu-thermal", 67000, **ORIN), **bindings})
    assert headroom(root, HOST).trip == Trip("passive", 70.0)
    # A recording without links: of this chip it is known that 70 degC is a notice.
    assert headroom(root, Identity("orin-nano", "jetson", "", "", soc="tegra234")).trip == Trip("passive", 99.0)


def test_hot_and_critical_count_only_where_there_is_no_passive_trip(machine):
    root = machine(files=zone(0, "acpitz", 40000, active=30000, critical=110000, hot=100000))
    assert headroom(root, HOST).trip == Trip("hot", 100.0)


def test_trips_at_room_temperature_are_placeholders(machine):
    found = headroom(machine(files=zone(0, "acpitz", 27800, passive=20800, critical=105000)), HOST)
    assert (found.celsius, found.trip) == (pytest.approx(77.2), Trip("critical", 105.0))


def test_unset_trips_and_irrelevant_zones_do_not_count(machine):
    files = {
        **zone(0, "x86_pkg_temp", 45000, passive=0, passive_=-274000, critical=100000),
        **zone(1, "iwlwifi_1", 60000, passive=61000),
        **zone(2, "PMIC-Die", 100000, passive=100500),
        **zone(3, "thermal-fan-est", 50000, passive=51000),
    }
    found = headroom(machine(files=files), HOST)
    assert (found.zone, found.celsius, found.trip) == ("x86_pkg_temp", 55.0, Trip("critical", 100.0))


def test_headroom_says_why_it_is_not_known(machine, failing):
    files = {**zone(0, "cpu-thermal", 40000, passive=99000), **zone(1, "ddr", 40000)}
    root = machine(files=files)
    failing(root, {ZONE.format(0, "temp"): "EAGAIN"})
    found = headroom(root, HOST)
    assert found.celsius is None
    assert "thermal_zone0/temp cannot be read" in found.reason
    assert "ddr has no trip point" in found.reason

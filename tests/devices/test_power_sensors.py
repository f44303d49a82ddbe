"""Rails in mW and the total per device: values computed by hand from what the chips' files say."""

from __future__ import annotations

import math
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.devices import system_files as reader
from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors import ina3221, power
from pytest_edgeperf.devices.sensors.interface import UNITS
from pytest_edgeperf.devices.sensors.power import FOR_INFERENCES
from pytest_edgeperf.devices.sensors.rail import rail_name

from .conftest import put

IIO = "/sys/bus/i2c/drivers/ina3221x/{}/iio:device{}"
HWMON = "/sys/bus/i2c/drivers/ina3221/{0}/hwmon/hwmon{1}"
NANO = IIO.format("6-0040", 0)
ORIN = HWMON.format("1-0040", 1)
HOST = Identity("host", "host", "", "")


def jetson(name):
    return Identity(name, "jetson", "", "")


def look(root, identity=None):
    """Sensor -> value in mW, sensor -> reason why it is absent, and the sensors by name."""
    sensors, absent = power.find(root, identity or identify(root))
    assert {UNITS[sensor.quantity] for sensor in [*sensors, *absent]} <= {"mW"}
    names = [one.name for one in [*sensors, *absent]]
    assert len(names) == len(set(names))
    values = {sensor.name: sensor.read().value for sensor in sensors}
    return values, {gone.name: gone.reason for gone in absent}, {sensor.name: sensor for sensor in sensors}


def iio(chip, device, *rails):
    folder = IIO.format(chip, device)
    files = {}
    for channel, (label, milliwatt) in enumerate(rails):
        files[f"{folder}/rail_name_{channel}"] = f"{label}\n"
        files[f"{folder}/in_power{channel}_input"] = f"{milliwatt}\n"
    return files


def hwmon(chip, number, *rails):
    folder = HWMON.format(chip, number)
    files = {f"{folder}/name": "ina3221\n"}
    for channel, (label, millivolt, milliampere) in enumerate(rails, 1):
        files[f"{folder}/in{channel}_label"] = f"{label}\n"
        files[f"{folder}/in{channel}_input"] = f"{millivolt}\n"
        files[f"{folder}/curr{channel}_input"] = f"{milliampere}\n"
    return files


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(reader, "PAUSE_S", 0.0)


def test_nano(machine):
    values, absent, sensors = look(machine("nano"))
    assert values == {"power_total": 2132.0, "power_POM_5V_GPU": 78.0, "power_POM_5V_CPU": 275.0}
    assert absent == {}
    assert sensors["power_total"].source == f"{NANO}/in_power0_input"
    assert {name for name, sensor in sensors.items() if sensor.is_total} == {"power_total"}
    assert {sensor.refresh_hz for sensor in sensors.values()} == {2.4}


def test_xavier_nx(machine):
    values, absent, sensors = look(machine("xavier-nx"))
    assert values == pytest.approx(
        {"power_total": 4066.944, "power_VDD_CPU_GPU_CV": 738.112, "power_VDD_SOC": 1353.472}, abs=1e-9
    )
    assert absent == {}
    assert sensors["power_total"].is_total
    assert sensors["power_total"].refresh_hz == 77.0


def test_orin_nano_whose_sum_of_channels_is_no_rail(machine):
    values, absent, sensors = look(machine("orin-nano"))
    assert values == pytest.approx(
        {"power_total": 4762.368, "power_VDD_CPU_GPU_CV": 529.152, "power_VDD_SOC": 1424.64}, abs=1e-9
    )
    assert absent == {}
    assert sensors["power_total"].source == f"{ORIN}/in1_input x curr1_input"


def test_the_driver_tells_how_slow_it_is(machine):
    _, _, sensors = look(machine("orin-nano", {f"{ORIN}/update_interval": "100\n"}))
    assert sensors["power_total"].refresh_hz == 10.0


def test_a_chip_that_only_the_class_of_monitors_lists(machine):
    files = {"name": "ina3221", "in1_label": "VDD_IN", "in1_input": "5000", "curr1_input": "1200"}
    root = machine(files={f"/sys/class/hwmon/hwmon7/{name}": f"{text}\n" for name, text in files.items()})
    assert look(root, jetson("orin-nx"))[0] == {"power_total": 6000.0}


def test_tx2_has_a_total_and_the_carrier_is_not_part_of_it(machine):
    files = {
        **iio("0-0040", 0, ("VDD_SYS_GPU", 152), ("VDD_SYS_SOC", 687), ("VDD_4V0_WIFI", 0)),
        **iio("0-0041", 1, ("VDD_IN", 3056), ("VDD_SYS_CPU", 152), ("VDD_SYS_DDR", 883)),
        **iio("0-0042", 2, ("VDD_MUX", 4900), ("VDD_5V0_IO_SYS", 900), ("VDD_3V3_SYS", 300)),
    }
    values, absent, _ = look(machine(files=files), jetson("tx2"))
    assert absent == {}
    assert values == {
        "power_total": 3056.0,
        "power_VDD_SYS_GPU": 152.0,
        "power_VDD_SYS_SOC": 687.0,
        "power_VDD_4V0_WIFI": 0.0,
        "power_VDD_SYS_CPU": 152.0,
        "power_VDD_SYS_DDR": 883.0,
        "power_VDD_MUX": 4900.0,
        "power_VDD_5V0_IO_SYS": 900.0,
        "power_VDD_3V3_SYS": 300.0,
    }


def test_agx_xavier_has_no_total_but_the_sum_of_its_six_rails(machine):
    files = {
        **iio("1-0040", 0, ("GPU", 0), ("CPU", 311), ("SOC", 932)),
        **iio("1-0041", 1, ("CV", 0), ("VDDRQ", 621), ("SYS5V", 1482)),
    }
    values, absent, sensors = look(machine(files=files), jetson("agx-xavier"))
    assert values["power_sum_of_rails"] == 3346.0
    assert not any(sensor.is_total for sensor in sensors.values())
    assert absent == {
        "power_total": "no rail of this module feeds all others; the rails are power_GPU, power_CPU, power_SOC, "
        "power_CV, power_VDDRQ, power_SYS5V"
    }


def test_agx_orin_counts_no_rail_twice_and_leaves_out_what_is_not_connected(machine):
    files = {
        **hwmon("1-0040", 1, ("VDD_GPU_SOC", 5000, 640), ("VDD_CPU_CV", 5000, 880), ("VIN_SYS_5V0", 5000, 952)),
        **hwmon("1-0041", 2, ("NC", 0, 0), ("VDDQ_VDD2_1V8AO", 5000, 218), ("NC", 0, 0)),
    }
    values, absent, sensors = look(machine(files=files), jetson("agx-orin"))
    assert values == {
        "power_VDD_GPU_SOC": 3200.0,
        "power_VDD_CPU_CV": 4400.0,
        "power_VIN_SYS_5V0": 4760.0,
        "power_VDDQ_VDD2_1V8AO": 1090.0,
        "power_sum_of_rails": 12360.0,
    }
    assert sensors["power_sum_of_rails"].source == "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0"
    assert "the rails are power_VDD_GPU_SOC" in absent["power_total"]


def test_a_sum_that_lacks_a_rail_is_none(machine, failing):
    files = hwmon("1-0040", 1, ("VDD_GPU_SOC", 5000, 640), ("VDD_CPU_CV", 5000, 880), ("VIN_SYS_5V0", 5000, 952))
    root = machine(files=files)
    sensors = look(root, jetson("agx-orin"))[2]
    failing(root, {f"{HWMON.format('1-0040', 1)}/curr2_input": "EIO"})
    reading = sensors["power_sum_of_rails"].read()
    assert reading.value is None
    assert "curr2_input cannot be read" in reading.reason
    assert "power_sum_of_rails" not in look(root, jetson("agx-orin"))[0]


@pytest.mark.parametrize("label", [{}, {"power1_label": "VIN\n"}])
def test_thor_whose_total_is_another_chip_in_microwatts(machine, label):
    chip = {"name": "ina238\n", "power1_input": "28906250\n", "in1_input": "19500\n", "curr1_input": "1482\n", **label}
    files = {
        **{f"/sys/class/hwmon/hwmon5/{name}": text for name, text in chip.items()},
        **hwmon("2-0040", 1, ("VDD_GPU", 19000, 333), ("VDD_CPU_SOC_MSS", 19000, 500), ("VIN_SYS_5V0", 5000, 1000)),
    }
    values, absent, sensors = look(machine(files=files), jetson("thor"))
    assert absent == {}
    assert values == {
        "power_total": 28906.25,
        "power_VDD_GPU": 6327.0,
        "power_VDD_CPU_SOC_MSS": 9500.0,
        "power_VIN_SYS_5V0": 5000.0,
    }
    assert sensors["power_total"].source == "/sys/class/hwmon/hwmon5/power1_input"
    assert sensors["power_total"].refresh_hz == 19.8


def test_another_chip_with_a_rail_of_the_totals_name(machine):
    files = {
        "/sys/class/hwmon/hwmon5/name": "ina238\n",
        "/sys/class/hwmon/hwmon5/power1_input": "28906000\n",
        **hwmon("2-0040", 1, ("VIN", 19000, 100)),
    }
    values, _, _ = look(machine(files=files), jetson("thor"))
    assert values == {"power_total": 28906.0, "power_VIN_ina3221": 1900.0}


def test_the_chip_of_thor_elsewhere_is_a_rail_without_a_name(machine):
    files = {"/sys/class/hwmon/hwmon5/name": "ina238\n", "/sys/class/hwmon/hwmon5/power1_input": "1000\n"}
    values, absent, _ = look(machine(files=files), jetson("unknown-jetson"))
    assert values == {"power_ina238_hwmon5": 1.0}
    assert absent["power_total"] == (
        "it is not known which rail of this device feeds all others (a profile can name it: power.total); "
        "the rails are power_ina238_hwmon5"
    )


@pytest.mark.parametrize("name", ["nano-2gb", "rpi3", "rpi4"])
def test_boards_that_measure_no_power(machine, name):
    values, absent, _ = look(machine("rpi4"), jetson(name))
    assert values == {}
    assert absent == {"power_total": "this board has no power sensor; only a meter in its supply can measure it"}


def test_a_jetson_whose_chip_is_hidden(machine):
    values, absent, _ = look(machine(), jetson("orin-nano"))
    assert values == {}
    assert absent["power_total"].startswith("VDD_IN cannot be read: no chip under /sys/bus/i2c/drivers/ina3221x")


PERMUTED = {
    f"{NANO}/rail_name_0": "POM_5V_GPU\n",
    f"{NANO}/in_power0_input": "8949\n",
    f"{NANO}/rail_name_1": "POM_5V_IN\n",
    f"{NANO}/in_power1_input": "3227\n",
    f"{NANO}/in_power2_input": "3148\n",
}


def test_permuted_labels_make_no_total(machine, monkeypatch):
    pauses = []
    monkeypatch.setattr(power.time, "sleep", pauses.append)
    values, absent, sensors = look(machine("nano", PERMUTED))
    assert values == {"power_POM_5V_GPU": 8949.0, "power_POM_5V_IN": 3227.0, "power_POM_5V_CPU": 3148.0}
    assert not any(sensor.is_total for sensor in sensors.values())
    assert absent["power_total"] == (
        "the rail labels are inconsistent with the readings: POM_5V_GPU draws 8949 mW, more than the 3227 mW of the "
        "rail that should feed it, POM_5V_IN"
    )
    assert pauses == [pytest.approx(1 / 2.4)]


def test_a_load_that_one_channel_sees_before_another_is_no_permutation(machine, monkeypatch):
    root = machine("nano", {f"{NANO}/in_power1_input": "4000\n"})
    total = root / f"{NANO}/in_power0_input".lstrip("/")
    monkeypatch.setattr(power.time, "sleep", lambda seconds: total.write_text("6000\n"))
    values, absent, _ = look(root)
    assert values["power_total"] == 6000.0
    assert absent == {}


def test_inconsistency():
    assert power.inconsistency(3227, {"GPU": 8949, "CPU": 3300}) == (
        "GPU draws 8949 mW, more than the 3227 mW of the rail that should feed it"
    )
    assert power.inconsistency(2132, {"GPU": 78, "CPU": 2132}) is None
    assert power.inconsistency(2132, {}) is None


def test_rails_that_only_root_may_read_say_how_to_open_them(machine, failing):
    root = machine("nano")
    failing(root, {f"{NANO}/in_power{channel}_input": "EACCES" for channel in range(3)})
    values, absent, _ = look(root)
    assert values == {}
    assert set(absent) == {"power_total", "power_POM_5V_IN", "power_POM_5V_GPU", "power_POM_5V_CPU"}
    for reason in absent.values():
        assert "Permission denied" in reason
        assert f"sudo chmod a+r {NANO}/in_{{power,voltage,current}}*_input" in reason


@pytest.mark.parametrize("error", ["EAGAIN", "ENODATA", "EIO"])
def test_a_rail_that_fails_is_absent_and_the_others_are_there(machine, failing, error):
    root = machine("orin-nano")
    failing(root, {f"{ORIN}/curr3_input": error})
    values, absent, _ = look(root)
    assert set(values) == {"power_total", "power_VDD_CPU_GPU_CV"}
    assert f"{ORIN}/curr3_input cannot be read" in absent["power_VDD_SOC"]


def test_a_channel_that_is_switched_off(machine, failing):
    root = machine("orin-nano", {f"{ORIN}/in3_enable": "0\n"})
    failing(root, {f"{ORIN}/in3_input": "ENODATA"})
    assert look(root)[1] == {"power_VDD_SOC": f"{ORIN}/in3_enable: the channel is switched off"}


def test_a_rail_whose_label_cannot_be_read_is_absent_and_not_guessed(machine, failing):
    root = machine("orin-nano")
    failing(root, {f"{ORIN}/in1_label": "EIO"})
    values, absent, _ = look(root)
    assert set(values) == {"power_VDD_CPU_GPU_CV", "power_VDD_SOC"}
    assert f"{ORIN}/in1_label cannot be read" in absent["power_1_0040_1"]
    assert absent["power_total"].startswith("VDD_IN cannot be read")


def test_channels_without_a_label_are_rails_without_a_name(machine):
    files = hwmon("4-0041", 9, ("", 5000, 100), ("VDD_X", 5000, 10))
    del files[f"{HWMON.format('4-0041', 9)}/in2_label"]
    assert look(machine(files=files), jetson("unknown-jetson"))[0] == {
        "power_4_0041_1": 500.0,
        "power_4_0041_2": 50.0,
    }


def test_two_rails_of_one_name(machine):
    files = {**iio("1-0040", 0, ("VDD", 1)), **iio("1-0041", 1, ("VDD", 2))}
    assert look(machine(files=files), jetson("unknown-jetson"))[0] == {"power_VDD": 1.0, "power_VDD_1_0041": 2.0}


def test_a_total_of_nought_was_not_measured(machine):
    values, absent, _ = look(machine("nano", {f"{NANO}/in_power0_input": "0\n"}))
    assert values == {"power_POM_5V_GPU": 78.0, "power_POM_5V_CPU": 275.0}
    assert "says 0 mW for the whole device, so it was not measured" in absent["power_total"]


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0.0), ("-8", -8.0), ("-40000", None), ("4294967295", None), ("", None), ("12 mW", None)]
)
def test_a_part_may_draw_nothing_and_noise_may_be_negative(machine, text, value):
    root = machine("nano")
    rail = look(root)[2]["power_POM_5V_GPU"]
    (root / f"{NANO}/in_power1_input".lstrip("/")).write_text(text + "\n")
    reading = rail.read()
    assert reading.value == value
    assert (reading.reason is None) == (value is not None)


def test_rails_that_vanish_while_they_are_measured(machine):
    root = machine("nano")
    sensors = look(root)[2].values()
    (root / "sys/bus").rename(root / "gone")
    readings = [sensor.read() for sensor in sensors]
    assert [reading.value for reading in readings] == [None] * 3
    assert all("there is no /sys/bus" in reading.reason for reading in readings)


@pytest.mark.parametrize("board", ["nano", "xavier-nx", "orin-nano"])
@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe\0\n", b"nan\n", b"9" * 19, b"-1\n", b"NC\n"])
def test_garbage_in_every_file(machine, monkeypatch, board, garbage):
    root = machine(board)
    identity = identify(root)
    sensors = look(root, identity)[2].values()
    monkeypatch.setattr(reader, "read_bytes", lambda file: garbage)
    monkeypatch.setattr(power.time, "sleep", lambda seconds: None)
    for reading in [sensor.read() for sensor in sensors]:
        assert (reading.value is None) == bool(reading.reason)
    assert all(look(root, identity)[1].values())


@pytest.fixture(params=["nano", "orin-nano"])
def rail(machine, request):
    """A rail behind each of the kernel's two drivers."""
    root = machine(request.param)
    return ina3221.find_rails(root, identify(root))[0][-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=40))
def test_whatever_a_file_holds(rail, data):
    with mock.patch.object(reader, "read_bytes", return_value=data):
        reading = rail.read()
    assert (reading.value is None) == bool(reading.reason)
    assert reading.value is None or math.isfinite(reading.value)


@given(st.text(max_size=60))
def test_any_label_makes_a_name(label):
    name = rail_name(label)
    assert name == "" or name.replace("_", "a").isalnum()
    assert len(name) <= 40


METER = "/sys/class/hwmon/hwmon{}/{}"


def meter(number, label, microwatt, folder=""):
    path = f"{folder}{{}}"
    files = {"name": "power_meter", "power1_average": microwatt, "power1_average_interval": "50"}
    if label:
        files["power1_oem_info"] = label
    return {METER.format(number, path.format(name)): f"{text}\n" for name, text in files.items()}


def test_the_meters_of_a_grace_hopper_are_parts_and_no_total(machine):
    files = {
        **meter(1, "Module Power Socket 0", 1301000000),
        **meter(2, "Grace Power Socket 0", 95500000),
        **meter(3, "CPU Power Socket 0", 61000000, "device/"),
        **meter(4, "", 7000000),
    }
    values, absent, sensors = look(machine(files=files), HOST)
    assert values == {
        "power_Module_Power_Socket_0": 1301000.0,
        "power_Grace_Power_Socket_0": 95500.0,
        "power_CPU_Power_Socket_0": 61000.0,
        "power_meter_hwmon4": 7000.0,
    }
    assert not any(sensor.is_total for sensor in sensors.values())
    assert sensors["power_Grace_Power_Socket_0"].refresh_hz == 20.0
    assert "power_total" in absent
    assert set(values) & set(FOR_INFERENCES) == {"power_Module_Power_Socket_0", "power_Grace_Power_Socket_0"}


def test_a_meter_that_cannot_be_read_says_why(machine, failing):
    root = machine(files=meter(1, "Module Power Socket 0", 301000000))
    failing(root, {METER.format(1, "power1_average"): "EACCES"})
    values, absent, _ = look(root, HOST)
    assert values == {}
    assert "sudo chmod a+r" in absent["power_Module_Power_Socket_0"]


@pytest.mark.parametrize("sku", ["0000", "0005", "0008", "0099"])
def test_a_supply_is_no_power_and_vin_is_the_total_of_each_thor(machine, sku):
    supply = "/sys/class/power_supply/ucsi-source-psy-USBC000:001/{}"
    files = {
        "/proc/device-tree/compatible": f"nvidia,p3834-{sku}\0nvidia,tegra264\0",
        supply.format("type"): "USB\n",
        supply.format("voltage_now"): "20000000\n",
        supply.format("current_now"): "5000000\n",
        METER.format(0, "name"): "ucsi_source_psy_USBC000:001\n",
        METER.format(0, "in0_input"): "20000\n",
        METER.format(0, "curr1_input"): "5000\n",
        METER.format(5, "name"): "ina238\n",
        METER.format(5, "power1_input"): "28906000\n",
        METER.format(6, "name"): "ina3221\n",
        METER.format(6, "in1_label"): "VDD_GPU\n",
        METER.format(6, "in1_input"): "12080\n",
        METER.format(6, "curr1_input"): "-32\n",
    }
    root = machine(files=files)
    values, absent, _ = look(root, identify(root))
    assert values == {"power_total": 28906.0, "power_VDD_GPU": pytest.approx(-386.56)}
    assert absent == {}


def test_the_input_of_a_jetson_of_unknown_kind_is_its_total(machine):
    rails = {"in1_label": "VDD_IN", "in1_input": "5080", "curr1_input": "928"}
    files = {METER.format(1, name): f"{text}\n" for name, text in {"name": "ina3221", **rails}.items()}
    root = machine(files={**files, "/proc/sys/kernel/osrelease": "5.15.148-tegra\n"})
    assert look(root, identify(root))[0] == {"power_total": pytest.approx(4714.24)}
    # Of a module whose rails have no such name nobody knows which feeds the others.
    put(root, METER.format(1, "in1_label"), "VDD_GPU_SOC\n")
    values, absent, _ = look(root, identify(root))
    assert values == {"power_VDD_GPU_SOC": pytest.approx(4714.24)}
    assert absent["power_total"].startswith("it is not known which rail of this device feeds all others")

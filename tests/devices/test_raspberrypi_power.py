"""What a Raspberry Pi's firmware says through vcgencmd, here a script that answers as the program does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.sensors import power, raspberrypi
from pytest_edgeperf.devices.sensors.raspberrypi import (
    Pmic,
    PmicRail,
    Throttled,
    find,
    get_throttled,
    parse_pmic,
    parse_throttled,
    throttled_between,
)

PI5 = Identity("rpi5", "raspberry-pi", "", "")
PI4 = Identity("rpi4", "raspberry-pi", "", "")
PROGRAM = "usr/bin/vcgencmd"
SYSFS = "/sys/devices/platform/soc/soc:firmware/get_throttled"

#: A Raspberry Pi 5 with four busy cores; some rails are left out.
PMIC = """\
   3V3_SYS_A current(1)=0.08783370A
  DDR_VDDQ_A current(4)=0.06666720A
  VDD_CORE_A current(7)=6.22421000A
   3V3_SYS_V volt(9)=3.31003300V
  DDR_VDDQ_V volt(12)=0.60146460V
  VDD_CORE_V volt(15)=0.86173300V
     EXT5V_V volt(24)=5.09066000V
      BATT_V volt(25)=0.00000000V
"""
UNKNOWN = 'vc_gencmd_read_response returned -1\nerror=1 error_msg="Command not registered"'
NO_DEVICE = "Can't open device file: /dev/vcio\nTry creating a device file with: sudo mknod /dev/vcio c 100 0"


@pytest.fixture
def vcgencmd(tmp_path):
    """Put a vcgencmd into the root that answers so; returns the file with a line for each time it ran."""

    def make(text, code=0, command="pmic_read_adc", extra=""):
        calls = tmp_path / "calls"
        answer = tmp_path / "answer"
        answer.write_text(text + "\n")
        program = tmp_path / PROGRAM
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(
            f'#!/bin/sh\necho run >>"{calls}"\n{extra}\n[ "$1" = {command} ] || exit 3\ncat "{answer}"\nexit {code}\n'
        )
        program.chmod(0o755)
        return calls

    return make


def look(root, identity):
    sensors, absent = power.find(root, identity)
    values = {sensor.name: sensor.read().value for sensor in sensors}
    return values, {gone.name: gone.reason for gone in absent}, {sensor.name: sensor for sensor in sensors}


def test_the_rails_of_a_pi_5_and_no_total(tmp_path, vcgencmd):
    vcgencmd(PMIC)
    values, absent, sensors = look(tmp_path, PI5)
    assert values == pytest.approx(
        {
            "power_3V3_SYS": 290.732,
            "power_DDR_VDDQ": 40.098,
            "power_VDD_CORE": 5363.607,
            "power_sum_of_rails": 5694.437,
        },
        abs=2e-3,
    )
    assert not any(sensor.is_total for sensor in sensors.values())
    assert {sensor.refresh_hz for sensor in sensors.values()} == {10.0}
    assert sensors["power_VDD_CORE"].source == "vcgencmd pmic_read_adc"
    assert absent == {
        "power_total": "the current of the 5 V input (EXT5V) is not measured; the rails are power_3V3_SYS, "
        "power_DDR_VDDQ, power_VDD_CORE"
    }


def test_one_process_tells_all_rails_and_at_most_ten_times_a_second(tmp_path, vcgencmd):
    calls = vcgencmd(PMIC)
    seconds = [0.0]
    pmic = Pmic(tmp_path, lambda: seconds[0])
    for _ in range(3):
        assert pmic.power("VDD_CORE").value == pytest.approx(5363.607, abs=1e-3)
        assert pmic.power("3V3_SYS").value == pytest.approx(290.732, abs=1e-3)
    assert calls.read_text().count("run") == 1
    seconds[0] = 0.11
    vcgencmd("  VDD_CORE_A current(7)=2.0A\n  VDD_CORE_V volt(15)=0.75V")
    assert pmic.power("VDD_CORE").value == 1500.0
    assert pmic.power("3V3_SYS").reason == "vcgencmd pmic_read_adc no longer reports current and voltage of 3V3_SYS"
    assert calls.read_text().count("run") == 2


def test_without_vcgencmd_there_is_a_reason(tmp_path):
    values, absent, _ = look(tmp_path, PI5)
    assert values == {}
    assert absent == {
        "power_total": "the current of the 5 V input (EXT5V) is not measured",
        "power_pmic": "there is no vcgencmd; on Raspberry Pi OS: sudo apt install raspi-utils",
    }


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        (UNKNOWN, 255, "this board's firmware does not know the command"),
        (UNKNOWN, 0, "this board's firmware does not know the command"),
        (NO_DEVICE, 255, 'sudo usermod -aG video "$USER"'),
        ("VCHI initialization failed", 255, 'sudo usermod -aG video "$USER"'),
        ("", 7, "exit code 7"),
        ("what?", 0, "says 'what?', which lists no rail"),
        ("     EXT5V_V volt(24)=5.09066000V", 0, "lists no rail with a current"),
    ],
)
def test_a_firmware_that_does_not_answer(tmp_path, vcgencmd, text, code, reason):
    vcgencmd(text, code)
    values, absent, _ = look(tmp_path, PI5)
    assert values == {}
    assert reason in absent["power_pmic"]


def test_a_firmware_that_hangs(tmp_path, vcgencmd, monkeypatch):
    monkeypatch.setattr(raspberrypi, "TIMEOUT_S", 0.2)
    vcgencmd(PMIC, extra="exec sleep 30")
    assert look(tmp_path, PI5)[1]["power_pmic"] == "/usr/bin/vcgencmd pmic_read_adc did not answer within 0.2 s"


@pytest.mark.parametrize("breakage", ["mode", "format"])
def test_a_program_that_cannot_be_started(tmp_path, vcgencmd, breakage):
    vcgencmd(PMIC)
    if breakage == "mode":
        (tmp_path / PROGRAM).chmod(0o644)
    else:
        (tmp_path / PROGRAM).write_bytes(b"\0\0\0\0")
    assert look(tmp_path, PI5)[1]["power_pmic"].startswith("/usr/bin/vcgencmd cannot be started: ")


def test_a_firmware_that_stops_answering_is_a_reading_with_a_reason(tmp_path, vcgencmd):
    vcgencmd(PMIC)
    pmic = Pmic(tmp_path, iter(range(100)).__next__)
    assert pmic.power("VDD_CORE").value is not None
    (tmp_path / PROGRAM).unlink()
    assert pmic.power("VDD_CORE").reason.startswith("there is no vcgencmd")


def test_the_firmware_of_a_pi_4_is_not_asked_for_power(tmp_path, vcgencmd):
    calls = vcgencmd(PMIC)
    assert look(tmp_path, PI4)[0] == {}
    assert not calls.exists()


def test_pmic_lines_belong_together_by_their_name():
    text = "A_A current(0)=1.5A\nB_A current(1)=2.0A\nB_V volt(0)=3.25V\n"
    text += "C_A current(2)=1.0V\nD_A volt(2)=1.0A\nBATT_V volt(25)=nanV\nE_A=1A\nF_V volt(1)=1.2.3V\n"
    rails = parse_pmic(text)
    assert rails == {"A": PmicRail("A", None, 1.5), "B": PmicRail("B", 3.25, 2.0)}
    assert rails["A"].milliwatts is None
    assert rails["B"].milliwatts == 6500.0


@pytest.mark.parametrize(
    ("bits", "now", "since_boot"),
    [
        ("0x0", (), ()),
        ("0x1", ("undervoltage",), ()),
        ("0x2", ("frequency_capped",), ()),
        ("0x4", ("throttled",), ()),
        ("0x8", ("soft_temperature_limit",), ()),
        ("0x10000", (), ("undervoltage",)),
        ("0x20000", (), ("frequency_capped",)),
        ("0x40000", (), ("throttled",)),
        ("0x80000", (), ("soft_temperature_limit",)),
        ("0x50005", ("undervoltage", "throttled"), ("undervoltage", "throttled")),
    ],
)
def test_the_meaning_of_each_bit(tmp_path, vcgencmd, bits, now, since_boot):
    vcgencmd(f"throttled={bits}", command="get_throttled")
    assert get_throttled(tmp_path) == Throttled(now, since_boot, "vcgencmd get_throttled")


def test_throttled_of_a_recorded_pi_4_without_vcgencmd(machine):
    root = machine("rpi4")
    sensors, absent = find(root, identify(root))
    assert absent == []
    assert {sensor.name: sensor.read().value for sensor in sensors} == {
        "throttle_undervoltage": 1.0,
        "throttle_frequency_capped": 0.0,
        "throttle_throttled": 1.0,
        "throttle_soft_temperature_limit": 0.0,
    }
    assert {(sensor.quantity, sensor.source, sensor.is_total) for sensor in sensors} == {("counter", SYSFS, False)}


def test_vcgencmd_comes_first_as_the_file_clears_what_it_tells(machine, vcgencmd):
    vcgencmd("throttled=0x20002", command="get_throttled")
    assert get_throttled(machine("rpi4")).now == ("frequency_capped",)


def test_throttled_that_nobody_tells_is_absent_and_not_nought(tmp_path, machine, vcgencmd):
    sensors, (absent,) = find(tmp_path, PI4)
    assert sensors == []
    assert "there is no vcgencmd" in absent.reason
    assert f"there is no {SYSFS}" in absent.reason
    vcgencmd(UNKNOWN, command="get_throttled")
    state = get_throttled(machine(files={SYSFS: "what?\n"}))
    assert (state.now, state.since_boot) == (None, None)
    assert state.reason.endswith(f"{SYSFS} holds 'what?'")


def test_a_sensor_that_is_lost(machine):
    root = machine("rpi4")
    sensors, _ = find(root, PI4)
    (root / SYSFS.lstrip("/")).unlink()
    assert [sensor.read().value for sensor in sensors] == [None] * 4
    assert all(sensor.read().reason for sensor in sensors)


def test_other_machines_have_no_such_firmware(machine):
    assert find(machine("nano"), Identity("nano", "jetson", "", "")) == ([], [])


def state(now=(), since_boot=()):
    return Throttled(tuple(now), tuple(since_boot), "")


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [
        (state(), state(), ()),
        (state([], ["throttled"]), state([], ["throttled"]), ()),
        (state([], ["throttled"]), state([], ["undervoltage", "throttled"]), ("undervoltage",)),
        (state(["throttled"], ["throttled"]), state([], ["throttled"]), ("throttled",)),
        (state([], ["throttled"]), state(["throttled"], ["throttled"]), ("throttled",)),
        (state(), Throttled(None, None, "", "gone"), None),
        (Throttled(None, None, "", "gone"), state(), None),
    ],
)
def test_what_happened_between_two_looks(before, after, between):
    assert throttled_between(before, after) == between


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("throttled=0x50000", 0x50000),
        ("50000\n", 0x50000),
        ("0", 0),
        ("0xe0008", 0xE0008),
        ("", None),
        ("throttled=", None),
        ("throttled=50000", None),
        ("123456789", None),
        ('error=1 error_msg="Command not registered"', None),
    ],
)
def test_parse_throttled(text, bits):
    assert parse_throttled(text) == bits


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda data: data.decode("utf-8", "replace")))
def test_no_text_breaks_a_parser(text):
    bits = parse_throttled(text)
    assert bits is None or 0 <= bits < 1 << 32
    for rail in parse_pmic(text).values():
        assert rail.volts is not None or rail.amperes is not None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A_A", "A_V", "B_A", "_V"]),
            st.sampled_from(["current", "volt", "x"]),
            st.text("0123456789.naife-", max_size=12),
            st.sampled_from(["A", "V", ""]),
        ),
        max_size=6,
    )
)
def test_no_line_breaks_the_parser(lines):
    text = "\n".join(f"  {name} {kind}(1)={number}{unit}" for name, kind, number, unit in lines)
    for rail in parse_pmic(text).values():
        assert rail.milliwatts is None or rail.milliwatts >= 0


def test_the_program_of_a_recorded_machine_is_not_run(tmp_path, vcgencmd, monkeypatch):
    calls = vcgencmd(PMIC)
    monkeypatch.setenv("EDGEPERF_ROOT", str(tmp_path))
    values, absent, _ = look(tmp_path, PI5)
    assert values == {}
    assert absent["power_pmic"] == "programs of a recorded machine are not run (EDGEPERF_ROOT is set)"
    assert not calls.exists()

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.nvpmodel import CONF, STATUS, Modes, fastest, parse_conf, parse_status, power_mode
from pytest_edgeperf.devices.settings_in_force import settings_in_force
from tests.growth import cpu_s

HOST = Identity("host", "host", "", "")
JETSON = Identity("thor", "jetson", "", "")
POLICY = "/sys/devices/system/cpu/cpufreq/policy{}/{}"
GPU = "/sys/devices/57000000.gpu/devfreq/57000000.gpu/{}"


def policy(number, cpus, low, high, most, governor="schedutil", driver="tegra-cpufreq"):
    names = {
        "related_cpus": cpus,
        "scaling_min_freq": low,
        "scaling_max_freq": high,
        "cpuinfo_max_freq": most,
        "scaling_governor": governor,
        "scaling_driver": driver,
    }
    return {POLICY.format(number, name): f"{value}\n" for name, value in names.items()}


def settings(root, identity=None):
    known, absent = settings_in_force(root, identity or identify(root))
    assert not set(known) & set(absent)
    assert all(absent.values())
    return known, absent


def test_nano(machine):
    known, absent = settings(machine("nano"))
    assert known == {
        "cpus_online": "0-3",
        "governor": "schedutil",
        "cpu_max_mhz": 1479.0,
        "cpu_capped": False,
        "cpu_pinned": False,
        "power_mode": "MAXN",
        "gpu_max_mhz": 921.6,
        "gpu_pinned": False,
        "clocks_pinned": False,
    }
    assert "no power mode sets a cap" in absent["emc_max_mhz"]
    assert absent["emc_pinned"].endswith("only root sees whether the memory clock is pinned")


def test_xavier_nx(machine):
    known, absent = settings(machine("xavier-nx"))
    assert known == {
        "cpus_online": "0-5",
        "governor": "schedutil",
        "cpu_max_mhz": 1420.8,
        "cpu_capped": True,
        "cpu_pinned": False,
        "power_mode": "MODE_15W_6CORE",
        "gpu_max_mhz": 1109.25,
        "gpu_pinned": False,
        "clocks_pinned": False,
        "emc_max_mhz": 1600.0,
        "emc_pinned": False,
    }
    assert absent == {}


def test_orin_nano(machine):
    known, _ = settings(machine("orin-nano"))
    assert known == {
        "cpus_online": "0-5",
        "governor": "schedutil",
        "cpu_max_mhz": 1344.0,
        "cpu_capped": True,
        "cpu_pinned": False,
        "power_mode": "25W",
        "gpu_max_mhz": 918.0,
        "gpu_pinned": False,
        "clocks_pinned": False,
        "emc_max_mhz": 3199.0,
        "emc_pinned": False,
    }


def test_raspberry_pi(machine):
    known, absent = settings(machine("rpi4"))
    assert known == {
        "cpus_online": "0-3",
        "governor": "ondemand",
        "cpu_max_mhz": 1800.0,
        "cpu_capped": False,
        "cpu_pinned": False,
        "clocks_pinned": False,
    }
    assert absent == {}


def test_a_nano_whose_clocks_are_pinned(machine):
    pinned = {
        POLICY.format(0, "scaling_min_freq"): "1479000\n",
        GPU.format("min_freq"): "921600000\n",
        "/sys/kernel/debug/tegra_bwmgr/emc_max_rate": "1600000000\n",
        "/sys/kernel/debug/clk/override.emc/clk_state": "1\n",
    }
    known, absent = settings(machine("nano", pinned))
    assert {name: value for name, value in known.items() if name.endswith("pinned")} == {
        "cpu_pinned": True,
        "gpu_pinned": True,
        "clocks_pinned": True,
        "emc_pinned": True,
    }
    assert known["emc_max_mhz"] == 1600.0
    assert absent == {}


def test_only_the_processor_is_pinned(machine):
    known, _ = settings(machine("nano", {POLICY.format(0, "scaling_min_freq"): "1479000\n"}))
    assert (known["cpu_pinned"], known["gpu_pinned"], known["clocks_pinned"]) == (True, False, False)


def test_the_governor_performance_pins_unless_the_processor_chooses_itself(machine):
    online = {"/sys/devices/system/cpu/online": "0\n"}
    known, _ = settings(machine(files={**online, **policy(0, 0, 100, 200, 200, "performance")}), HOST)
    assert known["clocks_pinned"] is True
    known, _ = settings(machine(files=policy(0, 0, 100, 200, 200, "performance", "intel_pstate")), HOST)
    assert known["clocks_pinned"] is False


def test_clocks_of_offline_cores_do_not_matter(machine):
    files = {
        "/sys/devices/system/cpu/online": "0-1\n",
        **policy(0, "0 1 2 3", 1000000, 1000000, 2000000),
        **policy(4, "4 5", 100000, 2000000, 2000000),
    }
    known, _ = settings(machine(files=files), HOST)
    assert (known["cpus_online"], known["cpu_max_mhz"], known["clocks_pinned"]) == ("0-1", 1000.0, True)


def test_caps_that_differ_are_told_by_core(machine):
    files = {
        "/sys/devices/system/cpu/online": "0-5\n",
        **policy(0, "0 3 4 5", 100000, 2035200, 2035200),
        **policy(1, "1 2", 100000, 345600, 2035200, "userspace"),
    }
    known, _ = settings(machine(files=files), HOST)
    assert known["cpu_max_mhz"] == "0,3-5: 2035.2, 1-2: 345.6"
    assert known["governor"] == "schedutil + userspace"
    assert known["cpu_capped"] is True


def test_what_cannot_be_read_is_absent_with_its_reason(machine, failing):
    root = machine("orin-nano")
    failing(
        root,
        {
            POLICY.format(4, "scaling_max_freq"): "EIO",
            POLICY.format(0, "scaling_governor"): "EACCES",
            "/sys/class/devfreq/17000000.gpu/max_freq": "EIO",
            STATUS: "EACCES",
            "/sys/kernel/debug/bpmp/debug/clk/emc/max_rate": "EACCES",
            "/sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked": "EACCES",
        },
    )
    known, absent = settings(root)
    assert known == {"cpus_online": "0-5", "cpu_pinned": False, "clocks_pinned": False}
    assert "Permission denied" in absent["governor"]
    assert "Input/output error" in absent["cpu_max_mhz"]
    assert "Permission denied" in absent["power_mode"]
    assert "nvpmodel -q" in absent["power_mode"]
    assert "only root" in absent["emc_max_mhz"]
    assert "Permission denied" in absent["emc_pinned"]


def test_the_memory_cap_that_everybody_may_read(machine, failing):
    root = machine("xavier-nx")
    debug = "/sys/kernel/debug/bpmp/debug/clk/emc/"
    failing(root, {f"{debug}max_rate": "EACCES", f"{debug}mrq_rate_locked": "EACCES"})
    known, absent = settings(root)
    assert known["emc_max_mhz"] == 1600.0
    assert list(absent) == ["emc_pinned"]


def test_a_cap_of_nought_is_none(machine):
    files = {"/sys/kernel/nvpmodel_emc_cap/emc_iso_cap": "0\n"}
    _, absent = settings(machine("nano", files))
    assert "emc_iso_cap sets no cap" in absent["emc_max_mhz"]


def test_frequencies_of_nought_are_no_caps(machine):
    files = {"/sys/devices/system/cpu/online": "0\n", **policy(0, 0, 0, 0, 0)}
    _, absent = settings(machine(files=files), HOST)
    assert absent["cpu_max_mhz"].endswith("holds 0, which is not a frequency")
    assert "clocks_pinned" in absent


def test_a_machine_that_tells_nothing(machine):
    known, absent = settings(Path("/nowhere"), JETSON)
    assert known == {}
    assert set(absent) == {
        "cpus_online",
        "governor",
        "cpu_max_mhz",
        "cpu_capped",
        "cpu_pinned",
        "power_mode",
        "gpu_max_mhz",
        "gpu_pinned",
        "clocks_pinned",
        "emc_max_mhz",
        "emc_pinned",
    }


CONFIGURATION = """
<PARAM TYPE=CLOCK NAME=GPU >
MAX_FREQ /sys/devices/gpu.0/devfreq/57000000.gpu/max_freq
# < POWER_MODEL ID=9 NAME=COMMENTED >
< POWER_MODEL ID=0 NAME=MAXN >
GPU MAX_FREQ -1
<POWER_MODEL NAME="10W" ID = 1>
< power_model ID=2 NAME=15W_2CORE > < FAN_CONFIG DEFAULT=quiet >
< POWER_MODEL ID=x NAME=NUMBERLESS >
< POWER_MODEL ID=3 >
< PM_CONFIG DEFAULT=2 >
"""


def test_power_modes_are_read_liberally():
    assert parse_conf(CONFIGURATION) == Modes({0: "MAXN", 1: "10W", 2: "15W_2CORE"}, 2, ())


def test_a_number_with_two_names_is_ambiguous(machine):
    text = "< POWER_MODEL ID=0 NAME=A >\n< POWER_MODEL ID=0 NAME=B >\n< POWER_MODEL ID=1 NAME=C >\n"
    assert parse_conf(text + text).ambiguous == (0,)
    root = machine(files={CONF: text, STATUS: "pmode:0000\n"})
    assert power_mode(root) == (None, f"{CONF} gives the power mode 0 several names")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("pmode:0002", 2),
        ("pmode:0010 fmode:fan_mode_quiet", 10),
        ("fmode:cool pmode:0000\n", 0),
        ("pmode:", None),
        ("", None),
    ],
)
def test_the_number_of_the_mode(text, number):
    assert parse_status(text) == number


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, f"there is no {STATUS}; `sudo nvpmodel -q` shows the power mode"),
        ({STATUS: "garbage"}, f"{STATUS} holds 'garbage', which names no power mode"),
        ({STATUS: "pmode:0001"}, f"the power mode is number 1, but there is no {CONF}"),
        ({STATUS: "pmode:0001", CONF: "< POWER_MODEL ID=0 NAME=MAXN >"}, f"{CONF} names no power mode 1"),
    ],
)
def test_a_power_mode_without_a_name_says_why(machine, files, reason):
    assert power_mode(machine(files=files)) == (None, reason)


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["MAXN", "5W"], "MAXN"),
        (["15W", "25W", "MAXN_SUPER", "MAXN"], "MAXN_SUPER"),
        (
            ["MODE_15W_2CORE", "MODE_15W_6CORE", "MODE_20W_4CORE", "MODE_20W_6CORE", "MODE_10W_DESKTOP"],
            "MODE_20W_6CORE",
        ),
        (["120W", "90W", "70W"], "120W"),
        (["MODE_30W_ALL", "MODE_30W_6CORE"], "MODE_30W_ALL"),
        (["MAXQ", "MINE"], None),
    ],
)
def test_the_fastest_mode(names, best):
    found = fastest(Modes(dict(enumerate(names))))
    assert (found and found[1]) == best


@given(st.text())
def test_no_text_crashes_the_parsers(text):
    modes = parse_conf(f"< POWER_MODEL {text}\n{text} <{text}>")
    fastest(modes)
    assert set(modes.ambiguous) <= set(modes.names)
    number = parse_status(text)
    assert number is None or number >= 0


@pytest.mark.parametrize("line", ["< PARAM NAME=GPU {} >", "<{}", "< PARAM {}"])
def test_the_time_for_a_long_line_grows_with_its_length(line):
    def work(size):
        return lambda: parse_conf(line.format("x" * size))

    # 16 times as long: 256 times the work if each letter were looked at for each other.
    assert cpu_s(work(32_000)) < 64 * max(cpu_s(work(2_000)), 1e-4)

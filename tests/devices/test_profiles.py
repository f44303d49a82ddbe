from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.devices import (
    DeviceMismatch,
    Figure,
    Profile,
    ProfileError,
    UnknownDevice,
    identify,
    profiles,
    resolve,
)
from pytest_edgeperf.devices.profile import HARDWARE, read_profile

NAMES = (
    "nano",
    "nano-2gb",
    "tx2",
    "tx2-nx",
    "xavier-nx",
    "agx-xavier",
    "orin-nano",
    "orin-nx",
    "agx-orin",
    "thor",
    "thor-t4000",
    "rpi-zero2w",
    "rpi3",
    "rpi4",
    "rpi5",
    "host",
)
ROCK = """
[tool.edgeperf.devices.rock-5b]
description = "Radxa ROCK 5B"
compatible = ["radxa,rock-5b"]
hardware = { soc = "rk3588", cpu_cores = 8, memory_gib = { value = 16, source = "Radxa, product brief" } }
"""


def write(folder, text):
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def refused(folder, text):
    with pytest.raises(ProfileError) as caught:
        profiles(write(folder, text))
    message = str(caught.value)
    assert "\n" not in message.replace(str(folder), "")
    return message


# Ours


def test_the_known_devices():
    assert tuple(profiles()) == NAMES
    assert all(profile.description and profile.name == name for name, profile in profiles().items())


def test_the_hardware_of_the_nano_with_its_sources():
    hardware = profiles()["nano"].hardware
    assert {key: figure.value for key, figure in hardware.items()} == {
        "soc": "tegra210",
        "cpu": "Arm Cortex-A57",
        "cpu_cores": 4,
        "cpu_max_mhz": 1479,
        "gpu": "Maxwell",
        "gpu_cores": 128,
        "compute_capability": "5.3",
        "gpu_max_mhz": 921.6,
        "memory": "LPDDR4, 64 bit",
        "memory_gib": 4,
        "memory_gb_per_s": 25.6,
        "memory_max_mhz": 1600,
        "dla_count": 0,
        "peak_tflops": 0.472,
        "peak_precision": "fp16",
    }
    assert hardware["memory_gib"].source == "NVIDIA, Jetson Nano System-on-Module Data Sheet"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "host"])
def test_each_figure_is_known_and_has_a_source_in_words(name):
    profile = profiles()[name]
    assert {"soc", "cpu", "cpu_cores", "gpu", "memory"} <= set(profile.hardware)
    assert set(profile.hardware) <= set(HARDWARE)
    for figure in profile.hardware.values():
        assert " " in figure.source
    if profile.family == "jetson":
        assert {"compute_capability", "memory_gib", "memory_gb_per_s", "dla_count", "peak_precision"} <= set(
            profile.hardware
        )
        assert len({"peak_tops", "peak_tflops"} & set(profile.hardware)) == 1


@pytest.mark.parametrize("board", ["nano", "xavier-nx", "orin-nano", "rpi4"])
def test_recorded_devices_are_of_their_profiles_hardware(machine, board):
    root = machine(board)
    hardware = profiles()[board].hardware
    assert identify(root).soc == hardware["soc"].value
    highest = int((root / "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq").read_text()) // 1000
    assert highest == hardware.get("cpu_max_mhz_super", hardware["cpu_max_mhz"]).value
    assert (root / "sys/devices/system/cpu/present").read_text() == f"0-{hardware['cpu_cores'].value - 1}\n"
    gpu = hardware.get("gpu_max_mhz_super", hardware.get("gpu_max_mhz"))
    rates = list((root / "sys/class/devfreq").glob("*/available_frequencies"))
    assert bool(rates) == (gpu is not None)
    for file in rates:
        assert max(map(int, file.read_text().split())) == gpu.value * 1e6


# A user's own, in pyproject.toml


def test_a_project_without_devices_has_ours(tmp_path):
    assert profiles(tmp_path) == profiles()
    assert profiles(write(tmp_path, "[tool.edgeperf]\nother = 1\n[tool.pytest]\n")) == profiles()
    assert profiles(tmp_path)["nano"] is profiles()["nano"]


def test_a_board_of_the_users_is_recognised_by_its_device_tree(tmp_path, tree):
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, ROCK)
    place = f"{folder / 'pyproject.toml'}: tool.edgeperf.devices.rock-5b"
    assert profiles(folder)["rock-5b"] == Profile(
        "rock-5b",
        "Radxa ROCK 5B",
        "board",
        compatible=("radxa,rock-5b",),
        hardware={
            "soc": Figure("rk3588", place),
            "cpu_cores": Figure(8, place),
            "memory_gib": Figure(16, "Radxa, product brief"),
        },
    )
    root = tree("radxa,rock-5b", "rockchip,rk3588", model="Radxa ROCK 5B")
    assert identify(root).name == "host"
    device = resolve("auto", root, folder)
    assert device == resolve("rock-5b", root, folder)
    assert (device.name, device.identity.family) == ("rock-5b", "board")
    assert device.fingerprint["module"] == "radxa,rock-5b"
    assert device.fingerprint["virtualised"] == "none"
    assert "rock-5b" not in profiles()
    with pytest.raises(UnknownDevice, match=r"choose one of .*rock-5b"):
        resolve("rock-5c", root, folder)


def test_a_board_of_the_users_is_not_another_machine(tmp_path, machine):
    write(tmp_path, ROCK)
    with pytest.raises(DeviceMismatch, match="needs a board radxa,rock-5b, but this machine is nano"):
        resolve("rock-5b", machine("nano"), tmp_path)


def test_a_jetson_of_the_users_is_recognised_by_its_module(tmp_path, tree):
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, '[tool.edgeperf.devices.tx1]\ndescription = "NVIDIA Jetson TX1"\nmodules = ["p2180-1000"]\n')
    device = resolve("auto", tree("nvidia,p2597-0000+p2180-1000", "nvidia,tegra210"), folder)
    assert (device.name, device.profile.family, device.identity.module) == ("tx1", "jetson", "p2180-1000")


def test_a_board_of_the_users_has_the_memory_that_they_say(tmp_path, machine):
    write(tmp_path, ROCK.replace("hardware =", "memory_gib = { 'radxa,rock-5b' = [4, 16, 8] }\nhardware ="))
    files = {"/proc/device-tree/compatible": "radxa,rock-5b\0", "/proc/meminfo": "MemTotal: 5200000 kB\n"}
    device = resolve("auto", machine(files=files), tmp_path)
    assert (device.name, device.fingerprint["memory_mib"]) == ("rock-5b", 8192)


def test_the_memory_of_each_jetson_and_raspberry_pi_is_known():
    for profile in profiles().values():
        assert set(profile.memory_gib) == {*profile.modules, *profile.compatible}, profile.name
        size = profile.hardware.get("memory_gib")
        assert size is None or any(size.value in sizes for sizes in profile.memory_gib.values()), profile.name


def test_a_host_of_the_users_is_any_host_that_is_asked_for_by_this_name(tmp_path, machine):
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, '[tool.edgeperf.devices.ci-runner]\ndescription = "the runner in the cellar"\n')
    nothing = tmp_path / "nothing"
    assert resolve("auto", nothing, folder).name == "host"
    device = resolve("ci-runner", nothing, folder)
    assert (device.name, device.fingerprint["device"]) == ("ci-runner", "host")
    assert device.description == "the runner in the cellar, unknown processor"
    with pytest.raises(DeviceMismatch, match="needs a host and not a board, but this machine is nano"):
        resolve("ci-runner", machine("nano"), folder)


def test_a_host_with_a_gpu_gets_the_figures_that_the_user_gives(tmp_path, machine):
    write(tmp_path, '[tool.edgeperf.devices.host-t4]\ndescription = "T4"\nhardware = { compute_capability = "7.5" }\n')
    root = machine(files={"/proc/driver/nvidia/gpus/0000:00:1e.0/information": "Model: \t Tesla T4\n"})
    assert resolve("auto", root, tmp_path).profile.hardware["compute_capability"].value == "7.5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.edgeperf.devices", "pyproject.toml is not valid TOML: "),
        ("tool = 1", "pyproject.toml: tool must be a table, not 1"),
        ("[tool]\nedgeperf = []", "pyproject.toml: tool.edgeperf must be a table, not []"),
        ("[tool.edgeperf]\ndevices = 'nano'", "tool.edgeperf.devices must be a table, not 'nano'"),
        ("[tool.edgeperf.devices]\na = 1", "tool.edgeperf.devices.a must be a table of description, family"),
        ("[tool.edgeperf.devices.A]", "'A' is not a valid device name; use lower-case letters"),
        ("[tool.edgeperf.devices.auto]", "'auto' is not a valid device name"),
        ("[tool.edgeperf.devices.unknown-a]", "'unknown-a' is not a valid device name"),
        ("[tool.edgeperf.devices.'../a']", "'../a' is not a valid device name"),
        ("[tool.edgeperf.devices.a]", "devices.a.description must describe the device in a few words"),
        ("[tool.edgeperf.devices.a]\ndescription = 1", "devices.a.description must describe the device in a few words"),
        (
            "[tool.edgeperf.devices.a]\ndescripton = 'x'",
            "devices.a.descripton is not a key of a device (did you mean description?); known: description, family",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nfamily = 'tpu'",
            "devices.a.family is 'tpu'; it must",
        ),
        ("[tool.edgeperf.devices.a]\ndescription = 'x'\nfamily = []", "devices.a.family is []; it must be one of"),
        ("[tool.edgeperf.devices.a]\ndescription = 'x'\nmodules = 'p1'", "devices.a.modules must be a list of strings"),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nmodules = ['699-1']",
            "devices.a.modules has '699-1'; a",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nfamily = 'host'\nmodules = ['p1234-0000']",
            "devices.a.modules are part numbers of Jetsons, but its family is host",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nfamily = 'host'\ncompatible = ['x,y']",
            "devices.a.compatible identifies boards, but its family is host; make it board",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nfamily = 'jetson'",
            "devices.a has nothing that identifies it: add modules or compatible",
        ),
        ("[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = 1", "devices.a.hardware must be a table of variant"),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { memory_gb = 8 }",
            "devices.a.hardware.memory_gb is not a key of a device (did you mean memory_gib?)",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { memory_gib = '8' }",
            "devices.a.hardware.memory_gib must be a number, not '8'",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { cpu_cores = 1.5 }",
            "devices.a.hardware.cpu_cores must be a whole number, not 1.5",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { cpu_cores = true }",
            "devices.a.hardware.cpu_cores must be a whole number, not True",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { memory_gib = nan }",
            "devices.a.hardware.memory_gib is nan; it must be at least 0",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { soc = { valu = 'y' } }",
            "devices.a.hardware.soc.valu is not a key of a device (did you mean value?); known: value, source",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nhardware = { soc = { value = 'y', source = 1 } }",
            "devices.a.hardware.soc.source must name who published the figure",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nmodules = ['p1234-0000']\nmemory_gib = 8",
            "devices.a.memory_gib must be a table of GiB by module or compatible string, not 8",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nmodules = ['p1234-0000']\nmemory_gib = { p1 = 8 }",
            "devices.a.memory_gib.p1 is not among this device's modules and compatible strings",
        ),
        *(
            (
                "[tool.edgeperf.devices.a]\ndescription = 'x'\ncompatible = ['a,b']\n"
                f"memory_gib = {{ 'a,b' = {size} }}",
                "devices.a.memory_gib.a,b must be a size in GiB above 0, or a list of such sizes",
            )
            for size in ("0", "-1", "true", "'8'", "[]", "[8, 'x']", "nan", "inf", "{ value = 8 }")
        ),
        (
            "[tool.edgeperf.devices.nano]\ndescription = 'x'",
            "devices.nano: the device 'nano' is already described by ",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\nmodules = ['p3448-0000']",
            "devices.a: 'p3448-0000' already identifies a device of ",
        ),
        (
            "[tool.edgeperf.devices.a]\ndescription = 'x'\ncompatible = ['raspberrypi,400']",
            "devices.a: 'raspberrypi,400' already identifies a device of ",
        ),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path, text, said):
    message = refused(tmp_path, text)
    assert message.startswith(str(tmp_path / "pyproject.toml"))
    assert said in message


def test_a_project_file_that_is_no_utf8_or_no_file_is_said(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="is not valid TOML"):
        profiles(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(ProfileError, match="cannot be read: Is a directory"):
        profiles(tmp_path)


# Those of other packages


BOARDS = """
ROCK = {"description": "Radxa ROCK 5B", "compatible": ["radxa,rock-5b"]}

def visionfive():
    return {"description": "VisionFive 2", "compatible": ("starfive,visionfive-2-v1.3b",), "hardware": {"cpu_cores": 4}}
"""


def test_a_package_gives_a_mapping_or_a_callable(package, tree):
    package("acme_boards", BOARDS, devices={"rock-5b": "ROCK", "visionfive-2": "visionfive"})
    assert profiles()["rock-5b"].description == "Radxa ROCK 5B"
    assert profiles()["visionfive-2"].hardware == {"cpu_cores": Figure(4, "acme_boards: acme_boards:visionfive")}
    assert tuple(profiles())[: len(NAMES)] == NAMES
    assert identify(tree("starfive,visionfive-2-v1.3b", "starfive,jh7110")).name == "visionfive-2"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise OSError('no disk')", "acme: acme:BOARD: the device 'mine' cannot be loaded: OSError: no disk; repair"),
        ("OTHER = 1", "the device 'mine' cannot be loaded: AttributeError: "),
        ("def BOARD():\n    raise ValueError('x')", "the device 'mine' cannot be loaded: ValueError: x"),
        ("raise SystemExit(0)", "the device 'mine' cannot be loaded: SystemExit: 0; repair or uninstall acme"),
        ("BOARD = 7", "acme: acme:BOARD must be a table of description"),
        ("BOARD = {'description': 'x', 'soc': 'y'}", "acme: acme:BOARD.soc is not a key of a device"),
        ("BOARD = {'description': 'x', 3: 'y'}", "acme: acme:BOARD.3 is not a key of a device"),
        (
            "BOARD = {'description': 'x', 'modules': ['p3448-0000']}",
            "acme: acme:BOARD: 'p3448-0000' already identifies a device of ",
        ),
    ],
)
def test_a_package_that_gives_no_profile_is_named(package, source, said):
    package("acme", source, devices={"mine": "BOARD"})
    with pytest.raises(ProfileError) as caught:
        profiles()
    assert said in str(caught.value)


def test_two_packages_with_one_name_are_both_named(package):
    package("one_boards", BOARDS, devices={"rock-5b": "ROCK"})
    package("two_boards", "ROCK = {'description': 'x'}", devices={"rock-5b": "ROCK"})
    with pytest.raises(ProfileError) as caught:
        profiles()
    assert "'rock-5b'" in str(caught.value)
    assert "one_boards: one_boards:ROCK" in str(caught.value)
    assert "two_boards: two_boards:ROCK" in str(caught.value)


def test_a_package_and_a_project_with_one_name_are_both_named(package, tmp_path):
    package("one_boards", BOARDS, devices={"rock-5b": "ROCK"})
    message = refused(tmp_path, ROCK)
    assert "one_boards: one_boards:ROCK" in message
    assert str(Path("pyproject.toml")) in message


# Anything

FIGURES = st.sampled_from([*HARDWARE, "value", "source", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIGURES, inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["description", "family", "modules", "compatible", "hardware", "other"])
FAMILIES = st.sampled_from(["jetson", "raspberry-pi", "board", "host"])


def said(call):
    try:
        return call(), ""
    except ProfileError as error:
        return None, str(error)


@given(st.text(max_size=12) | st.just("rock-5b"), ANYTHING | st.dictionaries(KEYS, ANYTHING | FAMILIES))
def test_any_table_is_a_profile_or_one_clear_error(name, table):
    profile, problem = said(lambda: read_profile(name, table, "here", {}))
    if profile is None:
        assert problem.startswith("here")
    else:
        assert profile.name == name
        assert all(isinstance(figure, Figure) for figure in profile.hardware.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.dictionaries(KEYS, st.text(max_size=5)).map(lambda table: _toml(table)))
def test_any_project_file_gives_profiles_or_one_clear_error(tmp_path, data):
    (tmp_path / "pyproject.toml").write_bytes(data)
    known, problem = said(lambda: profiles(tmp_path))
    if known is None:
        assert problem.startswith(str(tmp_path / "pyproject.toml"))
    else:
        assert set(NAMES) <= set(known)


def _toml(table):
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(["[tool.edgeperf.devices.mine]", *lines]).encode("utf-8", "replace")

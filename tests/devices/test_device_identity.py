from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.devices import identify, profiles
from pytest_edgeperf.devices.device import resolve

from .conftest import put


@pytest.mark.parametrize(
    ("board", "name", "module", "soc", "model"),
    [
        ("nano", "nano", "p3448-0000", "tegra210", "NVIDIA Jetson Nano Developer Kit"),
        ("xavier-nx", "xavier-nx", "p3668-0001", "tegra194", "NVIDIA Jetson Xavier NX Developer Kit"),
        (
            "orin-nano",
            "orin-nano",
            "p3767-0005",
            "tegra234",
            "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
        ),
        ("rpi4", "rpi4", "4-model-b", "bcm2711", "Raspberry Pi 4 Model B Rev 1.4"),
    ],
)
def test_recorded_boards_are_recognised(machine, board, name, module, soc, model):
    identity = identify(machine(board))
    assert (identity.name, identity.module, identity.soc, identity.model) == (name, module, soc, model)
    assert identity.evidence == "/proc/device-tree/compatible"


@pytest.mark.parametrize(
    ("compatible", "name", "module"),
    [
        (["nvidia,p3449-0000-a02+p3448-0000-a02", "nvidia,jetson-nano", "nvidia,tegra210"], "nano", "p3448-0000"),
        (["nvidia,p3450-0000", "nvidia,tegra210"], "nano", None),
        (["nvidia,p3542-0000+p3448-0003", "nvidia,jetson-nano", "nvidia,tegra210"], "nano-2gb", "p3448-0003"),
        (["nvidia,quill", "nvidia,p2597-0000+p3310-1000", "nvidia,tegra186"], "tx2", "p3310-1000"),
        (["nvidia,quill", "nvidia,tegra186"], "tx2", None),
        (["nvidia,p3509-0000+p3636-0001", "nvidia,tegra186"], "tx2-nx", "p3636-0001"),
        (["nvidia,p3449-0000+p3668-0000", "nvidia,tegra194"], "xavier-nx", "p3668-0000"),
        (["nvidia,galen", "nvidia,p2822-0000+p2888-0004", "nvidia,tegra194"], "agx-xavier", "p2888-0004"),
        (
            ["nvidia,p3768-0000+p3767-0003", "nvidia,p3767-0005", "nvidia,tegra234", "nvidia,tegra23x"],
            "orin-nano",
            "p3767-0003",
        ),
        (["acme,carrier+p3767-0000-super", "nvidia,p3767-0000", "nvidia,tegra234"], "orin-nx", "p3767-0000"),
        (["nvidia,p3737-0000+p3701-0005", "nvidia,tegra234", "nvidia,tegra23x"], "agx-orin", "p3701-0005"),
        (["nvidia,p4071-0000+p3834-0008", "nvidia,p3834-0008", "nvidia,tegra264"], "thor", "p3834-0008"),
        (["raspberrypi,3-model-b-plus", "brcm,bcm2837"], "rpi3", "3-model-b-plus"),
        (["raspberrypi,5-model-b", "brcm,bcm2712"], "rpi5", "5-model-b"),
    ],
)
def test_each_profile_is_found_by_its_module(tree, compatible, name, module):
    identity = identify(tree(*compatible))
    assert (identity.name, identity.module) == (name, module)
    assert identity.name in profiles()


def test_an_alias_of_the_chip_does_not_hide_its_number(tree):
    root = tree("nvidia,p3767-0005", "nvidia,tegra23x", "nvidia,tegra234")
    assert identify(root).soc == "tegra234"


@pytest.mark.parametrize(
    "compatible",
    [
        ["nvidia,p2597-0000+p2180-1000", "nvidia,jetson-tx1", "nvidia,tegra210"],
        ["nvidia,p3768-0000+p3767-0099", "nvidia,tegra234"],
        ["nvidia,tegra999"],
    ],
)
def test_a_jetson_with_an_unknown_module_says_so(tree, compatible):
    identity = identify(tree(*compatible, model="NVIDIA Jetson Nano Developer Kit"))
    assert identity.name == "unknown-jetson"
    assert identity.family == "jetson"
    assert "names no known Jetson module" in identity.reason


def test_a_raspberry_pi_without_a_profile_says_so(tree):
    identity = identify(tree("raspberrypi,2-model-b-rev2", "brcm,bcm2837"))
    assert (identity.name, identity.module) == ("unknown-raspberry-pi", "2-model-b-rev2")


@pytest.mark.parametrize(
    ("compatible", "name"),
    [
        ("nvidia,p3971-0089+p3834-0000", "thor-t4000"),
        ("nvidia,p4071-0000+p3834-0000", "thor-t4000"),
        ("nvidia,p3971-0050+p3834-0005", "thor"),
        ("nvidia,p3768-0000+p3767-0002", "orin-nx"),
        ("nvidia,p3768-0000+p3767-0000-super", "orin-nx"),
        ("nvidia,p3768-0000+p3767-0003-super", "orin-nano"),
        ("raspberrypi,4-compute-module", "rpi4"),
        ("raspberrypi,4-compute-module-s", "rpi4"),
        ("raspberrypi,5-compute-module", "rpi5"),
        ("raspberrypi,model-zero-2-w", "rpi-zero2w"),
    ],
)
def test_modules_that_share_a_family(tree, compatible, name):
    chip = "nvidia,tegra264" if compatible.startswith("nvidia") else "brcm,bcm2711"
    assert identify(tree(compatible, chip)).name == name


XAVIER = ("nvidia,p2822-0000+p2888-0001", "nvidia,tegra194")
IDS = "/proc/device-tree/chosen/plugin-manager/ids"
#: As NVIDIA's guide lays it out: numbers first, the part number from byte 20 on, then unset bytes.
EEPROM = "\x02\0\xfe\0" + "\0" * 16 + "699-82888-0004-400 M.0" + "\0" * 8 + "\xff" * 20


@pytest.mark.parametrize(
    ("files", "module", "memory_mib"),
    [
        ({}, "p2888-0001", 32768),
        ({"/sys/bus/i2c/devices/0-0050/eeprom": EEPROM}, "p2888-0004", 32768),
        ({f"{IDS}/2822-0000-600": "\1", f"{IDS}/2888-0004-400": "\1"}, "p2888-0004", 32768),
        ({f"{IDS}/2888-0005-400": "\1"}, "p2888-0005", 65536),
        # The carrier's own, and what holds no part number.
        ({"/sys/bus/i2c/devices/1-0050/eeprom": "699-12822-0000-600 A.0"}, "p2888-0001", 32768),
        ({"/sys/bus/i2c/devices/0-0050/eeprom": "\xff" * 256}, "p2888-0001", 32768),
        ({"/sys/bus/i2c/devices/0-0057/eeprom": EEPROM}, "p2888-0001", 32768),
    ],
)
def test_modules_that_share_a_device_tree_differ_in_their_eeprom(machine, files, module, memory_mib):
    tree = {"/proc/device-tree/compatible": "\0".join(XAVIER) + "\0", "/proc/meminfo": "MemTotal: 32692948 kB\n"}
    device = resolve(root=machine(files={**tree, **files}))
    assert (device.name, device.identity.module) == ("agx-xavier", module)
    assert device.fingerprint["memory_mib"] == memory_mib


CHOSEN = "/proc/device-tree/chosen"


@pytest.mark.parametrize(
    ("files", "module", "memory_mib"),
    [
        ({f"{CHOSEN}/nvidia,sku": "699-13701-0005-500 M.0\0"}, "p3701-0005", 65536),
        ({f"{CHOSEN}/nvidia,sku": "699-13701-0004-500 M.0\0"}, "p3701-0004", 32768),
        ({f"{CHOSEN}/ids": "3701-0005-500 3737-0000-TS4\0"}, "p3701-0005", 65536),
        ({f"{CHOSEN}/ids": "3737-0000-TS4 3701-0008-500\0"}, "p3701-0008", 65536),
        ({f"{CHOSEN}/nvidia,sku": "unset\0", f"{CHOSEN}/ids": "\0"}, "p3701-0000", 32768),
    ],
)
def test_the_boot_loader_tells_what_the_eeprom_holds(machine, files, module, memory_mib):
    tree = {"/proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0"}
    device = resolve(root=machine(files={**tree, "/proc/meminfo": "MemTotal: 30697000 kB\n", **files}))
    assert (device.name, device.identity.module) == ("agx-orin", module)
    assert device.fingerprint["memory_mib"] == memory_mib


def test_a_device_tree_without_part_numbers_leaves_the_eeproms(machine):
    files = {"/proc/device-tree/compatible": "nvidia,galen\0nvidia,jetson-xavier\0nvidia,tegra194\0"}
    files.update({f"{IDS}/2822-0000-600": "\1", f"{IDS}/2888-0006-400": "\1", f"{IDS}/9999-0000-000": "\1"})
    device = resolve(root=machine(files=files))
    assert (device.name, device.identity.module, device.fingerprint["memory_mib"]) == ("agx-xavier", "p2888-0006", 8192)


def test_an_eeprom_that_cannot_be_read_leaves_the_device_tree(machine, failing):
    root = machine(files={"/proc/device-tree/compatible": "\0".join(XAVIER) + "\0"})
    put(root, "/sys/bus/i2c/devices/0-0050/eeprom", EEPROM)
    failing(root, {"/sys/bus/i2c/devices/0-0050/eeprom": "EACCES"})
    assert identify(root).module == "p2888-0001"


def test_an_early_agx_orin(machine):
    files = {"/proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0"}
    files["/proc/meminfo"] = "MemTotal: 64349340 kB\n"
    assert resolve(root=machine(files=files)).fingerprint["memory_mib"] == 65536
    files["/sys/bus/i2c/devices/0-0050/eeprom"] = "699-13701-0005-500 M.0"
    files["/proc/meminfo"] = "MemTotal: 30000000 kB\n"
    device = resolve(root=machine(files=files))
    assert (device.identity.module, device.fingerprint["memory_mib"]) == ("p3701-0005", 65536)


def test_the_eeprom_names_a_jetson_whose_device_tree_is_hidden(machine):
    files = {"/proc/sys/kernel/osrelease": "5.10.104-tegra\n", "/sys/bus/i2c/devices/0-0050/eeprom": EEPROM}
    found = identify(machine(files=files))
    assert (found.name, found.module, found.is_hidden) == ("agx-xavier", "p2888-0004", False)
    assert found.evidence == "/sys/bus/i2c/devices/0-0050/eeprom"


def test_a_machine_without_a_device_tree_is_a_host(tmp_path):
    identity = identify(tmp_path)
    assert (identity.name, identity.model, identity.module) == ("host", None, None)
    assert identity.reason == "there is no /proc/device-tree/compatible"


def test_a_board_of_another_family_is_a_host(tree):
    identity = identify(tree("radxa,rock-5b", "rockchip,rk3588", model="Radxa ROCK 5B"))
    assert (identity.name, identity.model) == ("host", "Radxa ROCK 5B")


def test_the_device_tree_is_also_found_in_sys(machine):
    root = machine(files={"/sys/firmware/devicetree/base/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0"})
    identity = identify(root)
    assert identity.name == "rpi4"
    assert identity.evidence == "/sys/firmware/devicetree/base/compatible"


def test_an_unreadable_device_tree_is_not_guessed_from_the_model(machine):
    root = machine(files={"/proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0"})
    (root / "proc/device-tree/compatible").mkdir()
    identity = identify(root)
    assert identity.name == "unknown"
    assert "cannot be read" in identity.reason


def test_no_part_number_belongs_to_two_profiles():
    parts = [part for profile in profiles().values() for part in profile.modules + profile.compatible]
    assert len(parts) == len(set(parts))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_give_an_identity(tmp_path, data):
    folder = tmp_path / "proc/device-tree"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compatible").write_bytes(data)
    (folder / "model").write_bytes(data)
    assert identify(tmp_path).name

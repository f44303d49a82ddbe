from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.devices import identify, profiles


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
    assert "no Jetson module that is known" in identity.reason


def test_a_raspberry_pi_without_a_profile_says_so(tree):
    identity = identify(tree("raspberrypi,model-zero-2-w", "brcm,bcm2837"))
    assert (identity.name, identity.module) == ("unknown-raspberry-pi", "model-zero-2-w")


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


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_give_an_identity(tmp_path, data):
    folder = tmp_path / "proc/device-tree"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compatible").write_bytes(data)
    (folder / "model").write_bytes(data)
    assert identify(tmp_path).name

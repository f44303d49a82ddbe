from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_edgeperf.devices import DeviceMismatch, UnknownDevice, describe, profiles, resolve


@pytest.mark.parametrize("name", ["nano", "xavier-nx", "orin-nano", "rpi4"])
def test_auto_and_the_right_name_are_the_same_device(machine, name):
    root = machine(name)
    device = resolve("auto", root)
    assert device == resolve(name, root)
    assert device.name == name
    assert device.profile is profiles()[name]
    assert device.fingerprint["device"] == name
    assert "cpu_count_physical" in device.absent


def test_descriptions_are_one_line_for_people(machine):
    assert resolve("auto", machine("nano")).description == (
        "NVIDIA Jetson Nano 4GB (p3448-0000), 4 CPUs, 4.0 GiB, Linux 4.9"
    )
    fields = {
        "cpu_model": "AMD EPYC",
        "cpu_count_logical": 4,
        "cpu_count_physical": 2,
        "memory_mib": 24576,
        "virtualised": "kvm+docker",
        "kernel": "6.18",
    }
    assert describe(profiles()["host"], fields) == (
        "AMD EPYC, 2 cores with 4 threads, 24.0 GiB, KVM + Docker, Linux 6.18"
    )
    assert describe(profiles()["host"], {}) == "unknown processor"


def test_another_device_than_asked_for_names_what_was_expected_and_found_and_the_remedy(machine):
    with pytest.raises(DeviceMismatch) as caught:
        resolve("nano", machine("xavier-nx"))
    assert str(caught.value) == (
        "--device=nano needs a module p3448-0000 or p3448-0002 or nvidia,p3450-0000, "
        "but this machine is xavier-nx, which calls itself 'NVIDIA Jetson Xavier NX Developer Kit' "
        "(/proc/device-tree/compatible lists nvidia,p3509-0000+p3668-0001, nvidia,tegra194); "
        "use --device=auto to measure it as that, or --device=host, which fits any machine"
    )


def test_a_board_asked_for_on_a_host_is_a_mismatch(tmp_path):
    with pytest.raises(DeviceMismatch, match="there is no /proc/device-tree/compatible"):
        resolve("rpi4", tmp_path)


def test_host_is_right_everywhere_and_the_fingerprint_stays_honest(machine):
    device = resolve("host", machine("nano"))
    assert device.name == "host"
    assert device.fingerprint["device"] == "nano"


def test_an_unknown_jetson_can_be_measured_under_that_name(tree):
    root = tree("nvidia,p2597-0000+p2180-1000", "nvidia,tegra210")
    device = resolve("auto", root)
    assert device.name == "unknown-jetson"
    assert device.profile.family == "jetson"
    assert "p2180-1000" in device.description
    with pytest.raises(DeviceMismatch):
        resolve("nano", root)


@pytest.mark.parametrize("name", ["auto", "nano"])
def test_a_device_tree_that_cannot_be_read_asks_for_host(machine, name):
    root = machine()
    (root / "proc/device-tree/compatible").mkdir(parents=True)
    with pytest.raises(DeviceMismatch) as caught:
        resolve(name, root)
    expected = {
        "auto": ":",
        "nano": " needs a module p3448-0000 or p3448-0002 or nvidia,p3450-0000, but",
    }
    assert str(caught.value) == (
        f"--device={name}{expected[name]} this machine cannot be identified: /proc/device-tree/compatible cannot be "
        "read: Is a directory; make it readable or use --device=host"
    )
    assert resolve("host", root).name == "host"


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownDevice) as caught:
        resolve("Orin-nanno", tmp_path)
    message = str(caught.value)
    assert "did you mean orin-nano?" in message
    for name in profiles():
        assert name in message
    with pytest.raises(UnknownDevice) as caught:
        resolve("zzz", tmp_path)
    assert "did you mean" not in str(caught.value)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, pytest_edgeperf.devices; "
        "print(sorted({'pytest', 'numpy', 'psutil', 'torch', 'jsonschema'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Boards whose device tree a container hides."""

from __future__ import annotations

import pytest

from pytest_edgeperf.devices.device import DeviceMismatch, resolve
from pytest_edgeperf.devices.doctor import examine
from pytest_edgeperf.devices.identity import identify
from pytest_edgeperf.devices.raspberrypi_boards import board_of_model

CPU = "processor\t: 0\nCPU implementer\t: {}\nCPU part\t: {}\n"
PI_CPU = CPU.format("0x41", "0xd08") + "\nHardware\t: BCM2835\nRevision\t: c03114\nModel\t\t: {}\n"
OSRELEASE = "/proc/sys/kernel/osrelease"
HWMON = "/sys/class/hwmon/hwmon2"


@pytest.mark.parametrize(
    ("files", "name", "evidence"),
    [
        ({OSRELEASE: "5.15.148-tegra\n"}, "unknown-jetson", OSRELEASE),
        ({OSRELEASE: "4.9.337-tegra\n"}, "unknown-jetson", OSRELEASE),
        ({OSRELEASE: "5.15.0-1025-nvidia-tegra\n"}, "unknown-jetson", OSRELEASE),
        ({OSRELEASE: "5.15.148-l4t-r36.4-1012.12+g8dc079d5c8d1\n"}, "unknown-jetson", OSRELEASE),
        ({OSRELEASE: "6.6.31+rpt-rpi-v8\n"}, "unknown-raspberry-pi", OSRELEASE),
        ({OSRELEASE: "6.12.25+rpt-rpi-2712\n"}, "unknown-raspberry-pi", OSRELEASE),
        ({OSRELEASE: "5.15.0-1053-raspi\n"}, "unknown-raspberry-pi", OSRELEASE),
        ({OSRELEASE: "5.10.63-v7l+\n"}, "unknown-raspberry-pi", OSRELEASE),
        ({OSRELEASE: "6.6.51-v8-16k+\n"}, "unknown-raspberry-pi", OSRELEASE),
        ({"/proc/cpuinfo": PI_CPU.format("Raspberry Pi 4 Model B Rev 1.4")}, "unknown-raspberry-pi", "/proc/cpuinfo"),
        ({"/proc/cpuinfo": "processor : 0\n\nHardware\t: BCM2711\n"}, "unknown-raspberry-pi", "/proc/cpuinfo"),
        ({"/proc/cpuinfo": CPU.format("0x4e", "0x004")}, "unknown-jetson", "/proc/cpuinfo"),
        ({"/sys/devices/soc0/family": "Tegra\n"}, "unknown-jetson", "/sys/devices/soc0/family"),
        ({"/sys/class/dmi/id/product_name": "NVIDIA Jetson AGX Orin Developer Kit\n"}, "unknown-jetson",
         "/sys/class/dmi/id/product_name"),
        ({f"{HWMON}/name": "rpi_volt\n"}, "unknown-raspberry-pi", f"{HWMON}/name"),
        ({f"{HWMON}/name": "soctherm_oc\n"}, "unknown-jetson", HWMON),
        ({f"{HWMON}/name": "ina3221\n", f"{HWMON}/in2_label": "VDD_CPU_GPU_CV\n"}, "unknown-jetson", HWMON),
        ({"/etc/nv_tegra_release": "# R32 (release), REVISION: 7.4, GCID: 1\n"}, "unknown-jetson",
         "/etc/nv_tegra_release"),
        ({"/proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0"}, "unknown-jetson",
         "/proc/device-tree/model"),
        ({"/sys/firmware/devicetree/base/model": "Raspberry Pi 5 Model B Rev 1.0\0"}, "unknown-raspberry-pi",
         "/sys/firmware/devicetree/base/model"),
        ({"/proc/device-tree/compatible": "", OSRELEASE: "5.15.148-tegra\n"}, "unknown-jetson", OSRELEASE),
        # Other machines.
        ({"/proc/device-tree/compatible": "\0"}, "host", None),
        ({OSRELEASE: "6.11.0-1016-nvidia\n"}, "host", None),
        ({OSRELEASE: "6.1.0-21-arm64\n", "/proc/cpuinfo": CPU.format("0x41", "0xd42")}, "host", None),
        ({"/proc/cpuinfo": CPU.format("0x4e", "0x010")}, "host", None),
        ({f"{HWMON}/name": "ina3221\n", f"{HWMON}/in1_label": "VDD_12V\n"}, "host", None),
        ({"/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3\n",
          "/proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\n"}, "host", None),
        ({"/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3\n", "/sys/class/dmi/id/sys_vendor": "HPE\n"},
         "host", None),
        ({"/proc/device-tree/compatible": "linux,dummy-virt\0", OSRELEASE: "6.6.31+rpt-rpi-v8\n"}, "host", None),
    ],
)  # fmt: skip
def test_a_board_is_no_host_because_a_container_hides_its_device_tree(machine, files, name, evidence):
    found = identify(machine(files=files))
    assert found.name == name
    if evidence is not None:
        assert (found.evidence, found.is_hidden) == (evidence, True)
        assert "-v /sys/firmware/devicetree/base:/mnt/device-tree:ro" in found.reason


def test_a_mounted_device_tree_tells_the_board(machine):
    files = {OSRELEASE: "5.15.148-tegra\n", "/.dockerenv": ""}
    files["/mnt/device-tree/compatible"] = "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0"
    root = machine(files=files)
    (root / "proc/device-tree").symlink_to("/sys/firmware/devicetree/base")
    assert identify(root).name == "orin-nano"


def test_the_kernel_tells_chip_and_model_of_a_hidden_jetson(machine):
    folder = "/sys/devices/soc0"
    files = {f"{folder}/family": "Tegra\n", f"{folder}/soc_id": "38\n", f"{folder}/machine": "Some carrier\n"}
    found = identify(machine(files=files))
    assert (found.soc, found.model, found.module) == ("tegra264", "Some carrier", None)


def test_a_device_that_was_asked_for_and_is_hidden_says_what_to_mount(machine):
    root = machine(files={OSRELEASE: "5.15.148-tegra\n", "/.dockerenv": ""})
    with pytest.raises(DeviceMismatch, match=r"\(docker\) hides the device tree; to show it: docker run -v /sys"):
        resolve("orin-nano", root)
    assert resolve("host", root).name == "host"
    device = resolve(root=root)
    assert device.name == "unknown-jetson"
    assert "docker run -v /sys/firmware/devicetree/base:/mnt/device-tree:ro" in device.description
    check = next(check for check in examine(identify(root), root).checks if check.id == "device-tree")
    assert (check.state, check.remedy.split()[:2]) == ("advice", ["docker", "run"])


@pytest.mark.parametrize(
    ("model", "board"),
    [
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "3-model-b-plus"),
        ("Raspberry Pi 5 Model B Rev 1.0", "5-model-b"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "model-zero-2-w"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "4-compute-module"),
        ("Raspberry Pi Compute Module 4S Rev 1.0", "4-compute-module-s"),
        ("Raspberry Pi 500 Rev 1.0", "500"),
        ("Orange Pi 5", None),
    ],
)
def test_the_board_of_a_models_name(model, board):
    assert board_of_model(model) == board

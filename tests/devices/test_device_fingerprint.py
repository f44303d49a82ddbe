from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_edgeperf.devices import boot_id, fingerprint, identify
from pytest_edgeperf.devices.fingerprint import inspect

from .conftest import put

X86 = "processor\t: 0\nmodel name\t: AMD  EPYC\nbogomips\t: 5192.27\nflags\t\t: fpu sse {}\n\n"


def read(root):
    return fingerprint(identify(root), root)


def test_recorded_nano(machine):
    root = machine("nano")
    assert read(root) == {
        "device": "nano",
        "module": "p3448-0000",
        "l4t": "32.7.4",
        "cpu_count_logical": 4,
        "memory_mib": 4096,
        "os": "Ubuntu 18.04.6 LTS (Bionic Beaver)",
        "kernel": "4.9",
        "virtualised": "none",
    }


def test_recorded_raspberry_pi(machine):
    found = read(machine("rpi4"))
    assert found["cpu_model"] == "Arm Cortex-A72"
    assert found["module"] == "4-model-b"
    assert found["memory_mib"] == 4096
    assert found["os"] == "Debian GNU/Linux 12 (bookworm)"
    assert found["kernel"] == "6.6"


def test_what_cannot_be_read_is_absent_with_its_reason(tmp_path):
    known, absent = inspect(identify(tmp_path), tmp_path)
    assert known == {"device": "host"}
    assert set(absent) == {
        "cpu_model",
        "cpu_count_logical",
        "cpu_count_physical",
        "memory_mib",
        "os",
        "kernel",
        "architecture",
        "virtualised",
    }
    assert all(absent.values())


def test_this_machine_has_one_that_is_json_and_the_same_twice():
    root = Path("/")
    first = read(root)
    assert first == read(root)
    assert json.loads(json.dumps(first)) == first
    assert first["cpu_count_logical"] >= 1
    assert not {"bogomips", "hostname", "serial"} & set(first)


@pytest.mark.parametrize(
    ("total_kib", "mib"),
    [
        (24684084, 24576),
        (24679000, 24576),
        (7802880, 8192),
        (7958528, 8192),
        (948304, 1024),
        (2027500, 2048),
        (65_500_000, 65536),
        (16_777_216, 16384),
    ],
)
def test_memory_is_nominal(machine, total_kib, mib):
    root = machine(files={"/proc/meminfo": f"MemTotal:       {total_kib} kB\nMemFree: 1 kB\n"})
    assert read(root)["memory_mib"] == mib


def test_no_memory_is_absent_and_not_zero(machine):
    assert "memory_mib" not in read(machine(files={"/proc/meminfo": "MemTotal: 0 kB\n"}))


@pytest.mark.parametrize(
    ("files", "virtualised"),
    [
        ({"/proc/cpuinfo": X86.format("")}, "none"),
        ({"/proc/cpuinfo": X86.format("hypervisor")}, "vm"),
        (
            {
                "/proc/cpuinfo": X86.format("hypervisor"),
                "/sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock acpi_pm\n",
            },
            "kvm",
        ),
        ({"/proc/cpuinfo": X86.format("hypervisor"), "/sys/class/dmi/id/sys_vendor": "VMware, Inc.\n"}, "vmware"),
        ({"/sys/hypervisor/type": "xen\n"}, "xen"),
        ({"/proc/device-tree/hypervisor/compatible": "linux,kvm\0"}, "kvm"),
        ({"/sys/class/dmi/id/sys_vendor": "QEMU\n"}, "qemu"),
        ({"/sys/class/dmi/id/sys_vendor": "GIGABYTE\n"}, "none"),
        ({"/sys/class/dmi/id/sys_vendor": "Amazon EC2\n", "/sys/class/dmi/id/product_name": "c7g.metal\n"}, "none"),
        ({"/proc/cpuinfo": X86.format(""), "/.dockerenv": ""}, "docker"),
        ({"/sys/hypervisor/type": "xen\n", "/run/.containerenv": ""}, "xen+podman"),
        ({"/run/systemd/container": "lxc\n"}, "lxc"),
    ],
)
def test_virtualisation(machine, files, virtualised):
    assert read(machine(files=files))["virtualised"] == virtualised


def test_a_marker_left_by_an_unpacked_image_is_no_container(machine):
    root = machine(files={"/proc/cpuinfo": X86.format(""), "/.dockerenv": ""})
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns/pid").symlink_to("pid:[4026531836]")
    assert read(root)["virtualised"] == "none"


def test_a_process_namespace_without_a_marker_is_a_container(machine):
    root = machine(files={"/proc/cpuinfo": X86.format("")})
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns/pid").symlink_to("pid:[4026532999]")
    assert read(root)["virtualised"] == "container"


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (X86.format(""), "AMD EPYC"),
        (
            "processor : 0\nCPU implementer : 0x4e\nCPU part : 0x003\n\n"
            "processor : 1\nCPU implementer : 0x41\nCPU part : 0xd07\n",
            "Arm Cortex-A57 + NVIDIA Denver 2",
        ),
        (
            "processor : 0\nmodel name : ARMv8 Processor rev 1 (v8l)\nCPU implementer : 0x41\nCPU part : 0xd42\n",
            "Arm Cortex-A78AE",
        ),
        ("processor : 0\nmodel name : ARMv8 Processor rev 1 (v8l)\nCPU implementer : 0x41\nCPU part : 0xfff\n", None),
        (
            "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd80\n\n"
            "processor : 1\nCPU implementer : 0x41\nCPU part : 0xfff\n",
            "Arm Cortex-A520 + Arm part 0xfff",
        ),
        (
            "processor : 0\nCPU implementer : 0x99\nCPU part : 0x001\n\n"
            "processor : 1\nCPU implementer : 0x4e\nCPU part : 0x004\n",
            "NVIDIA Carmel + implementer 0x99 part 0x001",
        ),
        # NVIDIA GB10.
        (
            "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd87\n\n"
            "processor : 1\nCPU implementer : 0x41\nCPU part : 0xd85\n",
            "Arm Cortex-A725 + Arm Cortex-X925",
        ),
        # One block for all, as 32-bit kernels write it.
        ("processor : 0\nprocessor : 1\n\nCPU implementer : 0x41\nCPU part : 0xc07\n", "Arm Cortex-A7"),
        ("processor : 0\nmodel name : A\n\nprocessor : 1\nmodel name : B\n", "A + B"),
        ("processor : 0\ncpu : POWER9\n", None),
    ],
)
def test_the_processor_is_named_or_absent(machine, cpuinfo, name):
    assert read(machine(files={"/proc/cpuinfo": cpuinfo})).get("cpu_model") == name


def test_the_processor_is_found_in_the_device_tree(machine):
    root = machine(files={"/proc/device-tree/cpus/cpu@0/compatible": "arm,cortex-a57\0arm,armv8\0"})
    assert read(root)["cpu_model"] == "Arm Cortex-A57"


def test_the_device_tree_names_a_part_that_we_do_not_know_or_else_nobody_does(machine):
    files = {"/proc/cpuinfo": "CPU implementer : 0x41\nCPU part : 0xd80\n\nCPU implementer : 0x41\nCPU part : 0xfff\n"}
    node = "/proc/device-tree/cpus/cpu@{}/compatible"
    root = machine(files={**files, node.format(0): "arm,cortex-a520\0", node.format(1): "arm,cortex-x4\0"})
    assert read(root)["cpu_model"] == "Arm Cortex-A520 + Arm Cortex-X4"
    put(root, node.format(1), "arm,cortex-of-tomorrow\0")
    assert read(root)["cpu_model"] == "Arm Cortex-A520 + Arm part 0xfff"


def test_a_power_mode_does_not_change_the_number_of_processors(machine):
    root = machine("nano", {"/sys/devices/system/cpu/online": "0-1\n"})
    known, absent = inspect(identify(root), root)
    assert known["cpu_count_logical"] == 4
    assert absent["cpu_count_physical"] == "2 of 4 processors are offline"


def test_the_boot_is_the_kernels(machine, tmp_path):
    assert boot_id(tmp_path) is None
    root = machine(files={"/proc/sys/kernel/random/boot_id": "589190b5-20f6-4805-bd68-7217eb2649c9\n"})
    assert boot_id(root) == "589190b5"

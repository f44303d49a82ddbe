"""The memory that is built in, whatever the firmware keeps of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices.identity import Identity, identify
from pytest_edgeperf.devices.memory_size import memory_mib

JETSON = "/proc/device-tree/compatible"


def size(machine, compatible, kib, cpuinfo=""):
    files = {JETSON: compatible, "/proc/cpuinfo": cpuinfo}
    if kib is not None:
        files["/proc/meminfo"] = f"MemTotal: {kib} kB\n"
    root = machine(files=files)
    return memory_mib(root, identify(root))


@pytest.mark.parametrize(
    ("module", "kib", "mib"),
    [
        # What L4T 35, 36 and 36 with large carve-outs leave of one module.
        ("p3767-0003", 7802880, 8192),
        ("p3767-0003", 7340032, 8192),
        ("p3767-0003", 6636000, 8192),
        ("p3767-0005", None, 8192),
        ("p3767-0004", 3688448, 4096),
        ("p3767-0001", 7000000, 8192),
        ("p3767-0000", 15757312, 16384),
        ("p3701-0000", 30000000, 32768),
        ("p3701-0000", 64000000, 65536),
        ("p3701-0000", None, None),
        ("p2888-0001", 16000000, 16384),
        ("p2888-0001", 32000000, 32768),
        ("p3834-0000", 57000000, 65536),
        ("p3834-0008", 128767000, 131072),
        # More than the module is sold with: the table must be wrong.
        ("p3767-0003", 15757312, 16384),
        # A module that nobody has named, in the steps in which Jetsons are sold.
        ("p9999-0000", 6636000, 8192),
    ],
)
def test_the_size_of_a_module_does_not_move_with_its_firmware(machine, module, kib, mib):
    chip = {"p27": "tegra186"}.get(module[:3], "tegra234")
    assert size(machine, f"nvidia,p0000-0000+{module}\0nvidia,{chip}\0", kib)[0] == mib


@pytest.mark.parametrize(
    ("board", "revision", "kib", "mib"),
    [
        ("model-zero-2-w", "902120", 426012, 512),
        ("model-zero-2-w", None, 426012, 512),
        ("3-model-b-plus", "a020d3", 700000, 1024),
        ("3-model-a-plus", None, 400000, 512),
        # Much of it given to the graphics processor.
        ("4-model-b", "c03114", 1900000, 4096),
        ("4-model-b", "d03114", 7900000, 8192),
        ("4-model-b", None, 3884000, 4096),
        ("5-model-b", "c04170", 4144000, 4096),
        ("5-model-b", "e04171", 16608000, 16384),
        ("2-model-b-rev2", None, 930000, 1024),
        # Of the first boards the code holds no size, and a size that is none is none.
        ("2-model-b-rev2", "000e", 450000, 512),
        ("2-model-b-rev2", "f03114", 900000, 1024),
    ],
)
def test_a_raspberry_pi_says_its_size_in_its_revision(machine, board, revision, kib, mib):
    cpuinfo = "processor\t: 0\n\n" + (f"Revision\t: {revision}\n" if revision else "")
    assert size(machine, f"raspberrypi,{board}\0brcm,bcm2711\0", kib, cpuinfo)[0] == mib


def test_a_size_that_is_not_known_says_why(machine):
    host = Identity("host", "host", "", "")
    assert memory_mib(machine(), host) == (None, "there is no /proc/meminfo")
    assert memory_mib(machine(files={"/proc/meminfo": "MemTotal: 0 kB\n"}), host) == (
        None,
        "/proc/meminfo has no MemTotal",
    )


@given(
    st.lists(st.floats(0.25, 256), max_size=4), st.sampled_from(["host", "jetson", "board"]), st.integers(1, 1 << 30)
)
def test_the_size_is_never_less_than_what_the_kernel_has(tmp_path_factory, sizes, family, kib):
    root = tmp_path_factory.mktemp("root")
    (root / "proc").mkdir()
    (root / "proc/meminfo").write_text(f"MemTotal: {kib} kB\n", encoding="ascii")
    found, _ = memory_mib(root, Identity("x", family, "", "", memory_gib=tuple(sizes)))
    assert found is not None
    assert found * 1024 >= kib

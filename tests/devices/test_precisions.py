from __future__ import annotations

import pytest

from pytest_edgeperf.devices import imitates, lacks, platform, profiles
from pytest_edgeperf.devices.precisions import cpu_flags


@pytest.mark.parametrize(
    ("device", "precision", "lacking"),
    [
        ("nano", "int8", True),
        ("tx2", "int8", True),
        ("xavier-nx", "int8", False),
        ("xavier-nx", "bf16", True),
        ("orin-nano", "bf16", False),
        ("orin-nano", "tf32", False),
        ("nano", "fp16", False),
        ("nano", "fp32", False),
        ("rpi4", "int8", False),
        ("host", "int8", False),
    ],
)
def test_what_a_gpu_cannot_compute_is_told_with_its_compute_capability(device, precision, lacking):
    profile = profiles()[device]
    reason = lacks(profile, "gpu", precision)
    assert (reason is not None) == lacking
    if lacking:
        assert str(profile.hardware["compute_capability"].value) in reason
    assert lacks(profile, "cpu", precision) is None


@pytest.mark.parametrize(
    ("line", "imitated"),
    [
        ("flags\t\t: fpu avx2 f16c", {"fp16", "bf16", "int8"}),
        ("flags\t\t: fpu avx512_bf16 avx512_vnni", {"fp16"}),
        ("Features\t: fp asimd evtstrm crc32 cpuid", {"fp16", "bf16", "int8"}),
        ("Features\t: fp asimd fphp asimdhp asimddp", {"bf16"}),
        ("processor\t: 0", set()),
    ],
)
def test_what_a_cpu_has_no_instructions_for_is_told(tmp_path, line, imitated):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(f"processor\t: 0\n{line}\n")
    found = {one for one in ("fp32", "fp16", "bf16", "int8") if imitates(tmp_path, one) is not None}
    assert found == imitated
    if imitated:
        assert "is not faster by itself" in imitates(tmp_path, "fp16" if "fp16" in imitated else "bf16")


def test_without_cpuinfo_nothing_is_claimed(tmp_path):
    assert cpu_flags(tmp_path) == frozenset()
    assert imitates(tmp_path, "fp16") is None


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("# R32 (release), REVISION: 7.4, GCID: 1", "jetpack-4"),
        ("# R35 (release), REVISION: 4.1, GCID: 1", "jetpack-5"),
        ("# R36 (release), REVISION: 4.3, GCID: 1", "jetpack-6"),
        ("# R38 (release), REVISION: 2.0, GCID: 1", "jetpack-7"),
        (None, "aarch64"),
    ],
)
def test_a_jetson_is_the_platform_of_its_jetpack(tmp_path, release, expected):
    tree = tmp_path / "proc" / "device-tree"
    tree.mkdir(parents=True)
    (tree / "compatible").write_bytes(b"nvidia,p3449-0000-b00+p3448-0000-b00\0nvidia,jetson-nano\0nvidia,tegra210\0")
    (tree / "model").write_bytes(b"NVIDIA Jetson Nano Developer Kit\0")
    if release is not None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc" / "nv_tegra_release").write_text(release + "\n")
    assert platform(tmp_path) == expected


def test_other_machines_are_platforms_by_their_processor(tmp_path):
    assert platform(tmp_path) in ("x86", "aarch64")

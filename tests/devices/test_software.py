from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.devices import identify
from pytest_edgeperf.devices.findings import Finding
from pytest_edgeperf.devices.installed_cuda import cuda, cudnn, driver
from pytest_edgeperf.devices.installed_tensorrt import tensorrt_binding, tensorrt_library, trtexec
from pytest_edgeperf.devices.l4t import jetpack, l4t
from pytest_edgeperf.devices.software import software

RELEASE = "/etc/nv_tegra_release"
DPKG = "/var/lib/dpkg/status"
KERNEL = "/proc/sys/kernel/osrelease"
PACKAGE = """\
Package: bash
Status: install ok installed
Version: 5.0-6ubuntu1.2

Package: nvidia-l4t-core
Status: {status}
Priority: standard
Section: Core
Maintainer: NVIDIA Corporation
Architecture: arm64
Version: {version}
Description: NVIDIA Core Package
 Core Package.

Package: zlib1g
Status: install ok installed
Version: 1:1.2.11
"""
R36 = """\
# R36 (release), REVISION: 4.7, GCID: 42132812, BOARD: generic, EABI: aarch64, DATE: Thu Sep 18 22:54:44 UTC 2025
# KERNEL_VARIANT: oot
TARGET_USERSPACE_LIB_DIR=nvidia
TARGET_USERSPACE_LIB_DIR_PATH=usr/lib/aarch64-linux-gnu/nvidia
"""
R39 = "# R39 (release), REVISION: 2.0, GCID: 45755727, BOARD: generic, DATE: Mon Jun  1 09:28:48 PM UTC 2026"


def release(number, revision):
    return f"# R{number} (release), REVISION: {revision}, GCID: 1, BOARD: t186ref, EABI: aarch64, DATE: Fri Jun  9 04\n"


def program(root, path, output, code=0):
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {code}\n")
    file.chmod(0o755)


# L4T and JetPack


@pytest.mark.parametrize(
    ("board", "version", "product"),
    [("nano", "32.7.4", "4.6.4"), ("xavier-nx", "35.4.1", "5.1.2"), ("orin-nano", "36.4.7", "6.2.1")],
)
def test_recorded_jetsons(machine, board, version, product):
    root = machine(board)
    found = software(identify(root), root)
    assert found["l4t"] == Finding(version, RELEASE)
    assert found["jetpack"] == Finding(product, RELEASE)
    assert {name for name, finding in found.items() if finding.value is None} == set(found) - {"l4t", "jetpack"}
    assert all(finding.reason for finding in found.values() if finding.value is None)


def test_what_is_no_jetson_has_no_l4t(machine):
    root = machine("rpi4")
    assert not {"l4t", "jetpack"} & set(software(identify(root), root))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (release(32, "6.1"), "32.6.1"),
        (release(35, "5.0"), "35.5.0"),
        (R36, "36.4.7"),
        (R39, "39.2.0"),
        (release(36, "3"), "36.3.0"),
    ],
)
def test_the_release_file_is_read_in_each_form(machine, text, version):
    assert l4t(machine(files={RELEASE: text}), {}) == Finding(version, RELEASE)


@pytest.mark.parametrize(
    "text", ["", "R", "# R36 (release)\n# REVISION: 4.7", "# R36, REVISION: x", release(36, "1.2.3.4")]
)
def test_a_release_file_that_tells_nothing_is_named(machine, text):
    found = l4t(machine(files={RELEASE: text}), {})
    assert found == Finding(None, RELEASE, f"{RELEASE} names no release in its first line")
    assert jetpack(found).value is None


@pytest.mark.parametrize(
    ("version", "said"),
    [("36.5.0-20260115194252", "36.5.0"), ("39.2.1-20260806224157", "39.2.1"), ("32.7.4-20230608212426", "32.7.4")],
)
def test_without_that_file_the_package_tells(machine, version, said):
    text = PACKAGE.format(version=version, status="install ok installed")
    root = machine(files={DPKG: text, KERNEL: "4.9.337-tegra\n"})
    assert l4t(root, {}) == Finding(said, DPKG)


@pytest.mark.parametrize(
    "text",
    [
        PACKAGE.format(version="36.5.0-1", status="deinstall ok config-files"),
        PACKAGE.format(version="36.5.0-1", status="install ok installed").replace(
            "nvidia-l4t-core", "nvidia-l4t-core2"
        ),
        "",
    ],
)
def test_a_package_that_is_not_installed_tells_nothing(machine, text):
    root = machine(files={DPKG: text, KERNEL: "5.15.185-tegra\n"})
    assert (l4t(root, {}).value, l4t(root, {}).source) == ("36", KERNEL)


def test_a_release_file_that_cannot_be_read_is_not_the_end(machine, failing):
    root = machine(files={RELEASE: R36, DPKG: PACKAGE.format(version="36.4.7-1", status="install ok installed")})
    failing(root, {RELEASE: "EACCES"})
    assert l4t(root, {}) == Finding("36.4.7", DPKG)
    failing(root, {RELEASE: "EACCES", DPKG: "EIO"})
    found = l4t(root, {})
    assert (found.value, found.source) == (None, RELEASE)
    assert found.reason == (f"{RELEASE} cannot be read: {os.strerror(13)}; {DPKG} cannot be read: {os.strerror(5)}")


@pytest.mark.parametrize(
    ("kernel", "version"),
    [
        ("4.9.337-tegra", "32"),
        ("5.10.216-tegra", "35"),
        ("5.15.148-tegra", "36"),
        ("5.15.148-l4t-r36.4.3-1012.12+g8dc079d5c8c4", "36.4.3"),
        ("5.10.120-l4t-r35.4.ga", "35.4"),
    ],
)
def test_the_kernel_tells_the_series(machine, kernel, version):
    found = l4t(machine(files={KERNEL: kernel}), {})
    assert (found.value, found.source) == (version, KERNEL)
    if version.count(".") < 2:
        assert "not its full release" in jetpack(found).reason


@pytest.mark.parametrize("kernel", ["6.8.12-tegra", "5.10.65-tegra", "5.15.0-91-generic", "6.6.31+rpt-rpi-v8", ""])
def test_a_kernel_that_several_or_no_series_have_tells_none(machine, kernel):
    assert l4t(machine(files={KERNEL: kernel}), {}).value is None


@pytest.mark.parametrize(("text", "version"), [("36.4.0", "36.4.0"), ("r36.2", "36.2.0"), ("36.4.3\n", "36.4.3")])
def test_in_a_container_its_image_tells(machine, text, version):
    root = machine(files={"/.dockerenv": "", KERNEL: "5.15.148-tegra\n"})
    assert l4t(root, {"L4T_VERSION": text}) == Finding(version, "$L4T_VERSION")


def test_a_variable_outside_a_container_tells_nothing(machine):
    assert l4t(machine(files={KERNEL: "5.15.148-tegra\n"}), {"L4T_VERSION": "36.4.3"}).source == KERNEL


def test_a_container_of_another_series_is_not_believed(machine):
    root = machine(files={"/.dockerenv": "", KERNEL: "5.10.120-tegra\n"})
    found = l4t(root, {"L4T_VERSION": "36.2.0"})
    assert (found.value, found.source) == ("35", KERNEL)
    assert found.reason == f"$L4T_VERSION says 36.2.0, but {KERNEL} is one of L4T 35"


def test_a_variable_that_is_no_release_is_said(machine):
    found = l4t(machine(files={"/.dockerenv": ""}), {"L4T_VERSION": "latest"})
    assert found == Finding(None, "$L4T_VERSION", "$L4T_VERSION is 'latest', which is not a release")


def test_the_releases_file_comes_before_the_container_s_variable(machine):
    root = machine(files={"/.dockerenv": "", RELEASE: R36})
    assert l4t(root, {"L4T_VERSION": "36.2.0"}) == Finding("36.4.7", RELEASE)


@pytest.mark.parametrize(
    ("version", "product"),
    [
        ("28.1.0", "3.1"),
        ("28.2.1", "3.2.1 or 3.3"),
        ("28.5.0", "3.3.4"),
        ("31.1.0", "4.1.1 DP"),
        ("32.1.0", "4.2"),
        ("32.2.1", "4.2.2"),
        ("32.2.3", "4.2.3"),
        ("32.3.1", "4.3"),
        ("32.4.2", "4.4 DP"),
        ("32.4.4", "4.4.1"),
        ("32.5.0", "4.5"),
        ("32.5.2", "4.5.1"),
        ("32.6.1", "4.6"),
        ("32.7.6", "4.6.6"),
        ("34.1.1", "5.0.1 DP"),
        ("35.6.2", "5.1.5"),
        ("36.3.0", "6.0"),
        ("36.4.2", "6.1"),
        ("36.5.0", "6.2.2"),
        ("38.4.0", "7.1"),
        ("39.2.1", "7.2.1"),
    ],
)
def test_a_release_belongs_to_a_jetpack(version, product):
    assert jetpack(Finding(version, RELEASE)) == Finding(product, RELEASE)


STANZA = "Package: {}\nStatus: {}\nArchitecture: arm64\nVersion: {}\n\n"
INSTALLED = "install ok installed"


@pytest.mark.parametrize(
    ("status", "release", "product"),
    [
        (STANZA.format("nvidia-jetpack", INSTALLED, "6.2.3+b81"), "36.5.2", "6.2.3"),
        (STANZA.format("nvidia-jetpack", INSTALLED, "5.1.2-b104"), "35.4.1", "5.1.2"),
        (STANZA.format("nvidia-jetpack", INSTALLED, "4.6.1-b110"), "32.7.1", "4.6.1"),
        (STANZA.format("nvidia-jetpack", "hold ok installed", "4.6.4-b39"), "32.7.4", "4.6.4"),
        # The number of a preview is the final release's.
        (STANZA.format("nvidia-jetpack", INSTALLED, "6.0-b52"), "36.2.0", "6.0 DP"),
        (STANZA.format("nvidia-jetpack", INSTALLED, "6.0+b106"), "36.3.0", "6.0"),
        (STANZA.format("nvidia-jetpack-runtime", INSTALLED, "7.0-b128"), "38.2.0", "7.0"),
        # Not installed, or no version: the table.
        (STANZA.format("nvidia-jetpack", "deinstall ok config-files", "9.9-b1"), "36.4.3", "6.2"),
        (STANZA.format("nvidia-jetpack", INSTALLED, "latest"), "36.4.3", "6.2"),
        (STANZA.format("nvidia-jetpack-archive", INSTALLED, "9.9"), "36.4.3", "6.2"),
        ("", "36.4.3", "6.2"),
    ],
)
def test_the_installed_package_says_which_jetpack_then_the_table(machine, status, release, product):
    root = machine(files={DPKG: status})
    found = jetpack(Finding(release, RELEASE), root)
    assert found.value == product
    assert found.source == (RELEASE if "9.9" in status or "latest" in status or not status else DPKG)


def test_a_release_of_no_known_jetpack_is_said():
    assert jetpack(Finding("99.1.0", RELEASE)) == Finding(None, RELEASE, "no known JetPack has L4T 99.1.0")


# CUDA

CUDA_JSON = json.dumps({"cuda": {"name": "CUDA SDK", "version": "11.4.19"}, "cuda_nvcc": {"version": "11.4.239"}})
NVCC = """\
nvcc: NVIDIA (R) Cuda compiler driver
Copyright (c) 2005-2019 NVIDIA Corporation
Built on Wed_Oct_23_21:14:42_PDT_2019
Cuda compilation tools, release 10.2, V10.2.89"""


def test_cuda_from_its_files(machine):
    root = machine(files={"/usr/local/cuda/version.txt": "CUDA Version 10.2.300\n"})
    assert cuda(root) == Finding("10.2.300", "/usr/local/cuda/version.txt")
    (root / "usr/local/cuda/version.json").write_text(CUDA_JSON)
    assert cuda(root) == Finding("11.4.19", "/usr/local/cuda/version.json")


def test_cuda_from_the_newest_folder_where_none_is_chosen(machine):
    root = machine(
        files={
            "/usr/local/cuda-9.0/version.txt": "CUDA Version 9.0.252\n",
            "/usr/local/cuda-10.2/version.txt": "CUDA Version 10.2.89\n",
        }
    )
    assert cuda(root) == Finding("10.2.89", "/usr/local/cuda-10.2/version.txt")
    (root / "usr/local/cuda").symlink_to("cuda-9.0")
    assert cuda(root) == Finding("9.0.252", "/usr/local/cuda/version.txt")


def test_cuda_from_its_compiler(tmp_path):
    program(tmp_path, "/usr/local/cuda-10.2/bin/nvcc", NVCC)
    assert cuda(tmp_path) == Finding("10.2.89", "/usr/local/cuda-10.2/bin/nvcc")


def test_cuda_from_the_distribution_s_compiler(tmp_path):
    program(tmp_path, "/usr/bin/nvcc", NVCC.replace("10.2.89", "12.0.140").replace("10.2", "12.0"))
    assert cuda(tmp_path) == Finding("12.0.140", "/usr/bin/nvcc")


def test_a_compiler_that_fails_is_named(tmp_path):
    program(tmp_path, "/usr/local/cuda/bin/nvcc", "segmentation fault", code=3)
    path = "/usr/local/cuda/bin/nvcc"
    assert cuda(tmp_path) == Finding(None, path, f"{path} --version contains no version (exit code 3)")
    (tmp_path / path.lstrip("/")).write_bytes(b"\x7fELF of another machine")
    assert cuda(tmp_path).reason.startswith(f"{path} --version fails: ")


def test_the_compiler_of_a_recorded_machine_is_not_run(tmp_path, monkeypatch):
    program(tmp_path, "/usr/bin/nvcc", NVCC)
    monkeypatch.setenv("EDGEPERF_ROOT", str(tmp_path))
    assert cuda(tmp_path).reason == "programs of a recorded machine are not run (EDGEPERF_ROOT is set)"


def test_cuda_from_its_runtime(machine):
    root = machine(files={f"/usr/local/cuda/lib64/libcudart.so{end}": "" for end in ("", ".12", ".12.6.68")})
    assert cuda(root) == Finding("12.6.68", "/usr/local/cuda/lib64/libcudart.so.12.6.68")


def test_cuda_that_is_broken_or_not_there(machine, tmp_path):
    assert cuda(tmp_path) == Finding(
        None, None, "there is neither /usr/local/cuda nor /usr/local/cuda-* nor /usr/bin/nvcc"
    )
    root = machine(files={"/usr/local/cuda/version.json": "{}", "/usr/local/cuda/version.txt": "10.2"})
    assert cuda(root) == Finding(
        None,
        "/usr/local/cuda/version.json",
        "/usr/local/cuda/version.json contains no version of CUDA; "
        "/usr/local/cuda/version.txt contains no version of CUDA",
    )


def test_a_file_of_cuda_that_cannot_be_read_is_not_the_end(machine, failing):
    files = {"/usr/local/cuda/version.json": CUDA_JSON, "/usr/local/cuda/version.txt": "CUDA Version 11.4.315"}
    root = machine(files=files)
    failing(root, {"/usr/local/cuda/version.json": "EACCES"})
    assert cuda(root) == Finding("11.4.315", "/usr/local/cuda/version.txt")


# cuDNN and the driver

CUDNN = """\
#ifndef CUDNN_VERSION_H_
#define CUDNN_VERSION_H_

#define CUDNN_MAJOR 8
#define CUDNN_MINOR 6
#define CUDNN_PATCHLEVEL 0

#define CUDNN_VERSION (CUDNN_MAJOR * 1000 + CUDNN_MINOR * 100 + CUDNN_PATCHLEVEL)
"""


@pytest.mark.parametrize("folder", ["/usr/include", "/usr/include/aarch64-linux-gnu", "/usr/local/cuda/include"])
def test_cudnn_from_its_header(machine, folder):
    root = machine(files={f"{folder}/cudnn_version.h": CUDNN})
    assert cudnn(root, {}) == Finding("8.6.0", f"{folder}/cudnn_version.h")


def test_cudnn_from_the_library(machine):
    lib = "/usr/lib/aarch64-linux-gnu"
    root = machine(
        files={f"{lib}/libcudnn.so.8": "", f"{lib}/libcudnn.so.8.2.1": "", f"{lib}/libcudnn_ops.so.9.9.9": ""}
    )
    assert cudnn(root, {}) == Finding("8.2.1", f"{lib}/libcudnn.so.8.2.1")


def test_a_header_without_a_part_is_said(machine):
    path = "/usr/include/cudnn_version.h"
    root = machine(files={path: CUDNN.replace("#define CUDNN_MINOR 6\n", "")})
    assert cudnn(root, {}) == Finding(None, path, f"{path} defines no CUDNN_MINOR")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  460.80  Fri May  7 06:55:54 UTC 2021\n"
            "GCC version:  gcc version 9.3.0 (Ubuntu 9.3.0-17ubuntu1~20.04)\n",
            "460.80",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.129.03  Release Build  (dvs-builder@U16)\n",
            "535.129.03",
        ),
    ],
)
def test_the_driver_from_its_file(machine, text, version):
    assert driver(machine(files={"/proc/driver/nvidia/version": text})) == Finding(
        version, "/proc/driver/nvidia/version"
    )


def test_the_driver_from_its_module(machine):
    root = machine(files={"/sys/module/nvidia/version": "550.127.05\n"})
    assert driver(root) == Finding("550.127.05", "/sys/module/nvidia/version")


def test_no_driver_is_said(tmp_path):
    reason = driver(tmp_path).reason
    assert reason == "there is no /proc/driver/nvidia/version; there is no /sys/module/nvidia/version"


# TensorRT


def binding(
    root,
    folder,
    name="tensorrt",
    metadata="Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    version="8.5.2.2",
):
    information = root / folder.lstrip("/") / f"{name}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_bytes(
        metadata if isinstance(metadata, bytes) else metadata.format(name=name, version=version).encode()
    )
    return str(root / folder.lstrip("/"))


def test_the_parts_of_tensorrt_are_found_apart(machine):
    lib = "/usr/lib/aarch64-linux-gnu"
    root = machine("orin-nano", {f"{lib}/libnvinfer.so.10": "", f"{lib}/libnvinfer.so.10.3.0": ""})
    found = software(identify(root), root)
    assert found["tensorrt_library"] == Finding("10.3.0", f"{lib}/libnvinfer.so.10.3.0")
    assert found["tensorrt_binding"].value is None
    assert found["tensorrt_trtexec"].reason.startswith("there is no /usr/src/tensorrt/bin/trtexec")
    folder = binding(root, "/usr/lib/python3.10/dist-packages", version="10.3.0")
    program(root, "/usr/src/tensorrt/bin/trtexec", "")
    found = software(identify(root), root)
    assert found["tensorrt_binding"] == Finding("10.3.0", folder)
    assert found["tensorrt_trtexec"] == Finding("/usr/src/tensorrt/bin/trtexec", "/usr/src/tensorrt/bin/trtexec")


@pytest.mark.parametrize(
    ("names", "version"),
    [
        (["libnvinfer.so.8"], "8"),
        (["libnvinfer.so.8.2.1", "libnvinfer.so.10"], "8.2.1"),
        (["libnvinfer.so.8.2.1", "libnvinfer.so.10.13.2", "libnvinfer.so.9.9.9"], "10.13.2"),
        (["libnvinfer.so.10.3.0", "libnvinfer_plugin.so.11.0.0", "libnvinfer.so.x"], "10.3.0"),
    ],
)
def test_the_library_s_fullest_newest_name_counts(machine, names, version):
    root = machine(files={f"/usr/lib/x86_64-linux-gnu/{name}": "" for name in names})
    assert tensorrt_library(root, {}).value == version


def test_the_library_is_looked_for_where_the_loader_looks(machine):
    files = {
        "/etc/ld.so.conf.d/tensorrt.conf": "# TensorRT\n/opt/TensorRT-10.1/lib\n",
        "/opt/TensorRT-10.1/lib/libnvinfer.so.10.1.0": "",
        "/home/me/trt/libnvinfer.so.9.3.0": "",
    }
    root = machine(files=files)
    assert tensorrt_library(root, {}).source == "/opt/TensorRT-10.1/lib/libnvinfer.so.10.1.0"
    assert tensorrt_library(root, {"LD_LIBRARY_PATH": "relative::/home/me/trt"}).value == "9.3.0"


def test_the_binding_comes_from_the_given_search_path(tmp_path):
    folder = binding(tmp_path, "/venv/site-packages", name="tensorrt_cu12_bindings", version="10.3.0")
    assert tensorrt_binding(tmp_path, [str(tmp_path / "nowhere"), folder]) == Finding("10.3.0", folder)


def test_a_binding_of_the_system_s_python_is_named_where_this_one_does_not_see_it(tmp_path):
    folder = binding(tmp_path, "/usr/lib/python3.8/dist-packages")
    found = tensorrt_binding(tmp_path, [str(tmp_path / "venv")])
    assert (found.value, found.source) == (None, folder)
    assert "TensorRT 8.5.2.2 is in /usr/lib/python3.8/dist-packages, which this Python" in found.reason
    assert "--system-site-packages" in found.reason


@pytest.mark.parametrize("metadata", [b"", b"\xff\xfe\x00", b"Name: tensorrt\n"])
def test_metadata_that_tells_nothing_is_said(tmp_path, metadata):
    folder = binding(tmp_path, "/site", metadata=metadata)
    found = tensorrt_binding(tmp_path, [folder])
    assert (found.value, found.source) == (None, folder)
    assert found.reason.startswith(f"the metadata of tensorrt in {folder} cannot be read: ")


def test_no_binding_is_said(tmp_path):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert tensorrt_binding(tmp_path, []).reason == f"no folder of this Python {version} has the package tensorrt"


def test_a_folder_of_the_path_that_may_not_be_searched_is_passed_over(tmp_path, monkeypatch):
    program(tmp_path, "/opt/trt/trtexec", "")
    stat = os.stat

    def forbidding(path, *arguments, **keywords):
        if "/secret/" in os.fspath(path):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, *arguments, **keywords)

    monkeypatch.setattr(os, "stat", forbidding)
    assert trtexec(tmp_path, {"PATH": "/root/secret/bin:/opt/trt"}).value == "/opt/trt/trtexec"


def test_trtexec_on_the_path(tmp_path):
    program(tmp_path, "/home/me/bin/trtexec", "")
    assert trtexec(tmp_path, {"PATH": "bin:/home/me/bin"}).value == "/home/me/bin/trtexec"
    assert trtexec(tmp_path, {}).value is None


def test_what_may_not_be_run_is_no_trtexec(machine):
    root = machine(files={"/usr/src/tensorrt/bin/trtexec": ""})
    assert trtexec(root, {}).value is None


# Anything


def test_this_machine_tells_the_same_twice():
    root = Path("/")
    first = software(identify(root), root)
    assert first == software(identify(root), root)
    assert all(finding.value or finding.reason for finding in first.values())


FILES = st.sampled_from(
    [
        RELEASE,
        DPKG,
        KERNEL,
        "/usr/local/cuda/version.json",
        "/usr/local/cuda/version.txt",
        "/usr/include/cudnn_version.h",
        "/proc/driver/nvidia/version",
        "/sys/module/nvidia/version",
        "/etc/ld.so.conf.d/a.conf",
    ]
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "# R36 (release), REVISION: ",
            "4.7",
            "Package: nvidia-l4t-core\n",
            "Status: install ok installed\n",
            "Version: ",
            "36.4",
            "-tegra",
            "5.15.",
            "-l4t-r",
            '{"cuda": ',
            '{"version": "',
            '"}}',
            "[" * 3000,
            "CUDA Version ",
            "#define CUDNN_MAJOR ",
            "NVRM version: ",
            "\n",
            "/",
        ]
    )
    | st.text(max_size=8),
    max_size=8,
).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(FILES, FRAGMENTS.map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=40)))
def test_any_files_give_values_or_reasons(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("root")
    for path, content in data.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    release_found = l4t(root, {"L4T_VERSION": "36.4.3"})
    for finding in (release_found, jetpack(release_found), driver(root), cuda(root), cudnn(root, {})):
        assert finding.value or finding.reason
    assert tensorrt_library(root, {}).reason


@given(st.text(max_size=20))
def test_any_variable_is_a_release_or_said(text):
    assert jetpack(Finding(text, "$L4T_VERSION")).reason or text.count(".") == 2

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices import DeviceMismatch, identify, profiles, resolve
from pytest_edgeperf.devices.gpu_hosts import device_name, gpus, is_device_name

GPUS = "/proc/driver/nvidia/gpus"
#: As an H100 with driver 535.129.03 writes it.
INFORMATION = """\
Model: \t\t {model}
IRQ:   \t\t 10
GPU UUID: \t GPU-9221d5d1-b60b-a624-bf14-0a1819cfda3b
Video BIOS: \t 96.00.99.00.01
Bus Type: \t PCIe
DMA Size: \t 52 bits
DMA Mask: \t 0xfffffffffffff
Bus Location: \t 0000:62:00.0
Device Minor: \t 5
GPU Firmware: \t 535.129.03
GPU Excluded:\t No
"""


def cards(*models):
    return {
        f"{GPUS}/0000:{number:02x}:00.0/information": INFORMATION.format(model=model)
        for number, model in enumerate(models, start=1)
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("NVIDIA GeForce RTX 4090", "host-rtx4090"),
        ("NVIDIA GeForce RTX 3080 Ti", "host-rtx3080ti"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "host-rtx4070tisuper"),
        ("NVIDIA GeForce RTX 4070 Laptop GPU", "host-rtx4070-laptop"),
        ("NVIDIA GeForce RTX 2080 with Max-Q Design", "host-rtx2080-max-q"),
        ("GeForce GTX 1080 Ti", "host-gtx1080ti"),
        ("NVIDIA RTX A6000", "host-rtxa6000"),
        ("NVIDIA RTX 6000 Ada Generation", "host-rtx6000-ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "host-rtxpro6000-blackwell-workstation"),
        ("Quadro RTX 6000", "host-quadro-rtx6000"),
        ("NVIDIA TITAN RTX", "host-titan-rtx"),
        ("Tesla T4", "host-t4"),
        ("Tesla V100-SXM2-16GB", "host-v100-sxm2-16gb"),
        ("NVIDIA A100-SXM4-40GB", "host-a100-sxm4-40gb"),
        ("NVIDIA A100 80GB PCIe", "host-a100-80gb-pcie"),
        ("NVIDIA A10G", "host-a10g"),
        ("NVIDIA L4", "host-l4"),
        ("NVIDIA H100 80GB HBM3", "host-h100-80gb-hbm3"),
        ("NVIDIA H200", "host-h200"),
        ("NVIDIA GH200 480GB", "host-gh200-480gb"),
        ("NVIDIA GB10", "host-gb10"),
        ("NVIDIA A40-48Q", "host-a40-48q"),
    ],
)
def test_a_gpu_names_its_host(machine, model, name):
    root = machine(files=cards(model))
    identity = identify(root)
    assert (identity.name, identity.family) == (name, "host")
    assert identity.evidence == f"{GPUS}/0000:01:00.0/information"
    assert identity.reason == f"{GPUS}/0000:01:00.0/information says {model}"
    device = resolve("auto", root)
    assert device == resolve(name, root)
    assert (device.name, device.fingerprint["device"]) == (name, name)
    assert device.profile.description == f"host with {model}"
    assert device.description.startswith(f"host with {model}, ")


def test_gpus_that_differ_in_more_than_the_maker_have_names_of_their_own():
    models = ["Quadro T1000", "NVIDIA T1000", "NVIDIA T1000 8GB", "Quadro RTX 6000", "NVIDIA RTX 6000 Ada Generation"]
    assert len({device_name([model]) for model in models}) == len(models)


def test_several_gpus_of_one_model_are_named_once_and_counted(machine):
    root = machine(files=cards("Tesla T4", "Tesla T4", "Tesla T4", "Tesla T4"))
    device = resolve("auto", root)
    assert (device.name, device.profile.description) == ("host-t4", "host with 4 Tesla T4")


def test_gpus_of_two_models_are_both_named_whatever_their_order(machine):
    assert device_name(["Tesla T4", "NVIDIA L4"]) == device_name(["NVIDIA L4", "Tesla T4"]) == "host-l4-and-t4"
    root = machine(files=cards("Tesla T4", "NVIDIA L4"))
    assert resolve("host-l4-and-t4", root).profile.description == "host with Tesla T4 and NVIDIA L4"


def test_buses_are_in_the_order_of_their_addresses(machine):
    models = [f"NVIDIA A{number}" for number in range(1, 13)]
    assert [gpu.model for gpu in gpus(machine(files=cards(*models)))] == models


@pytest.mark.parametrize("text", ["", "Model: \t\t Unknown\nIRQ: 1\n", "Model:\nIRQ: 1\n", "IRQ: 1\n", "\0\x01"])
def test_a_gpu_without_a_model_leaves_a_plain_host(machine, text):
    root = machine(files={f"{GPUS}/0000:01:00.0/information": text})
    assert identify(root).name == "host"


@pytest.mark.parametrize("error", ["EAGAIN", "EACCES", "EIO", "ENODATA", "ENOENT"])
def test_a_gpu_that_cannot_be_read_leaves_a_plain_host(machine, failing, error):
    root = machine(files=cards("Tesla T4"))
    failing(root, {f"{GPUS}/0000:01:00.0/information": error})
    assert identify(root).name == "host"


def test_a_gpu_that_can_be_read_names_the_host_beside_one_that_cannot(machine, failing):
    root = machine(files=cards("Tesla T4", "NVIDIA L4"))
    failing(root, {f"{GPUS}/0000:01:00.0/information": "EIO"})
    assert identify(root).name == "host-l4"


def test_a_board_is_none_the_more_a_host_for_its_gpu(machine):
    assert identify(machine("orin-nano", cards("NVIDIA Tegra Orin"))).name == "orin-nano"


def test_another_gpu_than_asked_for_is_a_mismatch_that_names_the_file(machine):
    with pytest.raises(DeviceMismatch) as caught:
        resolve("host-rtx4090", machine(files=cards("Tesla T4")))
    assert str(caught.value) == (
        "--device=host-rtx4090 needs a host with that NVIDIA GPU, but this machine is host-t4 "
        f"({GPUS}/0000:01:00.0/information says Tesla T4); "
        "use --device=auto to measure it as that, or --device=host, which fits any machine"
    )


def test_a_gpu_asked_for_on_a_host_without_one_is_a_mismatch(tmp_path):
    with pytest.raises(DeviceMismatch, match="host and not a known board"):
        resolve("host-h200", tmp_path)


def test_a_host_with_a_gpu_can_be_measured_as_a_host(machine):
    device = resolve("host", machine(files=cards("NVIDIA H200")))
    assert (device.name, device.profile) == ("host", profiles()["host"])
    assert device.fingerprint["device"] == "host-h200"


def test_only_names_of_that_form_are_hosts_with_a_gpu():
    assert is_device_name("host-rtx4090")
    assert not any(map(is_device_name, ["host", "host-", "hosts", "host-RTX", "host-a/b", "host--a", "my-host-a"]))


@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_models_give_a_name_that_is_one_or_none(models):
    name = device_name(models)
    assert name is None or is_device_name(name)

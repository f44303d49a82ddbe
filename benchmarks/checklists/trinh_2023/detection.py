"""Tables 4.11 to 4.21: detectors, human pose and segmentation."""

from __future__ import annotations

from typing import List, Tuple

from papers.trinh_2023 import DETECTORS, LIGHT_DETECTORS

from checklists.comparing import fastest, is_raspberry_pi, needs_devices, pairs
from checklists.findings import Part, above, below, combined, most, untested, within
from checklists.intervals import estimate, ratio
from checklists.reading import FPS, Rows
from checklists.trinh_2023.choosing import CPU, CUDA, NO_CUDA, among, is_network, only, ratios

POSE_AND_SEGMENTATION = "test_pose_and_segmentation.py"
#: Times on two processors that are called the same.
SAME = (0.85, 1.15)
#: The same of segmentation.
ALIKE = (0.8, 1.2)
SAME_STRIDE = (0.9, 1.1)
MUCH_LESS = 0.5
AS_FAST = 0.95
GPU_GAIN = 2.0
#: 4 h for 2500 images, in ms an image.
SSDLITE_MS = 5800.0
STRIDES = (8, 32)


def t15(rows: Rows) -> Tuple[Part, ...]:
    """yolox_nano is the fastest detector everywhere."""
    parts = []
    for (device, framework), group in among(rows, DETECTORS, FPS).by("device", "framework").items():
        parts += fastest(group, lambda row: is_network(row, "yolox-nano"), FPS, f"{device}, {framework}, FPS")
    return combined(parts, "YOLOX-nano was not measured beside another detector")


def t16(rows: Rows) -> Tuple[Part, ...]:
    """CUDA speeds the inference, and neither pre- nor post-processing."""
    phases = ("preprocess", "infer", "postprocess")
    parts = []
    for (device,), group in among(rows, DETECTORS, *phases).by("device").items():
        for phase in phases:
            found = ratios(only(group, CUDA), only(group, CPU), phase)
            n = len(found)
            if phase == "infer":
                inside = [below(gain, MUCH_LESS, "", n) for _, gain in found]
            else:
                inside = [within(gain, *SAME, "", n) for _, gain in found]
            if inside:
                bounds = f"below {MUCH_LESS}" if phase == "infer" else f"within {SAME[0]} and {SAME[1]}"
                parts.append(most(inside, f"{device}: {phase} by CUDA over the CPU's {bounds}"))
    return combined(parts, NO_CUDA)


def t17(rows: Rows) -> Tuple[Part, ...]:
    """A Xavier's processor matches a Nano's GPU for light detectors."""
    light = among(rows, LIGHT_DETECTORS, FPS)
    gains = ratios(only(light.on("agx-xavier"), CPU), only(light.on("nano"), CUDA), FPS)
    parts = [
        above(gain, AS_FAST, f"{row.network}: FPS of agx-xavier's CPU over nano's GPU", len(gains))
        for row, gain in gains
    ]
    return needs_devices(rows, parts, "an AGX Xavier (agx-xavier) and a Jetson Nano (nano)")


def t18(rows: Rows) -> Tuple[Part, ...]:
    """YOLO is faster by CUDA on each device."""
    chosen = among(rows, DETECTORS, FPS)
    gains = ratios(only(chosen, CUDA), only(chosen, CPU), FPS)
    parts = [
        above(gain, 1.0, f"{row.device}, {row.network}: FPS by CUDA over the CPU's", len(gains)) for row, gain in gains
    ]
    return combined(parts, NO_CUDA)


def t19(rows: Rows) -> Tuple[Part, ...]:
    """LRASPP's memory grows on a Raspberry Pi; what the kernel kills leaves no figures."""
    grown = rows.of(POSE_AND_SEGMENTATION, ("memory_growth",)).where(
        lambda row: is_raspberry_pi(row.device) and "lraspp" in row.network
    )
    parts: List[Part] = [
        above(
            estimate(row.quantity("memory_growth"), linear=True),
            0.0,
            f"{row.device}, {row.network}: growth of memory while timed, MiB",
            len(grown),
        )
        for row in grown
    ]
    return (
        *parts,
        untested("a benchmark that the kernel kills for memory fails, and leaves no figures in its results"),
    )


def t20(rows: Rows) -> Tuple[Part, ...]:
    """SSDLite takes more than 5.8 s on a Raspberry Pi."""
    chosen = among(rows, ("ssdlite320-mobilenetv3-large",), "latency").where(lambda row: is_raspberry_pi(row.device))
    parts = [
        above(estimate(row.quantity("latency")), SSDLITE_MS, f"{row.device}, {row.framework}: ms an image", len(chosen))
        for row in chosen
    ]
    return combined(parts, "SSDLite320 was not measured on a Raspberry Pi")


def _pose(rows: Rows) -> Rows:
    return rows.of(POSE_AND_SEGMENTATION, (FPS,), precision="fp32").where(lambda row: "stride" in row.parameters)


def _segmentation(rows: Rows) -> Rows:
    measured = rows.of(POSE_AND_SEGMENTATION, (FPS,), precision="fp32")
    return measured.where(lambda row: "lraspp" in row.network)


def t21(rows: Rows) -> Tuple[Part, ...]:
    """CUDA speeds pose estimation on a TX2, whose gain the paper names."""
    pose = _pose(rows).where(lambda row: row.parameters["stride"] == STRIDES[0])
    pose = pose.on("tx2") or pose
    gains = ratios(only(pose, CUDA), only(pose, CPU), FPS)
    parts = [above(gain, GPU_GAIN, f"{row.device}: FPS by CUDA over the CPU's", len(gains)) for row, gain in gains]
    return combined(parts, "pose estimation was not measured on a CPU and with CUDA")


def t22(rows: Rows) -> Tuple[Part, ...]:
    """A stride of 32 gains nothing on a CPU, and something on GPUs."""
    pose = _pose(rows)
    small, large = (pose.where(lambda row, stride=stride: row.parameters["stride"] == stride) for stride in STRIDES)
    found = list(pairs(large, small, "device", "framework", "network"))
    parts = []
    for (device, framework, _), wide, narrow in found:
        gain = ratio(wide.quantity(FPS), narrow.quantity(FPS))
        figures = f"{device}, {framework}: FPS at stride 32 over that at 8"
        if wide.on_gpu:
            parts.append(above(gain, 1.0, figures, len(found)))
        else:
            parts.append(within(gain, *SAME_STRIDE, figures, len(found)))
    return combined(parts, "pose estimation was not measured at strides 8 and 32")


def t23(rows: Rows) -> Tuple[Part, ...]:
    """CUDA speeds segmentation, and neither pre- nor post-processing."""
    chosen = _segmentation(rows)
    parts: List[Part] = []
    gains = ratios(only(chosen, CUDA), only(chosen, CPU), FPS)
    for row, gain in gains:
        parts.append(above(gain, GPU_GAIN, f"{row.device}: FPS by CUDA over the CPU's", len(gains)))
    for phase in ("preprocess", "postprocess"):
        timed = chosen.where(lambda row: phase in row.quantities)  # noqa: B023 (called within this turn)
        for row, gain in ratios(only(timed, CUDA), only(timed, CPU), phase):
            parts.append(within(gain, *ALIKE, f"{row.device}: {phase} with CUDA over that without", 2 * len(gains)))
    return combined(parts, "LRASPP was not measured on a CPU and with CUDA")

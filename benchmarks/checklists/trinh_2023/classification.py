"""Tables 4.1 to 4.10: classifiers on processors, with CUDA and with TensorRT."""

from __future__ import annotations

from typing import Dict, List, Tuple

from papers import key
from papers.trinh_2023 import CLASSIFIERS, DEEP_CLASSIFIERS, MOBILE_CLASSIFIERS

from checklists.comparing import fastest, needs_devices
from checklists.findings import Part, above, below, combined, most, within
from checklists.intervals import Estimate, estimate
from checklists.reading import FPS, VARIATION, Rows
from checklists.trinh_2023.choosing import CPU, CUDA, NO_CUDA, TENSORRT, among, is_network, only, ratios

#: Frames per second of two devices that are called the same.
SAME = (0.85, 1.15)
CUDA_GAIN = 2.0
NEAR_REAL_TIME_FPS = 25.0
SHUFFLENET = "shufflenet-v2-x0-5"

_BOTH_PIS = "a Raspberry Pi 3 (rpi3) and a Raspberry Pi 4 (rpi4)"
_NO_TENSORRT = "no classifier was measured with TensorRT beside ONNX Runtime's CUDA provider and CPU"


def _classifiers(rows: Rows) -> Rows:
    return among(rows, CLASSIFIERS, FPS)


def t1(rows: Rows) -> Tuple[Part, ...]:
    """ShuffleNetV2 x0.5 has the first rank on each processor."""
    parts = []
    for (device,), group in only(_classifiers(rows), CPU).by("device").items():
        parts += fastest(group, lambda row: is_network(row, SHUFFLENET), FPS, f"{device}, FPS")
    return combined(parts, "ShuffleNetV2 x0.5 was not measured beside another classifier on a CPU")


def t2(rows: Rows) -> Tuple[Part, ...]:
    """A Raspberry Pi 4 is faster than a 3, and steadier."""
    on_cpu = only(_classifiers(rows), CPU)
    gains = ratios(on_cpu.on("rpi4"), on_cpu.on("rpi3"), FPS)
    parts = [above(gain, 1.0, f"{row.network}: FPS of rpi4 over rpi3", len(gains)) for row, gain in gains]
    if not parts:
        return needs_devices(rows, parts, _BOTH_PIS)
    metric = f"infer{VARIATION}"
    spread = on_cpu.where(lambda row: metric in row.quantities)
    steadier = ratios(spread.on("rpi4"), spread.on("rpi3"), metric)
    return (
        *parts,
        *combined(
            [below(found, 1.0, f"{row.network}: spread of rpi4 over rpi3", len(steadier)) for row, found in steadier],
            "the spread of the inference times was not measured",
        ),
    )


def t3(rows: Rows) -> Tuple[Part, ...]:
    """A Nano's processor is as fast as a Raspberry Pi 4's."""
    on_cpu = only(_classifiers(rows), CPU)
    gains = ratios(on_cpu.on("nano"), on_cpu.on("rpi4"), FPS)
    parts = [within(gain, *SAME, f"{row.network}: FPS of nano over rpi4", len(gains)) for row, gain in gains]
    return needs_devices(rows, parts, "a Jetson Nano (nano) and a Raspberry Pi 4 (rpi4)")


def _cuda_gains(rows: Rows) -> List[Tuple[str, List[Tuple[str, Estimate]]]]:
    """Device -> network and frames per second by CUDA over the CPU's; tables 4.3 to 4.6 are of the Nano and the TX2."""
    chosen = _classifiers(rows)
    small = chosen.on("nano", "tx2") or chosen
    found = []
    for (device,), group in small.by("device").items():
        gains = ratios(only(group, CUDA), only(group, CPU), FPS)
        if gains:
            found.append((str(device), [(row.network, gain) for row, gain in gains]))
    return found


def t4(rows: Rows) -> Tuple[Part, ...]:
    """CUDA speeds classifiers up, ResNet-18 more than others."""
    parts: List[Part] = []
    for device, gains in _cuda_gains(rows):
        n = len(gains)
        parts.append(most([above(gain, CUDA_GAIN, "", n) for _, gain in gains], f"{device}: at least twice the FPS"))
        resnet = [gain for network, gain in gains if key(network) == "resnet18"]
        others = [gain for network, gain in gains if key(network) != "resnet18"]
        if resnet and others:
            larger = [above(resnet[0].minus(gain), 1.0, "", n - 1) for gain in others]
            parts.append(most(larger, f"{device}: ResNet-18 gains {resnet[0].value:.2f} times, more than"))
    return combined(parts, NO_CUDA)


def t5(rows: Rows) -> Tuple[Part, ...]:
    """ShuffleNet gains nothing by the GPU."""
    parts = []
    chosen = among(rows, (SHUFFLENET,), FPS)
    gains = ratios(only(chosen, CUDA), only(chosen, CPU), FPS)
    for row, gain in gains:
        parts.append(below(gain, 1.0, f"{row.device}: FPS by CUDA over the CPU's", len(gains)))
    return combined(parts, "ShuffleNetV2 x0.5 was not measured on a CPU and with CUDA")


def t6(rows: Rows) -> Tuple[Part, ...]:
    """A TX2's GPU and a Xavier's processor are near real time."""
    chosen = _classifiers(rows)
    parts = []
    for device, framework in (("tx2", CUDA), ("agx-xavier", CPU)):
        group = only(chosen.on(device), framework)
        near = [above(estimate(row.quantity(FPS)), NEAR_REAL_TIME_FPS, "", len(group)) for row in group]
        if near:
            parts.append(most(near, f"{device}, {framework}: {NEAR_REAL_TIME_FPS:.0f} FPS and more"))
    return combined(parts, "needs results of a TX2 (tx2) with CUDA or of an AGX Xavier (agx-xavier) on its CPU")


def _speed_ups(rows: Rows, *frameworks: str) -> Dict[Tuple[str, str], Estimate]:
    """(device, network) -> inference on the CPU over that in a framework: as table 4.10 prints it, or of the times."""
    chosen = among(rows, (*CLASSIFIERS, *DEEP_CLASSIFIERS))
    found: Dict[Tuple[str, str], Estimate] = {}
    timed = chosen.where(lambda row: "infer" in row.quantities)
    for row, inverse in ratios(only(timed, *frameworks), only(timed, CPU), "infer"):
        found.setdefault((row.device, key(row.network)), inverse.inverse())
    for row in only(chosen, *frameworks):
        if "speedup" in row.quantities:
            found[row.device, key(row.network)] = estimate(row.quantity("speedup"))
    return found


def _over_cuda(rows: Rows) -> Dict[str, Dict[str, Estimate]]:
    """Device -> network -> TensorRT's speed-up over CUDA's."""
    cuda = _speed_ups(rows, CUDA)
    found: Dict[str, Dict[str, Estimate]] = {}
    for (device, network), gain in _speed_ups(rows, *TENSORRT).items():
        if (device, network) in cuda:
            found.setdefault(device, {})[network] = gain.minus(cuda[device, network])
    return found


def t7(rows: Rows) -> Tuple[Part, ...]:
    """TensorRT speeds most networks up over CUDA."""
    parts = [
        most(
            [above(gain, 1.0, "", len(gains)) for gain in gains.values()],
            f"{device}: faster with TensorRT than by CUDA",
        )
        for device, gains in _over_cuda(rows).items()
    ]
    return combined(parts, _NO_TENSORRT)


def t8(rows: Rows) -> Tuple[Part, ...]:
    """More layers, more speed-up by TensorRT, within ResNet and within ResNeXt."""
    families = (("resnet18", "resnet50", "resnet101", "resnet152"), ("resnext5032x4d", "resnext10132x8d"))
    found = _speed_ups(rows, *TENSORRT)
    parts = []
    for device in dict.fromkeys(device for device, _ in found):
        steps = [
            (first, then)
            for family in families
            for first, then in zip(family, family[1:])
            if (device, first) in found and (device, then) in found
        ]
        for first, then in steps:
            gain = found[device, then].minus(found[device, first])
            parts.append(above(gain, 1.0, f"{device}: speed-up of {then} over {first}'s", len(steps)))
    return combined(parts, "two networks of a family (ResNet, ResNeXt) were not measured with TensorRT and on a CPU")


def t9(rows: Rows) -> Tuple[Part, ...]:
    """DenseNet121 is faster by CUDA than by TensorRT."""
    parts = [
        below(gains["densenet121"], 1.0, f"{device}, densenet121: speed-up by TensorRT over CUDA's")
        for device, gains in _over_cuda(rows).items()
        if "densenet121" in gains
    ]
    return combined(parts, "DenseNet121 was not measured with TensorRT and with CUDA")


def t10(rows: Rows) -> Tuple[Part, ...]:
    """Mobile networks gain less by TensorRT over CUDA than the others."""
    mobile = set(map(key, MOBILE_CLASSIFIERS))
    parts = []
    for device, gains in _over_cuda(rows).items():
        others = {network: gain for network, gain in gains.items() if network not in mobile}
        for network in (name for name in gains if name in mobile and others):
            less = [below(gains[network].minus(gain), 1.0, "", len(others)) for gain in others.values()]
            parts.append(most(less, f"{device}: {network} gains {gains[network].value:.2f} times over CUDA, less than"))
    return combined(parts, _NO_TENSORRT)


def t24(rows: Rows) -> Tuple[Part, ...]:
    """Converted networks answer as the originals."""
    measured = rows.of("test_conversion_check.py", ("same_class",), precision="fp32")
    parts = [
        above(
            estimate(row.quantity("same_class"), linear=True), 99.9, f"{row.framework}, {row.network}: % of same class"
        )
        for row in measured
    ]
    return combined(parts, "no conversion was checked")

"""Sections IV-D and V-B: what holds on another board, and what is advised."""

from __future__ import annotations

from typing import List, Tuple

from papers.suo_2021 import FORMULA_3, TABLE_1_BFLOPS

from checklists.comparing import SYSTEM_MEMORY, is_gpu_board, least, needs_devices, pairs
from checklists.findings import Part, above, below, combined, decided, untested
from checklists.intervals import ratio
from checklists.reading import FPS, PYTORCH, TENSORRT, Row, Rows
from checklists.suo_2021.complexity import COMPARISON, comparison
from checklists.suo_2021.detectors import TURNING_POINT
from checklists.suo_2021.optimisation import half_is_as_good, wide_is_faster
from checklists.suo_2021.power import POWER, is_deployed_half, is_pytorch

#: Resolutions that are advised against.
SLOW_SIDES = (416, 480)
#: "41 % of" as printed, within half of its last digit, and the share of the square that 416x256 has.
PRINTED_SHARE = (0.405, 0.415)
WIDE_AREA = 256 / 416
OPTIMISATION = "test_parallel_engines.py"
MEMORY_LIMIT = f"{COMPARISON}::test_memory_limit"
UNLIMITED = "all"
GPU_MEMORY = "memory_device_peak"


def section_4_d(rows: Rows) -> Tuple[Part, ...]:
    """On another board: TensorRT takes the least power, and the optimised network is faster."""
    parts: List[Part] = []
    other = rows.where(lambda row: is_gpu_board(row.device) and row.device != "nano")
    for (device, resolution), group in (
        other.of(POWER, ("power_mean",), precision="fp32").by("device", "resolution").items()
    ):
        at = f" at {resolution}" if resolution is not None else ""
        parts += least(group, lambda row: row.runtime == TENSORRT, "power_mean", f"{device}{at}, W")
    for (device, resolution), group in comparison(other).by("device", "resolution").items():
        parts += least(group, lambda row: row.runtime == TENSORRT, "latency", f"{device} at {resolution}, ms")
    if rows.printed:
        speeds = other.of(OPTIMISATION, (FPS,))
        best, before = (speeds.where(lambda row, after=after: bool(row.framework) is after) for after in (True, False))
        for (device,), fast, slow in pairs(best, before, "device"):
            parts.append(
                above(ratio(fast.quantity(FPS), slow.quantity(FPS)), 1.0, f"{device}: FPS, optimised over before")
            )
    return needs_devices(rows, parts, "another board with a GPU (xavier-nx) with TensorRT and another framework")


def limit_memory(rows: Rows) -> Tuple[Part, ...]:
    """TensorFlow takes more memory without a limit than with one."""
    measured = rows.of(MEMORY_LIMIT, ("latency",))
    unlimited = measured.where(lambda row: row.parameters.get("memory") == UNLIMITED)
    limited = measured.where(lambda row: row.parameters.get("memory") != UNLIMITED)
    parts: List[Part] = []
    for key, whole, part in pairs(unlimited, limited, "device", "framework", "resolution"):
        # where the GPU has its own memory, that is what TensorFlow takes
        metric = next((name for name in (GPU_MEMORY, SYSTEM_MEMORY) if _both_have(name, whole, part)), None)
        name = f"{' '.join(map(str, key))}: memory without a limit over that with {part.parameters['memory']} MiB"
        if metric is None:
            parts.append(untested(f"{name}: no run has {SYSTEM_MEMORY}"))
        else:
            parts.append(above(ratio(whole.quantity(metric), part.quantity(metric)), 1.0, name))
    return combined(parts, "TensorFlow on a GPU was not measured with and without a limit of its memory")


def _both_have(metric: str, *rows: Row) -> bool:
    return all(metric in row.quantities for row in rows)


def avoid_middle(rows: Rows) -> Tuple[Part, ...]:
    """PyTorch at 416 to 480 pixels is slower than at a larger resolution."""
    parts = []
    for (device, framework), group in comparison(rows).pytorch().by("device", "framework").items():
        for row in group:
            side = row.parameters.get("resolution", 0)
            larger = [one for one in group if one.parameters.get("resolution", 0) > SLOW_SIDES[1]]
            if SLOW_SIDES[0] <= side <= SLOW_SIDES[1] and larger:
                best = min(larger, key=lambda one: one.values["latency"])
                found = ratio(row.quantity("latency"), best.quantity("latency"))
                figures = f"{device}, {framework}: time at {side} over that at {best.parameters['resolution']}"
                parts.append(above(found, 1.0, figures, len(larger)))
    return combined(parts, "PyTorch was not measured at 416 to 480 pixels and at more")


def prepare_swap(_: Rows) -> Tuple[Part, ...]:
    """Swap space above 416 pixels."""
    return (untested("no metric of a run is the swap space that it used"),)


def prefer_tensorrt(rows: Rows) -> Tuple[Part, ...]:
    """TensorRT is faster than every other framework at each resolution."""
    parts: List[Part] = []
    for (device, resolution), group in comparison(rows).by("device", "resolution").items():
        parts += least(group, lambda row: row.runtime == TENSORRT, "latency", f"{device} at {resolution}, ms")
    return combined(parts, "TensorRT was not measured beside another framework")


def prefer_half(rows: Rows) -> Tuple[Part, ...]:
    """16 bits are faster and smaller, and as accurate."""
    return half_is_as_good(rows)


def prefer_fitting(rows: Rows) -> Tuple[Part, ...]:
    """An input of the photograph's proportions; as printed, 41 % of a square's time."""
    if rows.printed:
        square = TABLE_1_BFLOPS[416]
        slope, intercept = FORMULA_3
        share = (slope * square * WIDE_AREA + intercept) / (slope * square + intercept)
        figures = f"formula (3) gives {share:.1%} for {WIDE_AREA:.1%} of the area, 41 % are printed"
        return (decided(PRINTED_SHARE[0] <= share <= PRINTED_SHARE[1], figures, printed=True),)
    return tuple(wide_is_faster(rows))


def save_by_half(rows: Rows) -> Tuple[Part, ...]:
    """TensorRT with 16 bits takes less energy than with 32, and less time."""
    measured = rows.of(POWER, ("energy_per_inference", "latency")).deployed()
    half, full = (
        measured.where(lambda row, bits=bits: row.parameters["precision"] == bits) for bits in ("fp16", "fp32")
    )
    found = list(pairs(half, full, "device", "framework", "network", "resolution"))
    parts = [
        below(
            ratio(one.quantity(metric), other.quantity(metric)),
            1.0,
            f"{' '.join(map(str, names))}: {metric} of fp16 over fp32",
            2 * len(found),
        )
        for names, one, other in found
        for metric in ("energy_per_inference", "latency")
    ]
    return combined(parts, "no energy per inference was measured in fp16 and in fp32")


def save_by_choice(rows: Rows) -> Tuple[Part, ...]:
    """PyTorch takes the least energy below 480 pixels, TensorRT with 16 bits from there."""
    parts: List[Part] = []
    measured = rows.of(POWER, ("energy_per_inference",)).where(lambda row: "resolution" in row.parameters)
    for (device, resolution), group in measured.by("device", "resolution").items():
        if not group.pytorch() or not group.where(lambda row: row.runtime != PYTORCH):
            continue
        claimed = is_pytorch if int(resolution) < TURNING_POINT else is_deployed_half
        parts += least(group, claimed, "energy_per_inference", f"{device} at {resolution}, energy per inference")
    return combined(parts, "no energy per inference was measured of PyTorch beside another runtime")

"""Experiment 4: power, and how much it fluctuates."""

from __future__ import annotations

from typing import List, Tuple

from checklists.comparing import least, pairs
from checklists.findings import Part, above, below, combined, within
from checklists.intervals import Quantity, ratio
from checklists.reading import PYTORCH, Row, Rows
from checklists.suo_2021.detectors import TURNING_POINT

POWER = "test_power.py"
#: Frameworks that a network is trained in.
TRAINING = (PYTORCH, "tensorflow")

#: Peaks are "the same" when they differ by no more; the paper prints none.
SAME_PEAK = 0.1

_NO_POWER = "no run has power: no sensor of this machine measures it"


def observation_8(rows: Rows) -> Tuple[Part, ...]:
    """Which runtime and precision takes the least power, below 480 pixels and above."""
    parts = []
    for (device, resolution), group in _powers(rows).by("device", "resolution").items():
        if not group.pytorch() or not group.where(lambda row: row.runtime != PYTORCH):
            continue
        claimed = is_pytorch if int(resolution) < TURNING_POINT else is_deployed_half
        parts += least(group, claimed, "power_mean", f"{device} at {resolution}, W")
    return combined(parts, _NO_POWER if not _powers(rows) else "PyTorch was not measured beside another runtime")


def observation_9(rows: Rows) -> Tuple[Part, ...]:
    """Whose power fluctuates more."""
    parts = []
    measured = _powers(rows, "power_sd").where(lambda row: row.parameters.get("precision") == "fp32")
    for (device, resolution), group in measured.by("device", "resolution").items():
        others = group.deployed().where(lambda row: row.runtime != PYTORCH)
        if group.pytorch() and others:
            deployed, pytorch = (
                max(some, key=lambda row: _fluctuation(row).center) for some in (others, group.pytorch())
            )
            parts.append(
                above(
                    ratio(_fluctuation(deployed), _fluctuation(pytorch)),
                    1.0,
                    f"{device} at {resolution}: the standard deviation of power is {_fluctuation(deployed).center:.1%} "
                    f"of its mean with {deployed.framework}, "
                    f"{_fluctuation(pytorch).center:.1%} with {pytorch.framework}; ratio",
                )
            )
    return combined(parts, _NO_POWER if not _powers(rows) else "PyTorch was not measured beside another runtime")


def insight_5(rows: Rows) -> Tuple[Part, ...]:
    """Whose power fluctuates more, whether 16 bits take less than 32, and peak as high as others at 32."""
    parts = [part for part in observation_9(rows) if part.figures != _NO_POWER]
    deployed = _powers(rows).deployed()
    half, full = (
        deployed.where(lambda row, bits=bits: row.parameters["precision"] == bits) for bits in ("fp16", "fp32")
    )
    for key, some, all_bits in pairs(half, full, "device", "framework", "resolution"):
        found = ratio(some.quantity("power_mean"), all_bits.quantity("power_mean"))
        parts.append(below(found, 1.0, f"{' '.join(map(str, key))}: fp16's power over fp32's"))
    return combined([*parts, *_peaks(rows)], _NO_POWER)


def _peaks(rows: Rows) -> List[Part]:
    """The peak of a deployed runtime in 16 bits over that of each framework that trains, in 32."""
    measured = _powers(rows, "power_max")
    others = measured.where(lambda row: row.runtime in TRAINING and row.parameters.get("precision") == "fp32")
    found = []
    for runtime in TRAINING:
        group = others.where(lambda row, name=runtime: row.runtime == name)
        found += list(pairs(measured.deployed().where(is_deployed_half), group, "device", "resolution"))
    return [
        within(
            ratio(half.quantity("power_max"), full.quantity("power_max")),
            1 - SAME_PEAK,
            1 + SAME_PEAK,
            f"{' at '.join(map(str, key))}: peak of {half.framework} fp16 over {full.framework}'s fp32",
            len(found),
        )
        for key, half, full in found
    ]


def _powers(rows: Rows, *metrics: str) -> Rows:
    return rows.of(POWER, ("power_mean", *metrics)).where(lambda row: "resolution" in row.parameters)


def _fluctuation(row: Row) -> Quantity:
    return row.quantity("power_sd").over(row.quantity("power_mean"))


def is_pytorch(row: Row) -> bool:
    """Whether it is PyTorch's."""
    return row.runtime == PYTORCH


def is_deployed_half(row: Row) -> bool:
    """Whether it is of another runtime in 16 bits."""
    return row.runtime != PYTORCH and row.parameters.get("precision") == "fp16"

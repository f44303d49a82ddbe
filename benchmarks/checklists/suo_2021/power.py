"""Experiment 4: power, and how much it fluctuates."""

from __future__ import annotations

from typing import Tuple

from checklists.findings import Part, combined, tested
from checklists.reading import Row, Rows, significant
from checklists.suo_2021.detectors import TURNING_POINT

POWER = "test_power.py"

_NO_POWER = "no run has power: no sensor of this machine measures it"


def observation_8(rows: Rows) -> Tuple[Part, ...]:
    """Which runtime and precision takes the least power, below 480 pixels and above."""
    parts = []
    for (resolution,), group in _powers(rows).by("resolution").items():
        if not group.pytorch() or not group.where(lambda row: row.runtime != "torch"):
            continue
        least = min(group, key=lambda row: row.values["power_mean"])
        if int(resolution) < TURNING_POINT:
            holds = least.runtime == "torch"
        else:
            holds = least.runtime != "torch" and least.parameters["precision"] == "fp16"
        parts.append(
            tested(
                holds,
                f"at {resolution} the least power is {least.framework} {least.parameters['precision']}'s, "
                f"{significant(least.values['power_mean'])} W",
            )
        )
    return combined(parts, _NO_POWER if not _powers(rows) else "PyTorch was not measured beside another runtime")


def observation_9(rows: Rows) -> Tuple[Part, ...]:
    """Whose power fluctuates more."""
    parts = []
    for (resolution,), group in _powers(rows, "power_sd").where(_is_fp32).by("resolution").items():
        if group.pytorch() and group.deployed().where(lambda row: row.runtime != "torch"):
            deployed = max(group.deployed(), key=_fluctuation)
            pytorch = max(group.pytorch(), key=_fluctuation)
            parts.append(
                tested(
                    _fluctuation(deployed) > _fluctuation(pytorch),
                    f"at {resolution} the power's standard deviation is {_fluctuation(deployed):.1%} of its mean with "
                    f"{deployed.framework}, {_fluctuation(pytorch):.1%} with {pytorch.framework}",
                )
            )
    return combined(parts, _NO_POWER if not _powers(rows) else "PyTorch was not measured beside another runtime")


def insight_5(rows: Rows) -> Tuple[Part, ...]:
    """Whose power fluctuates more, and whether 16 bits take less than 32."""
    parts = [part for part in observation_9(rows) if part.figures != _NO_POWER]
    for (framework, resolution), group in _powers(rows).deployed().by("framework", "resolution").items():
        watts = {row.parameters["precision"]: row.values["power_mean"] for row in group}
        if {"fp16", "fp32"} <= set(watts):
            parts.append(
                tested(
                    watts["fp16"] < watts["fp32"],
                    f"{framework} at {resolution}: {significant(watts['fp16'])} W in fp16, "
                    f"{significant(watts['fp32'])} W in fp32",
                )
            )
    return combined(parts, _NO_POWER)


def _powers(rows: Rows, *metrics: str) -> Rows:
    return rows.of(POWER, ("power_mean", *metrics))


def _fluctuation(row: Row) -> float:
    return row.values["power_sd"] / row.values["power_mean"]


def _is_fp32(row: Row) -> bool:
    return row.parameters.get("precision") == "fp32"

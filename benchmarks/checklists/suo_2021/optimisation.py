"""Experiment 3 and table II: half the bits, and an input of the photograph's proportions."""

from __future__ import annotations

from typing import List, Tuple

from tasks.proportions import kept

from checklists.findings import Part, combined, tested, untested
from checklists.reading import Rows, significant
from checklists.suo_2021.detectors import DETECTORS, name_of

SCALING = "test_resolution_scaling.py"
IN_TURNS = "test_precision.py::test_in_turns"
ALONE = "test_precision.py::test_alone"
DETECTOR_NETWORKS = ("yolov3", "yolov3-tiny")
#: Table II: row, the row that it is compared with, and what is "unchanged" (and "reduced by less than 1 %") in points.
ACCURACY_CLAIMS = (
    (("4:3", "fp32"), ("1:1", "fp32"), 0.5),
    (("16:9", "fp32"), ("1:1", "fp32"), 1.0),
    (("16:9", "fp16"), ("16:9", "fp32"), 0.5),
)
#: A photograph of 16:9 and one of 4:3, (height, width) in pixels.
WIDE_PHOTO = (360, 640)
NARROW_PHOTO = (480, 640)


def observation_6(rows: Rows) -> Tuple[Part, ...]:
    """What 16 bits and an input of the photograph's proportions gain, and what accuracy they lose."""
    parts = [*_half_is_faster(rows), *_half_is_smaller(rows), *_wide_is_faster(rows)]
    parts += combined(_as_accurate(rows), f"no average precision was measured{_pixels_kept()}" + _errors(rows))
    return tuple(parts)


def _pixels_kept() -> str:
    return (
        f"; a 16:9 photograph keeps {kept(WIDE_PHOTO, 416, '16:9'):.0%} of its pixels in 416x256, one of 4:3 "
        f"{kept(NARROW_PHOTO, 416, '4:3'):.0%} in 416x320 and {kept(NARROW_PHOTO, 416, '16:9'):.0%} in 416x256"
    )


def _as_accurate(rows: Rows) -> List[Part]:
    """Table II, on the photographs of --data where they were measured, else on drawn shapes."""
    measured = rows.of(f"{SCALING}::test_data", ("AP",)) or rows.of(f"{SCALING}::test_shapes", ("AP",))
    parts = []
    for (framework,), group in measured.deployed().by("framework").items():
        found = {(row.parameters["scaling"], row.parameters["precision"]): row.values["AP"] for row in group}
        for row, than, most in ACCURACY_CLAIMS:
            if row in found and than in found:
                lost = round(found[than] - found[row], 6)
                parts.append(
                    tested(
                        lost < most,
                        f"{framework}: AP {found[row]:.1f} % at {' '.join(row)}, {found[than]:.1f} % at "
                        f"{' '.join(than)}",
                    )
                )
    return parts


def _detectors(rows: Rows) -> Rows:
    return rows.where(lambda row: row.parameters.get("network") in DETECTOR_NETWORKS)


def _half_is_faster(rows: Rows) -> List[Part]:
    parts = []
    for row in _detectors(rows.of(IN_TURNS, ("latency", "latency_fp16"), precision="fp16")).deployed():
        half, full = row.values["latency_fp16"], row.values["latency"]
        parts.append(
            tested(
                half < full,
                f"{row.framework}, {row.parameters['network']} {row.parameters['resolution']}: fp16 takes "
                f"{half / full:.1%} of fp32's time",
            )
        )
    return parts or [untested("no runtime but PyTorch ran a detector in fp16 beside fp32")]


def _half_is_smaller(rows: Rows) -> List[Part]:
    alone = _detectors(rows.of(ALONE, ("memory_process_peak",))).deployed()
    parts = []
    for (framework, network, resolution), group in alone.by("framework", "network", "resolution").items():
        mib = {row.parameters["precision"]: row.values["memory_process_peak"] for row in group}
        if {"fp16", "fp32"} <= set(mib):
            parts.append(
                tested(
                    mib["fp16"] < mib["fp32"],
                    f"{framework}, {network} {resolution}: {significant(mib['fp16'])} MiB in fp16, "
                    f"{significant(mib['fp32'])} in fp32",
                )
            )
    return parts or [untested("no runtime but PyTorch ran a detector in fp16 and in fp32, each alone")]


def _wide_is_faster(rows: Rows) -> List[Part]:
    wide = rows.of(SCALING, ("latency", "memory_process_peak"), photo="16:9").deployed()
    parts = []
    for (framework, longer, precision), group in wide.by("framework", "longer", "precision").items():
        for test in DETECTORS:
            by_scaling = {row.parameters["scaling"]: row.values for row in group if row.test == test}
            if not {"1:1", "16:9"} <= set(by_scaling):
                continue
            square, fitting = by_scaling["1:1"], by_scaling["16:9"]
            parts.append(
                tested(
                    fitting["latency"] < square["latency"]
                    and fitting["memory_process_peak"] <= square["memory_process_peak"],
                    f"{framework} {precision}, {name_of(test)}, longer side {longer}: an input of 16:9 takes "
                    f"{fitting['latency'] / square['latency']:.1%} of a square's time and "
                    f"{fitting['memory_process_peak'] / square['memory_process_peak']:.1%} of its memory",
                )
            )
    return parts or [untested("an input of 16:9 was not measured beside a square one")]


def _errors(rows: Rows) -> str:
    errors = [
        row.values["output_error"] for row in _detectors(rows.of(ALONE, ("output_error",), precision="fp16")).deployed()
    ]
    return f"; fp16's outputs are off by {max(errors):.2g} of the largest" if errors else ""

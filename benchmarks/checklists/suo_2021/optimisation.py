"""Experiment 3 and table II: half the bits, and an input of the photograph's proportions."""

from __future__ import annotations

from typing import List, Tuple

from tasks.proportions import kept

from checklists.comparing import memory, no_memory, pairs, with_memory
from checklists.findings import Part, above, below, combined, untested
from checklists.intervals import difference, ratio
from checklists.reading import FPS, Rows
from checklists.suo_2021.detectors import DETECTOR_NETWORKS

SCALING = "test_resolution_scaling.py"
IN_TURNS = "test_precision.py::test_in_turns"
ALONE = "test_precision.py::test_alone"
OPTIMISATION = "test_parallel_engines.py"
#: Memory that is larger by no more has not grown.
SAME_MEMORY = 1.01
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
    if rows.printed:
        return combined([*_both_printed(rows), *_as_accurate(rows)], "the paper's own figures were not given")
    parts = [*_half_is_faster(rows), *_half_is_smaller(rows), *wide_is_faster(rows)]
    parts += combined(_as_accurate(rows), f"no average precision was measured{_pixels_kept()}" + _errors(rows))
    return tuple(parts)


def _pixels_kept() -> str:
    return (
        f"; a 16:9 photograph keeps {kept(WIDE_PHOTO, 416, '16:9'):.0%} of its pixels in 416x256, one of 4:3 "
        f"{kept(NARROW_PHOTO, 416, '4:3'):.0%} in 416x320 and {kept(NARROW_PHOTO, 416, '16:9'):.0%} in 416x256"
    )


def _both_printed(rows: Rows) -> List[Part]:
    """The paper's figures of both together, 320x320 in 32 bits against 320x192 in 16."""
    parts = []
    single = rows.of(OPTIMISATION, (FPS, "memory_system_peak")).where(lambda row: "n" not in row.parameters)
    half = single.where(lambda row: row.parameters["precision"] == "fp16")
    for (device,), fast, full in pairs(half, single.where(lambda row: row.parameters["precision"] == "fp32"), "device"):
        parts.append(above(ratio(fast.quantity(FPS), full.quantity(FPS)), 1.0, f"{device}: frames per second, ratio"))
        parts.append(below(ratio(memory(fast), memory(full)), 1.0, f"{device}: memory, ratio"))
    return parts


def _as_accurate(rows: Rows) -> List[Part]:
    """Table II, on the photographs of --data where they were measured, else on drawn shapes."""
    measured = rows.of(f"{SCALING}::test_data", ("AP",)) or rows.of(f"{SCALING}::test_shapes", ("AP",))
    if rows.printed:
        measured = rows.of(SCALING, ("AP",))
    parts = []
    for (device, framework), group in measured.deployed().by("device", "framework").items():
        found = {(str(row.parameters["scaling"]), row.parameters["precision"]): row.quantity("AP") for row in group}
        for row, than, most in ACCURACY_CLAIMS:
            if row in found and than in found:
                figures = (
                    f"{device}, {framework}: AP {found[row].center:.1f} % at {' '.join(row)}, "
                    f"{found[than].center:.1f} % at {' '.join(than)}; points lost (over runs, not over photographs)"
                )
                parts.append(below(difference(found[than], found[row]), most, figures, len(ACCURACY_CLAIMS)))
    return parts


def half_is_as_good(rows: Rows) -> Tuple[Part, ...]:
    """Whether 16 bits are faster, smaller and as accurate."""
    of_half = [part for part in _as_accurate(rows) if " fp16, " in part.figures]
    accurate = combined(of_half, "no average precision was measured in fp16 beside fp32")
    if rows.printed:
        return accurate
    return (*_half_is_faster(rows), *_half_is_smaller(rows), *accurate)


def _detectors(rows: Rows) -> Rows:
    return rows.where(lambda row: row.parameters.get("network") in DETECTOR_NETWORKS)


def _half_is_faster(rows: Rows) -> List[Part]:
    parts = [
        below(
            ratio(row.quantity("latency_fp16"), row.quantity("latency")),
            1.0,
            f"{row.device}, {row.framework}, {row.network} {row.parameters['resolution']}: fp16's time over fp32's",
        )
        for row in _detectors(rows.of(IN_TURNS, ("latency", "latency_fp16"), precision="fp16")).deployed()
    ]
    return parts or [untested("no runtime but PyTorch ran a detector in fp16 beside fp32")]


def _half_is_smaller(rows: Rows) -> List[Part]:
    alone = _detectors(rows.of(ALONE)).deployed()
    measured = with_memory(alone)
    half, full = (
        measured.where(lambda row, bits=bits: row.parameters["precision"] == bits) for bits in ("fp16", "fp32")
    )
    parts = [
        below(ratio(memory(small), memory(large)), 1.0, f"{' '.join(map(str, key))}: fp16's memory over fp32's")
        for key, small, large in pairs(half, full, "device", "framework", "network", "resolution")
    ]
    if alone and not measured:
        return [untested(no_memory(alone))]
    return parts or [untested("no runtime but PyTorch ran a detector in fp16 and in fp32, each alone")]


def wide_is_faster(rows: Rows) -> List[Part]:
    """Whether an input of 16:9 takes less time, and no more memory, than a square one."""
    wide = rows.of(SCALING, ("latency",), photo="16:9").deployed()
    fitting = wide.where(lambda row: row.parameters["scaling"] == "16:9")
    square = wide.where(lambda row: row.parameters["scaling"] == "1:1")
    parts = []
    for (device, framework, precision, network, longer), narrow, whole in pairs(
        fitting, square, "device", "framework", "precision", "network", "longer"
    ):
        name = f"{device}, {framework} {precision}, {network}, longer side {longer}: an input of 16:9 over a square's"
        parts.append(below(ratio(narrow.quantity("latency"), whole.quantity("latency")), 1.0, f"{name} time"))
        if with_memory(Rows([narrow, whole])) == [narrow, whole]:
            # a network's weights may be all of it, so that it need only not grow
            parts.append(below(ratio(memory(narrow), memory(whole)), SAME_MEMORY, f"{name} memory"))
        else:
            parts.append(untested(no_memory(Rows([narrow, whole]))))
    return parts or [untested("an input of 16:9 was not measured beside a square one")]


def _errors(rows: Rows) -> str:
    errors = [
        row.values["output_error"] for row in _detectors(rows.of(ALONE, ("output_error",), precision="fp16")).deployed()
    ]
    return f"; fp16's outputs are off by {max(errors):.2g} of the largest" if errors else ""

"""Experiments 1 and 2: time and memory over the complexity, and the parts of the post-processing."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

from papers.suo_2021 import FORMULA_3, TABLE_1_BFLOPS

from checklists.comparing import (
    FEWEST_COMPLEXITIES,
    Fit,
    fits,
    is_host,
    memory,
    needs_devices,
    no_memory,
    pairs,
    with_memory,
)
from checklists.findings import Part, above, below, combined, decided, untested, within
from checklists.intervals import estimate, ratio
from checklists.reading import TENSORRT, Row, Rows, significant
from checklists.suo_2021.detectors import DETECTOR_NETWORKS, DETECTORS, TURNING_POINT

COMPARISON = "test_framework_comparison.py"
PROFILE = "test_postprocessing_profile.py"
#: Largest over smallest value of what is called stable.
STABLE = 1.10
MAIN_SHARE = 0.5
#: Two times are "almost the same" when they differ by no more.
SAME = 0.2

_NO_PYTORCH = f"PyTorch was not measured at {FEWEST_COMPLEXITIES} complexities"
_ONLY_PYTORCH = f"no runtime but PyTorch was measured at {FEWEST_COMPLEXITIES} complexities"
_TOO_FEW = f"a detector was not measured at {FEWEST_COMPLEXITIES} complexities"


def observation_1(rows: Rows) -> Tuple[Part, ...]:
    """Whether the end-to-end time is linear in the complexity, and where PyTorch's is longest."""
    deployed = [part for fit in _times(comparison(rows).deployed()) for part in fit.linear("ms")]
    pytorch = []
    for fit in _times(comparison(rows).pytorch()):
        *others, last = fit.rows
        peak = max(others, key=lambda row: row.values["latency"])
        pytorch.append(
            above(
                ratio(peak.quantity("latency"), last.quantity("latency")),
                1.0,
                f"{fit.series}: {significant(peak.values['latency'])} ms at {significant(peak.x or 0)} GFLOPs, "
                f"{significant(last.values['latency'])} ms at {significant(last.x or 0)}, the largest; ratio",
                len(others),
            )
        )
    return (*combined(deployed, _ONLY_PYTORCH), *combined(pytorch, _NO_PYTORCH))


def observation_2(rows: Rows) -> Tuple[Part, ...]:
    """Whether memory is stable over the complexity, and PyTorch's linear in it."""
    compared = comparison(rows)
    measured = with_memory(compared)
    pytorch = [part for fit in fits(measured.pytorch(), memory) for part in fit.linear("MiB")]
    missing = no_memory(compared) if compared and not measured else ""
    return (
        *combined(_stable(rows, measured), missing or _ONLY_PYTORCH),
        *combined(pytorch, missing or _NO_PYTORCH),
    )


def observation_3(rows: Rows) -> Tuple[Part, ...]:
    """Whether PyTorch spends its time on post-processing, and its forward pass does not grow."""
    parts = []
    measured = inside_forward(rows)
    compared = comparison(rows, "infer", "postprocess").pytorch()
    # of a framework that was measured as the paper did, the YOLO layer in numpy is another program
    compared = compared.where(lambda row: row.framework not in {one.framework for one in measured})
    for fit in _times(Rows([*measured, *compared])):
        lowest = min(fit.rows, key=lambda row: row.values["postprocess"] / row.values["latency"])
        parts.append(
            above(
                ratio(lowest.quantity("postprocess"), lowest.quantity("latency")),
                MAIN_SHARE,
                f"{fit.series}: share of post-processing, least at {significant(lowest.x or 0)} GFLOPs",
                len(fit.rows),
            )
        )
        first, last = fit.rows[0].quantity("infer"), fit.rows[-1].quantity("infer")
        parts.append(
            below(
                ratio(last, first),
                STABLE,
                f"its forward time goes from {significant(first.center)} to {significant(last.center)} ms, ratio",
            )
        )
    return combined(parts, _TOO_FEW)


def observation_4(rows: Rows) -> Tuple[Part, ...]:
    """What part of PyTorch's post-processing is filtering, and what the copy to the CPU takes."""
    parts: List[Part] = []
    needed = ("latency_forward", "latency_torch_where", "latency_to_cpu")
    for row in _nearest(rows.of(PROFILE, ("latency", *needed), precision="fp32").pytorch()):
        whole, where = row.quantity("latency"), row.quantity("latency_torch_where")
        after = whole.minus(row.quantity("latency_forward"))
        at = f"{row.framework} at {row.parameters.get('resolution')} pixels"
        parts.append(above(ratio(after, whole), MAIN_SHARE, f"{at}: share of post-processing"))
        parts.append(above(ratio(where, after), MAIN_SHARE, "torch.where's share of the post-processing"))
        if "latency_numpy_where" in row.quantities:
            faster = ratio(where, row.quantity("latency_numpy_where"))
            parts.append(above(faster, 1.0, "torch.where's time over numpy.where's (section III-B)"))
        if row.on_gpu:
            copy = ratio(row.quantity("latency_to_cpu"), where)
            parts.append(within(copy, 1 - SAME, 1 + SAME, "the copy's time over torch.where's"))
        else:
            parts.append(untested("its tensors are on the CPU, so that nothing is copied"))
    for row in rows.of(PROFILE, ("share",)):
        share = estimate(row.quantity("share"))
        bound = MAIN_SHARE * 100 if row.parameters.get("part") != "copy to the CPU" else 100 * (1 - SAME)
        parts.append(above(share, bound, f"{row.parameters.get('part')}, % of what it is a part of"))
    return combined(parts, "PyTorch's post-processing was not measured in parts")


def inside_forward(rows: Rows) -> Rows:
    """PyTorch's times with the YOLO layer in the forward pass; those where nothing waits in between, if there are any.

    Of the larger detector where it was measured at enough complexities.
    """
    measured = rows.of(f"{PROFILE}::test_yolo_layer_inside", ("latency", "infer", "postprocess"))
    chosen: List[Row] = []
    for group in measured.by("device", "framework", "precision").values():
        as_printed = group.where(lambda row: row.parameters.get("timing") == "unsynchronised") or group
        networks = (as_printed.where(lambda row, name=name: row.network == name) for name in DETECTOR_NETWORKS)
        chosen += next((found for found in networks if len({row.x for row in found}) >= FEWEST_COMPLEXITIES), Rows())
    return Rows(chosen).sorted_by()


def _figure_8(rows: Rows) -> List[Part]:
    """How many times of the forward pass the post-processing takes, on an edge device and on a PC."""
    inside = rows.of(f"{PROFILE}::test_yolo_layer_inside", ("infer", "postprocess"))
    board, host = inside.where(lambda row: not is_host(row.device)), inside.where(lambda row: is_host(row.device))
    found = list(pairs(board, host, "network", "resolution", "timing", "precision"))
    return [
        above(
            ratio(
                slow.quantity("postprocess").over(slow.quantity("infer")),
                fast.quantity("postprocess").over(fast.quantity("infer")),
            ),
            1.0,
            f"{network} {resolution}, {timing}: post-processing over forward on {slow.device} over that on "
            f"{fast.device} (figure 8)",
            len(found),
        )
        for (network, resolution, timing, _), slow, fast in found
    ]


def observation_5(rows: Rows) -> Tuple[Part, ...]:
    """Whether a faster processor makes PyTorch's post-processing, and so PyTorch, faster (figure 8)."""
    measured = rows.of(COMPARISON, ("latency", "postprocess"), precision="fp32").pytorch()
    board, host = measured.where(lambda row: not is_host(row.device)), measured.where(lambda row: is_host(row.device))
    parts = []
    found = list(pairs(board, host, "network", "resolution"))
    for (network, resolution), slow, fast in found:
        for metric in ("postprocess", "latency"):
            parts.append(
                above(
                    ratio(slow.quantity(metric), fast.quantity(metric)),
                    1.0,
                    f"{network} {resolution}: {metric} on {slow.device} over {fast.device}",
                    2 * len(found),
                )
            )
    parts += _figure_8(rows)
    return needs_devices(rows, parts, "an edge device and a host with a faster processor")


def insight_1(rows: Rows) -> Tuple[Part, ...]:
    """Whether every framework's time is a line, and TensorRT's grows least from the least."""
    measured = comparison(rows)
    lines = _times(measured)
    if not lines:
        return (untested(_TOO_FEW),)
    # formula (2) has PyTorch's in pieces, of which there are too few points here
    parts = list(combined([part for fit in _times(measured.deployed()) for part in fit.linear("ms")], _ONLY_PYTORCH))
    if rows.printed:
        return (*parts, *_against_formula_3(lines))
    tensorrt = [fit for fit in lines if fit.rows[0].runtime == TENSORRT]
    others = [fit for fit in lines if fit.rows[0].runtime != TENSORRT]
    if not tensorrt or not others:
        slope = min(lines, key=lambda fit: fit.slope.center).series
        intercept = min(lines, key=lambda fit: fit.intercept.center).series
        figures = f"the smallest growth is {slope}'s, the smallest initial time {intercept}'s"
        return (*parts, untested(f"TensorRT was not measured beside another runtime; {figures}"))
    for name in ("slope", "intercept"):
        for other in others:
            first, second = (estimate(getattr(fit, name), linear=True) for fit in (tensorrt[0], other))
            gap = first.minus(second)
            what = f"{name} of {tensorrt[0].series} minus {other.series}'s"
            parts.append(below(gap, 0.0, what, 2 * len(others)))
    return tuple(parts)


def _against_formula_3(lines: List[Fit]) -> List[Part]:
    """The line through the printed points of another framework against TensorRT's printed formula."""
    return [
        decided(
            fit.slope.center > FORMULA_3[0],
            f"one line through {fit.series}'s printed times has {significant(fit.slope.center)} ms/GFLOP, TensorRT's "
            f"formula (3) {FORMULA_3[0]}",
            printed=True,
        )
        for fit in lines
        if fit.rows[0].runtime != TENSORRT
    ]


def _measured(rows: Rows, file: str, *metrics: str, **parameters: object) -> Rows:
    """The larger detector's rows where there are enough complexities, else the smaller one's."""
    for test in DETECTORS:
        found = rows.of(f"{file}::{test}", ("latency", *metrics), **parameters)
        if len({row.x for row in found}) >= FEWEST_COMPLEXITIES:
            return found
    return Rows()


def comparison(rows: Rows, *metrics: str) -> Rows:
    """A detector in several frameworks over its complexity, in fp32."""
    return _measured(_placed(rows), COMPARISON, *metrics, precision="fp32").sorted_by()


def _placed(rows: Rows) -> Rows:
    """With table I's complexities as coordinates of printed figures."""
    return Rows(
        replace(row, x=TABLE_1_BFLOPS.get(row.parameters.get("resolution", 0))) if row.printed else row for row in rows
    )


def _times(rows: Rows) -> List[Fit]:
    return fits(rows, lambda row: row.quantity("latency"))


def _stable(rows: Rows, measured: Rows) -> List[Part]:
    series = [(fit.series, fit.rows) for fit in fits(measured.deployed(), memory)]
    if rows.printed:
        series = [(TENSORRT, with_memory(rows).where(lambda row: row.runtime == TENSORRT and _is_fp32(row)))]
    parts = []
    for name, group in series:
        if len(group) < 2:
            continue
        low, high = (chosen(group, key=lambda row: memory(row).center) for chosen in (min, max))
        parts.append(
            below(
                ratio(memory(high), memory(low)),
                STABLE,
                f"{name} between {significant(memory(low).center)} and {significant(memory(high).center)} MiB, ratio",
                len(group),
            )
        )
    return parts


def _is_fp32(row: Row) -> bool:
    return row.parameters.get("precision") == "fp32"


def _nearest(rows: Rows) -> List[Row]:
    """Per framework the row of the larger detector at the resolution nearest to the paper's example."""
    best = []
    for group in rows.by("device", "framework").values():
        chosen = group.where(lambda row: row.test == DETECTORS[0]) or group
        best.append(min(chosen, key=lambda row: abs(int(row.parameters.get("resolution", 0)) - TURNING_POINT)))
    return best

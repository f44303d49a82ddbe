"""The findings of Mishra (2021), sections 2.2 and 2.3, tested on the results of one or several devices.

"Performance analysis and optimization on edge AI devices" numbers no findings: these are its statements of what an
optimisation gained, of precisions, and of tasks and devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Hashable, List, Sequence, Tuple

from papers.mishra_2021 import PAPER, PRICES

from checklists.comparing import fastest, is_raspberry_pi, needs_devices, pairs
from checklists.deciding import Tests, decide
from checklists.findings import UNTESTED, Checklist, Part, above, below, combined, untested, within
from checklists.intervals import Estimate, difference, ratio
from checklists.reading import FPS, Row, Rows, significant

if TYPE_CHECKING:
    from pytest_edgeperf import Results

PIPELINE = "test_pipeline_optimisation.py"
IN_TURNS = "test_precision.py::test_in_turns"
PRECISION = "test_precision.py"
ALONE = f"{PRECISION}::test_alone"
#: Tests of trained networks, and the metric of their accuracy.
TRAINED = (("test_digits", "top1"), ("test_shapes", "AP"))
#: What is called a minor loss of accuracy, in percentage points.
MINOR_POINTS = 1.0
TASKS = "test_task_models.py"
DETECTORS = "test_detector_choice.py"
TINY_YOLOS = ("yolov2-tiny", "yolov3-tiny")
#: Tasks, the fastest first.
ORDER = ("classification", "detection", "pose", "segmentation")
#: What a clip of the pipeline has.
FRAMES = 4
#: Levels as the benchmarks name them.
BASELINE, CPU_FIRST, WHOLE, BATCHES, HALF = "baseline", "cpu-postprocessing", "whole-tensors", "batches", "half"
#: A smaller gain is none.
PAYS = 1.02
#: The gain of all levels as printed, within half of its last digit.
PRINTED_GAIN = (1.675, 1.685)
#: fp16's engine over fp32's.
HALF_THE_SIZE = (0.45, 0.6)
#: Gains of two networks differ when their ratio is larger.
DIFFER = 1.1

_NOT_MEASURED = "the pipeline was not measured at both levels"


def checklist(*results: Results) -> Checklist:
    """The pipeline's levels, then precisions, then tasks and devices."""
    return decide(FINDINGS, PAPER, results)


def _gains(rows: Rows, before: str, after: str) -> List[Tuple[Row, Estimate, str]]:
    """From level to level: the later row, the ratio of frames per second, and its figures."""
    measured = rows.of(PIPELINE, (FPS,))
    later, earlier = (
        measured.where(lambda row, level=level: row.parameters.get("level") == level) for level in (after, before)
    )
    gains = []
    for key, last, first in pairs(later, earlier, "device", "framework", "network"):
        shown = f"{significant(_frames(first))} to {significant(_frames(last))} FPS"
        found = ratio(last.quantity(FPS), first.quantity(FPS))
        gains.append((last, found, f"{', '.join(map(str, key))}: {shown}, {found.value - 1:+.0%}, ratio"))
    return gains


def _frames(row: Row) -> float:
    """Frames per second: a measured call is of a clip."""
    return row.values[FPS] * (1 if row.printed else FRAMES)


def _gpu_only(rows: Rows, before: str, after: str) -> Tuple[Part, ...]:
    parts = [above(gain, PAYS, figures) for row, gain, figures in _gains(rows, before, after) if row.on_gpu]
    return combined(parts, "no framework ran the pipeline on a GPU, whose tensors would have to be moved")


def _traffic(_: Rows) -> Tuple[Part, ...]:
    return (
        untested(
            "it was seen in a profiler's timeline, which figures of a run do not show; docs/troubleshooting.md has the "
            "commands for Nsight Systems"
        ),
    )


def _level_1(rows: Rows) -> Tuple[Part, ...]:
    return _gpu_only(rows, BASELINE, CPU_FIRST)


def _level_2(rows: Rows) -> Tuple[Part, ...]:
    parts = _gpu_only(rows, CPU_FIRST, WHOLE)
    on_cpu = [figures[: -len(", ratio")] for _, _, figures in _gains(rows, BASELINE, WHOLE)]
    if parts[0].verdict == UNTESTED and on_cpu:
        return (untested(f"{parts[0].figures}; whole-tensor operations alone: {'; '.join(on_cpu)}"),)
    return parts


def _level_3(rows: Rows) -> Tuple[Part, ...]:
    return combined([above(gain, PAYS, figures) for _, gain, figures in _gains(rows, WHOLE, BATCHES)], _NOT_MEASURED)


def _level_4(rows: Rows) -> Tuple[Part, ...]:
    return combined([below(gain, 1 / PAYS, figures) for _, gain, figures in _gains(rows, BATCHES, HALF)], _NOT_MEASURED)


def _in_all(rows: Rows) -> Tuple[Part, ...]:
    parts: List[Part] = []
    measured = rows.of(PIPELINE, (FPS,))
    for (_, _, _), group in measured.by("device", "framework", "network").items():
        best = max(group, key=lambda row: row.values[FPS])
        level = str(best.parameters.get("level"))
        for row, gain, figures in _gains(Rows(group), BASELINE, level) if level != BASELINE else ():
            parts.append(above(gain, PAYS, f"{figures[: -len(', ratio')]} ({level}), ratio", len(group) - 1))
            if row.printed:
                parts.append(within(gain, *PRINTED_GAIN, "the 68 % that are printed; the ratio of its figures"))
        if level == BASELINE and len(group) > 1:
            others = [row for row in group if row is not best]
            second = max(others, key=lambda row: row.values[FPS])
            shown = f"{second.framework}, {second.network}: at best {second.parameters.get('level')}, ratio"
            parts.append(above(ratio(second.quantity(FPS), best.quantity(FPS)), PAYS, shown, len(others)))
    return combined(parts, _NOT_MEASURED)


def _at(rows: Rows, precision: str) -> Rows:
    return rows.where(lambda row: row.parameters.get("precision") == precision)


def _half_the_size(rows: Rows) -> Tuple[Part, ...]:
    sizes = rows.of(ALONE, ("engine_size",))
    parts = []
    for key, half, full in pairs(
        _at(sizes, "fp16"), _at(sizes, "fp32"), "device", "framework", "network", "resolution"
    ):
        mib = f"{significant(full.values['engine_size'])} to {significant(half.values['engine_size'])} MiB, ratio"
        found = ratio(half.quantity("engine_size"), full.quantity("engine_size"))
        parts.append(within(found, *HALF_THE_SIZE, f"{' '.join(map(str, key))}: {mib}"))
    return combined(parts, "no network was measured in fp16 beside fp32")


def _accuracy(rows: Rows) -> Tuple[Part, ...]:
    errors = [row.values["output_error"] for row in rows.of(ALONE, ("output_error",), precision="fp16")]
    errors_of_half = (
        f"; fp16's outputs are off by {min(errors):.2g} to {max(errors):.2g} of the largest" if errors else ""
    )
    parts = []
    for test, metric in TRAINED:
        trained = rows.of(f"{PRECISION}::{test}", (metric,))
        for (_, framework), half, full in pairs(_at(trained, "fp16"), _at(trained, "fp32"), "device", "framework"):
            figures = (
                f"{framework}: {metric} {full.values[metric]:.1f} % in fp32, {half.values[metric]:.1f} % in fp16, "
                "points lost (over runs, not over examples)"
            )
            lost = difference(full.quantity(metric), half.quantity(metric))
            parts.append(below(lost, MINOR_POINTS, figures))
    return combined(parts, f"no trained network was measured in fp16 beside fp32{errors_of_half}")


def _depends(rows: Rows) -> Tuple[Part, ...]:
    measured = rows.of(IN_TURNS, ("latency", "latency_fp16"), precision="fp16")
    networks = _differences(measured, ("device", "framework"), ("network", "resolution"))
    if not networks:
        return (untested("two networks were not measured in fp16 beside fp32"),)
    devices = _differences(measured, ("framework", "network", "resolution"), ("device",))
    return (*networks, *needs_devices(rows, devices, "two devices"))


def _differences(measured: Rows, same: Sequence[str], other: Sequence[str]) -> List[Part]:
    """Whether what fp16 gains differs between the extremes of what is not the same."""
    parts = []
    for key, group in measured.by(*same).items():
        gains: Dict[Tuple[Hashable, ...], Estimate] = {}
        for names, (row, *_) in group.by(*other).items():
            gains[names] = ratio(row.quantity("latency"), row.quantity("latency_fp16"))
        if len(gains) > 1:
            ordered = sorted(gains.values(), key=lambda gain: gain.center)
            shown = ", ".join(f"{' '.join(map(str, names))} {gain.value:.2f} times" for names, gain in gains.items())
            figures = f"{' '.join(map(str, key))}, fp16 as fast as fp32: {shown}; largest over smallest"
            n_pairs = len(gains) * (len(gains) - 1) // 2
            parts.append(above(ordered[-1].minus(ordered[0]), DIFFER, figures, n_pairs))
    return parts


def _order(rows: Rows) -> Tuple[Part, ...]:
    # the figures of the statement are those of the board with a GPU
    measured = rows.of(TASKS, (FPS,))
    chosen = measured.where(lambda row: not is_raspberry_pi(row.device)) or measured
    parts = []
    for (device, framework, precision), group in chosen.by("device", "framework", "precision").items():
        of_task = {str(row.parameters["task"]): row for row in group}
        if set(ORDER) <= set(of_task):
            for first, then in zip(ORDER, ORDER[1:]):
                fps = [of_task[task].quantity(FPS) for task in (first, then)]
                figures = (
                    f"{device}, {framework} {precision}, FPS: {first} {significant(fps[0].center)}, {then} "
                    f"{significant(fps[1].center)}, ratio"
                )
                parts.append(above(ratio(fps[0], fps[1]), 1.0, figures, len(ORDER) - 1))
    return combined(parts, "the four tasks were not measured")


def _nano_over_rpi3(rows: Rows) -> List[Tuple[str, Row, Row, Estimate]]:
    """Task, rows of a Nano and of a Raspberry Pi 3, each with its fastest framework, and the ratio of their FPS."""
    measured = Rows(sorted(rows.of(TASKS, (FPS,)), key=lambda row: -row.values[FPS]))
    return [
        (str(task), nano, rpi3, ratio(nano.quantity(FPS), rpi3.quantity(FPS)))
        for (task,), nano, rpi3 in pairs(measured.on("nano"), measured.on("rpi3"), "task")
    ]


_BOTH = "a Jetson Nano (nano) and a Raspberry Pi 3 (rpi3)"


def _devices(rows: Rows) -> Tuple[Part, ...]:
    gains = _nano_over_rpi3(rows)
    parts = [above(gain, 1.0, f"{task}: FPS of nano over rpi3", len(gains)) for task, _, _, gain in gains]
    return needs_devices(rows, parts, _BOTH)


def _price(rows: Rows) -> Tuple[Part, ...]:
    gains = _nano_over_rpi3(rows)
    dearer = PRICES["nano"] / PRICES["rpi3"]
    parts = []
    for task, nano, rpi3, gain in gains:
        a_dollar = ", ".join(
            f"{row.device} {significant(row.values[FPS] / PRICES[row.device])} (${PRICES[row.device]:g})"
            for row in (nano, rpi3)
        )
        figures = f"{task}, FPS a dollar: {a_dollar}; nano costs {dearer:.2f} times as much; its FPS over rpi3's"
        parts.append(below(gain, dearer, figures, len(gains)))
    return needs_devices(rows, parts, _BOTH)


def _choice(rows: Rows) -> Tuple[Part, ...]:
    parts: List[Part] = []
    measured = rows.of(DETECTORS, (FPS,))
    for (device, framework, precision), group in measured.by("device", "framework", "precision").items():
        what = f"{device}, {framework} {precision}, FPS"
        parts += fastest(group, lambda row: row.network in TINY_YOLOS, FPS, what)
    return combined(parts, "no tiny YOLO was measured beside another detector")


FINDINGS: Tests = (
    (
        "2.2.2 baseline",
        "the CPU is busy, the GPU only during inference, and both wait for constant transfers (1.09 FPS)",
        _traffic,
    ),
    ("2.2.2 level 1", "moving tensors to the CPU before the post-processing gains 40 % (1.09 to 1.53 FPS)", _level_1),
    ("2.2.2 level 2", "all pre- and post-processing on the GPU gains 48 % (1.53 to 2.27 FPS)", _level_2),
    ("2.2.2 level 3", "batches gain 13 % (2.27 to 2.57 FPS)", _level_3),
    ("2.2.2 level 4", "half precision makes the pipeline slower (2.57 to 1.20 FPS)", _level_4),
    ("2.2.2 in all", "the levels gain 68 % (by its figures 136 %: 1.09 to 2.57 FPS)", _in_all),
    ("2.2.3 size", "fp16 cuts the size of the weights by half", _half_the_size),
    ("2.2.3 accuracy", "fp16 reduces the accuracy by a minor amount", _accuracy),
    (
        "2.2.3 dependence",
        "what fp16 changes depends on the model's architecture and on the hardware (figure 4)",
        _depends,
    ),
    (
        "2.3 tasks",
        "classification is the fastest, then detection, pose estimation and segmentation (50, 26, 14 and 11 FPS)",
        _order,
    ),
    ("2.3 devices", "a Jetson Nano is faster than a Raspberry Pi 3B in all four, by its GPU", _devices),
    (
        "2.3 price",
        "price and performance are a trade-off: a Raspberry Pi 3B ($35) gives more frames per second a dollar than a "
        "Jetson Nano ($108)",
        _price,
    ),
    (
        "2.4 use case",
        "a tiny YOLO is chosen after a comparison of detectors: it is the fastest (the paper prints no figures of it)",
        _choice,
    ),
)

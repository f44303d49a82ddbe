"""The findings of Mishra (2021), sections 2.2 and 2.3, tested on a session's results.

"Performance analysis and optimization on edge AI devices" numbers no findings: these are its statements of what an
optimisation gained, of precisions, and of tasks and devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, List, Tuple

from checklists.findings import UNTESTED, Checklist, Finding, Part, combined, tested, untested
from checklists.reading import Rows, notes_of, rows_of, significant

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
#: What a clip of the pipeline has.
FRAMES = 4
#: Levels as the benchmarks name them.
BASELINE, CPU_FIRST, WHOLE, BATCHES, HALF = "baseline", "cpu-postprocessing", "whole-tensors", "batches", "half"
#: A gain that is smaller is within what sessions differ by.
PAYS = 1.02
#: fp16's engine over fp32's.
HALF_THE_SIZE = (0.45, 0.6)
#: Gains of two networks differ when their ratio is larger.
DIFFER = 1.1

_NOT_MEASURED = "the pipeline was not measured at both levels"
_ONE_DEVICE = "one session measures one device; read the results of two together"


def checklist(results: Results) -> Checklist:
    """The pipeline's levels, then precisions, then tasks and devices."""
    rows = rows_of(results)
    findings = tuple(Finding(name, claim, test(rows)) for name, claim, test in FINDINGS)
    return Checklist(findings, notes_of(rows))


def _fps(rows: Rows) -> Dict[Tuple[str, str, bool], Dict[str, float]]:
    """(network, framework, on a GPU) -> level -> frames per second."""
    found: Dict[Tuple[str, str, bool], Dict[str, float]] = {}
    for row in rows.of(PIPELINE):
        key = (str(row.parameters["network"]), row.framework, row.on_gpu)
        found.setdefault(key, {})[str(row.parameters["level"])] = FRAMES * 1e3 / row.values["latency"]
    return found


def _gains(rows: Rows, before: str, after: str, only_on_gpu: bool = False) -> List[Tuple[float, str]]:
    """From level to level: the ratio of frames per second, and its figures."""
    gains = []
    for (network, framework, on_gpu), fps in _fps(rows).items():
        if before in fps and after in fps and (on_gpu or not only_on_gpu):
            ratio = fps[after] / fps[before]
            figures = f"{significant(fps[before])} to {significant(fps[after])} FPS, {ratio - 1:+.0%}"
            gains.append((ratio, f"{framework}, {network}: {figures}"))
    return gains


def _gpu_only(rows: Rows, before: str, after: str) -> Tuple[Part, ...]:
    parts = [tested(ratio >= PAYS, figures) for ratio, figures in _gains(rows, before, after, only_on_gpu=True)]
    return combined(parts, "no framework ran the pipeline on a GPU, whose tensors would have to be moved")


def _traffic(_: Rows) -> Tuple[Part, ...]:
    return (untested("it was seen in a profiler's timeline (Nsight Systems); figures of a run do not show it"),)


def _level_1(rows: Rows) -> Tuple[Part, ...]:
    return _gpu_only(rows, BASELINE, CPU_FIRST)


def _level_2(rows: Rows) -> Tuple[Part, ...]:
    parts = _gpu_only(rows, CPU_FIRST, WHOLE)
    on_cpu = [figures for _, figures in _gains(rows, BASELINE, WHOLE)]
    if parts[0].verdict == UNTESTED and on_cpu:
        return (untested(f"{parts[0].figures}; whole-tensor operations alone: {'; '.join(on_cpu)}"),)
    return parts


def _level_3(rows: Rows) -> Tuple[Part, ...]:
    return combined([tested(ratio >= PAYS, figures) for ratio, figures in _gains(rows, WHOLE, BATCHES)], _NOT_MEASURED)


def _level_4(rows: Rows) -> Tuple[Part, ...]:
    parts = [tested(ratio <= 1 / PAYS, figures) for ratio, figures in _gains(rows, BATCHES, HALF)]
    return combined(parts, _NOT_MEASURED)


def _in_all(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    for (network, framework, _), fps in _fps(rows).items():
        if BASELINE in fps and len(fps) > 1:
            best = max((level for level in fps if level != BASELINE), key=lambda level: fps[level])
            ratio = fps[best] / fps[BASELINE]
            parts.append(
                tested(
                    ratio >= PAYS,
                    f"{framework}, {network}: {significant(fps[BASELINE])} FPS, at best {significant(fps[best])} "
                    f"({best}), {ratio - 1:+.0%}",
                )
            )
    return combined(parts, _NOT_MEASURED)


def _half_the_size(rows: Rows) -> Tuple[Part, ...]:
    sizes = rows.of(ALONE, ("engine_size",)).by("framework", "network", "resolution")
    parts = []
    for (framework, network, resolution), group in sizes.items():
        mib = {row.parameters["precision"]: row.values["engine_size"] for row in group}
        if {"fp16", "fp32"} <= set(mib):
            ratio = mib["fp16"] / mib["fp32"]
            parts.append(
                tested(
                    HALF_THE_SIZE[0] <= ratio <= HALF_THE_SIZE[1],
                    f"{framework}, {network} {resolution}: {significant(mib['fp32'])} to "
                    f"{significant(mib['fp16'])} MiB, {ratio:.0%}",
                )
            )
    return combined(parts, "no network was measured in fp16 beside fp32")


def _accuracy(rows: Rows) -> Tuple[Part, ...]:
    errors = [row.values["output_error"] for row in rows.of(ALONE, ("output_error",), precision="fp16")]
    errors_of_half = (
        f"; fp16's outputs are off by {min(errors):.2g} to {max(errors):.2g} of the largest" if errors else ""
    )
    parts = []
    for test, metric in TRAINED:
        for (framework,), group in rows.of(f"{PRECISION}::{test}", (metric,)).by("framework").items():
            share = {row.parameters["precision"]: row.values[metric] for row in group}
            if {"fp16", "fp32"} <= set(share):
                lost = share["fp32"] - share["fp16"]
                figures = f"{framework}: {metric} {share['fp32']:.1f} % in fp32, {share['fp16']:.1f} % in fp16"
                parts.append(tested(lost <= MINOR_POINTS, figures))
    return combined(parts, f"no trained network was measured in fp16 beside fp32{errors_of_half}")


def _depends(rows: Rows) -> Tuple[Part, ...]:
    parts: List[Part] = []
    for (framework,), group in rows.of(IN_TURNS, ("latency", "latency_fp16"), precision="fp16").by("framework").items():
        gains = {
            f"{row.parameters['network']} {row.parameters['resolution']}": row.values["latency"]
            / row.values["latency_fp16"]
            for row in group
        }
        if len(gains) > 1:
            shown = ", ".join(f"{network} {gain:.2f} times" for network, gain in gains.items())
            parts.append(
                tested(
                    max(gains.values()) / min(gains.values()) >= DIFFER, f"{framework}, fp16 as fast as fp32: {shown}"
                )
            )
    if not parts:
        return (untested("two networks were not measured in fp16 beside fp32"),)
    return (*parts, untested(f"of the hardware: {_ONE_DEVICE}"))


def _order(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    published = ("classification", "detection", "pose", "segmentation")
    for (framework, precision), group in rows.of(TASKS).by("framework", "precision").items():
        fps = {str(row.parameters["task"]): 1e3 / row.values["latency"] for row in group}
        if set(published) <= set(fps):
            shown = ", ".join(f"{task} {significant(fps[task])}" for task in published)
            ordered = all(fps[first] >= fps[then] for first, then in zip(published, published[1:]))
            parts.append(tested(ordered, f"{framework} {precision}, FPS: {shown}"))
    return combined(parts, "the four tasks were not measured")


def _one_device(_: Rows) -> Tuple[Part, ...]:
    return (untested(_ONE_DEVICE),)


Test = Callable[[Rows], Tuple[Part, ...]]
FINDINGS: Tuple[Tuple[str, str, Test], ...] = (
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
    ("2.3 devices", "a Jetson Nano is faster than a Raspberry Pi 3B in all four, by its GPU", _one_device),
)

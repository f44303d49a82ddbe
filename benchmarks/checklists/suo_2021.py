"""The nine observations and five insights of Suo et al. (2021), sections IV and V-A, tested on a session's results.

"Feasibility analysis of machine learning optimization on GPU-based low-cost edges". Where TensorRT was not measured,
every other runtime that takes a whole graph stands for it, and the figures name it. YOLOv3 is read where it was
measured at three complexities or more, else YOLOv3-tiny.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, List, Tuple

from tasks.proportions import kept

from checklists.findings import Checklist, Finding, Part, combined, tested, untested
from checklists.reading import TENSORRT, Line, Row, Rows, line, notes_of, rows_of, significant

if TYPE_CHECKING:
    from pytest_edgeperf import Results

COMPARISON = "test_framework_comparison.py"
PROFILE = "test_postprocessing_profile.py"
PARALLEL = "test_parallel_engines.py"
SCALING = "test_resolution_scaling.py"
POWER = "test_power.py"
IN_TURNS = "test_precision.py::test_in_turns"
ALONE = "test_precision.py::test_alone"
DETECTORS = ("test_yolov3", "test_yolov3_tiny")
DETECTOR_NETWORKS = ("yolov3", "yolov3-tiny")

#: A line explains this share of the variance, or the relation is not called linear.
LINEAR = 0.95
#: Largest over smallest value of what is called stable.
STABLE = 1.10
#: A gain that is smaller is within what sessions differ by.
PAYS = 1.05
MAIN_SHARE = 0.5
#: Two times are "almost the same" when they differ by no more.
SAME = 0.2
FEWEST_COMPLEXITIES = 3
#: Table II: row, the row that it is compared with, and what is "unchanged" (and "reduced by less than 1 %") in points.
ACCURACY_CLAIMS = (
    (("4:3", "fp32"), ("1:1", "fp32"), 0.5),
    (("16:9", "fp32"), ("1:1", "fp32"), 1.0),
    (("16:9", "fp16"), ("16:9", "fp32"), 0.5),
)
#: Side in pixels from which the paper's observations 7 and 8 change.
TURNING_POINT = 480
#: A photograph of 16:9 and one of 4:3, (height, width) in pixels.
WIDE_PHOTO = (360, 640)
NARROW_PHOTO = (480, 640)

_ONE_DEVICE = "one session measures one device; read the results of an edge and of a faster processor together"
_NO_POWER = "no run has power: no sensor of this machine tells it"


def checklist(results: Results) -> Checklist:
    """Observations 1 to 9, then insights 1 to 5."""
    rows = rows_of(results)
    findings = tuple(Finding(name, claim, test(rows)) for name, claim, test in FINDINGS)
    return Checklist(findings, notes_of(rows))


def _measured(rows: Rows, file: str, *metrics: str, **parameters: object) -> Rows:
    """The larger detector's rows where there are enough complexities, else the smaller one's."""
    for test in DETECTORS:
        found = rows.of(f"{file}::{test}", ("latency", *metrics), **parameters)
        if len({row.x for row in found}) >= FEWEST_COMPLEXITIES:
            return found
    return Rows()


def _comparison(rows: Rows, *metrics: str) -> Rows:
    return _measured(rows, COMPARISON, *metrics, precision="fp32").sorted_by()


_NO_PYTORCH = f"PyTorch was not measured at {FEWEST_COMPLEXITIES} complexities"
_ONLY_PYTORCH = f"no runtime but PyTorch was measured at {FEWEST_COMPLEXITIES} complexities"
_TOO_FEW = f"a detector was not measured at {FEWEST_COMPLEXITIES} complexities"


def _lines(rows: Rows, metric: str) -> List[Tuple[str, Rows, Line]]:
    found = []
    for (framework,), group in rows.by("framework").items():
        x = [row.x or 0.0 for row in group]
        if len(set(x)) >= FEWEST_COMPLEXITIES:
            found.append((framework, group, line(x, [row.values[metric] for row in group])))
    return found


def _told(framework: str, fit: Line, unit: str) -> str:
    sign = "+" if fit.intercept >= 0 else "-"
    return (
        f"{framework} {significant(fit.slope)} {unit}/GFLOP C {sign} {significant(abs(fit.intercept))} {unit}, "
        f"R² {fit.explained:.3f}"
    )


def _linear(rows: Rows, metric: str, unit: str) -> List[Part]:
    return [
        tested(fit.explained >= LINEAR and fit.slope > 0, _told(framework, fit, unit))
        for framework, _, fit in _lines(rows, metric)
    ]


def _observation_1(rows: Rows) -> Tuple[Part, ...]:
    deployed = _linear(_comparison(rows).deployed(), "latency", "ms")
    pytorch = []
    for framework, group, fit in _lines(_comparison(rows).pytorch(), "latency"):
        peak = max(group, key=lambda row: row.values["latency"])
        pytorch.append(
            tested(
                peak.x != group[-1].x,
                f"{_told(framework, fit, 'ms')}; its longest time is at {significant(peak.x or 0)} of "
                f"{significant(group[-1].x or 0)} GFLOPs",
            )
        )
    return (*combined(deployed, _ONLY_PYTORCH), *combined(pytorch, _NO_PYTORCH))


def _observation_2(rows: Rows) -> Tuple[Part, ...]:
    pytorch = _linear(_comparison(rows, "memory_process_peak").pytorch(), "memory_process_peak", "MiB")
    return (*combined(_stable(rows), _ONLY_PYTORCH), *combined(pytorch, _NO_PYTORCH))


def _stable(rows: Rows) -> List[Part]:
    parts = []
    for framework, group, _ in _lines(_comparison(rows, "memory_process_peak").deployed(), "memory_process_peak"):
        values = [row.values["memory_process_peak"] for row in group]
        low, high = min(values), max(values)
        parts.append(
            tested(high / low <= STABLE, f"{framework} between {significant(low)} and {significant(high)} MiB")
        )
    return parts


def _observation_3(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    for framework, group, _ in _lines(_comparison(rows, "infer", "postprocess").pytorch(), "latency"):
        shares = [row.values["postprocess"] / row.values["latency"] for row in group]
        parts.append(
            tested(
                min(shares) > MAIN_SHARE,
                f"{framework}'s post-processing is {min(shares):.1%} to {max(shares):.1%} of the end-to-end time",
            )
        )
        first, last = group[0].values["infer"], group[-1].values["infer"]
        parts.append(
            tested(
                last <= STABLE * first,
                f"its forward time goes from {significant(first)} to {significant(last)} ms",
            )
        )
    return combined(parts, _TOO_FEW)


def _observation_4(rows: Rows) -> Tuple[Part, ...]:
    parts: List[Part] = []
    needed = ("latency_forward", "latency_torch_where", "latency_to_cpu")
    for row in _nearest(rows.of(PROFILE, ("latency", *needed), precision="fp32").pytorch()):
        whole, forward = row.values["latency"], row.values["latency_forward"]
        where, copy = row.values["latency_torch_where"], row.values["latency_to_cpu"]
        after = max(whole - forward, 0.0)
        at = f"{row.framework} at {row.parameters.get('resolution')} pixels"
        parts.append(tested(after / whole > MAIN_SHARE, f"{at}: post-processing is {after / whole:.1%} of the time"))
        share = where / after if after else 0.0
        parts.append(tested(share > MAIN_SHARE, f"torch.where is {share:.1%} of the post-processing"))
        if row.on_gpu:
            parts.append(
                tested(
                    abs(copy / where - 1) <= SAME,
                    f"the copy takes {significant(copy)} ms, torch.where {significant(where)} ms",
                )
            )
        else:
            parts.append(untested("its tensors are on the CPU, so that nothing is copied"))
    return combined(parts, "PyTorch's post-processing was not measured in parts")


def _nearest(rows: Rows) -> List[Row]:
    """Per framework the row of the larger detector at the resolution nearest to the paper's example."""
    best = []
    for group in rows.by("framework").values():
        chosen = group.where(lambda row: row.test == DETECTORS[0]) or group
        best.append(min(chosen, key=lambda row: abs(int(row.parameters.get("resolution", 0)) - TURNING_POINT)))
    return best


def _one_device(_: Rows) -> Tuple[Part, ...]:
    return (untested(_ONE_DEVICE),)


def _observation_6(rows: Rows) -> Tuple[Part, ...]:
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
                    f"{framework} {precision}, {test[len('test_') :]}, longer side {longer}: an input of 16:9 takes "
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


def _throughputs(rows: Rows) -> List[Tuple[str, int, List[Tuple[int, float]]]]:
    """What ran, its resolution, and (engines, inferences/s) in ascending order, of one engine and more."""
    found = []
    parallel = rows.of(PARALLEL, ("throughput",)).deployed()
    for (framework, resolution, precision), group in parallel.by("framework", "resolution", "precision").items():
        for test in DETECTORS:
            chosen = group.where(lambda row: row.test == test)  # noqa: B023 (called within this turn)
            points = sorted((int(row.parameters["n"]), row.values["throughput"]) for row in chosen)
            if len(points) >= 2 and points[0][0] == 1:
                name = f"{framework} {precision}, {test[len('test_') :]}"
                found.append((name, int(resolution), points))
    return found


def _shown(points: List[Tuple[int, float]]) -> str:
    return ", ".join(f"{n} engine{'s' if n > 1 else ''} {significant(value)}/s" for n, value in points)


def _observation_7(rows: Rows) -> Tuple[Part, ...]:
    below, above = [], []
    for name, resolution, points in _throughputs(rows):
        figures = f"{name} at {resolution}: {_shown(points)}"
        values = dict(points)
        gain = max(value for n, value in points if n > 1) / values[1]
        if resolution < TURNING_POINT:
            more_is_better = 3 not in values or 2 not in values or values[3] > values[2]
            below.append(tested(gain >= PAYS and more_is_better, figures))
        else:
            above.append(tested(gain < PAYS, figures))
    why = "one engine was not measured beside several {} 480 pixels"
    return (*combined(below, why.format("below")), *combined(above, why.format("from")))


def _powers(rows: Rows, *metrics: str) -> Rows:
    return rows.of(POWER, ("power_mean", *metrics))


def _observation_8(rows: Rows) -> Tuple[Part, ...]:
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


def _fluctuation(row: Row) -> float:
    return row.values["power_sd"] / row.values["power_mean"]


def _observation_9(rows: Rows) -> Tuple[Part, ...]:
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


def _is_fp32(row: Row) -> bool:
    return row.parameters.get("precision") == "fp32"


def _insight_1(rows: Rows) -> Tuple[Part, ...]:
    comparison = _comparison(rows)
    if not _lines(comparison, "latency"):
        return (untested(_TOO_FEW),)
    # formula (2) has PyTorch's in pieces, of which there are too few points here
    parts = list(combined(_linear(comparison.deployed(), "latency", "ms"), _ONLY_PYTORCH))
    fits = [(framework, fit) for framework, _, fit in _lines(comparison, "latency")]
    slope = min(fits, key=lambda one: one[1].slope)[0]
    intercept = min(fits, key=lambda one: one[1].intercept)[0]
    figures = f"the smallest growth is {slope}'s, the smallest initial time {intercept}'s"
    if len(fits) > 1 and any(framework.partition(":")[0] == TENSORRT for framework, _ in fits):
        parts.append(tested(all(one.partition(":")[0] == TENSORRT for one in (slope, intercept)), figures))
    else:
        parts.append(untested(f"TensorRT was not measured beside another runtime; {figures}"))
    return tuple(parts)


def _insight_4(rows: Rows) -> Tuple[Part, ...]:
    gains: Dict[str, List[Tuple[int, float]]] = {}
    for name, resolution, points in _throughputs(rows):
        gain = max(value for n, value in points if n > 1) / dict(points)[1]
        gains.setdefault(name, []).append((resolution, gain))
    parts: List[Part] = []
    for name, found in gains.items():
        (small, first), (large, last) = min(found), max(found)
        if small != large:
            parts.append(tested(last < first, f"{name}: {first:.2f} times at {small}, {last:.2f} times at {large}"))
    if not parts:
        return (untested("one engine was not measured beside several at two resolutions"),)
    if not any(row.on_gpu for row in rows.of(PARALLEL, ("throughput",))):
        parts.append(untested("no runtime ran on a GPU: here the engines share the processor's cores"))
    return tuple(parts)


def _insight_5(rows: Rows) -> Tuple[Part, ...]:
    parts = [part for part in _observation_9(rows) if part.figures != _NO_POWER]
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


Test = Callable[[Rows], Tuple[Part, ...]]
FINDINGS: Tuple[Tuple[str, str, Test], ...] = (
    (
        "Observation 1",
        "end-to-end time is linear in the complexity for TensorFlow and TensorRT, and not for PyTorch, whose longest "
        "is at 87.68 of 171.86 BFLOPs (formulas 1 to 3)",
        _observation_1,
    ),
    (
        "Observation 2",
        "TensorRT's memory is stable over the complexity, PyTorch's is linear in it (14.36 MB a BFLOP, formula 4)",
        _observation_2,
    ),
    (
        "Observation 3",
        "PyTorch's time is mainly post-processing (92 to 96 % in table I), and its forward time does not increase "
        "with the complexity (62 ms at 320 pixels, 75 at 672)",
        _observation_3,
    ),
    (
        "Observation 4",
        "PyTorch's post-processing is 95.95 % of the end-to-end time at 480 pixels, filtering 99.35 % of that, and the "
        "copy to the CPU takes almost as long as torch.where",
        _observation_4,
    ),
    ("Observation 5", "a faster CPU makes PyTorch faster (figure 8)", _one_device),
    (
        "Observation 6",
        "16 bits and an input of the photograph's proportions are faster and take less memory, without a loss of "
        "accuracy (3.9 to 10.5 FPS, 1027 to 779 MB)",
        _observation_6,
    ),
    (
        "Observation 7",
        "models in parallel have more throughput, three more than two, below 480 pixels, and no more above",
        _observation_7,
    ),
    ("Observation 8", "PyTorch takes the least power below 480 pixels, TensorRT with 16 bits above", _observation_8),
    ("Observation 9", "TensorRT's power fluctuates more than PyTorch's", _observation_9),
    (
        "Insight 1",
        "T = aC + b for every framework, PyTorch's in pieces, and TensorRT has the smallest a and b (5.32 ms a BFLOP, "
        "37.62 ms)",
        _insight_1,
    ),
    (
        "Insight 2",
        "PyTorch's memory grows with the complexity from 1393 MB, TensorRT's stays at 1378 MB",
        _observation_2,
    ),
    ("Insight 3", "PyTorch's performance on an edge device is largely affected by its CPU", _one_device),
    (
        "Insight 4",
        "running in parallel pays less the larger the complexity, as the forward pass on the GPU grows more than the "
        "post-processing on the CPU",
        _insight_4,
    ),
    (
        "Insight 5",
        "TensorRT's power fluctuates more than PyTorch's, and 16 bits take less power on the average than 32",
        _insight_5,
    ),
)

"""Experiments 1 and 2: time and memory over the complexity, and the parts of the post-processing."""

from __future__ import annotations

from typing import List, Tuple

from checklists.findings import Part, combined, tested, untested
from checklists.reading import TENSORRT, Line, Row, Rows, line, significant
from checklists.suo_2021.detectors import DETECTORS, FEWEST_COMPLEXITIES, TURNING_POINT

COMPARISON = "test_framework_comparison.py"
PROFILE = "test_postprocessing_profile.py"
#: A line explains this share of the variance, or the relation is not called linear.
LINEAR = 0.95
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
    deployed = _linear(_comparison(rows).deployed(), "latency", "ms")
    pytorch = []
    for framework, group, fit in _lines(_comparison(rows).pytorch(), "latency"):
        peak = max(group, key=lambda row: row.values["latency"])
        pytorch.append(
            tested(
                peak.x != group[-1].x,
                f"{_formula(framework, fit, 'ms')}; its longest time is at {significant(peak.x or 0)} of "
                f"{significant(group[-1].x or 0)} GFLOPs",
            )
        )
    return (*combined(deployed, _ONLY_PYTORCH), *combined(pytorch, _NO_PYTORCH))


def observation_2(rows: Rows) -> Tuple[Part, ...]:
    """Whether memory is stable over the complexity, and PyTorch's linear in it."""
    pytorch = _linear(_comparison(rows, "memory_process_peak").pytorch(), "memory_process_peak", "MiB")
    return (*combined(_stable(rows), _ONLY_PYTORCH), *combined(pytorch, _NO_PYTORCH))


def observation_3(rows: Rows) -> Tuple[Part, ...]:
    """Whether PyTorch spends its time on post-processing, and its forward pass does not grow."""
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


def observation_4(rows: Rows) -> Tuple[Part, ...]:
    """What part of PyTorch's post-processing is filtering, and what the copy to the CPU takes."""
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


def insight_1(rows: Rows) -> Tuple[Part, ...]:
    """Whether every framework's time is a line, and TensorRT's grows least from the least."""
    comparison = _comparison(rows)
    if not _lines(comparison, "latency"):
        return (untested(_TOO_FEW),)
    # formula (2) has PyTorch's in pieces, of which there are too few points here
    parts = list(combined(_linear(comparison.deployed(), "latency", "ms"), _ONLY_PYTORCH))
    fits = [(framework, fit) for framework, _, fit in _lines(comparison, "latency")]
    slope = min(fits, key=lambda fit: fit[1].slope)[0]
    intercept = min(fits, key=lambda fit: fit[1].intercept)[0]
    figures = f"the smallest growth is {slope}'s, the smallest initial time {intercept}'s"
    if len(fits) > 1 and any(framework.partition(":")[0] == TENSORRT for framework, _ in fits):
        parts.append(tested(all(name.partition(":")[0] == TENSORRT for name in (slope, intercept)), figures))
    else:
        parts.append(untested(f"TensorRT was not measured beside another runtime; {figures}"))
    return tuple(parts)


def _measured(rows: Rows, file: str, *metrics: str, **parameters: object) -> Rows:
    """The larger detector's rows where there are enough complexities, else the smaller one's."""
    for test in DETECTORS:
        found = rows.of(f"{file}::{test}", ("latency", *metrics), **parameters)
        if len({row.x for row in found}) >= FEWEST_COMPLEXITIES:
            return found
    return Rows()


def _comparison(rows: Rows, *metrics: str) -> Rows:
    return _measured(rows, COMPARISON, *metrics, precision="fp32").sorted_by()


def _lines(rows: Rows, metric: str) -> List[Tuple[str, Rows, Line]]:
    found = []
    for (framework,), group in rows.by("framework").items():
        x = [row.x or 0.0 for row in group]
        if len(set(x)) >= FEWEST_COMPLEXITIES:
            found.append((framework, group, line(x, [row.values[metric] for row in group])))
    return found


def _formula(framework: str, fit: Line, unit: str) -> str:
    sign = "+" if fit.intercept >= 0 else "-"
    return (
        f"{framework} {significant(fit.slope)} {unit}/GFLOP C {sign} {significant(abs(fit.intercept))} {unit}, "
        f"R² {fit.explained:.3f}"
    )


def _linear(rows: Rows, metric: str, unit: str) -> List[Part]:
    return [
        tested(fit.explained >= LINEAR and fit.slope > 0, _formula(framework, fit, unit))
        for framework, _, fit in _lines(rows, metric)
    ]


def _stable(rows: Rows) -> List[Part]:
    parts = []
    for framework, group, _ in _lines(_comparison(rows, "memory_process_peak").deployed(), "memory_process_peak"):
        values = [row.values["memory_process_peak"] for row in group]
        low, high = min(values), max(values)
        parts.append(
            tested(high / low <= STABLE, f"{framework} between {significant(low)} and {significant(high)} MiB")
        )
    return parts


def _nearest(rows: Rows) -> List[Row]:
    """Per framework the row of the larger detector at the resolution nearest to the paper's example."""
    best = []
    for group in rows.by("framework").values():
        chosen = group.where(lambda row: row.test == DETECTORS[0]) or group
        best.append(min(chosen, key=lambda row: abs(int(row.parameters.get("resolution", 0)) - TURNING_POINT)))
    return best

"""The findings of Swaminathan et al. (2024), sections 4 and 5, tested on the results of one or several devices.

"Benchmarking deep learning models on NVIDIA Jetson Nano for real-time systems" numbers no findings: these are its
statements of what TensorRT gains over PyTorch. Where TensorRT was not measured, every other runtime that takes a whole
graph stands for it, and the figures name it. FLOPs and parameters are those that table 1 prints. Its time of inference
has no pre- and post-processing: here the phase ``infer``, where the benchmark has phases.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Callable, Dict, List, Tuple

from papers import key
from papers.swaminathan_2024 import ACTION_NETWORKS, CLASSIFIERS, PAPER

from checklists.comparing import one_per_network, pairs
from checklists.deciding import Tests, decide
from checklists.findings import Checklist, Part, above, below, combined, decided, of_trend, within
from checklists.intervals import Estimate, Quantity, average, estimate, is_within, ratio, trend
from checklists.reading import Row, Rows

if TYPE_CHECKING:
    from pytest_edgeperf import Results

ZOO = "test_model_zoo.py"
ACTION = "test_action_recognition.py"
#: S2: the mean speed-up that is still the statement's, whose own is 7.
MEAN_GAIN = 2.0
#: FLOPs that differ by no more are the same.
SAME_FLOPS = 0.05
#: Speed-ups whose ratio is smaller are the same.
SAME_GAIN = 1.1
REAL_TIME_FPS = 24.0
#: Parts of an inference on a GPU.
STEPS = ("device_copy_in", "device_infer", "device_copy_out", "synchronise")
ONCE = ("engine_context", "engine_allocation")
ADD_UP = 0.1
#: S10: of an output, as a share of the largest.
LARGEST_ERROR = 1e-3
MEMORY = ("memory_process_peak", "memory_device_peak")

_NETWORKS = {key(name): costs for name, costs in {**CLASSIFIERS, **ACTION_NETWORKS}.items()}
_CLASSIFIERS = frozenset(map(key, CLASSIFIERS))
_NOT_BOTH = "no network of the paper was measured in PyTorch and in another runtime"


def checklist(*results: Results) -> Checklist:
    """S1 to S12."""
    return decide(FINDINGS, PAPER, results)


def _of_paper(rows: Rows, file: str) -> Rows:
    chosen = rows.of(file, ("latency",), precision="fp32").where(
        lambda row: key(row.network) in _NETWORKS and "batch" not in row.parameters
    )
    return one_per_network(chosen)


Gains = Dict[Tuple[str, str], Dict[str, Tuple[Row, Row, Estimate]]]


def _gains(rows: Rows, *files: str) -> Gains:
    """(device, runtime) -> network -> its rows before and after, and how many times faster it got."""
    found: Gains = {}
    for file in files or (ZOO, ACTION):
        measured = _of_paper(rows, file)
        before = measured.pytorch()
        # on a GPU where PyTorch ran on one, and not compiled
        before = Rows(sorted(before, key=lambda row: (not row.on_gpu, "compile" in row.framework)))
        after = measured.deployed().where(lambda row: row.runtime != "torch")
        for framework, group in after.by("framework").items():
            for (device, network), fast, slow in pairs(group, before, "device", "network"):
                gain = ratio(_time(slow), _time(fast))
                found.setdefault((str(device), str(framework[0])), {})[str(network)] = (slow, fast, gain)
    return found


def _time(row: Row) -> Quantity:
    """Of the inference alone."""
    return row.quantity("infer" if "infer" in row.quantities else "latency")


def _flops(network: str) -> float:
    return _NETWORKS[key(network)][0]


def _parameters(network: str) -> float:
    return _NETWORKS[key(network)][1]


def _all_faster(rows: Rows, *files: str) -> Tuple[Part, ...]:
    parts = []
    for (device, framework), gains in _gains(rows, *files).items():
        for network, (slow, _, gain) in gains.items():
            parts.append(above(gain, 1.0, f"{device}, {network}: {slow.framework} over {framework}", len(gains)))
    return combined(parts, _NOT_BOTH)


def _s1(rows: Rows) -> Tuple[Part, ...]:
    return _all_faster(rows)


def _s2(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    for (device, framework), gains in _gains(rows).items():
        ratios = [gain.value for _, _, gain in gains.values()]
        sums = [sum(_time(pair[side]).center for pair in gains.values()) for side in (0, 1)]
        figures = (
            f"{device}, {framework}, {len(gains)} networks: arithmetic mean {sum(ratios) / len(ratios):.2f}, ratio of "
            f"the sums {sums[0] / sums[1]:.2f}, geometric mean"
        )
        parts.append(above(average([gain for _, _, gain in gains.values()]), MEAN_GAIN, figures))
    return combined(parts, _NOT_BOTH)


def _over(rows: Rows, cost: Callable[[str], float], sign: int, what: str) -> Tuple[Part, ...]:
    """Whether the gain rises or falls with what a network costs."""
    parts = []
    for (device, framework), gains in _gains(rows).items():
        found = trend([cost(network) for network in gains], [gain for _, _, gain in gains.values()], sign)
        parts.append(of_trend(found, f"{device}, {framework}: {what}"))
    return combined(parts, _NOT_BOTH)


def _s3(rows: Rows) -> Tuple[Part, ...]:
    return _over(rows, _flops, -1, "speed-up over FLOPs")


def _s4(rows: Rows) -> Tuple[Part, ...]:
    parts: List[Part] = []
    for (device, framework), gains in _gains(rows, ZOO).items():
        alike = [
            (first, second, gains[first][2].minus(gains[second][2]))
            for first, second in itertools.combinations(gains, 2)
            if abs(_flops(first) / _flops(second) - 1) <= SAME_FLOPS
        ]
        if not alike:
            continue
        apart = [is_within(found, 1 / SAME_GAIN, SAME_GAIN, len(alike)) for _, _, found in alike]
        # one pair that differs is enough
        holds = True if False in apart else False if set(apart) == {True} else None
        shown = ", ".join(f"{first} over {second} {found.value:.2f}" for first, second, found in alike)
        printed = any(found.printed for _, _, found in alike)
        figures = f"{device}, {framework}, ratio of speed-ups at the same FLOPs: {shown}"
        parts.append(decided(holds, figures, printed=printed))
    return combined(parts, f"no two networks within {SAME_FLOPS:.0%} of FLOPs were measured in both runtimes")


def _s5(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    for (device, framework), gains in _gains(rows, ZOO).items():
        for side, name in ((0, "PyTorch"), (1, framework)):
            times = [estimate(_time(pair[side])) for pair in gains.values()]
            found = trend([_flops(network) for network in gains], times, 1)
            parts.append(of_trend(found, f"{device}, {name}: time over FLOPs"))
    return combined(parts, _NOT_BOTH)


def _s6(rows: Rows) -> Tuple[Part, ...]:
    return _over(rows, _parameters, -1, "speed-up over parameters")


def _s7(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    for (device, framework), gains in _gains(rows).items():
        classifiers = [network for network in gains if key(network) in _CLASSIFIERS]
        leaving = [name for name in gains if key(name) in ("autoencoder", "densenetactionrecognition")]
        if not classifiers or not leaving:
            continue
        # of two that cost the same, the one that gains more has the trend
        least = min(map(_flops, classifiers))
        alike = [network for network in classifiers if _flops(network) <= least * (1 + SAME_FLOPS)]
        smallest = max(alike, key=lambda network: gains[network][2].center)
        for network in leaving:
            fewer = f"{_flops(network) / 1e6:.0f} MFLOPs against {_flops(smallest) / 1e6:.0f}"
            figures = f"{device}, {framework}: speed-up of {network} over {smallest}'s ({fewer})"
            parts.append(below(gains[network][2].minus(gains[smallest][2]), 1.0, figures, len(leaving)))
    return combined(
        parts, "the autoencoder or the DenseNet for action recognition was not measured beside a classifier"
    )


def _s8(rows: Rows) -> Tuple[Part, ...]:
    parts = []
    for (device, framework), gains in _gains(rows).items():
        before = [_time(slow).center for slow, _, _ in gains.values()]
        found = trend(before, [gain for _, _, gain in gains.values()], 1)
        parts.append(of_trend(found, f"{device}, {framework}: speed-up over PyTorch's time"))
    return combined(parts, _NOT_BOTH)


def _s9(rows: Rows) -> Tuple[Part, ...]:
    return _all_faster(rows, ACTION)


def _s10(rows: Rows) -> Tuple[Part, ...]:
    measured = rows.of(f"{ACTION}::test_batch", ("latency", "output_error", "engine_size"), precision="fp32")
    groups = measured.by("device", "framework", "network")
    parts = []
    for (device, framework, network), group in groups.items():
        sizes = sorted(group, key=lambda row: float(row.parameters["batch"]))
        if len(sizes) < 2:
            continue
        least, largest = sizes[0], sizes[-1]
        batches = ", ".join(str(row.parameters["batch"]) for row in sizes)
        error = max(row.values["output_error"] for row in sizes)
        # another engine for each would differ in size
        alike = len({row.values["engine_size"] for row in sizes}) == 1
        times = [row.values["latency"] / float(row.parameters["batch"]) for row in (least, largest)]
        memory = "".join(
            f", {name} {largest.values[name] / least.values[name]:.2f} times"
            for name in MEMORY
            if name in least.quantities and name in largest.quantities
        )
        figures = (
            f"{device}, {framework}, {network}: batches of {batches} from one engine, largest error of an output "
            f"{error:.2g}; from the least to the largest a clip takes {times[1] / times[0]:.2f} times as long{memory}"
        )
        parts.append(decided(alike and error <= LARGEST_ERROR, figures))
    return combined(parts, f"no network was inferred in batches of several sizes ({ACTION}::test_batch)")


def _s11(rows: Rows) -> Tuple[Part, ...]:
    parts: List[Part] = []
    of_both = Rows([*rows.of(ZOO, ("latency", *STEPS)), *rows.of(ACTION, ("latency", *STEPS))])
    measured = of_both.where(lambda row: all(name in row.quantities for name in ONCE))
    for row in measured:
        total = row.quantity(STEPS[0])
        for name in STEPS[1:]:
            total = total.plus(row.quantity(name))
        figures = f"{row.device}, {row.framework}, {row.network}: the steps of an inference over its time"
        whole = ratio(total, _time(row))
        parts.append(within(whole, 1 - ADD_UP, 1 + ADD_UP, figures, len(measured)))
    return combined(parts, f"no run has all of {', '.join((*ONCE, *STEPS))}: no runtime on a GPU reports them")


def _s12(rows: Rows) -> Tuple[Part, ...]:
    chosen = (
        Rows([*_of_paper(rows, ZOO), *_of_paper(rows, ACTION)]).deployed().where(lambda row: row.runtime != "torch")
    )
    parts = []
    for row in chosen:
        fps: Quantity = row.quantity("latency").inverse(1e3)
        figures = f"{row.device}, {row.framework}, {row.network}: frames per second"
        parts.append(above(estimate(fps), REAL_TIME_FPS, figures, len(chosen)))
    return combined(parts, "no network of the paper was measured in a runtime but PyTorch")


FINDINGS: Tests = (
    ("S1", "every network is faster in TensorRT than in PyTorch (2.72 to 16.7 times, table 1)", _s1),
    (
        "S2",
        "on the average the networks get 7.011 times faster (section 5; the abstract's 16.11 % follows from no figure)",
        _s2,
    ),
    ("S3", "the lower the FLOPs, the larger the speed-up (section 4)", _s3),
    ("S4", "FLOPs alone do not decide the speed-up: ResNet V2 8.07, ResNet 4.88 times at the same FLOPs", _s4),
    ("S5", "higher FLOPs take longer (section 4)", _s5),
    ("S6", "large networks gain less (figure 4)", _s6),
    ("S7", "the DenseNet and the autoencoder for action recognition leave the trend: fewer FLOPs, smaller gains", _s7),
    ("S8", "what was slowest before gains most (not said, evident in table 1)", _s8),
    ("S9", "three networks for action recognition run, and gain (3.7, 3.07 and 8.5 times)", _s9),
    ("S10", "one engine serves several batch sizes, by a dynamic axis (section 3.3)", _s10),
    ("S11", "an inference has six steps, and ends when the stream is synchronised (figure 3)", _s11),
    ("S12", f"the optimised networks suit real time: {REAL_TIME_FPS:.0f} frames per second each", _s12),
)

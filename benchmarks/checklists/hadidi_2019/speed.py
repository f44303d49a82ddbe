"""Sections VI-A to VI-D: time per inference over devices and frameworks, the software stack, and containers."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from papers import key
from papers.hadidi_2019 import FLOP_PER_PARAMETER, RASPBERRY_PI_3

from checklists.comparing import needs_devices, pairs
from checklists.findings import Part, above, below, combined, decided, most, of_trend, untested
from checklists.hadidi_2019.choosing import (
    GENERAL,
    across_devices,
    any_and_all,
    best_framework,
    networks,
    of_gpu_boards,
    of_hosts,
    of_pis,
    of_runtimes,
)
from checklists.intervals import average, difference, estimate, is_above, is_below, ranks, ratio, trend
from checklists.reading import OTHER_SIDE, PYTORCH, Row, Rows

STACK = "test_software_stack.py"
VIRTUALISATION = "test_virtualisation.py"
PRECISION = "test_precision.py"
#: "Only 3x" of the slides; more is no longer it.
ONLY = 5.0
#: FLOPs per parameter from which the slides call a network compute-bound.
COMPUTE_BOUND = 100.0
NANO_GAIN = 2.0
SIMILAR = 1.5
MATTERS = 1.2
#: A container that costs no more costs nothing.
CONTAINER_COST = 1.05
#: Programs that start another in a container, or in namespaces of its own as these do.
CONTAINER_ENGINES = (
    "docker",
    "podman",
    "nerdctl",
    "ctr",
    "runc",
    "crun",
    "apptainer",
    "systemd-nspawn",
    "bwrap",
    "unshare",
)
MINOR_POINTS = 1.0
_FLOPS_PER_PARAMETER = {
    key(network): max(value for (name, _), value in FLOP_PER_PARAMETER.items() if name == network)
    for network, _ in FLOP_PER_PARAMETER
}


def h1(rows: Rows) -> Tuple[Part, ...]:
    """The fastest device differs between networks."""
    groups = [
        (str(network), group)
        for (network,), group in best_framework(networks(rows)).by("network").items()
        if len(group) > 1
    ]
    if len(groups) < 2:
        return needs_devices(rows, (), "two devices with two of the networks")
    winners: Dict[str, str] = {}
    for network, group in groups:
        found = ranks([row.quantity("latency").inverse() for row in group])
        first = [row.device for row, (_, worst) in zip(group, found) if worst == 1]
        winners[network] = first[0] if first else "not decided"
    distinct = set(winners.values()) - {"not decided"}
    holds = True if len(distinct) > 1 else False if distinct and "not decided" not in winners.values() else None
    shown = ", ".join(f"{network} {winner}" for network, winner in winners.items())
    return (decided(holds, f"fastest device, each with its best framework: {shown}"),)


def h2(rows: Rows) -> Tuple[Part, ...]:
    """A Raspberry Pi runs every network; of the paper's own figures, its matrix."""
    if rows.printed:
        trouble = [f"{network}: {what}" for network, what in RASPBERRY_PI_3.items() if what]
        figures = f"the matrix remarks on {len(trouble)} of {len(RASPBERRY_PI_3)} networks ({'; '.join(trouble)})"
        return (decided(not trouble, figures, printed=True),)
    parts = []
    for (device,), group in of_pis(networks(rows)).by("device").items():
        here = {key(row.network) for row in group}
        absent = [network for network in RASPBERRY_PI_3 if key(network) not in here]
        if absent:
            parts.append(
                untested(f"{device}: no figures of {', '.join(absent)}: not run, or failed as its report says")
            )
        else:
            parts.append(decided(True, f"{device}: all {len(RASPBERRY_PI_3)} networks of the matrix ran"))
    return needs_devices(rows, parts, "a Raspberry Pi")


def h3(rows: Rows) -> Tuple[Part, ...]:
    """GPU boards run the networks, each faster than a Raspberry Pi."""
    best = best_framework(networks(rows))
    found = across_devices(of_pis(best), of_gpu_boards(best))
    parts = [
        above(gain, 1.0, f"{network}: time on {slow} over {fast}", len(found)) for slow, fast, network, gain in found
    ]
    return needs_devices(rows, parts, "a board with a GPU and a Raspberry Pi")


def h4(_: Rows) -> Tuple[Part, ...]:
    """EdgeTPU."""
    return (untested("no framework here runs on an Edge TPU"),)


def _on_gpus(rows: Rows) -> Rows:
    return rows.where(lambda row: row.on_gpu)


def h5(rows: Rows) -> Tuple[Part, ...]:
    """HPC GPUs are only some 3 times faster at one image."""
    pytorch = _on_gpus(networks(rows).pytorch())
    found = across_devices(of_gpu_boards(pytorch), of_hosts(pytorch))
    parts = []
    for pair in dict.fromkeys((board, host) for board, host, _, _ in found):
        gains = [gain for board, host, _, gain in found if (board, host) == pair]
        figures = f"{pair[1]}'s GPU over {pair[0]}, PyTorch, mean of {len(gains)} networks, times faster"
        parts.append(below(average(gains), ONLY, figures))
    return needs_devices(rows, parts, "a board with a GPU (tx2) and a host with a GPU, both with PyTorch")


def h6(rows: Rows) -> Tuple[Part, ...]:
    """A server's processor is slower than a TX2 for compute-bound networks."""
    pytorch = networks(rows).pytorch()
    heavy = pytorch.where(lambda row: _FLOPS_PER_PARAMETER[key(row.network)] >= COMPUTE_BOUND)
    found = across_devices(of_hosts(heavy).where(lambda row: not row.on_gpu), _on_gpus(of_gpu_boards(heavy)))
    parts = [
        above(slower, 1.0, f"{network}: time on {host}'s CPU over {board}'s GPU", len(found))
        for host, board, network, slower in found
    ]
    return needs_devices(rows, parts, "a host and a board with a GPU (tx2), both with PyTorch")


def _against(rows: Rows, over: str, under: str) -> List[Tuple[str, str, Part]]:
    """Whether a runtime takes longer than another: (device, network, part)."""
    chosen = networks(rows)
    found = list(pairs(of_runtimes(chosen, over), of_runtimes(chosen, under), "device", "network"))
    return [
        (
            str(device),
            str(network),
            above(
                ratio(slow.quantity("latency"), fast.quantity("latency")),
                1.0,
                f"{device}, {network}: {slow.framework} over {fast.framework}",
                len(found),
            ),
        )
        for (device, network), slow, fast in found
    ]


def h7(rows: Rows) -> Tuple[Part, ...]:
    """On a Raspberry Pi TensorFlow is faster than PyTorch."""
    parts = [part for _, _, part in _against(of_pis(rows), PYTORCH, "tensorflow")]
    if not parts:
        return needs_devices(rows, (), "a Raspberry Pi with PyTorch and TensorFlow")
    return (most(parts, "networks that are faster in TensorFlow than in PyTorch"),)


def h8(rows: Rows) -> Tuple[Part, ...]:
    """On a TX2 PyTorch is the fastest, and Caffe is close."""
    chosen = of_runtimes(networks(rows.on("tx2")), *GENERAL)
    first: List[Part] = []
    for (network,), group in chosen.by("network").items():
        others = [row for row in group if row.runtime != PYTORCH]
        ours = [row for row in group if row.runtime == PYTORCH]
        if ours and others:
            nearest = min(others, key=lambda row: row.values["latency"])
            best = min(ours, key=lambda row: row.values["latency"])
            found = ratio(nearest.quantity("latency"), best.quantity("latency"))
            first.append(above(found, 1.0, f"{network}: {nearest.framework} over PyTorch", len(others)))
    parts = [most(first, "networks that are fastest in PyTorch")] if first else []
    caffe = of_runtimes(chosen, "opencv").where(lambda row: "caffe" in str(row.parameters.get("source", "")))
    close = list(pairs(caffe, of_runtimes(chosen, PYTORCH), "network"))
    for (network,), one, other in close:
        found = ratio(one.quantity("latency"), other.quantity("latency"))
        parts.append(below(found, SIMILAR, f"{network}: Caffe's time over PyTorch's", len(close)))
    return needs_devices(rows, parts, "a TX2 (tx2) with PyTorch and TensorFlow or Caffe")


def h9(rows: Rows) -> Tuple[Part, ...]:
    """On a large GPU neither PyTorch nor TensorFlow is always faster."""
    chosen = _on_gpus(of_hosts(networks(rows)))
    found = list(pairs(of_runtimes(chosen, PYTORCH), of_runtimes(chosen, "tensorflow"), "device", "network"))
    if len(found) < 2:
        return needs_devices(rows, (), "a host with a GPU, two networks with PyTorch and TensorFlow")
    gains = [(key_[1], ratio(one.quantity("latency"), other.quantity("latency"))) for key_, one, other in found]
    longer = any(is_above(gain, 1.0, len(gains)) is True for _, gain in gains)
    shorter = any(is_below(gain, 1.0, len(gains)) is True for _, gain in gains)
    alone = all(is_above(gain, 1.0, len(gains)) is True for _, gain in gains)
    alone = alone or all(is_below(gain, 1.0, len(gains)) is True for _, gain in gains)
    shown = ", ".join(f"{network} {gain.value:.2f}" for network, gain in gains)
    holds = True if longer and shorter else False if alone else None
    return (decided(holds, f"PyTorch's time over TensorFlow's: {shown}"),)


def h10(rows: Rows) -> Tuple[Part, ...]:
    """TensorRT over PyTorch on a Nano."""
    printed = rows.of("test_model_zoo.py", ("speedup",), framework="tensorrt").on("nano")
    parts = [above(estimate(row.quantity("speedup")), NANO_GAIN, "nano: speed-up, as printed") for row in printed]
    chosen = networks(rows.on("nano"))
    # on its GPU where PyTorch ran on it, and not compiled
    pytorch = Rows(sorted(of_runtimes(chosen, PYTORCH), key=lambda row: (not row.on_gpu, "compile" in row.framework)))
    gains = [
        ratio(slow.quantity("latency"), fast.quantity("latency"))
        for _, slow, fast in pairs(pytorch, of_runtimes(chosen, "tensorrt"), "network")
    ]
    if gains:
        parts.append(above(average(gains), NANO_GAIN, f"nano: PyTorch over TensorRT, mean of {len(gains)} networks"))
    return needs_devices(rows, parts, "a Jetson Nano (nano) with PyTorch and TensorRT")


def h11(rows: Rows) -> Tuple[Part, ...]:
    """TFLite is faster than TensorFlow and PyTorch on a Raspberry Pi."""
    parts = [part for other in ("tensorflow", PYTORCH) for _, _, part in _against(of_pis(rows), other, "tflite")]
    return needs_devices(rows, parts, "a Raspberry Pi with TensorFlow Lite and TensorFlow or PyTorch")


def h12(rows: Rows) -> Tuple[Part, ...]:
    """The choice of a general framework matters."""
    found = []
    for (device, network), group in of_runtimes(networks(rows), *GENERAL).by("device", "network").items():
        if len({row.runtime for row in group}) > 1:
            fast, slow = (chosen(group, key=_latency) for chosen in (min, max))
            name = f"{device}, {network}: {slow.framework} over {fast.framework}"
            found.append((name, ratio(slow.quantity("latency"), fast.quantity("latency"))))
    if not found:
        return (untested("no network was measured in two general frameworks"),)
    matters, none_does = any_and_all(is_above(gain, MATTERS, len(found)) for _, gain in found)
    shown = ", ".join(f"{name} {gain.value:.2f}" for name, gain in found)
    return (decided(True if matters else False if none_does else None, shown),)


def _latency(row: Row) -> float:
    return row.values["latency"]


def h13(rows: Rows) -> Tuple[Part, ...]:
    """TensorFlow spends more on setting up than PyTorch, in inferences that could run meanwhile."""
    steps = ("import_time", "load_time", "build_time")
    measured = of_pis(rows.of(STACK, ("latency", *steps))) or rows.of(STACK, ("latency", *steps))
    parts = []
    for (device, network), one, other in pairs(
        of_runtimes(measured, "tensorflow"), of_runtimes(measured, PYTORCH), "device", "network"
    ):
        costs = []
        for row in (one, other):
            total = row.quantity(steps[0]).plus(row.quantity(steps[1])).plus(row.quantity(steps[2]))
            costs.append(ratio(total, row.quantity("latency")))
        figures = (
            f"{device}, {network}: import, load and build take {costs[0].value:.0f} inferences in TensorFlow, "
            f"{costs[1].value:.0f} in PyTorch; ratio"
        )
        parts.append(above(costs[0].minus(costs[1]), 1.0, figures))
    return combined(parts, f"no import, load and build times of TensorFlow and PyTorch ({STACK})")


def h14(rows: Rows) -> Tuple[Part, ...]:
    """A container costs nothing."""
    measured = rows.of(VIRTUALISATION, (OTHER_SIDE,))
    inside = [(row, engine) for row in measured for engine in [_container_engine(row.command)] if engine]
    parts = [
        below(
            estimate(row.quantity(OTHER_SIDE)),
            CONTAINER_COST,
            f"{row.device}, {row.framework}, {row.network}: time by {engine} over bare metal",
            len(inside),
        )
        for row, engine in inside
    ]
    if measured and not inside:
        return (untested(f"the other side was started by none of {', '.join(CONTAINER_ENGINES)}"),)
    return combined(parts, f"no benchmark ran in a container beside bare metal ({VIRTUALISATION}, --against-command)")


def _container_engine(command: str) -> Optional[str]:
    """The program in a command that makes a container; ``None``: there is none."""
    words = (word.rpartition("/")[2] for word in command.split())
    return next((word for word in words if word in CONTAINER_ENGINES), None)


def h20(rows: Rows) -> Tuple[Part, ...]:
    """The more FLOPs per parameter, the more FLOPs a second."""
    parts = []
    counted = networks(rows).where(lambda row: "flops" in row.quantities)
    for (device, framework), group in counted.by("device", "framework").items():
        reached = [estimate(row.quantity("latency").inverse(row.values["flops"])) for row in group]
        found = trend([_FLOPS_PER_PARAMETER[key(row.network)] for row in group], reached, 1)
        parts.append(of_trend(found, f"{device}, {framework}: FLOPs reached a second over FLOPs per parameter"))
    return combined(parts, "no times of the networks: FLOPs a second are not known")


def h21(rows: Rows) -> Tuple[Part, ...]:
    """int8 gains time without a loss of accuracy."""
    timed = rows.of(f"{PRECISION}::test_in_turns", ("latency", "latency_int8"), precision="int8")
    parts: List[Part] = [
        above(
            ratio(row.quantity("latency"), row.quantity("latency_int8")),
            1.0,
            f"{row.device}, {row.framework}, {row.network}: fp32's time over int8's",
            len(timed),
        )
        for row in timed
    ]
    for test, metric in (("test_digits", "top1"), ("test_shapes", "AP")):
        trained = rows.of(f"{PRECISION}::{test}", (metric,))
        half, full = (
            trained.where(lambda row, bits=bits: row.parameters["precision"] == bits) for bits in ("int8", "fp32")
        )
        for (device, framework), one, other in pairs(half, full, "device", "framework"):
            lost = difference(other.quantity(metric), one.quantity(metric))
            parts.append(below(lost, MINOR_POINTS, f"{device}, {framework}: points of {metric} that int8 loses"))
    return combined(parts, "no network was measured in int8 beside fp32")

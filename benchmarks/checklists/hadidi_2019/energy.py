"""Sections VI-E and VI-F: energy, power and temperature over devices."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from checklists.comparing import is_stick, needs_devices
from checklists.findings import Part, above, combined, decided, untested
from checklists.hadidi_2019.choosing import across_devices, of_gpu_boards, of_hosts, of_pis
from checklists.intervals import Estimate, average, difference, estimate, is_above, is_below, ratio
from checklists.reading import Row, Rows

ENERGY = "test_energy.py"
SAVES = 2.0
#: The printed orders, the largest first.
MEAN_ORDER = ("tx2", "nano", "rpi3")
IDLE_ORDER = ("tx2", "rpi3", "nano")
TEMPERATURE_ORDER = ("rpi3", "nano", "tx2")


def h15(rows: Rows) -> Tuple[Part, ...]:
    """GPU boards take less energy than HPC GPUs."""
    measured = rows.of(ENERGY, ("energy_per_inference",)).where(lambda row: row.on_gpu)
    found = across_devices(of_hosts(measured), of_gpu_boards(measured), "energy_per_inference")
    parts = []
    for pair in dict.fromkeys((host, board) for host, board, _, _ in found):
        gains = [gain for host, board, _, gain in found if (host, board) == pair]
        figures = f"energy per inference, {pair[0]}'s GPU over {pair[1]}'s, mean of {len(gains)} networks"
        parts.append(above(average(gains), SAVES, figures))
    return needs_devices(rows, parts, "a host with a GPU and a board with one, whose energy was measured")


def h16(_: Rows) -> Tuple[Part, ...]:
    """Movidius and EdgeTPU."""
    return (untested("no framework here runs on a Movidius stick or an Edge TPU"),)


def h17(rows: Rows) -> Tuple[Part, ...]:
    """No device is both faster than a Raspberry Pi and takes less power."""
    measured = rows.of(ENERGY, ("power_mean",))
    parts = []
    for (network,), group in measured.by("network").items():
        for pi in of_pis(Rows(group)):
            others = [row for row in group if row.device != pi.device and not is_stick(row.device)]
            if others:
                parts.append(_on_front(pi, others, str(network)))
    return needs_devices(rows, parts, "a Raspberry Pi and another device, whose power was measured")


def _on_front(pi: Row, others: Sequence[Row], network: str) -> Part:
    """Whether each other takes more power or more time."""
    verdicts: List[Optional[bool]] = []
    shown = []
    for row in others:
        power = ratio(row.quantity("power_mean"), pi.quantity("power_mean"))
        verdict = is_above(power, 1.0, len(others))
        if verdict is not True and "latency" in row.quantities and "latency" in pi.quantities:
            time = ratio(row.quantity("latency"), pi.quantity("latency"))
            slower = is_above(time, 1.0, len(others))
            faster = is_below(time, 1.0, len(others)) is True
            verdict = True if slower else False if verdict is False and faster else None
        verdicts.append(verdict)
        shown.append(f"{row.device} {power.value:.2f} times the power")
    holds = False if False in verdicts else None if None in verdicts else True
    name = f"{network}, " if network else ""
    return decided(holds, f"{name}against {pi.device}: {', '.join(shown)}", printed=pi.printed)


def _means(rows: Rows, metric: str, *, linear: bool = False) -> Dict[str, Estimate]:
    """Device -> mean over its benchmarks."""
    return {
        str(device): average([estimate(row.quantity(metric), linear=linear) for row in group])
        for (device,), group in rows.of(ENERGY, (metric,)).by("device").items()
    }


def _in_order(found: Dict[str, Estimate], order: Sequence[str], what: str, bound: float) -> List[Part]:
    here = [device for device in order if device in found]
    return [
        above(found[first].minus(found[then]), bound, f"{what}, {first} against {then}", len(here) - 1)
        for first, then in zip(here, here[1:])
    ]


def h18(rows: Rows) -> Tuple[Part, ...]:
    """The order of the devices' power, idle and while inferring."""
    parts = _in_order(_means(rows, "power_mean"), MEAN_ORDER, "average power", 1.0)
    parts += _in_order(_means(rows, "power_idle"), IDLE_ORDER, "idle power", 1.0)
    busy = rows.of(ENERGY, ("power_mean", "power_idle"))
    for row in busy:
        found = ratio(row.quantity("power_mean"), row.quantity("power_idle"))
        parts.append(above(found, 1.0, f"{row.device} {row.network}".strip() + ": average over idle power", len(busy)))
    return needs_devices(rows, parts, "two of rpi3, nano and tx2, whose power was measured")


def h19(rows: Rows) -> Tuple[Part, ...]:
    """The order of the idle temperatures, and that inferring warms."""
    parts = _in_order(_means(rows, "temperature_idle", linear=True), TEMPERATURE_ORDER, "idle temperature, degC", 0.0)
    warmed = rows.of(ENERGY, ("temperature_idle", "temperature_max"))
    for row in warmed:
        rise = difference(row.quantity("temperature_max"), row.quantity("temperature_idle"))
        parts.append(above(rise, 0.0, f"{row.device} {row.network}".strip() + ": rise in degC", len(warmed)))
    return combined(parts, "no idle temperatures of two of rpi3, nano and tx2 were measured")

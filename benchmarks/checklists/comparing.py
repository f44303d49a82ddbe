"""Comparisons that several papers make: between frameworks, between devices, over complexities, of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Hashable, Iterator, List, Sequence, Tuple

from checklists.findings import Part, above, below, combined, untested
from checklists.intervals import Estimate, Quantity, estimate, ratio
from checklists.reading import Row, Rows, line, significant

#: A line explains this share of the variance, or the relation is not called linear.
LINEAR = 0.95
FEWEST_COMPLEXITIES = 3
PROCESS_MEMORY = "memory_process_peak"
SYSTEM_MEMORY = "memory_system_peak"


def is_host(device: str) -> bool:
    """Whether a device is a PC or a server: its accelerators have their own memory, and its processor is the faster."""
    return device.startswith(("host", "xeon", "rtx", "titan"))


def is_raspberry_pi(device: str) -> bool:
    """Whether it is a Raspberry Pi."""
    return device.startswith("rpi")


def is_stick(device: str) -> bool:
    """Whether it is plugged into a computer, which its power leaves out."""
    return device == "movidius-ncs"


def is_gpu_board(device: str) -> bool:
    """Whether it is a board with a GPU that computes."""
    has_none = is_host(device) or is_raspberry_pi(device) or is_stick(device)
    return not has_none and not device.startswith(("edgetpu", "pynq"))


def memory_metric(device: str) -> str:
    """The metric that holds all memory an inference needs: on a board, whose GPU shares it, that of the system."""
    return PROCESS_MEMORY if is_host(device) else SYSTEM_MEMORY


def with_memory(rows: Rows) -> Rows:
    """Those that have the memory that counts on their device."""
    return rows.where(lambda row: memory_metric(row.device) in row.quantities)


def memory(row: Row) -> Quantity:
    """The memory that counts on the row's device."""
    return row.quantity(memory_metric(row.device))


def no_memory(rows: Rows) -> str:
    """Why memory was not read of rows that have none."""
    boards = sorted({row.device for row in rows if not is_host(row.device)})
    if not boards:
        return "no memory was measured"
    return (
        f"{', '.join(boards)}: processor and GPU share one memory, of which a process's own peak is only a part, and "
        f"no run has {SYSTEM_MEMORY}"
    )


def pairs(over: Rows, under: Rows, *same: str) -> Iterator[Tuple[Tuple[Hashable, ...], Row, Row]]:
    """The rows of two sets that have the same values of these parameters, a pair for each value of both."""
    others = under.by(*same)
    for key, group in over.by(*same).items():
        if key in others:
            yield key, group[0], others[key][0]


def one_per_network(rows: Rows) -> Rows:
    """The row of each network, and source where it says one, at its largest resolution, as printed tables have one."""
    best: Dict[Tuple[Hashable, ...], Row] = {}
    for row in rows:
        key = (row.device, row.framework, row.network, row.parameters.get("source"))
        if key not in best or _side(row) > _side(best[key]):
            best[key] = row
    return Rows(best.values())


def _side(row: Row) -> float:
    side = row.parameters.get("resolution", 0)
    return float(side) if isinstance(side, (int, float)) else 0.0


def fastest(rows: Rows, claimed: Callable[[Row], bool], metric: str, what: str) -> List[Part]:
    """Whether a claimed row has more of a metric than each other: rank 1, not tied. Nothing where either is absent."""
    return _first(rows, claimed, metric, what, most=True)


def least(rows: Rows, claimed: Callable[[Row], bool], metric: str, what: str) -> List[Part]:
    """Whether a claimed row has less of a metric than each other."""
    return _first(rows, claimed, metric, what, most=False)


def _first(rows: Rows, claimed: Callable[[Row], bool], metric: str, what: str, *, most: bool) -> List[Part]:
    ordered = sorted(rows, key=lambda row: row.values[metric], reverse=most)
    ours = [row for row in ordered if claimed(row)]
    others = [row for row in ordered if not claimed(row)]
    if not ours or not others:
        return []
    best, next_best = ours[0], others[0]
    names = f"{what}: {_name(best)} {significant(best.values[metric])}, best other {_name(next_best)} " + (
        f"{significant(next_best.values[metric])}, ratio"
    )
    found = ratio(best.quantity(metric), next_best.quantity(metric))
    if most:
        return [above(found, 1.0, names, len(others))]
    return [below(found, 1.0, names, len(others))]


def _name(row: Row) -> str:
    named = [str(row.parameters[key]) for key in ("network",) if key in row.parameters]
    return " ".join([*named, row.framework, str(row.parameters.get("precision", ""))]).strip()


@dataclass(frozen=True)
class Fit:
    """A line of a metric over complexity for one series: one fit per run of all points."""

    series: str
    rows: Rows
    slope: Quantity
    intercept: Quantity
    explained: Quantity

    @property
    def printed(self) -> bool:
        """Whether the points are printed."""
        return self.rows.printed

    def formula(self, unit: str) -> str:
        """As the paper writes it."""
        sign = "+" if self.intercept.center >= 0 else "-"
        return (
            f"{self.series} {significant(self.slope.center)} {unit}/GFLOP C {sign} "
            f"{significant(abs(self.intercept.center))} {unit}, R²"
        )

    def linear(self, unit: str) -> List[Part]:
        """Whether a line explains the metric, and rises."""
        return [
            above(_estimate(self.explained, self.printed), LINEAR, self.formula(unit)),
            above(_estimate(self.slope, self.printed), 0.0, f"{self.series}'s slope"),
        ]


def _estimate(quantity: Quantity, is_printed: bool) -> Estimate:
    if is_printed:
        return Estimate(quantity.center, 0.0, float("inf"), 0.0, True, True)
    return estimate(quantity, linear=True)


def fits(rows: Rows, metric: Callable[[Row], Quantity]) -> List[Fit]:
    """The lines of devices' and frameworks' rows with enough complexities; the k-th runs make the k-th line."""
    found = []
    many = len(rows.devices) > 1
    for (device, framework), group in rows.by("device", "framework").items():
        points = Rows(sorted((row for row in group if row.x is not None), key=lambda row: row.x or 0.0))
        x = [row.x or 0.0 for row in points]
        if len(set(x)) < FEWEST_COMPLEXITIES:
            continue
        runs = [list(metric(row).runs.values()) for row in points]
        lines = [line(x, [values[k] for values in runs]) for k in range(min(map(len, runs)))]
        slope, intercept, explained = (
            Quantity({k: getattr(one, name) for k, one in enumerate(lines)})
            for name in ("slope", "intercept", "explained")
        )
        series = f"{device}, {framework}" if many else str(framework)
        found.append(Fit(series, points, slope, intercept, explained))
    return found


def across(over: Rows, under: Rows, metric: str, bound: float, what: str, *same: str) -> Tuple[Part, ...]:
    """Whether a metric's ratio between two sets is above a bound for each network that both have."""
    found = list(pairs(over, under, *(same or ("network",))))
    return tuple(
        above(
            ratio(one.quantity(metric), other.quantity(metric)), bound, f"{' '.join(map(str, key))}: {what}", len(found)
        )
        for key, one, other in found
    )


def needs_devices(rows: Rows, parts: Sequence[Part], which: str) -> Tuple[Part, ...]:
    """The parts, or, where there are none, that they need results of these devices."""
    if parts:
        return tuple(parts)
    here = ", ".join(device for device in rows.devices if device != "any") or "none"
    return (untested(f"needs results of {which} (here: {here}; several files are read together)"),)


__all__ = [
    "FEWEST_COMPLEXITIES",
    "Fit",
    "across",
    "combined",
    "fastest",
    "fits",
    "is_gpu_board",
    "is_host",
    "is_raspberry_pi",
    "least",
    "memory",
    "memory_metric",
    "needs_devices",
    "no_memory",
    "one_per_network",
    "pairs",
    "with_memory",
]

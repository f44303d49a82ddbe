"""What the slides' experiments share: networks over devices and frameworks."""

from __future__ import annotations

from typing import Iterable, List, Tuple

from papers import key
from papers.hadidi_2019 import FLOP_PER_PARAMETER

from checklists.comparing import is_gpu_board, is_host, is_raspberry_pi, one_per_network, pairs
from checklists.intervals import Estimate, ratio
from checklists.reading import Rows

#: Files that infer the slides' networks.
FILES = ("test_model_zoo.py", "test_framework_comparison.py", "test_action_recognition.py")
#: Frameworks that train and infer anything, as against those of one platform.
GENERAL = ("torch", "tensorflow", "opencv")
_KEYS = frozenset(key(network) for network, _ in FLOP_PER_PARAMETER)


def networks(rows: Rows, metric: str = "latency") -> Rows:
    """The slides' networks in fp32: one row for each device, framework and network."""
    chosen = Rows(row for file in FILES for row in rows.of(file, (metric,), precision="fp32"))
    return one_per_network(chosen.where(lambda row: key(row.network) in _KEYS))


def best_framework(rows: Rows, metric: str = "latency") -> Rows:
    """Of each device and network the row with the least of a metric."""
    return Rows(min(group, key=lambda row: row.values[metric]) for group in rows.by("device", "network").values())


def of_pis(rows: Rows) -> Rows:
    """Those of Raspberry Pis."""
    return rows.where(lambda row: is_raspberry_pi(row.device))


def of_gpu_boards(rows: Rows) -> Rows:
    """Those of boards with a GPU."""
    return rows.where(lambda row: is_gpu_board(row.device))


def of_hosts(rows: Rows) -> Rows:
    """Those of PCs and servers."""
    return rows.where(lambda row: is_host(row.device))


def of_runtimes(rows: Rows, *runtimes: str) -> Rows:
    """Those of these frameworks, whatever their variant."""
    return rows.where(lambda row: row.runtime in runtimes)


def across_devices(over: Rows, under: Rows, metric: str = "latency") -> List[Tuple[str, str, str, Estimate]]:
    """(device, other device, network, ratio) of each network that two sets of devices have."""
    found = []
    for group in over.by("device").values():
        for other in under.by("device").values():
            for _, one, two in pairs(group, other, "network"):
                found.append((one.device, two.device, one.network, ratio(one.quantity(metric), two.quantity(metric))))
    return found


def any_and_all(verdicts: Iterable[object]) -> Tuple[bool, bool]:
    """Whether one is true, and whether all are false."""
    listed = list(verdicts)
    return any(verdict is True for verdict in listed), bool(listed) and all(verdict is False for verdict in listed)

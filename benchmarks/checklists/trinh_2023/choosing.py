"""What the paper's experiments share: which rows are classifiers and detectors, and on which processor."""

from __future__ import annotations

from typing import Iterable, List, Tuple

from papers import key

from checklists.comparing import one_per_network, pairs
from checklists.intervals import Estimate, ratio
from checklists.reading import Row, Rows

ZOO = "test_model_zoo.py"
CPU = "onnxruntime"
CUDA = "onnxruntime:cuda"
TENSORRT = ("tensorrt", "onnxruntime:tensorrt")
NO_CUDA = "no network was measured with ONNX Runtime on a CPU and with its CUDA provider"


def among(rows: Rows, networks: Iterable[str], *metrics: str) -> Rows:
    """The zoo's rows of these networks in fp32, one for each network."""
    keys = set(map(key, networks))
    chosen = rows.of(ZOO, metrics, precision="fp32").where(lambda row: key(row.network) in keys)
    return one_per_network(chosen)


def only(rows: Rows, *frameworks: str) -> Rows:
    """Those of these frameworks."""
    return rows.where(lambda row: row.framework in frameworks)


def is_network(row: Row, name: str) -> bool:
    """Whether the row is of this network."""
    return key(row.network) == key(name)


def ratios(over: Rows, under: Rows, metric: str) -> List[Tuple[Row, Estimate]]:
    """The rows of ``over`` with their ratio to those of the same network (and device) in ``under``."""
    same = ("device", "network") if set(over.devices) & set(under.devices) else ("network",)
    return [(one, ratio(one.quantity(metric), other.quantity(metric))) for _, one, other in pairs(over, under, *same)]

"""Draw the pictures of docs/statistics*.md from the recorded noise and from the page's own table.

python docs/pictures.py
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Tuple

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

import matplotlib  # noqa: E402

matplotlib.use("svg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from tests.statistics.compact import BLOCK_SUMMARIES, SUMMARIES  # noqa: E402
from tests.statistics.evaluation import Ours, Task, evaluate  # noqa: E402
from tests.statistics.recordings import workloads  # noqa: E402
from tests.statistics.sessions import Change  # noqa: E402

SHOWN = "ort_squeezenet"
SLOWDOWNS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.13, 0.16, 0.20, 0.25)
SESSIONS = 40
ROW = re.compile(r"^\| (.+?) \| .+? \| ([\d.]+) %[^|]* \|", re.MULTILINE)
INK, ACCENT = "#30343b", "#d9480f"


def runs_picture() -> Any:
    """Medians and minima of unchanged runs, each with the interval that its own samples claim."""
    workload = next(one for one in workloads() if one.name == SHOWN)
    rows = workload.rows()
    figure, axes = plt.subplots(figsize=(7.2, 2.8))
    for summary, colour, label in (("p50", INK, "median of a run"), ("min", ACCENT, "minimum of a run")):
        values = workload.arrays["summary"][rows][:, SUMMARIES.index(summary)]
        blocks = workload.arrays["block_sd"][rows][:, BLOCK_SUMMARIES.index(summary)]
        interval = 1.96 * values * blocks / np.sqrt(10)
        axes.errorbar(range(1, len(rows) + 1), values, interval, fmt="o", ms=4, lw=1, color=colour, label=label)
    axes.set_xlabel("run of the same unchanged network (SqueezeNet, ONNX Runtime)")
    axes.set_ylabel("latency, ms")
    axes.legend(frameon=False, fontsize=8)
    return figure


def alarms_picture() -> Any:
    """The share of unchanged sessions in which each rule raises an alarm, from the page's table."""
    text = (DOCS / "statistics-rates.md").read_text(encoding="utf-8")
    table = text.partition("<!-- rules -->")[2].partition("<!-- /rules -->")[0]
    rows: List[Tuple[str, float]] = [(name.strip("*"), float(share)) for name, share in ROW.findall(table)]
    names, shares = [name.replace("`", "") for name, _ in rows], [share for _, share in rows]
    figure, axes = plt.subplots(figsize=(7.2, 0.28 * len(rows) + 0.8))
    colours = [ACCENT if "edgeperf" in name or "the same" in name else INK for name in names]
    bars = axes.barh(names, shares, color=colours)
    axes.bar_label(bars, [f"{share:g} %" for share in shares], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 112)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("unchanged sessions of 50 benchmarks with a false alarm, %")
    return figure


def power_picture() -> Any:
    """What share of slowdowns a session finds, by size and workload."""
    tasks = [
        Task(Ours("default"), range(SESSIONS), Change(1 + slowdown), (one.name,))
        for one in workloads()
        for slowdown in SLOWDOWNS
    ]
    found: Dict[str, List[float]] = {}
    with ProcessPoolExecutor(2) as pool:
        for task, tally in zip(tasks, pool.map(evaluate, tasks)):
            found.setdefault(task.names[0], []).append(100 * tally.found)
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    for name, shares in found.items():
        axes.plot([100 * slowdown for slowdown in SLOWDOWNS], shares, marker=".", lw=1.2, label=name)
    axes.set_xlabel("slowdown, %")
    axes.set_ylabel("found, %")
    axes.legend(frameon=False, fontsize=7, ncol=2, loc="lower right")
    return figure


def main() -> None:
    """Draw all pictures."""
    plt.rcParams.update(
        {
            "svg.hashsalt": "edgeperf",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    for name, draw in (("runs", runs_picture), ("false-alarms", alarms_picture), ("power", power_picture)):
        figure = draw()
        figure.savefig(DOCS / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()

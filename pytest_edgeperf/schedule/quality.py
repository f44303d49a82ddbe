"""Whether a run was disturbed, given what is normal for its benchmark."""

from __future__ import annotations

from statistics import median
from typing import Any, Mapping, Sequence

from pytest_edgeperf.results.types import Run

#: On 986 recorded processes, runs beyond both had twice the spread (docs: run quality).
LEAST_CPU_SHARE = 0.97
MOST_SWITCHES_PER_S = 20.0


def preempted(quality: Mapping[str, Any]) -> bool:
    """Whether others took the processor: CPU time well under wall time, and many involuntary switches."""
    share = quality.get("cpu_share")
    switches = quality.get("involuntary_switches_per_s")
    if share is None or switches is None:
        return False
    return bool(share < LEAST_CPU_SHARE and switches > MOST_SWITCHES_PER_S)


def disturbed(quality: Mapping[str, Any], baseline: Sequence[Run]) -> bool:
    """Whether the run is no evidence.

    A benchmark whose baseline runs show the same signs causes them itself (threads, input and output):
    then they say nothing, or a regression could hide behind them.
    """
    if not preempted(quality):
        return False
    usual = [run.quality for run in baseline if run.quality]
    return not (usual and median(preempted(one) for one in usual) >= 0.5)

"""The processors that a benchmark may run on."""

from __future__ import annotations

import os
from typing import List


def allowed_processors() -> str:
    """Those of this thread, as Linux writes them: ``0-3,8``; empty where the system has no affinity."""
    if not hasattr(os, "sched_getaffinity"):
        return ""
    runs: List[List[int]] = []
    for cpu in sorted(os.sched_getaffinity(0)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)

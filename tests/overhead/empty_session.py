"""What the plugin adds to a session without benchmarks: processor time with and without it, taken in turns.

``python tests/overhead/empty_session.py [ROUNDS]`` prints the medians in milliseconds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List

ROUNDS = 20
PLUGIN = {"with": (), "without": ("-p", "no:edgeperf")}


def project(folder: Path) -> Path:
    """A project of one ordinary test."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_ordinary.py").write_text("def test_ordinary():\n    assert True\n")
    return folder


def cpu_s(folder: Path, *arguments: str) -> float:
    """User and system time of one session in a fresh process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST_", "EDGEPERF_"))}
    # Without the cache of bytecode, which every installation has, both would compile all of pytest.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(command, cwd=folder, env=kept, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status) if hasattr(os, "waitstatus_to_exitcode") else status
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def costs_s(folder: Path, rounds: int = ROUNDS) -> Dict[str, List[float]]:
    """The processor time of sessions with and without the plugin, taken in turns; the first of each is left out."""
    costs: Dict[str, List[float]] = {name: [] for name in PLUGIN}
    for turn in range(rounds + 1):
        for name, arguments in PLUGIN.items():
            taken = cpu_s(folder, *arguments)
            if turn:
                costs[name].append(taken)
    return costs


def added_s(costs: Dict[str, List[float]]) -> float:
    """The difference of the medians."""
    return statistics.median(costs["with"]) - statistics.median(costs["without"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        measured = costs_s(project(Path(temporary)), int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    for name, taken in measured.items():
        print(f"{name} the plugin: {1e3 * statistics.median(taken):.1f} ms (least {1e3 * min(taken):.1f})")
    least = min(measured["with"]) - min(measured["without"])
    print(f"the plugin adds {1e3 * added_s(measured):.1f} ms (between the least: {1e3 * least:.1f})")

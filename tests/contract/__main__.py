"""The contract and the tests of each installed runtime, in a process of its own, with their branch coverage.

    python -m tests.contract [NAME ...]

Several runtimes in one process get in each other's way (thread pools, protobuf, LLVM), as they never do in a worker.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

HERE = Path(__file__).parent
FRAMEWORKS = HERE.parent / "frameworks"
#: Percent of the branches of the runtimes' files.
FLOOR = 85
LONGEST_S = 900


def names() -> List[str]:
    """Every runtime that has a test of the contract."""
    return sorted(path.stem[len("test_") :] for path in HERE.glob("test_*.py") if path.stem != "test_third_party")


def main(chosen: List[str]) -> int:
    """Run those that were named, or all; the exit code."""
    failed: List[str] = []
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "erase"], check=True)
    for name in chosen or names():
        files = [str(path) for path in (HERE / f"test_{name}.py", FRAMEWORKS / f"test_{name}.py") if path.exists()]
        print(f"== {name}", flush=True)
        command = [*coverage, "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
        try:
            code = subprocess.run(command, timeout=LONGEST_S, check=False).returncode
        except subprocess.TimeoutExpired:
            code = -1
        if code:
            failed.append(f"{name} ({code})")
    subprocess.run([*coverage, "combine", "--quiet"], check=True)
    floor = [] if chosen else [f"--fail-under={FLOOR}"]
    report = subprocess.run([*coverage, "report", "--include=pytest_edgeperf/frameworks/*", *floor], check=False)
    print(f"failed: {', '.join(failed)}" if failed else "every runtime keeps the contract")
    return 1 if failed or report.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

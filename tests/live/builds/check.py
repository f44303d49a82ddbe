"""What builds of the same source differ by, measured in lock-step; a table of docs/statistics-lock-step.md.

    python -m tests.live.builds.check [--builds N] [--write docs]

In a temporary repository compiled functions are built so many times on each side: the same builds on both, then builds
of their own. Prints by how much latency differs, and whether a network that is exported or quantised twice does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from pytest_edgeperf.frameworks.onnxruntime.conversion import CONVERTED
from pytest_edgeperf.results import Results, read
from tests.statistics.calibration import write_between

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
SAME, OTHER = "the same builds", "builds of their own"
#: What is made twice -> the file that holds it.
FILES = {"exported": "model.onnx", "quantised": CONVERTED}
MARKER = "duet-builds"


class Spread(NamedTuple):
    """How the pairs of one workload differ, as logarithms of candidate / base."""

    mean: float
    sd: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Spread:
        """Of the pairs' log ratios."""
        return cls(float(np.mean(ratios)), float(np.std(ratios, ddof=1)))


class Repository:
    """The workloads in a repository of their own; what this checkout builds is of another version, or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self.cache = folder / "cache"
        self.folder.mkdir()
        self._git("init", "--quiet")
        (self.folder / "pytest.ini").write_text("[pytest]\n")
        shutil.copy(str(HERE / "workloads.py"), str(self.folder / "test_builds.py"))
        shutil.copy(str(HERE / "makers.py"), str(self.folder / "makers.py"))
        self._version(0)
        self._git("add", ".")
        self._git(
            "-c", "user.name=edgeperf", "-c", "user.email=edgeperf@localhost", "commit", "--quiet", "-m", "builds"
        )

    def measure(self, version: int, builds: int) -> Results:
        """A pair of every build: HEAD's, which is of version 0, against this checkout's."""
        self._version(version)
        path = self.folder.parent / "results.json"
        options = (f"--edgeperf-builds={builds}", f"--edgeperf-max-rounds={builds}", f"--edgeperf-results={path}")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--against=HEAD", *options],
            cwd=self.folder,
            env={
                **os.environ,
                "EDGEPERF_CACHE_DIR": str(self.cache),
                "PYTHONPATH": str(self.folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(done.stdout, flush=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with {done.returncode}")
        return read(path)

    def _version(self, version: int) -> None:
        (self.folder / "version.json").write_text(json.dumps(version))

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True)


def differs(maker: str, folder: Path) -> bool:
    """Whether the maker's file has other bytes when it is made once more, by another process."""
    digests = set()
    for number in ("0", "1"):
        target = folder / f"{maker}-{number}"
        target.mkdir()
        code = f"import makers, pathlib; makers.{maker}(pathlib.Path({str(target)!r}), 0)"
        path = os.pathsep.join([str(HERE), str(ROOT / "benchmarks"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": path, "EDGEPERF_BUILD": number}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        digests.add(hashlib.sha256((target / FILES[maker]).read_bytes()).hexdigest())
    return len(digests) > 1


def spreads(results: Results) -> Dict[str, Spread]:
    """By the workload's name."""
    assert results.against is not None
    return {
        id.partition("::test_")[2].partition("[")[0]: Spread.of([pair["log_ratio"] for pair in pairs])
        for id, pairs in results.against.pairs.items()
    }


def table(cells: Mapping[str, Mapping[str, Spread]]) -> str:
    """Standard deviations of pairs in percent, and what the builds alone must have added."""
    lines = [
        f"| sd per pair, % | {SAME} on both sides | {OTHER} | added by the builds |",
        "| --- | --: | --: | --: |",
    ]
    added: List[float] = []
    for name, same in cells[SAME].items():
        other = cells[OTHER][name]
        added.append(max(other.sd**2 - same.sd**2, 0.0) ** 0.5)
        lines.append(f"| {name} | {100 * same.sd:.2f} | {100 * other.sd:.2f} | {100 * added[-1]:.2f} |")
    lines.append(f"| median | | | {100 * median(added):.2f} |")
    return "\n".join(lines)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", type=int, default=12, help="builds of each workload and side")
    parser.add_argument("--write", type=Path, help="a page, or a folder of pages, whose tables are made anew")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="edgeperf-builds-") as folder:
        for maker in FILES:
            print(f"{maker} twice: {'other' if differs(maker, Path(folder)) else 'the same'} bytes", flush=True)
        repository = Repository(Path(folder))
        cells = {SAME: spreads(repository.measure(0, options.builds))}
        cells[OTHER] = spreads(repository.measure(1, options.builds))
    print(table(cells))
    if options.write:
        write_between(options.write, {MARKER: table(cells)})
    return 0


if __name__ == "__main__":
    sys.exit(main())

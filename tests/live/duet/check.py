"""Lock-step comparison on this machine: what it sees, what it does not, and by which choices.

    python -m tests.live.duet.check [--pairs N] [--only CELL,...] [--keep FOLDER] [--write docs]

Commits ten real workloads to a temporary repository, then more of their work, and measures them ``--against`` the
commit before: quiet and beside a busy process, pinned and not, with turns of 5 to 200 ms. Verdicts are drawn from each
cell's pairs through the function that judges sessions. Exits with 1 when a promise of
docs/statistics-lock-step.md is not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from itertools import repeat
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.rules.lock_step_latency import FEWEST_PAIRS
from pytest_edgeperf.results import Results, read, write
from tests.live.duet import tables
from tests.statistics.calibration import write_between

ROOT = Path(__file__).parents[3]
WORKLOADS = Path(__file__).with_name("workloads.py")
BUSY = "import os\nwhile os.getppid() == {parent}: sum(range(100000))"


class Cell(NamedTuple):
    """Sessions of one kind."""

    name: str
    #: Work that this checkout does beyond the other commit's, as a share.
    more: float = 0.0
    options: Tuple[str, ...] = ()
    busy: bool = False
    #: Of the pairs asked for, as a share.
    share: float = 1.0


UNCHANGED = "unchanged"
CELLS = (
    Cell(UNCHANGED),
    Cell("2 % more work", more=0.02),
    Cell("5 % more work", more=0.05),
    Cell("turns of 5 ms", options=("--edgeperf-turn=0.005",), share=0.5),
    Cell("turns of 20 ms", options=("--edgeperf-turn=0.02",), share=0.5),
    Cell("turns of 200 ms", options=("--edgeperf-turn=0.2",), share=0.5),
    Cell("not pinned", options=("--edgeperf-cpus=off",), share=0.5),
    Cell("beside a busy process", busy=True, share=0.5),
    Cell("not pinned, beside a busy process", options=("--edgeperf-cpus=off",), busy=True, share=0.5),
)


class Repository:
    """A repository with the workloads; each commit says how much more work they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._git("init", "--quiet")
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_duet.py").write_text(WORKLOADS.read_text())
        self.commit({})

    def commit(self, spins: Dict[str, int]) -> None:
        """Make what these workloads do besides a commit of its own."""
        (self.folder / "spins.json").write_text(json.dumps(spins, sort_keys=True))
        self._git("add", ".")
        identity = ("-c", "user.name=edgeperf", "-c", "user.email=edgeperf@localhost")
        self._git(*identity, "commit", "--quiet", "--allow-empty", "-m", "more work")

    def measure(self, cell: Cell, pairs: int) -> Results:
        """So many pairs of every workload: against the commit before where there is more work, else against HEAD."""
        reference = "HEAD~1" if cell.more else "HEAD"
        path = self.folder.parent / f"{cell.name}.json"
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    f"--against={reference}",
                ),
                f"--edgeperf-rounds={pairs}",
                f"--edgeperf-max-rounds={pairs}",
                f"--edgeperf-results={path}",
                *cell.options,
            ],
            cwd=self.folder,
            env={**os.environ, "EDGEPERF_LIVE_BENCHMARKS": str(ROOT / "benchmarks")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}")
        return read(path)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, check=True)


def nanoseconds_a_spin(steps: int = 100_000, tries: int = 50) -> float:
    """What one step of an empty loop takes: the best of many tries."""
    values = []
    for _ in range(tries):
        start = time.perf_counter_ns()
        for _ in repeat(None, steps):
            pass
        values.append((time.perf_counter_ns() - start) / steps)
    return min(values)


@contextmanager
def company(busy: bool) -> Iterator[None]:
    """With a process beside that never rests, or without."""
    if not busy:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", BUSY.format(parent=os.getpid())])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def spins_of(unchanged: Results, share: float) -> Dict[str, int]:
    """The steps of the empty loop that add this share of work to each workload."""
    a_spin_ns = nanoseconds_a_spin()
    values = {}
    for id, benchmark in unchanged.benchmarks.items():
        medians = sorted(run.values["latency"]["p50"] for run in benchmark.runs)
        values[id.partition("::")[2]] = round(share * medians[len(medians) // 2] * 1e6 / a_spin_ns)
    return values


def measure(folder: Path, pairs: int, only: Sequence[str]) -> Dict[str, Results]:
    """Every cell that was asked for; those that lie in the folder already are read."""
    kept = {cell.name: read(path_in(folder, cell)) for cell in CELLS if path_in(folder, cell).exists()}
    with tempfile.TemporaryDirectory(prefix="edgeperf-duet-") as scratch:
        repository = Repository(Path(scratch) / "repository")
        for cell in CELLS:
            if cell.name in kept or (only and cell.name not in only):
                continue
            began = time.monotonic()
            repository.commit(spins_of(kept[UNCHANGED], cell.more) if cell.more else {})
            with company(cell.busy):
                kept[cell.name] = repository.measure(cell, max(FEWEST_PAIRS, round(cell.share * pairs)))
            write(path_in(folder, cell), kept[cell.name])
            print(f"{cell.name}: {time.monotonic() - began:.0f} s", flush=True)
            repository.commit({})
    return kept


def path_in(folder: Path, cell: Cell) -> Path:
    """Where a cell's results are kept."""
    return folder / f"{cell.name.replace(' ', '-')}.json"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Measure, print and check; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=24, help="pairs of each workload; half in most cells")
    parser.add_argument("--only", type=lambda text: text.split(","), default=(), help="cells, comma-separated")
    parser.add_argument("--keep", type=Path, help="folder of the cells' results; those in it are not measured again")
    parser.add_argument("--write", type=Path, help="a page, or a folder of pages, whose tables are made anew")
    options = parser.parse_args(arguments)
    with ExitStack() as made:
        folder = options.keep or Path(made.enter_context(tempfile.TemporaryDirectory(prefix="edgeperf-duet-")))
        folder.mkdir(parents=True, exist_ok=True)
        results = measure(folder, options.pairs, options.only)
    sections = tables.sections(results)
    print("\n\n".join(sections.values()))
    if options.write:
        write_between(options.write, sections)
    said, kept = tables.promises(results)
    print("\n".join(said))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

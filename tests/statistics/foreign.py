"""The judge on run-level recordings of other people, which this repository does not hold.

EDGEPERF_FOREIGN_DATA=FOLDER python -m tests.statistics.foreign [--sessions N] [--write docs]

Prints how many sessions in which nothing was changed raise an alarm: the same commit built and measured again days
later, and sessions resampled within one session of a machine. Only such summaries go into docs/statistics-days.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from scipy.stats import beta

from pytest_edgeperf.judge.verdicts import REGRESSED
from pytest_edgeperf.results.types import Run

from .calibration import per_cent, table, write_between
from .recordings import ENVIRONMENT
from .sessions import STAGES, runs_in_stages

VARIABLE = "EDGEPERF_FOREIGN_DATA"
BASELINE_RUNS = 10
TOLERANCES = (0.02, 0.0)
FEW_RUNS = (1, 2, 3, 5)

#: Per benchmark: ln of each run's minimum and median in seconds, (runs, 2), and the sd of ln within each run, (runs,).
Recorded = Dict[str, Tuple[Any, Any]]
#: The commits of the two sides, as far as they are told.
Commits = Tuple[Optional[str], Optional[str]]
SAME: Commits = ("a", "a")
OTHER: Commits = ("a", "b")


def as_runs(summaries: Any, spread: Any, session: str, commit: Optional[str] = None) -> List[Run]:
    """Runs of a results file from ln(min), ln(median) and the standard deviation within the run."""
    runs = []
    for position, ((low, middle), within) in enumerate(zip(summaries, spread)):
        block_sd = {"min": max(float(within), 1e-4), "p50": max(float(within), 1e-4)}
        latency = {"min": 1e3 * np.exp(low), "p50": 1e3 * np.exp(middle), "n": 3, "block_sd": block_sd}
        started = f"2026-11-20T12:{position:02}:00Z"
        runs.append(
            Run(ENVIRONMENT, started, session, {"latency": latency}, commit=commit, quality={"disturbed": False})
        )
    return runs


def check(
    before: Recorded,
    after: Recorded,
    tolerance: float,
    sessions: Tuple[str, str],
    commits: Commits = SAME,
    base: int = BASELINE_RUNS,
    stages: Sequence[int] = STAGES,
) -> bool:
    """Whether the first runs of ``after``, checked in stages against the first of ``before``, raise an alarm."""
    old = {name: as_runs(*(part[:base] for part in one), sessions[0], commits[0]) for name, one in before.items()}
    new = {name: as_runs(*(part[: STAGES[-1]] for part in one), sessions[1], commits[1]) for name, one in after.items()}
    comparison, _ = runs_in_stages(old, new, stages, tolerance)
    return comparison.summary[REGRESSED] > 0


def rebuilt_row(folder: Path, text: str, commits: Commits) -> List[str]:
    """The same code, built and measured again 1 to 4 days later."""
    stored = np.load(folder / "same_commit.npz")
    pairs = sorted({key.partition("/")[0] for key in stored.files})
    cells = []
    for tolerance in TOLERANCES:
        alarmed = 0
        for pair in pairs:
            before, after = (
                {
                    f"b{at}": (values.astype(float), within.astype(float))
                    for at, (values, within) in enumerate(
                        zip(stored[f"{pair}/{side}"], stored[f"{pair}/{side}_sd"][..., 0])
                    )
                }
                for side in ("before", "after")
            )
            alarmed += check(before, after, tolerance, ("first build", "second build"), commits)
        cells.append(of(alarmed, len(pairs)))
    return [text, *cells]


def resampled_row(text: str, suites: Sequence[Recorded], sessions: int) -> List[str]:
    """Sessions whose baseline and check are runs of the same recorded session, drawn at random."""
    counts = dict.fromkeys(TOLERANCES, 0)
    for before, after in resampled(suites, sessions):
        for tolerance in TOLERANCES:
            counts[tolerance] += check(before, after, tolerance, ("one", "two"))
    return [text, *[of(counts[tolerance], sessions) for tolerance in TOLERANCES]]


def few_runs_row(text: str, suites: Sequence[Recorded], sessions: int) -> List[str]:
    """The same with baselines of few runs, against 3, 6 and 9: the most of the three that alarm."""
    cells = []
    for base in FEW_RUNS:
        counts = [0, 0, 0]
        for before, after in resampled(suites, sessions):
            for at, runs in enumerate(STAGES):
                counts[at] += check(before, after, TOLERANCES[0], ("one", "two"), base=base, stages=(runs,))
        cells.append(of(max(counts), sessions))
    return [text, *cells]


def resampled(suites: Sequence[Recorded], sessions: int) -> Iterator[Tuple[Recorded, Recorded]]:
    """Draw the runs of a baseline and of a check from one recorded session, again and again."""
    for seed in range(sessions):
        rng = random.Random(seed)
        before, after = {}, {}
        for name, (values, within) in suites[seed % len(suites)].items():
            chosen = rng.sample(range(len(values)), BASELINE_RUNS + STAGES[-1])
            rows, others = chosen[:BASELINE_RUNS], chosen[BASELINE_RUNS:]
            before[name], after[name] = (values[rows], within[rows]), (values[others], within[others])
        yield before, after


def pyperformance(folder: Path) -> Dict[str, List[Recorded]]:
    """Suites of one session each, by machine."""
    stored = np.load(folder / "pyperf-two-machines.npz")
    machines: Dict[str, List[Recorded]] = {}
    for machine in sorted({key.partition("/")[0] for key in stored.files}):
        values, session = stored[f"{machine}/values"].astype(float), stored[f"{machine}/session"]
        names = stored[f"{machine}/benchmark"]
        for number in np.unique(session):
            cells = np.flatnonzero(session == number)
            machines.setdefault(machine, []).append({str(names[cell]): _summaries(values[cell]) for cell in cells})
    return machines


def raspberry_pi(folder: Path) -> Recorded:
    """Fifty programs on a Raspberry Pi, one time per process: nothing is known of the spread within a run."""
    stored = np.load(folder / "raspberry_pi.npz")
    times = stored["ln_seconds"].astype(float)
    return {
        str(name): (np.stack([row, row], axis=1), np.full(len(row), row.std() / 2))
        for name, row in zip(stored["name"], times)
    }


def _summaries(values: Any) -> Tuple[Any, Any]:
    return np.stack([values.min(axis=1), np.median(values, axis=1)], axis=1), values.std(axis=1, ddof=1)


def of(events: int, trials: int) -> str:
    """A count with the exact two-sided 95 % interval of its rate (Clopper & Pearson 1934, Biometrika 26)."""
    low = 0.0 if events == 0 else float(beta.ppf(0.025, events, trials - events + 1))
    high = 1.0 if events == trials else float(beta.ppf(0.975, events + 1, trials - events))
    return f"{events} of {trials} ({per_cent(low)} to {per_cent(high)} %)"


def tables(folder: Path, sessions: int) -> str:
    """Sessions in which nothing was changed, and baselines of few runs."""
    again = "the same code built and measured again, 1 to 4 days later"
    rows = [rebuilt_row(folder, again, SAME), rebuilt_row(folder, f"{again}, as another commit", OTHER)]
    machines = {f"pyperformance within a session, {name}": suites for name, suites in pyperformance(folder).items()}
    machines["50 programs on a Raspberry Pi"] = [raspberry_pi(folder)]
    rows += [resampled_row(text, suites, sessions) for text, suites in machines.items()]
    head = ["sessions in which nothing was changed", *[f"alarms, tolerance {100 * one:.0f} %" for one in TOLERANCES]]
    few = [few_runs_row(text, suites, sessions) for text, suites in machines.items()]
    few_head = ["alarms with a baseline of", *(f"{runs} run{'s' * (runs > 1)}" for runs in FEW_RUNS)]
    return f"{table(head, rows)}\n\n{table(few_head, few)}"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=200, help="resampled sessions a machine")
    parser.add_argument("--write", type=Path, help="a page, or a folder of pages, whose tables are made anew")
    options = parser.parse_args(arguments)
    if VARIABLE not in os.environ:
        print(f"{VARIABLE} names no folder of recordings: nothing to do")
        return 0
    text = tables(Path(os.environ[VARIABLE]), options.sessions)
    print(text)
    if options.write:
        write_between(options.write, {"foreign": text})
    return 0


if __name__ == "__main__":
    sys.exit(main())

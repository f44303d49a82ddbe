"""Whether real networks' slower operators are found: ``python -m tests.explain.check [--tries 20] [FRAMEWORK …]``.

Each try profiles every variant of a network in a process of its own, twice as it is. The first row must be the slower
operator, and an unchanged pair must blame nothing. Exits with 1 where fewer than 19 of 20 tries are right.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from pytest_edgeperf.judge.explanation import explain
from pytest_edgeperf.report.explanation_tables import explanation_lines
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.cost_profiles import CostProfile, compact
from pytest_edgeperf.results.explanations import Explanation

from .networks import BASE, VARIANTS, load
from .simulation import blamed

ENOUGH = 0.95
_WARM_UP, _TIMED = 10, 40
_RISE = 0.03


class Pass(NamedTuple):
    """What a process found: the latency of fast calls, measured before it was profiled, and the profile."""

    latency_ms: float
    profile: CostProfile


class Outcome(NamedTuple):
    """One pair of passes, explained."""

    variant: str
    is_right: bool
    explanation: Explanation


def profiled_here(framework: str, variant: str, folder: Path) -> Pass:
    """Measure and profile a variant in this process."""
    from pytest_edgeperf.measure.profiled_pass import operator_costs

    engine = load(framework, variant, folder)
    inputs = list(engine.example_inputs(2))
    times_ms = []
    for number in range(_WARM_UP + _TIMED):
        began = time.perf_counter()
        engine.infer(*inputs[number % len(inputs)])
        times_ms.append(1e3 * (time.perf_counter() - began))
    profile = engine.profile_operators(inputs)
    engine.close()
    # The tenth part: most calls of a busy machine are interrupted.
    return Pass(statistics.quantiles(times_ms[_WARM_UP:], n=10)[0], CostProfile(operator_costs(profile)))


def profiled(framework: str, variant: str, folder: Path) -> Pass:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.explain.check", "--pass", framework, variant, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    if done.returncode:
        raise RuntimeError(f"profiling {variant} with {framework} failed: {done.stderr[-2000:]}")
    passed: Dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Pass(passed["latency_ms"], CostProfile.from_dict(passed["profile"]))


def outcomes(framework: str, folder: Path, variants: Optional[Sequence[str]] = None) -> Iterator[Outcome]:
    """One try: an unchanged pair, and each variant against what is kept of the first pass."""
    before = profiled(framework, BASE, folder)
    kept = compact(before.profile)
    after = profiled(framework, BASE, folder)
    unchanged = explain(kept, after.profile, before.latency_ms, _risen(before, after))
    yield Outcome("unchanged", not blamed(unchanged), unchanged)
    for variant in VARIANTS[framework] if variants is None else variants:
        after = profiled(framework, variant, folder)
        explanation = explain(kept, after.profile, before.latency_ms, _risen(before, after))
        first = explanation.tables[0].rows[0]
        wanted = VARIANTS[framework][variant]
        yield Outcome(variant, first.blamed and wanted in f"{first.label} {first.was}", explanation)


def _risen(before: Pass, after: Pass) -> float:
    """A latency that rose, as it has in a session that explains one, by what the profile shows or a little.

    A busy machine changes latencies by more than a single process of each side can tell.
    """
    rise_ms = sum_of(after) - sum_of(before)
    return before.latency_ms + max(rise_ms, _RISE * before.latency_ms)


def sum_of(side: Pass) -> float:
    """What all operators take together, in milliseconds."""
    return side.profile.operators.sum_ms if side.profile.operators is not None else 0.0


def main(arguments: List[str]) -> int:
    """Run the tries; print how many were right, and what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", default=list(VARIANTS))
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--pass", dest="one", nargs=3, metavar=("FRAMEWORK", "VARIANT", "FOLDER"))
    asked = parser.parse_args(arguments)
    if asked.one:
        here = profiled_here(asked.one[0], asked.one[1], Path(asked.one[2]))
        print(json.dumps({"latency_ms": here.latency_ms, "profile": here.profile.to_dict()}))
        return 0
    enough = True
    for framework in asked.frameworks:
        right: Dict[str, int] = {}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(asked.tries):
                print(f"{framework}: try {number + 1} of {asked.tries}", file=sys.stderr, flush=True)
                for outcome in outcomes(framework, Path(folder)):
                    right[outcome.variant] = right.get(outcome.variant, 0) + outcome.is_right
                    if not outcome.is_right or not number:
                        title = f"{framework}, {outcome.variant}" + ("" if outcome.is_right else ": WRONG")
                        print("\n".join(explanation_lines(title, outcome.explanation, Paper(110), everything=True)))
        for variant, number in right.items():
            least = asked.tries if variant == "unchanged" else ENOUGH * asked.tries
            enough = enough and number >= least
            print(f"{framework}, {variant}: right in {number} of {asked.tries} tries", flush=True)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

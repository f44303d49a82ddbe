"""The judge: two sets of runs in, verdicts and what to measure further out."""

from __future__ import annotations

import math
from typing import Dict, Sequence

from pytest_edgeperf.judge.comparability import environment_matcher
from pytest_edgeperf.judge.evidence import Evidence, Unjudged, gather
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.machines import other_machine
from pytest_edgeperf.judge.renames import with_renames
from pytest_edgeperf.judge.rules import table
from pytest_edgeperf.judge.rules.judging import judge
from pytest_edgeperf.judge.rules.rule import Case
from pytest_edgeperf.judge.verdicts import MORE, STOP, Comparison, Step
from pytest_edgeperf.results.benchmark_matching import align
from pytest_edgeperf.results.types import Results
from pytest_edgeperf.settings import TOLERANCE


def step(base: Results, candidate: Results, family: Family, stage: Stage) -> Step:
    """Judge a session at one of its planned stages.

    Before the final stage a benchmark may be cleared (``stop``) and the others are measured further
    (``more``); rejecting is left to the final stage, since a rejection after three runs alone fails
    4 to 7 % of sessions of 50 benchmarks in which nothing changed. Benchmarks that are in the baseline
    but not in the family were not collected and are not reported.
    """
    return _judge(base, candidate, family, stage)


def compare(
    base: Results,
    candidate: Results,
    *,
    tolerance: float = TOLERANCE,
    alpha: float = 0.01,
    allow_differences: Sequence[str] = (),
) -> Comparison:
    """Judge two sets of runs as they are: all benchmarks of both are the family, in a single look.

    Where a benchmark has few candidate runs its error level is lowered by ``corrections.RUNS_FACTOR``,
    and with fewer than three nothing is rejected. A benchmark is the test function with its parameters' values,
    whatever the id calls them.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha!r}; it must be between 0 and 1")
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance is {tolerance!r}; it must be a ratio - 1 of at least 0, such as 0.02")
    base = align(base, {name: benchmark.parameters for name, benchmark in candidate.benchmarks.items()})

    def judged(before: Results, after: Results) -> Comparison:
        ids = tuple(dict.fromkeys((*before.benchmarks, *after.benchmarks)))
        family = Family(ids, tolerance=tolerance, alpha=alpha, allowed_differences=tuple(allow_differences))
        return _judge(before, after, family, Stage(runs=0, final=True)).comparison

    return with_renames(judged(base, candidate), base, candidate, judged)


def _judge(base: Results, candidate: Results, family: Family, stage: Stage) -> Step:
    differences = environment_matcher(base, candidate, family.allowed_differences)
    unjudged: Dict[str, Unjudged] = {}
    evidence: Dict[str, Evidence] = {}
    for benchmark in family.benchmarks:
        gathered = gather(base.benchmarks.get(benchmark), candidate.benchmarks.get(benchmark), differences)
        if isinstance(gathered, Unjudged):
            unjudged[benchmark] = gathered
        elif gathered is not None:
            evidence[benchmark] = gathered
    case = Case(base, candidate, family, stage, evidence)
    judged = judge(case, table.RULES)
    decisions, verdicts = {}, {}
    for benchmark in family.benchmarks:
        if benchmark in unjudged:
            verdicts[benchmark] = unjudged[benchmark].verdict
            go_on = unjudged[benchmark].measure_again
        elif benchmark in evidence:
            verdicts[benchmark] = judged.benchmark(benchmark, case)
            go_on = benchmark in judged.suspects
        else:
            continue
        decisions[benchmark] = MORE if go_on and not stage.final else STOP
    suite = judged.suite
    comparison = Comparison(
        verdicts,
        common_shift=suite.common_shift,
        common_shift_of=suite.common_shift_of,
        lines=tuple(judged.lines),
        other_machine=other_machine(
            base, candidate, [(entry.baseline, entry.candidate) for entry in evidence.values()]
        ),
        apart=suite.apart,
        gain=suite.gain,
    )
    return Step(decisions, comparison)

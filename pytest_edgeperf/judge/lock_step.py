"""The judge of sides that were measured in lock-step: pairs in, verdicts and what to measure further out."""

from __future__ import annotations

from typing import Mapping

from pytest_edgeperf.judge.comparability import environment_matcher
from pytest_edgeperf.judge.evidence import evidence_of_pairs
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.rules import table
from pytest_edgeperf.judge.rules.judging import judge
from pytest_edgeperf.judge.rules.lock_step_latency import MUST_DETECT, Duet, LockStepLatencyRule, Look
from pytest_edgeperf.judge.rules.rule import LATENCY, Case
from pytest_edgeperf.judge.verdicts import MORE, REGRESSED, STOP, Comparison, Step
from pytest_edgeperf.results.types import Results

__all__ = ["MUST_DETECT", "Duet", "Look", "step"]


def step(
    duets: Mapping[str, Duet],
    base: Results,
    candidate: Results,
    family: Family,
    look: Look,
    *,
    must_detect: float = MUST_DETECT,
) -> Step:
    """Judge all duets at one of the planned looks.

    Latency is judged by the pairs, and rejected at any look. Everything else that gates is judged by the rules of
    stored runs, and phases and tails inform.

    Args:
        duets: the pairs by benchmark id; those of the family without an entry were not measured.
        base: the base's runs, for the metrics beside latency.
        candidate: this checkout's runs, likewise.
        family: what was collected; ``tolerance`` is that of lock-step comparison.
        look: which look this is.
        must_detect: the slowdown that ``unchanged`` has to rule out, with 95 % confidence: a ratio - 1.
    """
    measured = {id: duets[id] for id in family.benchmarks if id in duets and duets[id].pairs}
    if not measured:
        return Step({}, Comparison({}))
    differences = environment_matcher(base, candidate)
    evidence = {id: evidence_of_pairs(base.benchmarks[id], candidate.benchmarks[id], differences) for id in measured}
    case = Case(base, candidate, family, Stage(runs=0, final=True), evidence)
    judged = judge(case, table.in_lock_step(LockStepLatencyRule(measured, look, must_detect)))
    verdicts = {id: judged.benchmark(id, case) for id in measured}
    decisions = {}
    for id in measured:
        regressed = judged.metrics[id][LATENCY].verdict == REGRESSED
        decisions[id] = MORE if id in judged.suspects and not regressed and not look.final else STOP
    return Step(decisions, Comparison(verdicts))

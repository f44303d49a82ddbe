"""The judge: two sets of runs in, verdicts and what to measure further out."""

from __future__ import annotations

import math
from statistics import median
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.comparability import environment_matcher
from pytest_edgeperf.judge.evidence import Evidence, Unjudged, gather
from pytest_edgeperf.judge.family import Family, Stage
from pytest_edgeperf.judge.machines import other_machine
from pytest_edgeperf.judge.renames import with_renames
from pytest_edgeperf.judge.rules.accuracies import AccuracyQuestion, answer_accuracies, count_gating
from pytest_edgeperf.judge.rules.questions import Questions
from pytest_edgeperf.judge.rules.ratios import Answers, answer
from pytest_edgeperf.judge.rules.study_lines import LineQuestions
from pytest_edgeperf.judge.statistics.t_tests import Level, Tested, accuracies_level, levels, lines_level
from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    MORE,
    NEW,
    REGRESSED,
    STOP,
    UNCHANGED,
    BenchmarkVerdict,
    Comparison,
    MetricVerdict,
    Step,
)
from pytest_edgeperf.results.benchmark_matching import align
from pytest_edgeperf.results.types import Results

#: A shift is called common when at least this many benchmarks are judged.
SHIFT_BENCHMARKS = 3
#: A shift is common when this share of them moved the same way: two of four that regressed are not "all".
SHIFT_SHARE = 0.75

#: From worst to best, what a metric's verdict makes of its benchmark.
BENCHMARK_VERDICTS: Mapping[str, Tuple[int, str]] = {
    REGRESSED: (0, REGRESSED),
    INCONCLUSIVE: (1, INCONCLUSIVE),
    MISSING: (1, INCONCLUSIVE),
    INCOMPARABLE: (1, INCONCLUSIVE),
    IMPROVED: (2, IMPROVED),
    UNCHANGED: (3, UNCHANGED),
    NEW: (4, NEW),
}


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
    tolerance: float = 0.02,
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
    base = align(base, {name: one.parameters for name, one in candidate.benchmarks.items()})

    def judge(one: Results, other: Results) -> Comparison:
        ids = tuple(dict.fromkeys((*one.benchmarks, *other.benchmarks)))
        family = Family(ids, tolerance=tolerance, alpha=alpha, allowed_differences=tuple(allow_differences))
        return _judge(one, other, family, Stage(runs=0, final=True)).comparison

    return with_renames(judge(base, candidate), base, candidate, judge)


def _judge(base: Results, candidate: Results, family: Family, stage: Stage) -> Step:
    differences = environment_matcher(base, candidate, family.allowed_differences)
    questions = Questions(family)
    unjudged: Dict[str, Unjudged] = {}
    judged: Dict[str, Evidence] = {}
    metrics: Dict[str, Dict[str, MetricVerdict]] = {}
    suspects = set()
    for benchmark in family.benchmarks:
        found = gather(base.benchmarks.get(benchmark), candidate.benchmarks.get(benchmark), differences)
        if isinstance(found, Unjudged):
            unjudged[benchmark] = found
        elif found is not None:
            judged[benchmark] = found
            may_regress = stage.final and found.made >= stage.runs
            at_once = questions.raise_for(benchmark, found, may_regress=may_regress)
            metrics[benchmark] = {}
            for name, outcome in at_once.items():
                if isinstance(outcome, MetricVerdict):
                    metrics[benchmark][name] = outcome
                    continue
                metrics[benchmark][name] = outcome.verdict
                if outcome.suspicious and outcome.verdict.gates:
                    suspects.add(benchmark)
    lines = LineQuestions(base, candidate, family)
    latency = Answers([], [], None, {}, None)
    groups = (questions.latency, questions.others, questions.informing)
    accuracies = count_gating(candidate, family)
    for group, level in zip(groups, levels(family, len(questions.informing.questions), lines.count, accuracies)):
        answers = answer(group, level, final=stage.final, must_detect=family.must_detect)
        if group is questions.latency:
            latency = answers
        for question, metric_verdict in answers.verdicts:
            metrics[question.benchmark][question.name] = metric_verdict
            if question.gates and metric_verdict.verdict == INCONCLUSIVE:
                suspects.add(question.benchmark)
    for accuracy, verdict in judged_accuracies(questions, accuracies_level(family, accuracies, lines.count)):
        metrics[accuracy.benchmark][accuracy.name] = verdict
    line_verdicts = lines.answer(judged, lines_level(family, lines.count), stage, latency.excess)
    suspects.update(name for line in line_verdicts if line.suspicious for name in line.verdict.benchmarks)
    decisions, verdicts = {}, {}
    for benchmark in family.benchmarks:
        if benchmark in unjudged:
            verdicts[benchmark] = unjudged[benchmark].verdict
            go_on = unjudged[benchmark].measure_again
        elif benchmark in judged:
            verdicts[benchmark] = combine(metrics[benchmark], judged[benchmark])
            go_on = benchmark in suspects
        else:
            continue
        decisions[benchmark] = MORE if go_on and not stage.final else STOP
    shift = common_shift(latency.tests, family.tolerance)
    others = other_machine(base, candidate, [(one.baseline, one.candidate) for one in judged.values()])
    of_lines = tuple(line.verdict for line in line_verdicts)
    comparison = Comparison(verdicts, shift, of_lines, other_machine=others, apart=latency.apart, gain=latency.gain)
    return Step(decisions, comparison)


def judged_accuracies(questions: Questions, level: Level) -> List[Tuple[AccuracyQuestion, MetricVerdict]]:
    """Answer the accuracies: those that gate at their level, those that inform at the whole alpha among themselves."""
    gate = [one for one in questions.accuracies if one.gates]
    inform = [one for one in questions.accuracies if not one.gates]
    among_them = Level(level.alpha, len(inform), 1.0, level.suspicion)
    return answer_accuracies(gate, level) + answer_accuracies(inform, among_them)


def combine(metrics: Mapping[str, MetricVerdict], evidence: Evidence) -> BenchmarkVerdict:
    """Return the worst of the gating metrics; where none is judged, say so."""
    ordered = {name: metrics[name] for name in evidence.metrics if name in metrics}
    gating = [BENCHMARK_VERDICTS[metric.verdict] for metric in ordered.values() if metric.gates]
    reason = evidence.note
    if gating:
        verdict = min(gating)[1]
    else:
        verdict, reason = INCONCLUSIVE, "no metric that gates was measured"
    sides = evidence.sides() if verdict == REGRESSED else None
    return BenchmarkVerdict(verdict, ordered, reason=reason, differences=evidence.differences, sides=sides)


def common_shift(latency_tests: List[Tested], tolerance: float) -> Optional[float]:
    """Return the median ratio of the benchmarks' median latencies when most moved the same way beyond the tolerance.

    It is shown and never subtracted: a framework that became slower moves all benchmarks too.
    """
    shifts = [test.contrast.difference for test in latency_tests if test.contrast.summary == "p50"]
    if len(shifts) < SHIFT_BENCHMARKS:
        return None
    shift = median(shifts)
    moved = [one for one in shifts if one * shift > 0 and abs(one) > math.log1p(tolerance)]
    return math.exp(shift) if len(moved) >= SHIFT_SHARE * len(shifts) else None

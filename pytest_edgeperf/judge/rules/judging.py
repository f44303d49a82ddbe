"""From evidence to verdicts on metrics: each question goes to its rule, and each rule answers at its level."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from pytest_edgeperf.judge.loaded_differences import loaded_differences
from pytest_edgeperf.judge.rules.rule import Answers, Case, Question, Rule, Suite
from pytest_edgeperf.judge.rules.table import Entry, levels
from pytest_edgeperf.judge.statistics.corrections import Level
from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    BenchmarkVerdict,
    LineVerdict,
    MetricVerdict,
)

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


@dataclass
class Judged:
    """What all rules answered."""

    #: Benchmark id -> metric -> verdict.
    metrics: Dict[str, Dict[str, MetricVerdict]]
    #: Benchmarks that further runs could decide.
    suspects: Set[str] = field(default_factory=set)
    lines: List[LineVerdict] = field(default_factory=list)
    suite: Suite = field(default_factory=Suite)

    def add(self, answers: Answers) -> None:
        """Take in the answers of a rule."""
        for answer in answers.metrics:
            self.metrics[answer.benchmark][answer.metric] = answer.verdict
            if answer.suspicious and answer.verdict.gates:
                self.suspects.add(answer.benchmark)
        self.lines.extend(answers.lines)
        self.suspects.update(answers.suspects)
        if answers.suite is not None:
            self.suite = answers.suite

    def benchmark(self, name: str, case: Case) -> BenchmarkVerdict:
        """The worst of a benchmark's gating metrics; where none was judged, it says so."""
        evidence = case.evidence[name]
        metrics = self.metrics[name]
        ordered = {metric: metrics[metric] for metric in evidence.metrics if metric in metrics}
        gating = [BENCHMARK_VERDICTS[verdict.verdict] for verdict in ordered.values() if verdict.gates]
        verdict = min(gating)[1] if gating else INCONCLUSIVE
        reason = evidence.note if gating else "no gating metric was measured"
        judged = BenchmarkVerdict(verdict, ordered, reason=reason, differences=evidence.differences)
        if verdict != REGRESSED:
            return judged
        records = case.base.loaded, case.candidate.loaded
        loaded = loaded_differences(name, evidence.baseline, evidence.candidate, *records)
        return replace(judged, sides=evidence.sides(), loaded=loaded)


class Asked(NamedTuple):
    """A rule, the level at which it answers the questions that gate, and all of its questions."""

    rule: Rule
    level: Level
    gating: List[Question]
    informing: List[Question]


def judge(case: Case, table: Sequence[Entry]) -> Judged:
    """Ask every rule of the table about every metric of every benchmark of the case."""
    asked, verdicts = ask(case, table)
    judged = Judged(verdicts)
    for rule, level, gating, informing in asked:
        judged.add(rule.answer(gating, level, replace(case, suite=judged.suite)))
        if informing:
            # What only informs is corrected for its own number alone.
            among_them = Level(level.alpha, len(informing), 1.0, level.suspicion)
            judged.add(rule.answer(informing, among_them, replace(case, suite=judged.suite)))
    return judged


def ask(case: Case, table: Sequence[Entry]) -> Tuple[List[Asked], Dict[str, Dict[str, MetricVerdict]]]:
    """Return what each rule is asked, and benchmark -> metric -> verdict where no rule needs to be."""
    rules = [entry.rule for entry in table]
    asked = [Asked(rule, level, [], []) for rule, level in zip(rules, levels(case, table))]
    verdicts: Dict[str, Dict[str, MetricVerdict]] = {}
    for benchmark, evidence in case.evidence.items():
        verdicts[benchmark] = {}
        marked = case.family.gates.get(benchmark, ())
        may_regress = case.may_regress(benchmark)
        for name, metric in evidence.metrics.items():
            gates = name in marked or any(rule.gates(name, metric) for rule in rules)
            question = Question.about(benchmark, name, evidence, gates=gates, may_regress=may_regress)
            if not (question.base or question.candidate):
                continue
            place = next(place for place, rule in enumerate(rules) if rule.judges(question))
            verdict = _without_test(question, rules[place])
            if verdict is not None:
                verdicts[benchmark][name] = verdict
            else:
                (asked[place].gating if gates else asked[place].informing).append(question)
    return asked, verdicts


def _without_test(question: Question, rule: Rule) -> Optional[MetricVerdict]:
    """The verdict that stands whatever the values are."""
    if not question.candidate:
        return question.unanswered(MISSING, "in the baseline, not measured", rule.summary)
    if not question.base:
        return question.unanswered(NEW, "not in the baseline", rule.summary)
    reason = question.evidence.changed_metrics.get(question.name) or rule.incomparable(question)
    return None if reason is None else question.unanswered(INCOMPARABLE, reason, rule.summary)

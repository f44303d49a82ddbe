"""Whether it is the machine, and between which commits the change lies: what a page says of it on top."""

from __future__ import annotations

from collections import Counter
from typing import List, Mapping, Optional, Sequence

from pytest_edgeperf.judge.verdicts import REGRESSED, BenchmarkVerdict
from pytest_edgeperf.report.html.elements import Html, element, long_text
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.loaded_text import environment_differences, without_record_text
from pytest_edgeperf.report.machine_text import as_sentence, machine_answer
from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.report.placement_text import counted_placements
from pytest_edgeperf.report.sentences import differences_text
from pytest_edgeperf.results.types import Run

_MOST_DIFFERENCES = 8


def commits_text(subject: Subject) -> Optional[str]:
    """Between which commits the change lies; ``None`` where nothing was compared, or no run knows its commit."""
    if not subject.runs_before:
        return None
    pairs = {
        tuple(side.commit for side in verdict.sides)
        for verdict in subject.comparison.benchmarks.values()
        if verdict.sides is not None
    } or {(_latest_commit(subject.runs_before), _latest_commit(subject.runs_now))}
    if subject.report.against is not None:
        return f"Between {subject.report.against} and {_commit(_latest_commit(subject.runs_now))}."
    if len(pairs) > 1:
        return "The baselines are of several commits; each benchmark below names its own."
    before, now = next(iter(pairs))
    if before is None and now is None:
        return None
    if before == now:
        return f"Both sides are of commit {before}: the code that is under version control is the same."
    return f"Between {_commit(before)} ({subject.sides[0]}) and {_commit(now)} ({subject.sides[1]})."


def _commit(name: Optional[str]) -> str:
    return "an unknown commit" if name is None else f"commit {name}"


def _latest_commit(runs: Sequence[Run]) -> Optional[str]:
    known = [(run.started, run.commit) for run in runs if run.commit is not None]
    return max(known)[1] if known else None


def machine_parts(subject: Subject) -> List[Html]:
    """Whether machine, environment or neighbours may be what moved."""
    answer = machine_answer(subject.comparison, subject.measured)
    parts = [element("p", element("strong", answer.sentence))]
    verdicts = subject.comparison.benchmarks
    unknown = without_record_text([verdict for verdict in verdicts.values() if verdict.verdict == REGRESSED])
    facts = [*answer.facts, *([] if unknown is None else [unknown])]
    texts = (*map(as_sentence, facts), *answer.signs, *answer.cautions, *_differences(verdicts))
    listed = [element("li", long_text(text)) for text in texts]
    if listed:
        parts.append(element("ul", *listed))
    return parts


def _differences(verdicts: Mapping[str, BenchmarkVerdict]) -> List[str]:
    """Each field of the environment that differs, with for how many benchmarks; placements that moved come first."""
    found: Counter[str] = Counter()
    for verdict in verdicts.values():
        for name, pair in environment_differences(verdict).items():
            found[differences_text({name: pair})] += 1
    counted = [*counted_placements(verdicts.values()).items(), *found.most_common()]
    lines = [
        f"{what} ({number} of {count(len(verdicts), 'benchmark')})" for what, number in counted[:_MOST_DIFFERENCES]
    ]
    more = len(counted) - _MOST_DIFFERENCES
    return [*lines, f"and {count(more, 'other difference')}"] if more > 0 else lines

"""The top of a page: what got slower and between which commits, whether it is the machine, and what to type next."""

from __future__ import annotations

from collections import Counter
from typing import List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    BenchmarkVerdict,
)
from pytest_edgeperf.report.html.benchmark_data import anchor
from pytest_edgeperf.report.html.elements import Html, element, long_text
from pytest_edgeperf.report.html.subject import FILES, STUDIES, Subject
from pytest_edgeperf.report.line_text import line_headline, lines_count
from pytest_edgeperf.report.machine_evidence import why_the_machine
from pytest_edgeperf.report.numbers import count, duration
from pytest_edgeperf.report.sentences import (
    apart_text,
    differences_text,
    inconclusive_text,
    ruled_out_text,
    worse_text,
)
from pytest_edgeperf.report.summary_text import is_bad
from pytest_edgeperf.results.types import Run

#: Of one kind; the list below has all.
_MOST_LISTED = 12
_MOST_UNCLEAR = 6
_MOST_DIFFERENCES = 8
#: In the order in which a reader wants them.
_COUNTED = (REGRESSED, INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)


def headline(subject: Subject) -> str:
    """The outcome in a few words: ``2 regressed, 1 failed, 13 unchanged``."""
    report = subject.report
    if subject.kind == STUDIES:
        return "Studies of " + ", ".join(name for name, _ in subject.files)
    parts: List[str] = []
    if report.faults:
        parts.append(f"{len(report.faults)} failed")
    if subject.comparison.benchmarks:
        counts = subject.comparison.summary
        parts += [f"{counts[word]} {word}" for word in _COUNTED if counts[word]]
        parts += filter(None, [lines_count(subject.comparison).lstrip(", ")])
    elif report.measured.benchmarks:
        parts.append(f"{len(report.measured.benchmarks)} measured")
    return ", ".join(parts) or "nothing measured"


def summary(subject: Subject) -> Html:
    """The section on top, which needs no script."""
    state, mark, words = _state(subject)
    title = element(
        "h1", element("span", mark, class_="mark", aria_hidden="true"), f"{words}: " if words else "", headline(subject)
    )
    parts: List[Optional[Html]] = [element("div", title, _facts(subject), class_=f"outcome {state}")]
    if subject.kind != STUDIES:
        parts += [_worse(subject), _machine(subject), _next(subject)]
    parts += [_more(subject)]
    return element("section", *parts, id="summary", aria_label="Summary")


def _state(subject: Subject) -> Tuple[str, str, str]:
    if subject.kind == STUDIES:
        return "neutral", "", ""
    comparison = subject.comparison
    worse = bool(comparison.summary[REGRESSED] or comparison.regressed_lines)
    if is_bad(subject.report):
        return "bad", "✕ ", "Slower or worse" if worse else "Failed"
    if worse:
        return "unsure", "! ", "Accepted although worse"
    if subject.report.comparison is None:
        return "neutral", "", "Measured"
    if comparison.summary[INCONCLUSIVE]:
        return "unsure", "? ", "Nothing got worse for certain"
    return "good", "✓ ", "Nothing got worse"


def _facts(subject: Subject) -> Html:
    """Device, machine, when and for how long, in a line."""
    report = subject.report
    facts = [report.device, *filter(None, [report.machine])]
    if report.against is not None:
        facts.append(f"against {report.against}")
    if report.rounds:
        facts.append(count(report.rounds, "round"))
    if report.seconds:
        facts.append(duration(report.seconds))
    started = sorted(run.started for name, run in _runs_now(subject) if run.started)
    if started:
        same_day = started[0][:10] == started[-1][:10]
        until = started[-1][11:] if same_day else started[-1]
        facts.append(_moment(started[0]) if started[0] == started[-1] else f"{_moment(started[0])} to {_clock(until)}")
    return element("ul", *(element("li", long_text(fact)) for fact in facts), class_="facts")


def _moment(started: str) -> str:
    return _clock(started.replace("T", " ", 1))


def _clock(started: str) -> str:
    return f"{started[:-1]} UTC" if started.endswith("Z") else started


def _runs_now(subject: Subject) -> List[Tuple[str, Run]]:
    return [(name, run) for name, known in subject.measured.benchmarks.items() for run in known.runs]


def _runs_before(subject: Subject) -> List[Tuple[str, Run]]:
    measured = subject.measured.benchmarks
    return [(name, run) for name, runs in subject.base_runs.items() if name in measured for run in runs]


def _worse(subject: Subject) -> Html:
    """What got slower or worse, or could not be measured, and between which commits."""
    report, comparison = subject.report, subject.comparison
    worse = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict == REGRESSED]
    items = [_link(name, worse_text(comparison.benchmarks[name])) for name in worse[:_MOST_LISTED]]
    items += _left_out(worse)
    items += [element("li", long_text(line_headline(line))) for line in comparison.regressed_lines[:_MOST_LISTED]]
    faults = list(report.faults.items())
    items += [_link(name, f"not measured: {' '.join(reason.split())}") for name, reason in faults[:_MOST_LISTED]]
    items += _left_out(faults)
    parts = [element("p", text) for text in [_commits(subject)] if text]
    parts.append(element("ul", *items) if items else element("p", "Nothing, as far as this measurement can tell."))
    unclear = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict == INCONCLUSIVE]
    if unclear:
        texts = [_link(name, inconclusive_text(comparison.benchmarks[name])) for name in unclear[:_MOST_UNCLEAR]]
        parts.append(element("h3", f"Not clear ({len(unclear)})"))
        parts.append(element("ul", *texts, *_left_out(unclear, _MOST_UNCLEAR)))
    rules_out = ruled_out_text(comparison)
    if rules_out:
        parts.append(element("p", f"{rules_out[:1].upper()}{rules_out[1:]}.", class_="remark"))
    return _card("What got slower, or worse?", parts)


def _commits(subject: Subject) -> Optional[str]:
    """Between which commits the change lies."""
    pairs = {
        tuple(side.commit for side in verdict.sides)
        for verdict in subject.comparison.benchmarks.values()
        if verdict.sides is not None
    } or {(_latest_commit(_runs_before(subject)), _latest_commit(_runs_now(subject)))}
    if subject.report.against is not None:
        return f"Between {subject.report.against} and {_commit(_latest_commit(_runs_now(subject)))}."
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


def _latest_commit(runs: Sequence[Tuple[str, Run]]) -> Optional[str]:
    known = [(run.started, run.commit) for _, run in runs if run.commit is not None]
    return max(known)[1] if known else None


def _machine(subject: Subject) -> Html:
    """Whether machine, environment or neighbours may be what moved."""
    comparison = subject.comparison
    signs = why_the_machine(comparison, subject.measured)
    differences = _differences(comparison.benchmarks)
    quiet = [text for text in (_disturbed(subject), apart_text(comparison)) if text]
    if signs:
        answer = "It may be: look at this before the code."
    elif differences:
        answer = "The recorded environments differ; nothing else points at the machine."
    elif subject.report.comparison is None:
        answer = "Nothing was compared."
    elif subject.report.against is not None:
        answer = "No sign of it: both sides took turns on this machine, and what slows it slows both."
    else:
        answer = "No sign of it: the recorded environments are the same, and the benchmarks did not move together."
    parts = [element("p", element("strong", answer))]
    listed = [element("li", long_text(text)) for text in (*signs, *differences, *quiet)]
    if listed:
        parts.append(element("ul", *listed))
    return _card("Is it the machine?", parts)


def _differences(verdicts: Mapping[str, BenchmarkVerdict]) -> List[str]:
    """Each field of the environment that differs, with how many benchmarks it differs for."""
    found: Counter[str] = Counter()
    for verdict in verdicts.values():
        for name, pair in verdict.differences.items():
            found[differences_text({name: pair})] += 1
    lines = [
        f"{what} ({number} of {count(len(verdicts), 'benchmark')})"
        for what, number in found.most_common(_MOST_DIFFERENCES)
    ]
    more = len(found) - _MOST_DIFFERENCES
    return [*lines, f"and {count(more, 'other difference')}"] if more > 0 else lines


def _disturbed(subject: Subject) -> Optional[str]:
    """How many runs other processes, heat or memory disturbed."""
    runs = [run for _, run in _runs_now(subject)]
    disturbed = [run for run in runs if run.disturbed]
    if not runs:
        return None
    if not disturbed:
        return f"None of {count(len(runs), 'run')} was disturbed."
    kinds: Counter[str] = Counter()
    for run in disturbed:
        reasons = (run.quality or {}).get("disturbed_by", ())
        kinds.update({" ".join(str(reason).split()[:1]) for reason in reasons} if isinstance(reasons, list) else ())
    by = ", ".join(f"{kind} in {number}" for kind, number in kinds.most_common(4) if kind)
    return f"{len(disturbed)} of {count(len(runs), 'run')} were disturbed{f' ({by})' if by else ''}, and are not used."


def _next(subject: Subject) -> Html:
    """Commands to type."""
    from pytest_edgeperf.report.next_steps import next_steps

    steps = next_steps(subject.comparison if subject.kind == FILES else subject.report)
    if not steps:
        text = (
            "No command follows from what this report knows." if is_bad(subject.report) else "Nothing needs to be done."
        )
        return _card("What do I type next?", [element("p", text)])
    rows = [
        element(
            "li",
            element("span", step.purpose, class_="purpose"),
            element(
                "span",
                element("code", step.command, tabindex="0"),
                element("button", "Copy", type="button", data_copy=step.command, class_="needs-script"),
                class_="command",
            ),
        )
        for step in steps
    ]
    return _card("What do I type next?", [element("ul", *rows, class_="steps")])


def _more(subject: Subject) -> Optional[Html]:
    """Notes of the session and the files that it wrote, behind a click."""
    report = subject.report
    notes = [element("li", long_text(note)) for note in report.notes]
    files = [element("li", f"{what}: ", long_text(path)) for what, path in report.written]
    if not notes and not files:
        return None
    title = " and ".join(
        text
        for text in (count(len(notes), "note") if notes else "", count(len(files), "file") if files else "")
        if text
    )
    return element("details", element("summary", title), element("ul", *notes, *files), class_="card notes")


def _card(title: str, parts: Sequence[Html]) -> Html:
    return element("div", element("h2", title), *parts, class_="card")


def _link(benchmark_id: str, remark: str) -> Html:
    name = long_text(benchmark_id)
    link = element("a", name if "<details" not in name else _cut(benchmark_id), href=f"#{anchor(benchmark_id)}")
    return element("li", link, " ", long_text(remark))


def _cut(benchmark_id: str) -> str:
    return f"{benchmark_id[:160]}…{benchmark_id[-40:]}"


def _left_out(items: Sequence[object], shown: int = _MOST_LISTED) -> List[Html]:
    more = len(items) - shown
    return [element("li", element("a", f"and {more} more, in the list below", href="#benchmarks"))] if more > 0 else []

"""The top of a page: what got slower and between which commits, whether it is the machine, and what to type next."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
)
from pytest_edgeperf.report.html.elements import Html, element, long_text
from pytest_edgeperf.report.html.machine_card import machine_parts
from pytest_edgeperf.report.html.subject import FILES, STUDIES, Subject
from pytest_edgeperf.report.html.worse_card import worse_parts
from pytest_edgeperf.report.line_text import lines_count
from pytest_edgeperf.report.numbers import count, duration
from pytest_edgeperf.report.outcome import (
    ACCEPTED,
    ERROR,
    FAILED,
    INTERRUPTED,
    NOT_ACCEPTED,
    NOTHING_COMPARED,
    PASS,
    UNBASELINED,
    outcome_of_comparison,
    outcome_of_session,
)
from pytest_edgeperf.report.text import enumerate_names

#: In the order in which a reader wants them, below what regressed or failed.
_COUNTED = (INCONCLUSIVE, INCOMPARABLE, MISSING, NEW, IMPROVED, UNCHANGED)


def headline(subject: Subject) -> str:
    """The outcome in a few words: ``2 regressed, 1 failed, 13 unchanged``."""
    report = subject.report
    if subject.kind == STUDIES:
        return "Results of " + enumerate_names(name for name, _ in subject.files)
    parts: List[str] = []
    accepted = sum(word != "kept" for word in report.refreshed.values())
    parts += [
        f"{number} {word}" for number, word in ((accepted, "accepted"), (len(report.refused), "not accepted")) if number
    ]
    counts = subject.comparison.summary
    parts += [f"{counts[REGRESSED]} {REGRESSED}"] if counts[REGRESSED] else []
    if report.faults:
        parts.append(f"{len(report.faults)} failed")
    if subject.comparison.benchmarks:
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
        parts += [
            _card("What got slower, or worse?", worse_parts(subject)),
            _card("Is it the machine?", machine_parts(subject)),
            _next(subject),
        ]
    parts += [_more(subject)]
    return element("section", *parts, id="summary", aria_label="Summary")


#: Outcome -> how it looks, its sign, and what it is called.
_STATES = {
    ERROR: ("bad", "✕ ", "Stopped by an error"),
    INTERRUPTED: ("unsure", "! ", "Interrupted"),
    REGRESSED: ("bad", "✕ ", "Slower or worse"),
    FAILED: ("bad", "✕ ", "Failed"),
    NOT_ACCEPTED: ("bad", "✕ ", "Not accepted"),
    INCONCLUSIVE: ("unsure", "? ", "Nothing got worse for certain"),
    UNBASELINED: ("unsure", "? ", "Not everything could be compared"),
    NOTHING_COMPARED: ("neutral", "", "Nothing was compared"),
    ACCEPTED: ("good", "✓ ", "Accepted"),
    PASS: ("good", "✓ ", "Nothing got worse"),
}


def _state(subject: Subject) -> Tuple[str, str, str]:
    if subject.kind == STUDIES:
        return "neutral", "", ""
    comparison = subject.comparison
    outcome = outcome_of_comparison(comparison) if subject.kind == FILES else outcome_of_session(subject.report)
    if outcome.verdict == ACCEPTED and (comparison.summary[REGRESSED] or comparison.regressed_lines):
        return "unsure", "! ", "Accepted although worse"
    undecided = outcome.verdict == PASS and comparison.summary[INCONCLUSIVE]
    return _STATES[INCONCLUSIVE if undecided else outcome.verdict]


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
    started = sorted(run.started for run in subject.runs_now if run.started)
    if started:
        same_day = started[0][:10] == started[-1][:10]
        until = started[-1][11:] if same_day else started[-1]
        facts.append(_moment(started[0]) if started[0] == started[-1] else f"{_moment(started[0])} to {_moment(until)}")
    return element("ul", *(element("li", long_text(fact)) for fact in facts), class_="facts")


def _moment(started: str) -> str:
    return _clock(started.replace("T", " ", 1))


def _clock(started: str) -> str:
    return f"{started[:-1]} UTC" if started.endswith("Z") else started


def _next(subject: Subject) -> Html:
    """Commands to type."""
    from pytest_edgeperf.report.next_steps import next_steps

    steps = next_steps(subject.comparison if subject.kind == FILES else subject.report)
    if not steps:
        good = _state(subject)[0] == "good"
        text = "Nothing needs to be done." if good else "No command follows from what this report knows."
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

"""How a report ends: the outcome, what got worse most, whether it may be the machine, and what to type next.

These answers stand together at the end, on one screen however long the tables, paths and commands are; when and where
it was measured, and which files were written, stands above them.
"""

from __future__ import annotations

from datetime import datetime
from typing import List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import REGRESSED, Comparison
from pytest_edgeperf.report.explanation_text import explanation_headline
from pytest_edgeperf.report.line_text import line_headline, lines_count
from pytest_edgeperf.report.machine_text import MachineAnswer, is_asked, machine_answer
from pytest_edgeperf.report.next_steps import NextStep, next_steps
from pytest_edgeperf.report.numbers import count, duration
from pytest_edgeperf.report.regressions import explained, worst_first
from pytest_edgeperf.report.sentences import commits_text, ruled_out_text, verdict_counts, worse_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import accepted, is_bad, judged, outcome_text
from pytest_edgeperf.report.text import Paper, cells, common_path, rows, shorten_name, wrap
from pytest_edgeperf.results.explanations import Explanation

#: Of a screen of 24, without pytest's last line and the prompt.
SCREEN_ROWS = 22
#: Benchmarks that are named again.
_MOST_WORST = 3


def closing(report: SessionReport, paper: Paper, left_out: Sequence[str], above: Sequence[str]) -> List[str]:
    """The last lines of a session's report.

    Args:
        left_out: clauses on what the tables do not list.
        above: the lines from the table of verdicts on, to tell what of it is still on the screen.
    """
    comparison = judged(report)
    machine = machine_answer(comparison, report.measured)
    details = _wrapped([ruled_out_text(comparison), *machine.cautions], paper)
    what = f"{report.device} ({report.machine})" if report.machine else report.device
    details += _wrapped([f"machine: {what}", f"measured: {measured_text(report)}"], paper)
    details += written_lines(report.written, paper)
    disturbed = any(run.disturbed for benchmark in report.measured.benchmarks.values() for run in benchmark.runs)
    asked = is_asked(comparison) or disturbed
    return _ended(
        _outcome(outcome_text(report), left_out, paper, bad=is_bad(report)),
        _worst(accepted(report), report.measured.explanations, paper),
        _machine(machine, paper, asked=asked),
        next_steps(report),
        (above, details),
        paper,
    )


def closing_of_files(comparison: Comparison, paper: Paper, left_out: Sequence[str], above: Sequence[str]) -> List[str]:
    """The last lines of a comparison of two files, in the same way."""
    candidate = None if comparison.files is None else comparison.files.candidate_results
    machine = machine_answer(comparison, candidate)
    bad = bool(comparison.regressed_lines or comparison.summary[REGRESSED])
    return _ended(
        _outcome(verdict_counts(comparison) + lines_count(comparison), left_out, paper, bad=bad),
        _worst(comparison, {} if candidate is None else candidate.explanations, paper),
        _machine(machine, paper, asked=is_asked(comparison)),
        next_steps(comparison),
        (above, _wrapped([ruled_out_text(comparison), *machine.cautions], paper)),
        paper,
    )


def next_lines(steps: Sequence[NextStep], paper: Paper, label: str = "next") -> List[str]:
    """What to type next: each command whole on its line, so that it can be pasted, however long it is."""
    labels = [paper.paint(paper.clean(f"{label}, {step.purpose}:"), "remark") for step in steps]
    return [f"{name} {paper.clean(step.command)}" for name, step in zip(labels, steps)]


def written_lines(written: Sequence[Tuple[str, str]], paper: Paper) -> List[str]:
    """What was written where, those of a kind together; each path whole on its line, so that it can be copied."""
    kinds: List[List[str]] = []
    for what, path in written:
        if not kinds or kinds[-1][0] != what:
            kinds.append([what])
        kinds[-1].append(path)
    lines: List[str] = []
    for what, first, *others in kinds:
        line = paper.clean(f"{what}{'s' if others and what == 'report' else ''}: {first}")
        for path in others:
            shown = paper.clean(path)
            if cells(line) + cells(shown) + 3 > paper.width:
                lines.append(line + ",")
                line = f"  {shown}"
            else:
                line += f", {shown}"
        lines.append(line)
    return lines


def measured_text(report: SessionReport) -> str:
    """``14:02:10 to 14:14:15 (12 min 5 s), 9 rounds``."""
    rounds = f"{count(report.rounds, 'round')}" if report.rounds else ""
    if report.started is None or report.ended is None:
        return " in ".join(filter(None, [rounds, duration(report.seconds)]))
    times = f"{_time(report.started)} to {_time(report.ended, report.started)} ({duration(report.seconds)})"
    return ", ".join(filter(None, [times, rounds]))


def _ended(
    outcome: List[str],
    worst: List[str],
    machine: List[str],
    steps: Sequence[NextStep],
    before: Tuple[Sequence[str], List[str]],
    paper: Paper,
) -> List[str]:
    """Details, an empty line, and the answers: what got worse most is among them where its row is above the screen."""
    above, details = before
    commands = next_lines(steps, paper)
    used = _rows([*above, *details, *outcome, *machine, *commands], paper) + 2
    worst = worst if used > SCREEN_ROWS else []
    room = SCREEN_ROWS - _rows([*outcome, *worst, *machine], paper)
    fit = 0
    while fit < len(commands) and (not fit or _rows(commands[: fit + 1], paper) <= room):
        fit += 1
    details = [*details, *next_lines(steps[fit:], paper, "after that")]
    return [*details, *([""] if details else []), *outcome, *worst, *machine, *commands[:fit]]


def _worst(comparison: Comparison, explanations: Mapping[str, Explanation], paper: Paper) -> List[str]:
    """The benchmarks and lines that got worse most, by how much, why where that is known, and between which commits."""
    names = worst_first(comparison)
    said = explained(comparison, {})
    prefix = common_path(names)
    texts = []
    for name in names[:_MOST_WORST]:
        moved = worse_text(comparison.benchmarks[name])
        own = commits_text(comparison.benchmarks[name]) if not said.commits else ""
        short = shorten_name(paper.name(name[len(prefix) :]), paper.width - len("  :"), paper.ellipsis)
        headline = explanation_headline(explanations[name]) if name in explanations else None
        why = "" if headline is None else f"; {headline}"
        texts.append(f"{short}: {', '.join(filter(None, [moved, own]))}{why}")
    texts += [line_headline(line) for line in comparison.regressed_lines[: _MOST_WORST - len(texts)]]
    if not texts:
        return []
    number = len(names) + len(comparison.regressed_lines)
    which = f"the worst {len(texts)} of {number}" if number > len(texts) else "worst"
    heading = ", ".join(filter(None, [which, said.commits]))
    lines = wrap(paper.clean(f"{heading}:"), paper.width, hanging="  ")
    return lines + [row for text in texts for row in wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")]


def _machine(machine: MachineAnswer, paper: Paper, *, asked: bool) -> List[str]:
    """Whether it is the machine: the answer where something asks for it, and what speaks for it in any case."""
    lines = _wrapped([f"is it the machine? {'; '.join(machine.clauses)}"] if asked else [], paper)
    for text in machine.signs:
        lines += [paper.paint(line, "warning") for line in wrap(paper.clean(text), paper.width, indent="  ")]
    return lines


def _outcome(text: str, left_out: Sequence[str], paper: Paper, *, bad: bool) -> List[str]:
    lines = wrap(paper.clean("; ".join([text, *left_out])), paper.width)
    return [paper.paint(line, "bad" if bad else "strong") for line in lines]


def _rows(lines: Sequence[str], paper: Paper) -> int:
    return sum(rows(line, paper.width) for line in lines)


def _wrapped(texts: Sequence[Optional[str]], paper: Paper) -> List[str]:
    return [line for text in texts if text is not None for line in wrap(paper.clean(text), paper.width, hanging="  ")]


def _time(moment: datetime, since: Optional[datetime] = None) -> str:
    """The time of day, with the date of the first and of another day."""
    if since is not None and moment.date() == since.date():
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d %H:%M:%S")

"""What GitHub Actions shows of a session: annotations at its tests, the summary of its step, and outputs.

Documented in GitHub's "Workflow commands for GitHub Actions". It reads commands from what a step prints, and appends
from two files; none of this needs a token, so that it works on pull requests from forks.
"""

from __future__ import annotations

import os
from typing import Container, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import INCOMPARABLE, INCONCLUSIVE, MISSING, NEW, REGRESSED
from pytest_edgeperf.report.change_text import failure_message
from pytest_edgeperf.report.explanation_text import explanation_line
from pytest_edgeperf.report.exporters.markdown import Markdown, session_markdown
from pytest_edgeperf.report.line_text import failing_lines, line_name, line_text
from pytest_edgeperf.report.machine_evidence import why_the_machine
from pytest_edgeperf.report.machine_text import machine_answer
from pytest_edgeperf.report.markup import code
from pytest_edgeperf.report.numbers import change, count
from pytest_edgeperf.report.outcome import OUTCOMES, outcome_of_session
from pytest_edgeperf.report.placement_text import placement_text
from pytest_edgeperf.report.sentences import difference_lines, differences_text, inconclusive_text, measured_lines
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import accepted, judged
from pytest_edgeperf.report.text import enumerate_names, middle_ellipsis
from pytest_edgeperf.results.characters import printable, printable_lines

ERROR, WARNING, NOTICE = "error", "warning", "notice"
#: GitHub shows no more annotations of a kind for a step.
MOST_OF_A_KIND = 10
#: GitHub drops the whole summary of a step that is larger.
SUMMARY_BYTES = 1024 * 1024
#: Left for what else the step may append.
_SPARE_BYTES = 4096
_TITLE_CHARACTERS = 200
_MESSAGE_CHARACTERS = 3000
_NAMES_LISTED = 5


class Annotation(NamedTuple):
    """A message of a kind, beside a line of a file where that is known; ``path`` is relative to the rootdir."""

    kind: str
    title: str
    message: str
    place: Optional[Tuple[str, int]] = None


def annotations_of(report: SessionReport, *, annotated: Container[str] = ()) -> List[Annotation]:
    """Errors for what got worse, then for faults, warnings for what is not clear or compared; at most ten of a kind.

    Args:
        report: the session.
        annotated: ids of failed tests that another plugin annotates.
    """
    made = [*_regressions(report, annotated), *_faults(report, annotated), *_undecided(report), *_informing(report)]
    return [
        annotation
        for kind in (ERROR, WARNING, NOTICE)
        for annotation in _first_ten([annotation for annotation in made if annotation.kind == kind])
    ]


def command(annotation: Annotation, rootdir: str, workspace: Optional[str]) -> str:
    """The line that GitHub reads; a file outside of the workspace, which it cannot show, is left out."""
    properties: Dict[str, str] = {}
    if annotation.place is not None:
        path = _in_workspace(os.path.join(rootdir, annotation.place[0]), workspace)
        if path is not None:
            properties = {"file": path, "line": str(annotation.place[1])}
    properties["title"] = middle_ellipsis(printable(annotation.title), _TITLE_CHARACTERS, "…")
    message = printable_lines(annotation.message)
    if len(message) > _MESSAGE_CHARACTERS:
        message = message[:_MESSAGE_CHARACTERS] + " …"
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{annotation.kind} {listed}::{_data(message)}"


def step_summary(report: SessionReport, present_bytes: int) -> Optional[str]:
    """The Markdown to append to a step's summary of so many bytes; ``None`` where it is full."""
    # What is written as Markdown is as short as a comment.
    whole = [path for kind, path in report.written if kind == "report" and not path.endswith(Markdown.suffixes)]
    files = [code(os.path.basename(path)) for path in whole]
    all_by = (
        enumerate_names(files)
        if files
        else "a file of `--edgeperf-report` that ends in `.html` or `.json`, uploaded as an artefact"
    )
    room = SUMMARY_BYTES - _SPARE_BYTES - present_bytes
    document = session_markdown(report, room, all_by=all_by)
    return document if len(document.encode("utf-8", "backslashreplace")) <= room else None


def outputs(report: SessionReport) -> Dict[str, str]:
    """What later steps read as ``steps.ID.outputs.NAME``: words and numbers, in which no line ends."""
    counts = judged(report).summary
    return {
        "verdict": outcome_of_session(report).verdict,
        "regressed": str(0 if report.mode == "refresh" else counts[REGRESSED]),
        "failed": str(len(report.faults)),
        "inconclusive": str(counts[INCONCLUSIVE]),
    }


def merged_outputs(of_devices: Sequence[Mapping[str, str]]) -> Dict[str, str]:
    """The outputs of several devices that one session measured: the worst verdict, and how many on all of them."""
    merged = dict(of_devices[0])
    for each in of_devices[1:]:
        for name, value in each.items():
            if name == "verdict":
                merged[name] = min(merged[name], value, key=OUTCOMES.index)
            else:
                merged[name] = str(int(merged[name]) + int(value))
    return merged


def _regressions(report: SessionReport, annotated: Container[str]) -> List[Annotation]:
    refresh = report.mode == "refresh"
    kind, word = (WARNING, "accepted although worse") if refresh else (ERROR, REGRESSED)
    comparison = accepted(report)
    made = []
    for name, verdict in comparison.benchmarks.items():
        if verdict.verdict == REGRESSED:
            why = explanation_line(report.measured.explanations.get(name))
            evidence = [why, *measured_lines(name, verdict)[1:], *difference_lines(verdict)]
            lines_said = [placement_text(verdict), f"{failure_message(name, verdict)}.", *evidence]
            message = "\n".join(filter(None, lines_said))
            made.append((name, Annotation(kind, f"{word}: {_test(name)}", message, report.locations.get(name))))
    for name, lines in failing_lines(comparison, report.locations).items():
        for line in lines:
            place = report.locations.get(name)
            made.append((name, Annotation(kind, f"{word}: {line_name(line)}", line_text(line), place)))
    return [annotation for name, annotation in made if refresh or name not in annotated]


def _faults(report: SessionReport, annotated: Container[str]) -> List[Annotation]:
    return [
        Annotation(ERROR, f"not measured: {_test(name)}", reason, report.locations.get(name))
        for name, reason in report.faults.items()
        if name not in annotated
    ]


def _undecided(report: SessionReport) -> List[Annotation]:
    """What was not accepted, is not clear, was not compared, or has crept; one annotation for those of one reason."""
    of_reason: Dict[Tuple[str, str], List[str]] = {}
    for name, reason in report.refused.items():
        of_reason.setdefault(("not accepted", reason), []).append(name)
    for name, verdict in accepted(report).benchmarks.items():
        if verdict.verdict == INCONCLUSIVE:
            of_reason.setdefault((INCONCLUSIVE, inconclusive_text(verdict)), []).append(name)
        elif verdict.verdict == INCOMPARABLE:
            reason = differences_text(verdict.differences) or verdict.reason or ""
            of_reason.setdefault(("not compared", reason), []).append(name)
        elif verdict.verdict == MISSING and report.mode != "refresh":
            of_reason.setdefault(("not compared", "in the baseline, but not measured"), []).append(name)
    for name, creep in report.crept.items():
        reason = f"latency {change(creep.ratio)} since {creep.since}, in steps that were accepted"
        of_reason.setdefault(("slower than its anchor", reason), []).append(name)
    return [_of_all(WARNING, title, reason, names, report) for (title, reason), names in of_reason.items()]


def _informing(report: SessionReport) -> List[Annotation]:
    comparison = judged(report)
    made = []
    new = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict == NEW]
    if new and report.mode != "refresh":
        made.append(_of_all(NOTICE, "no baseline yet", "--baseline=refresh accepts the runs", new, report))
    signs = why_the_machine(comparison, report.measured)
    if signs and (comparison.summary[REGRESSED] or comparison.regressed_lines):
        answer = machine_answer(comparison, report.measured)
        made.append(Annotation(NOTICE, "is it the machine?", "\n".join([answer.sentence, *signs])))
    return made


def _of_all(kind: str, title: str, reason: str, names: Sequence[str], report: SessionReport) -> Annotation:
    """One annotation for benchmarks with the same reason, at the test only where there is one."""
    if len(names) == 1:
        return Annotation(kind, f"{title}: {_test(names[0])}", reason, report.locations.get(names[0]))
    shown = [_test(name) for name in names[:_NAMES_LISTED]]
    more = len(names) - len(shown)
    listed = ", ".join([*shown, f"{more} more"] if more else shown)
    return Annotation(kind, f"{title}: {count(len(names), 'benchmark')}", f"{reason}\n{listed}")


def _first_ten(of_kind: Sequence[Annotation]) -> List[Annotation]:
    """As many as GitHub shows; where there are more, the last says how many."""
    if len(of_kind) <= MOST_OF_A_KIND:
        return list(of_kind)
    shown = of_kind[: MOST_OF_A_KIND - 1]
    more = len(of_kind) - len(shown)
    return [*shown, Annotation(of_kind[0].kind, f"{more} more", f"{more} more in the summary of this step")]


def _test(name: str) -> str:
    """A benchmark's name without its file, beside which it is shown."""
    return name.partition("::")[2] or name


def _in_workspace(path: str, workspace: Optional[str]) -> Optional[str]:
    if not workspace:
        return None
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(workspace))
    outside = relative == os.pardir or relative.startswith(os.pardir + os.sep)
    return None if outside or not relative.isprintable() else relative


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

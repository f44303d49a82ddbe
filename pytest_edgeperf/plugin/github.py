"""A session's report where GitHub Actions shows it: the step's summary and outputs by files, annotations by lines."""

from __future__ import annotations

import os
from typing import IO, Any, Dict, List, Mapping, Optional, Sequence

import pytest

from pytest_edgeperf.plugin.state import FAILED_CALLS
from pytest_edgeperf.report.github import (
    SUMMARY_BYTES,
    Annotation,
    annotations_of,
    command,
    merged_outputs,
    outputs,
    step_summary,
)
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.characters import printable_lines

SUMMARY_VARIABLE, OUTPUT_VARIABLE = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
#: It prints an annotation for each test whose call failed.
_ANNOTATING_PLUGIN = "pytest_github_actions_annotate_failures"


def annotates_failures(config: pytest.Config) -> bool:
    """Whether another plugin annotates failed tests by their reports; its old releases do not see ours."""
    return any(
        type(plugin).__module__.startswith(_ANNOTATING_PLUGIN) and hasattr(plugin, "pytest_runtest_logreport")
        for plugin in config.pluginmanager.get_plugins()
    )


def part_of(config: pytest.Config, report: SessionReport, present_bytes: int, *, annotated: bool) -> Dict[str, Any]:
    """What GitHub is to show of a session, as plain values that an xdist worker can send.

    Args:
        config: of the session.
        report: what it has to report.
        present_bytes: of the step's summary, or what others may need of it.
        annotated: whether another plugin annotates failed tests.
    """
    failed = config.stash.get(FAILED_CALLS, set())
    made = annotations_of(report, annotated=failed if annotated else ())
    return {
        "annotations": [list(annotation) for annotation in made],
        "summary": step_summary(report, present_bytes),
        "outputs": outputs(report),
    }


def deliver(parts: Sequence[Mapping[str, Any]], rootdir: str, environ: Mapping[str, str]) -> List[str]:
    """Append to the step's files; the lines to print, among them what could not be written, in sentences."""
    lines = []
    for part in parts:
        for kind, title, message, place in part["annotations"]:
            annotation = Annotation(kind, title, message, None if place is None else tuple(place))
            lines.append(command(annotation, rootdir, environ.get("GITHUB_WORKSPACE")))
    written = "".join(f"{name}={value}\n" for name, value in merged_outputs([p["outputs"] for p in parts]).items())
    troubles = [_append(environ.get(SUMMARY_VARIABLE), "the summary of this step", part["summary"]) for part in parts]
    troubles.append(_append(environ.get(OUTPUT_VARIABLE), "the outputs of this step", written))
    return [*lines, *(f"edgeperf: {trouble}" for trouble in troubles if trouble is not None)]


def room(config: pytest.Config, environ: Mapping[str, str], sharers: int = 1) -> Dict[str, Any]:
    """What :func:`part_of` needs to know of a step; ``sharers`` are the sessions that share its summary."""
    try:
        present_bytes = os.path.getsize(environ.get(SUMMARY_VARIABLE, ""))
    except OSError:
        present_bytes = 0
    share = (SUMMARY_BYTES - present_bytes) // sharers
    return {"present_bytes": SUMMARY_BYTES - share, "annotated": annotates_failures(config)}


def _append(path: Optional[str], what: str, text: Optional[str]) -> Optional[str]:
    """Append to a file of GitHub's; what prevents it, in a sentence."""
    if not path:
        return None
    if text is None:
        return f"{what} is full, so that the report was not added to it"
    try:
        with open(path, "ab+") as file:
            data = (_end_of_line(file) + text).encode("utf-8", "backslashreplace")
            if what.startswith("the summary") and file.tell() + len(data) > SUMMARY_BYTES:
                return f"{what} is full, so that the report was not added to it"
            file.write(data)
    except OSError as error:
        return printable_lines(f"{what} could not be written: {error}")
    return None


def _end_of_line(file: IO[bytes]) -> str:
    """What ends the last line of a file that something else left open."""
    if not file.seek(0, os.SEEK_END):
        return ""
    file.seek(-1, os.SEEK_END)
    return "" if file.read(1) == b"\n" else "\n"

"""The report of a session on the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_edgeperf.plugin.report_files import session_report
from pytest_edgeperf.report import terminal
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import can_show_unicode
from pytest_edgeperf.results.characters import printable_lines
from pytest_edgeperf.schedule.session import MeasuringSession


def print_summary(reporter: Any, config: pytest.Config, measuring: MeasuringSession) -> None:
    """Print the session's report, then whatever of our own went wrong."""
    errors = measuring.coordinator.errors
    reporter.section("edgeperf")
    with errors.survive("the report"):
        reporter.write_line(_rendered(config, session_report(config, measuring)))
    session = reporter._session
    if errors and session is not None and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    for sentence in errors.unprinted():
        reporter.write_line(f"edgeperf: {printable_lines(sentence)}", red=True, bold=True)


def _rendered(config: pytest.Config, report: SessionReport) -> str:
    writer = config.get_terminal_writer()
    return terminal.render(
        report,
        width=writer.fullwidth,
        colour=writer.hasmarkup,
        verbosity=config.option.verbose,
        ascii_only=not can_show_unicode(getattr(writer._file, "encoding", None)),
    )

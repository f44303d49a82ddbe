"""HTML: one file with everything in it, for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_edgeperf.report.exporters.interface import Exporter

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.verdicts import Comparison
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper


class HtmlPage(Exporter):
    """One page that asks for nothing from a network."""

    name = "html"
    suffixes = (".html", ".htm")
    shows_benchmarks = True

    def session(self, report: SessionReport, paper: Paper) -> str:
        """The outcome, every benchmark with its runs, and the studies."""
        from pytest_edgeperf.report.html.page import render
        from pytest_edgeperf.report.html.subject import Subject

        return render(Subject(report))

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """The same of two results files; without their runs where the comparison does not hold them."""
        from pytest_edgeperf.report.html.page import render
        from pytest_edgeperf.report.html.subject import of_files

        return render(of_files(comparison))

    def studies(self, across: Across, paper: Paper) -> str:
        """The studies of results files, and their benchmarks."""
        from pytest_edgeperf.report.html.page import render
        from pytest_edgeperf.report.html.subject import of_studies

        return render(of_studies(across))

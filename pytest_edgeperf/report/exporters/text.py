"""Plain text for a terminal, or for a file of a fixed width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from pytest_edgeperf.report.exporters.interface import Exporter

if TYPE_CHECKING:
    from pytest_edgeperf.devices.doctor import Diagnosis
    from pytest_edgeperf.judge.noise.analysis import Noise
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.verdicts import Comparison
    from pytest_edgeperf.report.published_matching import Reference
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.explanations import Explanation
    from pytest_edgeperf.results.types import Results


class Text(Exporter):
    """What a terminal shows."""

    name = "text"
    suffixes = (".txt",)
    for_terminal = True

    def session(self, report: SessionReport, paper: Paper) -> str:
        """The report that pytest's summary shows with ``-v``."""
        from pytest_edgeperf.report.terminal import render

        return render(report, width=paper.width, colour=paper.colour, ascii_only=paper.ascii_only, verbosity=1)

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """Both figures, change and verdict in a table, then what got worse in sentences."""
        from pytest_edgeperf.report.terminal import render_comparison

        return render_comparison(comparison, width=paper.width, colour=paper.colour, ascii_only=paper.ascii_only)

    def explanation(self, benchmark_id: str, explanation: Explanation, paper: Paper) -> str:
        """What explains the loss, and a table of all rows."""
        from pytest_edgeperf.report.explanation_tables import explanation_lines

        return "\n".join(explanation_lines(benchmark_id, explanation, paper, everything=True))

    def studies(self, across: Across, paper: Paper) -> str:
        """Tables of lines, ratios, ranks, shares and Pareto fronts."""
        from pytest_edgeperf.report.study_tables import across_text

        return across_text(across, paper)

    def references(self, references: Sequence[Reference], measured: Results, paper: Paper) -> str:
        """A row per published figure, below its benchmark."""
        from pytest_edgeperf.report.published_figures import references_table
        from pytest_edgeperf.report.sections import Names

        return "\n".join(references_table(references, Names(list(measured.benchmarks), paper), paper))

    def noise(self, noise: Noise, paper: Paper) -> str:
        """A table, the false alarms, and what would help."""
        from pytest_edgeperf.report.noise_text import noise_text

        return noise_text(noise, paper)

    def diagnosis(self, device: str, machine: str, diagnosis: Diagnosis, paper: Paper) -> str:
        """All checks, the worst first, each with its remedy."""
        from pytest_edgeperf.report.doctor_text import doctor_text

        return doctor_text(f"{device}: {machine}", diagnosis, paper)

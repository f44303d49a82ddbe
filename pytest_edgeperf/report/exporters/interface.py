"""What a format of reports is to be: a name, and a method for each kind of report that it can show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, List, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from pytest_edgeperf.devices.doctor import Diagnosis
    from pytest_edgeperf.judge.noise.analysis import Noise
    from pytest_edgeperf.judge.studies.across_files import Across
    from pytest_edgeperf.judge.studies.study_results import StudyResult
    from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
    from pytest_edgeperf.report.exported import Exported
    from pytest_edgeperf.report.published_matching import Reference
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.explanations import Explanation
    from pytest_edgeperf.results.types import Benchmark, Results


class PlotError(Exception):
    """A picture cannot be drawn; the message says why, and what helps."""


class Exporter:
    """A format of reports. A subclass overrides the methods of the kinds that it can show, and no others.

    All but :meth:`properties` and :meth:`pictures` return a whole document. ``paper`` is what it is shown on: its
    width, and whether it takes colour and more than ASCII; formats for files and programs have no need of it.
    Texts of the arguments may come from a stranger's test or file: escape them as the format demands.
    """

    #: As typed with ``--format``, and shown in messages.
    name: ClassVar[str]
    #: How files end that ``--edgeperf-report FILE`` writes in this format: ``(".md",)``.
    suffixes: ClassVar[Tuple[str, ...]] = ()
    #: For a person at a terminal, among other output; other formats have the standard output to themselves.
    for_terminal: ClassVar[bool] = False
    #: Whether :meth:`studies` shows the benchmarks too, so that it has something to show without a study.
    shows_benchmarks: ClassVar[bool] = False

    def session(self, report: SessionReport, paper: Paper) -> str:
        """A finished session: ``--edgeperf-report FILE``."""
        raise NotImplementedError

    def comparison(self, comparison: Comparison, paper: Paper) -> str:
        """One results file judged against another: ``edgeperf compare``."""
        raise NotImplementedError

    def explanation(self, benchmark_id: str, explanation: Explanation, paper: Paper) -> str:
        """Why one benchmark got slower: ``edgeperf explain``."""
        raise NotImplementedError

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """Results for another tool, those of each device once: ``edgeperf export``.

        Raises:
            ExportError: the format cannot hold them.
        """
        raise NotImplementedError

    def studies(self, across: Across, paper: Paper) -> str:
        """The studies of one or several results files: ``edgeperf report``."""
        raise NotImplementedError

    def references(self, references: Sequence[Reference], measured: Results, paper: Paper) -> str:
        """Published figures beside those of a results file: ``edgeperf baseline references``."""
        raise NotImplementedError

    def noise(self, noise: Noise, paper: Paper) -> str:
        """How much runs of the same code differ: ``edgeperf noise``."""
        raise NotImplementedError

    def diagnosis(self, device: str, machine: str, diagnosis: Diagnosis, paper: Paper) -> str:
        """What makes a machine measure wrongly: ``edgeperf doctor``. ``machine`` describes it in a line."""
        raise NotImplementedError

    def properties(self, benchmark: Benchmark, verdict: Optional[BenchmarkVerdict]) -> List[Tuple[str, str]]:
        """One benchmark's figures and verdict as names and texts, for the report of its test."""
        raise NotImplementedError

    def pictures(self, studies: Sequence[StudyResult], folder: Path) -> List[Path]:
        """Draw the studies into files of a folder; the files' paths: ``edgeperf report --plot``.

        Raises:
            PlotError: there is nothing to draw, or what draws it is not installed.
            ResultsError: a file cannot be written.
        """
        raise NotImplementedError

    def can_show(self, kind: str) -> bool:
        """Whether it has a method of its own for a kind of report, such as ``comparison``."""
        return getattr(type(self), kind) is not getattr(Exporter, kind)


class ResultsExporter(Exporter):
    """A format for another tool: a session is exported as its results would be, with its verdicts."""

    def session(self, report: SessionReport, paper: Paper) -> str:
        """A finished session, without the benchmarks that failed."""
        from pytest_edgeperf.report.exported import session_exported

        return self.results([session_exported(report)], paper)

"""What a page is about: a session, two results files, or the studies of some."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from pytest_edgeperf.judge.verdicts import IMPROVED, REGRESSED, UNCHANGED, Comparison
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import judged
from pytest_edgeperf.results.benchmark_matching import align
from pytest_edgeperf.results.types import Benchmark, Results, Run

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.across_files import Across

SESSION, FILES, STUDIES = "session", "files", "studies"


@dataclass(frozen=True)
class Subject:
    """What every section of a page is made from.

    ``kind`` is :data:`SESSION` (``--edgeperf-report``), :data:`FILES` (``edgeperf compare``) or :data:`STUDIES`
    (``edgeperf report``, whose ``across`` holds the studies, and ``files`` each file with what it is called).
    """

    report: SessionReport
    kind: str = SESSION
    across: Optional[Across] = None
    files: Tuple[Tuple[str, Results], ...] = ()

    @cached_property
    def comparison(self) -> Comparison:
        """The verdicts, without those on benchmarks that then failed."""
        return judged(self.report)

    @property
    def measured(self) -> Results:
        """The candidate's runs."""
        return self.report.measured

    @cached_property
    def base_runs(self) -> Dict[str, Tuple[Run, ...]]:
        """Benchmark id -> the runs that it was compared with: the baseline's, or the other side's of each pair."""
        against = self.measured.against
        if against is not None:
            return {name: tuple(_base_of(pair) for pair in pairs) for name, pairs in against.pairs.items()}
        baseline = self.report.baseline
        return {} if baseline is None else {name: known.runs for name, known in baseline.benchmarks.items()}

    @cached_property
    def runs_now(self) -> List[Run]:
        """All runs of the candidate."""
        return [run for known in self.measured.benchmarks.values() for run in known.runs]

    @cached_property
    def runs_before(self) -> List[Run]:
        """All runs that they were compared with."""
        return [run for name, runs in self.base_runs.items() if name in self.measured.benchmarks for run in runs]

    @property
    def decided(self) -> bool:
        """Whether any benchmark was compared, and decided."""
        counts = self.comparison.summary
        return any(counts[word] for word in (REGRESSED, IMPROVED, UNCHANGED))

    def base(self, benchmark_id: str) -> Optional[Benchmark]:
        """What a benchmark was compared with, in the candidate's metrics where the other side names none."""
        runs = self.base_runs.get(benchmark_id)
        if not runs:
            return None
        baseline = self.report.baseline
        stored = None if baseline is None else baseline.benchmarks.get(benchmark_id)
        if stored is not None:
            return stored
        measured = self.measured.benchmarks.get(benchmark_id)
        return None if measured is None else Benchmark(measured.parameters, measured.metrics, runs)

    @property
    def sides(self) -> Tuple[str, str]:
        """What the two sides are called."""
        if self.report.against is not None:
            return (self.report.against, "this checkout")
        return {FILES: ("base", "candidate"), STUDIES: ("baseline", "measured")}.get(
            self.kind, ("baseline", "this session")
        )


def _base_of(pair: object) -> Run:
    """The other side's run of a stored pair; what is not there is empty."""
    base = pair.get("base") if isinstance(pair, dict) else None
    fields = dict(base) if isinstance(base, dict) else {}
    return Run(
        environment=str(fields.pop("environment", "")),
        started=str(fields.pop("started", "")),
        session="",
        quality=fields.pop("quality", None),
        values=fields,
    )


def of_files(comparison: Comparison) -> Subject:
    """Two results files, one judged against the other; without runs where the comparison does not hold the files."""
    files = comparison.files
    if files is None:
        return Subject(SessionReport("", "", Results(""), comparison), FILES)
    candidate = files.candidate_results
    base = align(files.base_results, {name: known.parameters for name, known in candidate.benchmarks.items()})
    return Subject(SessionReport(candidate.device, "", candidate, comparison, baseline=base), FILES)


def of_studies(across: Across) -> Subject:
    """The studies of results files, whose first is the one that others are compared with."""
    first = across.files[0][1] if across.files else Results("")
    devices = dict.fromkeys(results.device for _, results in across.files)
    report = SessionReport(", ".join(devices), "", first, mode="off", published=across.published)
    return Subject(report, STUDIES, across, across.files)

"""What a session has to report, and the files that it is written to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import pytest

from pytest_edgeperf import results
from pytest_edgeperf.plugin.invocation import can_check_out_baseline, invocation_of, is_prunable
from pytest_edgeperf.plugin.state import COLLECTED, REPORT, usage_error
from pytest_edgeperf.report.creep import crept
from pytest_edgeperf.report.exporters import UnknownFormat, exporter_for
from pytest_edgeperf.report.exporters.interface import Exporter
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.atomic_files import replace_file
from pytest_edgeperf.results.published import published_of
from pytest_edgeperf.schedule.earlier_files import EarlierFiles
from pytest_edgeperf.schedule.session import MeasuringSession
from pytest_edgeperf.settings import OFF, REFRESH, Settings

#: The format that says how a session ended to whoever did not see it.
FOR_PROGRAMS = "json"
#: Of a report as plain text, in cells.
WIDTH = 120


class ReportFile(NamedTuple):
    """Where a report was asked for, and what writes it."""

    path: Path
    exporter: Exporter


def report_files(config: pytest.Config, settings: Settings, device: str) -> List[ReportFile]:
    """The files of ``--edgeperf-report``, each checked before anything is measured.

    Raises:
        pytest.UsageError: no format has files that end so, or the report would replace results.
        ResultsError: a path cannot be written.
    """
    folder = Path(config.invocation_params.dir)
    baseline = results.path_for(Path(config.rootpath) / settings.baseline_dir, device)
    others = {os.path.realpath(path) for path in (baseline, *(folder / name for name in settings.results))}
    files = []
    for name in settings.reports:
        path = folder / name
        if os.path.realpath(path) in others:
            raise usage_error(f"--edgeperf-report={name}: the report would replace results; give it another path")
        try:
            files.append(ReportFile(path, exporter_for(path, "session")))
        except UnknownFormat as error:
            raise usage_error(f"--edgeperf-report={name}: {error}") from error
        results.check_writable(path)
    return files


def write_reports(
    config: pytest.Config, measuring: MeasuringSession, files: Sequence[ReportFile], earlier: EarlierFiles
) -> None:
    """Write the reports that were asked for, each that can be.

    Each lists all of them: where one cannot be written, the others are written again without it. An interrupted session
    has only what a program waits for: what ended it, and how to go on. The earlier session's report is kept beside it.
    """
    usable = [file for file in files if not measuring.interrupted or file.exporter.name == FOR_PROGRAMS]
    while True:
        listed = [*measuring.written, *(("report", str(file.path)) for file in usable)]
        written = [file for file in usable if _is_written(file, listed, config, measuring)]
        if len(written) == len(usable):
            break
        usable = written
    for file in usable:
        measuring.written.append(("report", str(file.path)))
        if not measuring.interrupted:
            earlier.replaced(file.path)


def _is_written(
    file: ReportFile, listed: Sequence[Tuple[str, str]], config: pytest.Config, measuring: MeasuringSession
) -> bool:
    """Whether a report that lists these files could be written."""
    with measuring.coordinator.errors.survive(f"writing the report {file.path}"):
        report = replace(session_report(config, measuring), written=listed)
        document = file.exporter.session(report, Paper(WIDTH))
        replace_file(file.path, (document.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))
        return True
    return False


def session_report(config: pytest.Config, measuring: MeasuringSession) -> SessionReport:
    """What a session has to report, once measured: made once."""
    if REPORT not in config.stash:
        config.stash[REPORT] = _made(config, measuring)
    return config.stash[REPORT]


def _made(config: pytest.Config, measuring: MeasuringSession) -> SessionReport:
    coordinator, settings = measuring.coordinator, measuring.settings
    measured = coordinator.measured()
    tolerances = {plan.id: plan.options.tolerance for plan in measuring.plans.values()}
    published, unusable = published_of(measuring.device.name, measuring.baseline_path.parent)
    return SessionReport(
        device=measuring.device.name,
        machine=measuring.device.description,
        measured=measured,
        comparison=measuring.comparison,
        mode=settings.baseline,
        faults=measuring.faults(),
        notes=[*coordinator.notes, *unusable],
        written=measuring.written,
        refreshed=measuring.outputs.refreshed,
        refused=measuring.outputs.refused,
        rounds=coordinator.rounds,
        seconds=coordinator.seconds,
        against=measuring.opponent.label if measuring.opponent is not None else None,
        published=published,
        papers=settings.published,
        crept=crept(
            measured,
            measuring.baseline,
            settings.tolerance,
            {name: own for name, own in tolerances.items() if own is not None},
            accepting=settings.baseline == REFRESH,
            allowed_differences=settings.allowed_differences,
        ),
        locations=locations_of(item for item in config.stash[COLLECTED] if item.nodeid in measuring.plans),
        invocation=invocation_of(config, measuring),
        interrupted=measuring.interrupted,
        resumable=measuring.resumable,
        errors=coordinator.errors.sentences,
        failing=measuring.outputs.failing,
        inconclusive=settings.inconclusive,
        unbaselined=settings.unbaselined,
        unmeasured_gates=measuring.unmeasured.gates,
        against_baseline=can_check_out_baseline(config, measuring),
        prunable=is_prunable(measuring),
        baseline=measuring.baseline,
        started=coordinator.started,
        ended=coordinator.ended,
        explains=settings.explain != OFF,
    )


def locations_of(items: Iterable[pytest.Item]) -> Dict[str, Tuple[str, int]]:
    """Where tests begin: the file as pytest prints it, and the line from 1; those without a line are left out."""
    places = {item.nodeid: item.location for item in items}
    return {name: (path, line + 1) for name, (path, line, _) in places.items() if line is not None}

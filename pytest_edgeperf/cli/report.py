"""``edgeperf report``: the studies of results files, and what they say of a paper's findings."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence, Tuple

import click

from pytest_edgeperf.cli.ending import EXIT_UNUSABLE
from pytest_edgeperf.cli.options import format_option
from pytest_edgeperf.cli.outputs import deliver, output_of, output_option
from pytest_edgeperf.cli.printing import say

if TYPE_CHECKING:
    from pytest_edgeperf.judge.studies.study_results import StudyResult
    from pytest_edgeperf.report.exporters.interface import Exporter
    from pytest_edgeperf.results.types import Results


@click.command()
@click.argument("files", metavar="RESULTS...", nargs=-1, required=True)
@click.option("--study", "names", multiple=True, metavar="NAME", help="Only this study (repeatable).")
@format_option("studies", "How to print the studies.")
@output_option
@click.option("--plot", "folder", metavar="DIR", help="Also draw each study's Pareto fronts, as SVG files in DIR.")
@click.option(
    "--checklist",
    "papers",
    multiple=True,
    metavar="NAME",
    help="Print the findings of a paper such as suo-2021 instead, each decided by all files (repeatable); a page of "
    "-o FILE.html shows them beside the studies.",
)
@click.option(
    "--benchmarks",
    "benchmarks",
    default="benchmarks",
    show_default=True,
    metavar="DIR",
    help="The benchmarks with the checklists; code in DIR/checklists is run.",
)
@click.option(
    "--dir",
    "baselines",
    default="baselines",
    show_default=True,
    metavar="DIR",
    help="Folder of the baseline files; a page of -o FILE.html also shows the published figures of DIR/published.",
)
def report(
    files: Tuple[str, ...],
    names: Tuple[str, ...],
    shown_by: Exporter,
    output: Optional[str],
    folder: Optional[str],
    papers: Tuple[str, ...],
    benchmarks: str,
    baselines: str,
) -> None:
    """Print the studies of results files, or a paper's findings.

    Several files stand beside each other, with how many times better the first is than each other one. Exits with 0,
    or with 4 when a file cannot be read, no file has a study that was asked for, or a picture cannot be drawn. The
    pictures are listed last, on standard error with any format but text.
    """
    from pytest_edgeperf.cli.checklists import decide
    from pytest_edgeperf.judge.studies.across_files import read_across
    from pytest_edgeperf.results import read

    if papers and (names or folder is not None):
        raise click.UsageError("--checklist goes with neither --study nor --plot: it reads no studies.")
    file = output_of(output, "studies", shown_by, files)
    results = [(name, read(name)) for name in files]
    decided = decide(papers, [content for _, content in results], benchmarks) if papers else None
    if decided is not None and not (file is not None and file.exporter.shows_benchmarks):
        deliver(lambda form, on: decided.document(form.name, on.width), shown_by, file)
        return
    across = read_across(results, names)
    if decided is not None:
        across = replace(across, checklists=decided.values())
    shows_more = file is not None and file.exporter.shows_benchmarks
    if shows_more and results:
        across = replace(across, published=_published_of(results[0][1].device, baselines))
    deliver(lambda form, on: form.studies(across, on), shown_by, file)
    if not across.studies and (names or not shows_more):
        sys.exit(EXIT_UNUSABLE)
    if folder is not None:
        _draw(across.studies, folder, err=file is None and not shown_by.for_terminal)


def _published_of(device: str, baselines: str) -> Tuple[Results, ...]:
    """The published figures of a device; what cannot be read of them is said."""
    from pytest_edgeperf.results.published import published_of

    figures, unusable = published_of(device, baselines)
    for text in unusable:
        say(f"edgeperf: {text}", err=True)
    return tuple(figures)


def _draw(studies: Sequence[StudyResult], folder: str, *, err: bool) -> None:
    from pytest_edgeperf.report.exporters import exporter

    drawn = exporter("svg", "pictures").pictures(studies, Path(folder))
    if not err:
        click.echo()
    for path in drawn:
        say(f"drawn: {path}", err=err)

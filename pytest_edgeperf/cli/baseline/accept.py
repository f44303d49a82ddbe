"""``edgeperf baseline accept``: the runs of a results file into the baseline."""

from __future__ import annotations

import sys

import click

from pytest_edgeperf.cli.ending import EXIT_UNUSABLE, unusable
from pytest_edgeperf.cli.options import folder_option, reason_option
from pytest_edgeperf.cli.printing import paper


@click.command()
@click.argument("file", metavar="RESULTS")
@reason_option
@click.option("--add", is_flag=True, help="Keep the accepted runs beside these: a second session.")
@folder_option
def accept(file: str, reason: str, add: bool, folder: str) -> None:
    """Accept the runs of a results file.

    They replace the accepted runs of the same benchmarks in the baseline of the file's device. Disturbed runs are left
    out. Exits with 4 when nothing was accepted.
    """
    from pytest_edgeperf import judge
    from pytest_edgeperf.report.baseline_text import accepted_text
    from pytest_edgeperf.report.creep import crept
    from pytest_edgeperf.results import baselines, read
    from pytest_edgeperf.results.gate import Gate

    try:
        measured = read(file)
        old = baselines.load(folder, measured.device)
        outcome = baselines.accept(folder, measured, reason, add=add)
        comparison = None if old is None else judge.compare(old, measured)
        gate = measured.gate or Gate()
        far = crept(measured, outcome.results, gate.tolerance, gate.tolerances)
    except ValueError as error:
        unusable(str(error))
    click.echo(accepted_text(outcome, comparison, far, paper()))
    if not outcome.accepted:
        sys.exit(EXIT_UNUSABLE)

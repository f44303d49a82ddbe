"""``edgeperf baseline prune``: old sessions and former benchmarks out of a baseline."""

from __future__ import annotations

from typing import Optional

import click

from pytest_edgeperf.cli.options import folder_option, this_device
from pytest_edgeperf.cli.printing import paper


@click.command()
@click.argument("device", required=False)
@click.option(
    "--keep-sessions",
    type=click.IntRange(1),
    metavar="N",
    help="Keep the runs of each benchmark's newest N sessions; drop the others.",
)
@click.option("--missing-from", metavar="RESULTS", help="Drop the benchmarks that this results file does not contain.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be dropped.")
@folder_option
def prune(
    device: Optional[str], keep_sessions: Optional[int], missing_from: Optional[str], dry_run: bool, folder: str
) -> None:
    """Drop old sessions, or benchmarks that no longer exist.

    Without DEVICE, the baseline of this machine is pruned. An anchor is dropped only with its benchmark.
    """
    from pytest_edgeperf.report.baseline_text import pruned_text
    from pytest_edgeperf.results import Results, baselines, read

    if (keep_sessions is None) == (missing_from is None):
        raise click.UsageError("give one of --keep-sessions N and --missing-from RESULTS")
    measured = None if missing_from is None else read(missing_from)

    def pruned(now: Results) -> Results:
        if measured is not None:
            return baselines.drop_missing(now, measured)
        return baselines.keep_sessions(now, keep_sessions or 1)

    name = device or this_device()
    if dry_run:
        old = baselines.existing(folder, name)
        new = pruned(old)
    else:
        old, new = baselines.update_existing(folder, name, pruned)
    click.echo(pruned_text(old, new, paper(), dry_run=dry_run))

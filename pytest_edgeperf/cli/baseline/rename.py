"""``edgeperf baseline rename``: a benchmark's runs under its new name."""

from __future__ import annotations

from typing import Optional

import click

from pytest_edgeperf.cli.options import folder_option
from pytest_edgeperf.cli.printing import paper


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--device", metavar="NAME", help="Only in this device's baseline.  [default: in all of DIR]")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be renamed.")
@folder_option
def rename(old: str, new: str, device: Optional[str], dry_run: bool, folder: str) -> None:
    """Keep the runs of a benchmark under its new name.

    OLD and NEW are ids, or what ids begin with: a function is renamed with all its parametrisations, a class or a file
    with all its tests. Anchors, places in studies and kept profiles go with them. Without --device, in the baselines of
    all devices.
    """
    from pytest_edgeperf.report.baseline_text import renamed_text
    from pytest_edgeperf.results import ResultsError, baselines, profile_files, renaming

    devices = [device] if device is not None else baselines.devices(folder)
    stored = [baselines.existing(folder, name) for name in devices]
    if device is None:
        stored = [results for results in stored if renaming.ids_of(results, old)] or stored[:1]
    if not stored:
        raise ResultsError(f"{folder}: there is no baseline; make one with --baseline=refresh, or give --dir")
    # All are looked at before the first is changed.
    names = [renaming.rename(results, old, new) for results in stored]
    for results, moved in zip(stored, names):
        if not dry_run:
            _, after = baselines.update_existing(
                folder, results.device, lambda now: renaming.renamed(now, renaming.rename(now, old, new))
            )
            if profile_files.load(folder, results.device) is not None:
                profile_files.update(folder, results.device, {}, after.benchmarks, moved)
        click.echo(renamed_text(results, moved, paper(), dry_run=dry_run))

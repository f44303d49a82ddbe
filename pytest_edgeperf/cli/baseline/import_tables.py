"""``edgeperf baseline import``: results files from tables of published figures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Tuple

import click

from pytest_edgeperf.cli.printing import say


@click.command("import")
@click.option(
    "--table",
    "tables",
    multiple=True,
    required=True,
    metavar="FILE.csv",
    help="A table of published figures, or a folder of them (repeatable).",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    help="Take only the figures of this device (repeatable); given once, also those that name no device.",
)
@click.option("--out", metavar="FILE", help="Write the figures of one device here.")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    help="Write DIR/<device>.json for each device.  [default: baselines/published]",
)
def import_(tables: Tuple[str, ...], devices: Tuple[str, ...], out: Optional[str], folder: Optional[str]) -> None:
    """Make results files from tables of published figures.

    A table is a CSV file with the columns benchmark, metric, value, unit, device, paper, table and row, and if wanted
    framework, precision, column, date and note; every other column is a parameter of the benchmark, such as network or
    resolution. Reports show such figures beside those of the same network, framework and precision on the device; no
    verdict comes from them.
    """
    from pytest_edgeperf.frameworks.interface import PRECISIONS
    from pytest_edgeperf.measure.measurement import METRICS
    from pytest_edgeperf.report.numbers import count
    from pytest_edgeperf.results import ResultsError, published
    from pytest_edgeperf.results import published_tables as csv_tables
    from pytest_edgeperf.results.published_vocabulary import Vocabulary

    if out is not None and folder is not None:
        raise click.UsageError("give one of --out FILE and --dir DIR")
    vocabulary = Vocabulary(METRICS, PRECISIONS)
    figures = [figure for path in csv_tables.table_files(tables) for figure in csv_tables.read_table(path, vocabulary)]
    made = csv_tables.collect(figures, tuple(dict.fromkeys(devices)))
    if out is not None and len(made) > 1:
        raise ResultsError(f"the tables are of {', '.join(sorted(made))}: choose one with --device, or give --dir")
    into = folder or os.path.join("baselines", published.FOLDER)
    targets = {device: Path(into) / f"{device}.json" if out is None else Path(out) for device in made}
    for path in targets.values():
        csv_tables.check_replaceable(path)
    for device, results in made.items():
        csv_tables.write_table(targets[device], results)
        say(f"{targets[device]}: {count(len(published.published_runs(results)), 'figure')} of {device}")

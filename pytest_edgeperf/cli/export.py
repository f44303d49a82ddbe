"""``edgeperf export``: results as another tool reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Tuple

import click

from pytest_edgeperf.cli.options import Format
from pytest_edgeperf.cli.outputs import deliver, output_of
from pytest_edgeperf.cli.printing import paper

if TYPE_CHECKING:
    from pytest_edgeperf.report.exported import Exported
    from pytest_edgeperf.report.exporters.interface import Exporter
    from pytest_edgeperf.results.types import Results


@click.command()
@click.argument("files", metavar="RESULTS...", nargs=-1, required=True)
@click.option("--format", "shown_by", type=Format("results"), help="The format.  [default: as FILE ends]")
@click.option("-o", "--output", "output", metavar="FILE", help="Write to this file, which is replaced at once.")
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="FILE",
    help="Judge the results against this one, and export the verdicts too (repeatable, one a device).",
)
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric (repeatable).  [default: the format's]"
)
def export(
    files: Tuple[str, ...],
    shown_by: Optional[Exporter],
    output: Optional[str],
    baselines: Tuple[str, ...],
    metrics: Tuple[str, ...],
) -> None:
    """Export results for another tool.

    Files of one device are taken together, each run once. The format is that of --format, or the one that FILE ends
    as; without FILE the export is printed. Exits with 0 whatever the verdicts are, or with 4 when a file cannot be
    used.
    """
    from pytest_edgeperf.report.exporters import names

    if shown_by is None and output is None:
        raise click.UsageError(
            f"name a format: --format {'|'.join(names('results'))}, or a file that ends as one: -o FILE"
        )
    file = output_of(output, "results", shown_by, [*files, *baselines])
    measured = _exported(_by_device(files), baselines, metrics)
    if file is not None:
        deliver(lambda form, on: form.results(measured, on), file.exporter, file)
    elif shown_by is not None:
        # As bytes: other programs read it, whatever the terminal can show.
        click.echo(shown_by.results(measured, paper()).encode("utf-8", "backslashreplace"), nl=False)


def _by_device(files: Sequence[str]) -> Dict[str, Results]:
    """The results of each device; files of the same one are merged."""
    from pytest_edgeperf.results import merge, read
    from pytest_edgeperf.results.published import refuse_published

    by_device: Dict[str, Results] = {}
    for name in files:
        stored = read(name)
        refuse_published(stored, name)
        known = by_device.get(stored.device)
        by_device[stored.device] = stored if known is None else merge(known, stored)
    return by_device


def _exported(by_device: Dict[str, Results], baselines: Sequence[str], metrics: Tuple[str, ...]) -> List[Exported]:
    import pytest_edgeperf
    from pytest_edgeperf.report.exported import Exported
    from pytest_edgeperf.results import read
    from pytest_edgeperf.results.published import refuse_published

    benchmarks = [benchmark for results in by_device.values() for benchmark in results.benchmarks.values()]
    known = sorted({name for benchmark in benchmarks for name in benchmark.metrics})
    absent = [name for name in metrics if name not in known]
    if absent:
        raise click.UsageError(f"--metric {absent[0]}: no benchmark has it; there are {', '.join(known) or 'none'}")
    judged_by: Dict[str, Tuple[str, Results]] = {}
    for name in baselines:
        stored = read(name)
        refuse_published(stored, name)
        if stored.device not in by_device:
            devices = ", ".join(by_device)
            raise click.UsageError(f"--baseline {name}: it is of {stored.device}, and RESULTS of {devices}")
        if stored.device in judged_by:
            raise click.UsageError(
                f"--baseline {name}: {judged_by[stored.device][0]} is of {stored.device} too; give one a device"
            )
        judged_by[stored.device] = (name, stored)
    measured = []
    for device, results in by_device.items():
        baseline = judged_by.get(device)
        comparison = None if baseline is None else pytest_edgeperf.compare(baseline[1], results)
        measured.append(Exported(results, comparison, metrics))
    return measured

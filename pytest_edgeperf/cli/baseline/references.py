"""``edgeperf baseline references``: published figures beside measured ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Tuple

import click

from pytest_edgeperf.cli.options import folder_option, format_option
from pytest_edgeperf.cli.printing import paper, say, show

if TYPE_CHECKING:
    from pytest_edgeperf.report.exporters.interface import Exporter


@click.command()
@click.argument("file", metavar="RESULTS")
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    help="Whose published figures to show (repeatable).  [default: the device of RESULTS]",
)
@format_option("references", "How to print them.")
@folder_option
def references(file: str, devices: Tuple[str, ...], shown_by: Exporter, folder: str) -> None:
    """Show published figures beside those of a results file.

    The figures are those of DIR/published and those that come with edgeperf. Nothing is judged: the exit code is 0
    unless RESULTS cannot be used.
    """
    from pytest_edgeperf.report.published_matching import references as beside
    from pytest_edgeperf.results import published, read

    measured = read(file)
    files = []
    for device in dict.fromkeys(devices or (measured.device,)):
        figures, unusable = published.published_of(device, folder)
        files += figures
        for text in unusable:
            say(f"edgeperf: {text}", err=True)
    matching = beside(measured, files)
    if not matching:
        known = ", ".join(published.devices_with_figures(folder)) or "no device"
        say(f"no published figures match these benchmarks; there are figures of {known}: see --device")
    else:
        show(shown_by.references(matching, measured, paper()))

"""``edgeperf doctor``: what makes this machine measure wrongly or noisily."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pytest_edgeperf.cli.ending import EXIT_UNFIT
from pytest_edgeperf.cli.options import device_option, format_option, resolved
from pytest_edgeperf.cli.printing import paper, show

if TYPE_CHECKING:
    from pytest_edgeperf.report.exporters.interface import Exporter


@click.command()
@device_option
@format_option("diagnosis", "How to print the checks.")
def doctor(device: str, shown_by: Exporter) -> None:
    """Find what makes this machine measure wrongly or noisily.

    Names the commands that fix it, and runs none of them. Exits with 0 when the machine is fit to measure, 1
    when it is not, 4 when it is not the device.
    """
    from pytest_edgeperf.devices.doctor import examine

    here = resolved(device)
    diagnosis = examine(here.identity, here.root)
    show(shown_by.diagnosis(here.name, here.description, diagnosis, paper()))
    if not diagnosis.fit:
        sys.exit(EXIT_UNFIT)

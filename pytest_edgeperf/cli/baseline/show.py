"""``edgeperf baseline show``: what is in a baseline, and what it lacks."""

from __future__ import annotations

from typing import Optional

import click

from pytest_edgeperf.cli.options import folder_option, this_device
from pytest_edgeperf.cli.printing import paper


@click.command()
@click.argument("device", required=False)
@folder_option
def show(device: Optional[str], folder: str) -> None:
    """Print what is in a baseline, why, and what it lacks.

    Without DEVICE, the baseline of this machine.
    """
    from pytest_edgeperf.report.baseline_text import baseline_text
    from pytest_edgeperf.results import baselines

    click.echo(baseline_text(baselines.existing(folder, device or this_device()), paper()))

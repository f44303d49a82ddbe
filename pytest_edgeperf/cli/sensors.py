"""``edgeperf sensors``: this machine's sensors, read once."""

from __future__ import annotations

import click

from pytest_edgeperf.cli.options import device_option, resolved
from pytest_edgeperf.cli.printing import paper, print_rows


@click.command()
@device_option
def sensors(device: str) -> None:
    """Read every sensor once; say why others cannot be read."""
    from pytest_edgeperf.devices.sensors.registry import find_sensors
    from pytest_edgeperf.report.doctor_text import absent_text, sensor_rows

    here = resolved(device)
    readable, absent = find_sensors(here.identity, here.root)
    print_rows(sensor_rows(readable))
    unreadable = absent_text(absent, paper())
    if unreadable:
        click.echo(f"\n{unreadable}" if readable else unreadable)

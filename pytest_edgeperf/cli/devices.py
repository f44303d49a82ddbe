"""``edgeperf devices``: the known devices."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_edgeperf.cli.printing import print_rows, say


@click.command()
def devices() -> None:
    """List the known devices; * marks this machine."""
    from pytest_edgeperf.devices import DeviceMismatch, profiles, resolve

    try:
        known = dict(profiles(Path.cwd()))
        here = resolve("auto", rootdir=Path.cwd())
        name, conclusion = here.name, f"This machine is {here.name}: {here.description}"
        known.setdefault(name, here.profile)
    except DeviceMismatch as error:
        name, conclusion = "", str(error)
    print_rows([("*" if profile.name == name else "", profile.name, profile.description) for profile in known.values()])
    click.echo()
    say(conclusion)

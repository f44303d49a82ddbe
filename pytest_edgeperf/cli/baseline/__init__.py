"""``edgeperf baseline``: its commands, one file each."""

from __future__ import annotations

import click

from pytest_edgeperf.cli.commands import CommandList

#: Command -> where it is.
COMMANDS = {
    "accept": "pytest_edgeperf.cli.baseline.accept:accept",
    "anchor": "pytest_edgeperf.cli.baseline.anchor:anchor",
    "import": "pytest_edgeperf.cli.baseline.import_tables:import_",
    "prune": "pytest_edgeperf.cli.baseline.prune:prune",
    "references": "pytest_edgeperf.cli.baseline.references:references",
    "refresh": "pytest_edgeperf.cli.baseline.refresh:refresh",
    "rename": "pytest_edgeperf.cli.baseline.rename:rename",
    "show": "pytest_edgeperf.cli.baseline.show:show",
}


@click.command(cls=CommandList, places=COMMANDS)
def baseline() -> None:
    """Show and change what checks compare with."""

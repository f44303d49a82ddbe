"""``edgeperf baseline anchor``: from when creep is counted."""

from __future__ import annotations

from contextlib import suppress
from typing import Optional, Sequence, Tuple

import click

from pytest_edgeperf.cli.options import folder_option, this_device
from pytest_edgeperf.cli.printing import paper


@click.command()
@click.argument("arguments", metavar="[DEVICE] [IDS]...", nargs=-1)
@click.option("--reason", help="Why; stored with the anchor in place of the runs' own reason.")
@folder_option
def anchor(arguments: Tuple[str, ...], reason: Optional[str], folder: str) -> None:
    """Make the accepted runs the anchor for creep.

    Creep is many small slowdowns that were each accepted. A refresh never changes an anchor. The first argument is
    DEVICE if DIR has a baseline of that name; otherwise the baseline of this machine is used. IDS are parts of
    benchmark ids; without any, all benchmarks are anchored.
    """
    from pytest_edgeperf.report.baseline_text import anchored_text
    from pytest_edgeperf.results import baselines

    device, parts = _device_first(arguments, folder)
    old, new = baselines.update_existing(
        folder, device, lambda now: baselines.set_anchor(now, baselines.matching(now, parts), reason)
    )
    click.echo(anchored_text(old, new, baselines.matching(old, parts), paper()))


def _device_first(arguments: Sequence[str], folder: str) -> Tuple[str, Sequence[str]]:
    from pytest_edgeperf.results import baselines

    with suppress(ValueError):
        if arguments and baselines.path_for(folder, arguments[0]).exists():
            return arguments[0], arguments[1:]
    return this_device(), arguments

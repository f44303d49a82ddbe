"""What commands print on: the terminal's width, colours and letters."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Sequence, Tuple

import click

if TYPE_CHECKING:
    from pytest_edgeperf.report.text import Paper


def paper() -> Paper:
    """The standard output: its width, and whether it takes colour and more than ASCII."""
    from pytest_edgeperf.report.text import LEAST_WIDTH, Paper, can_show_unicode

    return Paper(
        max(shutil.get_terminal_size().columns, LEAST_WIDTH),
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        ascii_only=not can_show_unicode(sys.stdout.encoding),
    )


def show(document: str) -> None:
    """Print a whole document on the standard output."""
    click.echo(document, nl=not document.endswith("\n"))


def say(text: str, *, err: bool = False) -> None:
    """Print sentences that may quote a file or a name from anywhere, without what a terminal would obey."""
    from pytest_edgeperf.report.text import can_show_unicode, printable

    ascii_only = not can_show_unicode((sys.stderr if err else sys.stdout).encoding)
    click.echo("\n".join(printable(line, ascii_only=ascii_only) for line in text.split("\n")), err=err)


def print_rows(rows: Sequence[Tuple[str, ...]]) -> None:
    """Print texts from anywhere below each other in columns."""
    from pytest_edgeperf.report.text import can_show_unicode, cells, pad, printable

    ascii_only = not can_show_unicode(sys.stdout.encoding)
    shown = [[printable(text, ascii_only=ascii_only) for text in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*shown)]
    for row in shown:
        click.echo("  ".join(pad(text, width) for text, width in zip(row, widths)).rstrip())

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
    """Print texts from anywhere below each other in columns, or beside the first one where they are too wide for that.

    What is printed to a file or a pipe keeps its columns.
    """
    from pytest_edgeperf.report.text import cells, pad, wrap

    page = paper()
    shown = [[page.clean(text) for text in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(*shown)]
    if sum(widths) + 2 * (len(widths) - 1) <= page.width or not sys.stdout.isatty():
        for row in shown:
            click.echo("  ".join(pad(text, width) for text, width in zip(row, widths)).rstrip())
        return
    first = min(widths[0], page.width // 3)
    for name, *others in shown:
        text = "; ".join(filter(None, others))
        lines = wrap(text, page.width, indent=" " * (first + 2)) if text else [""]
        if cells(name) > first:
            lines = [*wrap(name, page.width, hanging="  "), *lines]
        else:
            lines[0] = pad(name, first) + lines[0][first:]
        for line in lines:
            click.echo(line.rstrip())

"""Where a command's document goes: the standard output, or a file of ``--output``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple, Optional, Sequence

import click
from click.core import ParameterSource

from pytest_edgeperf.cli.printing import paper, say, show

if TYPE_CHECKING:
    from pytest_edgeperf.report.exporters.interface import Exporter
    from pytest_edgeperf.report.text import Paper

#: Of a document in a file, in cells.
FILE_WIDTH = 120

output_option = click.option(
    "-o",
    "--output",
    "output",
    metavar="FILE",
    help="Write FILE instead of printing, in the format that its end (.html, .md, .json, .txt) or --format names.",
)


class Output(NamedTuple):
    """A file that a document was asked for in, and what writes it."""

    path: Path
    exporter: Exporter


def output_of(name: Optional[str], kind: str, shown_by: Optional[Exporter], inputs: Sequence[str]) -> Optional[Output]:
    """The file of ``--output``, checked before anything is read; ``None`` without the option.

    Args:
        name: what was typed.
        kind: of report: the name of a method of ``Exporter``.
        shown_by: what ``--format`` says, or is by default; without one, the end of the file's name decides.
        inputs: files that must stay as they are.

    Raises:
        click.BadParameter: no format has files that end so, or it would replace an input.
        ResultsError: it cannot be written.
    """
    if name is None:
        return None
    from pytest_edgeperf.report.exporters import UnknownFormat, exporter_for
    from pytest_edgeperf.results import check_writable

    path = Path(name)
    if os.path.realpath(name) in {os.path.realpath(file) for file in inputs}:
        raise click.BadParameter(f"{name}: the report would replace the results; give it another path", param_hint="-o")
    if shown_by is None or click.get_current_context().get_parameter_source("shown_by") is ParameterSource.DEFAULT:
        try:
            shown_by = exporter_for(path, kind)
        except UnknownFormat as error:
            raise click.BadParameter(str(error), param_hint="-o") from error
    check_writable(path)
    return Output(path, shown_by)


def deliver(make: Callable[[Exporter, Paper], str], shown_by: Exporter, output: Optional[Output]) -> None:
    """Print a document, or write it to the file and say so."""
    if output is None:
        show(make(shown_by, paper()))
        return
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.atomic_files import replace_file

    document = make(output.exporter, Paper(FILE_WIDTH))
    replace_file(output.path, (document.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))
    say(f"report: {output.path}")

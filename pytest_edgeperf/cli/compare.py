"""``edgeperf compare``: one results file judged against another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Optional, Tuple

import click

from pytest_edgeperf.cli.ending import EXIT_REGRESSED
from pytest_edgeperf.cli.options import format_option
from pytest_edgeperf.cli.outputs import deliver, output_of, output_option
from pytest_edgeperf.settings import TOLERANCE

if TYPE_CHECKING:
    from pytest_edgeperf.report.exporters.interface import Exporter


@click.command()
@click.argument("base")
@click.argument("candidate")
@format_option("comparison", "How to print the comparison.")
@output_option
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0),
    default=TOLERANCE,
    show_default=True,
    help="Slowdown that is no regression, as a fraction: 0.02 is 2 %.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability of a false alarm over all benchmarks together.",
)
@click.option(
    "--allow-difference",
    "allowed",
    multiple=True,
    metavar="FIELD",
    help="Compare although this field of the environment differs, such as power_mode (repeatable).",
)
def compare(
    base: str,
    candidate: str,
    shown_by: Exporter,
    output: Optional[str],
    tolerance: float,
    alpha: float,
    allowed: Tuple[str, ...],
) -> None:
    """Judge one results file against another.

    Exits with 0 when nothing regressed, 1 when something did, 4 when a file cannot be used.
    """
    import pytest_edgeperf
    from pytest_edgeperf.judge.verdicts import REGRESSED

    file = output_of(output, "comparison", shown_by, (base, candidate))
    comparison = pytest_edgeperf.compare(base, candidate, tolerance=tolerance, alpha=alpha, allow_differences=allowed)
    deliver(lambda form, on: form.comparison(comparison, on), shown_by, file)
    if comparison.summary[REGRESSED] or comparison.regressed_lines:
        sys.exit(EXIT_REGRESSED)

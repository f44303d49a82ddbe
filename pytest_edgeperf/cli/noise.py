"""``edgeperf noise``: the same code measured against itself."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Callable, Optional, Tuple

import click

from pytest_edgeperf.cli.ending import unusable
from pytest_edgeperf.cli.options import format_option
from pytest_edgeperf.cli.printing import paper, say, show
from pytest_edgeperf.settings import MAX_ROUNDS, ROUNDS_IN_CHECK, ROUNDS_IN_REFRESH, TOLERANCE

if TYPE_CHECKING:
    from pytest_edgeperf.report.exporters.interface import Exporter


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", metavar="[PYTEST_ARGS]...", nargs=-1, type=click.UNPROCESSED)
@format_option("noise", "How to print the noise. With another format than text, pytest prints to standard error.")
@click.option("--from", "file", metavar="RESULTS", help="Measure nothing; analyse all runs of this results file.")
@click.option(
    "--baseline-rounds",
    type=click.IntRange(1),
    default=ROUNDS_IN_REFRESH,
    show_default=True,
    metavar="K",
    help="Rounds of the baseline.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    metavar="N",
    help=f"Rounds of a check.  [default: the project's, or {ROUNDS_IN_CHECK}]",
)
@click.option(
    "--max-rounds",
    type=click.IntRange(1),
    metavar="N",
    help=f"Rounds of a check for suspicious benchmarks.  [default: the project's, or {MAX_ROUNDS}]",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0.0),
    help=f"Slowdown that a check accepts, as a fraction.  [default: the project's, or {TOLERANCE}]",
)
def noise(
    arguments: Tuple[str, ...],
    shown_by: Exporter,
    file: Optional[str],
    baseline_rounds: int,
    rounds: Optional[int],
    max_rounds: Optional[int],
    tolerance: Optional[float],
) -> None:
    """Measure the same code against itself, to find the noise.

    Reports how much the runs of each benchmark differ although nothing changed, the smallest slowdown that a check
    would detect, how often a check would raise a false alarm, and what would improve that. PYTEST_ARGS are those of a
    check, such as benchmarks/ -k resnet. Measures K rounds as a baseline, and then as many as a check measures of a
    suspicious benchmark. Exits with pytest's code, or with 4 when a file cannot be used.
    """
    from pytest_edgeperf import results
    from pytest_edgeperf.judge.noise.analysis import noise as analyse
    from pytest_edgeperf.results.gate import Gate
    from pytest_edgeperf.results.published import refuse_published
    from pytest_edgeperf.schedule.repeated_session import measure

    if file is not None and arguments:
        raise click.UsageError("--from measures nothing, so it takes no PYTEST_ARGS")
    code = 0
    try:
        if file is not None:
            stored = results.read(file)
            refuse_published(stored, file)
            measured: Optional[results.Results] = stored
        else:
            candidate_rounds = max(rounds or 0, max_rounds or Gate.max_rounds)
            output = sys.stderr if not shown_by.for_terminal else None
            code, measured = measure(arguments, baseline_rounds + candidate_rounds, output=output)
        if measured is not None:
            gate = (measured.gate or Gate()).with_changes(rounds=rounds, max_rounds=max_rounds, tolerance=tolerance)
            analysed = analyse(measured, gate, baseline_runs=baseline_rounds, judged=_progress())
            show(shown_by.noise(analysed, paper()))
    except ValueError as error:
        unusable(str(error))
    if code:
        outcome = "what it measured is analysed above" if measured is not None else "there is nothing to analyse"
        say(f"edgeperf: pytest ended with exit code {code}; {outcome}", err=True)
        sys.exit(code)


def _progress() -> Callable[[int, int], None]:
    """Shows on the standard error how many resampled sessions are judged, which takes a minute and more on a board."""
    from pytest_edgeperf.report.progress import Progress

    progress, began = Progress(sys.stderr, 0), time.monotonic()

    def judged(done: int, sessions: int) -> None:
        progress.busy("", f"judging resampled sessions, {done} of {sessions}", time.monotonic() - began)
        if done == sessions:
            progress.finish()

    return judged

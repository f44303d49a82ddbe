"""How the command ends: its exit codes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Callable, NoReturn, Optional

import click

from pytest_edgeperf.cli.printing import say

EXIT_REGRESSED = 1
EXIT_UNFIT = 1
EXIT_UNUSABLE = 4
#: As shells say it of a program that SIGINT ended.
EXIT_INTERRUPTED = 130
#: Set to anything, an unexpected error also prints where it happened.
TRACEBACK_VARIABLE = "EDGEPERF_TRACEBACK"
LONGEST_ERROR = 300


def exit_code(command: Callable[[], object]) -> int:
    """Run a command to its exit code; whatever goes wrong is one sentence and 4, since 1 means regressed or unfit."""
    output = sys.stdout
    try:
        outcome = command()
    except SystemExit as end:
        if sys.stdout is not output:
            # The reader of a pipe has gone: click replaces the stream and ends with 1.
            return EXIT_UNUSABLE
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except click.ClickException as error:
        error.show()
        return EXIT_UNUSABLE
    except click.Abort:
        click.echo("edgeperf: interrupted", err=True)
        return EXIT_INTERRUPTED
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            traceback.print_exc()
        words = " ".join(str(error).split())[:LONGEST_ERROR]
        say(
            f"edgeperf: unexpected {type(error).__name__}{': ' if words else ''}{words}; "
            f"set {TRACEBACK_VARIABLE}=1 to see where, and please report it",
            err=True,
        )
        return EXIT_UNUSABLE
    return outcome if isinstance(outcome, int) else 0


def unusable(reason: str) -> NoReturn:
    """Say what cannot be used and why, and end with :data:`EXIT_UNUSABLE`."""
    say(f"edgeperf: {reason}", err=True)
    sys.exit(EXIT_UNUSABLE)


def reason_of(error: Exception) -> Optional[str]:
    """What to say of a file, a device or a package that cannot be used; ``None``: the error is our own."""
    from pytest_edgeperf.devices import DeviceError
    from pytest_edgeperf.extensions import ExtensionError
    from pytest_edgeperf.report.exporters.interface import PlotError
    from pytest_edgeperf.results import ResultsError

    if isinstance(error, BrokenPipeError):
        # Nobody reads what is printed: click's affair.
        return None
    if isinstance(error, OSError):
        return str(error) if error.filename is None else f"{error.filename}: {error.strerror}"
    known = (DeviceError, ExtensionError, PlotError, ResultsError)
    return str(error) if isinstance(error, known) else None

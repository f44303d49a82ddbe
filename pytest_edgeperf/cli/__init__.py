"""The ``edgeperf`` command: :mod:`.commands` lists what it can do, one file a command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from pytest_edgeperf.cli.commands import main
from pytest_edgeperf.cli.ending import EXIT_UNUSABLE, TRACEBACK_VARIABLE, exit_code

__all__ = ["TRACEBACK_VARIABLE", "exit_code", "main", "run"]


def run() -> NoReturn:
    """The console script: :func:`main`, then an end without freeing, one by one, what large files held."""
    code = exit_code(lambda: main(standalone_mode=False))
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = EXIT_UNUSABLE
    os._exit(code)

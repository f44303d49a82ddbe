"""``edgeperf baseline refresh``: pytest with ``--baseline=refresh``."""

from __future__ import annotations

import os
import sys
from typing import Tuple

import click

from pytest_edgeperf.cli.options import reason_option
from pytest_edgeperf.settings import REFRESH, names_are_prefixed


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", metavar="[PYTEST_ARGS]...", nargs=-1, type=click.UNPROCESSED)
@reason_option
def refresh(arguments: Tuple[str, ...], reason: str) -> None:
    """Measure with pytest and accept the runs.

    The same as pytest PYTEST_ARGS --baseline=refresh, with its exit code. Put -- before PYTEST_ARGS that this command
    would take for its own.
    """
    prefix = "edgeperf-" if names_are_prefixed() else ""
    options = [f"--{prefix}baseline={REFRESH}", f"--edgeperf-reason={reason}"]
    command = [sys.executable, "-m", "pytest", *arguments, *options]
    sys.stdout.flush()
    # In this process's place, so that an interrupt and the exit code are those of pytest.
    os.execv(sys.executable, command)  # noqa: S606

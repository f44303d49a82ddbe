"""Measures the same code in many rounds, in a pytest session that compares nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime, timezone
from functools import partial
from typing import Any, Optional, Sequence, Tuple

from pytest_edgeperf import results
from pytest_edgeperf.caches import cache_folder
from pytest_edgeperf.results import Results
from pytest_edgeperf.schedule.worker import keeper
from pytest_edgeperf.settings import OFF, names_are_prefixed


def measure(arguments: Sequence[str], rounds: int, *, output: Any = None) -> Tuple[int, Optional[Results]]:
    """Run pytest with ``arguments`` for a number of rounds; it prints to ``output``.

    pytest itself handles an interrupt and ends its workers; a termination is passed on to it.

    Returns:
        pytest's exit code (128 + the signal that killed it), and the runs, if it wrote any.

    Raises:
        ResultsError: the runs that it wrote cannot be read.
        OSError: there is no folder to write them to.
        ValueError: the arguments set an option that this measurement decides itself.
    """
    prefix = "edgeperf-" if names_are_prefixed() else ""
    own = (f"--{prefix}baseline", "--edgeperf-rounds")
    for argument in arguments:
        if argument.partition("=")[0] in own:
            raise ValueError(f"{argument} cannot be used here: edgeperf noise makes pytest measure {rounds} rounds")
    # Among the results of past sessions, of which the oldest are dropped by later ones.
    path = cache_folder("results") / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-noise-{os.getpid()}.json"
    options = (f"{own[0]}={OFF}", f"{own[1]}={rounds}", f"--edgeperf-results={path}")
    code = run_session([sys.executable, "-m", "pytest", *arguments, *options], output)
    return code, results.read(path) if path.exists() else None


def run_session(command: Sequence[str], output: Any) -> int:
    """The exit code of a session (128 + the signal that killed it), which ends with this process."""
    sys.stdout.flush()
    # A handler and not "ignore": that would be inherited.
    interrupted = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # It has the terminal's interrupts, so it is in no session of its own, and has no keeper.
        follow = partial(keeper.set_option, keeper.PR_SET_PDEATHSIG, signal.SIGTERM)
        with subprocess.Popen(command, stdout=output, preexec_fn=follow) as process:
            terminated = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            try:
                code = process.wait()
            finally:
                signal.signal(signal.SIGTERM, terminated)
    finally:
        signal.signal(signal.SIGINT, interrupted)
    return code if code >= 0 else 128 - code

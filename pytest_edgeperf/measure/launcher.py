"""Start of a worker process: ``python launcher.py FD PARENT_PID``.

Run by path, so that the measuring code is the coordinator's whatever the worker's ``sys.path`` holds.
"""

from __future__ import annotations

import ctypes
import io
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Sequence

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent dies, and leave if that has happened already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def pin(cpus: Sequence[int]) -> None:
    """Keep this process, and the thread pools it will start, on ``cpus``."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def main() -> None:
    """Take the specification from the channel and hand over to the worker."""
    descriptor, parent_pid = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent_pid)
    os.set_inheritable(descriptor, False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    from pytest_edgeperf.measure.channel import Channel

    channel = Channel(socket.socket(fileno=descriptor))
    specification = channel.receive()
    assert specification is not None
    pin(specification["cpus"])

    from pytest_edgeperf.measure import worker

    sys.path[:] = specification["sys_path"]
    sys.argv[:] = [specification["program"]]
    worker.run(channel, specification)


if __name__ == "__main__":
    main()

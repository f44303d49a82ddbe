"""Start of a worker process: ``python launcher.py FD|stdio SESSION_PID``; the second is for process listings only.

``FD`` is the descriptor of a socket. ``stdio``: a command that passes on nothing else connects standard input and
output to the coordinator; what the worker prints then goes to standard error.

Run by path, so that the measuring code is the coordinator's whatever the worker's ``sys.path`` holds.
"""

from __future__ import annotations

import importlib.util
import io
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from pytest_edgeperf.measure.channel import Channel

#: The first argument of a worker that talks over its standard streams.
STANDARD_STREAMS = "stdio"


def pin(cpus: Sequence[int]) -> None:
    """Keep this process, and the thread pools it will start, on ``cpus``."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def import_package(folder: Path) -> None:
    """Import the package in ``folder`` from there, whatever the search path holds."""
    places = [str(folder)]
    spec = importlib.util.spec_from_file_location(
        folder.name, str(folder / "__init__.py"), submodule_search_locations=places
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[folder.name] = module
    spec.loader.exec_module(module)


def leave_own_folder() -> None:
    """Take this file's folder, where Python puts it for a script, off the search path."""
    own = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != own]


def channel_of(argument: str) -> Channel:
    """The channel to the coordinator, which the first argument names."""
    from pytest_edgeperf.measure.channel import Channel, Pipes

    if argument != STANDARD_STREAMS:
        descriptor = int(argument)
        os.set_inheritable(descriptor, False)
        return Channel(socket.socket(fileno=descriptor))
    from pytest_edgeperf.measure.protocol import Started, message_of

    connection = Pipes(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    # What the command printed may lack the end of its line.
    connection.sendall(b"\n")
    channel = Channel(connection)
    channel.send(message_of(Started()))
    return channel


def main() -> None:
    """Take the specification from the channel and hand over to the worker."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    leave_own_folder()
    import_package(Path(__file__).resolve().parents[1])
    from pytest_edgeperf.measure import side_imports
    from pytest_edgeperf.measure.protocol import Specification

    channel = channel_of(sys.argv[1])
    message = channel.receive()
    assert message is not None
    specification = Specification.from_message(message)
    os.environ.update({**specification.default_variables, **os.environ, **specification.variables})
    if specification.working_folder is not None:
        os.chdir(specification.working_folder)
    pin(specification.cpus)

    finder = None
    if specification.side is not None:
        finder = side_imports.enter(specification.side, specification.sys_path)
    else:
        sys.path[:] = [entry for entry in specification.sys_path if entry is not None]
    sys.argv[:] = [specification.program]

    from pytest_edgeperf.measure import worker

    worker.run(channel, specification, finder)


if __name__ == "__main__":
    main()

"""A process that has pytest and the package imported and forks a session at each request: half of a start's work.

For sessions that are about what they decide. A session is given what a started process would have: arguments, folder,
variables, streams, a random state of its own and nothing in any cache, since this process only imports.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from functools import lru_cache

SESSION_TIMEOUT_S = 240.0
#: What such sessions do not import.
LEFT_OUT = ("pytest_edgeperf.cli", "pytest_edgeperf.frameworks.")


class SessionServer:
    """The client's side: starts the process when made, and has it run sessions one after the other."""

    def __init__(self, environment):
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        self._connection = ours
        self._answers = ours.makefile()
        atexit.register(self.close)

    def run(self, arguments, folder, environment, typed=None):
        """Run a session; its exit status as of :mod:`subprocess`, and all its output."""
        with tempfile.TemporaryDirectory() as scratch:
            places = {name: os.path.join(scratch, name) for name in ("input", "output")}
            with open(places["input"], "w", encoding="utf-8") as file:
                file.write(typed or "")
            request = {"arguments": arguments, "folder": folder, "environment": environment, **places}
            self._connection.sendall(json.dumps(request).encode() + b"\n")
            pid = int(self._answers.readline())
            self._connection.settimeout(SESSION_TIMEOUT_S)
            try:
                status = int(self._answers.readline())
            except OSError:
                os.kill(pid, signal.SIGKILL)
                self.close()
                server.cache_clear()
                raise
            finally:
                self._connection.settimeout(None)
            with open(places["output"], encoding="utf-8") as file:
                return status, file.read()

    def close(self):
        """End the process."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._process.wait()


@lru_cache(maxsize=None)
def server(interpreters_variables):
    """The server for sessions with these variables of Python's own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST_", "COV"))}
    return SessionServer({**own, **dict(interpreters_variables)})


def run(arguments, folder, environment, typed=None):
    """Run ``python -m pytest`` with these arguments, as :func:`subprocess.run` would; its status and output."""
    own = tuple(sorted((name, value) for name, value in environment.items() if name.startswith("PYTHON")))
    return server(own).run(arguments, folder, environment, typed)


def import_all():
    """Import what sessions import."""
    from _pytest.config import default_plugins

    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    package = importlib.import_module("pytest_edgeperf")
    for module in pkgutil.walk_packages(package.__path__, "pytest_edgeperf."):
        if not module.name.startswith(LEFT_OUT):
            importlib.import_module(module.name)


def read_entry_points_once():
    """Pytest reads those of all installed packages at each ``-p``: keep them, of each package's folder."""
    from importlib import metadata

    read = metadata.Distribution.entry_points.fget
    known = {}

    def entry_points(distribution):
        key = str(distribution._path)
        if key not in known:
            known[key] = read(distribution)
        return known[key]

    metadata.Distribution.entry_points = property(entry_points)
    for distribution in metadata.distributions():
        entry_points(distribution)


def serve(connection):
    """Fork a session at each request; returns in the session, with the request, and ends when nobody asks any more."""
    requests = connection.makefile()
    for line in requests:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            return request
        connection.sendall(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        connection.sendall(b"%d\n" % code)
    sys.exit()


def become(request):
    """Have what a process has that was started for this session."""
    import random

    for stream, flags in ((request["input"], os.O_RDONLY), (request["output"], os.O_WRONLY | os.O_CREAT)):
        descriptor = os.open(stream, flags, 0o600)
        for number in (0,) if flags == os.O_RDONLY else (1, 2):
            os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]
    sys.path[0] = request["folder"]
    random.seed()


def main():
    """Serve, and be each session that is asked for."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(connection.fileno(), False)
    import_all()
    read_entry_points_once()
    import gc
    import runpy

    # What is imported is not looked through by each session that collects its garbage.
    gc.freeze()
    request = serve(connection)
    connection.close()
    become(request)
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

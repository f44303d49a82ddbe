"""Programs that leave no process behind: each has a keeper (:mod:`pytest_edgeperf.schedule.worker.keeper`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.schedule.worker import keeper
from pytest_edgeperf.schedule.worker.stops import Interval

#: How often a program is looked at that runs for long.
LOOK_SECONDS = 0.5
#: A keeper that is asked to end and has not done so after this is killed itself.
KEEPER_SECONDS = keeper.LONGEST_S + 3.0
_BUFFER_BYTES = 1 << 16


class Kept:
    """A running program.

    It, and all that it started, ends with :meth:`kill`, or with this process however that ends.
    """

    def __init__(self, words: Sequence[str], *, pass_fds: Sequence[int] = (), **keywords: Any) -> None:
        """Start it in a session of its own.

        Args:
            words: the program and its arguments.
            pass_fds: descriptors that are for the program.
            keywords: ``cwd``, ``env`` and the streams, as for :class:`subprocess.Popen`.

        Raises:
            OSError: it cannot be started.
        """
        self._stops: List[Interval] = []
        self._stopped_since: Optional[float] = None
        self._unread = b""
        life, self._life = os.pipe()
        self._status, status = os.pipe()
        self._keeper: Optional[subprocess.Popen[bytes]] = None
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, str(life), str(status), str(os.getpid())],
                pass_fds=(life, status, *pass_fds),
                start_new_session=True,
                **keywords,
            )
            os.close(life)
            os.close(status)
            life = status = -1
            self.pid = self._started(words, pass_fds)
        except BaseException:
            for descriptor in (life, status):
                if descriptor >= 0:
                    os.close(descriptor)
            self.kill()
            raise
        os.set_blocking(self._status, False)

    def _started(self, words: Sequence[str], pass_fds: Sequence[int]) -> int:
        """The program's process id, once it runs."""
        with suppress(BrokenPipeError):
            unsent = memoryview(keeper.order(words, pass_fds))
            while unsent:
                unsent = unsent[os.write(self._life, unsent) :]
        line = b""
        while not line.endswith(b"\n"):
            chunk = os.read(self._status, 1)
            if not chunk:
                raise OSError(f"the process that was to start {words[0]} ended first")
            line += chunk
        what, _, number = line.partition(b" ")
        if what == b"E":
            code = int(number)
            raise OSError(code, os.strerror(code), words[0])
        return int(number)

    @property
    def keeper_pid(self) -> int:
        """The process below which are the program and all that it has started."""
        assert self._keeper is not None
        return self._keeper.pid

    def poll(self) -> Optional[int]:
        """The return code, as of :meth:`subprocess.Popen.poll`; ``None`` while any of its processes runs."""
        return self._keeper.poll() if self._keeper is not None else None

    def wait(self, timeout_s: Optional[float] = None) -> int:
        """The program's return code.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time.
        """
        assert self._keeper is not None
        return self._keeper.wait(timeout_s)

    def kill(self) -> None:
        """Kill the program and all that it started, if any of it still runs."""
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        if self._keeper is not None and self._keeper.poll() is None:
            try:
                self._keeper.wait(KEEPER_SECONDS)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError, AttributeError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._keeper.kill()
                self._keeper.wait()
        if self._status >= 0:
            self._listen()
            os.close(self._status)
            self._status = -1

    def stops(self) -> List[Interval]:
        """When the program was stopped by a signal; of a stop that lasts, until now."""
        self._listen()
        lasting = [] if self._stopped_since is None else [(self._stopped_since, time.monotonic())]
        return [*self._stops, *lasting]

    def _listen(self) -> None:
        if self._status < 0:
            return
        with suppress(BlockingIOError):
            os.set_blocking(self._status, False)
            self._unread += os.read(self._status, _BUFFER_BYTES)
        *lines, self._unread = self._unread.split(b"\n")
        for what, _, number in (line.partition(b" ") for line in lines):
            at_s = int(number) / 1e9
            if what == b"S" and self._stopped_since is None:
                self._stopped_since = at_s
            elif what == b"C" and self._stopped_since is not None:
                self._stops.append((self._stopped_since, at_s))
                self._stopped_since = None


def run(
    words: Sequence[str],
    *,
    folder: Any = None,
    variables: Mapping[str, str],
    timeout_s: float,
    given: bytes = b"",
    waiting: Optional[Callable[[float], None]] = None,
) -> Tuple[Optional[int], str]:
    """Exit status (``None``: it took too long) and output of a program, once nothing of it runs any more.

    Its background processes end with it. Time in which this process was stopped does not count. ``given`` is its
    standard input; ``waiting`` is called now and then with the seconds so far.

    Raises:
        OSError: it cannot be started.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as typed:
        typed.write(given)
        typed.seek(0)
        program = Kept(
            words,
            cwd=folder,
            env=variables,
            stdin=typed,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            status = wait_while_running(program, timeout_s, waiting)
        finally:
            program.kill()
        output.seek(0)
        return status, output.read().decode(errors="replace")


def wait_while_running(
    program: Kept, patience_s: float, waiting: Optional[Callable[[float], None]] = None
) -> Optional[int]:
    """The return code of a program; ``None`` after that time, of which stops of this process are no part."""
    began = time.monotonic()
    while patience_s > 0:
        asked_s = min(patience_s, LOOK_SECONDS)
        try:
            return program.wait(asked_s)
        except subprocess.TimeoutExpired:
            patience_s -= asked_s
            if waiting is not None:
                waiting(time.monotonic() - began)
    return program.poll()

"""Starts a program and kills everything it has started when it, or the process that requested it, ends.

Run by path, it needs nothing but Python, and little of that: each worker has its own. Its arguments are two descriptors
and the asker's process id. From the first it reads what to run (:func:`order`), and then nothing until the asker closes
it or dies; to the second it writes ``P PID`` once the program runs (``E ERRNO`` when it cannot), then ``S NANOSECONDS``
and ``C NANOSECONDS`` of the steady clock when it is stopped and continued. It ends as the program ended.

``inside ARGUMENT…`` keeps a Python with these arguments where the asker cannot see it, as in a container that a command
has started. Standard input is what the asker closes: the program reads it, and this process only watches for its end.

Whatever the program starts, in however many sessions of its own, stays below this process: orphans come to it.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

#: For type checkers alone: typing takes longer to import than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Sequence, Set, Tuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
#: Signals that end a session, and reach all of its processes.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Signals that Python or this process treat otherwise than programs expect.
USUAL = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGUSR1)
#: What sleeps in the kernel (a driver that hangs) dies when it wakes; it is not waited for longer.
LONGEST_S = 4.0
#: The first argument of a keeper that the asker does not start itself.
INSIDE = "inside"
_PAUSE_S = 0.01
_CHUNK_BYTES = 1 << 16


def order(words: Sequence[str], descriptors: Sequence[int]) -> bytes:
    """What to run, as it travels: the program's words, and the descriptors that are for it alone."""
    fields = [str(len(descriptors)), *map(str, descriptors), *words]
    return b"%d\0" % len(fields) + b"".join(os.fsencode(field) + b"\0" for field in fields)


def read_order(descriptor: int) -> Optional[Tuple[List[str], List[int]]]:
    """The words and the descriptors of an :func:`order`; ``None`` if the asker is gone."""
    data = b""
    while True:
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if not chunk:
            return None
        data += chunk
        number, _, rest = data.partition(b"\0")
        fields = rest.split(b"\0")[:-1]
        if b"\0" in data and len(fields) >= int(number):
            words = [os.fsdecode(field) for field in fields]
            first = 1 + int(words[0])
            return words[first:], [int(word) for word in words[1:first]]


def set_option(option: int, value: int) -> None:
    """Set one of Linux's options for processes; elsewhere nothing."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(option, int(value), 0, 0, 0)


def descendants(leader: int) -> List[int]:
    """All processes below ``leader``, parents before their children; none where the system does not list them."""
    children: Dict[int, List[int]] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        names = []
    for name in names:
        if name.isdigit():
            parent = _parent(name)
            if parent is not None:
                children.setdefault(parent, []).append(int(name))
    below = list(children.get(leader, ()))
    for pid in below:
        below.extend(children.get(pid, ()))
    return below


def _parent(pid: str) -> Optional[int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name before the last parenthesis may hold anything; then come the state and the parent.
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def kill_all_below(group: int) -> None:
    """Kill every process below this one, and those in the group; wait until all are gone, but not for ever."""
    deadline = time.monotonic() + LONGEST_S
    while not _none_left() and time.monotonic() < deadline:
        # Stopped first: while some are killed, others could start further ones.
        stopped: Set[int] = set()
        while time.monotonic() < deadline:
            further = set(descendants(os.getpid())) - stopped
            if not further:
                break
            for pid in further:
                _send(pid, signal.SIGSTOP)
            stopped |= further
        for pid in stopped:
            _send(pid, signal.SIGKILL)
        _send(-group, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def _send(pid: int, number: int) -> None:
    try:  # noqa: SIM105 (contextlib takes long to import)
        os.kill(pid, number)
    except OSError:
        pass


def _none_left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


class Keeper:
    """The program, and the two ends that it may come to."""

    def __init__(self, life: int, status: int, asker: int, life_events: int = select.POLLIN) -> None:
        self._life = life
        #: Beyond the other end's being closed, which is always one.
        self._life_events = life_events
        self._status = status
        self._asker = asker
        self._program = 0
        self._ended: Optional[int] = None
        self._wakes, self._wake = os.pipe()
        for descriptor in (status, self._wakes, self._wake):
            os.set_blocking(descriptor, False)
        self._handlers = {number: signal.getsignal(number) for number in (*IGNORED, signal.SIGCHLD)}
        self._handlers.update(dict.fromkeys(USUAL, signal.SIG_DFL))

    def prepare(self) -> None:
        """Have orphans come to this process, and signals of the asker's death and of children's ends wake it."""
        signal.set_wakeup_fd(self._wake)
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        set_option(PR_SET_CHILD_SUBREAPER, 1)
        # Another process may have inherited the other end of the first descriptor: this signal still reports the death.
        set_option(PR_SET_PDEATHSIG, signal.SIGUSR1)

    def start(self, words: List[str]) -> None:
        """Start the program in a session of its own, with the signals as this process had found them."""
        reader, writer = os.pipe()
        own = os.getpid()
        self._program = os.fork()
        if not self._program:
            try:
                os.setsid()
                set_option(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != own:
                    os._exit(1)
                for number, handler in self._handlers.items():
                    signal.signal(number, handler)
                os.execvp(words[0], words)  # noqa: S606 (no shell is wanted)
            except OSError as error:
                os.write(writer, b"%d" % (error.errno or 0))
            finally:
                os._exit(127)
        os.close(writer)
        failed = os.read(reader, _CHUNK_BYTES)
        os.close(reader)
        self._tell(b"E " + failed if failed else b"P %d" % self._program)

    def keep(self) -> int:
        """Wait until the program ends or the asker is gone; its wait status."""
        poller = select.poll()
        poller.register(self._life, self._life_events)
        poller.register(self._wakes, select.POLLIN)
        while not self._has_ended():
            ready = [descriptor for descriptor, _ in poller.poll()]
            if self._wakes in ready:
                os.read(self._wakes, _CHUNK_BYTES)
            if self._life in ready or os.getppid() != self._asker:
                break
        kill_all_below(self._program)
        return int(signal.SIGKILL) if self._ended is None else self._ended

    def _has_ended(self) -> bool:
        """Process the state changes of children."""
        while self._ended is None:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if not pid:
                return False
            if pid == self._program:
                if os.WIFSTOPPED(status):
                    self._tell(b"S %d" % time.monotonic_ns())
                elif os.WIFCONTINUED(status):
                    self._tell(b"C %d" % time.monotonic_ns())
                else:
                    self._ended = status
        return True

    def _tell(self, line: bytes) -> None:
        try:  # noqa: SIM105 (contextlib takes long to import)
            os.write(self._status, line + b"\n")
        except OSError:
            pass


def end_like(status: int) -> None:
    """End this process as another one ended."""
    if not os.WIFSIGNALED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    if number != signal.SIGKILL:
        import resource

        # One core file of the program is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)


def keep_inside(arguments: List[str]) -> None:
    """Start this Python with the standard streams, and keep it until it ends or its input is closed."""
    life = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    keeper = Keeper(life, null, os.getppid(), life_events=0)
    keeper.prepare()
    keeper.start([sys.executable, *arguments])
    # The asker waits for the end of what the program alone writes.
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    end_like(keeper.keep())


def main() -> None:
    """Start what is asked for, and keep it."""
    if sys.argv[1] == INSIDE:
        keep_inside(sys.argv[2:])
    life, status, asker = map(int, sys.argv[1:4])
    for descriptor in (life, status):
        os.set_inheritable(descriptor, False)
    keeper = Keeper(life, status, asker)
    keeper.prepare()
    ordered = read_order(life)
    if ordered is None:
        os._exit(1)
    words, descriptors = ordered
    keeper.start(words)
    # Nothing stays open here that is the program's: others wait for its connections to end.
    for descriptor in descriptors:
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    end_like(keeper.keep())


if __name__ == "__main__":
    main()

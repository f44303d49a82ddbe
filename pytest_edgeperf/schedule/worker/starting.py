"""How a worker's process is started and connected: directly, or by a command such as ``docker run``."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import IO, Callable, List, Mapping, Optional, Protocol, Sequence, Tuple

from pytest_edgeperf.measure import launcher
from pytest_edgeperf.measure.channel import Channel, Pipes
from pytest_edgeperf.measure.protocol import Specification, Started, message_of
from pytest_edgeperf.schedule.worker import keeper
from pytest_edgeperf.schedule.worker.kept import Kept

#: A pool that spins while it waits takes the processor from whoever's turn it is.
DEFAULT_VARIABLES = {"OMP_WAIT_POLICY": "PASSIVE"}
_KEEPER = ("schedule", "worker", "keeper.py")
_LAUNCHER = ("measure", "launcher.py")
_NUMBERS = itertools.count(1)


class Starter(Protocol):
    """Starts worker processes."""

    @property
    def command(self) -> Optional[str]:
        """The command that starts them, for a person; ``None``: they are started directly."""

    def start(self, variables: Mapping[str, str], output: Optional[IO[bytes]]) -> Tuple[Kept, Channel]:
        """Start a process.

        Args:
            variables: its environment.
            output: where its output goes; ``None``: where this process's does.

        Raises:
            OSError: it cannot be started.
        """

    def adapted(self, specification: Specification, variables: Mapping[str, str]) -> Specification:
        """The specification with what the start does not pass on.

        Args:
            specification: as for a process that is started directly.
            variables: those that are set for workers.
        """


@dataclass(frozen=True)
class DirectStart:
    """Starts an interpreter, which inherits a socket."""

    #: ``None``: the coordinator's.
    executable: Optional[str] = None

    @property
    def command(self) -> Optional[str]:
        """There is none."""
        return None

    def start(self, variables: Mapping[str, str], output: Optional[IO[bytes]]) -> Tuple[Kept, Channel]:
        """Start a process."""
        ours, theirs = socket.socketpair()
        with theirs:
            words = [self.executable or sys.executable, *python_flags()]
            process = Kept(
                [*words, launcher.__file__, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                pass_fds=(theirs.fileno(),),
                env=variables,
            )
        return process, Channel(ours)

    def adapted(self, specification: Specification, variables: Mapping[str, str]) -> Specification:
        """The specification itself: everything is inherited."""
        return specification


@dataclass(frozen=True)
class CommandStart:
    """Starts an interpreter by a command, which passes on standard input, output and error, and nothing else.

    What the command starts may not be below this process (a container's processes belong to its engine), so that it
    has a keeper there, which ends it when its input is closed.
    """

    command: str
    #: The words of the command and the interpreter, for a worker of this name.
    words: Callable[[str], Sequence[str]]
    #: Where the package is for that interpreter.
    package: str
    #: Variables for workers that they have no other value of.
    defaults: Mapping[str, str] = field(default_factory=dict)

    def start(self, variables: Mapping[str, str], output: Optional[IO[bytes]]) -> Tuple[Kept, Channel]:
        """Start a process."""
        words = [*self.words(f"edgeperf-{os.getpid()}-{next(_NUMBERS)}")]
        words += ["-I", "-S", os.path.join(self.package, *_KEEPER), keeper.INSIDE, *python_flags()]
        words += [os.path.join(self.package, *_LAUNCHER), launcher.STANDARD_STREAMS, str(os.getpid())]
        their_input, our_output = os.pipe()
        our_input, their_output = os.pipe()
        connection = Pipes(our_input, our_output)
        try:
            process = Kept(words, stdin=their_input, stdout=their_output, stderr=output, env=variables)
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(their_input)
            os.close(their_output)
        return process, Channel(connection, first=message_of(Started()))

    def adapted(self, specification: Specification, variables: Mapping[str, str]) -> Specification:
        """The specification with the variables that the command may not pass on."""
        settings = {**specification.settings, "command": self.command}
        defaults = {**DEFAULT_VARIABLES, **self.defaults}
        return replace(specification, settings=settings, variables=variables, default_variables=defaults)


def python_flags() -> List[str]:
    """The coordinator's options of the interpreter, for a worker's."""
    flags: List[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return flags

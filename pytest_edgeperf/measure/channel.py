"""Lines of JSON over a socket or two pipes, by which a worker and its coordinator communicate."""

from __future__ import annotations

import json
import os
import select
import time
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Protocol

Message = Dict[str, Any]

#: Longer messages would take the coordinator's memory with them; reports of pytest are cut long before.
MAX_MESSAGE_BYTES = 256 << 20
#: What a command may print before the worker that it starts sends its first message, and how much of it is kept.
MAX_PREAMBLE_BYTES = 1 << 20
KEPT_PREAMBLE_BYTES = 8192
_CHUNK_BYTES = 1 << 18
#: So much of what is no message is shown.
_SHOWN_BYTES = 80


class ChannelClosed(Exception):
    """The other side is gone."""


class MessageTooLong(ChannelClosed):
    """A message exceeds :data:`MAX_MESSAGE_BYTES`, and nothing after it can be read."""


class MalformedMessage(Exception):
    """Received data is not a message: something else writes to the connection."""


class Connection(Protocol):
    """What a channel needs of a connected socket."""

    def fileno(self) -> int:
        """The descriptor that is read."""

    def recv(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, as soon as there are some; empty once the other side is gone."""

    def sendall(self, data: bytes, /) -> None:
        """Send all bytes."""

    def close(self) -> None:
        """Close it."""


class Pipes:
    """A pipe to read from and one to write to, used as a socket is."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer

    def fileno(self) -> int:
        """The descriptor that is read."""
        return self._reader

    def recv(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, as soon as there are some; empty once the other side is gone."""
        return os.read(self._reader, size)

    def sendall(self, data: bytes, /) -> None:
        """Send all bytes."""
        unsent = memoryview(data)
        while unsent:
            unsent = unsent[os.write(self._writer, unsent) :]

    def close(self) -> None:
        """Close both."""
        for descriptor in (self._reader, self._writer):
            if descriptor >= 0:
                os.close(descriptor)
        self._reader = self._writer = -1


class Channel:
    """One end of the connection.

    Args:
        connection: connected to the other side.
        first: the first message. Lines before it are not the other side's: they are kept in :attr:`preamble`.
            ``None``: all lines are messages.
    """

    def __init__(self, connection: Connection, first: Optional[Message] = None) -> None:
        self._connection = connection
        self._first = None if first is None else _encoded(first)
        self._preamble = bytearray()
        self._preamble_bytes = 0
        #: Complete lines that were not asked for yet, and the chunks of the line that is still arriving.
        self._lines: Deque[bytes] = deque()
        self._partial: List[bytes] = []
        self._partial_bytes = 0
        # Not select(), which refuses descriptors from 1024 on.
        self._poller = select.poll()
        self._poller.register(connection, select.POLLIN)

    @property
    def preamble(self) -> bytes:
        """The end of what came before the first message."""
        return bytes(self._preamble[-KEPT_PREAMBLE_BYTES:])

    def fileno(self) -> int:
        """The descriptor."""
        return self._connection.fileno()

    def send(self, message: Message) -> None:
        """Send one message; values that JSON does not know are sent as their ``repr``.

        Raises:
            ChannelClosed: the other side is gone.
        """
        try:
            self._connection.sendall(_encoded(message) + b"\n")
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self, timeout_s: Optional[float] = None) -> Optional[Message]:
        """The next message, or ``None`` when none was complete in time, however much of it has arrived.

        Raises:
            ChannelClosed: the other side is gone.
            MessageTooLong: the message exceeds :data:`MAX_MESSAGE_BYTES`.
            MalformedMessage: a line is not JSON, or not an object.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._lines:
            remaining_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._poller.poll(None if remaining_s is None else remaining_s * 1e3):
                return None
            self._read()
            if deadline is not None and time.monotonic() >= deadline and not self._lines:
                return None
        return _decoded(self._lines.popleft())

    def _read(self) -> None:
        """Take one chunk; each byte is looked at once, so that a long message costs what its length does."""
        try:
            chunk = self._connection.recv(_CHUNK_BYTES)
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if not chunk:
            raise ChannelClosed("the other side closed the connection")
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            self._take(b"".join([*self._partial, end]))
            self._partial, self._partial_bytes = [], 0
        if rest:
            self._partial.append(rest)
            self._partial_bytes += len(rest)
        if self._partial_bytes > MAX_MESSAGE_BYTES:
            raise MessageTooLong(f"a message exceeds {MAX_MESSAGE_BYTES >> 20} MiB")
        if self._first is not None and self._preamble_bytes + self._partial_bytes > MAX_PREAMBLE_BYTES:
            raise MessageTooLong(f"more than {MAX_PREAMBLE_BYTES >> 20} MiB before its first message")

    def _take(self, line: bytes) -> None:
        if self._first is None or line == self._first:
            self._first = None
            self._lines.append(line)
            return
        self._preamble_bytes += len(line) + 1
        self._preamble += line + b"\n"
        if len(self._preamble) > 2 * KEPT_PREAMBLE_BYTES:
            del self._preamble[:-KEPT_PREAMBLE_BYTES]

    def close(self) -> None:
        """Close this side."""
        self._connection.close()


def _encoded(message: Message) -> bytes:
    return json.dumps(message, default=repr).encode()


def _decoded(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise MalformedMessage(f"{line[:_SHOWN_BYTES]!r}{'...' if len(line) > _SHOWN_BYTES else ''} is not a message")
    return message

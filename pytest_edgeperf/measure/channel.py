"""Lines of JSON over a socket pair: how a worker and its coordinator talk, apart from any output."""

from __future__ import annotations

import json
import select
import socket
import time
from collections import deque
from typing import Any, Deque, Dict, List, Optional

Message = Dict[str, Any]

#: Longer messages would take the coordinator's memory with them; reports of pytest are cut long before.
MAX_MESSAGE_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 18


class ChannelClosed(Exception):
    """The other side is gone."""


class MessageTooLong(ChannelClosed):
    """A message exceeds :data:`MAX_MESSAGE_BYTES`, and nothing after it can be read."""


class Channel:
    """One side of the conversation."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        #: Complete lines that were not asked for yet, and the chunks of the line that is still arriving.
        self._lines: Deque[bytes] = deque()
        self._partial: List[bytes] = []
        self._partial_bytes = 0

    def fileno(self) -> int:
        """The descriptor, for ``select``."""
        return self._connection.fileno()

    def send(self, message: Message) -> None:
        """Send one message; values that JSON does not know are sent as their ``repr``.

        Raises:
            ChannelClosed: the other side is gone.
        """
        line = json.dumps(message, default=repr).encode() + b"\n"
        try:
            self._connection.sendall(line)
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self, timeout_s: Optional[float] = None) -> Optional[Message]:
        """The next message, or ``None`` when none was complete in time, however much of it has arrived.

        Raises:
            ChannelClosed: the other side is gone.
            MessageTooLong: the message exceeds :data:`MAX_MESSAGE_BYTES`.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._lines:
            remaining_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._connection], [], [], remaining_s)
            if not readable:
                return None
            self._read()
            if deadline is not None and time.monotonic() >= deadline and not self._lines:
                return None
        message: Message = json.loads(self._lines.popleft())
        return message

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
            self._lines.append(b"".join([*self._partial, end]))
            self._partial, self._partial_bytes = [], 0
        if rest:
            self._partial.append(rest)
            self._partial_bytes += len(rest)
        if self._partial_bytes > MAX_MESSAGE_BYTES:
            raise MessageTooLong(f"a message exceeds {MAX_MESSAGE_BYTES >> 20} MiB")

    def close(self) -> None:
        """Close this side."""
        self._connection.close()

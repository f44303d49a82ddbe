"""Lines of JSON over a socket pair: how a worker and its coordinator talk, apart from any output."""

from __future__ import annotations

import json
import select
import socket
from typing import Any, Dict, Optional

Message = Dict[str, Any]


class ChannelClosed(Exception):
    """The other side is gone."""


class Channel:
    """One side of the conversation."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

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
        """The next message, or ``None`` when none came in time.

        Raises:
            ChannelClosed: the other side is gone.
        """
        while b"\n" not in self._received:
            readable, _, _ = select.select([self._connection], [], [], timeout_s)
            if not readable:
                return None
            try:
                chunk = self._connection.recv(1 << 16)
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not chunk:
                raise ChannelClosed("the other side closed the connection")
            self._received += chunk
        line, self._received = self._received.split(b"\n", 1)
        message: Message = json.loads(line)
        return message

    def close(self) -> None:
        """Close this side."""
        self._connection.close()

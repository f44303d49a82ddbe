"""A container engine: a client passes a program's words and streams on, and another process starts and keeps it."""

from __future__ import annotations

import array
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Dict, List, Optional

STREAMS = 3
#: The client, as ``docker run`` is one: it dies without its program's dying.
CLIENT = """
import array, json, os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
descriptors = array.array("i", [0, 1, 2]).tobytes()
words = json.dumps(sys.argv[2:]).encode()
connection.sendmsg([words], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
status = int(connection.recv(64) or b"125")
os._exit(128 - status if status < 0 else status)
"""


class Engine:
    """Runs what clients ask for, with an environment of its own. Use as a context manager."""

    def __init__(self, folder: Path, variables: Optional[Dict[str, str]] = None) -> None:
        self._path = folder / "engine.sock"
        self._variables = variables if variables is not None else {"PATH": os.environ["PATH"]}
        self._folder = folder
        self.started: List[subprocess.Popen] = []
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Engine:
        client = self._folder / "client.py"
        client.write_text(CLIENT)
        self.command = f"{sys.executable} {client} {self._path}"
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for process in self.started:
            process.kill()
            process.wait()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        words, ancillary, _, _ = connection.recvmsg(1 << 20, socket.CMSG_LEN(STREAMS * array.array("i").itemsize))
        descriptors = array.array("i")
        descriptors.frombytes(ancillary[0][2])
        process = subprocess.Popen(
            json.loads(words),
            stdin=descriptors[0],
            stdout=descriptors[1],
            stderr=descriptors[2],
            env=self._variables,
            cwd="/",
        )
        self.started.append(process)
        for descriptor in descriptors:
            os.close(descriptor)
        status = process.wait()
        with connection, suppress(BrokenPipeError):
            connection.sendall(str(status).encode())

"""What a process does that may take minutes, said to whoever shows the progress: builds, exports, trainings."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Callable, Iterator, List, Optional

Listener = Callable[[str], None]

_listener: Optional[Listener] = None
_present: List[str] = []


def listen(listener: Optional[Listener]) -> None:
    """Tell ``listener`` what begins, and with an empty text that nothing goes on any more; ``None``: nobody."""
    global _listener
    _listener = listener


@contextmanager
def activity(what: str) -> Iterator[None]:
    """Say what is done within, such as ``training digits-cnn``: the progress line shows it and for how long.

    Of a thread other than the main one nothing is said: what threads do at once is no line.
    """
    if _listener is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    _present.append(what)
    _listener(what)
    try:
        yield
    finally:
        _present.pop()
        if _listener is not None:
            _listener(_present[-1] if _present else "")

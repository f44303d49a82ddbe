"""Files of earlier sessions: set aside, so that nobody mistakes them for this session's if it is cut short."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, List, Tuple

from pytest_edgeperf.results import ResultsError

#: What an earlier session's file is called until this one's is in its place.
PREVIOUS = ".previous"


class EarlierFiles:
    """The files of one kind, such as ``results``, that this session is to write and earlier ones have written."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._previous: Dict[Path, Path] = {}

    def set_aside(self, paths: Iterable[Path]) -> None:
        """Rename those that exist.

        Raises:
            ResultsError: one cannot be renamed.
        """
        for path in paths:
            target = Path(os.path.realpath(path))
            try:
                if target.is_file() and target.stat().st_size:
                    previous = target.with_name(target.name + PREVIOUS)
                    os.replace(target, previous)
                    self._previous[path] = previous
            except OSError as error:
                raise ResultsError(
                    f"{path}: the {self._kind} of an earlier session cannot be set aside ({error.strerror}); move the "
                    "file away"
                ) from error

    def replaced(self, path: Path) -> None:
        """Remove the earlier file of a path that this session has written."""
        if path in self._previous:
            with suppress(OSError):
                self._previous.pop(path).unlink()

    def remaining(self) -> List[Tuple[str, str]]:
        """(what, path) of those that remain renamed; each once."""
        remaining = [(f"{self._kind} of an earlier session", str(previous)) for previous in self._previous.values()]
        self._previous.clear()
        return remaining

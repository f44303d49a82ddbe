"""Errors after measuring are reported and set the exit code, but never lose what was measured."""

from __future__ import annotations

import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List, Optional

import pytest

from pytest_edgeperf.caches import cache_folder
from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.results.atomic_files import replace_file
from pytest_edgeperf.settings import SettingsError

#: Their message says all that there is to say.
_EXPLAINED = (ResultsError, SettingsError, pytest.UsageError, OSError)
_LONGEST_MESSAGE = 300


class UnexpectedErrors:
    """Collects errors of a session's later parts as sentences; the session then ends with exit code 3."""

    def __init__(self, session: str) -> None:
        """Create an empty collection; ``session`` names the file of tracebacks."""
        self.session = session
        self.sentences: List[str] = []
        #: Sentences that a report has printed already.
        self.printed = 0
        self._tracebacks: List[str] = []

    def __bool__(self) -> bool:
        """Whether anything failed."""
        return bool(self.sentences)

    @contextmanager
    def survive(self, part: str) -> Iterator[None]:
        """Record an exception instead of raising it; ``part`` names what failed, as the beginning of a sentence."""
        try:
            yield
        except Exception as error:  # whatever it is, the tests' reports and the runs matter more
            self.add(part, error)

    def add(self, part: str, error: Exception) -> None:
        """Record an exception that was caught elsewhere; ``pytest.exit`` is raised again."""
        if isinstance(error, pytest.exit.Exception):
            raise error
        sentence = f"{part} failed: {message_of(error)}"
        if any(known.startswith(sentence) for known in self.sentences):
            return
        if not isinstance(error, _EXPLAINED):
            sentence += self._keep_traceback(error)
        self.sentences.append(sentence)

    def unprinted(self) -> List[str]:
        """The sentences that were not printed yet; they count as printed from now on."""
        new = self.sentences[self.printed :]
        self.printed = len(self.sentences)
        return new

    def _keep_traceback(self, error: BaseException) -> str:
        self._tracebacks += traceback.format_exception(type(error), error, error.__traceback__)
        path: Optional[Path] = None
        with suppress(OSError, ResultsError):
            path = cache_folder("tracebacks") / f"{self.session}.txt"
            replace_file(path, "".join(self._tracebacks).encode("utf-8", "backslashreplace"))
        return f"; please report it with {path}" if path is not None else "; please report it"


def message_of(error: BaseException) -> str:
    """The exception in one line, with its type unless its message explains it."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # another package's exception, whose text may fail as well
        words = "no message"
    if len(words) > _LONGEST_MESSAGE:
        words = words[:_LONGEST_MESSAGE] + " …"
    if isinstance(error, _EXPLAINED) and words:
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__

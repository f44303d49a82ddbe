"""How long the stages of a framework's loading take, each without those within it.

A framework marks what it does: :func:`stage` around the import of its runtime, the reading of a model, and what is not
the runtime's work. Outside a :class:`Stages`, which only who asks for the times opens, that costs nothing.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import threading
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

IMPORT, READ, BUILD = "import_time", "load_time", "build_time"
#: Work that is not the runtime's: digests of files, builds in another process, the first inference.
UNCOUNTED = ""
_NS_PER_MS = 1e6
_thread = threading.local()
_installing = threading.Lock()


class Stages:
    """The clock of one thread's loading. Use as a context manager; the times are there afterwards."""

    def __init__(self) -> None:
        self._spent_ns: Dict[str, int] = {}
        self._open: List[str] = []
        self._since_ns = 0
        #: Packages of the runtime that were imported before.
        self.imported_before: Tuple[str, ...] = ()
        self._packages: List[str] = []

    def __enter__(self) -> Stages:
        _thread.stages = self
        _watch_imports()
        return self

    def __exit__(self, *_: object) -> None:
        _thread.stages = None
        _leave_imports()

    @property
    def current(self) -> Optional[str]:
        """The innermost stage; ``None`` outside all."""
        return self._open[-1] if self._open else None

    def begin(self, name: str) -> None:
        """The next stage, within the current one."""
        self._charge()
        self._open.append(name)

    def end(self) -> None:
        """Go on with the stage around the current one."""
        self._charge()
        self._open.pop()

    def uses(self, package: str) -> None:
        """Keep in mind whether a package of the runtime, about to be imported, already was."""
        if package not in self._packages:
            self._packages.append(package)
            if package in sys.modules:
                self.imported_before += (package,)

    def times_ms(self) -> Dict[str, float]:
        """``import_time``, ``load_time`` and ``build_time`` in ms, those that the framework marked.

        Without ``import_time`` where the runtime was imported before: what is left of it would be no import.
        """
        left_out = (UNCOUNTED, IMPORT) if self.imported_before else (UNCOUNTED,)
        return {name: spent / _NS_PER_MS for name, spent in self._spent_ns.items() if name not in left_out}

    def _charge(self) -> None:
        now_ns = perf_counter_ns()
        if self._open:
            self._spent_ns[self._open[-1]] = self._spent_ns.get(self._open[-1], 0) + now_ns - self._since_ns
        self._since_ns = now_ns


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Charge what is done within to a stage: the building of an engine, or within it another.

    What is not counted has no stages within.
    """
    stages = _stages()
    if stages is None or stages.current == UNCOUNTED or (stages.current is None and name != BUILD):
        yield
        return
    stages.begin(name)
    try:
        yield
    finally:
        stages.end()


def importing(module: str) -> Any:
    """The module of this name, imported in its stage.

    Raises:
        ImportError: it cannot be imported.
    """
    stages = _stages()
    if stages is not None:
        stages.uses(module.partition(".")[0])
    with stage(IMPORT):
        return importlib.import_module(module)


def _stages() -> Optional[Stages]:
    found: Optional[Stages] = getattr(_thread, "stages", None)
    return found


def _timed(original: Callable[..., Any]) -> Callable[..., Any]:
    def imported(*args: Any, **keywords: Any) -> Any:
        stages = _stages()
        if stages is None or stages.current in (None, IMPORT, UNCOUNTED):
            return original(*args, **keywords)
        stages.begin(IMPORT)
        try:
            return original(*args, **keywords)
        finally:
            stages.end()

    return imported


class _Imports:
    """Python's two functions that import, replaced while some thread loads: a runtime imports much of itself late."""

    def __init__(self) -> None:
        self.users = 0
        self.originals: Tuple[Any, Any] = (None, None)
        self.ours: Tuple[Any, Any] = (None, None)


_imports = _Imports()


def _watch_imports() -> None:
    with _installing:
        _imports.users += 1
        if _imports.users == 1:
            _imports.originals = (builtins.__import__, importlib.import_module)
            _imports.ours = (_timed(builtins.__import__), _timed(importlib.import_module))
            _install(*_imports.ours)


def _leave_imports() -> None:
    with _installing:
        _imports.users -= 1
        if _imports.users:
            return
        # what somebody else has put there meanwhile stays
        there = (builtins.__import__, importlib.import_module)
        _install(*(old if own is now else now for old, own, now in zip(_imports.originals, _imports.ours, there)))


def _install(import_: Any, import_module: Any) -> None:
    builtins.__import__ = import_
    importlib.import_module = import_module

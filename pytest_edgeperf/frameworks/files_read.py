"""Which files of models and engines the runtimes of this process were given, for the record of what a run loaded.

Only paths are kept here: nothing is read while something is loaded or timed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, NamedTuple, Tuple

#: Of one folder (a SavedModel, say).
_MOST_FILES = 1000


class FilesRead(NamedTuple):
    """Paths of files, in the order in which they were first given."""

    models: Tuple[str, ...]
    engines: Tuple[str, ...]


#: Of this process, as a dict is the ordered set.
_models: Dict[str, None] = {}
_engines: Dict[str, None] = {}


def note_model(source: Any) -> None:
    """Keep what a model's source gave, where that is a path or several; other things are no files."""
    for part in source if isinstance(source, (list, tuple)) else (source,):
        if isinstance(part, (str, os.PathLike)):
            _models[os.path.abspath(part)] = None


def note_engine(folder: Path) -> None:
    """Keep the folder of an engine that was built."""
    _engines[os.path.abspath(folder)] = None


def files_read() -> FilesRead:
    """The files that were given so far; of a folder those in it."""
    return FilesRead(_files(_models), _files(_engines))


def forget() -> None:
    """Begin anew."""
    _models.clear()
    _engines.clear()


def _files(paths: Dict[str, None]) -> Tuple[str, ...]:
    files: Dict[str, None] = {}
    for path in paths:
        if os.path.isdir(path):
            inside = sorted(os.path.join(place, name) for place, _, names in os.walk(path) for name in names)
            files.update(dict.fromkeys(inside[:_MOST_FILES]))
        else:
            files[path] = None
    return tuple(files)

"""What a worker gives to pytest to collect, also where a path holds what pytest takes for the start of parameters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from _pytest.config import Config, get_config

#: pytest ends an argument's path at either.
_ENDS_PATH = ("[", "::")


def is_odd(path: str) -> bool:
    """Whether pytest would not find ``path`` when given it as an argument."""
    return any(mark in path for mark in _ENDS_PATH)


def within_file(nodeid: str, path: str, rootdir: str) -> str:
    """The part of a node id behind its file: ``TestClass::test_method[parameters]``."""
    relative = os.path.relpath(path, rootdir).replace(os.sep, "/") + "::"
    return nodeid[len(relative) :] if nodeid.startswith(relative) else nodeid.partition("::")[2]


def split(target: str, folder: Optional[str]) -> Tuple[str, str]:
    """A target's path, and the ``::`` and what follows it; a path may hold ``::`` itself only within ``folder``."""
    known = len(folder) if folder is not None and target.startswith(folder + os.sep) else 0
    path, mark, rest = target[known:].partition("::")
    return target[:known] + path, mark + rest


def configured(options: Mapping[str, Any], arguments: Sequence[str], folder: Optional[str]) -> Config:
    """The config of a worker's session; with ``folder``, targets in it are given as from there, and as odd as it is."""
    if folder is None:
        return Config.fromdictargs(dict(options), list(arguments))
    relative, only = _relative(arguments, folder)
    config = get_config(relative)
    config.invocation_params = Config.InvocationParams(args=relative, plugins=None, dir=Path(folder))
    config.option.__dict__.update(options)
    config.parse(relative, addopts=False)
    if only:
        config.pluginmanager.register(_OnlyFiles(only))
    return config


def _relative(arguments: Sequence[str], folder: str) -> Tuple[List[str], Dict[str, None]]:
    """Arguments with targets as from ``folder``; a file with an odd name is reached by collecting only it there."""
    made: List[str] = []
    only: Dict[str, None] = {}
    for argument in arguments:
        if not argument.startswith(folder + os.sep):
            made.append("." if argument == folder else argument)
            continue
        path, rest = split(argument, folder)
        if is_odd(path[len(folder) :]):
            made += [] if only else ["."]
            only[path] = None
        else:
            made.append(path[len(folder) + 1 :] + rest)
    return made, only


class _OnlyFiles:
    """Collects nothing but some files, and the folders on the way to them."""

    def __init__(self, paths: Mapping[str, None]) -> None:
        self._paths = {Path(path) for path in paths}
        self._parents = {parent for path in self._paths for parent in path.parents}

    def pytest_ignore_collect(self, collection_path: Path) -> Optional[bool]:
        """Ignore the rest."""
        return None if collection_path in self._paths or collection_path in self._parents else True

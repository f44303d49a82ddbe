"""Adapts a worker's specification to one side of a comparison of two commits or two interpreters."""

from __future__ import annotations

import os
import re
import sysconfig
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.measure.pytest_arguments import split
from pytest_edgeperf.measure.side import Side

#: Arguments that name the other side's path even where nothing is there yet.
_ALWAYS_MAPPED = ("--rootdir", "--confcutdir")
_INSTALLED = {"site-packages", "dist-packages"}


def two_sides(
    checkout: Path, worktree: Optional[Path], *, other_python: bool = False, has_metadata: bool = True
) -> Tuple[Side, Side]:
    """The base's side and the candidate's.

    ``worktree``: the base's commit; ``None``: both measure the checkout's sources. ``other_python``: the base has
    an interpreter of its own. ``has_metadata``: the base sees the metadata of the coordinator's pytest-edgeperf.
    """
    ours = str(checkout)
    theirs = None if worktree is None else str(worktree)
    base = Side(
        checkout=ours,
        tree=theirs or ours,
        other=ours if theirs else None,
        separate_environments=other_python,
        distribution=metadata_folder() if other_python and has_metadata else None,
    )
    return base, Side(checkout=ours, tree=ours, other=theirs, separate_environments=other_python)


def side_specification(specification: Specification, side: Side, *, own_python: bool = False) -> Specification:
    """The specification of a worker of ``side``, from that of an ordinary worker.

    rootdir, confcutdir, the ini file, the benchmark's file and every option that names an existing file of the
    checkout are mapped to the side's tree. The search path is mapped by the worker itself. ``own_python``: its
    interpreter is not the coordinator's, so that only the user's own entries of the search path are kept.
    """
    folder = specification.folder
    options = {name: _mapped(value, side) for name, value in specification.options.items()}
    if (side.is_mapped or own_python) and options.get("basetemp"):
        # pytest empties this folder at its start, and the other side may be at work in it.
        options["basetemp"] += "-base"
    search_path = specification.sys_path
    return replace(
        specification,
        args=[_argument(argument, side) for argument in specification.args],
        targets=[_target(target, folder, side) for target in specification.targets],
        options=options,
        sys_path=_without_interpreter(search_path, side) if own_python else search_path,
        side=side,
        folder=folder and (side.counterpart(folder) or folder),
    )


def existing_targets(specification: Specification) -> List[str]:
    """The targets whose file or folder exists on the side that this specification is for."""
    folder = specification.folder
    return [target for target in specification.targets if os.path.exists(split(target, folder)[0])]


def _target(target: str, folder: Optional[str], side: Side) -> str:
    path, rest = split(target, folder)
    return (side.counterpart(path) or path) + rest


def _argument(argument: str, side: Side) -> str:
    name, equals, value = argument.partition("=")
    if name in _ALWAYS_MAPPED:
        return f"{name}={side.counterpart(value) or value}"
    return f"{name}={_mapped(value, side)}" if equals else str(_mapped(argument, side))


def _mapped(value: Any, side: Side) -> Any:
    """The option with paths of the checkout mapped; an ini file or an output that the tree has not stays."""
    if isinstance(value, (list, tuple)):
        return [_mapped(element, side) for element in value]
    if not isinstance(value, str) or not os.path.isabs(value):
        return value
    counterpart = side.counterpart(value)
    return counterpart if counterpart is not None and os.path.exists(counterpart) else value


def _without_interpreter(search_path: Sequence[Optional[str]], side: Side) -> List[Optional[str]]:
    """The user's entries before and after the interpreter's own, which ``None`` stands for.

    Of those after it, which ``.pth`` files of this interpreter added, only the checkout's are kept.
    """
    entries = [path for path in search_path if path is not None]
    places = [index for index, path in enumerate(entries) if _is_interpreters(path)]
    first = places[0] if places else len(entries)
    before = [path for path in entries[:first] if os.path.isabs(path)]
    after = [path for path in entries[first:] if not _is_interpreters(path) and side.counterpart(path) is not None]
    return [*before, None, *after]


def _is_interpreters(path: str) -> bool:
    standard = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    return (
        bool(_INSTALLED.intersection(path.split(os.sep)))
        or re.search(r"python\d+\.zip$", path) is not None
        or any(path == folder or path.startswith(folder + os.sep) for folder in standard)
    )


def metadata_folder() -> Optional[str]:
    """The folder of this distribution's metadata; ``None`` where it is not installed."""
    try:
        folder = getattr(metadata.distribution("pytest-edgeperf"), "_path", None)
    except metadata.PackageNotFoundError:
        return None
    return str(folder) if folder is not None else None

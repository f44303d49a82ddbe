"""Removes a worktree when the process that made it is gone: run by path, it needs nothing but Python.

Its arguments are a descriptor to read from, the folder, the worktree in it and the repository's common folder.
One byte means that the worktree is removed already; the end of the pipe without one, that its creator died.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Iterator

#: Workers that die with their coordinator may write for a moment longer.
TRIES = 50
PAUSE_S = 0.1
#: Signals that end a session, and reach all of its processes.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def remove(folder: Path, tree: Path, common: Path) -> None:
    """Remove the folder with its worktree and the repository's entry of it, and no other worktree."""
    for _ in range(TRIES):
        _remove_folder(folder)
        if not folder.exists():
            # The entry goes last: it is what a later session finds the folder by.
            for entry in entries_of(tree, common):
                _remove_folder(entry)
            return
        time.sleep(PAUSE_S)


def entries(common: Path) -> Iterator[Path]:
    """What the repository keeps for each of its worktrees."""
    with suppress(OSError):
        yield from sorted((common / "worktrees").iterdir())


def entries_of(tree: Path, common: Path) -> Iterator[Path]:
    """The entries of one worktree."""
    for entry in entries(common):
        if tree_of(entry) == tree:
            yield entry


def tree_of(entry: Path) -> Path:
    """The worktree that an entry is of; the root folder where it does not say."""
    try:
        gitdir = (entry / "gitdir").read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError):
        return Path("/")
    # With worktree.useRelativePaths, git writes it relative to the entry.
    return Path(os.path.normpath(entry / gitdir)).parent


def _remove_folder(folder: Path) -> None:
    for parent, _, _ in os.walk(folder):
        with suppress(OSError):
            os.chmod(parent, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Wait for the maker's word or its death."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    descriptor, folder, tree, common = int(sys.argv[1]), *map(Path, sys.argv[2:5])
    if not os.read(descriptor, 1):
        remove(folder, tree, common)


if __name__ == "__main__":
    main()

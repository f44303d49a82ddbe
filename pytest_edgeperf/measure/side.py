"""One side of a comparison of two commits or two interpreters: which paths belong to which side."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import List, Optional

_OUR_FOLDER = str(Path(__file__).resolve().parents[1])
#: Folders of what is installed.
INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class Side:
    """One side of a comparison, as it travels in a worker's specification."""

    #: Root of the user's repository.
    checkout: str
    #: Where this side's sources are: the checkout itself, or a worktree of it.
    tree: str
    #: The tree that nothing may be loaded from; ``None``: both sides have the same sources.
    other: Optional[str] = None
    #: Each side has an interpreter of its own, so that installed copies may differ.
    separate_environments: bool = False
    #: Metadata folder of the coordinator's pytest-edgeperf, for an interpreter that does not have it.
    distribution: Optional[str] = None

    @property
    def is_mapped(self) -> bool:
        """The tree is not the checkout."""
        return self.tree != self.checkout

    def counterpart(self, path: str) -> Optional[str]:
        """This side's file or folder for ``path``, whether it exists or not; ``None``: not the checkout's."""
        places = [os.path.normpath(os.path.join(self.tree, relative)) for relative in self._within(path, self.checkout)]
        return next((place for place in places if os.path.exists(place)), places[0] if places else None)

    def in_checkout(self, path: str) -> Optional[str]:
        """The checkout's file or folder for one in this side's tree; ``None``: not in the tree."""
        return next(
            (os.path.normpath(os.path.join(self.checkout, relative)) for relative in self._within(path, self.tree)),
            None,
        )

    def owns(self, path: str) -> bool:
        """``path`` is source of this side."""
        return bool(self._within(path, self.tree))

    def is_foreign(self, path: str) -> bool:
        """``path`` is source of the other side."""
        return self.other is not None and bool(self._within(path, self.other))

    def _within(self, path: str, tree: str) -> List[str]:
        """``path`` relative to ``tree``, as written and with links resolved; empty where it is not its source."""
        # Relative entries that do not exist are no paths: setuptools' editable finder has such a placeholder.
        if not os.path.isabs(path) and not os.path.exists(path):
            return []
        if _relative(_real(path), _OUR_FOLDER) is not None:
            return []
        forms = dict.fromkeys((os.path.abspath(path), _real(path)))
        relatives = [(form, _relative(form, tree)) for form in forms if self._root_of(form) == tree]
        return [relative for form, relative in relatives if relative is not None and not _is_environment(form, tree)]

    def _root_of(self, path: str) -> Optional[str]:
        """The innermost of the trees that ``path`` lies in: one may be a folder of another."""
        trees = [tree for tree in (self.checkout, self.tree, self.other) if tree and _relative(path, tree) is not None]
        return max(trees, key=lambda tree: len(_real(tree)), default=None)


def _real(path: str) -> str:
    """``path`` with links resolved; remembered where it does not depend on the current folder."""
    return _real_absolute(path) if os.path.isabs(path) else os.path.realpath(path)


_real_absolute = lru_cache(maxsize=None)(os.path.realpath)


def _relative(path: str, folder: str) -> Optional[str]:
    for root in dict.fromkeys((folder, _real(folder))):
        if path == root:
            return "."
        if path.startswith(root.rstrip(os.sep) + os.sep):
            return path[len(root.rstrip(os.sep)) + 1 :]
    return None


def _is_environment(path: str, tree: str) -> bool:
    """Whether something in ``tree`` is not its source but in the folder of an interpreter."""
    if INSTALLED.intersection((_relative(path, tree) or "").split(os.sep)):
        return True
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    inside = (prefix for prefix in prefixes if _relative(prefix, tree) not in (None, "."))
    return any(_relative(path, prefix) is not None for prefix in inside)

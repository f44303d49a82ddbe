"""Where source code lies, in words that are the same on every machine and name nobody's home."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from pytest_edgeperf.measure.side import INSTALLED
from pytest_edgeperf.results.characters import printable

_OURS = str(Path(__file__).resolve().parents[1])
#: Folders whose members are people.
_HOMES = ("home", "Users")
#: The file of code that has none and whose description holds a path.
GENERATED = "<generated>"


class SourcePlaces:
    """Shortens the files of a project's code and of what it uses.

    Args:
        root: the project's folder.
    """

    def __init__(self, root: str) -> None:
        self._roots = _forms(root) if _is_private(root) else ()
        self._libraries = _libraries()
        self._modules: Optional[Dict[str, str]] = None

    def shown(self, file: str) -> str:
        """The file as a report names it.

        ``package/path.py`` of what is installed and of Python's own library, the path below the project's root of
        what lies there, the package's path of any other imported module, and the bare name of all else. What is no
        file (``<string>``) keeps its name, without any path in it. Characters that cannot be printed are escaped.
        """
        return printable(self._shown(file).replace(os.sep, "/"))

    def is_own(self, file: str) -> bool:
        """Whether the file is code of the user or of this package: not of another package, nor of Python."""
        whole = _absolute(file)
        if whole is None:
            return False
        if _below(whole, (_OURS,)) is not None:
            return True
        is_there = _below(whole, self._roots) is not None or self._of_module(whole) is not None
        return is_there and self._installed(whole) is None

    def _shown(self, file: str) -> str:
        if file.startswith("<"):
            # Generated code may be numbered anew in each process, or name the file that it was generated for.
            name = re.match(r"<[^>/\\]*>", file)
            return name.group() if name else GENERATED
        whole = _absolute(file)
        if whole is not None:
            return self._installed(whole) or _below(whole, self._roots) or self._of_module(whole) or _last_part(file)
        relative = os.path.normpath(file)
        if _is_foreign(file) or relative.split(os.sep)[0] in ("..", "~", *_HOMES):
            return _within_installed(file) or _last_part(file)
        # As compilers of extension modules write it.
        return relative

    def _installed(self, whole: str) -> Optional[str]:
        """The path in the folder of installed packages or of Python's own library; ``None``: it is in neither."""
        # A project may itself lie in a folder of installed packages.
        installed = _within_installed(_below(whole, self._roots) or whole)
        return _below(whole, self._libraries) if installed is None else installed

    def _of_module(self, whole: str) -> Optional[str]:
        if self._modules is None:
            self._modules = _module_files()
        return next(filter(None, map(self._modules.get, _forms(whole))), None)


def nameless(text: str, *roots: str) -> str:
    """A text in which paths below the project's roots are relative, and those below the user's home say ``~``."""
    shorter = [(form, "") for root in roots if _is_private(root) for form in _forms(root)]
    shorter += [(form, "~/") for form in _forms(os.path.expanduser("~"))]
    for folder, sign in shorter:
        if folder != os.sep:
            text = text.replace(folder.rstrip(os.sep) + os.sep, sign)
    return text


def _absolute(file: str) -> Optional[str]:
    """The whole path of a file; ``None`` of what is none, of another system's, and of a relative one that is absent."""
    if os.path.isabs(file):
        return os.path.normpath(file)
    if file.startswith("<") or _is_foreign(file) or not os.path.exists(file):
        return None
    return os.path.abspath(file)


def _is_private(root: str) -> bool:
    """Whether paths below a folder do not name people, as those below ``/`` do."""
    whole = _forms(root)[-1]
    home = _forms(os.path.expanduser("~"))[-1]
    return whole not in ("/", *("/" + name for name in _HOMES)) and _below(home, (whole,)) is None


def _libraries() -> Tuple[str, ...]:
    """Folders of Python's own library."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    return tuple(dict.fromkeys(form for path in paths if path for form in _forms(path)))


def _module_files() -> Dict[str, str]:
    """File -> the path that its module's name stands for, of all that is imported."""
    paths: Dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        # Some modules make up attributes when asked, so only what they really have is looked at.
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and name != "__main__":
            parts, last = name.split("."), _last_part(file)
            folders = parts if last.partition(".")[0] == "__init__" else parts[:-1]
            paths[_forms(file)[-1]] = "/".join([*folders, last])
    return paths


def _within_installed(path: str) -> Optional[str]:
    """What follows the innermost folder of installed packages; ``None``: it is in none."""
    parts = _parts(path)
    places = [at for at, part in enumerate(parts[:-1]) if part in INSTALLED]
    return "/".join(parts[places[-1] + 1 :]) if places and ".." not in parts else None


def _below(path: str, folders: Sequence[str]) -> Optional[str]:
    """The path relative to the first of the folders that it lies in; ``None``: it is in none."""
    for form in _forms(path):
        for folder in folders:
            inside = folder.rstrip(os.sep) + os.sep
            if form.startswith(inside) and form != inside:
                return form[len(inside) :]
    return None


@lru_cache(maxsize=4096)
def _forms(path: str) -> Tuple[str, ...]:
    """A path as written, and with links resolved."""
    whole = os.path.abspath(path)
    try:
        return tuple(dict.fromkeys((whole, os.path.realpath(whole))))
    except (ValueError, OSError):  # a null character, or a circle of links
        return (whole,)


def _is_foreign(path: str) -> bool:
    """Whether it is a path of another system, such as ``C:\\Users\\…``."""
    return os.sep == "/" and (re.match(r"[A-Za-z]:", path) is not None or ("\\" in path and "/" not in path))


def _last_part(path: str) -> str:
    return "".join(_parts(path)[-1:])


def _parts(path: str) -> List[str]:
    return [part for part in re.split(r"[/\\]", path) if part]

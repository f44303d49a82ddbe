"""What was typed for a session, and commands that go on from it: to paste into the same shell, in the same folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from pytest_edgeperf.settings import OPTIONS, Option

#: More letters are no command to paste.
MOST_LETTERS = 2000
#: Set by programs that run pytest in an environment which the user's shell does not look in.
_RUNNERS = ("TOX_ENV_NAME", "NOX_CURRENT_SESSION", "UV_RUN_RECURSION_DEPTH", "POETRY_ACTIVE", "HATCH_ENV_ACTIVE")
_OPTIONS: Dict[str, Option] = {option.attribute: option for option in OPTIONS}


@dataclass(frozen=True)
class Invocation:
    """How a session was started. Paths are relative to the folder that it was started in, where they are below it.

    ``pytest`` and ``edgeperf`` are the words that start them; ``arguments`` are pytest's as typed, of which ``targets``
    name what to collect; ``root`` leads to the folder that node ids begin in (empty: it is this one); ``device`` is
    what was typed as ``--device`` (``None``: nothing); ``prefixed``: our bare options are typed ``--edgeperf-…``.
    """

    arguments: Tuple[str, ...] = ()
    targets: Tuple[str, ...] = ()
    pytest: Tuple[str, ...] = ("pytest",)
    edgeperf: Tuple[str, ...] = ("edgeperf",)
    root: str = ""
    baseline_dir: str = "baselines"
    device: Optional[str] = None
    prefixed: bool = False

    def session(
        self,
        added: Iterable[Tuple[str, Optional[str]]] = (),
        *,
        without: Sequence[str] = (),
        ids: Optional[Sequence[str]] = None,
        keep_files: bool = False,
    ) -> Optional[str]:
        """The session's command with other options; ``None`` where it cannot be written in a line.

        The files that it wrote are not asked for again, as that would replace what led to the next command.

        Args:
            added: attribute of ``Settings`` -> text (``None`` for a flag) of the options to type.
            without: attributes of the options to leave out; ``--edgeperf-resume`` always is.
            ids: node ids to collect in place of the targets.
            keep_files: write the same files, as a session that goes on does.
        """
        added = list(added)
        dropped = {"resume", *without, *(attribute for attribute, _ in added)}
        dropped |= set() if keep_files else {"results", "reports"}
        words = self._without([_OPTIONS[attribute] for attribute in sorted(dropped)])
        if ids is not None:
            if any(words.count(target) != 1 for target in self.targets):
                return None
            words = [word for word in words if word not in self.targets]
            words = [*(self._argument(node_id) for node_id in ids), *words]
        for attribute, text in added:
            name = _OPTIONS[attribute].name(self.prefixed)
            words.append(name if text is None else f"{name}={text}")
        return _joined([*self.pytest, *words])

    def noise(self) -> Optional[str]:
        """``edgeperf noise`` with the session's arguments, but for those that it sets itself."""
        own = ("baseline", "rounds", "max_rounds", "reason", "resume", "results", "reports", "inconclusive")
        return _joined([*self.edgeperf, "noise", *self._without([_OPTIONS[attribute] for attribute in own])])

    def command(self, *words: str, folder: bool = True) -> Optional[str]:
        """``edgeperf`` with these words, and ``folder``: with the folder of the baselines where that is another."""
        where = ("--dir", self.baseline_dir) if folder and self.baseline_dir != "baselines" else ()
        return _joined([*self.edgeperf, *words, *where])

    def _without(self, options: Sequence[Option]) -> List[str]:
        names = {option.name(self.prefixed): option for option in options if not option.ini_only}
        words: List[str] = []
        rest = iter(self.arguments)
        for word in rest:
            name, equals, _ = word.partition("=")
            if name not in names:
                words.append(word)
            elif not (equals or names[name].flag):
                next(rest, None)
        return words

    def _argument(self, node_id: str) -> str:
        return os.path.join(self.root, node_id) if self.root else node_id


def program(name: str) -> Tuple[str, ...]:
    """The words that start a program of this environment in the user's shell: its name, else its path."""
    folder = os.path.dirname(sys.executable)
    path = os.path.join(folder, name)
    found = shutil.which(name)
    at_hand = found is not None and os.path.abspath(found) == os.path.abspath(path)
    if at_hand and not any(variable in os.environ for variable in _RUNNERS):
        return (name,)
    if os.access(path, os.X_OK):
        return (shown_path(path),)
    # Installed elsewhere, as by a distribution or with --user.
    return (name,) if found is not None or name != "pytest" else (sys.executable, "-m", name)


def shown_path(path: str, start: Optional[str] = None) -> str:
    """A path as it is typed: relative to ``start`` (the working folder) where it lies below it."""
    here = os.path.abspath(start or os.getcwd())
    whole = os.path.abspath(os.path.join(here, path))
    return os.path.relpath(whole, here) if whole.startswith(os.path.join(here, "")) else whole


def _joined(words: Sequence[str]) -> Optional[str]:
    """The command; ``None`` where a word holds what no terminal shows, or it is too long to be pasted."""
    text = " ".join(map(shlex.quote, words))
    return text if text.isprintable() and len(text) <= MOST_LETTERS else None

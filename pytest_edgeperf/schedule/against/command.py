"""The command of ``--against-command``, which starts the other side's Pythons: its words and their placeholders."""

from __future__ import annotations

import os
import shlex
import string
import sys
from dataclasses import dataclass
from typing import List, Mapping, Tuple

from pytest_edgeperf.caches import VARIABLE, cache_folder
from pytest_edgeperf.measure.side import Side
from pytest_edgeperf.schedule.against.interpreters import ADOPTED_NEEDS, WORKER_NEEDS, probe_through
from pytest_edgeperf.schedule.worker.starting import CommandStart
from pytest_edgeperf.settings import Settings, SettingsError

#: Placeholder -> what stands for it.
PLACEHOLDERS = {
    "python": "the Python of --against-python, else this session's; it is added at the end where it is not named",
    "root": "folder of the sources that the other side measures: the checkout, or the worktree of --against",
    "cwd": "this session's working folder",
    "cache": "folder of exported networks and built engines; the workers use it if the command names it",
    "name": "another name for each worker, such as edgeperf-4711-3",
    "uid": "this user's number",
    "gid": "the number of this user's group",
}
PYTHON = "python"
NAME = "name"
CACHE = "cache"
OTHER_KERNEL = (
    "what --against-command starts runs under another kernel, as in a virtual machine: both sides need the same "
    "processors to take turns on, which this session cannot check"
)


class CommandError(ValueError):
    """A command cannot be used; the message gives the reason and the remedy."""


@dataclass(frozen=True)
class Template:
    """A command as it was typed, in words that may hold placeholders."""

    text: str
    words: Tuple[str, ...]

    @property
    def names(self) -> List[str]:
        """The placeholders that it holds."""
        return [name for word in self.words for name in _names(word)]

    def filled(self, values: Mapping[str, str]) -> List[str]:
        """The words with values for the placeholders; the Python stands at the end where it is not named."""
        words = self.words if PYTHON in self.names else (*self.words, "{python}")
        return [word.format_map(values) for word in words]


def template_of(text: str) -> Template:
    """Split a command into words, as a shell does.

    Raises:
        CommandError: it is empty, has an open quotation, or a brace that belongs to no placeholder.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise CommandError(f"it cannot be split into words ({str(error).lower()})") from None
    if not words:
        raise CommandError("it is empty; give a command, such as 'docker run --rm -i -v {root}:{root} IMAGE {python}'")
    for word in words:
        for name in _names(word):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                raise CommandError(f"{{{name}}} is no placeholder of {known}; write {{{{ and }}}} for braces")
    return Template(text, tuple(words))


@dataclass(frozen=True)
class Through:
    """A base side whose workers a command starts."""

    label: str
    starter: CommandStart
    #: The metadata of this distribution is where it is for the coordinator.
    has_metadata: bool
    notes: Tuple[str, ...] = ()


def through(settings: Settings, side: Side, *, adopted: bool) -> Through:
    """Check that a worker can run in what ``--against-command`` starts.

    Args:
        settings: what was asked for.
        side: of the base.
        adopted: whether some benchmarks are pytest-benchmark's.

    Raises:
        SettingsError: it cannot; the message has the reason and the remedy.
    """
    text, python = settings.against_command or "", settings.against_python or sys.executable
    try:
        template = template_of(text)
    except CommandError as error:
        raise SettingsError(f"--against-command={text}: {error}") from error
    cache = str(cache_folder()) if CACHE in template.names else ""
    values = {
        PYTHON: python,
        "root": side.tree,
        "cwd": folder_of(side),
        CACHE: cache,
        "uid": str(os.getuid()),
        "gid": str(os.getgid()),
    }

    def words(name: str) -> List[str]:
        return template.filled({**values, NAME: name})

    interpreter = probe_through(
        words(f"edgeperf-{os.getpid()}-0"),
        python,
        [side.tree, folder_of(side)],
        ADOPTED_NEEDS if adopted else WORKER_NEEDS,
    )
    if interpreter.problem is not None:
        raise SettingsError(interpreter.problem)
    starter = CommandStart(text, words, interpreter.package, {VARIABLE: cache} if cache else {})
    label = f"Python {interpreter.version} started by `{text}`"
    notes = (OTHER_KERNEL,) if interpreter.other_kernel else ()
    return Through(label, starter, interpreter.has_metadata, notes)


def folder_of(side: Side) -> str:
    """This session's working folder, or its counterpart on the side."""
    folder = os.getcwd()
    counterpart = side.counterpart(folder)
    if counterpart is None:
        return folder
    return counterpart if os.path.isdir(counterpart) else side.tree


def _names(word: str) -> List[str]:
    try:
        fields = list(string.Formatter().parse(word))
    except ValueError as error:
        raise CommandError(f"{word}: {str(error).lower()}; write {{{{ and }}}} for braces") from None
    for _, name, specification, conversion in fields:
        if name is not None and (specification or conversion or not name.isidentifier()):
            raise CommandError(f"{word}: write {{{{ and }}}} for braces that are no placeholder")
    return [name for _, name, _, _ in fields if name is not None]

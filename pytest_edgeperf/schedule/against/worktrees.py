"""Worktrees of another commit: created for a session and removed after it, however it ends."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Callable, Optional, Sequence

from pytest_edgeperf.schedule.against import git, guardian
from pytest_edgeperf.schedule.against.git import Revision, WorktreeError
from pytest_edgeperf.schedule.worker import kept

PREFIX = "edgeperf-worktree-"
#: Held in the worktree's folder by the session that made it.
LOCK = ".edgeperf-lock"
ADD_SECONDS = 1800.0
LINES_OF_OUTPUT = 20
#: Bytes free on a disk that has probably been filled.
LITTLE_ROOM = 4 << 20
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"})


class Worktree:
    """A worktree in a private folder. Use as a context manager.

    A guardian process removes it if this process is killed; if both are, a later session's :func:`remove_stale` does.
    """

    def __init__(
        self, revision: Revision, parent: Optional[Path] = None, waiting: Optional[Callable[[float], None]] = None
    ) -> None:
        """``waiting`` is called now and then with the seconds that the checkout has taken."""
        self._revision = revision
        self._waiting = waiting
        self._parent = parent
        self._folder: Optional[Path] = None
        self._common: Optional[Path] = None
        self._lock: Optional[int] = None
        self._life: Optional[int] = None
        self._guardian: Optional[subprocess.Popen[bytes]] = None

    @property
    def tree(self) -> Path:
        """The root of the other commit's files."""
        assert self._folder is not None
        return self._folder / self._revision.root.name

    @property
    def has_submodules(self) -> bool:
        """Whether the commit has submodules, which are not checked out."""
        return (self.tree / ".gitmodules").exists()

    @property
    def guardian_pid(self) -> int:
        """The process id of its guardian."""
        assert self._guardian is not None
        return self._guardian.pid

    def __enter__(self) -> Worktree:
        """Check out the commit.

        Raises:
            WorktreeError: git failed.
        """
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None and self._common is not None:
            guardian.remove(self._folder, self.tree, self._common)
            self._folder = None
        if self._life is not None:
            with suppress(BrokenPipeError):
                os.write(self._life, b".")
            os.close(self._life)
            self._life = None
        if self._guardian is not None:
            self._guardian.wait()
            self._guardian = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make(self) -> None:
        self._common = git.common_folder(self._revision.root)
        try:
            self._folder = Path(os.path.realpath(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent)))
            self._lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WorktreeError(
                f"the folder of its worktree cannot be created ({error}); set TMPDIR to a folder with room for "
                "the checkout"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise WorktreeError(
                f"{self._folder} cannot be locked, because its file system does not support locks ({error.strerror}); "
                "set TMPDIR to a folder on a local disk"
            ) from error
        self._watch(self._common)
        # Large files stay where they are.
        command = [*git.WITHOUT_HOOKS, "-C", str(self._revision.root), "worktree", "add"]
        status, output = kept.run(
            [*command, "--detach", str(self.tree), self._revision.commit],
            folder=self._revision.root,
            variables=git.environment(GIT_LFS_SKIP_SMUDGE="1", LC_ALL="C"),
            timeout_s=ADD_SECONDS,
            waiting=self._waiting,
        )
        if status is None:
            raise WorktreeError(f"git worktree add took longer than {ADD_SECONDS:g} s")
        if status:
            raise WorktreeError(f"git could not check out {self._revision.ref}: {last_lines(output, 3)}{self._room()}")

    def _room(self) -> str:
        """What to do where the disk is probably full; git often says only that a file could not be written."""
        assert self._folder is not None
        with suppress(OSError):
            if shutil.disk_usage(self._folder).free < LITTLE_ROOM:
                return "; the disk is almost full: set TMPDIR to a folder with room for the checkout"
        return ""

    def _watch(self, common: Path) -> None:
        reader, self._life = os.pipe()
        arguments = [str(reader), str(self._folder), str(self.tree), str(common)]
        # The guardian inherits the mask, so that it outlives what ends this process from its first moment on.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, guardian.IGNORED)
        try:
            self._guardian = subprocess.Popen(
                [sys.executable, "-S", "-E", guardian.__file__, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(reader,),
                cwd="/",
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.close(reader)


def remove_stale(root: Path) -> None:
    """Remove our worktrees that no running session holds: a power cut ends the guardian as well."""
    common = git.common_folder(root)
    for entry in list(guardian.entries(common)):
        tree = guardian.tree_of(entry)
        if tree.parent.name.startswith(PREFIX) and _is_abandoned(tree.parent):
            guardian.remove(tree.parent, tree, common)


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def run_setup(
    command: str, root: Path, tree: Path, timeout_s: float, waiting: Optional[Callable[[float], None]] = None
) -> None:
    """Run the user's command in the worktree, with ``EDGEPERF_CHECKOUT`` and ``EDGEPERF_WORKTREE`` in its environment.

    ``waiting`` is called now and then with the seconds so far.

    Raises:
        WorktreeError: it cannot be run, fails, or takes too long; the end of its output is in the message.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise WorktreeError(f"the setup command {command!r} cannot be read: {error}") from None
    if not words:
        raise WorktreeError("the setup command is empty; give a command, such as 'make models'")
    variable = next((name for name in ("EDGEPERF_CHECKOUT", "EDGEPERF_WORKTREE") if _expects(words, name)), None)
    if variable is not None:
        raise WorktreeError(
            f"the setup command {command!r} holds ${variable}, but runs without a shell that would expand it; pass the "
            "whole command to a shell: sh -c '...'"
        )
    try:
        variables = git.environment(EDGEPERF_CHECKOUT=str(root), EDGEPERF_WORKTREE=str(tree))
        status, output = kept.run(words, folder=tree, variables=variables, timeout_s=timeout_s, waiting=waiting)
    except OSError as error:
        raise WorktreeError(f"the setup command {words[0]} cannot be started in {tree}: {error.strerror}") from None
    if status != 0:
        what = f"took longer than {timeout_s:g} s" if status is None else f"ended with {status}"
        said = last_lines(output, LINES_OF_OUTPUT)
        raise WorktreeError(f"the setup command {command!r} {what} in {tree}:\n{said}")


def last_lines(text: str, number: int) -> str:
    """The end of what a program said."""
    return "\n".join(text.strip().splitlines()[-number:])


def _expects(words: Sequence[str], variable: str) -> bool:
    """Whether a word waits for a shell to put the variable in its place, and no shell comes before it."""
    for word in words:
        if os.path.basename(word) in _SHELLS:
            return False
        if f"${variable}" in word or f"${{{variable}}}" in word:
            return True
    return False

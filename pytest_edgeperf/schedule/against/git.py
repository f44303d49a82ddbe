"""The user's git: which repository a folder is in, and which commit a name means."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

#: Variables that git sets for its hooks; the hook's repository need not be the one in question.
REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
#: ``git rev-parse`` understands ``--end-of-options`` since this version.
END_OF_OPTIONS = (2, 30)
ASK_SECONDS = 60.0
#: A question may refresh the index, which runs a hook of the user's that nobody asked for.
WITHOUT_HOOKS = ("git", "-c", f"core.hooksPath={os.devnull}")
SUBMODULE_MODE = "160000"


class WorktreeError(Exception):
    """The other commit is not available; the message gives the reason, the place and the remedy."""


@dataclass(frozen=True)
class Revision:
    """A commit of a repository: its work tree's root, the name as typed, and the full hash."""

    root: Path
    ref: str
    commit: str


def environment(**further: str) -> Dict[str, str]:
    """This process's environment without the variables that git sets for hooks."""
    kept = {name: value for name, value in os.environ.items() if name not in REPOSITORY_VARIABLES}
    return {**kept, **further}


def ask(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder and return its output.

    Raises:
        WorktreeError: git is not installed, or does not answer.
    """
    try:
        return subprocess.run(
            [*WITHOUT_HOOKS, "-C", str(folder), *arguments],
            env=environment(LC_ALL="C"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise WorktreeError("git is not installed, and is needed to check out the other commit") from None
    except subprocess.TimeoutExpired:
        raise WorktreeError(f"git did not answer within {ASK_SECONDS:g} s in {folder}") from None


def resolve(rootdir: Path, ref: str) -> Revision:
    """The commit that ``ref`` names in the repository around ``rootdir``.

    Raises:
        WorktreeError: there is no such commit, or no work tree.
    """
    if not ref.strip():
        raise WorktreeError("no commit is named; give a branch, a tag or a hash")
    if ref.startswith("-"):
        raise WorktreeError(f"{ref} looks like an option; give a branch, a tag or a hash")
    root = _root(rootdir)
    if ask(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        raise WorktreeError(f"the repository {root} has no commit yet; make one first")
    commit = _parse(root, f"{ref}^{{commit}}")
    if commit is None:
        raise WorktreeError(_why_not(root, ref))
    return Revision(root, ref, commit)


def common_folder(root: Path) -> Path:
    """Where the repository keeps what all of its work trees share."""
    return Path(os.path.realpath(root / ask(root, "rev-parse", "--git-common-dir").stdout.rstrip("\n")))


def accepted_commit(runs: Iterable[Tuple[str, Optional[str]]]) -> Tuple[str, List[str]]:
    """The newest commit of a baseline's (started, commit) runs, and the other ones.

    Raises:
        WorktreeError: no run names a commit, or the newest was accepted with uncommitted changes.
    """
    named = sorted((started, commit) for started, commit in runs if commit)
    if not named:
        raise WorktreeError("the baseline's runs of these benchmarks record no commit; give a branch, a tag or a hash")
    newest = named[-1][1]
    if newest.endswith("-dirty"):
        raise WorktreeError(
            f"the baseline was accepted with uncommitted changes ({newest}), which cannot be checked out; "
            "commit them and refresh the baseline, or give a branch, a tag or a hash"
        )
    return newest, sorted({commit for _, commit in named} - {newest})


def _root(rootdir: Path) -> Path:
    answer = ask(rootdir, "rev-parse", "--show-toplevel")
    if answer.returncode:
        if ask(rootdir, "rev-parse", "--is-bare-repository").stdout.strip() == "true":
            raise WorktreeError(f"{rootdir} belongs to a bare repository, which has no files; run in a clone of it")
        if "not a git repository" in answer.stderr:
            raise WorktreeError(f"{rootdir} is not in a git repository, so there is no other commit to measure")
        trust = next((line.strip() for line in answer.stderr.splitlines() if "safe.directory" in line), None)
        if trust is not None:
            raise WorktreeError(f"git does not trust {rootdir}, which belongs to another user; run: {trust}")
        last = (answer.stderr.strip().splitlines() or ["no reason given"])[0]
        raise WorktreeError(f"git cannot work in {rootdir}: {last}")
    root = Path(os.path.realpath(answer.stdout.rstrip("\n")))
    relative = os.path.relpath(os.path.realpath(rootdir), root)
    for part in (relative, *map(str, Path(relative).parents)):
        if part != "." and _is_submodule(root, part):
            raise WorktreeError(
                f"{part} is a submodule that is not checked out; run: git submodule update --init {part}"
            )
    return root


def _is_submodule(root: Path, part: str) -> bool:
    tracked = ask(root, "ls-files", "--stage", "-z", "--", part).stdout.split("\0")
    return any(line.startswith(SUBMODULE_MODE) and line.endswith(f"\t{part}") for line in tracked)


def _parse(root: Path, name: str) -> Optional[str]:
    guard = ["--end-of-options"] if _version(root) >= END_OF_OPTIONS else []
    answer = ask(root, "rev-parse", "--verify", "--quiet", *guard, name)
    return answer.stdout.strip() if answer.returncode == 0 else None


def _version(root: Path) -> Tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", ask(root, "--version").stdout)[:2]))


def _why_not(root: Path, ref: str) -> str:
    other = _parse(root, ref)
    kind = ask(root, "cat-file", "-t", other).stdout.strip() if other else ""
    if kind and kind != "commit":
        return f"{ref} is a {kind} of {root}, not a commit"
    if ask(root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        return (
            f"{ref} is not in the shallow clone {root}; fetch its history: git fetch --unshallow "
            "(in CI, check out with fetch-depth: 0)"
        )
    return f"{ref} is not a commit of {root}; check its name, or git fetch it"

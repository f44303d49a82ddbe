"""Real repositories for tests, independent of the developer's git configuration."""

from __future__ import annotations

import os
import subprocess


def git(folder, *arguments):
    identity = ("-c", "user.name=edgeperf", "-c", "user.email=edgeperf@localhost", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *identity, "-c", "init.defaultBranch=main", *map(str, arguments)],
        cwd=str(folder),
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def commit(folder, **files):
    """Write files (name without its ending -> text) and commit them; the commit's hash."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "a commit")
    return git(folder, "rev-parse", "HEAD").strip()


def repository(folder, **files):
    """A repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    commit(folder, **files)
    return folder


def worktrees(folder):
    """How many work trees git knows, its own included."""
    return len(git(folder, "worktree", "list").splitlines())

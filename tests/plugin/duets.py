"""A repository whose commits are compared, and sessions that do it."""

from __future__ import annotations

import os

from tests.schedule.repositories import commit, git, worktrees

WORK = """
import sys

def work(steps=20000):
    spend = getattr(sys.modules.get("calm"), "spend", None)
    if spend is not None:
        return spend(100 * steps)
    total = 0
    for step in range(steps):
        total += step * step
    return total
"""
SLOWER = WORK.replace("20000", "40000")
SUITE = """
from work import work
def test_one(timed_inference):
    timed_inference(work)
def test_two(timed_inference):
    timed_inference(work, 5000)
"""
ONE = "from work import work\ndef test_one(timed_inference):\n    timed_inference(work)\n"
TURNS = ("--edgeperf-budget=0.12", "--edgeperf-turn=0.01")
#: Where no verdict is wanted.
ONE_LOOK = "--edgeperf-max-rounds=4"


def turn_into_repository(project):
    """Give the project one commit."""
    (project.path / ".gitignore").write_text(
        "__pycache__\n.pytest_cache\nhome\nran.txt\njunit.xml\n*.json\nbaselines\n"
    )
    git(project.path, "init", "--quiet")
    commit(project.path, work=WORK, test_it=SUITE)
    project.environment["TMPDIR"] = str(project.path.parent / "temporary")
    os.mkdir(project.environment["TMPDIR"])
    return project


def against(project, *arguments, ref="HEAD", **keywords):
    keywords.setdefault("short", False)
    return project.run(*([f"--against={ref}"] if ref else []), *TURNS, "--junitxml=junit.xml", *arguments, **keywords)


def nothing_is_left(project):
    return worktrees(project.path) == 1 and os.listdir(project.environment["TMPDIR"]) == []

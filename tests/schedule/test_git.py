from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from pytest_edgeperf.schedule.against.git import WorktreeError, accepted_commit, environment, resolve

from .repositories import commit, git, repository

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = repository(tmp_path / "checkout", work="first")
    git(folder, "tag", "first")
    commit(folder, work="second")
    return folder


def test_names_of_commits_are_resolved(checkout):
    head = git(checkout, "rev-parse", "HEAD").strip()
    first = git(checkout, "rev-parse", "HEAD~1").strip()
    git(checkout, "tag", "-m", "annotated", "marked", "first")
    for ref, wanted in {"HEAD": head, "main": head, head[:8]: head, "first": first, "marked": first}.items():
        revision = resolve(checkout, ref)
        assert (revision.ref, revision.commit) == (ref, wanted)
        assert revision.root == checkout.resolve()


def test_the_root_is_that_of_the_work_tree_wherever_pytest_is_rooted(checkout):
    (checkout / "projects" / "one").mkdir(parents=True)
    assert resolve(checkout / "projects" / "one", "HEAD").root == checkout.resolve()


def test_a_branch_that_is_named_like_a_file_is_a_commit(checkout):
    git(checkout, "branch", "work.py")
    assert resolve(checkout, "work.py").commit == resolve(checkout, "HEAD").commit


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("", "no commit is named"),
        ("--output=/tmp/x", "looks like an option"),
        ("-h", "looks like an option"),
        ("nowhere", r"nowhere is not a commit of .*checkout; check its name"),
        ("HEAD~9", "HEAD~9 is not a commit"),
        ("HEAD^{tree}", r"is a tree of .*, not a commit"),
        ("HEAD:work.py", r"is a blob of .*, not a commit"),
        ("main..first", "is not a commit"),
    ],
)
def test_what_is_no_commit_is_one_sentence(checkout, ref, said):
    with pytest.raises(WorktreeError, match=said) as error:
        resolve(checkout, ref)
    assert "\n" not in str(error.value)


def test_outside_a_repository(tmp_path):
    with pytest.raises(WorktreeError, match="is not in a git repository"):
        resolve(tmp_path, "HEAD")


def test_a_repository_without_a_commit(tmp_path):
    git(tmp_path, "init", "--quiet")
    with pytest.raises(WorktreeError, match="has no commit yet"):
        resolve(tmp_path, "HEAD")


def test_a_bare_repository(checkout, tmp_path):
    git(tmp_path, "clone", "--quiet", "--bare", checkout, "bare")
    with pytest.raises(WorktreeError, match="bare repository"):
        resolve(tmp_path / "bare", "HEAD")


def test_a_shallow_clone_that_lacks_it(checkout, tmp_path):
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", "shallow")
    with pytest.raises(WorktreeError, match=r"shallow clone .*git fetch --unshallow"):
        resolve(tmp_path / "shallow", "HEAD~1")
    assert resolve(tmp_path / "shallow", "HEAD").commit


def test_a_submodule_is_a_repository_and_one_that_is_not_checked_out_says_so(checkout, tmp_path):
    outer = repository(tmp_path / "outer", top="x")
    git(outer, "submodule", "--quiet", "add", checkout, "parts/inner")
    commit(outer)
    assert resolve(outer / "parts" / "inner", "HEAD~1").root == (outer / "parts" / "inner").resolve()
    git(outer, "submodule", "--quiet", "deinit", "--force", "parts/inner")
    with pytest.raises(WorktreeError, match="parts/inner is a submodule that is not checked out; run: git submodule"):
        resolve(outer / "parts" / "inner", "HEAD")


def test_a_folder_of_the_checkout_that_begins_with_a_submodule_is_not_one(checkout, tmp_path):
    outer = repository(tmp_path / "outer", top="x")
    git(outer, "submodule", "--quiet", "add", checkout, "parts/3rdparty")
    (outer / "parts" / "work.py").write_text("x")
    commit(outer)
    assert resolve(outer / "parts", "HEAD").root == outer.resolve()


def test_a_submodule_that_is_configured_bare_is_one_sentence(checkout, tmp_path):
    outer = repository(tmp_path / "outer", top="x")
    git(outer, "submodule", "--quiet", "add", checkout, "inner")
    git(outer / "inner", "config", "core.bare", "true")
    with pytest.raises(WorktreeError, match="inner belongs to a bare repository") as error:
        resolve(outer / "inner", "HEAD")
    assert "\n" not in str(error.value)


def test_a_repository_of_another_user_is_told_with_what_to_run(checkout, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    if subprocess.run(["git", "status"], cwd=str(checkout), stderr=subprocess.DEVNULL).returncode == 0:
        pytest.skip("this git trusts repositories of other users")
    with pytest.raises(WorktreeError, match=r"another user; run: git config --global --add safe\.directory /") as error:
        resolve(checkout, "HEAD")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("version", "guarded"), [("2.17.1", False), ("2.29.2", False), ("2.30.0", True)])
def test_names_are_guarded_where_git_knows_how(checkout, tmp_path, monkeypatch, version, guarded):
    real, log = shutil.which("git"), tmp_path / "log"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(
        f'#!/bin/sh\ncase "$*" in *--version) echo "git version {version}"; exit;; esac\n'
        f'echo "$*" >> {log}\nexec {real} "$@"\n'
    )
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    assert resolve(checkout, "first").commit
    with pytest.raises(WorktreeError, match="is not a commit"):
        resolve(checkout, "nowhere")
    assert bool(re.search(r"--end-of-options first\^{commit}", log.read_text())) == guarded


def test_git_not_installed(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorktreeError, match="git is not installed"):
        resolve(checkout, "HEAD")


def test_the_repository_of_a_hook_that_runs_us_is_not_ours(checkout, tmp_path, monkeypatch):
    other = repository(tmp_path / "other", work="x")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert resolve(checkout, "first").root == checkout.resolve()
    assert environment(MORE="1")["MORE"] == "1"
    assert set(os.environ) - set(environment()) == {"GIT_DIR", "GIT_INDEX_FILE"}


def test_the_accepted_commit_is_the_newest():
    runs = [("2026-01-02", "b"), ("2026-01-03", "c"), ("2026-01-01", "a-dirty"), ("2026-01-04", None)]
    assert accepted_commit(runs) == ("c", ["a-dirty", "b"])


@pytest.mark.parametrize(
    ("runs", "said"),
    [([], "record no commit"), ([("x", None)], "record no commit"), ([("x", "a-dirty")], "uncommitted")],
)
def test_a_baseline_of_nobodys_commit_is_one_sentence(runs, said):
    with pytest.raises(WorktreeError, match=said):
        accepted_commit(runs)

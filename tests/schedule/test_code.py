from __future__ import annotations

import os
import subprocess
import sys
import types

import pytest

from pytest_edgeperf.schedule import code
from pytest_edgeperf.schedule.code import code_of, commit_of, modules_of, packages_of


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "test_it.py").write_text("import deep\n")
    (root / "src" / "deep" / "work.py").write_text("1\n")
    return root


@pytest.fixture
def repository(project):
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
    return project


def git(folder, *arguments):
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=code.environment())


def edited(path, text="other\n"):
    before = os.stat(path)
    path.write_text(text)
    # Neither the size nor the time of a change is what counts.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_no_hook_of_the_users_runs_when_a_question_refreshes_the_index(repository, tmp_path):
    hook = repository / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    os.utime(repository / "test_it.py", (1e9, 1e9))
    git(repository, "describe", "--always", "--dirty")
    if not (tmp_path / "hooked").exists():
        pytest.skip("this git runs no hook when it refreshes the index")
    (tmp_path / "hooked").unlink()
    os.utime(repository / "test_it.py", (1.1e9, 1.1e9))
    assert commit_of(repository)
    assert code_of(repository)
    assert not (tmp_path / "hooked").exists()


def test_the_same_files_have_the_same_digest_wherever_they_lie(project, tmp_path):
    first = code_of(project)
    project.rename(tmp_path / "moved")
    os.utime(tmp_path / "moved" / "test_it.py", (0, 0))
    assert code_of(tmp_path / "moved") == first


@pytest.mark.parametrize("name", ["test_it.py", "src/deep/work.py", "src/deep/new.pyx", "new.so", "kernel.cu"])
def test_each_source_counts_also_without_git(project, name):
    first = code_of(project)
    path = project / name
    path.touch()
    edited(path, "2\n")
    assert code_of(project) != first


def test_a_removed_and_a_renamed_source_count(project):
    first = code_of(project)
    (project / "src" / "deep" / "work.py").rename(project / "src" / "deep" / "work2.py")
    renamed = code_of(project)
    (project / "src" / "deep" / "work2.py").unlink()
    assert len({first, renamed, code_of(project)}) == 3


@pytest.mark.parametrize(
    "name",
    [
        "results.json",
        "junit.xml",
        ".venv/lib/a.py",
        "env/lib/a.py",
        "__pycache__/a.py",
        "node_modules/a.py",
        "x/site-packages/a.py",
        "notes.txt",
    ],
)
def test_what_a_session_writes_and_what_is_installed_do_not_count(project, name):
    (project / "env").mkdir()
    (project / "env" / "pyvenv.cfg").touch()
    first = code_of(project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("new")
    assert code_of(project) == first


def test_further_files_count(project):
    ini = project / "pytest.ini"
    ini.write_text("[pytest]\n")
    first = code_of(project, [ini])
    edited(ini, "[pytest]\naddopts = -v\n")
    assert code_of(project, [ini]) != first


def test_the_dirty_state_counts_in_the_whole_repository(repository):
    below = repository / "benchmarks"
    below.mkdir()
    clean = code_of(below)
    edited(repository / "src" / "deep" / "work.py")
    dirty = code_of(below)
    (below / "new.py").touch()
    assert len({clean, dirty, code_of(below)}) == 3


def test_a_changed_model_counts_where_git_knows_it(repository):
    (repository / "net.onnx").write_text("a")
    git(repository, "add", ".")
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "two")
    clean = code_of(repository)
    edited(repository / "net.onnx")
    assert code_of(repository) != clean


def test_the_commit_says_that_it_is_dirty(repository, tmp_path):
    commit = commit_of(repository)
    assert len(commit) == 12
    edited(repository / "test_it.py")
    assert commit_of(repository) == f"{commit}-dirty"
    (tmp_path / "plain").mkdir()
    assert commit_of(tmp_path / "plain") is None


def test_pipes_links_and_directories_that_are_named_like_code_hold_nothing_up(project):
    os.mkfifo(project / "pipe.py")
    (project / "nowhere.py").symlink_to("/nowhere/at/all")
    (project / "around").symlink_to(project)
    (project / "folder.py").mkdir()
    assert code_of(project) == code_of(project)


def test_a_huge_project_is_read_within_bounds(project, monkeypatch):
    monkeypatch.setattr(code, "MOST_FILES", 3)
    monkeypatch.setattr(code, "MOST_BYTES", 10)
    (project / "test_it.py").write_text("1" * 100)
    first = code_of(project)
    (project / "test_it.py").write_text("2" * 101)
    assert code_of(project) != first
    for number in range(10):
        (project / f"a{number}.py").touch()
    many = code_of(project)
    (project / "test_it.py").write_text("3" * 102)
    assert code_of(project) == many


def test_a_folder_of_photographs_is_not_searched_to_its_end(project, monkeypatch):
    monkeypatch.setattr(code, "MOST_NAMES", 50)
    (project / "photographs" / "more").mkdir(parents=True)
    for number in range(60):
        (project / "photographs" / f"{number}.jpg").touch()
    first = code_of(project)
    (project / "photographs" / "more" / "work.py").touch()
    assert code_of(project) == first
    edited(project / "test_it.py")
    second = code_of(project)
    assert second != first
    monkeypatch.setattr(code, "_MOST_OF_A_FOLDER", 20)
    edited(project / "src" / "deep" / "work.py")
    assert code_of(project) != second


def test_modules_from_elsewhere_count_one_by_one(project, tmp_path):
    package = tmp_path / "elsewhere" / "mine"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "later.py").write_text("1\n")
    (tmp_path / "plain.py").touch()

    def module(name, path):
        made = types.ModuleType(name)
        made.__file__ = str(path)
        return made

    modules = {
        "mine": module("mine", package / "__init__.py"),
        "mine.later": module("mine.later", package / "later.py"),
        "plain": module("plain", tmp_path / "plain.py"),
        "test_it": module("test_it", project / "test_it.py"),
        "os": os,
        "pytest": pytest,
        "sys": sys,
        "odd": object(),
    }
    first = modules_of(project, modules)
    assert sorted(first) == ["mine", "plain"]
    edited(package / "later.py")
    second = modules_of(project, modules)
    assert second["mine"] != first["mine"]
    assert second["plain"] == first["plain"]


def test_an_upgraded_package_counts(tmp_path):
    (tmp_path / "torch-2.1.dist-info").mkdir()
    (tmp_path / "torch").mkdir()
    first = packages_of([str(tmp_path), "/nowhere/at/all"])
    (tmp_path / "other").mkdir()
    assert packages_of([str(tmp_path)]) == first
    (tmp_path / "torch-2.1.dist-info").rename(tmp_path / "torch-2.2.dist-info")
    assert packages_of([str(tmp_path)]) != first

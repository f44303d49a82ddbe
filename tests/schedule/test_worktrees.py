from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from pytest_edgeperf.schedule.against import guardian
from pytest_edgeperf.schedule.against import worktrees as module
from pytest_edgeperf.schedule.against.git import WorktreeError, resolve
from pytest_edgeperf.schedule.against.worktrees import LOCK, PREFIX, Worktree, remove_stale, run_setup

from .repositories import commit, git, repository, worktrees

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

HOLD = """
import sys
from pathlib import Path
from pytest_edgeperf.schedule.against.git import resolve
from pytest_edgeperf.schedule.against.worktrees import Worktree
with Worktree(resolve(Path(sys.argv[1]), "HEAD"), Path(sys.argv[2])) as made:
    print(made.tree, made.guardian_pid, flush=True)
    sys.stdin.read()
"""


SET_UP = """
import sys
from pathlib import Path
from pytest_edgeperf.schedule.against.worktrees import run_setup
run_setup(sys.argv[1], Path.cwd(), Path.cwd(), 60)
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = repository(tmp_path / "checkout", work="first")
    commit(folder, work="second")
    return folder


@pytest.fixture
def folders(tmp_path):
    folder = tmp_path / "folders"
    folder.mkdir()
    return folder


@pytest.fixture
def holder(checkout, folders):
    """A session with a worktree: its process, the tree and its guardian's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(checkout), str(folders)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        tree, guardian = process.stdout.readline().split()
        yield process, tree, int(guardian)
        process.kill()


def eventually(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def pid_in(file):
    """The process id that a process writes into a file."""
    eventually(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def is_gone(number):
    try:
        with open(f"/proc/{number}/stat") as status:
            # A zombie is over too, and whoever adopted it may take its time to notice.
            return status.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_the_other_commit_lies_in_a_private_folder_and_nothing_is_left(checkout, folders):
    (checkout / "work.py").write_text("third, not committed")
    with Worktree(resolve(checkout, "HEAD~1"), folders) as made:
        assert (made.tree / "work.py").read_text() == "first"
        assert made.tree.name == "checkout"
        assert (made.tree.parent.stat().st_mode & 0o777) == 0o700
        assert worktrees(checkout) == 2
        assert not made.has_submodules
    assert list(folders.iterdir()) == []
    assert worktrees(checkout) == 1
    assert (checkout / "work.py").read_text() == "third, not committed"


def test_a_temporary_folder_without_locks_is_said_in_a_sentence_and_nothing_is_left(checkout, folders, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    with pytest.raises(WorktreeError, match=r"does not support locks \(.*\); set TMPDIR to a folder on a local disk"):
        Worktree(resolve(checkout, "HEAD"), folders).__enter__()
    assert list(folders.iterdir()) == []
    assert worktrees(checkout) == 1


def test_a_tree_that_was_changed_made_read_only_or_removed_in_part_goes_too(checkout, folders):
    with Worktree(resolve(checkout, "HEAD"), folders) as made:
        (made.tree / "built").mkdir()
        (made.tree / "built" / "model.onnx").write_bytes(b"x")
        (made.tree / "built" / "model.onnx").chmod(0o400)
        (made.tree / "built").chmod(0o500)
        (made.tree / ".git").unlink()
        (made.tree / "work.py").write_text("changed")
    assert list(folders.iterdir()) == []
    assert worktrees(checkout) == 1


def test_the_index_and_unfinished_work_are_left_as_they_are(checkout, folders):
    (checkout / "staged.py").write_text("x")
    git(checkout, "add", "staged.py")
    (checkout / "untracked.py").write_text("x")
    before = git(checkout, "status", "--porcelain")
    with Worktree(resolve(checkout, "HEAD~1"), folders):
        pass
    assert git(checkout, "status", "--porcelain") == before


def test_unmerged_files_are_left_as_they_are(checkout, folders):
    git(checkout, "checkout", "--quiet", "-b", "other", "HEAD~1")
    commit(checkout, work="another second")
    with pytest.raises(AssertionError, match="CONFLICT"):
        git(checkout, "rebase", "main")
    before = git(checkout, "status", "--porcelain")
    assert before.startswith(("AA work.py", "UU work.py"))
    with Worktree(resolve(checkout, "main"), folders) as made:
        assert (made.tree / "work.py").read_text() == "second"
    assert git(checkout, "status", "--porcelain") == before
    git(checkout, "rebase", "--abort")


def test_a_submodule_and_a_worktree_of_the_users_have_worktrees_too(checkout, folders, tmp_path):
    outer = repository(tmp_path / "outer", top="x")
    git(outer, "submodule", "--quiet", "add", checkout, "inner")
    git(checkout, "worktree", "add", "--quiet", "--detach", tmp_path / "mine", "HEAD")
    for root in (outer / "inner", tmp_path / "mine"):
        before = worktrees(root)
        with Worktree(resolve(root, "HEAD~1"), folders) as made:
            assert (made.tree / "work.py").read_text() == "first"
        assert list(folders.iterdir()) == []
        assert worktrees(root) == before


def test_a_checkout_may_be_named_as_any_file_of_ours(folders, tmp_path):
    with Worktree(resolve(repository(tmp_path / "lock", work="x"), "HEAD"), folders) as made:
        assert (made.tree / "work.py").read_text() == "x"
        assert (made.tree.parent / LOCK).is_file()


def test_entries_with_relative_paths_are_ours_too(checkout, folders):
    with Worktree(resolve(checkout, "HEAD"), folders) as made:
        [entry] = guardian.entries(checkout / ".git")
        # What git 2.48 and later write with worktree.useRelativePaths.
        (entry / "gitdir").write_text(os.path.relpath(str(made.tree / ".git"), str(entry)) + "\n")
        remove_stale(checkout)
        assert entry.exists()
    assert not entry.exists()


def test_it_is_removed_even_where_git_is_gone_by_then(checkout, folders, monkeypatch):
    with monkeypatch.context() as patch:
        with pytest.raises(KeyError, match="the session's own"), Worktree(resolve(checkout, "HEAD"), folders):
            patch.setenv("PATH", str(folders))
            raise KeyError("the session's own")
    assert list(folders.iterdir()) == []
    assert worktrees(checkout) == 1


def test_what_could_not_be_removed_is_found_by_the_next_session(checkout, folders, monkeypatch):
    monkeypatch.setattr(guardian, "TRIES", 1)
    rmtree = shutil.rmtree
    with Worktree(resolve(checkout, "HEAD"), folders) as made:
        with monkeypatch.context() as patch:
            patch.setattr(
                guardian.shutil,
                "rmtree",
                lambda folder, **how: None if folder.parent == folders else rmtree(folder, **how),
            )
            guardian.remove(made.tree.parent, made.tree, checkout / ".git")
        assert worktrees(checkout) == 2
    assert worktrees(checkout) == 1


def test_ctrl_c_during_the_checkout_leaves_neither_files_nor_processes(checkout, folders, tmp_path):
    (checkout / ".gitattributes").write_text("work.py filter=slow")
    commit(checkout)
    git(checkout, "config", "filter.slow.smudge", f"echo $$ > {tmp_path}/filter; sleep 60")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(checkout), str(folders)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    number = pid_in(tmp_path / "filter")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert list(folders.iterdir()) == []
    assert worktrees(checkout) == 1
    eventually(lambda: is_gone(number))


def test_no_hook_of_the_users_runs(checkout, folders):
    hook = checkout / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {checkout}/hooked\n")
    hook.chmod(0o755)
    with Worktree(resolve(checkout, "HEAD"), folders):
        pass
    assert not (checkout / "hooked").exists()


def test_worktrees_of_others_are_left_alone(checkout, folders, tmp_path):
    git(checkout, "worktree", "add", "--quiet", "--detach", tmp_path / "mine", "HEAD")
    shutil.rmtree(str(tmp_path / "mine"))
    with Worktree(resolve(checkout, "HEAD"), folders):
        pass
    remove_stale(checkout)
    assert worktrees(checkout) == 2


def test_submodules_are_told(checkout, folders, tmp_path):
    inner = repository(tmp_path / "inner", part="x")
    git(checkout, "submodule", "--quiet", "add", inner, "inner")
    commit(checkout)
    with Worktree(resolve(checkout, "HEAD"), folders) as made:
        assert made.has_submodules


def test_what_git_says_when_it_cannot_is_the_error_and_nothing_is_left(checkout, folders):
    revision = resolve(checkout, "HEAD")
    tree = git(checkout, "rev-parse", "HEAD^{tree}").strip()
    (checkout / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(WorktreeError, match="git could not check out HEAD: "), Worktree(revision, folders):
        pass
    assert list(folders.iterdir()) == []


def test_an_ordinary_end_removes_it(checkout, folders, holder):
    process, tree, guardian = holder
    process.communicate("")
    assert not os.path.exists(tree)
    assert worktrees(checkout) == 1
    eventually(lambda: not os.path.exists(f"/proc/{guardian}"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_after_a_kill_its_guardian_removes_it(checkout, folders, holder, number):
    process, _, guardian = holder
    os.kill(guardian, signal.SIGTERM)
    process.send_signal(number)
    process.wait()
    eventually(lambda: worktrees(checkout) == 1 and not list(folders.iterdir()))
    eventually(lambda: not os.path.exists(f"/proc/{guardian}"))


def test_what_a_power_cut_left_is_removed_by_the_next_and_the_living_are_not(checkout, folders, holder):
    process, tree, guardian = holder
    remove_stale(checkout)
    assert os.path.exists(tree)
    os.kill(guardian, signal.SIGKILL)
    process.kill()
    process.wait()
    assert os.path.exists(tree)
    assert os.path.basename(os.path.dirname(tree)).startswith(PREFIX)
    remove_stale(checkout)
    assert list(folders.iterdir()) == []
    assert worktrees(checkout) == 1


def test_an_entry_whose_folder_is_gone_is_removed(checkout, folders, holder):
    process, tree, guardian = holder
    os.kill(guardian, signal.SIGKILL)
    process.kill()
    process.wait()
    shutil.rmtree(os.path.dirname(tree))
    remove_stale(checkout)
    assert worktrees(checkout) == 1


def test_the_setup_command_runs_in_the_tree_and_knows_the_checkout(checkout, tmp_path):
    code = "import os, pathlib; pathlib.Path('model').write_text(os.environ['EDGEPERF_CHECKOUT'] + os.getcwd())"
    run_setup(f'"{sys.executable}" -c "{code}"', checkout, tmp_path, 20)
    assert (tmp_path / "model").read_text() == f"{checkout}{os.path.realpath(str(tmp_path))}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "is empty"),
        ("'unfinished", "cannot be read"),
        (
            "ln -s $EDGEPERF_CHECKOUT/models models",
            r"holds \$EDGEPERF_CHECKOUT, but runs without a shell .* sh -c '\.\.\.'",
        ),
        ("cp -r ${EDGEPERF_WORKTREE}/a b", r"holds \$EDGEPERF_WORKTREE"),
        ("no-such-program --x", "no-such-program cannot be started"),
        (f"{sys.executable} -c \"import sys; print('no model'); sys.exit(3)\"", r"ended with 3 in .*:\nno model"),
        (f'{sys.executable} -c "import time; time.sleep(60)"', r"took longer than 0\.5 s"),
    ],
)
def test_a_setup_command_that_fails_is_said(checkout, tmp_path, command, said):
    with pytest.raises(WorktreeError, match=said):
        run_setup(command, checkout, tmp_path, 0.5 if "sleep" in command else 20)


def test_a_shell_replaces_the_variables_of_a_setup_command(checkout, tmp_path):
    run_setup("env A=1 sh -c 'echo \"${EDGEPERF_CHECKOUT}\" $A > said'", checkout, tmp_path, 20)
    assert (tmp_path / "said").read_text() == f"{checkout} 1\n"


def test_a_setup_command_that_takes_too_long_tells_what_it_said(checkout, tmp_path):
    command = "sh -c 'for i in $(seq 30); do echo line $i; done; sleep 60'"
    with pytest.raises(WorktreeError, match=r"took longer than 1 s in .*:\nline 11\n") as error:
        run_setup(command, checkout, tmp_path, 1)
    assert str(error.value).endswith("line 30")


def test_ctrl_c_ends_a_setup_command_and_what_it_started(checkout, tmp_path):
    command = f"sh -c '(echo $$ > {tmp_path}/leader; sh -c \"echo \\$\\$ > {tmp_path}/child; sleep 60\"); true'"
    process = subprocess.Popen([sys.executable, "-c", SET_UP, command], cwd=str(checkout), stderr=subprocess.DEVNULL)
    numbers = [pid_in(tmp_path / name) for name in ("leader", "child")]
    assert len(set(numbers)) == 2
    process.send_signal(signal.SIGINT)
    process.wait()
    for number in numbers:
        eventually(lambda number=number: is_gone(number))


def test_a_full_disk_is_a_sentence_with_a_place_to_go_to(checkout, folders, monkeypatch):
    def full(**keywords):
        raise OSError(28, "No space left on device", keywords["dir"])

    revision = resolve(checkout, "HEAD")
    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(WorktreeError, match=r"No space left on device.*; set TMPDIR to a folder with room"):
        with Worktree(revision, folders):
            raise AssertionError("it was made")

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from dataclasses import replace

import pytest

from pytest_edgeperf.results import ResultsError, check_writable, load, parse, path_for, update, write
from pytest_edgeperf.results.atomic_files import locked, replace_file

ABANDONED = ".edgeperf-0123456789abcdef.tmp"


@pytest.fixture
def folders_cannot_be_locked(monkeypatch):
    """As on NFS."""
    flock = fcntl.flock

    def files_only(descriptor, operation):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", files_only)


def test_what_a_killed_writer_left_is_gone_after_the_next_write(tmp_path):
    (tmp_path / ABANDONED).write_bytes(b"half")
    (tmp_path / ".edgeperf-mine.tmp").write_bytes(b"somebody's")
    replace_file(tmp_path / "a.json", b"{}")
    assert sorted(os.listdir(str(tmp_path))) == [".edgeperf-mine.tmp", "a.json"]


def test_what_a_living_writer_holds_stays(tmp_path):
    with open(str(tmp_path / ABANDONED), "wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        replace_file(tmp_path / "a.json", b"{}")
        assert sorted(os.listdir(str(tmp_path))) == [ABANDONED, "a.json"]
    replace_file(tmp_path / "a.json", b"{}")
    assert os.listdir(str(tmp_path)) == ["a.json"]


def test_a_writer_whose_new_file_was_swept_makes_another(tmp_path, monkeypatch):
    flock, swept = fcntl.flock, []

    def sweeping(descriptor, operation):
        if not swept:
            swept.extend(tmp_path.glob(".edgeperf-*.tmp"))
            swept[0].unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", sweeping)
    replace_file(tmp_path / "a.json", b"{}")
    assert swept
    assert os.listdir(str(tmp_path)) == ["a.json"]


def test_trying_a_path_leaves_nothing(tmp_path):
    check_writable(tmp_path / "new" / "deep" / "a.json")
    assert os.listdir(str(tmp_path)) == []
    (tmp_path / "a.json").write_bytes(b"old")
    check_writable(tmp_path / "a.json")
    assert (tmp_path / "a.json").read_bytes() == b"old"


def test_a_path_that_cannot_be_written_is_found_before(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(str(tmp_path / "fifo"))
    for path, why in (
        ("file/a.json", "Not a directory"),
        ("file/deep/a.json", "Not a directory"),
        (".", "Is a directory"),
        ("fifo", "not a regular file"),
        ("a" * 300, "File name too long"),
        ("a\0b", "null"),
    ):
        with pytest.raises(ResultsError, match=f"the file cannot be written .*{why}"):
            check_writable(f"{tmp_path}/{path}")
        with pytest.raises(ResultsError, match="the file cannot be written "):
            replace_file(f"{tmp_path}/{path}", b"{}")


def test_a_full_disk_is_found_before(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ResultsError, match=r"\(No space left on device\); free some space and run it again"):
        check_writable(tmp_path / "a.json")
    assert os.listdir(str(tmp_path)) == []


def add_runs(folder, document, begun, go_on):
    """Double the runs of the baseline, slowly."""

    def change(now):
        begun.set()
        assert go_on.wait(20)
        (name, benchmark), *_ = now.benchmarks.items()
        runs = tuple(replace(run, session=f"{run.session}+{len(benchmark.runs)}") for run in benchmark.runs)
        return replace(now, benchmarks={name: replace(benchmark, runs=benchmark.runs + runs)}), None

    update(folder, "nano", change)


@pytest.mark.parametrize("locks", ["folders", "files"])
def test_of_two_changes_at_once_both_are_made(tmp_path, document, locks, request):
    if locks == "files":
        request.getfixturevalue("folders_cannot_be_locked")
    write(path_for(tmp_path, "nano"), parse(document))
    go_on = threading.Event()
    begun = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=add_runs, args=(tmp_path, document, event, go_on)) for event in begun]
    threads[0].start()
    assert begun[0].wait(20)
    threads[1].start()
    assert not begun[1].wait(0.2)
    go_on.set()
    for thread in threads:
        thread.join(20)
    (benchmark,) = load(tmp_path, "nano").benchmarks.values()
    assert len(benchmark.runs) == 12
    assert os.listdir(str(tmp_path)) == ["nano.json"]


@pytest.mark.parametrize("locks", ["folders", "files"])
def test_a_lock_that_is_held_for_too_long_is_an_error(tmp_path, locks, request):
    if locks == "files":
        request.getfixturevalue("folders_cannot_be_locked")
    path = tmp_path / "new" / "nano.json"
    with locked(path):
        with pytest.raises(ResultsError, match="another process has been changing files in this folder"):
            with locked(path, patience_s=0.1):
                raise AssertionError("two hold the lock")
    with locked(path, patience_s=0.1):
        pass


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, document, monkeypatch):
    def unsupported(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    update(tmp_path, "nano", lambda now: (parse(document), None))
    assert load(tmp_path, "nano") == parse(document)
    assert os.listdir(str(tmp_path)) == ["nano.json"]


def test_a_link_and_its_target_share_a_lock(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "nano.json").write_bytes(b"{}")
    (tmp_path / "nano.json").symlink_to("real/nano.json")
    with locked(tmp_path / "nano.json"):
        with pytest.raises(ResultsError, match="another process"):
            with locked(tmp_path / "real" / "nano.json", patience_s=0.1):
                raise AssertionError("two hold the lock")

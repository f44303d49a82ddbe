from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.caches import user_name
from pytest_edgeperf.schedule.machine import lock, lock_notes
from pytest_edgeperf.schedule.machine.lock import DeviceBusy, DeviceLock, LockError

HOLD = """
import sys
import tempfile
from pathlib import Path
from pytest_edgeperf.schedule.machine.lock import DeviceLock
lock = DeviceLock(Path(sys.argv[1]))
lock.acquire(Path("/home/ci/checkout"))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_says_who_holds_it(holder, tmp_path):
    with pytest.raises(DeviceBusy, match=rf"process {holder.pid} of .*, in /home/ci/checkout, since 20"):
        DeviceLock(tmp_path).acquire(tmp_path)


def test_a_killed_holder_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    own = DeviceLock(tmp_path)
    own.acquire(tmp_path)
    own.release()


def test_a_released_lock_can_be_taken_again(tmp_path):
    for _ in range(2):
        own = DeviceLock(tmp_path)
        own.acquire(tmp_path)
        with pytest.raises(DeviceBusy):
            DeviceLock(tmp_path).acquire(tmp_path)
        own.release()
        own.release()


def note_of(tmp_path):
    (path,) = tmp_path.glob("edgeperf-device-*.json")
    return path


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "{}",
        json.dumps({"pid": "x", "rootdir": "", "since": ""}),
        json.dumps({"pid": True, "rootdir": "", "since": ""}),
        json.dumps({"pid": -1, "rootdir": "", "since": ""}),
        json.dumps({"pid": 1 << 80, "rootdir": "", "since": ""}),
        json.dumps({"pid": 1, "rootdir": {}, "since": ""}),
        "[" * 4000,
        "\0" * 4096,
        " " * 5000,
    ],
)
def test_a_spoilt_note_of_the_holder_is_an_unknown_process(holder, tmp_path, said):
    note_of(tmp_path).write_text(said)
    with pytest.raises(DeviceBusy, match="an unknown process"):
        DeviceLock(tmp_path).acquire(tmp_path)


def test_what_lies_in_a_notes_place_is_neither_waited_for_nor_followed_nor_held_in_memory(holder, tmp_path):
    note = note_of(tmp_path)
    whole = note.read_text()
    note.unlink()
    os.mkfifo(note)
    (tmp_path / "elsewhere").write_text(whole)
    (tmp_path / "edgeperf-device-4294967294.json").symlink_to(tmp_path / "elsewhere")
    with (tmp_path / "edgeperf-device-4294967293.json").open("w") as file:
        file.write(whole)
        file.truncate(1 << 40)
    (tmp_path / "edgeperf-device-4294967292.json").mkdir()
    assert lock_notes.holder(tmp_path) == lock_notes.UNKNOWN


@given(content=st.binary(max_size=300))
def test_no_bytes_in_a_note_are_an_error(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("lock")
    (folder / "edgeperf-device-1.json").write_bytes(content)
    assert lock_notes.holder(folder) == lock_notes.UNKNOWN


@given(
    rootdir=st.text(max_size=50)
    | st.sampled_from(["\x1b]0;owned\x07\x1b[2J", "a\nb", "\u202egnp", "\ud800", "x" * 3000]),
)
def test_nothing_that_a_terminal_obeys_is_shown(tmp_path_factory, rootdir):
    folder = tmp_path_factory.mktemp("lock")
    lock_notes.leave_note(folder, rootdir)
    shown = lock_notes.holder(folder)
    assert shown.isprintable()
    assert shown.startswith(f"process {os.getpid()} of ")
    assert len(shown) < 400
    lock_notes.remove_note(folder)


def test_a_process_that_has_a_dead_holders_id_is_not_taken_for_it(holder, tmp_path):
    note = note_of(tmp_path)
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": os.getpid()}))
    assert lock_notes.holder(tmp_path) == lock_notes.UNKNOWN


def test_a_process_of_another_namespace_is_not_named_by_its_number_there(holder, tmp_path):
    note = note_of(tmp_path)
    theirs = {**json.loads(note.read_text()), "namespace": "pid:[1]", "pid": os.getpid()}
    note.write_text(json.dumps(theirs))
    text = lock_notes.holder(tmp_path)
    assert text.startswith("a process in another container or PID namespace, of ")
    assert "/home/ci/checkout" in text
    assert str(os.getpid()) not in text


def test_the_user_is_whose_file_it_is_and_not_what_the_file_says(holder, tmp_path):
    note = note_of(tmp_path)
    note.write_text(json.dumps({**json.loads(note.read_text()), "user": "somebody else"}))
    assert f"process {holder.pid} of {user_name(os.getuid())}, in " in lock_notes.holder(tmp_path)


def test_a_released_lock_leaves_no_note(tmp_path):
    own = DeviceLock(tmp_path)
    own.acquire(tmp_path)
    assert note_of(tmp_path).stat().st_mode & 0o777 == 0o644
    own.release()
    assert [path.name for path in tmp_path.iterdir()] == ["edgeperf-device.lock"]


@pytest.mark.parametrize("before", [None, 0o600])
def test_the_umask_of_who_comes_first_keeps_nobody_out(tmp_path, before):
    path = tmp_path / "edgeperf-device.lock"
    if before is not None:
        path.touch(before)
    umask = os.umask(0o077)
    try:
        own = DeviceLock(tmp_path)
        own.acquire(tmp_path)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o444 == 0o444
    assert note_of(tmp_path).stat().st_mode & 0o444 == 0o444
    own.release()


def test_a_lock_that_its_owner_keeps_from_others_is_named_with_the_owner(tmp_path, monkeypatch):
    path = tmp_path / "edgeperf-device.lock"
    path.touch()

    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(DeviceLock, "_open", staticmethod(refuse))
    mine = user_name(os.getuid())
    with pytest.raises(LockError, match=rf"Permission denied \(it belongs to {mine}, who can run: chmod 644 {path}\)"):
        DeviceLock(tmp_path).acquire(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_in_a_sentence(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with pytest.raises(
        LockError, match=r"does not support locks \(.*\); set EDGEPERF_LOCK_DIR to a folder on a local disk"
    ):
        DeviceLock(tmp_path).acquire(tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_no_lock(tmp_path, make):
    make(tmp_path / "edgeperf-device.lock")
    with pytest.raises(LockError, match="is not a regular file; remove it, or set EDGEPERF_LOCK_DIR"):
        DeviceLock(tmp_path).acquire(tmp_path)


def test_a_lock_file_that_may_only_be_read_is_enough(tmp_path):
    (tmp_path / "edgeperf-device.lock").touch(0o444)
    own = DeviceLock(tmp_path)
    own.acquire(tmp_path)
    own.release()


def test_a_symbolic_link_is_not_followed(tmp_path):
    (tmp_path / "edgeperf-device.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LockError, match=r"edgeperf-device\.lock: .* symbolic link"):
        DeviceLock(tmp_path).acquire(tmp_path)


def test_a_folder_that_is_not_there_is_named_with_its_variable(tmp_path):
    with pytest.raises(LockError, match=r"gone/edgeperf-device\.lock: .*No such file.*set EDGEPERF_LOCK_DIR"):
        DeviceLock(tmp_path / "gone").acquire(tmp_path)


def test_the_lock_is_where_all_services_see_it(tmp_path, monkeypatch):
    monkeypatch.delenv("EDGEPERF_LOCK_DIR", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "private"))
    shared = tmp_path / "lock"
    monkeypatch.setattr(lock, "_SHARED", shared)
    assert lock.lock_folder() == tmp_path / "private"
    shared.mkdir()
    shared.chmod(0o755)
    assert lock.lock_folder() == tmp_path / "private"
    shared.chmod(0o1777)
    assert lock.lock_folder() == shared
    monkeypatch.setenv("EDGEPERF_LOCK_DIR", str(tmp_path))
    assert lock.lock_folder() == tmp_path

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

import pytest

from pytest_edgeperf.schedule import lock
from pytest_edgeperf.schedule.lock import DeviceBusy, DeviceLock, LockError

HOLD = """
import sys
import tempfile
from pathlib import Path
from pytest_edgeperf.schedule.lock import DeviceLock
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


@pytest.mark.parametrize("said", ["", "[]", "{}", json.dumps({"pid": "x"})])
def test_a_spoilt_note_of_the_holder_is_an_unknown_process(holder, tmp_path, said):
    for path in tmp_path.glob("edgeperf-device-*.json"):
        path.write_text(said)
    with pytest.raises(DeviceBusy, match="an unknown process"):
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

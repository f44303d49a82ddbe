from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pytest_edgeperf.scratch import scratch

HOLDS = """
import sys, time
from pathlib import Path
from pytest_edgeperf.scratch import scratch

with scratch("work-", Path(sys.argv[1])) as folder:
    (folder / "half").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(300)
"""


def holder(tmp_path):
    return subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)


def test_it_goes_with_its_work_whatever_becomes_of_it(tmp_path):
    with scratch("work-", tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.name.startswith("work-")
        assert os.stat(folder).st_mode & 0o777 == 0o700
        (folder / "file").write_text("half")
    assert not list(tmp_path.iterdir())
    with pytest.raises(RuntimeError), scratch("work-", tmp_path) as folder:
        (folder / "file").write_text("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_it_may_be_kept_under_another_name(tmp_path):
    with scratch("work-", tmp_path) as folder:
        (folder / "file").write_text("whole")
        os.rename(folder, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_a_killed_process_left_goes_and_what_another_works_in_stays(tmp_path):
    with holder(tmp_path) as alive, holder(tmp_path) as killed:
        held, abandoned = alive.stdout.readline().strip(), killed.stdout.readline().strip()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert os.path.exists(abandoned)
        (tmp_path / "other-1").mkdir()
        (tmp_path / "work-link").symlink_to("/")
        (tmp_path / "work-file").write_text("a file")
        with scratch("work-", tmp_path):
            assert os.path.exists(held)
            assert not os.path.exists(abandoned)
        alive.kill()
    assert sorted(path.name for path in tmp_path.iterdir() if str(path) != held) == [
        "other-1",
        "work-file",
        "work-link",
    ]


def test_in_the_temporary_directory_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch("work-") as folder:
        assert folder.parent == tmp_path

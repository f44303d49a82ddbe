from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from pytest_edgeperf.schedule import journal as module
from pytest_edgeperf.schedule.journal import Journal

ENDLESS = """
import sys
from pathlib import Path
from pytest_edgeperf.schedule.journal import Journal
journal = Journal(Path(sys.argv[1]), {"session": "s"})
number = 0
while True:
    journal.run("test_a.py::test_a", {"number": number, "values": ["x" * 50] * 40})
    number += 1
"""


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_can_be_read_while_the_journal_is_open(tmp_path):
    path = tmp_path / "session.jsonl"
    journal = Journal(path, {"session": "s", "device": "nano"})
    assert lines(path) == [{"kind": "session", "session": "s", "device": "nano"}]
    journal.run("test_a", {"values": {"latency": 1.5}})
    journal.run("test_b", {"values": {"latency": 2.5}})
    assert lines(path)[1:] == [
        {"kind": "run", "benchmark": "test_a", "values": {"latency": 1.5}},
        {"kind": "run", "benchmark": "test_b", "values": {"latency": 2.5}},
    ]
    journal.close(keep=True)


def test_each_line_is_on_the_disk_before_it_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "session.jsonl"
    synced = []
    monkeypatch.setattr(module.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    journal = Journal(path, {"session": "s"})
    assert synced == [path.stat().st_size]
    journal.run("test_a", {})
    assert synced[1:] == [path.stat().st_size]
    journal.close(keep=True)


def test_a_kept_journal_stays_and_another_is_removed(tmp_path):
    kept, removed = (Journal(tmp_path / name, {"session": name}) for name in ("kept", "removed"))
    kept.close(keep=True)
    removed.close(keep=False)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_closing_twice_changes_nothing(tmp_path):
    journal = Journal(tmp_path / "session.jsonl", {})
    journal.close(keep=True)
    journal.close(keep=False)
    assert journal.path.exists()


def test_a_journal_is_for_its_owner_only(tmp_path):
    journal = Journal(tmp_path / "session.jsonl", {})
    assert journal.path.stat().st_mode & 0o777 == 0o600
    journal.close(keep=False)


def test_a_kill_leaves_whole_lines_and_at_most_one_torn_at_the_end(tmp_path):
    path = tmp_path / "session.jsonl"
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)]) as writer:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (path.exists() and path.stat().st_size > 20_000):
            time.sleep(0.01)
        os.kill(writer.pid, signal.SIGKILL)
    *whole, _ = path.read_bytes().split(b"\n")
    records = [json.loads(line) for line in whole]
    assert records[0]["kind"] == "session"
    assert len(records) > 5
    assert [record["number"] for record in records[1:]] == list(range(len(records) - 1))

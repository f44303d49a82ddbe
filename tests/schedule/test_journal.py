from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.statistics.block_pairs import Pair
from pytest_edgeperf.results import Metric
from pytest_edgeperf.schedule import journal as module
from pytest_edgeperf.schedule.journal import Journal, JournalError, differences, prune, read, read_header, search
from pytest_edgeperf.schedule.record import PairRecord, RunRecord

HEADER = {"rootdir": "/home/ci/checkout", "device": "nano", "commit": "1a2b-dirty", "code": "aa", "modules": {"m": "1"}}
RECORD = RunRecord(
    "2026-11-20T12:00:00Z", {"software": {}}, {"latency": Metric("ms")}, {"latency": 1.5}, quality={"swapped_pages": 0}
)
STORED = RECORD.to_dict()

ENDLESS = """
import sys
from pathlib import Path
from pytest_edgeperf.schedule.journal import Journal
from pytest_edgeperf.schedule.record import RunRecord

journal = Journal(Path(sys.argv[1]), {"session": "s"})
number = 0
while True:
    journal.run("test_a.py::test_a", RunRecord("", {}, {}, {"number": number, "more": ["x" * 50] * 40}, {}))
    number += 1
"""


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_can_be_read_while_the_journal_is_open(tmp_path):
    path = tmp_path / "session.jsonl"
    journal = Journal(path, {"session": "s", "device": "nano"})
    assert lines(path) == [{"kind": "session", "version": module.VERSION, "session": "s", "device": "nano"}]
    journal.run("test_a", RECORD)
    journal.run("test_b", replace(RECORD, values={"latency": 2.5}))
    assert lines(path)[1:] == [
        {"kind": "run", "benchmark": "test_a", **STORED},
        {"kind": "run", "benchmark": "test_b", **STORED, "values": {"latency": 2.5}},
    ]
    journal.close(keep=True)


def test_each_line_is_on_the_disk_before_it_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "session.jsonl"
    synced = []
    monkeypatch.setattr(module.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    journal = Journal(path, {"session": "s"})
    assert synced == [path.stat().st_size]
    journal.run("test_a", RECORD)
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
    assert [record["values"]["number"] for record in records[1:]] == list(range(len(records) - 1))


def written(folder, name="20261120T120000Z-aaaa", ids=("test_a", "test_b", "test_a"), **header):
    path = folder / f"{name}.jsonl"
    journal = Journal(path, {"session": name, **HEADER, **header})
    for id in ids:
        journal.run(id, RECORD)
    journal.close(keep=True)
    return path


def test_what_was_written_is_read_again(tmp_path):
    past = read(written(tmp_path))
    assert [id for id, _ in past.runs] == ["test_a", "test_b", "test_a"]
    assert past.runs[0][1] == RECORD
    assert (past.header["session"], past.damaged) == ("20261120T120000Z-aaaa", 0)


def test_what_a_run_loaded_goes_on_with_a_resumed_session(tmp_path):
    path = tmp_path / "session.jsonl"
    loaded = {"modules": {"a.py": "8c1f0e2a"}, "packages": {"numpy": "1.26.4"}}
    journal = Journal(path, {"session": "s", **HEADER})
    journal.run("a", replace(RECORD, loaded=loaded))
    journal.run("b", RECORD)
    journal.close(keep=True)
    (_, with_record), (_, without) = read(path).runs
    assert with_record.loaded == loaded
    assert with_record.run("s").loaded == with_record.loaded_key is not None
    assert (without.loaded, without.run("s").loaded) == (None, None)
    damaged = [{**line, "loaded": {"modules": 5}} if "loaded" in line else line for line in lines(path)]
    path.write_text("".join(json.dumps(line) + "\n" for line in damaged))
    assert (len(read(path).runs), read(path).damaged) == (1, 1)


def test_a_torn_line_is_cut_off_and_the_journal_goes_on(tmp_path):
    path = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"kind": "run", "bench')
    journal = Journal.resumed(read(path))
    assert path.read_bytes() == whole
    journal.run("test_c", RECORD)
    journal.close(keep=True)
    assert [id for id, _ in read(path).runs] == ["test_a", "test_b", "test_a", "test_c"]


@pytest.fixture(scope="module")
def five_runs(tmp_path_factory):
    path = written(tmp_path_factory.mktemp("journals"), ids=[f"test_{number}" for number in range(5)])
    return path, path.read_bytes().splitlines(keepends=True)


@given(st.data())
def test_damage_costs_no_more_than_the_lines_that_it_hits(five_runs, data):
    path, (header, *rest) = five_runs
    hit = data.draw(st.integers(0, 4))
    bad = data.draw(
        st.binary(max_size=40).filter(lambda raw: b"\n" not in raw)
        | st.sampled_from(
            [b"[" * 100_000, b"{}", b"null", b'{"kind": "run"}', rest[0].strip().replace(b'"values": {', b'"value": {')]
        )
    )
    rest[hit] = bad + b"\n"
    path.write_bytes(header + b"".join(rest))
    past = read(path)
    assert [id for id, _ in past.runs] == [f"test_{number}" for number in range(5) if number != hit]
    assert past.damaged == 1
    assert past.length == path.stat().st_size


@pytest.mark.parametrize("field", sorted({*STORED, "benchmark"}))
def test_a_run_that_lacks_a_field_is_damaged(tmp_path, field):
    path = written(tmp_path, ids=())
    line = {"kind": "run", "benchmark": "test_a", **STORED}
    del line[field]
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert (read(path).runs, read(path).damaged) == ((), 1)


def test_a_pair_that_lacks_its_other_side_is_damaged(tmp_path):
    path = written(tmp_path, ids=())
    whole = replace(RECORD, paired=PairRecord(RECORD, Pair(0.1, 0.01, 3), alternating=False))
    pair = {"kind": "run", "benchmark": "test_a", **whole.to_dict()}
    broken = ({"base": None}, {"pair": 3}, {"pair": [1.0]}, {"build": "2"}, {"alternating": None})
    with path.open("a") as file:
        for line in (pair, {**pair, "build": 2}, *({**pair, **change} for change in broken)):
            file.write(json.dumps(line) + "\n")
    past = read(path)
    assert (len(past.runs), past.damaged) == (2, 5)
    assert past.runs[0][1] == whole


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not identify a session"),
        (b"{}\n", "does not identify a session"),
        (b'{"kind": "session", "session": "s"}', "does not identify a session"),
        (b'{"kind": "session", "session": "s"}\n', "its version is None"),
        (b'{"kind": "session", "session": "s", "version": 99}\n', "its version is 99"),
        (b'{"kind": "session", "session": 3, "version": 2}\n', "does not identify a session"),
        pytest.param(b"[" * 200_000 + b"\n", "does not identify a session", id="deep"),
        (b"\0" * 5000, "does not identify a session"),
        (b"\xff\xfe\n", "does not identify a session"),
    ],
)
def test_what_is_no_journal_of_this_version_says_why(tmp_path, content, why):
    path = tmp_path / "20261120T120000Z-aaaa.jsonl"
    path.write_bytes(content)
    for reading in (read, read_header):
        with pytest.raises(JournalError, match=why):
            reading(path)
    result = search(tmp_path, HEADER)
    assert result.past is None
    assert len(result.unusable) == 1
    assert why in result.unusable[0]


def test_the_newest_that_agrees_is_found_behind_whatever_else_lies_there(tmp_path):
    written(tmp_path, "20261120T120000Z-aaaa")
    mine = written(tmp_path, "20261120T130000Z-aaaa")
    os.mkfifo(tmp_path / "20261121T120000Z-aaaa.jsonl")
    (tmp_path / "20261122T120000Z-aaaa.jsonl").symlink_to(mine)
    (tmp_path / "20261123T120000Z-aaaa.jsonl").mkdir()
    written(tmp_path, "20261124T120000Z-aaaa", rootdir="/another")
    open_to_all = written(tmp_path, "20261125T120000Z-aaaa")
    open_to_all.chmod(0o666)
    result = search(tmp_path, HEADER)
    assert result.past.path == mine
    assert len(result.unusable) == 4


def test_of_a_session_that_differs_it_is_said_in_what(tmp_path):
    written(tmp_path, "20261120T120000Z-aaaa", budget_s=1.0, code="cc")
    newest = written(tmp_path, "20261120T130000Z-aaaa", budget_s=1.2, code="bb")
    result = search(tmp_path, {**HEADER, "budget_s": 1.2})
    assert result.past is None
    assert result.nearest[0] == newest
    assert result.nearest[2] == ["code"]


def test_modules_that_only_one_of_two_sessions_loaded_keep_nothing_apart():
    assert differences({"modules": {"a": "1", "b": "1"}}, {"modules": {"b": "1", "c": "1"}}) == []
    assert differences({"modules": {"a": "1"}}, {"modules": {"a": "2"}}) == ["modules.a"]
    assert differences({}, {"modules": {}}) == ["modules"]


def test_one_that_another_session_writes_is_neither_gone_on_with_nor_removed(tmp_path):
    path = tmp_path / "19700101T000000Z-aaaa.jsonl"
    running = Journal(path, {"session": "s", **HEADER})
    result = search(tmp_path, HEADER)
    assert result.past is None
    assert "belongs to a session that is still running" in result.unusable[0]
    for number in range(module.KEPT_JOURNALS + 5):
        (tmp_path / f"2026112{number:02}.jsonl").touch()
    prune(tmp_path)
    assert path.exists()
    assert len(list(tmp_path.iterdir())) == module.KEPT_JOURNALS + 1
    running.close(keep=True)
    assert search(tmp_path, HEADER).past is None
    prune(tmp_path)
    assert not path.exists()


def test_what_another_session_removes_meanwhile_is_no_error(tmp_path, monkeypatch):
    for number in range(module.KEPT_JOURNALS + 5):
        (tmp_path / f"2026112{number:02}.jsonl").touch()
    names = module.journals(tmp_path)
    for path in names[-3:]:
        path.unlink()
    monkeypatch.setattr(module, "journals", lambda folder: names)
    prune(tmp_path)
    assert len(list(tmp_path.iterdir())) == module.KEPT_JOURNALS
    prune(tmp_path / "nowhere")


def test_only_headers_are_read_of_those_that_do_not_agree(tmp_path, monkeypatch):
    written(tmp_path, rootdir="/another", ids=["test_a"] * 50)
    lines_parsed = []
    loads = json.loads
    monkeypatch.setattr(module.json, "loads", lambda raw: lines_parsed.append(1) or loads(raw))
    search(tmp_path, HEADER)
    assert len(lines_parsed) == 1


def test_runs_that_were_not_selected_stay_when_the_rest_is_done(tmp_path):
    past = read(written(tmp_path))
    journal = Journal.resumed(past)
    journal.run("test_a", RECORD)
    journal.close(keep=False, rest=[run for run in past.runs if run[0] == "test_b"])
    assert [path.name for path in tmp_path.iterdir()] == [past.path.name]
    result = search(tmp_path, HEADER)
    assert [id for id, _ in result.past.runs] == ["test_b"]


def test_a_failure_to_keep_them_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    past = read(written(tmp_path))
    journal = Journal.resumed(past)
    before = past.path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        journal.close(keep=False, rest=[past.runs[1]])
    assert [path.name for path in tmp_path.iterdir()] == [past.path.name]
    assert past.path.read_bytes() == before

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest

from pytest_edgeperf.schedule.journal import Journal
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.schedule.resuming import begin, header_of
from pytest_edgeperf.settings import Settings, SettingsError

HEADER = {
    "rootdir": "/home/ci/checkout",
    "device": "nano",
    "commit": None,
    "code": "aa",
    "modules": {},
    "budget_s": 1.2,
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def interrupted(**header):
    started = begin({**HEADER, **header}, resume=False)
    started.journal.close(keep=True)
    return started


def test_a_session_goes_on_with_the_unfinished_one_that_agrees():
    first = interrupted()
    again = begin(HEADER, resume=True)
    assert again.session == first.session
    assert again.journal.path == first.journal.path
    assert again.notes == [f"resumed session {first.session}: 0 runs were already measured"]
    again.journal.close(keep=False)
    assert not first.journal.path.exists()


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({"code": "bb"}, "the project's source files"),
        ({"budget_s": 2.0}, "budget_s (1.2, now 2.0)"),
        ({"commit": "1a2b"}, "commit (None, now 1a2b)"),
        ({"code": "bb", "budget_s": 2.0}, "the project's source files, budget_s (1.2, now 2.0)"),
    ],
)
def test_one_that_differs_is_kept_and_it_is_said_in_what(now, changed):
    first = interrupted()
    again = begin({**HEADER, **now}, resume=True)
    assert again.past is None
    (note,) = again.notes
    assert note.startswith("no unfinished session with this checkout, commit and settings exists")
    assert f"session {first.session} differs in {changed}, and its runs are kept in {first.journal.path}" in note
    assert first.journal.path.exists()


def test_sources_of_another_module_are_named():
    interrupted(modules={"mine": "1"})
    (note,) = begin({**HEADER, "modules": {"mine": "2"}}, resume=True).notes
    assert "differs in the sources of mine" in note


def test_a_session_that_resumes_nothing_reads_no_journal(cache, monkeypatch):
    interrupted()
    for number in range(30):
        os.mkfifo(cache / "journals" / f"2026112{number:02}.jsonl")
    opened = []
    original = os.open
    monkeypatch.setattr(os, "open", lambda path, *a, **k: opened.append(Path(path).name) or original(path, *a, **k))
    started = begin(HEADER, resume=False)
    assert started.notes == []
    assert f"{started.session}.jsonl" in opened
    # What is looked at is what is surplus, and only to see whether somebody writes it.
    assert len(list((cache / "journals").iterdir())) == 21


def test_where_no_journal_can_be_written_it_is_a_sentence(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "_append", full)
    with pytest.raises(SettingsError, match=r"the journal of this session cannot be written: .*No space left"):
        begin(HEADER, resume=False)


def test_a_cache_that_is_passed_over_is_said(cache):
    cache.write_text("")
    (note,) = begin(HEADER, resume=False).notes
    assert note.endswith(f"{cache} is not a folder")


def test_runs_of_benchmarks_that_are_not_selected_now_are_the_rest():
    started = begin(HEADER, resume=False)
    for id in ("test_a", "test_b"):
        started.journal.run(id, RunRecord("2026-11-20T12:00:00Z", {}, {}, {}, {}))
    assert started.rest({"test_a"}) == ()
    started.journal.close(keep=True)
    again = begin(HEADER, resume=True)
    assert [id for id, _ in again.rest({"test_a": 1})] == ["test_b"]


def test_the_header_says_what_decides_how_fast_code_runs(tmp_path):
    (tmp_path / "test_it.py").touch()
    config = types.SimpleNamespace(rootpath=tmp_path, inipath=None)

    def header(**settings):
        return header_of(config, Settings(**settings), "nano", "1a2b", None)

    first = header()
    assert first == header()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    config.inipath = tmp_path / "pytest.ini"
    assert header()["code"] != first["code"]
    assert header(threads=2)["threads"] == 2
    assert {"python", "pytest", "edgeperf", "packages", "modules", "rootdir"} <= set(first)

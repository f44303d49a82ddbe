"""Digests of files: each file is read once, whoever asks, and again when it has changed."""

from __future__ import annotations

import os

import pytest

from pytest_edgeperf.measure import digests as module
from pytest_edgeperf.measure.digests import Digests


def test_a_file_is_read_once_for_all_processes_and_again_when_it_changed(tmp_path):
    kept, file = tmp_path / "files.json", tmp_path / "model.onnx"
    file.write_bytes(b"weights")
    first = Digests(kept)
    digest = first.of_content(str(file))
    assert first.of_content(str(file)) == digest
    first.save()
    second = Digests(kept)
    assert second.of_content(str(file)) == digest
    assert (first.files_read, second.files_read) == (1, 0)
    file.write_bytes(b"Weights")
    os.utime(file, ns=(0, 0))
    third = Digests(kept)
    assert third.of_content(str(file)) != digest
    assert third.files_read == 1


def test_what_is_no_regular_file_has_none(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    digests = Digests()
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "absent"):
        assert digests.of_content(str(path)) is None
        assert digests.of_library(str(path)) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 9, "files": {}}', b'{"version": 1, "files": [1]}'])
def test_what_is_kept_may_be_damaged(tmp_path, content):
    (tmp_path / "files.json").write_bytes(content)
    os.chmod(tmp_path / "files.json", 0o600)
    (tmp_path / "a").write_bytes(b"a")
    digests = Digests(tmp_path / "files.json")
    assert digests.of_content(str(tmp_path / "a")) is not None
    digests.save()
    assert Digests(tmp_path / "files.json").of_content(str(tmp_path / "a")) is not None


def test_what_others_may_write_is_not_believed(tmp_path):
    kept, file = tmp_path / "files.json", tmp_path / "a"
    file.write_bytes(b"a")
    digests = Digests(kept)
    digests.of_content(str(file))
    digests.save()
    os.chmod(kept, 0o666)
    again = Digests(kept)
    again.of_content(str(file))
    assert again.files_read == 1


def test_where_nothing_can_be_kept_files_are_read_anew(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    digests = Digests(tmp_path / "no folder" / "files.json")
    assert digests.of_content(str(tmp_path / "a")) is not None
    digests.save()
    assert not (tmp_path / "no folder").exists()


def test_old_files_go_when_there_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    kept = tmp_path / "files.json"
    for names in ("ab", "cd"):
        digests = Digests(kept)
        for name in names:
            (tmp_path / name).write_text(name)
            digests.of_content(str(tmp_path / name))
        digests.save()
    last = Digests(kept)
    for name in "abcd":
        last.of_content(str(tmp_path / name))
    assert last.files_read == 2


def test_a_large_library_without_a_build_id_is_told_from_another_build_by_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WHOLE_BYTES", 1000)
    read = []
    contents = [b"a" * 3_000_000, b"a" * 2_900_000 + b"b" * 100_000, b"a" * 3_000_001]
    for number, content in enumerate(contents):
        (tmp_path / f"lib{number}.so").write_bytes(content)
        read.append(Digests().of_library(str(tmp_path / f"lib{number}.so")))
    assert len(set(read)) == 3
    assert None not in read

from __future__ import annotations

import pytest
from models import kept_files, training
from models.networks import known


def test_a_cache_that_cannot_be_used_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(OSError, match="file is not a folder"):
        training.file_of(known("digits-cnn"))


def test_what_others_could_have_written_is_not_read(tmp_path):
    kept = tmp_path / "kept"
    assert kept_files.untrusted(kept) is None
    kept.write_text("")
    kept.chmod(0o600)
    assert kept_files.untrusted(kept, tmp_path / "absent") is None
    kept.chmod(0o666)
    assert kept_files.untrusted(kept) == f"others could have written {kept}; if it is yours: chmod -R go-w {kept}"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "absent")
    assert kept_files.untrusted(link) is not None


def test_what_a_child_made_is_closed_to_others(tmp_path):
    made = tmp_path / "made" / "deep" / "file"
    made.parent.mkdir(parents=True)
    made.write_text("")
    made.chmod(0o664)
    assert kept_files.untrusted(tmp_path / "made") is not None
    kept_files.close_to_others(tmp_path / "made")
    assert kept_files.untrusted(tmp_path / "made") is None

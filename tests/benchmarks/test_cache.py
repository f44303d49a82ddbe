from __future__ import annotations

import os
import stat
import tempfile

import pytest
from models import cache

from pytest_edgeperf import FrameworkError


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.delenv("EDGEPERF_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_the_order_of_places(places, monkeypatch):
    assert cache.folder() == places / "home" / ".cache" / "edgeperf" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(places / "xdg"))
    assert cache.folder() == places / "xdg" / "edgeperf" / "models"
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(places / "asked"))
    assert cache.folder() == places / "asked" / "models"


def test_a_relative_xdg_folder_is_ignored(places, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.folder() == places / "home" / ".cache" / "edgeperf" / "models"


@pytest.mark.parametrize("home", ["nowhere", "file"])
def test_without_a_usable_home_it_is_a_private_temporary_folder(places, monkeypatch, home):
    (places / "file").write_text("")
    monkeypatch.setenv("HOME", str(places / home))
    folder = cache.folder()
    assert folder == places / f"edgeperf-{os.getuid()}" / "models"
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_it_is_made_private_where_it_was_not(places):
    folder = cache.folder()
    folder.chmod(0o777)
    assert stat.S_IMODE(cache.folder().stat().st_mode) == 0o700


def test_what_was_asked_for_is_used_or_refused(places, monkeypatch):
    (places / "file").write_text("")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(places / "file"))
    with pytest.raises(FrameworkError, match="file is not a folder"):
        cache.folder()


def test_a_link_is_not_followed(places, monkeypatch):
    (places / "elsewhere").mkdir()
    (places / "asked").mkdir()
    (places / "asked" / "models").symlink_to(places / "elsewhere")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(places / "asked"))
    with pytest.raises(FrameworkError, match="asked/models is a link"):
        cache.folder()


def test_what_others_could_have_written_is_not_read(places):
    kept = places / "kept"
    assert cache.untrusted(kept) is None
    kept.write_text("")
    kept.chmod(0o600)
    assert cache.untrusted(kept, places / "absent") is None
    kept.chmod(0o666)
    assert cache.untrusted(kept) == f"others could have written {kept}; if it is yours: chmod -R go-w {kept}"
    link = places / "link"
    link.symlink_to(places / "absent")
    assert cache.untrusted(link) is not None


def test_what_a_child_made_is_closed_to_others(places):
    made = places / "made" / "deep" / "file"
    made.parent.mkdir(parents=True)
    made.write_text("")
    made.chmod(0o664)
    assert cache.untrusted(places / "made") is not None
    cache.close_to_others(places / "made")
    assert cache.untrusted(places / "made") is None

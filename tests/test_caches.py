from __future__ import annotations

import errno
import os
import stat
import tempfile
import threading

import pytest

from pytest_edgeperf import caches
from pytest_edgeperf.caches import (
    NotPrivate,
    cache_folder,
    clear_place,
    is_private,
    locked,
    make_private,
    open_private,
    why_passed_over,
)


@pytest.fixture
def places(monkeypatch, tmp_path):
    """No variable set, and a temporary directory of our own."""
    for name in ("EDGEPERF_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def choose(strict=False, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        return cache_folder("journals", strict=strict)

    choose.fallback = temporary / f"edgeperf-{os.getuid()}" / "journals"
    return choose


@pytest.fixture
def of_another_user(monkeypatch):
    """Makes some paths another user's; not every machine lets its tests change owners."""
    original = os.lstat
    foreign = set()

    def lstat(path, **keywords):
        found = original(path, **keywords)
        if (found.st_dev, found.st_ino) in foreign:
            found = os.stat_result((*found[:4], found.st_uid + 1, *found[5:10]))
        return found

    monkeypatch.setattr(os, "lstat", lstat)
    return lambda path: foreign.add((original(path).st_dev, original(path).st_ino))


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_our_variable_wins_over_xdgs_and_that_over_home(places, tmp_path):
    home, xdg, ours = (tmp_path / name for name in ("home", "xdg", "ours"))
    home.mkdir()
    assert places(HOME=home) == home / ".cache/edgeperf/journals"
    assert places(XDG_CACHE_HOME=xdg) == xdg / "edgeperf/journals"
    assert places(EDGEPERF_CACHE_DIR=ours) == ours / "journals"
    assert why_passed_over() is None


def test_a_relative_xdg_folder_is_ignored(places, tmp_path):
    assert places(HOME=tmp_path, XDG_CACHE_HOME="relative") == tmp_path / ".cache/edgeperf/journals"


@pytest.mark.parametrize("before", [0o755, 0o777, 0o770])
def test_each_level_is_private_even_if_it_was_there(places, tmp_path, before):
    ours = tmp_path / "ours"
    for level in (ours, ours / "journals"):
        level.mkdir()
        level.chmod(before)
    folder = places(EDGEPERF_CACHE_DIR=ours)
    assert (mode(ours), mode(folder)) == (0o700, 0o700)


def test_without_a_home_it_is_a_users_own_in_the_temporary_directory(places):
    assert places() == places.fallback
    assert mode(places.fallback) == 0o700


@pytest.mark.parametrize("obstacle", ["a file", "a broken link"])
def test_a_place_that_cannot_be_a_folder_is_passed_over(places, tmp_path, obstacle):
    home = tmp_path / "home"
    if obstacle == "a file":
        home.write_text("")
    else:
        home.symlink_to(tmp_path / "nowhere" / "at all")
    assert places(HOME=home) == places.fallback
    assert places(XDG_CACHE_HOME=home) == places.fallback


def test_a_home_that_is_not_there_is_not_made(places, tmp_path):
    assert places(HOME=tmp_path / "home") == places.fallback
    assert not (tmp_path / "home").exists()


def test_an_unwritable_place_is_passed_over(places, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    original = os.access
    # Root may write everywhere, so the answer is given rather than a mode set.
    monkeypatch.setattr(os, "access", lambda path, kind: str(home) not in str(path) and original(path, kind))
    assert places(HOME=home) == places.fallback


def test_a_cache_of_another_user_is_passed_over(places, tmp_path, of_another_user):
    ours = tmp_path / "ours"
    ours.mkdir()
    of_another_user(ours)
    assert places(EDGEPERF_CACHE_DIR=ours) == places.fallback
    assert list(ours.iterdir()) == []
    with pytest.raises(OSError, match=rf"{ours} belongs to .*; set EDGEPERF_CACHE_DIR to a usable folder"):
        places(strict=True)


@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_what_another_user_left_in_a_cache_is_moved_aside(places, tmp_path, of_another_user, kind):
    planted = tmp_path / "ours" / "journals"
    planted.parent.mkdir()
    if kind == "folder":
        planted.mkdir()
        (planted / "planted").touch()
    elif kind == "link":
        planted.symlink_to(tmp_path)
    else:
        planted.touch()
    of_another_user(planted)
    folder = places(EDGEPERF_CACHE_DIR=tmp_path / "ours")
    assert folder == planted
    assert folder.is_dir()
    assert not folder.is_symlink()
    assert list(folder.iterdir()) == []
    assert sorted(path.name.partition(".not-ours-")[0] for path in folder.parent.iterdir()) == ["journals"] * 2


def test_why_the_folder_that_was_asked_for_is_not_used_can_be_said(places, tmp_path, of_another_user):
    ours = tmp_path / "ours"
    ours.mkdir()
    of_another_user(ours)
    places(EDGEPERF_CACHE_DIR=ours)
    assert why_passed_over().startswith(f"{ours} belongs to ")


def test_the_folder_of_all_users_is_no_cache(places, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    assert places(EDGEPERF_CACHE_DIR=shared) == places.fallback
    assert mode(shared) == 0o1777
    assert "is shared by all users of this machine; use a folder in it" in why_passed_over()


def test_the_users_own_link_names_a_place_but_one_in_the_cache_leads_nowhere(places, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "ours").symlink_to(tmp_path / "disk")
    assert places(EDGEPERF_CACHE_DIR=tmp_path / "ours") == tmp_path / "disk" / "journals"
    (tmp_path / "disk" / "journals").rmdir()
    (tmp_path / "disk" / "journals").symlink_to(tmp_path)
    assert places() == places.fallback
    with pytest.raises(OSError, match=r"journals is a link"):
        cache_folder("journals", strict=True)


def test_another_users_link_is_not_followed(places, tmp_path, of_another_user):
    (tmp_path / "disk").mkdir()
    (tmp_path / "theirs").symlink_to(tmp_path / "disk")
    of_another_user(tmp_path / "theirs")
    assert places(EDGEPERF_CACHE_DIR=tmp_path / "theirs") == places.fallback


def test_where_nothing_can_be_written_the_error_names_all_places_and_the_variable(places, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(file))
    with pytest.raises(OSError, match=rf"{file}/xdg.*{file}/edgeperf-.*set EDGEPERF_CACHE_DIR"):
        places(XDG_CACHE_HOME=file / "xdg")


def planted(folder, what, of_another_user):
    inner = folder / "sub" / "engine"
    inner.parent.mkdir(parents=True)
    inner.write_text("engine")
    for path in (folder, inner.parent, inner):
        path.chmod(0o700)
    if what == "a link":
        (folder / "more").symlink_to(inner)
    elif what == "a pipe":
        os.mkfifo(folder / "more", 0o600)
    elif what == "another user's file":
        of_another_user(inner)
    elif what == "another user's folder":
        of_another_user(inner.parent)
    elif what == "a file that others may write":
        inner.chmod(0o620)
    elif what == "a folder that others may write":
        inner.parent.chmod(0o702)


@pytest.mark.parametrize(
    "what",
    [
        "nothing",
        "a link",
        "a pipe",
        "another user's file",
        "another user's folder",
        "a file that others may write",
        "a folder that others may write",
    ],
)
def test_what_others_could_have_put_somewhere_is_not_private(tmp_path, what, of_another_user):
    folder = tmp_path / "engine"
    planted(folder, what, of_another_user)
    assert is_private(folder) == (what == "nothing")
    assert not is_private(tmp_path / "absent")


@pytest.mark.parametrize("what", ["a file that others may write", "a folder that others may write"])
def test_what_is_ours_can_be_made_private(tmp_path, what, of_another_user):
    planted(tmp_path / "engine", what, of_another_user)
    make_private(tmp_path / "engine")
    assert is_private(tmp_path / "engine")


@pytest.mark.parametrize("what", ["a link", "a pipe", "another user's file"])
def test_what_is_not_ours_cannot_be_made_private(tmp_path, what, of_another_user):
    planted(tmp_path / "engine", what, of_another_user)
    with pytest.raises(NotPrivate, match="only this user's own files may be here"):
        make_private(tmp_path / "engine")


@pytest.mark.parametrize("what", ["a link", "a pipe", "a file that others may write", "a folder"])
def test_a_file_is_opened_neither_through_a_link_nor_waiting_for_a_pipe(tmp_path, what):
    path = tmp_path / "file"
    if what == "a link":
        path.symlink_to(__file__)
    elif what == "a pipe":
        os.mkfifo(path, 0o600)
    elif what == "a folder":
        path.mkdir()
    else:
        path.write_text("")
        path.chmod(0o666)
    with pytest.raises(OSError):
        open_private(path)


def test_a_place_is_cleared_of_whatever_is_there(tmp_path, monkeypatch):
    place = tmp_path / "place"
    for make in (place.mkdir, place.touch, lambda: place.symlink_to(tmp_path), lambda: None):
        make()
        clear_place(place)
        assert not os.path.lexists(place)
    # Another user's folder can be renamed by who owns what it lies in, but not emptied.
    place.mkdir()
    monkeypatch.setattr(caches.shutil, "rmtree", lambda *_, **__: None)
    clear_place(place)
    assert [path.name[:15] for path in tmp_path.iterdir()] == ["place.not-ours-"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    order = []
    inside, leave = threading.Event(), threading.Event()

    def first():
        with locked(tmp_path / "lock"):
            inside.set()
            leave.wait(30)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(30)
    threading.Timer(0.05, leave.set).start()
    with locked(tmp_path / "lock"):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF])
def test_a_file_system_without_locks_is_said_in_a_sentence(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(caches.fcntl, "flock", refuse)
    with pytest.raises(
        OSError, match=r"does not support locks \(.*\); set EDGEPERF_CACHE_DIR to a folder on a local disk"
    ):
        with locked(tmp_path / "lock"):
            pytest.fail("it is not held")


def test_a_pipe_in_a_locks_place_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(NotPrivate, match="is not a file of this user; remove it"):
        with locked(tmp_path / "lock"):
            pytest.fail("it is not held")

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.devices import system_files
from pytest_edgeperf.devices.system_files import names_in, read_integer, read_text


def test_a_busy_file_is_asked_again(machine, monkeypatch):
    root = machine(files={"/busy": "42\n"})
    real, refused = os.read, []

    def read(descriptor, length):
        if len(refused) < 2:
            refused.append(descriptor)
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return real(descriptor, length)

    monkeypatch.setattr(os, "read", read)
    assert read_integer(root, "/busy") == (42, "")
    assert len(refused) == 2


def test_a_file_that_is_always_busy_gives_its_reason_after_a_few_attempts(machine, failing):
    root = machine(files={"/busy": "42\n"})
    attempts = failing(root, {"/busy": "EAGAIN"})
    content = read_text(root, "/busy")
    assert content.text is None
    assert content.exists
    assert content.reason == "/busy cannot be read: Resource temporarily unavailable (3 attempts)"
    assert attempts["/busy"] == 3


@pytest.mark.parametrize("error", ["EACCES", "ENODATA", "EIO", "ENODEV", "EINVAL"])
def test_a_file_that_fails_gives_its_reason_and_is_there(machine, failing, error):
    root = machine(files={"/broken": "42\n"})
    attempts = failing(root, {"/broken": error})
    content = read_text(root, "/broken")
    assert (content.text, content.exists) == (None, True)
    assert os.strerror(getattr(errno, error)) in content.reason
    assert read_integer(root, "/broken") == (None, content.reason)
    assert attempts["/broken"] == 2


def test_a_folder_a_missing_file_and_a_name_that_is_none(machine):
    root = machine(files={"/folder/file": "1"})
    assert read_text(root, "/folder").reason.endswith("Is a directory")
    assert not read_text(root, "/nothing").exists
    assert not read_text(root, "/folder/file/below").exists
    assert read_text(root, "/a\0b").text is None


def test_an_open_file_is_closed_after_an_error(machine, monkeypatch):
    root = machine(files={"/broken": "1"})
    closed = []

    def read(descriptor, length):
        raise OSError(errno.EIO, "Input/output error")

    real_close = os.close
    monkeypatch.setattr(system_files.os, "read", read)
    monkeypatch.setattr(
        system_files.os, "close", lambda descriptor: (closed.append(descriptor), real_close(descriptor))
    )
    assert read_text(root, "/broken").text is None
    assert len(closed) == 1


@pytest.mark.parametrize(("text", "value"), [("0\n", 0), ("-256000\n", -256000), ("+7", 7), (" 12 ", 12)])
def test_whole_numbers(machine, text, value):
    assert read_integer(machine(files={"/number": text}), "/number") == (value, "")


@pytest.mark.parametrize("text", ["", "\n", "1.5", "0x10", "1 2", "1_000", "nan", "١٢", "9" * 5000])
def test_what_is_no_whole_number_has_a_reason(machine, text):
    value, reason = read_integer(machine(files={"/number": text}), "/number")
    assert value is None
    assert reason.startswith("/number ")
    assert len(reason) < 100


def test_names_are_in_the_order_of_their_numbers(machine):
    root = machine(files={f"/zones/zone{number}": "" for number in (10, 2, 1)})
    assert names_in(root, "/zones") == ("zone1", "zone2", "zone10")
    assert names_in(root, "/nowhere") == ()
    assert names_in(root, "/zones/zone1") == ()


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_names_can_be_sorted(names):
    with mock.patch.object(os, "listdir", return_value=names):
        assert sorted(names_in(Path("/"), "/zones")) == sorted(names)


def test_links_of_a_recorded_machine_stay_inside_it(machine, tmp_path):
    root = machine(files={"/etc/nvpmodel/nvpmodel_t194.conf": "inside\n", "/data/deep/file": "deep\n"})
    (root / "etc/nvpmodel.conf").symlink_to("/etc/nvpmodel/nvpmodel_t194.conf")
    (root / "etc/up").symlink_to("../../../../../data")
    (root / "etc/out").symlink_to(str(tmp_path.parent))
    (root / "etc/loop").symlink_to("/etc/loop")
    assert read_text(root, "/etc/nvpmodel.conf").text == "inside"
    assert read_text(root, "/etc/up/deep/../deep/file").text == "deep"
    assert read_text(root, "/../../etc/nvpmodel.conf").text == "inside"
    assert names_in(root, "/etc/up") == ("deep",)
    assert not read_text(root, "/etc/out").exists
    assert [system_files.is_folder(root, f"/etc/{name}") for name in ("up", "out")] == [True, False]
    assert [system_files.exists(root, f"/etc/{name}") for name in ("out", "out/x", "loop/x")] == [True, False, False]
    assert system_files.link_target(root, "/etc/up") == "../../../../../data"
    assert system_files.link_target(root, "/data") is None
    loop = read_text(root, "/etc/loop")
    assert loop.text is None
    assert "Too many levels of symbolic links" in loop.reason
    assert names_in(root, "/etc/loop") == ()


def test_links_of_this_machine_are_the_systems(tmp_path):
    (tmp_path / "file").write_text("x", encoding="ascii")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_text(Path("/"), str(tmp_path / "link")).text == "x"

from __future__ import annotations

import collections
import errno
import json
import os
import sys
from pathlib import Path

import pytest

from pytest_edgeperf.devices import system_files as reader

TREES = json.loads((Path(__file__).parents[1] / "data/devices/trees.json").read_text(encoding="utf-8"))


def put(root, path, text):
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))


@pytest.fixture
def failing(monkeypatch):
    """Let reading these files under a root fail, path -> ``EAGAIN`` or the like; counts the attempts by path."""

    def make(root, errors):
        real = reader.read_bytes
        broken = {os.path.realpath(root / path.lstrip("/")): path for path in errors}
        attempts = collections.Counter()

        def read(file):
            path = broken.get(os.path.realpath(file))
            if path is None:
                return real(file)
            attempts[path] += 1
            number = getattr(errno, errors[path])
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(reader, "read_bytes", read)
        return attempts

    return make


@pytest.fixture
def machine(tmp_path, failing):
    """Make a root folder with these files: of a recorded board, of a mapping, or both."""

    def make(board=None, files=()):
        tree = TREES[board] if board else {"files": {}, "symlinks": {}}
        for path, text in {**tree["files"], **dict(files)}.items():
            put(tmp_path, path, text)
        for path, target in tree["symlinks"].items():
            link = tmp_path / path.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
        if tree.get("read_errors"):
            failing(tmp_path, tree["read_errors"])
        return tmp_path

    return make


@pytest.fixture
def tree(machine):
    """Make a root folder whose device tree lists these compatible strings."""

    def make(*compatible, model="a board"):
        return machine(
            files={
                "/proc/device-tree/compatible": "".join(f"{item}\0" for item in compatible),
                "/proc/device-tree/model": f"{model}\0",
            }
        )

    return make


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package with this source, whose entry points of our groups are these: ``devices={name: object}``."""

    def install(name, source, **groups):
        folder = tmp_path / f"site-{name}"
        information = folder / f"{name}-1.0.dist-info"
        information.mkdir(parents=True)
        (folder / f"{name}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = []
        for group, entries in groups.items():
            lines += [f"[edgeperf.{group}]", *(f"{entry} = {name}:{attribute}" for entry, attribute in entries.items())]
        (information / "entry_points.txt").write_text("\n".join([*lines, ""]))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return install

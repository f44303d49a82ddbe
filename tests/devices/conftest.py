from __future__ import annotations

import json
from pathlib import Path

import pytest

TREES = json.loads((Path(__file__).parents[1] / "data/devices/trees.json").read_text(encoding="utf-8"))


def put(root, path, text):
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8"))


@pytest.fixture
def machine(tmp_path):
    """Make a root folder with these files: of a recorded board, of a mapping, or both."""

    def make(board=None, files=()):
        tree = TREES[board] if board else {"files": {}, "symlinks": {}}
        for path, text in {**tree["files"], **dict(files)}.items():
            put(tmp_path, path, text)
        for path, target in tree["symlinks"].items():
            link = tmp_path / path.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
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

from __future__ import annotations

import json
import subprocess
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure import installed_copies
from pytest_edgeperf.measure.installed_copies import PROJECT_FILES, InstalledModule, hidden_sources, project_names_in
from pytest_edgeperf.measure.side import Side
from tests.measure.trees import environment

COMPILED = EXTENSION_SUFFIXES[0]
PROJECT = """
[build-system]
name = "no"
[project]  # of Python
name = "My.Pkg"
[tool.other]
name = "other"
"""
NUMPY = PROJECT.replace("My.Pkg", "numpy")


class Machine:
    """A checkout in git, a worktree of it, and a site-packages folder with one installed distribution."""

    def __init__(self, path, monkeypatch):
        self.checkout, self.worktree = path / "checkout", path / "worktree"
        self.packages = path / "venv" / "site-packages"
        self.packages.mkdir(parents=True)
        self.modules = []
        monkeypatch.setattr(installed_copies, "installed_modules", lambda: iter(self.modules))
        here = [str(self.packages)]
        monkeypatch.setattr(metadata, "distributions", lambda: metadata.Distribution.discover(path=here))

    def sources(self, **files):
        for tree in (self.checkout, self.worktree):
            for name, text in files.items():
                file = tree / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            subprocess.run(["git", "init", "-q", str(tree)], env=environment(), check=True)

    def install(self, *files, name="my-pkg", url=None, editable=False):
        info = self.packages / f"{name.replace('-', '_')}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if url is not None:
            stored = {"url": f"file://{url}", "dir_info": {"editable": editable}}
            (info / "direct_url.json").write_text(json.dumps(stored))
        for file in files:
            path = self.packages / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
            module = file.partition(".")[0].replace("/__init__", "").replace("/", ".")
            self.modules.append(InstalledModule(module, str(path), module.partition(".")[0]))

    def told(self):
        """Of each side, what hides its sources."""
        ours, theirs = str(self.checkout), str(self.worktree)
        return [
            hidden_sources(Side(checkout=ours, tree=theirs, other=ours)),
            hidden_sources(Side(checkout=ours, tree=ours, other=theirs)),
        ]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("python/mypkg/__init__.py", "mypkg/__init__.py"),
        ("lib/python/mypkg/part.py", "mypkg/part.py"),
        ("mypkg/python/src/mypkg.py", "mypkg.py"),
        ("bindings/space/mypkg/__init__.py", "space/mypkg/__init__.py"),
        ("python/space/mypkg/part.py", "space/mypkg/part.py"),
    ],
)
@pytest.mark.parametrize("url", ["{checkout}", "{checkout}/dist/my_pkg-1-py3-none-any.whl", "/tmp/my_pkg-1.whl", None])
def test_sources_of_any_layout_are_found(machine, source, file, url):
    machine.sources(**{source: "", "pyproject.toml": PROJECT})
    machine.install(file, url=url and url.format(checkout=machine.checkout))
    for tree, told in zip((machine.worktree, machine.checkout), machine.told()):
        (problem,) = told
        assert f"hides {tree / source}" in problem
        assert str(machine.packages / file) in problem
        assert "pip install -e" in problem


@pytest.mark.parametrize("url", ["{checkout}/projects/one", "{checkout}/projects/one/dist/my_pkg-1.whl", None])
def test_a_project_in_a_folder_of_a_monorepo(machine, url):
    machine.sources(
        **{"projects/one/python/mypkg/__init__.py": "", "projects/one/pyproject.toml": PROJECT, "other/mypkg.py": ""}
    )
    machine.install("mypkg/__init__.py", url=url and url.format(checkout=machine.checkout))
    for (problem,) in machine.told():
        assert "projects/one/python/mypkg/__init__.py" in problem


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("setup.cfg", "[metadata]\nname = my_pkg\n"),
        ("setup.py", "from setuptools import setup\nsetup(\n    name='my-pkg',\n)\n"),
        ("Cargo.toml", '[package]\nname = "my-pkg"\n'),
        ("pyproject.toml", '[tool.poetry]\nname = "my-pkg"\n'),
    ],
)
@pytest.mark.parametrize("module", [f"mypkg{COMPILED}", f"mypkg/core{COMPILED}"])
def test_a_compiled_module_has_no_source_of_its_name(machine, file, text, module):
    machine.sources(**{file: text, "src/lib.rs": ""})
    machine.install(module)
    for (problem,) in machine.told():
        assert "was loaded from an installed part of this project" in problem
        assert "--against-python" in problem


def test_an_editable_install_with_its_finder_is_right_but_its_library_is_not(machine):
    machine.sources(**{"pyproject.toml": PROJECT, "python/mypkg/__init__.py": ""})
    machine.install("__editable___my_pkg_finder.py", url=machine.checkout, editable=True)
    assert machine.told() == [[], []]
    machine.modules.append(InstalledModule("mypkg._core", str(machine.packages / f"mypkg/_core{COMPILED}"), "mypkg"))
    (machine.packages / "my_pkg-1.dist-info" / "RECORD").write_text(f"mypkg/_core{COMPILED},,\n")
    assert [len(told) for told in machine.told()] == [1, 1]


@pytest.mark.parametrize(
    "sources",
    [
        # What somebody else's installed package shares with the checkout is its name only.
        {"python/numpy/__init__.py": ""},
        {
            "third_party/numpy/pyproject.toml": PROJECT.replace("My.Pkg", "numpy"),
            "third_party/numpy/numpy/__init__.py": "",
        },
        {"tests/data/pyproject.toml": PROJECT.replace("My.Pkg", "numpy"), "tests/data/numpy/__init__.py": ""},
        {"pyproject.toml": PROJECT + '[[tool.index]]\nname = "numpy"\n', "python/numpy/__init__.py": ""},
    ],
)
def test_other_peoples_packages_are_no_copies(machine, sources):
    machine.sources(**sources)
    machine.install("numpy/__init__.py", name="numpy")
    assert machine.told() == [[], []]


def test_a_part_of_the_project_that_was_not_loaded_is_no_matter(machine):
    machine.sources(**{"python/mypkg/__init__.py": "", "pyproject.toml": PROJECT})
    machine.install("mypkg/__init__.py", url=machine.checkout)
    machine.modules.clear()
    assert machine.told() == [[], []]


def test_without_a_list_of_files_the_top_level_names_do(machine):
    machine.sources(**{"python/mypkg/__init__.py": "", "pyproject.toml": PROJECT})
    machine.install("mypkg/__init__.py", url=machine.checkout)
    info = machine.packages / "my_pkg-1.dist-info"
    (info / "RECORD").unlink()
    (info / "top_level.txt").write_text("mypkg\n")
    assert [len(told) for told in machine.told()] == [1, 1]


@given(st.text(max_size=200))
def test_any_project_file_is_read(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_text(text, encoding="utf-8", errors="replace")
    for file in PROJECT_FILES:
        assert all(isinstance(name, str) and name for name in project_names_in(str(path), file))

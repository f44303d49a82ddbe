from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import zipfile
from pathlib import Path

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.source_places import GENERATED, SourcePlaces, nameless

HOME = os.path.expanduser("~")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "ada"))
    root = tmp_path / "home" / "ada" / "camera"
    (root / "app").mkdir(parents=True)
    (root / "app" / "pre.py").write_text("def run(): pass\n")
    monkeypatch.chdir(root)
    return root


def test_a_file_of_the_project_is_shown_from_its_root(project):
    places = SourcePlaces(str(project))
    assert places.shown(str(project / "app" / "pre.py")) == "app/pre.py"
    assert places.shown("app/pre.py") == "app/pre.py"
    assert places.shown(str(project / "app" / ".." / "app" / "pre.py")) == "app/pre.py"
    assert places.is_own(str(project / "app" / "pre.py"))


def test_a_root_behind_a_link_is_the_same_root(project, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(project)
    assert SourcePlaces(str(link)).shown(str(project / "app" / "pre.py")) == "app/pre.py"
    assert SourcePlaces(str(project)).shown(str(link / "app" / "pre.py")) == "app/pre.py"
    assert SourcePlaces(str(link) + "/").shown(str(link / "app" / "pre.py")) == "app/pre.py"


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_an_installed_file_is_shown_from_its_package(project, folder):
    places = SourcePlaces(str(project))
    for environment in (project / ".venv", Path("/home/bob/.local")):
        file = str(environment / "lib" / "python3.8" / folder / "cv2" / "gapi" / "__init__.py")
        assert places.shown(file) == "cv2/gapi/__init__.py"
        assert not places.is_own(file)


def test_a_project_may_lie_in_a_folder_of_installed_packages():
    places = SourcePlaces("/opt/site-packages/camera")
    assert places.shown("/opt/site-packages/camera/app/pre.py") == "app/pre.py"
    assert places.is_own("/opt/site-packages/camera/app/pre.py")
    assert places.shown("/opt/site-packages/camera/.venv/lib/site-packages/cv2/x.py") == "cv2/x.py"


def test_real_packages_and_pythons_own_library_are_shown_from_their_packages(project):
    places = SourcePlaces(str(project))
    assert places.shown(numpy.__file__) == "numpy/__init__.py"
    assert places.shown(json.decoder.__file__) == "json/decoder.py"
    assert not places.is_own(json.decoder.__file__)


def test_this_package_is_no_other_package(project):
    places = SourcePlaces(str(project))
    assert places.shown(loop.__file__) == "pytest_edgeperf/measure/loop.py"
    assert places.is_own(loop.__file__)


def test_a_module_that_lies_elsewhere_is_shown_by_its_name(project, tmp_path, monkeypatch):
    package = tmp_path / "checkouts" / "lens_of_ours"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "undistort.py").write_text("")
    monkeypatch.syspath_prepend(str(package.parent))
    importlib.import_module("lens_of_ours.undistort")
    places = SourcePlaces(str(project))
    assert places.shown(str(package / "undistort.py")) == "lens_of_ours/undistort.py"
    assert places.shown(str(package / "__init__.py")) == "lens_of_ours/__init__.py"
    assert places.is_own(str(package / "undistort.py"))
    assert places.shown(str(package / "never_imported.py")) == "never_imported.py"
    assert not places.is_own(str(package / "never_imported.py"))
    for name in ("lens_of_ours", "lens_of_ours.undistort"):
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("inside", [True, False])
def test_a_module_in_a_zip(project, tmp_path, monkeypatch, inside):
    archive = (project if inside else tmp_path) / "shipped.zip"
    name = f"zipped_{inside}".lower()
    with zipfile.ZipFile(str(archive), "w") as writer:
        writer.writestr(f"{name}/__init__.py", "")
        writer.writestr(f"{name}/pre.py", "def run():\n    return 1\n")
    monkeypatch.syspath_prepend(str(archive))
    module = importlib.import_module(f"{name}.pre")
    places = SourcePlaces(str(project))
    expected = f"shipped.zip/{name}/pre.py" if inside else f"{name}/pre.py"
    assert places.shown(module.run.__code__.co_filename) == expected
    assert places.is_own(module.run.__code__.co_filename)
    for loaded in (name, f"{name}.pre"):
        monkeypatch.delitem(sys.modules, loaded)


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("<string>", "<string>"),
        ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>"),
        ("<__array_function__ internals>", "<__array_function__ internals>"),
        ("<eval_with_key>.17 from /home/ada/net.py:3 in run", "<eval_with_key>"),
        ("<eval in /home/ada/x.py>", GENERATED),
        ("<in C:\\Users\\ada>", GENERATED),
        ("<no end", GENERATED),
        ("C:\\Users\\ada\\camera\\pre.py", "pre.py"),
        ("C:/Users/ada/camera/pre.py", "pre.py"),
        ("C:\\Python\\Lib\\site-packages\\cv2\\x.py", "cv2/x.py"),
        ("\\\\server\\ada\\pre.py", "pre.py"),
        ("sklearn/tree/_tree.pyx", "sklearn/tree/_tree.pyx"),
        ("../../home/ada/pre.py", "pre.py"),
        ("home/ada/_tree.pyx", "_tree.pyx"),
        ("~/pre.py", "pre.py"),
        ("/home/bob/pre.py", "pre.py"),
        ("/tmp/a\nb.py", "a\\nb.py"),
        ("/tmp/\udcff.py", "\\udcff.py"),
        ("/tmp/\0.py", "\\x00.py"),
        ("", "."),
    ],
)
def test_odd_files(project, file, shown):
    places = SourcePlaces(str(project))
    assert places.shown(file) == shown
    assert not places.is_own(file)


@pytest.mark.parametrize("root", ["/", "/home", "above"])
def test_a_root_above_homes_names_nobody(project, root):
    places = SourcePlaces(str(project.parents[1]) if root == "above" else root)
    assert places.shown(str(project / "app" / "pre.py")) == "pre.py"
    assert places.shown("/home/bob/pre.py") == "pre.py"


def test_a_home_may_be_the_root(project):
    assert SourcePlaces(str(project.parent)).shown(str(project / "app" / "pre.py")) == "camera/app/pre.py"


PARTS = st.sampled_from(["home", "ada", "camera", "..", ".", "", "Users", "site-packages", "C:", "pre.py", "a\\b"]) | (
    st.text(max_size=5)
)


@functools.lru_cache(maxsize=None)
def places_below_a_home():
    return SourcePlaces(HOME + "/camera")


@given(st.lists(PARTS, max_size=6), st.sampled_from(["/", "\\"]), st.sampled_from(["", "/", HOME + "/", "~/", "C:\\"]))
@example(["camera", "pre.py"], "/", HOME + "/")
@example(["", "a\\b"], "/", "")
def test_nothing_shown_is_a_path_of_a_home_or_cannot_be_printed(parts, separator, start):
    file = start + separator.join(parts)
    shown = places_below_a_home().shown(file)
    assert not os.path.isabs(shown)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert HOME.strip("/") + "/" not in shown
    assert not shown.startswith(("~/", "../"))
    # A package may have any name.
    assert not shown.startswith(("home/", "Users/")) or "site-packages" in parts
    if shown != file:
        # What is shown is safe to show again.
        assert not os.path.isabs(places_below_a_home().shown(shown))


def test_a_sentence_names_neither_the_project_s_folder_nor_a_home(project):
    said = f"cannot profile {project}/net.onnx with {project.parent}/.venv/lib.so, nor /usr/lib/net.so"
    assert nameless(said, str(project)) == "cannot profile net.onnx with ~/.venv/lib.so, nor /usr/lib/net.so"
    assert nameless(said, "/") == nameless(said) == said.replace(f"{project.parent}/", "~/")


def test_a_home_that_is_no_folder_of_anybody_s_changes_no_sentence(monkeypatch):
    monkeypatch.setenv("HOME", "/")
    assert nameless("cannot read /usr/lib/net.so") == "cannot read /usr/lib/net.so"

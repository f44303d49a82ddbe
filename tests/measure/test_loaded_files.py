"""What a process has loaded: everything that a benchmark computes with, and nothing of whose machine it is."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from dataclasses import replace
from types import ModuleType

import pytest

from pytest_edgeperf.frameworks import files_read
from pytest_edgeperf.measure import loaded_files as module
from pytest_edgeperf.measure.digests import Digests
from pytest_edgeperf.measure.loaded_files import record_of
from pytest_edgeperf.measure.loaded_paths import Listing, listing
from pytest_edgeperf.results.loaded import check_record

SECRET = "sk-live-5f0e"


class World:
    """A user's project below a home folder, a library of theirs beside it, an environment, and a system."""

    def __init__(self, folder):
        self.home = folder / "home" / "alice"
        self.root = self.home / "code" / "vision"
        self.site = self.root / ".venv" / "lib" / "python3.11" / "site-packages"
        self.kept = folder / "files.json"
        self.write(self.root / "benchmarks" / "test_net.py", "def test_net(): ...")
        self.write(self.root / "ops.py", "fast = True")
        self.write(self.root / "models" / "net.onnx", "weights" * 100)
        self.write(self.home / "libs" / "tensors" / "src" / "tensors" / "__init__.py", "")
        self.write(self.home / "libs" / "tensors" / "src" / "tensors" / "pad.py", "pad = 1")
        self.write(self.home / ".cache" / "edgeperf" / "engines" / "net-fp16-8c1f" / "model.plan", "engine")
        self.write(self.home / ".cache" / "edgeperf" / "engines" / "net-fp16-8c1f" / "about.json", "{}")
        self.write(self.home / "downloads" / "labels.onnx", "labels")
        self.write(self.site / "numpy" / "__init__.py", "")
        self.write(self.site / "numpy" / "core.so", "core")
        self.write(self.site / "numpy-1.26.4.dist-info" / "RECORD", "numpy/__init__.py,,\n")
        self.write(self.site / "pytest" / "__init__.py", "")
        self.write(self.site / "pytest-8.3.0.dist-info" / "RECORD", "pytest/__init__.py,,\n")
        self.write(self.site / "__editable___tensors_finder.py", "")
        self.write(folder / "usr" / "lib" / "libz.so.1.2.13", "z")
        self.write(self.root / "native" / "libkernels.so", "kernels")
        tensors = self.home / "libs" / "tensors" / "src" / "tensors"
        engine = self.home / ".cache" / "edgeperf" / "engines" / "net-fp16-8c1f"
        self.loaded = Listing(
            modules=tuple(
                (name, str(file))
                for name, file in {
                    "test_net": self.root / "benchmarks" / "test_net.py",
                    "ops": self.root / "ops.py",
                    "tensors": tensors / "__init__.py",
                    "tensors.pad": tensors / "pad.py",
                    "numpy": self.site / "numpy" / "__init__.py",
                    "pytest": self.site / "pytest" / "__init__.py",
                    "__editable___tensors_finder": self.site / "__editable___tensors_finder.py",
                    "json": json.__file__,
                    "gone": self.root / "gone.py",
                }.items()
            ),
            mapped=tuple(
                map(
                    str,
                    (
                        self.site / "numpy" / "core.so",
                        folder / "usr" / "lib" / "libz.so.1.2.13",
                        self.root / "native" / "libkernels.so",
                    ),
                )
            ),
            models=(str(self.root / "models" / "net.onnx"), str(self.home / "downloads" / "labels.onnx")),
            engines=(str(engine / "about.json"), str(engine / "model.plan")),
        )

    @staticmethod
    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def record(self, loaded=None, digests=None, root=None):
        return record_of(loaded or self.loaded, str(root or self.root), digests or Digests(), str(self.home))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_each_thing_is_named_as_its_user_calls_it(world):
    record = world.record()
    check_record(record)
    assert {section: sorted(entries) for section, entries in record.items()} == {
        "modules": [
            "benchmarks/test_net.py",
            "native/libkernels.so",
            "ops.py",
            "tensors/__init__.py",
            "tensors/pad.py",
        ],
        "model": ["labels.onnx", "models/net.onnx"],
        "engine": ["model.plan"],
        "packages": ["numpy", "python"],
        "libraries": ["libz.so.1"],
    }
    assert record["packages"]["numpy"].startswith("1.26.4 ")


@pytest.mark.parametrize(
    ("file", "section", "name"),
    [
        ("home/alice/code/vision/ops.py", "modules", "ops.py"),
        ("home/alice/libs/tensors/src/tensors/pad.py", "modules", "tensors/pad.py"),
        ("home/alice/code/vision/native/libkernels.so", "modules", "native/libkernels.so"),
        ("home/alice/code/vision/models/net.onnx", "model", "models/net.onnx"),
        ("home/alice/.cache/edgeperf/engines/net-fp16-8c1f/model.plan", "engine", "model.plan"),
        ("home/alice/code/vision/.venv/lib/python3.11/site-packages/numpy/core.so", "packages", "numpy"),
        ("usr/lib/libz.so.1.2.13", "libraries", "libz.so.1"),
    ],
)
def test_one_changed_byte_changes_one_entry(world, tmp_path, file, section, name):
    before = world.record()
    content = bytearray((tmp_path / file).read_bytes())
    content[-1] ^= 1
    (tmp_path / file).write_bytes(content)
    after = world.record()
    changed = [
        (part, entry)
        for part, entries in before.items()
        for entry in entries
        if after[part].get(entry) != entries[entry]
    ]
    assert changed == [(section, name)]
    assert {part: set(entries) for part, entries in before.items()} == {part: set(after[part]) for part in after}


def test_an_upgraded_package_has_another_version(world):
    before = world.record()["packages"]["numpy"]
    (world.site / "numpy-1.26.4.dist-info").rename(world.site / "numpy-2.0.1.dist-info")
    after = world.record()["packages"]["numpy"]
    assert (before.split()[0], after.split()[0]) == ("1.26.4", "2.0.1")
    assert before.split()[1] == after.split()[1]


def test_an_installed_project_is_told_by_its_modules_as_its_version_stays(world):
    metadata = world.site / "numpy-1.26.4.dist-info" / "direct_url.json"
    versions = []
    for text in ("x = 1", "x = 2"):
        world.write(world.site / "numpy" / "__init__.py", text)
        versions.append(world.record()["packages"]["numpy"])
    assert len(set(versions)) == 1
    world.write(metadata, '{"url": "file:///home/alice/code/numpy", "dir_info": {}}')
    for text in ("x = 1", "x = 2"):
        world.write(world.site / "numpy" / "__init__.py", text)
        versions.append(world.record()["packages"]["numpy"])
    assert len(set(versions)) == 3
    assert {version.split()[0] for version in versions} == {"1.26.4"}


def test_no_home_folder_no_outer_path_and_no_variable_is_in_it(world, monkeypatch, tmp_path):
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.setenv("HOME", str(world.home))
    roots = (world.root, world.home, tmp_path, world.root / "benchmarks", "/", "/home")
    for root in roots:
        text = json.dumps(world.record(root=root))
        assert "alice" not in text
        assert SECRET not in text
        assert str(tmp_path) not in text
        assert "/net-fp16" not in text


def test_a_test_outside_of_pytests_root_is_named_by_its_file(world):
    file = str(world.home / "libs" / "tensors" / "src" / "tensors" / "pad.py")
    imported = replace(world.loaded, modules=((file[1:-3].replace(os.sep, "."), file),), mapped=())
    assert list(world.record(imported)["modules"]) == ["pad.py"]


def test_a_moved_project_has_the_same_record(world, tmp_path):
    before = world.record()
    other = World(tmp_path / "elsewhere")
    assert other.record() == before


def test_a_second_process_of_the_session_reads_no_file(world):
    first = Digests(world.kept)
    record = world.record(digests=first)
    first.save()
    second = Digests(world.kept)
    assert world.record(digests=second) == record
    assert second.files_read == 0
    assert first.files_read >= len(world.loaded.models) + len(world.loaded.mapped)


def test_many_modules_are_told_by_their_folders(world):
    names = [f"nets/part{number // 10}/layer{number}.py" for number in range(100)]
    for name in names:
        world.write(world.root / name, name)
    many = replace(world.loaded, modules=tuple((name, str(world.root / name)) for name in names), mapped=())
    record = world.record(many)["modules"]
    assert sorted(record) == [f"nets/part{number}/" for number in range(10)]
    world.write(world.root / names[37], "changed")
    changed = world.record(many)["modules"]
    assert [name for name in record if record[name] != changed[name]] == ["nets/part3/"]


def test_a_checkout_of_ours_is_one_entry(world):
    own = replace(world.loaded, modules=(("pytest_edgeperf.measure.loaded_files", module.__file__),), mapped=())
    assert list(world.record(own)["modules"]) == ["pytest_edgeperf/"]


def test_a_package_without_metadata_has_the_version_that_it_says(world):
    world.write(world.site / "tensorrt" / "__init__.py", "")
    loaded = replace(
        world.loaded,
        modules=(("tensorrt", str(world.site / "tensorrt" / "__init__.py")),),
        mapped=(),
        versions=(("tensorrt", "8.2.1"),),
    )
    assert world.record(loaded)["packages"]["tensorrt"] == "8.2.1"
    assert world.record(replace(loaded, versions=()))["packages"]["tensorrt"] == "unknown"


def test_files_of_one_name_are_told_apart(world):
    for folder in ("a", "b", "c"):
        world.write(world.home / folder / "net.onnx", "same" if folder < "c" else "other")
    models = tuple(str(world.home / folder / "net.onnx") for folder in ("a", "b", "c"))
    assert sorted(world.record(replace(world.loaded, models=models))["model"]) == ["net.onnx", "net.onnx (2)"]


def test_the_listing_is_of_what_has_a_file_and_of_mapped_code(tmp_path):
    maps = tmp_path / "maps"
    maps.write_text(
        "7f00-7f01 r--p 00000000 08:01 11 /usr/lib/libz.so.1.2.13\n"
        "7f01-7f02 r-xp 00001000 08:01 11 /usr/lib/libz.so.1.2.13\n"
        "7f02-7f03 r-xp 00001000 08:01 11 /usr/lib/libz.so.1.2.13\n"
        "7f03-7f04 r-xp 00000000 08:01 12 /opt/with space/libk.so\n"
        "7f04-7f05 r--p 00000000 08:01 13 /usr/lib/locale/locale-archive\n"
        "7f05-7f06 r-xp 00000000 00:00 0 [vdso]\n"
        "7f06-7f07 rw-p 00000000 00:00 0\n"
    )
    built_in, package = ModuleType("built_in"), ModuleType("package")
    package.__file__, package.__version__ = "/env/site-packages/package/__init__.py", "1.5"
    lazy = type("Lazy", (), {"__getattr__": lambda self, name: 1 / 0})()
    found = listing({"built_in": built_in, "package": package, "lazy": lazy, "none": None}, str(maps))
    assert found.modules == (("package", "/env/site-packages/package/__init__.py"),)
    assert found.versions == (("package", "1.5"),)
    assert found.mapped == ("/usr/lib/libz.so.1.2.13", "/opt/with space/libk.so")
    assert listing({}, str(tmp_path / "absent")).mapped == ()
    conftests = [ModuleType("conftest"), ModuleType("conftest")]
    for number, conftest in enumerate(conftests):
        conftest.__file__ = f"/side/{number}/conftest.py"
    both = listing({"conftest": conftests[1]}, str(tmp_path / "absent"), further=conftests).modules
    assert sorted(both) == [("conftest", "/side/0/conftest.py"), ("conftest", "/side/1/conftest.py")]


def test_this_process_is_told_with_its_python_and_without_its_paths():
    record = record_of(listing(), str(tmp := os.getcwd()), Digests())
    text = json.dumps(record)
    assert record["packages"]["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert "libc.so.6" in text
    assert tmp not in text
    assert sysconfig.get_path("stdlib") not in text
    assert not any(name.startswith(("/", "..")) for entries in record.values() for name in entries)


def test_the_files_of_an_engines_own_process_count(world):
    alone = replace(world.loaded, models=(), mapped=())
    assert alone.joined(world.loaded) == replace(world.loaded, modules=alone.modules)


def test_what_runtimes_are_given_is_noted(tmp_path, monkeypatch):
    monkeypatch.setattr(files_read, "_models", {})
    monkeypatch.setattr(files_read, "_engines", {})
    folder = tmp_path / "saved_model"
    World.write(folder / "variables" / "weights", "w")
    World.write(folder / "saved_model.pb", "g")
    files_read.note_model(str(tmp_path / "net.onnx"))
    files_read.note_model((str(tmp_path / "net.param"), tmp_path / "net.bin"))
    files_read.note_model(object())
    files_read.note_model(folder)
    files_read.note_engine(tmp_path / "saved_model" / "variables")
    noted = files_read.files_read()
    assert noted.models == tuple(
        str(tmp_path / name)
        for name in ("net.onnx", "net.param", "net.bin", "saved_model/saved_model.pb", "saved_model/variables/weights")
    )
    assert noted.engines == (str(folder / "variables" / "weights"),)
    files_read.forget()
    assert files_read.files_read() == ((), ())

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import sys
import threading

import numpy as np
import pytest

from pytest_edgeperf import caches
from pytest_edgeperf.frameworks import building
from pytest_edgeperf.frameworks.building import (
    built,
    calibration_of,
    make,
    read_calibration,
    recipe_of,
    source_of_recipe,
)
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, Reference, TensorSpec

MODEL = Model("a/net", {})
SPECS = (TensorSpec("images", (1, 2)),)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "tool_of_mine.py").write_text(
        "import os, sys\n"
        "from pathlib import Path\n"
        "def build(folder, text, log, calibration=None):\n"
        "    with open(log, 'a') as file:\n"
        "        file.write(f'{os.getpid()}\\n')\n"
        "    (folder / 'sub').mkdir()\n"
        "    (folder / 'sub' / 'engine.bin').write_text(text)\n"
        "    if calibration:\n"
        "        (folder / 'calibration.txt').write_text(str(os.path.getsize(calibration)))\n"
        "def fail(folder, **_):\n"
        "    (folder / 'half').write_text('half')\n"
        "    print('before it broke')\n"
        "    raise ValueError('this tool cannot do that')\n"
        "def nothing(folder, **_):\n"
        "    pass\n"
        "def network(size, *, name='x'):\n"
        "    return name * size\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def build(cache, function="build", text="engine", precision="int8", tools=None, **more):
    arguments = {"text": text, "log": str(cache / "log.txt")}
    tools = tools or {"tool": "1.0", "absent": None}
    return built(
        f"tool_of_mine:{function}", MODEL, precision, tools=tools, arguments=arguments, source={"onnx": "ab"}, **more
    )


def builds(cache):
    log = cache / "log.txt"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_an_engine_is_built_once_in_another_process(cache):
    first, second = build(cache), build(cache)
    assert first == second
    assert builds(cache) == 1
    assert (first.folder / "sub" / "engine.bin").read_text() == "engine"
    assert first.folder.name.startswith("a_net-int8-")
    assert (cache / "cache").stat().st_mode & 0o777 == 0o700
    assert first.size_mib == pytest.approx(len("engine") / 2**20)
    assert first.describe() == {"engine_sha256": first.digest, "built_with": {"tool": "1.0"}}


def test_where_a_file_lies_is_not_in_the_key(cache):
    first = built(
        "tool_of_mine:build",
        MODEL,
        "fp32",
        tools={},
        arguments={"text": "engine"},
        source={"onnx": "ab"},
        files={"log": str(cache / "here.txt")},
    )
    second = built(
        "tool_of_mine:build",
        MODEL,
        "fp32",
        tools={},
        arguments={"text": "engine"},
        source={"onnx": "ab"},
        files={"log": str(cache / "there.txt")},
    )
    assert first == second
    assert (cache / "here.txt").exists()
    assert not (cache / "there.txt").exists()


@pytest.mark.parametrize("changed", [{"text": "other"}, {"precision": "fp16"}, {"tools": {"tool": "1.1"}}])
def test_whatever_decides_is_in_the_key(cache, changed):
    assert build(cache).digest != build(cache, **changed).digest
    assert builds(cache) == 2


def test_another_build_of_the_same_engine_is_another_engine_and_is_told_its_number(cache, monkeypatch):
    monkeypatch.delenv("EDGEPERF_BUILD", raising=False)
    unnumbered = build(cache)
    engines = {}
    for number in ("0", "1", "2", "1", "of mine"):
        monkeypatch.setenv("EDGEPERF_BUILD", number)
        engines[number] = build(cache)
    assert engines["0"] == engines["of mine"] == unnumbered
    assert len({one.folder for one in engines.values()}) == 3
    assert builds(cache) == 3


def test_what_it_was_calibrated_with_is_in_the_hash_and_described(cache):
    one, other = (
        calibration_of(Model("net", {}, calibration=lambda seed=seed: Inputs.of([np.full((1, 2), seed)])), SPECS)
        for seed in (1.0, 2.0)
    )
    first, second = build(cache, calibration=one), build(cache, calibration=other)
    assert first.digest != second.digest
    assert first.describe()["calibration"] == {
        "from": "the model's calibration set",
        "examples": 1,
        "sha256": one.description["sha256"],
    }
    assert int((first.folder / "calibration.txt").read_text()) > 0


def test_a_failed_build_says_why_and_leaves_nothing(cache):
    with pytest.raises(FrameworkError, match=r"tool_of_mine:fail failed \(1\)") as error:
        build(cache, "fail")
    assert "before it broke" in str(error.value)
    assert "ValueError: this tool cannot do that" in str(error.value)
    left = [path.name for path in (cache / "cache" / "engines").iterdir() if path.suffix != ".lock"]
    assert left == []
    with pytest.raises(FrameworkError, match="wrote no file"):
        build(cache, "nothing")


def test_a_torn_engine_is_built_anew(cache):
    first = build(cache)
    (first.folder / "sub" / "engine.bin").write_text("")
    assert (build(cache).folder / "sub" / "engine.bin").read_text() == "engine"
    (first.folder / building.ABOUT).write_text("{")
    build(cache)
    assert builds(cache) == 3


def test_an_engine_that_others_could_have_put_there_is_built_anew(cache):
    first = build(cache)
    engine = first.folder / "sub" / "engine.bin"
    engine.chmod(0o666)
    engine.write_text("theirs")
    assert (build(cache).folder / "sub" / "engine.bin").read_text() == "engine"
    elsewhere = cache / "elsewhere"
    shutil.move(str(first.folder), str(elsewhere))
    (elsewhere / "sub" / "engine.bin").write_text("theirs")
    first.folder.symlink_to(elsewhere)
    again = build(cache)
    assert (again.folder / "sub" / "engine.bin").read_text() == "engine"
    assert (elsewhere / "sub" / "engine.bin").read_text() == "theirs"
    assert builds(cache) == 3


def test_an_engine_of_another_key_is_not_taken(cache):
    first, other = build(cache), build(cache, text="other!")
    shutil.rmtree(str(other.folder))
    shutil.move(str(first.folder), str(other.folder))
    assert (build(cache, text="other!").folder / "sub" / "engine.bin").read_text() == "other!"


def test_what_the_umask_lets_others_write_is_closed_to_them(cache):
    before = os.umask(0)
    try:
        made = build(cache)
    finally:
        os.umask(before)
    assert caches.is_private(made.folder)
    build(cache)
    assert builds(cache) == 1


def test_a_build_that_leaves_a_link_is_refused(cache):
    with (cache / "tool_of_mine.py").open("a") as file:
        file.write("def linking(folder, **_):\n    (folder / 'engine').symlink_to('/etc/hostname')\n")
    with pytest.raises(FrameworkError, match=r"what tool_of_mine:linking wrote cannot be kept: .*engine is a link"):
        build(cache, "linking")


def test_a_cache_without_locks_is_said_in_a_sentence(cache, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(caches.fcntl, "flock", refuse)
    with pytest.raises(FrameworkError, match=r"an engine of a/net cannot be kept: .*does not support locks"):
        build(cache)


def test_several_at_once_build_one(cache):
    threads = [threading.Thread(target=build, args=(cache,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds(cache) == 1


def test_another_interpreter_gets_our_code_and_not_our_packages(cache):
    code = "import json, sys; print(json.dumps(sys.argv)); print(sys.path)"
    fake = cache / "python"
    fake.write_text(f"#!{sys.executable} -S\n{code}\nsys.exit(3)\n")
    fake.chmod(0o700)
    with pytest.raises(FrameworkError, match=r"failed \(3\)") as error:
        build(cache, python=str(fake))
    assert str(cache) in str(error.value)
    assert "site-packages" not in str(error.value)


def test_calibration_is_the_models_own_or_the_references_inputs_or_random_ones(tmp_path):
    reference = Reference(Inputs.of([np.zeros((1, 2))] * 3), [], "numpy")
    assert calibration_of(Model("net", {}, reference=lambda: reference), SPECS).description["examples"] == 3
    random = calibration_of(Model("net", {}), SPECS)
    assert random.description["from"] == "seeded random inputs"
    assert random.description == calibration_of(Model("net", {}), SPECS).description
    assert random.examples[0][0].dtype == np.float32


def test_examples_travel_as_arrays(tmp_path):
    arrays = {f"{i}_{j}": np.full((1, j + 1), i) for i in range(12) for j in range(2)}
    np.savez(tmp_path / "a.npz", **arrays)
    read = read_calibration(str(tmp_path / "a.npz"))
    assert [(float(a[0, 0]), b.shape) for a, b in read] == [(i, (1, 2)) for i in range(12)]


def test_a_recipe_is_made_again_elsewhere(cache):
    import tool_of_mine

    function = functools.partial(functools.partial(tool_of_mine.network, 3), name="ab")
    recipe = recipe_of(function, "the network")
    assert json.loads(json.dumps(recipe)) == recipe
    assert make(recipe) == function() == "ababab"
    assert len(source_of_recipe(recipe)["sha256"]) == 64


class Holder:
    def method(self):
        return None


@pytest.mark.parametrize(
    "function", [lambda: 1, Holder().method, functools.partial(len, object()), functools.partial(make, {1, 2})]
)
def test_what_another_process_cannot_make_is_refused(function):
    with pytest.raises(FrameworkError, match="the network has to be made in another process, so it must be a function"):
        recipe_of(function, "the network")

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from models import build, names
from models import export as exporting
from models.networks import known

from pytest_edgeperf import FrameworkError
from pytest_edgeperf.frameworks import get
from tests.contract.whole import whole
from tests.networks import identity

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

SMALL = ["mobilenetv2", "resnet18", "yolov3-tiny"]


@pytest.fixture
def no_torch(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(exporting.kept_files, "missing", lambda libraries=(): ["torch"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name))


@pytest.fixture
def no_export(monkeypatch):
    run = subprocess.run

    def run_but_exports(command, **options):
        if "models.export" in command:
            pytest.fail("exported again")
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", run_but_exports)


def test_names_and_what_they_refuse():
    assert {"digits-cnn", "mobilenetv2", "resnet18", "yolov3"} <= set(names())
    with pytest.raises(FrameworkError, match=f"known: {', '.join(names())}"):
        build("resnet19")
    with pytest.raises(FrameworkError, match="a multiple of 32, not 100"):
        build("resnet18", resolution=100)


def test_building_imports_no_torch_and_makes_no_folder(start_python, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    code = "import sys; from models import build; print(build('resnet18').inputs[0].shape, 'torch' in sys.modules)"
    assert start_python("-c", code).communicate()[0].strip() == "(1, 3, 224, 224) False"
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", SMALL)
def test_the_export_is_checked_and_its_error_kept(cache, name):
    about = exporting.find(known(name), 64).about
    assert about["largest_relative_error"] < 1e-4
    assert about["checked_with"].startswith("onnxruntime ")
    assert about["resolution"] == 64


@pytest.mark.parametrize("framework", ["onnxruntime", "torch"])
@pytest.mark.parametrize("name", SMALL)
def test_every_runtime_agrees_with_the_reference(cache, no_export, one_thread, name, framework):
    model = build(name, 64)
    engine = get(framework).load(model)
    reference = model.reference()
    assert len(reference.inputs) == 2
    for arrays, expected in zip(reference.inputs, reference.outputs):
        for found, right in zip(engine.infer(*arrays), expected):
            assert 0.1 < right.std() < 10
            np.testing.assert_allclose(found, right, atol=1e-3)
    assert engine.inputs == model.inputs


@pytest.mark.thorough
@pytest.mark.long
def test_a_network_whose_sizes_are_computed_is_quantised(cache):
    model = build("yolov3-tiny", 64)
    engine = get("onnxruntime").load(model, precision="int8")
    reference = model.reference()
    for arrays, expected in zip(reference.inputs, reference.outputs):
        for found, right in zip(engine.infer(*arrays), expected):
            assert np.abs(found - right).max() < 0.5 * np.abs(right).max()
    assert engine.size_mib < 0.3 * get("onnxruntime").load(model).size_mib


def test_figures_need_no_export_and_equal_the_exports(cache, no_export, monkeypatch, tmp_path):
    exported = dict(build("resnet18", 64).parameters)
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    assert dict(build("resnet18", 64).parameters) == exported
    assert exported["flops"] == 2 * exported["multiply_accumulates"]
    assert (exported["network"], exported["resolution"]) == ("resnet18", 64)
    assert "onnxruntime.disabled_optimizers" not in exported


def test_the_torch_source_needs_no_export(tmp_path, monkeypatch, no_export, one_thread):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    assert get("torch").load(build("yolov3-tiny", 64)).inputs[0].shape == (1, 3, 64, 64)


def test_without_torch_an_export_is_enough(cache, no_torch, no_export):
    model = build("resnet18", 64)
    assert model.sources["onnx"]().endswith("model.onnx")
    assert model.reference().source.startswith("torch ")
    assert model.parameters["parameters"] == 11_689_512


def test_without_torch_and_export_the_remedy_is_named(tmp_path, monkeypatch, no_torch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    with pytest.raises(FrameworkError, match=r"needs torch: install it \(pip install .*\), or copy the cache folder"):
        build("resnet18", 64).sources["onnx"]()


def test_an_export_that_is_there_needs_no_package_that_locks_files(cache, no_torch, no_export, monkeypatch):
    monkeypatch.setitem(sys.modules, "filelock", None)
    monkeypatch.delitem(sys.modules, "models.export", raising=False)
    assert build("resnet18", 64).sources["onnx"]().endswith("model.onnx")


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.fixture
def own_cache(cache, tmp_path, monkeypatch):
    folder = exporting.folder_of(known("yolov3-tiny"))
    shutil.copytree(folder, tmp_path / "cache" / folder.relative_to(cache))
    for parent in (tmp_path / "cache", tmp_path / "cache" / "models"):
        parent.chmod(0o700)
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    return exporting.find(known("yolov3-tiny"), 64)


def cut(path):
    path.write_bytes(path.read_bytes()[:1000])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("name", "damage", "note"),
    [
        ("model", cut, "model.onnx is not the file that was written"),
        ("reference", flip, "reference-64.npz is not the file that was written"),
        ("about_file", lambda path: path.write_text("{"), "JSONDecodeError"),
        ("model", lambda path: path.unlink(), "FileNotFoundError"),
    ],
)
def test_damage_is_found_and_said(own_cache, name, damage, note):
    damage(getattr(own_cache, name))
    with pytest.warns(UserWarning, match="is damaged .* exported again") as warned:
        assert exporting.find(known("yolov3-tiny"), 64) is None
    assert note in str(warned[0].message)


def test_a_damaged_export_is_made_anew(own_cache):
    cut(own_cache.model)
    with pytest.warns(UserWarning, match="exported again"):
        path = build("yolov3-tiny", 64).sources["onnx"]()
    assert exporting.find(known("yolov3-tiny"), 64).about == own_cache.about
    assert path == str(own_cache.model)
    assert not list(own_cache.folder.glob(".*"))


def test_another_resolution_shares_the_file(own_cache, no_warnings):
    written = identity(own_cache.model)
    assert exporting.export(known("yolov3-tiny"), 96)
    other = exporting.find(known("yolov3-tiny"), 96)
    assert other.model == own_cache.model
    assert identity(other.model) == written
    assert other.reference.stat().st_size < own_cache.model.stat().st_size / 10
    assert other.about["largest_relative_error"] < 1e-4
    assert other.about["flops"] * 4 == own_cache.about["flops"] * 9
    assert own_cache.damage() is None


def test_a_wrong_export_is_refused(cache, monkeypatch):
    exported = exporting.find(known("resnet18"), 64)
    inputs, outputs = exporting.reference_arrays(exported.reference)
    wrong = [tuple(array + 0.01 for array in arrays) for arrays in outputs]
    with pytest.raises(
        FrameworkError, match=r"the export of resnet18 is wrong: onnxruntime .* by 0\.\d+ of the largest"
    ):
        exporting.check(known("resnet18"), exported.model, [one[0] for one in inputs], wrong)


def test_a_failed_export_says_why(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(FrameworkError, match="exporting resnet18 at 64 failed \\(1\\)"):
        build("resnet18", 64).sources["onnx"]()


def test_two_processes_export_once(start_python, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    children = [start_python("-m", "models.export", "yolov3-tiny", "32") for _ in range(2)]
    assert sorted(child.communicate()[0].strip() for child in children) == ["exported", "found"]
    about = json.loads(next((tmp_path / "models").glob("*/about-*.json")).read_text())
    assert about["resolution"] == 32


@whole
@pytest.mark.slow
def test_yolov3_in_one_file_at_two_resolutions(tmp_path, monkeypatch, one_thread):
    pytest.importorskip("onnx")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    network = known("yolov3")
    found = {}
    for resolution in (64, 320):
        model = build("yolov3", resolution)
        assert get("onnxruntime").load(model).inputs[0].shape == (1, 3, resolution, resolution)
        reference = model.reference()
        grids = [resolution // stride for stride in (32, 16, 8)]
        assert [array.shape for array in reference.outputs[0]] == [(1, 255, grid, grid) for grid in grids]
        found[resolution] = exporting.find(network, resolution)
        assert found[resolution].about["largest_relative_error"] < 1e-3
    assert found[320].model == found[64].model
    assert found[320].about["flops"] / 1e9 == pytest.approx(38.97, rel=0.001)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 260e6

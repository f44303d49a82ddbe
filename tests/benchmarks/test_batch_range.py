from __future__ import annotations

import pytest
from models import build
from models import export as exporting
from models.networks import NETWORKS, known

from pytest_edgeperf import FrameworkError
from pytest_edgeperf.frameworks import get


def test_a_range_is_tensorrts_profile_and_one_name():
    models = [build("squeezenet1-1", 96, batch, (1, 2, 4)) for batch in (1, 3)]
    assert {model.name for model in models} == {"squeezenet1-1-96-batches1to4"}
    assert [model.inputs[0].shape for model in models] == [(1, 3, 96, 96), (3, 3, 96, 96)]
    profile = [(1, 3, 96, 96), (2, 3, 96, 96), (4, 3, 96, 96)]
    assert all(model.options == {"tensorrt.profile": {"images": profile}} for model in models)
    assert build("squeezenet1-1", 96).options == {}


@pytest.mark.parametrize(
    ("name", "batch", "sizes", "note"),
    [
        ("squeezenet1-1", 5, (1, 2, 4), "batches of 1, 2 and 4 must rise, and 5 lie among them"),
        ("squeezenet1-1", 1, (1, 4, 2), "must rise"),
        ("squeezenet1-1", 1, (0, 1, 2), "must rise"),
        ("resnet18", 1, (1, 2, 4), "it takes one image at a time, not 4"),
    ],
)
def test_impossible_batches_are_refused(name, batch, sizes, note):
    with pytest.raises(FrameworkError, match=note):
        build(name, 96, batch, sizes)


def test_the_classifiers_of_libraries_take_batches():
    libraries = [network for network in NETWORKS.values() if network.source.startswith(("torchvision", "pytorchcv"))]
    assert all(network.batches for network in libraries if network.task == "classification")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet1-1", "shufflenet-v2-x0-5", "mnasnet0-5"])
def test_one_file_serves_every_batch(tmp_path, monkeypatch, one_thread, name):
    for library in ("onnx", "onnxruntime"):
        pytest.importorskip(library)
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    exporting.export(known(name), 96)
    files = set()
    for batch in (1, 3):
        model = build(name, 96, batch, (1, 2, 4))
        files.add(model.sources["onnx"]())
        engine = get("onnxruntime").load(model)
        reference = model.reference()
        for arrays, expected in zip(reference.inputs, reference.outputs):
            (logits,) = engine.infer(*arrays)
            assert logits.shape == (batch, 1000)
            assert abs(logits - expected[0]).max() < 1e-3 * abs(expected[0]).max()
    assert len(files) == 1

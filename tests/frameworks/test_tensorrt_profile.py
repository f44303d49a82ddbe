"""TensorRT's layer times: from its profiler on the strict fake of the bindings, and from the fake trtexec."""

from __future__ import annotations

import json
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks import building
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.frameworks.tensorrt.files import ENGINE
from tests.fakes import tensorrt_fake, trtexec_fake
from tests.fakes.cuda_fake import DEVICE

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ROWS = np.ones((3, 4), np.float32)
NOTHING = {"memory": 0, "page_locked": 0, "streams": 0, "events": 0}
FUSED = "/product/MatMul + /relu/Relu"
LAYERS = [["Reformatting CopyNode for Input Tensor 0 to " + FUSED, 0.125], [FUSED, 0.5]]


@pytest.fixture
def network(tmp_path):
    """The path of ``relu(x @ ones)`` with x [batch, 4]."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["p"], name="/product/MatMul"),
            helper.make_node("Relu", ["p"], ["y"], name="/relu/Relu"),
        ],
        "rows",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(np.ones((4, 2), np.float32), "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "rows.onnx"
    onnx.save(made, str(path))
    return str(path)


@pytest.fixture(autouse=True)
def built_here(monkeypatch, tmp_path):
    def run(python, order, outside):
        module, _, name = order["function"].partition(":")
        getattr(import_module(module), name)(Path(order["folder"]), **order["arguments"])

    monkeypatch.setattr(building, "run_build", run)
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def load(monkeypatch, tmp_path, network):
    """Loads the network by the fake bindings of a version."""

    def load(version="10.3", source="onnx", path=None, profile=None, **traits):
        tensorrt_fake.install(monkeypatch, tmp_path / "site", version=version, **traits)
        options = {} if profile is None else {"tensorrt.profile": profile}
        model = Model("rows", {source: partial(str, path or network)}, (TensorSpec("x", (3, 4)),), options=options)
        return frameworks.get("tensorrt").load(model)

    yield load
    tensorrt_fake.forget()


def told(profile):
    return [
        [(operator.name, operator.kind, operator.time_ms, operator.outputs) for operator in operators]
        for operators in profile.repetitions
    ]


@pytest.mark.parametrize("version", ["8.0", "8.2", "10.3", "11.4"])
def test_layers_come_in_their_order_with_the_nodes_types_and_outputs(load, version):
    engine = load(version, profile={"x": [(1, 4), (2, 4), (8, 4)]}, layers=LAYERS)
    profile = engine.profile_operators([(ROWS,), (2 * ROWS,)], repetitions=2, calls=3)
    assert profile.source == "TensorRT's IProfiler"
    assert told(profile) == [[(LAYERS[0][0], "Reformat", 0.125, ()), (FUSED, "MatMul+Relu", 0.5, ("y",))]] * 2
    # The engine infers as before, and reports to nobody.
    np.testing.assert_allclose(engine.infer(ROWS)[0], np.full((3, 2), 4))
    engine.close()
    assert DEVICE.held() == NOTHING


def test_a_user_s_engine_of_detailed_verbosity_says_itself_what_its_layers_are(load, tmp_path):
    load().close()
    information = {"Layers": [{"Name": FUSED, "LayerType": "CaskGemm", "Outputs": [{"Name": "y"}]}]}
    own = next((tmp_path / "cache").rglob(ENGINE))
    engine = load(source="tensorrt", path=own, layers=LAYERS, information=information)
    assert told(engine.profile_operators([(ROWS,)], repetitions=1, calls=2)) == [
        [(LAYERS[0][0], "Reformat", 0.125, ()), (FUSED, "CaskGemm", 0.5, ("y",))]
    ]


def test_without_memory_for_a_second_context_there_is_no_profile(load):
    engine = load(no_second_context=True)
    with pytest.raises(NoProfile, match="cannot make a second context to profile model 'rows' in"):
        engine.profile_operators([(ROWS,)])
    engine.close()
    with pytest.raises(FrameworkError, match="the engine is closed"):
        engine.profile_operators([(ROWS,)])


def test_an_engine_that_reports_no_layer_has_no_profile(load):
    with pytest.raises(NoProfile, match=r"TensorRT 10\.3\.0 reports no layer of model 'rows'"):
        load(layers=[]).profile_operators([(ROWS,)])


def test_an_inference_that_does_not_start_is_an_error(load):
    with pytest.raises(FrameworkError, match="could not start an inference of model 'rows'"):
        load(no_enqueue=True).profile_operators([(ROWS,)])


@pytest.fixture
def program(monkeypatch, tmp_path, network):
    """Loads the network by the fake trtexec of a release."""

    def load(version="10.3.0"):
        folder = tmp_path / f"bin-{version}"
        folder.mkdir()
        monkeypatch.setenv("EDGEPERF_TRTEXEC", trtexec_fake.install(folder, version))
        monkeypatch.setenv("FAKE_TRTEXEC_LOG", str(tmp_path / "starts"))
        model = Model("rows", {"onnx": partial(str, network)}, (TensorSpec("x", (3, 4)),))
        return frameworks.get("tensorrt:trtexec").load(model)

    return load


@pytest.mark.slow
@pytest.mark.parametrize("version", list(trtexec_fake.RELEASES))
def test_trtexec_profiles_in_a_run_of_its_own_after_it_has_warmed_up(program, monkeypatch, tmp_path, version):
    engine = program(version)
    monkeypatch.setenv("FAKE_TRTEXEC_LAYERS", json.dumps(LAYERS))
    profile = engine.profile_operators([(ROWS,)], repetitions=2, calls=30)
    assert profile.source == "trtexec --exportProfile"
    assert told(profile) == [[(LAYERS[0][0], "Reformat", 0.125, ()), (FUSED, "MatMul+Relu", 0.5, ("y",))]] * 2
    first, second = trtexec_fake.starts(tmp_path / "starts")[-2:]
    assert first[1:] == second[1:]
    assert {"--separateProfileRun", "--iterations=30", "--exportProfile=layer_times.json"} < set(first)
    assert not any(argument.startswith("--exportTimes") for argument in first)


@pytest.mark.slow
def test_trtexec_infers_as_often_as_usual_where_fewer_would_do(program, tmp_path):
    program().profile_operators([(ROWS,)], repetitions=1, calls=1)
    assert "--iterations=20" in trtexec_fake.starts(tmp_path / "starts")[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("garbage", "wrote layer times that are not JSON"),
        ("truncated", "wrote layer times that are not JSON"),
        ("nothing", "wrote an empty list of layer times"),
        ("nan", r"layer times that are not numbers \(nan or inf\)"),
        ("lie", r"ended well, but wrote no layer_times\.json"),
        ("fail", "OutOfMemory"),
        ("graph", "CUDA Graph: Disabled, but reports Enabled"),
    ],
)
def test_what_goes_wrong_with_a_profile_is_one_error(program, monkeypatch, mode, words):
    engine = program()
    monkeypatch.setenv("FAKE_TRTEXEC_MODE", mode)
    monkeypatch.setenv("FAKE_TRTEXEC_AT", "profile")
    with pytest.raises(FrameworkError, match=words):
        engine.profile_operators([(ROWS,)], repetitions=1)

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks import openvino as adapter
from pytest_edgeperf.frameworks.building import Built
from pytest_edgeperf.frameworks.interface import EngineConfiguration, FrameworkError, Inputs, Model, TensorSpec
from pytest_edgeperf.frameworks.onnx_files import files_of
from pytest_edgeperf.frameworks.openvino import OpenVino
from pytest_edgeperf.testing import SHAPE, expected, images, write_onnx

needs_runtime = pytest.mark.skipif(OpenVino().version() is None, reason="openvino is not installed")
needs_nncf = pytest.mark.skipif(adapter.version_of("nncf") is None, reason="nncf is not installed")


def with_inputs(path, *specs, **sources):
    return Model("small", sources or {"onnx": lambda: str(path)}, tuple(specs))


@pytest.fixture
def network(tmp_path):
    """A convolution and a linear layer, as an ONNX file."""
    pytest.importorskip("onnx")
    return write_onnx(str(tmp_path / "network.onnx"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))


def runs_as(hint):
    """What OpenVINO itself makes of a precision, or of none, on this CPU."""
    core = pytest.importorskip("openvino").Core()
    config = {"INFERENCE_PRECISION_HINT": hint} if hint else {}
    compiled = core.compile_model(core.read_model(adapter.PROBE), "CPU", config)
    return compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()


@needs_runtime
def test_it_infers_and_says_what_it_is(network):
    engine = OpenVino().load(as_model(network), threads=1)
    (scores,) = engine.infer(images()[0])
    np.testing.assert_allclose(scores, expected(images()[0]), rtol=1e-3, atol=1e-5)
    assert engine.inputs == (TensorSpec("images", SHAPE),)
    assert engine.size_mib == os.path.getsize(network) / 2**20
    described = dict(engine.describe())
    with open(network, "rb") as file:
        assert described.pop("model_sha256") == hashlib.sha256(file.read()).hexdigest()[:12]
    assert described.pop("hyper_threading") in (True, False)
    assert described == {
        "framework": "openvino",
        "version": metadata.version("openvino"),
        "precision": "fp32",
        "provider": "CPU",
        "threads": 1,
        "spinning": False,
        "streams": 1,
        "pinned": False,
        "inference_precision_hint": "f32",
        "executed": {"f32": 2},
    }
    assert engine.placement()["CPU"] >= 2


@needs_runtime
def test_fp32_is_fp32_where_openvino_would_compute_in_something_else(network):
    """Left to itself it computes in bfloat16 on CPUs that have it: faster, and not what was asked."""
    default = runs_as(None)
    if default == "f32":
        pytest.skip("OpenVINO computes in fp32 by itself on this CPU")
    core = pytest.importorskip("openvino").Core()
    left_alone = core.compile_model(core.read_model(network), "CPU")
    right = expected(images()[0])
    error = np.abs(left_alone([images()[0]])[0] - right).max()
    asked = OpenVino().load(as_model(network))
    assert asked.describe()["inference_precision_hint"] == "f32"
    assert asked.describe()["executed"] == {"f32": 2}
    assert np.abs(asked.infer(images()[0])[0] - right).max() < error / 10


@needs_runtime
@pytest.mark.parametrize(("precision", "hint"), [("fp16", "f16"), ("bf16", "bf16")])
def test_a_precision_that_would_be_another_is_refused_and_named(network, precision, hint):
    given = runs_as(hint)
    if given == hint:
        assert OpenVino().unable(precision) is None
        assert OpenVino().load(as_model(network), precision=precision).describe()["executed"] == {hint: 2}
        return
    other = {"f32": "fp32", "bf16": "bf16", "f16": "fp16"}[given]
    sentence = f"openvino was asked for {precision} and would run {other} on this CPU; ask for --precision={other}"
    assert OpenVino().unable(precision) == sentence
    assert OpenVino().unsupported(as_model(network), precision) == sentence
    with pytest.raises(FrameworkError, match="ask for --precision"):
        OpenVino().load(as_model(network), precision=precision)


@needs_runtime
def test_a_network_that_was_compiled_otherwise_is_refused(network):
    """As asked is read back from what was compiled, setting by setting and layer by layer."""
    core = pytest.importorskip("openvino").Core()
    given = runs_as("bf16")
    compiled = core.compile_model(core.read_model(network), "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    with pytest.raises(FrameworkError, match=f"was asked for INFERENCE_PRECISION_HINT f16 and gave {given}"):
        adapter.require_compiled(compiled, {"INFERENCE_PRECISION_HINT": "f16"})
    executed = adapter.executed_types(compiled)
    assert executed == {given: 2}
    with pytest.raises(FrameworkError, match=f"was asked for int8, but .*'network'.* it runs 2 in {given}"):
        adapter.require_executed(executed, as_model(network), "int8", network)


class Compiled:
    """What a compiled network says of itself: two layers between an input with weights and an output."""

    inputs = ()
    kinds = ("Input", "Const", "Convolution", "FullyConnected", "Output")

    def get_property(self, name):
        return {"EXECUTION_DEVICES": ["CPU"], "INFERENCE_PRECISION_HINT": "f32"}.get(name, 1)

    def create_infer_request(self):
        return SimpleNamespace(infer=None)

    def get_runtime_model(self):
        kinds = [SimpleNamespace(astype=lambda _, kind=kind: kind) for kind in self.kinds]
        return SimpleNamespace(
            get_ops=lambda: [SimpleNamespace(get_rt_info=lambda kind=kind: {"layerType": kind}) for kind in kinds]
        )


def test_layers_are_counted_on_the_device_that_executes_them(tmp_path):
    source = tmp_path / "net.onnx"
    source.write_bytes(b"")
    configuration = EngineConfiguration("openvino", "2024.4", Model("net", {}), "fp32")
    engine = adapter.OpenVinoEngine(
        configuration, Compiled(), (), str(source), {}, Built(tmp_path, {"tools": {}}), tuple
    )
    assert engine.placement() == {"CPU": 2}
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.placement()


def test_most_of_the_work_must_run_as_asked():
    model = Model("net", {})
    adapter.require_executed({"f32": 17, "u8": 35, "i8": 1}, model, "int8", "net.onnx")
    adapter.require_executed({}, model, "fp32", "net.onnx")
    with pytest.raises(FrameworkError, match="runs 2 in f32, 2 in u8"):
        adapter.require_executed({"f32": 2, "u8": 2}, model, "int8", "net.onnx")
    with pytest.raises(FrameworkError, match="runs none"):
        adapter.require_executed({}, model, "int8", "net.onnx")


@needs_runtime
def test_more_threads_than_openvino_gives_are_an_error(network):
    asked = 1000 + (os.cpu_count() or 1)
    with pytest.raises(FrameworkError, match=rf"asked for INFERENCE_NUM_THREADS {asked} and gave \d+"):
        OpenVino().load(as_model(network), threads=asked)


@needs_runtime
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU")
def test_its_threads_do_not_work_on_after_an_inference(network):
    """They wait awake for about a millisecond: of a tenth of a second that is little."""
    engine = OpenVino().load(as_model(network), threads=2)
    assert engine.describe()["threads"] == 2
    assert engine.describe()["spinning"] == "about 1 ms"
    shares = []
    for _ in range(5):
        engine.infer(images()[0])
        wall, worked = time.perf_counter(), time.process_time()
        time.sleep(0.1)
        shares.append((time.process_time() - worked) / (time.perf_counter() - wall))
    assert min(shares) < 0.5


@needs_runtime
def test_arrays_go_to_the_inputs_in_the_models_order(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import helper

    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "abcd"]
    nodes = [helper.make_node("Sub", ["a", "b"], ["c"]), helper.make_node("Add", ["a", "b"], ["d"])]
    graph = helper.make_graph(nodes, "g", values[:2], [values[3], values[2]])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "both.onnx"))
    five, two = np.full(2, 5, np.float32), np.full(2, 2, np.float32)
    specs = (TensorSpec("b", (2,)), TensorSpec("a", (2,)))
    engine = OpenVino().load(with_inputs(tmp_path / "both.onnx", *specs))
    # The outputs are in the file's order: d before c.
    assert [output.tolist() for output in engine.infer(two, five)] == [[7, 7], [3, 3]]
    with pytest.raises(FrameworkError, match=r"takes 'b' float32 \[2\], 'a' .*, but was given float32 \[2\]$"):
        engine.infer(two)


@needs_runtime
@pytest.mark.parametrize("form", ["plain", "read-only", "not contiguous"])
def test_inputs_are_left_as_they_are_and_outputs_are_the_callers(onnx_file, form):
    engine = OpenVino().load(as_model(onnx_file()))
    given = np.random.default_rng(0).standard_normal((1, 3, 4, 4)).astype(np.float32)
    if form == "not contiguous":
        given = given.transpose(0, 1, 3, 2)
    before = given.copy()
    given.flags.writeable = form != "read-only"
    (first,) = engine.infer(given)
    np.testing.assert_array_equal(first, np.maximum(before, 0))
    engine.infer(np.ones((1, 3, 4, 4), np.float32))
    np.testing.assert_array_equal(first, np.maximum(before, 0))
    first[:] = 9
    np.testing.assert_array_equal(given, before)


@needs_runtime
@pytest.mark.parametrize(
    "given", [np.zeros((1, 3, 4, 4)), np.zeros((1, 3, 4, 4), np.int32), np.zeros((3, 4, 4), np.float32)]
)
def test_an_input_of_another_type_or_shape_is_an_error(onnx_file, given):
    """OpenVINO itself silently converts types."""
    engine = OpenVino().load(as_model(onnx_file()))
    with pytest.raises(FrameworkError, match=r"takes 'images' float32 \[1, 3, 4, 4\], but was given"):
        engine.infer(given)


@needs_runtime
def test_a_dynamic_batch_becomes_one(onnx_file):
    engine = OpenVino().load(as_model(onnx_file(("batch", 3, 4, 4))))
    assert engine.inputs[0].shape == (1, 3, 4, 4)


@needs_runtime
def test_another_dynamic_dimension_must_be_said(onnx_file):
    path = onnx_file(("batch", 3, "height", 4))
    with pytest.raises(FrameworkError, match=r"input 'images' of .*dimension 2 is dynamic; .*TensorSpec"):
        OpenVino().load(as_model(path))
    engine = OpenVino().load(with_inputs(path, TensorSpec("images", (2, 3, 8, 4))))
    assert engine.infer(*engine.example_inputs()[0])[0].shape == (2, 3, 8, 4)


@needs_runtime
@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (TensorSpec("pictures", (1, 3, 4, 4)), "names the inputs pictures, but .* has images"),
        (TensorSpec("images", (1, 3, 4, 5)), r"the model says float32 \[1, 3, 4, 5\], but .* float32 \[\?, 3, 4, 4\]"),
        (TensorSpec("images", (1, 3, 4, 4), "int8"), "the model says int8"),
    ],
)
def test_inputs_that_are_not_the_files_are_refused(onnx_file, spec, reason):
    with pytest.raises(FrameworkError, match=reason):
        OpenVino().load(with_inputs(onnx_file(("batch", 3, 4, 4)), spec))


@needs_runtime
def test_a_half_precision_file_is_not_fp32(onnx_file):
    import onnx

    with pytest.raises(FrameworkError, match=r"loaded as fp32, but 'images' of .* is float16"):
        OpenVino().load(as_model(onnx_file(kind=onnx.TensorProto.FLOAT16)))


@needs_runtime
def test_a_quantised_file_is_int8_and_not_fp32(network, tmp_path, cache):
    """Quantise and dequantise nodes run in 8 bits whatever precision OpenVINO was told."""
    pytest.importorskip("onnxruntime")
    from pytest_edgeperf.frameworks.onnxruntime.conversion import CONVERTED, build_int8

    np.savez(str(tmp_path / "examples.npz"), **{f"{i}_0": image for i, image in enumerate(images(4))})
    build_int8(tmp_path, network, ["images"], str(tmp_path / "examples.npz"))
    quantised = str(tmp_path / CONVERTED)
    model = with_inputs(quantised, TensorSpec("images", SHAPE), **{"onnx:int8": lambda: quantised})
    engine = OpenVino().load(model, precision="int8")
    assert set(engine.describe()["executed"]) <= {"i8", "u8"}
    assert "calibration" not in engine.describe()
    with pytest.raises(FrameworkError, match=r"was asked for fp32, but .* it runs .* in (i8|u8)"):
        OpenVino().load(with_inputs(quantised, TensorSpec("images", SHAPE)))


@needs_runtime
@needs_nncf
def test_int8_is_built_once_and_says_from_what(network, cache):
    model = Model(
        "network",
        {"onnx": lambda: network},
        (TensorSpec("images", SHAPE),),
        calibration=lambda: Inputs.of(images(4)),
    )
    engine = OpenVino().load(model, precision="int8")
    described = dict(engine.describe())
    assert sum(described["executed"].values()) == 2
    assert described["inference_precision_hint"] == "f32"
    assert described["built_with"] == {"openvino": metadata.version("openvino"), "nncf": metadata.version("nncf")}
    assert described["calibration"]["examples"] == 4
    again = OpenVino().load(model, precision="int8")
    np.testing.assert_array_equal(again.infer(images()[0])[0], engine.infer(images()[0])[0])
    # what this process measures as its own memory holds no quantiser
    assert "nncf" not in sys.modules


@needs_runtime
@needs_nncf
def test_examples_of_a_calibration_are_in_the_models_order(tmp_path, cache):
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    shapes = {"a": [1, 3, 8, 8], "b": [1, 3, 16, 16]}
    kernel = np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", [name, "kernel"], ["out_" + name]) for name in shapes]
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    outs = [helper.make_tensor_value_info("out_" + name, onnx.TensorProto.FLOAT, None) for name in shapes]
    graph = helper.make_graph(nodes, "g", values, outs, [numpy_helper.from_array(kernel, "kernel")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "two.onnx"))
    specs = (TensorSpec("b", (1, 3, 16, 16)), TensorSpec("a", (1, 3, 8, 8)))
    model = with_inputs(tmp_path / "two.onnx", *specs)
    inputs = OpenVino().load(model).example_inputs(1)[0]
    right = OpenVino().load(model).infer(*inputs)
    found = OpenVino().load(model, precision="int8").infer(*inputs)
    assert [one.shape for one in found] == [(1, 8, 6, 6), (1, 8, 14, 14)]
    for one, other in zip(found, right):
        assert np.abs(one - other).max() < 0.1 * np.abs(other).max()


@needs_runtime
@needs_nncf
def test_a_network_with_nothing_to_quantise_is_not_int8(onnx_file, cache):
    with pytest.raises(FrameworkError, match=r"was asked for int8, but .* it runs none"):
        OpenVino().load(as_model(onnx_file()), precision="int8")


@needs_runtime
def test_weights_in_other_files_count(network, tmp_path):
    import onnx

    path = str(tmp_path / "split" / "network.onnx")
    os.mkdir(os.path.dirname(path))
    assert files_of(network) == [network]
    onnx.save(onnx.load(network), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    weights = os.path.join(os.path.dirname(path), "weights.bin")
    assert files_of(path) == [path, weights]
    engine = OpenVino().load(as_model(path))
    assert engine.size_mib == (os.path.getsize(path) + os.path.getsize(weights)) / 2**20
    np.testing.assert_allclose(engine.infer(images()[0])[0], expected(images()[0]), rtol=1e-3, atol=1e-5)


@needs_runtime
def test_importing_it_reports_to_nobody(tmp_path):
    """OpenVINO's own import starts a thread that reports to its maker, and leaves a number for this user."""
    program = (
        "import sys; from pytest_edgeperf.frameworks.openvino import OpenVino; OpenVino().providers(); "
        "print('openvino' in sys.modules, 'openvino_telemetry' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment.update(HOME=str(tmp_path), PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    assert told.stdout.split() == ["True", "False"]
    assert not list(tmp_path.iterdir())


def test_int8_without_the_quantiser_is_declined_with_the_remedy(monkeypatch):
    monkeypatch.setattr(adapter, "version_of", lambda name: None)
    reason = OpenVino().unsupported(Model("net", {"onnx": str}), "int8")
    assert reason == (
        "model 'net' has to be quantised to int8 by NNCF, which is not installed: pip install nncf; "
        "or give it in int8: Model(sources={'onnx:int8': ...})"
    )
    assert OpenVino().unsupported(Model("net", {"onnx:int8": str}), "int8") is None


def test_tf32_is_declined_with_a_reason():
    assert "has no tf32" in str(OpenVino().unsupported(Model("net", {"onnx": str}), "tf32"))


def test_a_model_without_onnx_is_declined_with_the_remedy():
    model = Model("net", {"torch": object})
    assert "torch.onnx.export" in str(OpenVino().unsupported(model, "fp32"))
    with pytest.raises(FrameworkError, match=r"torch\.onnx\.export"):
        OpenVino().load(model)


def test_advice_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(OpenVino, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[openvino\]'"):
        OpenVino().load(Model("net", {"onnx": str}))


@needs_runtime
def test_an_installation_that_does_not_import_is_told_apart(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(FrameworkError, match=r"is installed but cannot be imported.*reinstall"):
        OpenVino().load(Model("net", {"onnx": str}))

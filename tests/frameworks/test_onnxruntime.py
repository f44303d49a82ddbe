from __future__ import annotations

import hashlib
import re
import sys
from importlib import metadata

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, NoPlacement, Reference, TensorSpec
from pytest_edgeperf.frameworks.onnx_files import fold
from pytest_edgeperf.frameworks.onnxruntime import OnnxRuntime
from pytest_edgeperf.frameworks.onnxruntime.session import CPU_PROVIDER, SPINNING, require_as_asked
from pytest_edgeperf.measure.pipeline import OutputMismatch, Pipeline

needs_runtime = pytest.mark.skipif(OnnxRuntime().version() is None, reason="onnxruntime is not installed")


def with_inputs(path, *specs, **options):
    return Model("small", {"onnx": lambda: str(path)}, tuple(specs), options=options)


@needs_runtime
def test_it_infers_and_says_what_it_is(onnx_file):
    path = onnx_file()
    engine = OnnxRuntime().load(as_model(path), threads=2)
    images = engine.example_inputs(1)[0][0]
    (rectified,) = engine.infer(images)
    np.testing.assert_array_equal(rectified, np.maximum(images, 0))
    assert engine.inputs == (TensorSpec("images", (1, 3, 4, 4)),)
    assert engine.describe() == {
        "framework": "onnxruntime",
        "version": metadata.version("onnxruntime"),
        "precision": "fp32",
        "provider": "CPUExecutionProvider",
        "threads": 2,
        "spinning": False,
        "graph_optimization_level": "ORT_ENABLE_ALL",
        "disabled_optimizers": [],
        "model_sha256": hashlib.sha256(path.read_bytes()).hexdigest()[:12],
    }


reports_placement = pytest.mark.skipif(
    tuple(map(int, (OnnxRuntime().version() or "0.0").split(".")[:2])) < (1, 24),
    reason="this release of onnxruntime does not report which nodes its providers took",
)


@needs_runtime
@reports_placement
def test_all_nodes_are_placed_on_the_only_provider(onnx_file):
    helper = pytest.importorskip("onnx.helper")
    nodes = [
        helper.make_node("Relu", ["images"], ["first"]),
        helper.make_node("Sigmoid", ["first"], ["second"]),
        helper.make_node("Exp", ["second"], ["rectified"]),
    ]
    engine = OnnxRuntime().load(as_model(onnx_file(nodes=nodes)))
    assert engine.placement() == {CPU_PROVIDER: 3}
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.placement()


@needs_runtime
def test_a_release_that_does_not_report_placements_says_so(onnx_file):
    class Older:
        """A session of before 1.24."""

        def __init__(self, real):
            self.get_inputs, self.get_outputs, self.run = real.get_inputs, real.get_outputs, real.run

    engine = OnnxRuntime().load(as_model(onnx_file()))
    engine._session = Older(engine._session)
    with pytest.raises(NoPlacement, match=r"does not report which nodes its providers took; 1\.24 and newer do"):
        engine.placement()


@needs_runtime
def test_arrays_go_to_the_inputs_in_the_models_order(onnx_file, tmp_path):
    import onnx
    from onnx import helper

    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "abc"]
    graph = helper.make_graph([helper.make_node("Sub", ["a", "b"], ["c"])], "g", values[:2], values[2:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "sub.onnx"))
    five, two = np.full(2, 5, np.float32), np.full(2, 2, np.float32)
    specs = (TensorSpec("b", (2,)), TensorSpec("a", (2,)))
    engine = OnnxRuntime().load(with_inputs(tmp_path / "sub.onnx", *specs))
    assert engine.infer(two, five)[0].tolist() == [3, 3]
    with pytest.raises(FrameworkError, match="1 arrays for the inputs b, a"):
        engine.infer(two)


@needs_runtime
def test_a_dynamic_batch_becomes_one(onnx_file):
    engine = OnnxRuntime().load(as_model(onnx_file(("batch", 3, 4, 4))))
    assert engine.inputs[0].shape == (1, 3, 4, 4)


@needs_runtime
def test_another_dynamic_dimension_must_be_said(onnx_file):
    path = onnx_file(("batch", 3, "height", 4))
    with pytest.raises(FrameworkError, match=r"input 'images' of .*dimension 2 is dynamic \('height'\).*TensorSpec"):
        OnnxRuntime().load(as_model(path))
    engine = OnnxRuntime().load(with_inputs(path, TensorSpec("images", (2, 3, 8, 4))))
    assert engine.infer(*engine.example_inputs()[0])[0].shape == (2, 3, 8, 4)


@needs_runtime
@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (TensorSpec("pictures", (1, 3, 4, 4)), "names the inputs pictures, but .* has images"),
        (TensorSpec("images", (1, 3, 4, 5)), r"the model says float32 \[1, 3, 4, 5\], but .* float32 \[1, 3, 4, 4\]"),
        (TensorSpec("images", (1, 3, 4, 4), "int8"), "the model says int8"),
    ],
)
def test_inputs_that_are_not_the_files_are_refused(onnx_file, spec, reason):
    with pytest.raises(FrameworkError, match=reason):
        OnnxRuntime().load(with_inputs(onnx_file(), spec))


@needs_runtime
def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(FrameworkError, match=r"cannot load .*bad\.onnx"):
        OnnxRuntime().load(as_model(tmp_path / "bad.onnx"))


@needs_runtime
def test_a_half_precision_file_is_not_fp32(onnx_file):
    import onnx

    with pytest.raises(FrameworkError, match=r"loaded as fp32, but 'images' of .* is float16"):
        OnnxRuntime().load(as_model(onnx_file(kind=onnx.TensorProto.FLOAT16)))


@needs_runtime
def test_a_session_that_is_not_as_asked_is_refused(onnx_file):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    for key in SPINNING:
        options.add_session_config_entry(key, "0")
    session = onnxruntime.InferenceSession(str(onnx_file()), options, providers=[CPU_PROVIDER])
    with pytest.raises(FrameworkError, match="asked for intra_op_num_threads 1 and gave 2"):
        require_as_asked(session, 1, CPU_PROVIDER)


@needs_runtime
def test_a_closed_engine_says_so(onnx_file):
    engine = OnnxRuntime().load(as_model(onnx_file()))
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.infer(np.zeros((1, 3, 4, 4), np.float32))


WITHOUT_FUSION = {"onnxruntime.disabled_optimizers": ["Pad_Fusion"]}


def padded_pooling(tmp_path, border=0.0):
    """A network that pads with a value before it pools, and the reference for zeros, by numpy."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Pad", ["images", "pads", "border"], ["padded"], mode="constant"),
        helper.make_node("MaxPool", ["padded"], ["pooled"], kernel_shape=[2, 2], strides=[1, 1]),
    ]
    constants = [
        numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64), "pads"),
        numpy_helper.from_array(np.array(border, np.float32), "border"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in ("images", "pooled")]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], constants)
    path = tmp_path / "pooling.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    images = -1 - np.abs(np.random.default_rng(0).standard_normal((1, 3, 4, 4))).astype(np.float32)
    padded = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 1)))
    corners = [padded[:, :, down : down + 4, right : right + 4] for down in (0, 1) for right in (0, 1)]
    reference = Reference(Inputs.of([images]), [(np.maximum.reduce(corners),)], "numpy")
    return path, images, reference


@needs_runtime
def test_optimisers_that_the_model_names_are_disabled_and_described(tmp_path):
    path, images, reference = padded_pooling(tmp_path)
    engine = OnnxRuntime().load(with_inputs(path, **WITHOUT_FUSION))
    np.testing.assert_array_equal(engine.infer(images)[0], reference.outputs[0][0])
    assert engine.describe()["disabled_optimizers"] == ["Pad_Fusion"]


@needs_runtime
def test_a_file_that_computes_something_else_is_caught_by_the_output_check(tmp_path):
    def checked(border):
        path, images, reference = padded_pooling(tmp_path, border)
        model = Model("pooling", {"onnx": lambda: str(path)}, reference=lambda: reference, options=WITHOUT_FUSION)
        return Pipeline(OnnxRuntime().load(model), (images,)).check()

    assert checked(border=0.0)["output_error"] == 0.0
    with pytest.raises(
        OutputMismatch, match=r"onnxruntime returns wrong outputs for pooling at fp32: .* optimisations"
    ):
        checked(border=-1e9)


@needs_runtime
def test_a_file_is_folded_without_the_wrong_fusion(tmp_path):
    path, _, _ = padded_pooling(tmp_path)
    fold(str(path), str(tmp_path / "folded.onnx"))
    import onnx

    kinds = [node.op_type for node in onnx.load(str(tmp_path / "folded.onnx")).graph.node]
    assert kinds == ["Pad", "MaxPool"]


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_other_precisions_are_declined_with_a_reason(precision):
    reason = OnnxRuntime().unsupported(Model("net", {"onnx": str}), precision)
    assert reason == f"onnxruntime has no {precision}, only fp32, fp16, int8"


@needs_runtime
def test_a_file_that_is_not_in_the_precision_is_refused(onnx_file):
    model = Model("net", {"onnx:int8": lambda: str(onnx_file())})
    with pytest.raises(FrameworkError, match=r"should be int8, but its weights are none"):
        OnnxRuntime().load(model, precision="int8")


@needs_runtime
def test_cuda_that_is_not_there_is_one_sentence(onnx_file):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this build has CUDA")
    framework = frameworks.get("onnxruntime:cuda")
    assert framework.processor == "gpu"
    with pytest.raises(FrameworkError) as error:
        framework.load(as_model(onnx_file()))
    assert re.fullmatch(
        r"onnxruntime:cuda was asked for, but this build of ONNX Runtime \S+ has no CUDAExecutionProvider, only .*"
        r"CPUExecutionProvider; install onnxruntime-gpu in place of onnxruntime, never beside it",
        str(error.value),
    )


def test_an_unknown_precision_is_an_error():
    with pytest.raises(FrameworkError, match=r"unknown precision 'fp61' \(did you mean 'fp16'\?\)"):
        OnnxRuntime().unsupported(Model("net", {"onnx": str}), "fp61")


def test_a_model_without_onnx_is_declined_with_the_remedy():
    model = Model("net", {"torch": object})
    assert "torch.onnx.export" in str(OnnxRuntime().unsupported(model, "fp32"))
    with pytest.raises(FrameworkError, match=r"torch\.onnx\.export"):
        OnnxRuntime().load(model)


@needs_runtime
def test_no_threads_is_an_error(onnx_file):
    with pytest.raises(FrameworkError, match="at least 1, not 0"):
        OnnxRuntime().load(as_model(onnx_file()), threads=0)


def test_advice_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(OnnxRuntime, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[onnxruntime\]'"):
        OnnxRuntime().load(Model("net", {"onnx": str}))


@needs_runtime
def test_an_installation_that_does_not_import_is_told_apart(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(FrameworkError, match=r"is installed but cannot be imported.*reinstall"):
        OnnxRuntime().load(Model("net", {"onnx": str}))

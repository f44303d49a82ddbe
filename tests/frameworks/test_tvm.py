from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.tvm import CallClock, Tvm
from pytest_edgeperf.testing import images, write_onnx

needs_runtime = pytest.mark.skipif(Tvm().version() is None, reason="apache-tvm is not installed")

#: A library with a parallel loop, in a fresh process: arguments are its path and the number of threads.
PARALLEL = """
import os, sys
import tvm
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.tvm import has_parallel_loops, set_threads
from tvm.script import ir as I
from tvm.script import tirx as T

@I.ir_module
class Module:
    @T.prim_func
    def add_one(a: T.Buffer((64, 64), "float32"), b: T.Buffer((64, 64), "float32")):
        T.func_attr({"global_symbol": "add_one"})
        for i in T.parallel(64):
            for j in range(64):
                b[i, j] = a[i, j] + T.float32(1)

library, threads = sys.argv[1], int(sys.argv[2])
tvm.compile(Module, target="llvm").export_library(library)
assert has_parallel_loops(library)
before = os.sched_getaffinity(0)
set_threads(tvm, library, threads, Model("parallel", {}))
assert tvm.runtime.num_threads() == threads
assert os.sched_getaffinity(0) == before
try:
    set_threads(tvm, library, threads + 1, Model("parallel", {}))
except FrameworkError as error:
    assert f"asked for {threads + 1} threads for 'parallel' and gives {threads}" in str(error)
else:
    assert tvm.runtime.num_threads() == threads + 1
"""


@needs_runtime
def test_it_infers_and_says_what_it_is(onnx_file):
    engine = Tvm().load(as_model(onnx_file()))
    images = engine.example_inputs(1)[0][0]
    np.testing.assert_array_equal(engine.infer(images)[0], np.maximum(images, 0))
    described = engine.describe()
    assert described["version"] == metadata.version("apache-tvm")
    assert described["threads"] == 1
    assert '"kind":"llvm"' in described["target"]
    assert '"mcpu":' in described["target"]
    assert described["tuned"] is False
    assert set(described["built_with"]) == {"apache-tvm", "apache-tvm-ffi", "onnx"}


@needs_runtime
def test_a_free_batch_becomes_one(onnx_file):
    engine = Tvm().load(as_model(onnx_file(("batch", 3, 4, 4))))
    assert engine.inputs == (TensorSpec("images", (1, 3, 4, 4)),)
    assert engine.infer(*engine.example_inputs(1)[0])[0].shape == (1, 3, 4, 4)


@needs_runtime
def test_inputs_and_outputs_are_in_the_files_order(tmp_path):
    import onnx
    from onnx import helper

    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in ("a", "b", "less", "more")]
    nodes = [helper.make_node("Add", ["a", "b"], ["more"]), helper.make_node("Sub", ["a", "b"], ["less"])]
    graph = helper.make_graph(nodes, "g", values[:2], values[2:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "two.onnx"))
    engine = Tvm().load(as_model(tmp_path / "two.onnx"))
    less, more = engine.infer(np.full(2, 5, np.float32), np.full(2, 2, np.float32))
    assert (less.tolist(), more.tolist()) == ([3, 3], [7, 7])


@needs_runtime
def test_more_threads_than_its_code_uses_are_refused(onnx_file):
    with pytest.raises(FrameworkError, match=r"asked for 2 threads for 'small' and gives 1: .* ask for threads=1"):
        Tvm().load(as_model(onnx_file()), threads=2)


@needs_runtime
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinity")
def test_it_stays_on_the_cores_that_it_was_given(onnx_file):
    """TVM's pool of threads, once it exists, binds the caller to the first core, even one that is not its own."""
    before = os.sched_getaffinity(0)
    engine = Tvm().load(as_model(onnx_file()))
    engine.infer(*engine.example_inputs(1)[0])
    engine.describe()
    assert os.sched_getaffinity(0) == before


@needs_runtime
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinity")
@pytest.mark.parametrize("threads", [1, 2])
def test_parallel_loops_get_the_threads_without_being_bound(tmp_path, threads):
    script = tmp_path / "parallel.py"
    script.write_text(PARALLEL)
    child = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "parallel.so"), str(threads)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if "ImportError" in child.stdout:
        pytest.skip("this release writes its code otherwise")
    assert child.returncode == 0, child.stdout


@needs_runtime
def test_what_tvm_cannot_compile_is_told_in_its_words(onnx_file, tmp_path):
    import onnx
    from onnx import helper

    with pytest.raises(FrameworkError, match=r"tvm cannot compile .*small\.onnx: .*not supported.*Det"):
        Tvm().load(as_model(onnx_file(nodes=[helper.make_node("Det", ["images"], ["rectified"])])))
    values = [
        helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, (1, 3, 4, 4)),
        helper.make_tensor_value_info("pads", onnx.TensorProto.INT64, (8,)),
        helper.make_tensor_value_info("padded", onnx.TensorProto.FLOAT, None),
    ]
    graph = helper.make_graph([helper.make_node("Pad", ["images", "pads"], ["padded"])], "g", values[:2], values[2:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(tmp_path / "pad.onnx"))
    with pytest.raises(FrameworkError, match=r"pad\.onnx: ValueError: Dynamic pads are not supported"):
        Tvm().load(as_model(tmp_path / "pad.onnx"))


@needs_runtime
def test_without_a_compiler_the_remedy_is_told(onnx_file, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(FrameworkError, match=r"with a C\+\+ compiler, and there is none: apt-get install g\+\+"):
        Tvm().load(as_model(onnx_file((1, 3, 5, 7))))


@needs_runtime
def test_a_quantised_file_has_fp32_convolutions():
    """Which is why int8 is declined: it would be fp32 under a wrong name."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tvm.relax.frontend.onnx import from_onnx

    constants = {"scale": np.float32(0.05), "zero": np.int8(0), "kernel": np.ones((2, 3, 3, 3), np.int8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["images", "scale", "zero"], ["quantised"]),
        helper.make_node("DequantizeLinear", ["quantised", "scale", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["kernel", "scale", "zero"], ["weights"]),
        helper.make_node("Conv", ["rounded", "weights"], ["convolved"], kernel_shape=[3, 3]),
    ]
    graph = helper.make_graph(
        nodes,
        "quantised",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 8, 8))],
        [helper.make_tensor_value_info("convolved", TensorProto.FLOAT, (1, 2, 6, 6))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    text = from_onnx(made).script()
    (convolution,) = [line for line in text.splitlines() if "R.nn.conv2d(" in line]
    assert 'dtype="float32") = R.nn.conv2d(' in convolution
    assert "R.dequantize(" in text


@pytest.mark.parametrize(
    ("precision", "reason"),
    [
        ("fp16", "may silently leave a network in fp32"),
        ("int8", "computes the convolutions of a quantised file in fp32"),
        ("bf16", "tvm has no bf16, only fp32"),
    ],
)
def test_other_precisions_are_declined_with_a_reason(precision, reason):
    model = Model("net", {"onnx": str, "onnx:int8": str})
    assert reason in str(Tvm().unsupported(model, precision))
    with pytest.raises(FrameworkError, match=reason):
        Tvm().load(model, precision=precision)


def test_an_unknown_precision_is_an_error():
    with pytest.raises(FrameworkError, match=r"unknown precision 'fp61'"):
        Tvm().unsupported(Model("net", {"onnx": str}), "fp61")


def test_a_model_without_onnx_is_declined_with_the_remedy():
    assert "torch.onnx.export" in str(Tvm().unsupported(Model("net", {"torch": object}), "fp32"))


def test_advice_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tvm", None)
    monkeypatch.setattr(Tvm, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[tvm\]'"):
        Tvm()._runtime()
    assert "no wheel for Python 3.8" in Tvm().advice_on("jetpack-5")


@needs_runtime
def test_its_functions_are_timed_in_order(tmp_path):
    engine = Tvm().load(as_model(write_onnx(str(tmp_path / "contract.onnx"))))
    profile = engine.profile_operators([(image,) for image in images()], repetitions=2, calls=3)
    assert profile.source == "TVM's instrument"
    names = [[operator.name for operator in operators] for operators in profile.repetitions]
    assert names[0] == names[1]
    kinds = {operator.kind: operator.time_ms for operator in profile.repetitions[0]}
    assert any("conv2d" in kind for kind in kinds)
    assert "main" not in kinds


def test_what_runs_within_a_call_is_not_its_own(monkeypatch):
    now = iter([0, 10_000_000, 14_000_000, 20_000_000])
    monkeypatch.setattr("pytest_edgeperf.frameworks.tvm.perf_counter_ns", lambda: next(now))
    clock = CallClock()
    for name, before in (("outer", True), ("conv2d_3", True), ("conv2d_3", False), ("outer", False)):
        assert clock(None, name, before, None, "an argument") == 0
    assert [(operator.name, operator.kind, operator.time_ms) for operator in clock.operators] == [
        ("conv2d_3", "conv2d", 4.0),
        ("outer", "outer", 16.0),
    ]

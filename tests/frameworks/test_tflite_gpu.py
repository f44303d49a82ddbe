"""The way of ``tflite:gpu`` with an interpreter and a delegate that stand in."""

from __future__ import annotations

import sys
from types import SimpleNamespace as Record

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks import tflite
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, NoPlacement
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.frameworks.tflite import DELEGATE_VARIABLE, TfLite


def detail(index, name):
    return {
        "index": index,
        "name": name,
        "shape": np.array([1, 2]),
        "shape_signature": np.array([1, 2]),
        "dtype": np.float32,
        "quantization": (0.0, 0),
        "quantization_parameters": {"scales": np.array([])},
    }


def operation(name, given, made):
    return {"op_name": name, "inputs": np.array([given]), "outputs": np.array([made])}


class Interpreter:
    """Doubles its input in three operations, of which a delegate takes the first ones."""

    takes = 3

    def __init__(self, model_path, num_threads, experimental_delegates=(), experimental_op_resolver_type="default"):
        self.delegates, self.resolver = experimental_delegates, experimental_op_resolver_type
        self.values = {}

    def get_input_details(self):
        return [detail(0, "images")]

    def get_output_details(self):
        return [detail(3, "scores")]

    def get_tensor_details(self):
        return [detail(index, str(index)) for index in range(4)]

    def get_signature_list(self):
        return {}

    def allocate_tensors(self):
        """There is nothing to allocate."""

    def _get_ops_details(self):
        own = [operation("CONV_2D", place, place + 1) for place in range(3)]
        if not self.delegates or not self.takes:
            return own
        # what the delegate took stays listed, before its own node
        return [*own, operation("DELEGATE", 0, self.takes)]

    def set_tensor(self, index, array):
        self.values[index] = array

    def invoke(self):
        self.values[3] = 2 * self.values[0]

    def get_tensor(self, index):
        return self.values[index]


def load_delegate(library):
    if "other" in library:
        raise ValueError(f"Failed to load delegate from {library}")
    return library


@pytest.fixture
def library(tmp_path, monkeypatch):
    path = tmp_path / "libtensorflowlite_gpu_delegate.so"
    path.write_bytes(b"")
    monkeypatch.setenv(DELEGATE_VARIABLE, str(path))
    return path


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.setattr(TfLite, "version", lambda self: "2.99")
    monkeypatch.setattr(tflite, "distribution", lambda: "ai-edge-litert")
    types = Record(BUILTIN_WITHOUT_DEFAULT_DELEGATES="alone")
    runtime = Record(Interpreter=Interpreter, load_delegate=load_delegate, OpResolverType=types)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", Record(interpreter=runtime, __path__=[]))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", runtime)
    file = tmp_path / "net.tflite"
    file.write_bytes(b"TFL3")

    def loaded(name="tflite:gpu", precision="fp32"):
        return frameworks.get(name).load(Model("net", {"tflite": lambda: str(file)}), precision=precision)

    return loaded


def test_an_inference_by_the_delegate_alone(load, library):
    engine = load()
    (doubled,) = engine.infer(np.array([[1, 2]], np.float32))
    np.testing.assert_array_equal(doubled, [[2, 4]])
    described = engine.describe()
    told = [described[name] for name in ("framework", "provider", "delegate", "delegated")]
    assert told == ["tflite:gpu", "gpu", "GPU", "3 of 3 operations"]
    assert frameworks.get("tflite:gpu").processor == "gpu"


def test_the_cpu_asks_for_no_delegate(load, monkeypatch):
    monkeypatch.delenv(DELEGATE_VARIABLE, raising=False)
    described = load("tflite").describe()
    assert (described["provider"], described["delegate"]) == ("cpu", "none")


@pytest.mark.parametrize(
    ("name", "takes", "placed"),
    [
        ("tflite:gpu", 3, {"GPU": 3}),
        ("tflite:gpu", 2, {"GPU": 2, "built-in kernels": 1}),
        ("tflite", 3, {"built-in kernels": 3}),
    ],
)
def test_operations_are_counted_by_what_computes_them(load, library, monkeypatch, name, takes, placed):
    monkeypatch.setattr(Interpreter, "takes", takes)
    engine = load(name)
    assert engine.placement() == placed
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.placement()


def test_an_interpreter_that_lists_no_operations_does_not_know(load, monkeypatch):
    engine = load("tflite")
    monkeypatch.delattr(Interpreter, "_get_ops_details")
    with pytest.raises(NoPlacement, match=r"ai-edge-litert 2\.99 does not list the graph's operations"):
        engine.placement()


@pytest.mark.parametrize(("takes", "refused"), [(0, True), (1, True), (2, False)])
def test_a_delegate_that_takes_little(load, library, monkeypatch, takes, refused):
    monkeypatch.setattr(Interpreter, "takes", takes)
    if not refused:
        assert load().describe()["delegated"] == "2 of 3 operations"
        return
    with pytest.raises(FrameworkError, match=f"the GPU delegate took {takes} of the 3 operations of "):
        load()


def test_no_library_is_a_reason_to_skip(load, tmp_path, monkeypatch):
    framework = frameworks.get("tflite:gpu")
    monkeypatch.delenv(DELEGATE_VARIABLE, raising=False)
    assert "no wheel for Linux contains: build libtensorflowlite_gpu_delegate.so" in framework.unable("fp32")
    monkeypatch.setenv(DELEGATE_VARIABLE, str(tmp_path / "absent.so"))
    assert framework.unable("fp32").endswith("absent.so, which is no file")
    assert framework.unable("int8") == "tflite:gpu has no int8, only fp32"


def test_a_library_that_does_not_load(load, tmp_path, monkeypatch):
    path = tmp_path / "other.so"
    path.write_bytes(b"")
    monkeypatch.setenv(DELEGATE_VARIABLE, str(path))
    with pytest.raises(FrameworkError, match=r"2\.99 cannot load the GPU delegate .*other\.so .*; build it from the"):
        load()


def test_a_gpu_s_operators_have_no_times(load, library):
    engine = load()
    with pytest.raises(NoProfile, match="tflite:gpu reports no operator times: no GPU delegate gives them to Python"):
        engine.profile_operators([(np.zeros((1, 2), np.float32),)])
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.profile_operators([])

"""``onnxruntime:cuda`` and ``:tensorrt`` with ONNX Runtime's real sessions on the CPU, and a GPU that stands in."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.building import Built
from pytest_edgeperf.frameworks.interface import EngineConfiguration, FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.onnxruntime import OnnxRuntime
from pytest_edgeperf.frameworks.onnxruntime import gpu as adapter
from pytest_edgeperf.frameworks.onnxruntime.session import RECORD_PLACEMENT, Loading
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.testing import SHAPE, expected, images, write_onnx
from tests.fakes.host_cuda import HostCuda

onnxruntime = pytest.importorskip("onnxruntime")
CPU = "CPUExecutionProvider"


@pytest.fixture(autouse=True)
def _no_override(monkeypatch):
    # Set to something first, so that what the adapter sets is taken back.
    monkeypatch.setenv(adapter.TF32_VARIABLE, "0")
    monkeypatch.delenv(adapter.TF32_VARIABLE)


@pytest.fixture
def gpu(monkeypatch):
    cuda = HostCuda()
    monkeypatch.setattr(adapter, "DEVICE", "cpu")
    monkeypatch.setattr(adapter, "PROVIDERS", {"cuda": CPU, "tensorrt": CPU})
    monkeypatch.setattr(adapter, "open_cuda", lambda: cuda)
    return cuda


@pytest.fixture
def model(tmp_path):
    pytest.importorskip("onnx")
    source = partial(str, write_onnx(str(tmp_path / "net.onnx")))
    options = {"onnxruntime.cpu_nodes": True}
    return Model("net", {"onnx": source}, (TensorSpec("images", SHAPE),), options=options)


def loading(model, precision="fp32", ort=onnxruntime, variant="cuda"):
    framework = frameworks.get(f"onnxruntime:{variant}")
    options = framework.option_values(model)
    configuration = EngineConfiguration(framework.full_name, "1.0", model, precision, options=options)
    return Loading(ort, configuration, model.sources["onnx"]())


def test_events_time_the_phases_of_an_inference_in_a_stream_of_ours(gpu, model):
    engine = adapter.load(loading(model), "cuda")
    for image in images():
        np.testing.assert_allclose(engine.infer(image)[0], expected(image), rtol=1e-4, atol=1e-5)
    found = TimedInference(LocalConductor(0.05), {}, {})(engine, images()[0])
    phases = [found.values[name]["mean"] for name in ("device_copy_in", "device_infer", "device_copy_out")]
    assert sum(phases) == pytest.approx(found.values["device_latency"]["mean"], rel=0.05)
    assert found.values["synchronise"]["n"] >= 10
    assert gpu.events == 0
    described = engine.describe()
    assert described["framework"] == "onnxruntime:cuda"
    assert (described["gpu"], described["compute_capability"]) == ("Stand-in", "8.7")
    assert described["cpu_nodes"] == "allowed"
    assert described[adapter.TF32_VARIABLE] == "0"


def test_the_timed_inference_computes_the_same(gpu, model):
    engine = adapter.load(loading(model), "cuda")
    for image in images():
        engine.infer_timed(image)
        np.testing.assert_array_equal(gpu.copied_out[-1], engine.infer(image)[0])


def test_closing_gives_all_of_the_device_back(gpu, model):
    engine = adapter.load(loading(model), "cuda")
    engine.infer_timed(images()[0])
    assert gpu.memory
    engine.close()
    engine.close()
    assert (gpu.memory, gpu.pinned, gpu.streams) == ({}, 0, 0)
    with pytest.raises(FrameworkError, match="closed"):
        engine.infer(images()[0])


def test_nodes_on_the_cpu_are_an_error_unless_they_are_allowed(gpu, model):
    # With the CPU's provider in the GPU's place, all nodes are: ONNX Runtime itself refuses.
    with pytest.raises(FrameworkError, match=r"(?s)cannot load .*CPU EP.*onnxruntime\.cpu_nodes"):
        adapter.load(loading(replace(model, options={})), "cuda")


def test_without_a_package_for_cuda_the_hosts_clock_is_all_and_that_is_said(gpu, model, monkeypatch):
    def absent():
        raise FrameworkError("install cuda-bindings")

    monkeypatch.setattr(adapter, "open_cuda", absent)
    engine = adapter.load(loading(model), "cuda")
    assert engine.describe()["device_times"] == "not available: install cuda-bindings"
    found = TimedInference(LocalConductor(0.02), {}, {})(engine, images()[0])
    assert "device_latency" not in found.values
    with pytest.raises(FrameworkError, match=r"cannot determine whether this GPU has tf32: install cuda-bindings"):
        monkeypatch.delenv(adapter.TF32_VARIABLE)
        adapter.load(loading(model, "tf32"), "cuda")


def test_tf32_is_forbidden_for_fp32_and_needs_a_gpu_that_has_it(gpu, model, monkeypatch):
    adapter.load(loading(model), "cuda")
    with pytest.raises(FrameworkError, match="NVIDIA_TF32_OVERRIDE=0 forbids it"):
        adapter.load(loading(model, "tf32"), "cuda")
    monkeypatch.setenv(adapter.TF32_VARIABLE, "1")
    with pytest.raises(FrameworkError, match="fp32 was asked for, but NVIDIA_TF32_OVERRIDE=1 uses tf32"):
        adapter.load(loading(model), "cuda")
    assert adapter.load(loading(model, "tf32"), "cuda").precision == "tf32"
    monkeypatch.setattr(HostCuda, "capability", (7, 5))
    with pytest.raises(FrameworkError, match=r"Stand-in has no tf32: its compute capability is 7.5"):
        adapter.load(loading(model, "tf32"), "cuda")


def test_int8_on_cuda_is_refused_with_what_has_it():
    reason = frameworks.get("onnxruntime:cuda").unable("int8")
    assert reason == (
        "onnxruntime:cuda has no int8: ONNX Runtime's CUDA provider computes quantised models in fp32; "
        "onnxruntime:tensorrt has it"
    )
    assert frameworks.get("onnxruntime:tensorrt").unable("int8") is None
    assert OnnxRuntime().unable("tf32") == "onnxruntime has no tf32, only fp32, fp16, int8"


class Session:
    """Takes providers with their settings and gives them back, or others."""

    given = {}  # noqa: RUF012
    made = []  # noqa: RUF012
    writes = None
    #: Provider and number of nodes, in the order of the graph.
    parts = (("TensorrtExecutionProvider", 90), ("CUDAExecutionProvider", 3), ("TensorrtExecutionProvider", 20))

    def __init__(self, path, options, providers, disabled_optimizers):
        self.real = onnxruntime.InferenceSession(path, options, providers=[CPU])
        self.providers = providers
        Session.made.append(self)
        if Session.writes is not None:
            Session.writes.write_text("another engine")

    def get_providers(self):
        return [name for name, _ in self.providers]

    def get_provider_options(self):
        return {name: {**options, **self.given} for name, options in self.providers}

    def get_session_options(self):
        return self.real.get_session_options()

    def get_inputs(self):
        return self.real.get_inputs()

    def get_outputs(self):
        return self.real.get_outputs()

    def run(self, *arguments):
        return self.real.run(*arguments)

    def get_provider_graph_assignment_info(self):
        return [Part(name, nodes) for name, nodes in self.parts]


class Part:
    """A part of the graph that a provider took."""

    def __init__(self, ep_name, nodes):
        self.ep_name = ep_name
        self._nodes = nodes

    def get_nodes(self):
        return [object()] * self._nodes


class Ort:
    SessionOptions = onnxruntime.SessionOptions
    RunOptions = onnxruntime.RunOptions
    InferenceSession = Session


@pytest.fixture
def tensorrt(monkeypatch, tmp_path):
    monkeypatch.setattr(Session, "made", [])
    monkeypatch.setattr(adapter, "open_cuda", HostCuda)
    folder = tmp_path / "engine-0123456789abcdef"
    folder.mkdir()
    (folder / "net.engine").write_bytes(bytes(3 * 2**20))
    asked = []

    def built(function, model, precision, **key):
        asked.append((function, precision, key))
        return Built(folder, {"tools": key["tools"]})

    monkeypatch.setattr(adapter, "built", built)
    return folder, asked


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_tensorrts_engines_come_from_another_process_and_its_settings_are_read_back(tensorrt, model, precision):
    folder, asked = tensorrt
    engine = adapter.load(loading(model, precision, Ort, "tensorrt"), "tensorrt")
    ((function, key_precision, key),) = asked
    assert function == "pytest_edgeperf.frameworks.onnxruntime.gpu:build_engine"
    assert key_precision == precision
    assert key["source"]["gpu"] == ["Stand-in", 8, 7]
    assert key["arguments"]["inputs"] == [["images", list(SHAPE), "float32"]]
    (first, own), (second, _) = Session.made[0].providers
    assert (first, second) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert own["trt_engine_cache_path"] == str(folder)
    assert own["trt_fp16_enable"] == ("1" if precision == "fp16" else "0")
    assert own["trt_int8_enable"] == ("1" if precision == "int8" else "0")
    assert engine.size_mib == 3.0
    described = engine.describe()
    assert described["provider_options"]["trt_fp16_enable"] == own["trt_fp16_enable"]
    assert described["engine_sha256"] == "0123456789ab"
    assert described["cpu_nodes"] == "allowed"


def test_nodes_are_counted_by_the_provider_that_took_them(tensorrt, model, monkeypatch):
    engine = adapter.load(loading(model, "fp32", Ort, "tensorrt"), "tensorrt")
    assert Session.made[0].real.get_session_options().get_session_config_entry(RECORD_PLACEMENT) == "1"
    assert engine.placement() == {"TensorrtExecutionProvider": 110, "CUDAExecutionProvider": 3}
    refused = (("TensorrtExecutionProvider", 108), ("CPUExecutionProvider", 2), ("CUDAExecutionProvider", 3))
    monkeypatch.setattr(Session, "parts", refused)
    assert engine.placement()["CPUExecutionProvider"] == 2


def test_a_file_for_tensorrt_is_quantised_without_zero_points(model):
    onnx = pytest.importorskip("onnx")
    path, _ = frameworks.get("onnxruntime:tensorrt").file(model, "int8")
    types = {one.data_type for one in onnx.load(path).graph.initializer}
    assert onnx.TensorProto.INT8 in types
    assert not types & {onnx.TensorProto.UINT8, onnx.TensorProto.INT32}
    other, _ = frameworks.get("onnxruntime").file(model, "int8")
    assert other != path


def test_a_setting_that_is_not_taken_is_an_error(tensorrt, model, monkeypatch):
    monkeypatch.setattr(Session, "given", {"trt_fp16_enable": "0"})
    with pytest.raises(FrameworkError, match="asked for trt_fp16_enable=1 and gave 0"):
        adapter.load(loading(model, "fp16", Ort, "tensorrt"), "tensorrt")


def test_an_engine_that_is_built_again_in_the_measured_process_is_an_error(tensorrt, model, monkeypatch):
    folder, _ = tensorrt
    monkeypatch.setattr(Session, "writes", folder / "other.engine")
    with pytest.raises(FrameworkError, match=r"did not accept the engine built for model 'net', and built another"):
        adapter.load(loading(model, "fp32", Ort, "tensorrt"), "tensorrt")


def test_a_build_without_tensorrt_is_one_error_of_the_building_process(model, monkeypatch):
    if "TensorrtExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this build has TensorRT")
    monkeypatch.setattr(adapter, "open_cuda", HostCuda)
    with pytest.raises(FrameworkError, match=r"(?s)build_engine failed .*TensorrtExecutionProvider"):
        adapter.load(loading(model, variant="tensorrt"), "tensorrt")

"""What OpenVINO and OpenCV tell of their layers: on stand-ins of their objects, and with them where they are here."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.frameworks.opencv import layers as opencv
from pytest_edgeperf.frameworks.openvino import layers as openvino
from pytest_edgeperf.frameworks.profiling import WARM_UP_CALLS, NoProfile
from pytest_edgeperf.testing import write_onnx


class Status:
    EXECUTED, OPTIMIZED_OUT, NOT_RUN = "executed", "out", "not run"


def info(name, kind, mean_us, status=Status.EXECUTED, implementation="jit"):
    return SimpleNamespace(
        node_name=name,
        node_type=kind,
        exec_type=implementation,
        real_time=timedelta(microseconds=int(mean_us)),
        status=status,
        Status=Status,
    )


class FakeNode:
    def __init__(self, name, kind, outputs=(), originals=None):
        self.name, self.kind, self.tensors, self.originals = name, kind, outputs, originals

    def get_friendly_name(self):
        return self.name

    def get_type_name(self):
        return self.kind

    def outputs(self):
        return [SimpleNamespace(get_names=lambda name=name: {name}) for name in self.tensors]

    def get_rt_info(self):
        if self.originals is None:
            return {}
        return {openvino.ORIGINALS: SimpleNamespace(astype=lambda _: self.originals)}


class FakeCompiled:
    """Counts the mean of all its inferences, of which the first take longer, as OpenVINO does."""

    def __init__(self, usual_us, warm_us=1000):
        self.usual_us, self.warm_us, self.total_us, self.count = usual_us, warm_us, 0, 0

    def create_infer_request(self):
        return self

    def infer(self, feed, share_inputs):
        assert share_inputs
        assert set(feed) == {1, 0}
        self.total_us += self.warm_us if self.count < WARM_UP_CALLS else self.usual_us
        self.count += 1

    @property
    def profiling_info(self):
        return [
            info("in", "Input", 5),
            info("convolution", "Convolution", self.total_us / self.count, implementation="brgconv_avx512_f32"),
            info("rectifier", "Relu", 9, Status.OPTIMIZED_OUT),
            info("reorder", "Reorder", 0),
        ]

    def get_runtime_model(self):
        nodes = [FakeNode("convolution", "", originals="convolution,kernel,rectifier"), FakeNode("reorder", "")]
        return SimpleNamespace(get_ops=lambda: nodes)


NETWORK = SimpleNamespace(
    get_ops=lambda: [
        FakeNode("kernel", "Constant", ["w"]),
        FakeNode("convolution", "Convolution", ["convolved"]),
        FakeNode("rectifier", "Relu", ["rectified"]),
    ]
)


def test_openvinos_means_are_of_the_calls_after_the_warm_up():
    made = []

    def compile_counted():
        made.append(FakeCompiled(usual_us=70))
        return made[-1], NETWORK

    profile = openvino.profile(compile_counted, (1, 0), [("a", "b"), ("c", "d")], 3, 20)
    assert len(made) == 3
    for operators in profile.repetitions:
        convolution, reorder = operators
        # The counter has whole µs, of a mean over the warm-up as well.
        assert convolution.time_ms == pytest.approx(0.070, abs=0.005)
        assert (convolution.name, convolution.kind) == ("convolution", "Convolution")
        assert convolution.outputs == ("rectified",)
        assert convolution.provider == "brgconv_avx512_f32"
        assert (reorder.name, reorder.time_ms, reorder.outputs) == ("reorder", 0.0, ())


def test_an_interrupted_inference_blames_no_layer_of_openvinos():
    class Interrupted(FakeCompiled):
        def infer(self, feed, share_inputs):
            super().infer(feed, share_inputs)
            self.total_us += 9000 if self.count == WARM_UP_CALLS + 7 else 0

    made = openvino.profile(lambda: (Interrupted(70), NETWORK), (1, 0), [("a", "b")], 1, 20)
    assert made.repetitions[0][0].time_ms == pytest.approx(0.070, abs=0.005)


@given(st.integers(1, 99))
def test_the_parts_of_a_repetition_are_its_calls(calls):
    parts = openvino.parts_of(calls)
    assert [call for first, end in parts for call in range(first, end)] == list(range(calls))
    lengths = [end - first for first, end in parts]
    assert len(parts) == min(20, calls)
    assert max(lengths) - min(lengths) <= 1


def test_a_convolution_with_a_bias_has_the_output_of_the_convolution_in_the_file():
    network = [
        FakeNode("/a/Conv/WithoutBiases", "Convolution"),
        FakeNode("/a/Conv", "Add", ["convolved"]),
        FakeNode("/a/Relu", "Relu", ["rectified"]),
    ]
    runtime = [
        FakeNode("plain", "", originals="/a/Conv/WithoutBiases"),
        FakeNode("fused", "", originals="/a/Conv/WithoutBiases,/a/Relu"),
        FakeNode("reorder", "", originals=""),
    ]
    compiled = SimpleNamespace(get_runtime_model=lambda: SimpleNamespace(get_ops=lambda: runtime))
    outputs = openvino.outputs_of(compiled, SimpleNamespace(get_ops=lambda: network))
    assert outputs == {"plain": ("convolved",), "fused": ("rectified",)}


def test_openvino_that_counts_nothing_gives_no_profile():
    class Silent(FakeCompiled):
        profiling_info = ()

    with pytest.raises(NoProfile, match="openvino counted no layer"):
        openvino.profile(lambda: (Silent(1), NETWORK), (1, 0), [("a", "b")], 2, 2)


class FakeNet:
    """Three layers, of which one computes another as well."""

    names = ("onnx_node!conv", "onnx_node!relu", "onnx_node_output_0!pooled")

    def __init__(self):
        self.inferred = 0

    def getLayerNames(self):
        return self.names

    def getLayerId(self, name):
        return self.names.index(name) + 1

    def getLayer(self, number):
        return SimpleNamespace(type=("Convolution", "ReLU", "Pooling")[number - 1])

    def getPerfProfile(self):
        # The first inferences are not asked for.
        assert self.inferred > WARM_UP_CALLS
        return 0, np.array([[1000.0 * self.inferred], [0.0], [500.0]])

    def infer(self, *arrays):
        self.inferred += 1


def test_opencvs_layers_are_averaged_and_those_that_another_computes_left_out(tmp_path):
    pytest.importorskip("onnx")
    net = FakeNet()
    outputs = opencv.outputs_of(write_onnx(str(tmp_path / "net.onnx")))
    profile = opencv.profile(net, net, 1e6, outputs, [(1,), (2,)], 2, 2)
    assert net.inferred == WARM_UP_CALLS + 4
    first, second = (
        [(row.name, row.kind, round(row.time_ms, 9), row.outputs) for row in rows] for rows in profile.repetitions
    )
    pooled = ("onnx_node_output_0!pooled", "Pooling", 0.0005, ("pooled",))
    assert first == [("onnx_node!conv", "Convolution", (WARM_UP_CALLS + 1.5) / 1e3, ()), pooled]
    assert second == [("onnx_node!conv", "Convolution", (WARM_UP_CALLS + 3.5) / 1e3, ()), pooled]


def test_layers_of_named_nodes_have_their_outputs(tmp_path):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    model = onnx.load(write_onnx(str(path)))
    model.graph.node[0].name = "/a/Conv"
    onnx.save(model, str(path))
    outputs = opencv.outputs_of(str(path))
    assert outputs["onnx_node!/a/Conv"] == ("convolved",)
    assert outputs["onnx_node_output_0!scores"] == ("scores",)


# With the runtimes.


def engine_of(name, path):
    framework = frameworks.get(name)
    if framework.version() is None:
        pytest.skip(framework.install_advice)
    return framework.load(Model("net", {"onnx": partial(str, path)}, (TensorSpec("x", (1, 8, 64, 64)),)))


def convolutions(folder, sizes):
    pytest.importorskip("onnx")
    from tests.frameworks.test_onnxruntime_trace import a_conv, graph_file

    nodes, weights, tensor = [], {}, "x"
    for place, size in enumerate(sizes):
        last = place == len(sizes) - 1
        nodes.append(("Conv", f"/{place}/Conv", [tensor, f"w{place}"], [f"v{place}"], {"pads": [size // 2] * 4}))
        tensor = "y" if last else f"r{place}"
        nodes.append(("Relu", f"/{place}/Relu", [f"v{place}"], [tensor], {}))
        weights[f"w{place}"] = a_conv(8, size) / size**2 / 8
    return graph_file(folder / f"{'-'.join(map(str, sizes))}.onnx", nodes, weights, (1, 8, 64, 64))


@pytest.mark.parametrize("name", ["openvino", "opencv"])
@pytest.mark.parametrize("slower", [0, 1, 2])
def test_the_layer_that_got_slower_grew_most(name, slower, tmp_path):
    def times(sizes):
        engine = engine_of(name, convolutions(tmp_path, sizes))
        profile = engine.profile_operators(engine.example_inputs(2), 3, 10)
        assert [len(rows) for rows in profile.repetitions] == [len(profile.repetitions[0])] * 3
        rows = [{row.outputs: row.time_ms for row in operators if row.outputs} for operators in profile.repetitions]
        return {outputs: np.median([row[outputs] for row in rows]) for outputs in rows[0]}

    before, after = times((3, 3, 3)), times([9 if place == slower else 3 for place in range(3)])
    (grown,) = max(after, key=lambda outputs: after[outputs] - before[outputs])
    assert grown in (f"v{slower}", "y" if slower == 2 else f"r{slower}")


def test_openvinos_timed_network_is_not_counted(tmp_path, monkeypatch):
    engine = engine_of("openvino", convolutions(tmp_path, (3,)))
    openvino_package = pytest.importorskip("openvino")
    asked = []
    compile_model = openvino_package.Core.compile_model

    def compiled(core, network, device, properties):
        asked.append(properties)
        return compile_model(core, network, device, properties)

    monkeypatch.setattr(openvino_package.Core, "compile_model", compiled)
    again = engine_of("openvino", convolutions(tmp_path, (3,)))
    again.profile_operators(engine.example_inputs(1), 2, 2)
    assert [bool(properties.get("PERF_COUNT")) for properties in asked] == [False, True, True]
    assert [{**properties, "PERF_COUNT": None} for properties in asked[1:]] == [{**asked[0], "PERF_COUNT": None}] * 2

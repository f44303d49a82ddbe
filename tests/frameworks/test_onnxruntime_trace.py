"""What ONNX Runtime's trace becomes: on traces as it writes them, and with real sessions."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.errors import FrameworkError
from pytest_edgeperf.frameworks.interface import Model
from pytest_edgeperf.frameworks.onnxruntime import trace
from pytest_edgeperf.frameworks.onnxruntime.trace import events_of, inferences_of, outputs_of, repetitions_of
from pytest_edgeperf.frameworks.profiling import WARM_UP_CALLS, NoProfile
from pytest_edgeperf.testing import SHAPE, images, write_onnx

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def node(name, start_us, took_us, kind="Conv", index="0", provider=CPU):
    arguments = {"op_name": kind, "provider": provider, "node_index": index}
    return {"cat": "Node", "name": f"{name}_kernel_time", "ts": start_us, "dur": took_us, "args": arguments}


def kernel(took_us, name="gemm"):
    return {"cat": "Kernel", "name": name, "ts": 0, "dur": took_us, "args": {"op_name": "Conv"}}


def session(name="model_run"):
    return {"cat": "Session", "name": name, "ts": 0, "dur": 1, "args": {}}


def rows(operators):
    return [(operator.name, operator.kind, operator.time_ms) for operator in operators]


def test_nodes_are_averaged_over_inferences_and_the_sessions_own_events_are_left_out():
    events = [session("session_initialization")]
    for took_us in (10, 20, 40, 40):
        # Releases before 1.15 also write how long fences take.
        fence = {**node("a", 0, 99), "name": "a_fence_before"}
        events += [fence, node("a", 1, took_us), node("b", 100, 3, "Relu", "1"), session("SequentialExecutor::Execute")]
        events += [session()]
    first, second = repetitions_of(list(inferences_of(events)), 2, {})
    assert rows(first) == [("a", "Conv", 0.015), ("b", "Relu", 0.003)]
    assert rows(second) == [("a", "Conv", 0.040), ("b", "Relu", 0.003)]
    assert first[0].provider == CPU


def test_a_loop_takes_what_its_body_does_not():
    # A node that holds others is written after them; one may begin in the same µs as the first of them.
    events = [node("body", 10, 20, "Mul", "0"), node("body", 30, 5, "Mul", "0"), node("loop", 10, 40, "Loop", "7")]
    (inference,) = inferences_of([*events, node("next", 50, 4, "Relu", "8"), session()])
    (operators,) = repetitions_of([inference], 1, {})
    assert rows(operators) == [("loop", "Loop", 0.015), ("body", "Mul", 0.025), ("next", "Relu", 0.004)]


@given(st.recursive(st.integers(0, 50), lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=20))
def test_nothing_is_counted_twice(shape):
    events = []

    def lay(part, start_us):
        took_us = part
        if isinstance(part, list):
            took_us = 1
            for inner in part:
                took_us += lay(inner, start_us + took_us)
            took_us += 1
        events.append(node(f"n{len(events)}", start_us, took_us))
        return took_us

    whole_us = lay(shape, 5)
    (inference,) = inferences_of([*events, session()])
    assert sum(part.own_us for part in inference) == whole_us
    assert min(part.own_us for part in inference) >= 0


def test_different_nodes_of_one_name_are_numbered():
    events = [node("Relu", 0, 1, "Relu", "4"), node("Relu", 2, 3, "Relu", "9"), node("Relu", 6, 5, "Relu", "4")]
    (operators,) = repetitions_of(list(inferences_of([*events, session()])), 1, {})
    assert rows(operators) == [("Relu", "Relu", 0.006), ("Relu (2)", "Relu", 0.003)]


def test_on_a_gpu_a_node_takes_what_its_kernels_take():
    events = [node("a", 0, 5, provider=CUDA), kernel(30), kernel(12), node("view", 6, 2, "Reshape", "1", CUDA)]
    events += [node("host", 9, 7, "NonZero", "2"), session()]
    (operators,) = repetitions_of(list(inferences_of(events)), 1, {}, gpu=CUDA)
    assert rows(operators) == [("a", "Conv", 0.042), ("view", "Reshape", 0.0), ("host", "NonZero", 0.007)]


def test_a_trace_is_read_line_by_line(tmp_path):
    path = tmp_path / "trace.json"
    events = [session("one"), {**node('quoted "name"', 0, 1), "pid": 1}, session()]
    path.write_text("[\n" + ",\n".join(map(json.dumps, events)) + "\n]\n")
    assert list(events_of(str(path))) == events


class FakeSession:
    """Writes a trace as it is told to, where its options say."""

    def __init__(self, per_run, options):
        self.per_run, self.path, self.runs = per_run, f"{options.profile_file_prefix}.json", 0

    def run(self, _, feed):
        assert feed == {"x": 1}
        self.runs += 1

    def end_profiling(self):
        events = [event for _ in range(self.runs) for event in self.per_run]
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("[\n" + ",\n".join(map(json.dumps, events)) + "\n]\n")
        return self.path


class FakeOptions(SimpleNamespace):
    def add_session_config_entry(self, key, value):
        setattr(self, key, value)


def profile(per_run, gpu=None, refuses=lambda options: False):
    opened = []

    def open_session(change):
        options = FakeOptions()
        change(options)
        opened.append(options)
        if refuses(options):
            raise FrameworkError("it cannot be written")
        return FakeSession(per_run, options)

    made = trace.profile(open_session, [{"x": 1}], "net.onnx", 2, 3, gpu)
    assert not os.path.exists(os.path.dirname(opened[-1].profile_file_prefix))
    return made, opened


def test_a_graph_that_cannot_be_written_is_profiled_without_outputs():
    made, opened = profile(
        [node("a", 0, 5), session()], refuses=lambda options: hasattr(options, "optimized_model_filepath")
    )
    assert [hasattr(options, "optimized_model_filepath") for options in opened] == [True, False]
    assert made.sums_ms == (0.005, 0.005)
    assert made.repetitions[0][0].outputs == ()


def test_a_trace_without_all_inferences_is_none():
    with pytest.raises(NoProfile, match=f"traced 0 of {WARM_UP_CALLS + 6} inferences: it stops at a million events"):
        profile([node("a", 0, 5)])


def test_a_build_that_does_not_trace_the_gpu_says_so():
    with pytest.raises(NoProfile, match=r"does not trace what CUDAExecutionProvider .*--enable_cuda_profiling"):
        profile([node("a", 0, 5, provider=CUDA), session()], CUDA)
    made, _ = profile([node("a", 0, 5, provider=CUDA), kernel(60), session()], CUDA)
    assert made.sums_ms == (0.06, 0.06)


# With ONNX Runtime and ONNX.


def graph_file(path, nodes, weights, shape=(1, 3, 32, 32)):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node(kind, inputs, outputs, name=name, **more) for kind, name, inputs, outputs, more in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return str(path)


def engine_of(path, **options):
    pytest.importorskip("onnxruntime")
    return frameworks.get("onnxruntime").load(Model("net", {"onnx": partial(str, path)}), **options)


def operators_of(engine, repetitions=2, calls=3):
    return engine.profile_operators(engine.example_inputs(2), repetitions, calls)


def a_conv(channels=3, size=3):
    return np.ones((channels, channels, size, size), np.float32)


def test_outputs_are_those_of_the_file(tmp_path):
    nodes = [
        ("Conv", "/a/Conv", ["x", "w"], ["/a/convolved"], {"pads": [1] * 4}),
        ("Relu", "/a/Relu", ["/a/convolved"], ["/a/rectified"], {}),
        ("Softmax", "", ["/a/rectified"], ["soft"], {}),
        ("Softmax", "", ["soft"], ["y"], {"axis": 1}),
    ]
    engine = engine_of(graph_file(tmp_path / "net.onnx", nodes, {"w": a_conv()}))
    first, second = operators_of(engine).repetitions
    by_kind = {}
    for operator in first:
        by_kind.setdefault(operator.kind, []).append(operator.outputs)
    # The convolution is fused with what follows, and computed in a layout that has no name in the file.
    (convolved,) = by_kind["Conv"] if "Conv" in by_kind else by_kind["FusedConv"]
    assert convolved in (("/a/convolved",), ("/a/rectified",))
    assert by_kind["Softmax"] == [("soft",), ("y",)]
    given = [output for operator in first for output in operator.outputs]
    assert len(given) == len(set(given))
    assert [(operator.name, operator.outputs) for operator in second] == [
        (operator.name, operator.outputs) for operator in first
    ]
    assert {operator.provider for operator in first} == {CPU}


def test_a_loop_and_its_body_are_operators_of_their_own(tmp_path):
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    values = {
        name: helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("i", TensorProto.INT64, []),
            ("go", TensorProto.BOOL, []),
            ("v", TensorProto.FLOAT, None),
            ("go_on", TensorProto.BOOL, []),
            ("w", TensorProto.FLOAT, None),
        )
    }
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"], name="on"),
            helper.make_node("Mul", ["v", "v"], ["w"], name="square"),
        ],
        "body",
        [values["i"], values["go"], values["v"]],
        [values["go_on"], values["w"]],
    )
    weights = {"n": np.array(4, np.int64), "true": np.array(True)}
    path = graph_file(tmp_path / "loop.onnx", [("Loop", "loop", ["n", "true", "x"], ["y"], {"body": body})], weights)
    (operators, _) = operators_of(engine_of(path)).repetitions
    assert {operator.name: operator.outputs for operator in operators} == {
        "loop": ("y",),
        "on": ("go_on",),
        "square": ("w",),
    }


@pytest.mark.parametrize("slower", [0, 1, 2])
def test_the_operator_that_got_slower_grew_most(tmp_path, slower):
    def network(name, sizes):
        nodes = [
            (
                "Conv",
                f"conv{place}",
                [f"v{place}" if place else "x", f"w{place}"],
                [f"v{place + 1}" if place < 2 else "y"],
                {"pads": [size // 2] * 4},
            )
            for place, size in enumerate(sizes)
        ]
        weights = {f"w{place}": a_conv(8, size) for place, size in enumerate(sizes)}
        return engine_of(graph_file(tmp_path / name, nodes, weights, (1, 8, 64, 64)))

    before = operators_of(network("before.onnx", [3, 3, 3]), 3, 10)
    after = operators_of(network("after.onnx", [7 if place == slower else 3 for place in range(3)]), 3, 10)

    def convolutions(profile):
        times = [
            [operator.time_ms for operator in operators if "Conv" in operator.kind] for operators in profile.repetitions
        ]
        return np.median(np.array(times), axis=0)

    grown = convolutions(after) - convolutions(before)
    assert grown.shape == (3,)
    assert grown.argmax() == slower


def test_the_timed_session_is_not_profiled_and_nothing_is_left_behind(tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    temporary, project = tmp_path / "temporary", tmp_path / "project"
    temporary.mkdir()
    project.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.chdir(project)
    made = []

    class Session(onnxruntime.InferenceSession):
        def __init__(self, path, options, **more):
            made.append((options.enable_profiling, more, options.intra_op_num_threads))
            super().__init__(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    model = Model(
        "net",
        {"onnx": partial(str, write_onnx(str(tmp_path / "net.onnx")))},
        options={"onnxruntime.disabled_optimizers": ["NoSuchOptimizer"]},
    )
    engine = frameworks.get("onnxruntime").load(model, threads=2)
    answer, described = engine.infer(images()[0])[0], engine.describe()
    assert len(operators_of(engine).repetitions) == 2
    (first, second) = made
    assert (first[0], second[0]) == (False, True)
    # The same providers, switched-off optimisers and threads.
    assert first[1:] == second[1:]
    assert engine.describe() == described
    np.testing.assert_array_equal(engine.infer(images()[0])[0], answer)
    with pytest.raises(Exception):  # noqa: B017 (ONNX Runtime's own)
        engine.profile_operators([(np.zeros((9, *SHAPE[1:]), np.float64),)])
    assert list(temporary.iterdir()) == list(project.iterdir()) == []


def test_without_the_package_onnx_the_outputs_are_not_known(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    engine = engine_of(write_onnx(str(tmp_path / "net.onnx")))
    monkeypatch.setattr(trace, "version_of", lambda name: None)
    profiled = operators_of(engine)
    assert min(profiled.sums_ms) > 0
    assert {operator.outputs for operator in profiled.repetitions[0]} == {()}


def test_nodes_of_which_the_file_has_another_number_get_no_outputs(tmp_path):
    path = graph_file(tmp_path / "net.onnx", [("Relu", "r", ["x"], ["y"], {})], {})
    ran = next(inferences_of([node("r", 0, 1, "Relu", "0"), node("r", 2, 1, "Relu", "1"), session()]))
    assert outputs_of(ran, tmp_path / "net.onnx", path) == {}

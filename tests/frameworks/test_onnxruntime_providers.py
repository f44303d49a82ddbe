"""Two real providers, of which one refuses a node: needs onnxruntime-openvino, in an environment of its own."""

from __future__ import annotations

import pytest

from pytest_edgeperf.frameworks.interface import EngineConfiguration, Model
from pytest_edgeperf.frameworks.onnxruntime.session import CPU_PROVIDER, Loading, OnnxRuntimeEngine
from pytest_edgeperf.judge import compare
from pytest_edgeperf.measure.placements import placement_of
from pytest_edgeperf.report.sentences import regression_text
from tests.judge.builders import latency_runs, results

onnxruntime = pytest.importorskip("onnxruntime")
SECOND = "OpenVINOExecutionProvider"

pytestmark = pytest.mark.skipif(
    SECOND not in onnxruntime.get_available_providers(), reason=f"this build of onnxruntime has no {SECOND}"
)


def placed(path, operator, domain):
    """Where the nodes of three operators run, the one in the middle being this one."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Relu", ["images"], ["first"]),
        helper.make_node(operator, ["first"], ["second"], domain=domain),
        helper.make_node("Exp", ["second"], ["rectified"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info("rectified", TensorProto.FLOAT, None)],
    )
    versions = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), str(path))
    configuration = EngineConfiguration("onnxruntime", onnxruntime.__version__, Model("net", {}), "fp32")
    loading = Loading(onnxruntime, configuration, str(path))
    engine = OnnxRuntimeEngine(loading, loading.session([SECOND, CPU_PROVIDER]))
    try:
        return placement_of(engine)["placement"]
    finally:
        engine.close()


def test_a_node_that_the_second_provider_refuses_is_the_first_line(tmp_path):
    pytest.importorskip("onnx")
    before = placed(tmp_path / "before.onnx", "Sigmoid", "")
    after = placed(tmp_path / "after.onnx", "Inverse", "com.microsoft")
    assert set(before) == {SECOND}
    assert after[CPU_PROVIDER] >= 1
    sides = [
        results({"a": latency_runs(centers, session)}, environments={"env": {"settings": {"placement": placement}}})
        for centers, session, placement in (
            ([10.0, 10.1, 9.9] * 3, "one", before),
            ([12.0, 12.1, 11.9] * 3, "two", after),
        )
    ]
    got = compare(*sides).benchmarks["a"]
    assert regression_text("a", got).splitlines()[0] == (
        f"Placement changed: {SECOND} {before[SECOND]} -> {after[SECOND]} nodes, {CPU_PROVIDER} 0 -> "
        f"{after[CPU_PROVIDER]}"
    )

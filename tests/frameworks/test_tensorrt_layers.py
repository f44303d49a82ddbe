"""What an engine's layers are, from what TensorRT tells of them and from the file that it was built from."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.frameworks.tensorrt.layers import Layer, Layers, inspected
from pytest_edgeperf.frameworks.tensorrt.trtexec_files import read_layer_times

#: As TensorRT 10 tells of an engine that was built with detailed verbosity.
DETAILED = {
    "Layers": [
        {
            "Name": "/conv/Conv + /relu/Relu",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "x", "Dimensions": [1, 3, 8, 8], "Format/Datatype": "Float"}],
            "Outputs": [
                {"Name": "relu", "Dimensions": [1, 4, 8, 8], "Format/Datatype": "Float"},
                {"Name": "Reformatted Output Tensor 0 to /conv/Conv + /relu/Relu", "Dimensions": [1, 4, 8, 8]},
                {"Name": "(Unnamed Layer* 3) [Shuffle]_output", "Dimensions": [1]},
            ],
            "TacticValue": "0x9dafcbc5d7b8f5bf",
        }
    ],
    "Bindings": ["x", "y"],
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    onnx = pytest.importorskip("onnx")
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["conv"], name="/conv/Conv"),
        onnx.helper.make_node("Relu", ["conv"], ["relu"], name="/relu/Relu"),
        onnx.helper.make_node("Add", ["relu", "relu"], ["sum"], name="/add/Add"),
        onnx.helper.make_node("Conv", ["sum", "w"], ["left"], name="/left/Conv"),
        onnx.helper.make_node("Conv", ["sum", "w"], ["right"], name="/right/Conv"),
        onnx.helper.make_node("Mul", ["left", "right"], ["y"]),
    ]
    path = str(tmp_path_factory.mktemp("layers") / "net.onnx")
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "net", [], [])), path)
    return path


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("/add/Add", Layer("Add", ("sum",))),
        ("node_of_y", Layer("Mul", ("y",))),
        ("/conv/Conv + /relu/Relu", Layer("Conv+Relu", ("relu",))),
        ("/left/Conv || /right/Conv", Layer("Conv", ("left", "right"))),
        ("PWN(PWN(/relu/Relu), /add/Add)", Layer("Relu+Add", ("sum",))),
        ("{ForeignNode[/relu/Relu.../add/Add]}", Layer("ForeignNode", ("sum",))),
        ("Reformatting CopyNode for Input Tensor 0 to /conv/Conv", Layer("Reformat")),
        ("/conv/Conv output reformatter 0", Layer("Reformat")),
        ("(Unnamed Layer* 11) [Shuffle]", Layer()),
        ("__myl_FcAdd_myl0_1", Layer()),
        ("7", Layer()),
    ],
)
def test_a_layer_is_the_nodes_that_its_name_is_made_of(file, name, layer):
    assert Layers(None, file).identified(name) == layer


def test_the_inspector_knows_better_than_the_names(file):
    layers = Layers(json.dumps(DETAILED), file)
    assert layers.identified("/conv/Conv + /relu/Relu") == Layer("CaskConvolution", ("relu",))
    assert layers.identified("/add/Add") == Layer("Add", ("sum",))


def test_an_engine_without_its_file_has_the_names_alone():
    layers = Layers(json.dumps({"Layers": ["/conv/Conv", "/relu/Relu"]}), None)
    assert layers.identified("/conv/Conv") == Layer()
    (operator, unnamed) = layers.operators([("/conv/Conv", 0.5), ("", 0.25)])
    assert (operator.name, operator.kind, operator.time_ms) == ("/conv/Conv", "", 0.5)
    assert unnamed.name == "a layer without a name"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["Layers", "Name", "LayerType", "Outputs", "x"]), inner)
    ),
    max_leaves=30,
)


@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda inner: json.dumps({"Layers": inner})))
def test_whatever_an_inspector_tells_is_read_or_left_out(text):
    for name, layer in inspected(text).items():
        assert isinstance(name, str)
        assert isinstance(layer.kind, str)
        assert all(isinstance(output, str) for output in layer.outputs)


def test_endless_nesting_and_endless_numbers_tell_nothing():
    assert inspected("[" * 100_000) == {}
    assert inspected('{"Layers": [' + "9" * 10_000 + "]}") == {}


ENTRY = {"name": "/conv/Conv", "timeMs": 50, "averageMs": 0.5, "medianMs": 0.4, "percentage": 100}


def read(*entries):
    return read_layer_times(json.dumps([{"count": 100}, *entries]), "trtexec")


def test_layer_times_are_the_means_of_all_inferences():
    assert read(ENTRY, {**ENTRY, "name": "/relu/Relu", "averageMs": 0}) == [("/conv/Conv", 0.5), ("/relu/Relu", 0.0)]


def test_a_name_may_have_any_character_that_json_would_escape():
    assert read_layer_times('[{"name": "a\x1eb", "averageMs": 1}]', "trtexec") == [("a\x1eb", 1.0)]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "a"}, "KeyError: 'averageMs'"),
        ({"name": "a", "averageMs": None}, "TypeError"),
        ({"name": "a", "averageMs": "fast"}, "ValueError"),
        ({"name": "a", "averageMs": 10**400}, "OverflowError"),
        ({"name": "a", "averageMs": -1}, "wrote -1.0 as the time of the layer 'a'"),
        ({"name": "a", "averageMs": float("inf")}, "wrote inf as the time"),
        ({"name": "a", "averageMs": float("nan")}, "wrote nan as the time"),
    ],
)
def test_a_time_that_cannot_be_is_an_error(entry, words):
    with pytest.raises(FrameworkError, match=words):
        read(ENTRY, entry)


def test_a_profile_without_layers_is_none():
    with pytest.raises(NoProfile, match="trtexec profiled no layer"):
        read()


@given(st.text() | JSON.map(json.dumps) | st.lists(JSON).map(json.dumps))
def test_whatever_trtexec_writes_is_times_or_one_error(text):
    with suppress(FrameworkError):
        assert all(time_ms >= 0 for _, time_ms in read_layer_times(text, "trtexec"))

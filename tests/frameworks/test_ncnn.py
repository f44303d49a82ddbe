from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks import ncnn as adapter
from pytest_edgeperf.frameworks.building import Built, version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.ncnn import Ncnn, conversion
from pytest_edgeperf.frameworks.ncnn.conversion import build_fp32
from pytest_edgeperf.frameworks.ncnn.files import MAGIC, OUTPUTS
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.testing import CHANNELS, CLASSES, SHAPE, expected, images, weights, write_onnx

pytestmark = pytest.mark.skipif(Ncnn().version() is None, reason="ncnn is not installed")
needs_pnnx = pytest.mark.skipif(version_of("pnnx") is None, reason="pnnx is not installed")

#: What comes before weights in a .bin file.
FP32, INT8 = bytes(4), bytes.fromhex("384b0d00")
IMAGES = TensorSpec("images", (1, 3, 8, 8))


@pytest.fixture
def network(tmp_path):
    """Writes ncnn's two files and gives a model of them."""

    def write(layers, data=b"", blobs=2, specs=(IMAGES,), source="ncnn"):
        param, weight_file = tmp_path / "net.param", tmp_path / "net.bin"
        lines = ["Input images 0 1 in0", *layers]
        param.write_text("\n".join([MAGIC, f"{len(lines)} {blobs}", *lines]) + "\n")
        weight_file.write_bytes(data)
        return Model("net", {source: lambda: (str(param), str(weight_file))}, tuple(specs))

    return write


def contract_model(folder, **more):
    return Model("contract", {"onnx": partial(str, write_onnx(str(folder / "contract.onnx")))}, **more)


@needs_pnnx
def test_it_says_what_it_is(tmp_path):
    engine = Ncnn().load(contract_model(tmp_path), threads=2)
    told = engine.describe()
    assert (told["framework"], told["precision"], told["provider"], told["threads"]) == ("ncnn", "fp32", "cpu", 2)
    assert told["switches"] == ["lightmode", "use_packing_layout", "use_sgemm_convolution", "use_winograd_convolution"]
    assert told["built_with"] == {name: version_of(name) for name in ("onnx", "pnnx")}
    assert len(told["engine_sha256"]) == 12
    assert engine.size_mib > 0


@needs_pnnx
def test_a_wrong_conversion_is_refused(tmp_path, monkeypatch):
    """pnnx drops what a matrix that is not transposed needs: the network gives 16 x 10 numbers instead of 10."""
    monkeypatch.setattr(conversion, "transpose_matrices", lambda model: None)
    build_fp32(tmp_path, write_onnx(str(tmp_path / "contract.onnx")))
    assert (tmp_path / OUTPUTS).read_text().strip() == "[[1, 10]]"
    monkeypatch.setattr(adapter, "converted", lambda model, onnx: Built(tmp_path, {"tools": {}}))
    try:
        engine = Ncnn().load(contract_model(tmp_path))
    except FrameworkError as error:
        assert "converted wrongly" in str(error)  # noqa: PT017 (a pnnx without the fault is right)
    else:
        np.testing.assert_allclose(engine.infer(images()[0])[0], expected(images()[0]), rtol=1e-3, atol=1e-3)


@needs_pnnx
def test_outputs_come_in_the_files_order_and_shape(onnx_file):
    import onnx
    from onnx import helper

    path = onnx_file((1, 3, 5, 5))
    model = onnx.load(str(path))
    model.graph.node.append(helper.make_node("MaxPool", ["rectified"], ["pooled"], kernel_shape=[2, 2], strides=[1, 1]))
    model.graph.output.insert(0, helper.make_tensor_value_info("pooled", onnx.TensorProto.FLOAT, None))
    onnx.save(model, str(path))
    engine = Ncnn().load(as_model(path))
    image = np.random.default_rng(0).standard_normal((1, 3, 5, 5)).astype(np.float32)
    pooled, rectified = engine.infer(image)
    np.testing.assert_array_equal(rectified, np.maximum(image, 0))
    corners = [rectified[:, :, down : down + 4, right : right + 4] for down in (0, 1) for right in (0, 1)]
    np.testing.assert_array_equal(pooled, np.maximum.reduce(corners))


def test_ncnn_would_answer_whatever_the_shape_type_and_layout(network):
    """It reads the memory as it lies: other shapes and types are refused, another layout is copied."""
    engine = Ncnn().load(network(["ReLU relu 1 1 in0 out0"]))
    image = np.random.default_rng(0).standard_normal(IMAGES.shape).astype(np.float32)
    np.testing.assert_array_equal(engine.infer(np.asfortranarray(image))[0], np.maximum(image, 0))
    for wrong in (image.astype(np.float64), image[:, :, :7], np.concatenate([image, image])):
        with pytest.raises(FrameworkError, match=r"input 'images' is float32 \[1, 3, 8, 8\], not"):
            engine.infer(wrong)
    with pytest.raises(FrameworkError, match="2 arrays for the inputs images"):
        engine.infer(image, image)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_precision_is_offered_where_it_changes_the_numbers_and_only_there(network, precision):
    kernel = np.random.default_rng(0).standard_normal((32, 3, 3, 3)).astype(np.float32)
    layer = f"Convolution convolution 1 1 in0 out0 0=32 1=3 4=1 5=0 6={kernel.size}"
    model = network([layer], FP32 + kernel.tobytes())
    reason = Ncnn().unsupported(model, precision)
    if reason is not None:
        assert f"accepts {precision} on this CPU, but computes convolutions in fp32" in reason
        with pytest.raises(FrameworkError, match="but computes convolutions in fp32"):
            Ncnn().load(model, precision=precision)
        return
    image = np.random.default_rng(1).standard_normal(IMAGES.shape).astype(np.float32)
    exact = Ncnn().load(model).infer(image)[0]
    engine = Ncnn().load(model, precision=precision)
    rounded = engine.infer(image)[0]
    assert 0 < np.abs(rounded - exact).max() < 0.05 * np.abs(exact).max()
    assert engine.describe()["layers_in_precision"] == "1 of 1"


def test_a_network_of_layers_that_stay_in_fp32_is_no_bf16(network):
    """Depthwise convolutions are not computed in bf16 on every CPU, though plain ones are."""
    if Ncnn().unable("bf16") is not None:
        pytest.skip("no bf16 here")
    layer = "ConvolutionDepthWise convolution 1 1 in0 out0 0=3 1=3 4=1 5=0 6=27 7=3"
    model = network([layer], FP32 + np.ones(27, np.float32).tobytes())
    image = np.random.default_rng(1).standard_normal(IMAGES.shape).astype(np.float32)
    exact = Ncnn().load(model).infer(image)[0]
    try:
        engine = Ncnn().load(model, precision="bf16")
    except FrameworkError as error:
        assert "computes none of the 1 layers with weights" in str(error)  # noqa: PT017 (either is right)
    else:
        assert not np.array_equal(engine.infer(image)[0], exact)


def int8_contract(network, source="ncnn:int8"):
    """The contract's network with its convolution in int8, in ncnn's files."""
    made = weights()
    scales = 127 / np.abs(made["kernel"]).max(axis=(1, 2, 3))
    quantised = np.round(made["kernel"] * scales[:, None, None, None]).astype(np.int8)
    data = INT8 + quantised.tobytes() + made["bias"].tobytes()
    data += scales.astype(np.float32).tobytes() + np.float32(127 / 5).tobytes()
    data += FP32 + np.ascontiguousarray(made["matrix"].T).tobytes()
    layers = [
        f"Convolution convolution 1 1 in0 a 0={CHANNELS} 1=3 4=1 5=1 6={quantised.size} 8=1 9=1",
        "Pooling pooling 1 1 a b 0=1 4=1",
        f"InnerProduct linear 1 1 b out0 0={CLASSES} 1=0 2={made['matrix'].size}",
    ]
    return network(layers, data, blobs=4, specs=(TensorSpec("images", SHAPE),), source=source)


def test_int8_is_for_files_that_are_int8(network):
    engine = Ncnn().load(int8_contract(network), precision="int8")
    for image in images():
        right = expected(image)
        error = np.abs(engine.infer(image)[0] - right).max() / np.abs(right).max()
        assert 0 < error < 0.05
    assert "use_int8_inference" in engine.describe()["switches"]


def test_int8_files_are_no_fp32_and_the_other_way_round(network):
    with pytest.raises(FrameworkError, match=r"net\.param should be fp32, but 1 of its layers are int8"):
        Ncnn().load(int8_contract(network, source="ncnn"))
    model = network(["ReLU relu 1 1 in0 out0"], source="ncnn:int8")
    with pytest.raises(FrameworkError, match=r"net\.param should be int8, but none of its layers has int8 scales"):
        Ncnn().load(model, precision="int8")
    assert "ncnn2int8" in str(Ncnn().unsupported(Model("net", {"onnx": str}), "int8"))
    batch = Model("net", {"onnx": str}, inputs=(TensorSpec("images", (4, 3, 8, 8)),))
    assert "inputs of one example" in str(Ncnn().unsupported(batch, "fp32"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ("net.param", "not the paths of a .param and a .bin file"),
        (("net.param", "net.bin"), r"model 'net': the file net\.param does not exist"),
    ],
)
def test_a_source_that_gives_no_files_is_refused(files, reason):
    with pytest.raises(FrameworkError, match=reason):
        Ncnn().load(Model("net", {"ncnn": lambda: files}, (IMAGES,)))


def test_files_that_are_no_network_are_named(network, tmp_path):
    with pytest.raises(FrameworkError, match=r"ncnn has no layer Nonsense, which .*net\.param needs"):
        Ncnn().load(network(["Nonsense nonsense 1 1 in0 out0"]))
    with pytest.raises(FrameworkError, match=r"cannot load .*net\.param with .*net\.bin"):
        Ncnn().load(network(["Convolution convolution 1 1 in0 out0 0=4 1=3 5=0 6=108"], FP32 + bytes(100)))
    model = network(["ReLU relu 1 1 in0 out0"])
    (tmp_path / "net.param").write_bytes(b"this is no network")
    with pytest.raises(FrameworkError, match=r"net\.param is not a text file of ncnn's parameters"):
        Ncnn().load(model)


@pytest.mark.parametrize(
    ("specs", "reason"),
    [
        ((), r"do not hold the shapes of their inputs.*TensorSpec"),
        ((TensorSpec("images", (2, 3, 8, 8)),), r"inputs of one example .* is float32 \[2, 3, 8, 8\]"),
        ((TensorSpec("images", (1, 3, 8, 8), "int64"),), r"'images' is int64"),
        ((IMAGES, IMAGES), "has 2 inputs, but .* has in0"),
    ],
)
def test_inputs_that_ncnn_cannot_take_are_refused(network, specs, reason):
    with pytest.raises(FrameworkError, match=reason):
        Ncnn().load(network(["ReLU relu 1 1 in0 out0"], specs=specs))


def test_a_limit_of_openmp_is_no_silent_limit(network, monkeypatch):
    model = network(["ReLU relu 1 1 in0 out0"])
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    assert Ncnn().load(model).describe()["threads"] == 1
    with pytest.raises(FrameworkError, match="asked for 2 threads, but OMP_THREAD_LIMIT=1"):
        Ncnn().load(model, threads=2)


@needs_pnnx
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="the kernel does not list a process's threads")
def test_the_threads_are_really_there(tmp_path):
    path = write_onnx(str(tmp_path / "contract.onnx"))
    code = (
        "import os, sys; from pytest_edgeperf.frameworks import as_model\n"
        "from pytest_edgeperf.frameworks.ncnn import Ncnn\n"
        "before = len(os.listdir('/proc/self/task')); engine = Ncnn().load(as_model(sys.argv[1]), threads=3)\n"
        "engine.infer(*engine.example_inputs()[0]); print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    # numpy's own threads would hide them.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, path], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "2"


def test_advice_where_it_is_not_installed(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "ncnn", None)
    with pytest.raises(FrameworkError, match=r"is installed but cannot be imported.*reinstall"):
        Ncnn().load(network(["ReLU relu 1 1 in0 out0"]))
    monkeypatch.setattr(Ncnn, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[ncnn\]'"):
        Ncnn().load(network(["ReLU relu 1 1 in0 out0"]))


def test_its_layers_are_timed_one_by_one_and_compute_what_they_compute_at_once(network):
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((8, 3, 3, 3)).astype(np.float32)
    data = FP32 + kernel.tobytes() + bytes(4 * 8)
    layers = [
        "Convolution conv 1 1 in0 c 0=8 1=3 4=1 5=1 6=216",
        "Split split 1 2 c left right",
        # As pnnx names what is between layers.
        "ReLU relu 1 1 left 5",
        "BinaryOp add 2 1 5 right out0 0=0",
    ]
    engine = Ncnn().load(network(layers, data, blobs=6))
    example = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    right = engine.infer(example)[0]
    profile = engine.profile_operators([(example,), (2 * example,)], repetitions=2, calls=3)
    assert profile.source == "ncnn, layer by layer"
    for operators in profile.repetitions:
        assert [(operator.name, operator.kind, operator.outputs) for operator in operators] == [
            ("conv", "Convolution", ("c",)),
            ("split", "Split", ("left", "right")),
            ("relu", "ReLU", ()),
            ("add", "BinaryOp", ("out0",)),
        ]
        assert all(operator.time_ms > 0 for operator in operators)
    np.testing.assert_array_equal(engine.infer(example)[0], right)


def test_a_layer_that_does_the_work_has_the_time(network):
    """What computes an output is timed, and not what asks for it."""
    rng = np.random.default_rng(0)
    specs = (TensorSpec("images", (1, 64, 48, 48)),)
    data = FP32 + rng.standard_normal(64 * 64 * 9).astype(np.float32).tobytes() + bytes(4 * 64)
    layers = [
        "Dropout before 1 1 in0 a",
        "Convolution conv 1 1 a b 0=64 1=3 4=1 5=1 6=36864",
        "Dropout after 1 1 b out0",
    ]
    engine = Ncnn().load(network(layers, data, blobs=4, specs=specs))
    (operators,) = engine.profile_operators(
        [(np.ones(specs[0].shape, np.float32),)], repetitions=1, calls=5
    ).repetitions
    times_ms = {operator.name: operator.time_ms for operator in operators}
    assert times_ms["conv"] > 10 * max(times_ms["before"], times_ms["after"])


def test_a_network_without_layers_has_no_profile(network, monkeypatch):
    engine = Ncnn().load(network(["ReLU relu 1 1 in0 out0"]))

    class Empty:
        def blobs(self):
            return []

        def layers(self):
            return []

    monkeypatch.setattr(engine, "_net", Empty())
    with pytest.raises(NoProfile, match="ncnn has no layers that compute in model 'net'"):
        engine.profile_operators([(np.ones(IMAGES.shape, np.float32),)])

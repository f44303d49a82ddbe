from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, TensorSpec
from pytest_edgeperf.frameworks.onnx_files import Examples
from pytest_edgeperf.frameworks.opencv import OpenCv, installed, set_threads
from pytest_edgeperf.frameworks.opencv.two_files import caffe_inputs
from pytest_edgeperf.testing import SHAPE, expected, images, write_onnx

VERSION = OpenCv().version()
needs_runtime = pytest.mark.skipif(VERSION is None, reason="opencv is not installed")
needs_readers = pytest.mark.skipif(
    VERSION is None or installed.release(VERSION)[0] > 4,
    reason="opencv before release 5, with readers of Darknet and Caffe",
)

CFG = """[net]
width=8
height=8
channels=3

[convolutional]
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=1

[convolutional]
filters=2
size=1
stride=1
activation=linear
"""
#: bias, scale, mean and variance of 4 channels, 3x3 kernels; then bias and kernels of the second convolution.
FLOATS = 4 * 4 + 4 * 3 * 9 + 2 + 2 * 4


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx")


def model_of(path, *specs, precision=None):
    kind = f"onnx:{precision}" if precision else "onnx"
    return Model("small", {kind: partial(str, path)}, tuple(specs))


def write_graph(onnx, path, nodes, inputs, outputs, weights=()):
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, given, made, **options) for kind, given, made, options in nodes],
        "small",
        [value(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs],
        [value(name, kind, shape) for name, kind, shape in outputs],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(path))
    return path


@pytest.fixture
def darknet(tmp_path):
    """Writes a small network; ``change`` alters the bytes of its weights."""

    def write(change=bytes, cfg=CFG):
        generator = np.random.default_rng(3)
        floats = generator.standard_normal(FLOATS).astype("<f4")
        floats[12:16] = 1 + generator.random(4)
        header = np.array([0, 2, 0], "<i4").tobytes() + np.array([0], "<i8").tobytes()
        files = tmp_path / "net.cfg", tmp_path / "net.weights"
        files[0].write_text(cfg)
        files[1].write_bytes(change(header + floats.tobytes()))
        return Model("net", {"darknet": lambda: files})

    return write


# What is asked for is what is given.


@needs_runtime
def test_it_says_what_it_is(onnx, tmp_path):
    import cv2

    engine = OpenCv().load(as_model(write_onnx(str(tmp_path / "small.onnx"))), threads=2)
    told = engine.describe()
    assert told["version"].startswith(cv2.__version__.partition("-")[0])
    assert told["provider"] == "DNN_BACKEND_OPENCV/DNN_TARGET_CPU"
    assert told["threads"] == cv2.getNumThreads() == 2
    assert (told["heavy_layers"], told["int8_layers"]) == (2, 0)
    assert told["engine"] == ("new" if hasattr(cv2.dnn, "ENGINE_NEW") else "classic")
    assert told["provider"] in OpenCv().providers()
    assert engine.placement()[told["provider"]] >= 2


@needs_runtime
@pytest.mark.parametrize("threads", [1, 3])
def test_it_computes_with_as_many_threads_as_it_says(onnx, tmp_path, threads):
    """Counted by the kernel: OpenCV starts its threads when it first needs them."""
    write_onnx(str(tmp_path / "small.onnx"))
    code = (
        "import os, sys\n"
        "import cv2, numpy, onnx\n"
        "from pytest_edgeperf.frameworks import as_model\n"
        "from pytest_edgeperf.frameworks.opencv import OpenCv\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "engine = OpenCv().load(as_model(sys.argv[1]), threads=int(sys.argv[2]))\n"
        "entry = engine.example_inputs()[0]\n"
        "for _ in range(5): engine.infer(*entry)\n"
        "print(engine.describe()['parallel'], len(os.listdir('/proc/self/task')) - before)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "small.onnx"), str(threads)]
    parallel, started = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    if parallel != "pthreads":
        pytest.skip(f"{parallel} has threads of its own")
    assert int(started) == threads - 1


@needs_runtime
def test_a_build_that_has_other_threads_is_refused():
    class Serial:
        def setNumThreads(self, threads):
            pass

        def getNumThreads(self):
            return 1

        def getBuildInformation(self):
            return "  Parallel framework:            none\n"

    with pytest.raises(FrameworkError, match="asked for 2 threads and gave 1; it was built with none"):
        set_threads(Serial(), 2)


@needs_runtime
def test_the_target_for_half_precision_is_accepted_and_computes_in_fp32(onnx, tmp_path):
    """The trap for which fp16 is refused: the net even says CPU_FP16."""
    import cv2

    if not hasattr(cv2.dnn, "DNN_TARGET_CPU_FP16"):
        pytest.skip("came with release 4.8")
    if cv2.dnn.DNN_TARGET_CPU_FP16 in cv2.dnn.getAvailableTargets(cv2.dnn.DNN_BACKEND_OPENCV):
        pytest.skip("a build for Apple's processors has it")
    path = write_onnx(str(tmp_path / "small.onnx"))
    outputs = []
    for target in (cv2.dnn.DNN_TARGET_CPU, cv2.dnn.DNN_TARGET_CPU_FP16):
        net = cv2.dnn.readNetFromONNX(path)
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setPreferableTarget(target)
        net.setInput(images()[0])
        outputs.append(net.forward())
    np.testing.assert_array_equal(*outputs)
    assert "computes in fp32" in str(OpenCv().unable("fp16"))


# What OpenCV would silently accept.


@needs_runtime
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 3, 64, 64), np.float32),
        np.zeros((2, 3, 32, 32), np.float32),
        np.zeros(SHAPE, np.uint8),
        np.zeros(SHAPE, np.float64),
    ],
    ids=["larger", "two images", "uint8", "float64"],
)
def test_other_inputs_that_opencv_would_answer_are_errors(onnx, tmp_path, array):
    engine = OpenCv().load(as_model(write_onnx(str(tmp_path / "small.onnx"))))
    with pytest.raises(FrameworkError, match=r"'small' takes float32 \[1, 3, 32, 32\], not"):
        engine.infer(array)
    with pytest.raises(FrameworkError, match="2 arrays for the inputs images"):
        engine.infer(array, array)
    right = expected(images()[0])
    assert np.abs(engine.infer(images()[0])[0] - right).max() < 1e-4


@needs_runtime
def test_outputs_are_not_overwritten_and_inputs_that_are_not_contiguous_are_right(onnx, tmp_path):
    engine = OpenCv().load(as_model(write_onnx(str(tmp_path / "small.onnx"))))
    first, second = images()
    (found,) = engine.infer(first)
    kept = found.copy()
    engine.infer(second)
    np.testing.assert_array_equal(found, kept)
    strided = np.ascontiguousarray(first.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(engine.infer(strided)[0], kept)


@needs_runtime
def test_outputs_come_in_the_models_order_with_the_models_shapes(onnx, tmp_path):
    """OpenCV 4 sorts them by name, and gives a vector as a column and a number as a matrix."""
    kind = onnx.TensorProto.FLOAT
    path = write_graph(
        onnx,
        tmp_path / "several.onnx",
        [
            ("Relu", ["x"], ["rectified"], {}),
            ("ReduceMean", ["rectified"], ["mean"], {"axes": [0, 2, 3], "keepdims": 0}),
            ("ReduceMean", ["rectified"], ["all"], {"keepdims": 0}),
        ],
        [("x", (1, 3, 2, 2))],
        [("rectified", kind, (1, 3, 2, 2)), ("mean", kind, (3,)), ("all", kind, ())],
    )
    x = np.random.default_rng(1).standard_normal((1, 3, 2, 2)).astype(np.float32)
    right = np.maximum(x, 0)
    found = OpenCv().load(as_model(path)).infer(x)
    for one, wanted in zip(found, (right, right.mean(axis=(0, 2, 3)), right.mean())):
        assert one.shape == wanted.shape
        np.testing.assert_allclose(one, wanted, rtol=1e-6)


@needs_runtime
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_arrays_go_to_the_inputs_in_the_models_order(onnx, tmp_path, precision):
    """Examples for calibration as well: the inputs' ranges differ, and swapped ones would cut off."""
    if precision == "int8":
        pytest.importorskip("onnxruntime")
    weights = [("k", np.ones((1, 1, 1, 1), np.float32)), ("l", np.full((1, 1, 1, 1), 2, np.float32))]
    path = write_graph(
        onnx,
        tmp_path / "two.onnx",
        [("Conv", [a, k], [c], {"kernel_shape": [1, 1]}) for a, k, c in ("akc", "bld")],
        [("a", (1, 1, 2, 2)), ("b", (1, 1, 2, 2))],
        [(name, onnx.TensorProto.FLOAT, (1, 1, 2, 2)) for name in "cd"],
        weights,
    )
    large, small = (np.full((1, 1, 2, 2), value, np.float32) for value in (100, 1))
    specs = (TensorSpec("b", (1, 1, 2, 2)), TensorSpec("a", (1, 1, 2, 2)))
    model = Model("two", {"onnx": partial(str, path)}, specs, calibration=lambda: Inputs([(large, small)]))
    of_a, of_b = OpenCv().load(model, precision=precision).infer(large, small)
    np.testing.assert_allclose(of_a, small, rtol=0.02)
    np.testing.assert_allclose(of_b, 2 * large, rtol=0.02)


@needs_runtime
def test_a_file_without_the_shapes_of_its_outputs_is_read(onnx, tmp_path):
    """OpenCV 4 fails an assertion on it."""
    path = write_graph(
        onnx,
        tmp_path / "shapeless.onnx",
        [("Relu", ["x"], ["y"], {})],
        [("x", (1, 3, 2, 2))],
        [("y", onnx.TensorProto.FLOAT, None)],
    )
    x = np.random.default_rng(1).standard_normal((1, 3, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(OpenCv().load(as_model(path)).infer(x)[0], np.maximum(x, 0))


@needs_runtime
def test_an_input_of_integers_is_refused(onnx, tmp_path, onnx_file):
    path = onnx_file(kind=onnx.TensorProto.INT32)
    with pytest.raises(FrameworkError, match=r"input 'images' of .* is int32; opencv's inputs are float32"):
        OpenCv().load(as_model(path))


# int8


@needs_runtime
def test_int8_is_computed_in_int8(onnx, tmp_path):
    pytest.importorskip("onnxruntime")
    engine = OpenCv().load(as_model(write_onnx(str(tmp_path / "small.onnx"))), precision="int8")
    told = engine.describe()
    assert told["int8_layers"] == told["heavy_layers"] == 2
    assert told["engine_sha256"]
    assert told["calibration"]["from"] == "seeded random inputs"


@needs_runtime
def test_a_quantised_file_is_int8_and_not_fp32(onnx, tmp_path):
    pytest.importorskip("onnxruntime")
    path = write_onnx(str(tmp_path / "small.onnx"))
    made = OpenCv().load(as_model(path), precision="int8")
    quantised = next((tmp_path / "cache").rglob("small-int8-*/model.onnx"))
    taken = OpenCv().load(model_of(quantised, precision="int8"), precision="int8")
    np.testing.assert_array_equal(taken.infer(images()[0])[0], made.infer(images()[0])[0])
    with pytest.raises(FrameworkError, match="should be fp32, but opencv computes 2 of its layers in int8"):
        OpenCv().load(model_of(quantised))


@needs_readers
def test_a_file_with_quantise_and_dequantise_nodes_is_not_int8(onnx, tmp_path):
    """OpenCV 4 reads it, answers right, and computes in fp32 between those nodes."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    path = write_onnx(str(tmp_path / "small.onnx"))
    np.savez(str(tmp_path / "examples.npz"), **{f"{index}_0": image for index, image in enumerate(images())})
    examples = Examples(str(tmp_path / "examples.npz"), ["images"])
    quantization.quantize_static(path, str(tmp_path / "qdq.onnx"), examples, per_channel=True)
    with pytest.raises(FrameworkError, match=r"should be int8, but opencv computes none .* give one in QLinear"):
        OpenCv().load(model_of(tmp_path / "qdq.onnx", precision="int8"), precision="int8")


# Darknet's and Caffe's files


@needs_readers
def test_darknets_files_are_read(darknet):
    model = darknet()
    engine = OpenCv().load(model)
    assert engine.inputs == (TensorSpec("images", (1, 3, 8, 8)),)
    assert engine.infer(*engine.example_inputs()[0])[0].shape == (1, 2, 8, 8)
    assert engine.describe()["source"] == "darknet"
    sizes = [path.stat().st_size for path in model.sources["darknet"]()]
    assert engine.size_mib == pytest.approx(sum(sizes) / 2**20)
    paths = model.sources["darknet"]()
    assert as_model(paths[0]).sources["darknet"]() == tuple(map(str, paths))


@needs_readers
@pytest.mark.parametrize(
    "change", [lambda data: data[:-4], lambda data: data + b"1234", lambda data: data[:20]], ids=["cut", "more", "none"]
)
def test_weights_that_are_not_whole_are_refused(darknet, change):
    """OpenCV takes what memory holds for those that the file lacks."""
    model = darknet(change)
    whole = 20 + 4 * FLOATS
    with pytest.raises(FrameworkError, match=rf"net\.weights has \d+ bytes, but .*net\.cfg describes {whole}"):
        OpenCv().load(model)


@needs_readers
def test_weights_of_the_old_format_are_read(darknet):
    def old(data):
        return np.array([0, 1, 0, 0], "<i4").tobytes() + data[20:]

    entry = OpenCv().load(darknet()).example_inputs()[0]
    new = OpenCv().load(darknet()).infer(*entry)[0]
    np.testing.assert_array_equal(OpenCv().load(darknet(old)).infer(*entry)[0], new)


@needs_readers
def test_anchors_in_the_description_are_no_weights(darknet):
    yolo = "\n[yolo]\nmask=0\nanchors=10,14, 23,27\nclasses=1\nnum=2\n"
    cfg = CFG.replace("filters=2\nsize=1", "filters=6\nsize=1") + yolo

    def with_six(data):
        return data + bytes(4 * (6 - 2) * (1 + 4))

    assert OpenCv().load(darknet(with_six, cfg)).infer(np.zeros((1, 3, 8, 8), np.float32))


@needs_readers
def test_a_description_of_another_size_is_refused(darknet):
    model = darknet()
    other = Model("net", model.sources, (TensorSpec("images", (1, 3, 16, 16)),))
    with pytest.raises(FrameworkError, match=r"images float32 \[1, 3, 16, 16\], but .*net\.cfg has images float32 \[1"):
        OpenCv().load(other)
    nothing = darknet(cfg=CFG.replace("width=8\n", ""))
    with pytest.raises(FrameworkError, match=r"net\.cfg does not contain the size of its inputs; give it with"):
        OpenCv().load(nothing)


@needs_readers
def test_several_inputs_of_caffes_files_are_set_by_their_names(tmp_path):
    files = tmp_path / "two.prototxt", tmp_path / "two.caffemodel"
    files[0].write_text(
        'input: "a"\ninput_shape { dim: 1 dim: 2 }\ninput: "b"\ninput_shape { dim: 1 dim: 2 }\n'
        'layer { name: "c" type: "Eltwise" bottom: "a" bottom: "b" top: "c"\n'
        "        eltwise_param { operation: SUM coeff: 1 coeff: -1 } }\n"
    )
    files[1].write_bytes(b"")
    five, two = np.full((1, 2), 5, np.float32), np.full((1, 2), 2, np.float32)
    sources = {"caffe": lambda: files}
    assert OpenCv().load(Model("two", sources)).infer(five, two)[0].tolist() == [[3, 3]]
    swapped = Model("two", sources, (TensorSpec("b", (1, 2)), TensorSpec("a", (1, 2))))
    assert OpenCv().load(swapped).infer(five, two)[0].tolist() == [[-3, -3]]
    with pytest.raises(FrameworkError, match="has the inputs x float32"):
        OpenCv().load(Model("two", sources, (TensorSpec("x", (1, 2)), TensorSpec("a", (1, 2)))))


@needs_runtime
def test_two_files_are_taken_before_onnx_where_they_can_be_read(onnx, tmp_path, darknet):
    path = write_onnx(str(tmp_path / "small.onnx"))
    model = Model("both", {"onnx": partial(str, path), **darknet().sources})
    source = OpenCv().load(model).describe()["source"]
    assert source == ("onnx" if installed.release(VERSION)[0] > 4 else "darknet")


@needs_runtime
def test_a_source_that_gives_no_two_files_is_refused():
    if installed.release(str(VERSION))[0] > 4:
        pytest.skip("release 5 reads no files of Darknet")
    with pytest.raises(FrameworkError, match=r"sources\['darknet'\] gave 'net\.cfg', not the paths of its two files"):
        OpenCv().load(Model("net", {"darknet": lambda: "net.cfg"}))


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ('input: "a"\ninput_dim: 1\ninput_dim: 3\ninput_dim: 4\ninput_dim: 5\n', [("a", (1, 3, 4, 5))]),
        (
            'input: "a"\ninput_shape { dim: 1 dim: 3 }\ninput: "b"\ninput_shape {\n dim: 2\n}',
            [("a", (1, 3)), ("b", (2,))],
        ),
        (
            'layer { name: "n" type: "Input" top: "a" input_param { shape: { dim: 1 dim: 7 } } }\n'
            '# layer { type: "Input" top: "old" }\n'
            'layer { name: "r" type: "ReLU" bottom: "a" top: "r" }',
            [("a", (1, 7))],
        ),
        ('layer { name: "d" type: "Data" top: "a" }', []),
    ],
    ids=["dimensions", "shapes", "layer", "none"],
)
def test_inputs_in_caffes_description_are_found(text, inputs):
    assert [(spec.name, spec.shape) for spec in caffe_inputs(text)] == inputs


@pytest.mark.parametrize("kind", ["darknet", "caffe"])
def test_release_5_has_no_reader_for_them(monkeypatch, kind):
    monkeypatch.setattr(OpenCv, "version", lambda self: "5.0.0.93")
    model = Model("net", {kind: lambda: ("a", "b")})
    reason = str(OpenCv().unsupported(model, "fp32"))
    assert (
        f"opencv 5.0.0.93 cannot read model 'net': release 5 has no reader for the files of {kind.capitalize()}"
        in reason
    )
    assert "opencv-python-headless<5" in reason
    with pytest.raises(FrameworkError, match="release 5 has no reader"):
        OpenCv().load(model)


# Which version is here


def test_the_version_is_that_of_the_files_that_are_imported(tmp_path):
    package = tmp_path / "cv2"
    package.mkdir()
    (package / "version.py").write_text('opencv_version = "4.9.0.80"\ncontrib = False\n')
    assert installed.version_at(str(package / "__init__.py")) == "4.9.0.80"


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"\0General configuration for OpenCV 4.8.0 =====\0libopencv_core.so.408\0", "4.8.0"),
        (b"\0libc.so.6\0libopencv_core.so.4.5\0", "4.5"),
        (b"\0libopencv_core.so.406\0", "4.6"),
    ],
    ids=["built in", "linked", "linked to Debian's"],
)
def test_the_version_of_a_systems_own_build_is_found(tmp_path, content, version):
    """Debian's is one file; JetPack's lies in a folder below the package."""
    alone = tmp_path / "cv2.cpython-311-x86_64-linux-gnu.so"
    alone.write_bytes(content)
    assert installed.version_at(str(alone)) == version
    below = tmp_path / "cv2" / "python-3.8"
    below.mkdir(parents=True)
    (below / "cv2.cpython-38-aarch64-linux-gnu.so").write_bytes(content)
    assert installed.version_at(str(tmp_path / "cv2" / "__init__.py")) == version


def test_a_build_that_does_not_tell_is_unknown_and_not_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "version_of", lambda distribution: None)
    (tmp_path / "cv2.so").write_bytes(b"nothing")
    assert installed.version_at(str(tmp_path / "cv2.so")) == "unknown build"


@needs_runtime
def test_the_real_extension_module_tells_the_same_version():
    import cv2

    told = OpenCv().version()
    found = [installed.version_in(path) for path in Path(cv2.__file__).parent.glob("cv2*.so")]
    assert found
    assert all(told.startswith(version) for version in found)


@needs_runtime
def test_distributions_over_one_another_are_told(monkeypatch, onnx, tmp_path):
    monkeypatch.setattr(OpenCv, "version", lambda self: "3.4.18.65")
    with pytest.raises(FrameworkError, match=r"are of 3\.4\.18\.65, but the imported cv2 is .*uninstall"):
        OpenCv().load(as_model(write_onnx(str(tmp_path / "small.onnx"))))


def test_advice_where_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert OpenCv().version() is None
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[opencv\]'"):
        OpenCv().providers()


def test_a_model_without_a_source_for_it_is_declined_with_the_remedy():
    assert "torch.onnx.export" in str(OpenCv().unsupported(Model("net", {"torch": object}), "fp32"))
    assert "no 'onnx' source" in str(OpenCv().unsupported(Model("net", {"darknet": object}), "int8"))

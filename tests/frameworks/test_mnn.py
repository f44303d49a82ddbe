from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from pytest_edgeperf.caches import cache_folder
from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.mnn import Mnn
from pytest_edgeperf.frameworks.mnn.conversion import CONVERTED, build
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.testing import SHAPE, expected, images, write_onnx

pytestmark = pytest.mark.skipif(Mnn().version() is None, reason="MNN is not installed")


@pytest.fixture
def contract(tmp_path):
    pytest.importorskip("onnx")
    return Model("contract", {"onnx": partial(str, write_onnx(str(tmp_path / "contract.onnx")))})


def converted(model, folder, precision="fp32"):
    """The model as an .mnn file in the folder; MNN made it."""
    digest = Mnn().load(model, precision=precision).describe()["engine_sha256"]
    path = folder / f"{precision}.mnn"
    (built,) = cache_folder("engines").glob(f"*-{digest}*/{CONVERTED}")
    shutil.copy(str(built), str(path))
    return path


def test_it_says_what_it_is(contract):
    engine = Mnn().load(contract)
    told = engine.describe()
    assert (told["framework"], told["precision"], told["mode"], told["threads"]) == ("mnn", "fp32", "high", 1)
    assert told["provider"] in ("CPU", "CPU_EXTENSION")
    assert told["winograd_memory_level"] == 1
    assert told["built_with"] == {"MNN": version_of("MNN")}
    assert "quantisation" not in told
    assert engine.inputs == (TensorSpec("images", SHAPE),)


def test_fewer_threads_than_asked_are_an_error(contract):
    """The first session of several threads makes the process's pool; MNN silently gives later ones no more."""
    code = (
        "import sys; from pytest_edgeperf.frameworks import as_model\n"
        "from pytest_edgeperf.frameworks.mnn import Mnn\n"
        "for threads in (1, 2, 3): print(Mnn().load(as_model(sys.argv[1]), threads=threads).describe()['threads'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, contract.sources["onnx"]()], capture_output=True, text=True)
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == ["1", "2"]
    assert "MNN was asked for 3 threads and gave 2: a process has one pool" in done.stderr


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_precision_is_offered_where_it_changes_the_numbers_and_only_there(contract, precision):
    reason = Mnn().unsupported(contract, precision)
    if reason is not None:
        assert "on this CPU, but computes convolutions in fp32 (the outputs are bit-identical)" in reason
        with pytest.raises(FrameworkError, match="but computes convolutions in fp32"):
            Mnn().load(contract, precision=precision)
        return
    exact = Mnn().load(contract).infer(images()[0])[0]
    assert not np.array_equal(Mnn().load(contract, precision=precision).infer(images()[0])[0], exact)


def test_int8_is_of_the_weights_only_and_says_so(contract):
    engine = Mnn().load(contract, precision="int8")
    assert engine.describe()["quantisation"] == "weights only"
    assert engine.size_mib < Mnn().load(contract).size_mib
    right = expected(images()[0])
    assert 1e-4 < np.abs(engine.infer(images()[0])[0] - right).max() / np.abs(right).max() < 0.1


def test_a_file_of_mnns_is_taken_as_it_is(contract, tmp_path):
    engine = Mnn().load(as_model(converted(contract, tmp_path)))
    assert engine.inputs == (TensorSpec("images", SHAPE),)
    np.testing.assert_allclose(engine.infer(images()[0])[0], expected(images()[0]), rtol=1e-3, atol=1e-3)
    assert "engine_sha256" not in engine.describe()


def test_a_quantised_file_is_no_fp32_and_the_other_way_round(contract, tmp_path):
    quantised = as_model(converted(contract, tmp_path, "int8"))
    with pytest.raises(FrameworkError, match=r"int8\.mnn should be fp32, but its weights are: 2 arrays of int8"):
        Mnn().load(quantised)
    assert Mnn().load(quantised, precision="int8").describe()["quantisation"] == "weights only"
    with pytest.raises(FrameworkError, match=r"fp32\.mnn should be int8, but its weights are: 2 arrays of fp32"):
        Mnn().load(as_model(converted(contract, tmp_path)), precision="int8")


def test_a_damaged_file_of_mnns_is_named(tmp_path):
    (tmp_path / "bad.mnn").write_bytes(b"this is no network")
    with pytest.raises(FrameworkError, match=r"bad\.mnn"):
        Mnn().load(as_model(tmp_path / "bad.mnn"))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (TensorSpec("pictures", SHAPE), "the model names the inputs pictures, but .* has images"),
        (TensorSpec("images", (1, 3, 64, 64)), r"the model says \[1, 3, 64, 64\], but .* has \[1, 3, 32, 32\]"),
        (TensorSpec("images", SHAPE, "int32"), "the model says int32, but .* another type"),
        (TensorSpec("images", SHAPE, "int64"), "is int64; MNN's inputs are float32 or int32"),
    ],
)
def test_inputs_that_are_not_the_files_are_refused(contract, tmp_path, spec, reason):
    path = converted(contract, tmp_path)
    with pytest.raises(FrameworkError, match=reason):
        Mnn().load(Model("net", {"mnn": partial(str, path)}, (spec,)))


def test_winograds_convolutions_are_less_exact_and_can_be_switched_off(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    generator = np.random.default_rng(0)
    kernel = generator.standard_normal((64, 64, 3, 3)).astype(np.float32)
    image = generator.standard_normal((1, 64, 24, 24)).astype(np.float32)
    values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("image", "convolved")]
    values[0] = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, image.shape)
    node = helper.make_node("Conv", ["image", "kernel"], ["convolved"], kernel_shape=[3, 3])
    graph = helper.make_graph([node], "g", values[:1], values[1:], [numpy_helper.from_array(kernel, "kernel")])
    path = str(tmp_path / "convolution.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(np.float64), (3, 3), axis=(2, 3))
    right = np.einsum("nchwij,ocij->nohw", windows, kernel.astype(np.float64))
    errors = []
    for level in (0, 3):
        engine = Mnn().load(
            Model("convolution", {"onnx": partial(str, path)}, options={"mnn.winograd_memory_level": level})
        )
        assert engine.describe()["winograd_memory_level"] == level
        errors.append(np.abs(engine.infer(image)[0] - right).max() / np.abs(right).max())
    assert errors[0] <= errors[1] < 1e-3
    with pytest.raises(FrameworkError, match="must be 0, 1, 2 or 3, not 9"):
        Mnn().load(Model("convolution", {"onnx": partial(str, path)}, options={"mnn.winograd_memory_level": 9}))


def test_other_types_and_shapes_are_refused_and_answers_are_kept(contract):
    engine = Mnn().load(contract)
    first, second = images()
    answer = engine.infer(first)[0]
    before = answer.copy()
    engine.infer(second)
    np.testing.assert_array_equal(answer, before)
    np.testing.assert_array_equal(engine.infer(np.asfortranarray(first))[0], before)
    for wrong in (first.astype(np.float64), first[:, :, :16], np.concatenate([first, first])):
        with pytest.raises(FrameworkError, match=r"input 'images' is float32 \[1, 3, 32, 32\], not"):
            engine.infer(wrong)
    with pytest.raises(FrameworkError, match="2 arrays for the inputs images"):
        engine.infer(first, second)


def test_a_converter_that_wrote_nothing_has_failed(tmp_path):
    """It says that it succeeded."""
    (tmp_path / "bad.onnx").write_bytes(b"this is no network")
    with pytest.raises(FrameworkError, match=r"cannot convert .*bad\.onnx"):
        build(tmp_path, str(tmp_path / "bad.onnx"), 0)
    assert not (tmp_path / CONVERTED).exists()


def test_converting_installs_nothing(contract, tmp_path, monkeypatch):
    """MNN's command ``mnnconvert`` calls pip for a package that reports over the network."""
    stub = tmp_path / "bin" / "pip"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\necho called >> '{tmp_path}/called'\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    Mnn().load(contract, precision="int8")
    assert not (tmp_path / "called").exists()


def test_advice_where_it_is_not_installed(contract, monkeypatch):
    monkeypatch.setitem(sys.modules, "MNN", None)
    with pytest.raises(FrameworkError, match=r"is installed but cannot be imported.*reinstall"):
        Mnn().load(contract)
    monkeypatch.setattr(Mnn, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[mnn\]'"):
        Mnn().load(contract)


def test_its_operators_come_in_order_with_their_types(contract):
    engine = Mnn().load(contract)
    profile = engine.profile_operators([(image,) for image in images()], repetitions=2, calls=3)
    assert profile.source == "MNN's callbacks"
    kinds = [[operator.kind for operator in operators] for operators in profile.repetitions]
    assert kinds[0] == kinds[1]
    assert kinds[0].index("Convolution") < kinds[0].index("Pooling")
    assert all(operator.time_ms > 0 for operators in profile.repetitions for operator in operators)


def test_a_network_of_which_mnn_reports_no_operator_has_no_profile(contract):
    engine = Mnn().load(contract)

    class Silent:
        #: The session is its own, and goes with it.
        real = engine._interpreter

        def runSessionWithCallBackInfo(self, *arguments):
            return 0

    engine._interpreter = Silent()
    with pytest.raises(NoProfile, match="MNN calls back for no operator of model 'contract'"):
        engine.profile_operators([(images()[0],)])

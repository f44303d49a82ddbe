from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import partial
from importlib import import_module

import numpy as np
import pytest

from pytest_edgeperf.frameworks import as_model
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.frameworks.signatures import numbered
from pytest_edgeperf.frameworks.tflite import TfLite, distribution, profiler
from pytest_edgeperf.frameworks.tflite.conversion import PYTHON_VARIABLE, missing_tool
from pytest_edgeperf.testing import SHAPE, expected, images
from tests.contract.test_tflite import NETWORK, Writer, write_network, write_torch_network

needs_runtime = pytest.mark.skipif(TfLite().version() is None, reason="no TensorFlow Lite is installed")
needs_tools = pytest.mark.skipif(not os.environ.get(PYTHON_VARIABLE), reason=f"{PYTHON_VARIABLE} names no environment")
IMAGES = TensorSpec("images", SHAPE)
LAST = (1, *SHAPE[2:], SHAPE[1])


def of(path, *specs, key="tflite"):
    return Model("net", {key: partial(str, path)}, specs)


def threads_now():
    return len(os.listdir("/proc/self/task"))


@pytest.fixture
def no_tools(monkeypatch):
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    for module in ("litert_torch", "ai_edge_quantizer"):
        monkeypatch.setitem(sys.modules, module, None)


@needs_runtime
def test_it_infers_and_says_what_it_is(tmp_path):
    path = write_network(tmp_path / "net.tflite")
    engine = TfLite().load(as_model(path), threads=2)
    assert engine.inputs == (IMAGES,)
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:12]
    assert engine.describe() == {
        "framework": "tflite",
        "version": TfLite().version(),
        "runtime": distribution(),
        "precision": "fp32",
        "provider": "cpu",
        "threads": 2,
        "delegate": "XNNPACK",
        "delegated": "4 of 4 operations",
        "activations": "float32",
        "inputs": ["float32"],
        "outputs": ["float32"],
        "quantised_by_adapter": False,
        "model_sha256": digest,
    }
    assert engine.placement() == {"XNNPACK": 4}


@needs_runtime
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="the kernel does not list a process's threads")
def test_it_starts_as_many_threads_as_it_was_asked_for(tmp_path):
    """The interpreter does not tell their number; the kernel does."""
    model = of(write_network(tmp_path / "net.tflite"))
    for threads in (1, 3):
        before = threads_now()
        engine = TfLite().load(model, threads=threads)
        engine.infer(images(1)[0])
        assert threads_now() - before == threads - 1
        engine.close()
        assert threads_now() == before


@needs_runtime
def test_integer_inputs_and_outputs_are_quantised_within_the_inference(tmp_path):
    path = write_network(tmp_path / "net.tflite", "int8")
    engine = TfLite().load(as_model(path), precision="int8")
    assert engine.inputs == (IMAGES,)
    described = engine.describe()
    assert described["inputs"] == described["outputs"] == ["int8"]
    assert described["activations"] == "int8"
    assert described["quantised_by_adapter"] is True
    for image in images():
        right = expected(image)
        (found,) = engine.infer(image)
        assert found.dtype == np.float32
        assert np.abs(found - right).max() < 0.1 * np.abs(right).max()
    # What is outside of the range is its end, not what is left of more than eight bits.
    np.testing.assert_array_equal(engine.infer(images()[0] + 1e6)[0], engine.infer(images()[0] + 100)[0])


@needs_runtime
def test_integers_are_fed_as_they_are_where_the_model_says_so(tmp_path):
    path = write_network(tmp_path / "net.tflite", "int8")
    engine = TfLite().load(of(path, TensorSpec("images", SHAPE, "int8")), precision="int8")
    assert engine.describe()["quantised_by_adapter"] is False
    scale = 9 / 255
    zero_point = round(-128 + 4.5 / scale)
    image = images()[0]
    steps = np.clip(np.rint(image / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
    quantised = TfLite().load(of(path, IMAGES), precision="int8").infer(image)[0]
    np.testing.assert_array_equal(engine.infer(steps)[0], quantised)


@needs_runtime
def test_a_file_with_weights_in_half_precision_computes_in_single(tmp_path):
    engine = TfLite().load(as_model(write_network(tmp_path / "net.tflite", "fp16")), precision="fp16")
    assert engine.describe()["activations"] == "float32"


@needs_runtime
@pytest.mark.parametrize(
    ("kind", "key", "precision"),
    [
        ("fp16", "tflite", "fp32"),
        ("int8", "tflite", "fp32"),
        ("int8", "tflite", "fp16"),
        ("fp32", "tflite:int8", "int8"),
        ("fp32", "tflite:fp16", "fp16"),
    ],
)
def test_a_file_in_another_precision_is_refused(tmp_path, kind, key, precision):
    path = write_network(tmp_path / "net.tflite", kind)
    with pytest.raises(FrameworkError, match=rf"be loaded as {precision}, but the tensors of .*net\.tflite are {kind}"):
        TfLite().load(of(path, key=key), precision=precision)


@needs_runtime
def test_channels_last_are_the_files_own(tmp_path):
    path = write_network(tmp_path / "net.tflite", last=True)
    with pytest.raises(
        FrameworkError,
        match=r"says float32 \[1, 3, 32, 32\], but .* has float32 \[1, 32, 32, 3\] \(its channels are last\)",
    ):
        TfLite().load(of(path, IMAGES))
    image = images()[0]
    (found,) = TfLite().load(of(path, TensorSpec("images", LAST))).infer(image.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(found, expected(image), rtol=1e-4, atol=1e-5)


@needs_runtime
def test_a_free_batch_is_one_or_what_the_model_says(tmp_path):
    """The interpreter itself shows a free dimension as 1, and would stay there."""
    writer = Writer()
    rectified = [writer.tensor(name, (1, 4), "float32", free_batch=True) for name in ("given", "rectified")]
    writer.operation("RELU", rectified[:1], rectified[1])
    path = writer.write(tmp_path / "net.tflite", {"given": rectified[0]}, {"rectified": rectified[1]})
    assert TfLite().load(of(path)).inputs == (TensorSpec("given", (1, 4)),)
    engine = TfLite().load(of(path, TensorSpec("given", (3, 4))))
    array = np.arange(-6, 6, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(engine.infer(array)[0], np.maximum(array, 0))
    with pytest.raises(FrameworkError, match=r"says float32 \[3, 5\], but .* has float32 \[-1, 4\]"):
        TfLite().load(of(path, TensorSpec("given", (3, 5))))


def write_difference(path, names, outputs=("difference", "doubled"), signature=True):
    writer = Writer()
    tensors = [writer.tensor(f"tensor_{name}", (2,), "float32") for name in (*names, *outputs)]
    writer.operation("SUB", tensors[:2], tensors[2], "SubOptions", fusedActivationFunction=0)
    writer.operation("ADD", [tensors[2], tensors[2]], tensors[3], "AddOptions", fusedActivationFunction=0)
    # The file has them in another order than the signature's names.
    return writer.write(
        path, dict(zip(names, tensors[:2])), {outputs[1]: tensors[3], outputs[0]: tensors[2]}, signature
    )


@needs_runtime
def test_arrays_go_to_the_inputs_in_the_models_order(tmp_path):
    path = write_difference(tmp_path / "net.tflite", ("a", "b"))
    five, two = np.full(2, 5, np.float32), np.full(2, 2, np.float32)
    engine = TfLite().load(of(path, TensorSpec("b", (2,)), TensorSpec("a", (2,))))
    doubled, difference = engine.infer(two, five)
    assert difference.tolist() == [3, 3]
    assert doubled.tolist() == [6, 6]
    with pytest.raises(FrameworkError, match="1 arrays for the inputs b, a"):
        engine.infer(two)
    by_tensor = TfLite().load(of(path, TensorSpec("tensor_b", (2,)), TensorSpec("tensor_a", (2,))))
    assert by_tensor.infer(two, five)[1].tolist() == [3, 3]
    with pytest.raises(FrameworkError, match=r"names the inputs c, a, but .* has a, b"):
        TfLite().load(of(path, TensorSpec("c", (2,)), TensorSpec("a", (2,))))


@needs_runtime
def test_numbered_names_are_an_order(tmp_path):
    path = write_difference(tmp_path / "net.tflite", ("args_0", "args_1"), ("output_0", "output_1"))
    five, two = np.full(2, 5, np.float32), np.full(2, 2, np.float32)
    engine = TfLite().load(of(path, TensorSpec("whole", (2,)), TensorSpec("part", (2,))))
    assert [output.tolist() for output in engine.infer(five, two)] == [[3, 3], [6, 6]]


def test_numbers_must_be_all_there():
    assert numbered(["output_1", "output_0"]) == [1, 0]
    assert numbered(["output_1", "output_2"]) is None
    assert numbered(["b", "a"]) is None


@needs_runtime
def test_a_file_without_a_signature_is_read_by_its_tensors(tmp_path):
    image = images()[0]
    engine = TfLite().load(of(write_network(tmp_path / "net.tflite", signature=False), IMAGES))
    np.testing.assert_allclose(engine.infer(image)[0], expected(image), rtol=1e-4, atol=1e-5)


@needs_runtime
def test_an_array_that_numpy_would_stretch_is_an_error(tmp_path):
    engine = TfLite().load(as_model(write_network(tmp_path / "net.tflite")))
    for shape in ((1, 1, 1, 1), (2, *SHAPE[1:]), SHAPE[1:]):
        with pytest.raises(ValueError, match="Dimension mismatch"):
            engine.infer(np.zeros(shape, np.float32))
    strided = np.repeat(images()[0], 2, axis=3)[..., ::2]
    np.testing.assert_array_equal(engine.infer(strided)[0], engine.infer(images()[0])[0])


@needs_runtime
def test_half_a_file_is_an_error(tmp_path):
    path = write_network(tmp_path / "net.tflite")
    with open(path, "rb+") as file:
        file.truncate(os.path.getsize(path) // 2)
    with pytest.raises(FrameworkError, match=rf"{distribution()} .* cannot load .*net\.tflite"):
        TfLite().load(as_model(path))


@needs_runtime
def test_an_operation_that_the_runtime_lacks_is_an_error(tmp_path):
    writer = Writer()
    given, made = (writer.tensor(name, (2,), "float32") for name in ("given", "made"))
    writer.operation("CUSTOM", [given], made)
    writer.codes[0].customCode = "NobodysOperation"
    path = writer.write(tmp_path / "net.tflite", {"given": given}, {"made": made})
    with pytest.raises(FrameworkError, match=r"cannot prepare .*net\.tflite: .*NobodysOperation"):
        TfLite().load(as_model(path))


def test_without_the_tools_a_torch_model_is_declined_with_the_commands(no_tools):
    reason = TfLite().unsupported(Model("net", {"torch": str}, (IMAGES,)), "fp32")
    assert "converting model 'net' from torch needs litert-torch" in reason
    assert "pip install litert-torch ai-edge-quantizer" in reason
    assert f"export {PYTHON_VARIABLE}=" in reason


@needs_runtime
def test_without_the_tools_a_float_file_is_not_quantised(no_tools, tmp_path):
    path = write_network(tmp_path / "net.tflite")
    with pytest.raises(FrameworkError, match="converting model 'net' needs litert-torch and ai-edge-quantizer"):
        TfLite().load(as_model(path), precision="int8")


def test_an_environment_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, "/nowhere/python")
    reason = TfLite().unsupported(Model("net", {"torch": str}, (IMAGES,)), "fp32")
    assert f"{PYTHON_VARIABLE}, which names /nowhere/python: no such program" in reason


@needs_runtime
def test_an_environment_without_the_converter_is_named(monkeypatch):
    if missing_tool("litert_torch") is None and not os.environ.get(PYTHON_VARIABLE):
        pytest.skip("this environment has the converter")
    monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)
    with pytest.raises(FrameworkError, match=r"needs litert-torch, which .* has not: .* -m pip install litert-torch"):
        TfLite().load(Model("net", {"torch": os.getcwd}, (IMAGES,)))


def test_a_model_with_neither_source_is_declined_with_the_remedy():
    reason = TfLite().unsupported(Model("net", {"onnx": str}), "fp32")
    assert "no 'tflite' source" in reason
    assert "convert it" in reason


def test_advice_where_it_is_not_installed(monkeypatch):
    for module in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(TfLite, "version", lambda self: None)
    with pytest.raises(FrameworkError, match=r"not installed; pip install 'pytest-edgeperf\[tflite\]'"):
        TfLite().load(Model("net", {"tflite": str}))


@pytest.mark.slow
@needs_runtime
@needs_tools
def test_a_users_float_file_is_quantised(tmp_path):
    model = of(write_network(tmp_path / "net.tflite"), IMAGES)
    engine = TfLite().load(model, precision="int8")
    described = engine.describe()
    assert described["activations"] == "int8"
    assert described["inputs"] == described["outputs"] == ["float32"]
    assert described["quantised_by_adapter"] is False
    assert "ai-edge-quantizer" in described["built_with"]
    assert described["calibration"]["from"] == "seeded random inputs"
    right = expected(images()[0])
    assert np.abs(engine.infer(images()[0])[0] - right).max() < 0.1 * np.abs(right).max()
    without = of(write_network(tmp_path / "without.tflite", signature=False), IMAGES)
    with pytest.raises(FrameworkError, match=r"without\.tflite has no signature"):
        TfLite().load(without, precision="int8")


@pytest.mark.slow
@needs_runtime
@needs_tools
def test_a_source_that_gives_no_module_is_named(tmp_path, monkeypatch):
    write_torch_network(tmp_path)
    (tmp_path / f"{NETWORK}_wrong.py").write_text(
        "def wrong():\n    return []\ndef needs():\n    import nobodys_module\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    wrong = import_module(f"{NETWORK}_wrong")
    with pytest.raises(FrameworkError, match=r"wrong gave a list, not an nn\.Module"):
        TfLite().load(Model("net", {"torch": wrong.wrong}, (IMAGES,)))
    with pytest.raises(FrameworkError, match=r"cannot import what .*needs: No module named 'nobodys_module'"):
        TfLite().load(Model("net", {"torch": wrong.needs}, (IMAGES,)))
    with pytest.raises(FrameworkError, match="must be a function of a module"):
        TfLite().load(Model("net", {"torch": lambda: None}, (IMAGES,)))
    with pytest.raises(FrameworkError, match="does not know the shapes of its inputs"):
        TfLite().load(Model("net", {"torch": wrong.wrong}))


def names_and_kinds(profile):
    (operators,) = {tuple((operator.name, operator.kind) for operator in told) for told in profile.repetitions}
    return operators


@needs_runtime
@pytest.mark.skipif(profiler.library() is None, reason="this package has no libLiteRt.so")
@pytest.mark.parametrize("threads", [1, 2])
def test_its_operators_are_xnnpacks(tmp_path, threads):
    engine = TfLite().load(as_model(write_network(tmp_path / "net.tflite")), threads=threads)
    profile = engine.profile_operators([(image,) for image in images()], repetitions=2, calls=3)
    assert profile.source == "LiteRT's profiler"
    told = names_and_kinds(profile)
    kinds = [kind for _, kind in told]
    assert kinds.index("Convolution") < kinds.index("Mean") < kinds.index("Fully Connected")
    assert all(name == f"{kind.replace(' ', '')}_1" for name, kind in told)


@needs_runtime
@pytest.mark.skipif(profiler.library() is None, reason="this package has no libLiteRt.so")
def test_what_the_library_cannot_do_is_said(tmp_path):
    path = str(write_network(tmp_path / "net.tflite"))
    content = images()[0].tobytes()
    with pytest.raises(NoProfile, match=r"libLiteRt\.so cannot profile .*takes 12288 bytes, and the engine is given 4"):
        profiler.profiled(path, None, [[(["images"], content[:4])]], 1, 1, 1)
    with pytest.raises(NoProfile, match="is given nothing"):
        profiler.profiled(path, None, [[(["others"], content)]], 1, 1, 1)
    with pytest.raises(NoProfile, match="it has no signature 'other'"):
        profiler.profiled(path, "other", [[(["images"], content)]], 1, 1, 1)
    with pytest.raises(NoProfile, match=r"LiteRtCreateModelFromFile failed \("):
        profiler.profiled(str(tmp_path / "missing.tflite"), None, [[(["images"], content)]], 1, 1, 1)


@needs_runtime
@pytest.mark.skipif(profiler.library() is None, reason="this package has no libLiteRt.so")
def test_what_xnnpack_leaves_is_timed_between_its_operators(tmp_path, monkeypatch):
    writer = Writer()
    shape = (1, 64, 64, 8)
    names = [writer.tensor(name, shape, np.float32) for name in ("images", "a", "b", "out")]
    axis = writer.tensor("axis", (), np.int32, np.array(1, np.int32))
    writer.operation("ABS", [names[0]], names[1])
    writer.operation("CUMSUM", [names[1], axis], names[2], "CumsumOptions", exclusive=False, reverse=False)
    writer.operation("ABS", [names[2]], names[3])
    for code in writer.codes:
        code.version = 1
    path = tmp_path / "mixed.tflite"
    writer.write(path, {"images": names[0]}, {"out": names[3]}, signature=False)
    # Another copy of the package in the current folder is not taken.
    (tmp_path / "pytest_edgeperf").mkdir()
    (tmp_path / "pytest_edgeperf" / "__init__.py").write_text("raise SystemExit('another copy')")
    monkeypatch.chdir(tmp_path)
    engine = TfLite().load(as_model(path))
    profile = engine.profile_operators(list(engine.example_inputs(2)), repetitions=2, calls=3)
    assert names_and_kinds(profile) == (("Abs_1", "Abs"), ("CUMSUM_1", "CUMSUM"), ("Abs_2", "Abs"))


def test_without_the_library_there_is_no_profile(tmp_path, monkeypatch):
    monkeypatch.setattr(profiler, "library", lambda: None)
    with pytest.raises(NoProfile, match=r"has no libLiteRt\.so.*pip install --upgrade ai-edge-litert"):
        profiler.profiled("net.tflite", None, [[]], 1, 1, 1)


def test_a_library_that_is_none_ends_no_process_but_its_own(tmp_path, monkeypatch):
    (tmp_path / profiler.LIBRARY).write_bytes(b"no library")
    monkeypatch.setattr(profiler, "library", lambda: tmp_path / profiler.LIBRARY)
    with pytest.raises(NoProfile, match=r"libLiteRt\.so cannot profile net\.tflite \(1\): OSError: "):
        profiler.profiled("net.tflite", None, [[]], 1, 1, 1)


@pytest.mark.parametrize(
    ("written", "reason"),
    [("[[[]]]", "reports no operator of net.tflite"), ("[[", "cannot profile"), (None, "cannot profile")],
)
def test_a_result_that_is_none_is_no_profile(tmp_path, monkeypatch, written, reason):
    def run(command, input, **settings):
        if written is not None:
            with open(json.loads(input)["result"], "w") as file:
                file.write(written)
        return subprocess.CompletedProcess(command, 0, "the last words")

    monkeypatch.setattr(profiler, "library", lambda: tmp_path / profiler.LIBRARY)
    monkeypatch.setattr(profiler.subprocess, "run", run)
    with pytest.raises(NoProfile, match=reason):
        profiler.profiled("net.tflite", None, [[]], 1, 1, 1)

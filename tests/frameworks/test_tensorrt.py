"""TensorRT's drivers on the strict fake of the bindings; the contract's test goes through all versions."""

from __future__ import annotations

import hashlib
import json
import sys
import types
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf.frameworks import building
from pytest_edgeperf.frameworks.interface import (
    PLATFORMS,
    Engine,
    FrameworkError,
    Inputs,
    Model,
    NoPlacement,
    TensorSpec,
)
from pytest_edgeperf.frameworks.mps import mps_active
from pytest_edgeperf.frameworks.sources import as_model
from pytest_edgeperf.frameworks.tensorrt import TensorRt, files, installed
from pytest_edgeperf.frameworks.tensorrt.bindings import Bindings
from pytest_edgeperf.frameworks.tensorrt.dla_layers import placed_layers
from pytest_edgeperf.frameworks.tensorrt.files import ENGINE
from tests.fakes import tensorrt_fake
from tests.fakes.cuda_fake import COPY_MS, DEVICE, RUN_MS

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

NOTHING = {"memory": 0, "page_locked": 0, "streams": 0, "events": 0}
MATRIX = np.linspace(-1, 1, 8, dtype=np.float32).reshape(4, 2)
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Installs a version with traits; engines are built in this process unless ``child`` is asked for."""

    def run(python, order, outside):
        module, _, name = order["function"].partition(":")
        getattr(import_module(module), name)(Path(order["folder"]), **order["arguments"])

    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))

    def install(version="10.3", child=False, metadata=True, **traits):
        tensorrt_fake.install(monkeypatch, tmp_path / "site", metadata=metadata, version=version, **traits)
        if not child:
            monkeypatch.setattr(building, "run_build", run)
        return TensorRt()

    yield install
    tensorrt_fake.forget()


@pytest.fixture
def network(tmp_path):
    """Writes ``y = x @ MATRIX`` with x [batch, 4]; its path."""

    def write(batch=3, operator="MatMul", kind="FLOAT", name="rows"):
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        element = getattr(TensorProto, kind)
        matrix = MATRIX.astype(helper.tensor_dtype_to_np_dtype(element))
        graph = helper.make_graph(
            [helper.make_node(operator, ["x", "w"], ["y"], name="the product")],
            name,
            [helper.make_tensor_value_info("x", element, [batch, 4])],
            [helper.make_tensor_value_info("y", element, [batch, 2])],
            [numpy_helper.from_array(matrix, "w")],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        path = tmp_path / f"{name}.onnx"
        onnx.save(made, str(path))
        return str(path)

    return write


def a_model(path, *, source="onnx", inputs=(), calibration=None, **parameters):
    named = {f"tensorrt.{name}": value for name, value in parameters.items()}
    return Model("rows", {source: lambda: path}, tuple(inputs), options=named, calibration=calibration)


def headers(tmp_path):
    """Of all engines in the cache."""
    return [tensorrt_fake.header_of(path) for path in sorted((tmp_path / "cache").rglob(ENGINE))]


def test_it_infers_and_says_what_it_is(fake, network, tmp_path):
    framework = fake("8.6", child=True)
    path = network()
    engine = framework.load(a_model(path), precision="fp16")
    np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, rtol=1e-3, atol=1e-3)
    described = dict(engine.describe())
    assert len(described.pop("engine_sha256")) == 12
    assert described.pop("mps") == mps_active()
    assert described == {
        "framework": "tensorrt",
        "version": "8.6.0",
        "driver": "bindings",
        "api": "tensors",
        "precision": "fp16",
        "provider": "Fake Orin",
        "compute_capability": "8.7",
        "cuda": "cuda-bindings 99.0",
        "threads": 1,
        "built_with": {"tensorrt": "8.6.0"},
        "model_sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12],
        "strongly_typed": False,
        "builder_flags": ["FP16"],
        "device_type": "GPU",
        "dla_core": None,
        "calibrator": None,
        "timing_cache": "new",
        "inputs": {"x": "float32 [3, 4]"},
        "outputs": {"y": "float32 [3, 2]"},
    }
    assert engine.inputs == (TensorSpec("x", (3, 4)),)
    assert engine.size_mib * 2**20 == next((tmp_path / "cache").rglob(ENGINE)).stat().st_size


def test_the_six_steps_of_an_inference_are_told(fake, network):
    engine = fake().load(a_model(network()))
    assert set(engine.load_ms) == {"engine_context", "engine_allocation"}
    assert all(value > 0 for value in engine.load_ms.values())
    phases = dict(engine.infer_timed(ROWS))
    assert phases.pop("synchronise") > 0
    assert phases == {
        "device_latency": pytest.approx(2 * COPY_MS + RUN_MS),
        "device_copy_in": pytest.approx(COPY_MS),
        "device_infer": pytest.approx(RUN_MS),
        "device_copy_out": pytest.approx(COPY_MS),
    }
    # And what was inferred so is what the next inference finds unharmed.
    np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, rtol=1e-5)
    engine.close()
    assert DEVICE.held() == NOTHING


@pytest.mark.parametrize("version", ["8.2", "8.6", "10.16"])
def test_flags_are_set_cleared_and_read_back(fake, network, tmp_path, version):
    framework = fake(version)
    offered = [p for p in framework.precisions if framework.unsupported(a_model(network()), p) is None]
    for precision in offered:
        engine = framework.load(a_model(network()), precision=precision)
        # A new builder has TF32 set.
        expected = [] if precision == "fp32" else [precision.upper()]
        assert engine.describe()["builder_flags"] == expected
        engine.close()
    assert sorted(tuple(header["flags"]) for header in headers(tmp_path)) == sorted(
        () if precision == "fp32" else (precision.upper(),) for precision in offered
    )
    assert {header["iterations"] for header in headers(tmp_path)} == {4}


def test_a_builder_that_does_not_take_a_flag_is_not_believed(fake, network, tmp_path):
    framework = fake("8.2", child=True, ignores_flags=["FP16"])
    with pytest.raises(FrameworkError, match=r"TensorRT 8\.2\.0 was asked for the flag FP16: True, but reports False"):
        framework.load(a_model(network()), precision="fp16")
    assert headers(tmp_path) == []


def test_an_engine_that_gives_another_type_is_not_believed(fake, network):
    framework = fake(half_outputs=True)
    with pytest.raises(
        FrameworkError, match=r"'y': the network that was built has float32, but the engine gives float16"
    ):
        framework.load(a_model(network()))
    assert DEVICE.held() == NOTHING


def test_half_inputs_and_outputs_are_not_fp32(fake, network):
    framework = fake()
    path = network(kind="FLOAT16")
    with pytest.raises(FrameworkError, match=r"'rows' should be loaded as fp32, but its output 'y' is float16"):
        framework.load(a_model(path))
    engine = framework.load(a_model(path, source="onnx:fp16"), precision="fp16")
    (found,) = engine.infer(ROWS.astype(np.float16))
    assert found.dtype == np.float32
    with pytest.raises(FrameworkError, match=r"takes 'x' float16 \[3, 4\], but was given float32 \[3, 4\]"):
        engine.infer(ROWS)


def test_an_operator_that_is_not_known_is_named(fake, network):
    framework = fake("8.4", child=True)
    path = network(operator="Mod", name="odd")
    with pytest.raises(
        FrameworkError,
        match=r"TensorRT 8\.4\.0 cannot read odd\.onnx: node 0: No importer registered for op: Mod; export it with",
    ):
        framework.load(a_model(path))


def test_an_engine_that_cannot_be_built_is_one_sentence(fake, network):
    framework = fake(child=True, no_engine=True)
    # Its words come by standard error, whose place among the others differs from Python to Python.
    says = r"(?s)(?=.*implementation for node).*cannot build rows\.onnx in fp32; its messages"
    with pytest.raises(FrameworkError, match=says):
        framework.load(a_model(network()))


def test_a_builder_without_a_gpu_is_one_sentence(fake, network):
    framework = fake(child=True, no_builder=True)
    assert "TensorRT 10.3.0 cannot create a builder (pybind11::init()" in str(framework.unable("fp32"))
    with pytest.raises(FrameworkError, match="it needs a GPU"):
        framework.load(a_model(network()))


def test_a_context_that_does_not_fit_is_one_sentence(fake, network):
    framework = fake(no_context=True)
    with pytest.raises(FrameworkError, match=r"cannot make a context for .*: 1024 of 1024 MiB of the device's memory"):
        framework.load(a_model(network()))
    assert DEVICE.held() == NOTHING


def test_an_inference_that_does_not_start_is_one_sentence(fake, network):
    engine = fake(no_enqueue=True).load(a_model(network()))
    with pytest.raises(FrameworkError, match="could not start an inference of model 'rows'"):
        engine.infer(ROWS)


# Free sizes.


def test_a_free_batch_is_built_for_the_models_shape(fake, network, tmp_path):
    framework = fake()
    engine = framework.load(a_model(network(batch="n"), inputs=[TensorSpec("x", (3, 4))]))
    assert headers(tmp_path)[0]["profiles"] == [{"x": [[3, 4]] * 3}]
    np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, rtol=1e-5)
    engine = framework.load(a_model(network(batch="n")))
    assert engine.inputs[0].shape == (1, 4)


@pytest.mark.parametrize("version", ["8.2", "10.3"])
def test_a_profile_gives_least_usual_and_largest(fake, network, tmp_path, version):
    framework = fake(version)
    profile = {"x": [(1, 4), (3, 4), (8, 4)]}
    path = network(batch="n")
    usual = framework.load(a_model(path, profile=profile))
    assert usual.inputs[0].shape == (3, 4)
    other = framework.load(a_model(path, profile=profile, inputs=[TensorSpec("x", (8, 4))]))
    rows = np.ones((8, 4), np.float32)
    np.testing.assert_allclose(other.infer(rows)[0], rows @ MATRIX, atol=1e-5)
    # one engine serves both
    assert [header["profiles"] for header in headers(tmp_path)] == [[{"x": [[1, 4], [3, 4], [8, 4]]}]]
    with pytest.raises(
        FrameworkError, match=r"'x': the shape \[9, 4\] is not between \[1, 4\] and \[8, 4\] of tensorrt"
    ):
        framework.load(a_model(path, profile=profile, inputs=[TensorSpec("x", (9, 4))]))


@pytest.mark.parametrize(
    "profile", [{"x": [(1, 4)]}, {"x": [(2, 4), (1, 4), (3, 4)]}, [1], {"x": [(0, 4)] * 3}, {"x": 3}]
)
def test_a_profile_that_is_none_is_refused(fake, network, profile):
    with pytest.raises(
        FrameworkError, match=r"tensorrt\.profile must be \{input: \(least, usual, largest\) shapes\}, not"
    ):
        fake().load(a_model(network(batch="n"), profile=profile))


def test_a_profile_for_an_input_of_fixed_size_is_refused(fake, network):
    with pytest.raises(FrameworkError, match=r"tensorrt\.profile names x, but of free size are no inputs"):
        fake().load(a_model(network(), profile={"x": [(3, 4)] * 3}))


# The DLA.


@pytest.mark.parametrize("version", ["8.0", "10.3"])
def test_a_dla_core_computes_with_the_gpu_for_the_rest(fake, network, tmp_path, version):
    engine = fake(version, dla_cores=2).load(a_model(network(), dla_core=1), precision="fp16")
    assert (engine.describe()["device_type"], engine.describe()["dla_core"]) == ("DLA", 1)
    (header,) = headers(tmp_path)
    assert (header["device"], header["core"], header["flags"]) == ("DLA", 1, ["FP16", "GPU_FALLBACK"])
    np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("version", ["8.0", "10.3"])
def test_the_builder_says_how_much_of_the_network_it_gave_to_the_dla(fake, network, version):
    engine = fake(version, dla_cores=2, child=True).load(a_model(network(), dla_core=1), precision="fp16")
    assert engine.placement() == {"DLA": 1}


def test_a_builder_that_does_not_say_what_runs_on_the_dla_leaves_it_unknown(fake, network):
    engine = fake(dla_cores=2, silent_dla=True).load(a_model(network(), dla_core=1), precision="fp16")
    with pytest.raises(NoPlacement, match=r"TensorRT 10\.3\.0 did not say which layers run on the DLA"):
        engine.placement()


def test_without_a_dla_all_layers_are_on_the_gpu(fake, network):
    assert fake().load(a_model(network())).placement() == {"GPU": 1}


@pytest.mark.parametrize(
    ("messages", "layers"),
    [
        (
            [
                "---------- Layers Running on DLA ----------",
                "[02/19/2022-05:35:26] [I] [TRT] [DlaLayer] {ForeignNode[conv1_1...pool5]}",
                "[DlaLayer] {ForeignNode[relu6...fc8]}",
                "[GpuLayer] SHUFFLE: shuffle_between_pool5_and_fc6",
                "[V] [TRT] [GpuLayer] SOFTMAX: prob",
            ],
            {"DLA": 2, "GPU": 2},
        ),
        (["[DlaLayer] ", "Layers running on DLA: {conv_1,batch_norm_1}"], None),
        ([], None),
    ],
)
def test_layers_are_read_from_the_builders_messages(messages, layers):
    assert placed_layers(messages) == layers


@pytest.mark.parametrize(
    ("cores", "core", "precision", "sentence"),
    [
        (0, 0, "fp16", r"DLA core 0 was asked for, but this device has no DLA; leave out"),
        (2, 2, "fp16", r"DLA core 2 was asked for, but this device has 2 of them, from 0;"),
        (2, 0, "fp32", r"a DLA core computes fp16 and int8, not fp32"),
        (2, -1, "fp16", r"tensorrt\.dla_core must be a whole number from 0, not -1"),
    ],
)
def test_a_dla_that_is_not_there_is_refused(fake, network, cores, core, precision, sentence):
    with pytest.raises(FrameworkError, match=sentence):
        fake(dla_cores=cores).load(a_model(network(), dla_core=core), precision=precision)


# int8.


@pytest.mark.parametrize("version", ["8.0", "10.16"])
@pytest.mark.parametrize("batch", [3, "n"])
def test_the_calibrator_is_fed_with_the_models_set(fake, network, tmp_path, version, batch):
    examples = [ROWS + number for number in range(5)]
    given = a_model(network(batch=batch), inputs=[TensorSpec("x", (3, 4))], calibration=lambda: Inputs.of(examples))
    engine = fake(version).load(given, precision="int8")
    (header,) = headers(tmp_path)
    everything = hashlib.sha256(b"".join(example.tobytes() for example in examples)).hexdigest()
    assert header["calibrated"] == {"examples": 5, "sha256": everything}
    assert engine.describe()["calibrator"] == "IInt8EntropyCalibrator2"
    assert engine.describe()["calibration"]["from"] == "the model's calibration set"


def test_a_quantised_file_is_taken_as_it_is(fake, network, tmp_path):
    from pytest_edgeperf.frameworks.onnxruntime.conversion import CONVERTED
    from pytest_edgeperf.frameworks.tensorrt.files import build_qdq

    building_folder = tmp_path / "quantised"
    building_folder.mkdir()
    np.savez(str(tmp_path / "set.npz"), **{"0_0": ROWS})
    build_qdq(building_folder, network(), ["x"], str(tmp_path / "set.npz"))
    given = a_model(str(building_folder / CONVERTED), source="onnx:int8")
    engine = fake().load(given, precision="int8")
    assert engine.describe()["calibrator"] is None
    assert headers(tmp_path)[0]["flags"] == ["INT8"]
    np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, atol=0.2)


# Strongly typed: 11 and newer.


def test_from_11_on_the_file_is_converted(fake, network, tmp_path):
    import onnx

    framework = fake("11.4")
    half = framework.load(a_model(network()), precision="fp16")
    assert half.describe()["strongly_typed"]
    assert half.describe()["builder_flags"] == []
    assert {"onnx", "onnxruntime"} < {*half.describe()["built_with"], "onnx", "onnxruntime", "tensorrt"}
    examples = Inputs.of([ROWS])
    quantised = framework.load(a_model(network(), calibration=lambda: examples), precision="int8")
    assert quantised.describe()["calibrator"] is None
    assert quantised.describe()["calibration"]["examples"] == 1
    kinds = []
    for header, path in zip(headers(tmp_path), sorted((tmp_path / "cache").rglob(ENGINE))):
        assert (header["typed"], header["network_flags"]) == (True, 1)
        loaded = onnx.load_from_string(path.read_bytes().partition(b"}\n")[2])
        kinds.append({node.op_type for node in loaded.graph.node})
    assert sorted("QuantizeLinear" in found for found in kinds) == [False, True]
    for engine in (half, quantised):
        np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, atol=0.2)


def test_from_11_on_bf16_is_the_files_alone(fake, network):
    framework = fake("11.4")
    reason = framework.unsupported(a_model(network()), "bf16")
    assert reason == (
        "TensorRT 11.4.0 computes in the types of the file, and nothing here converts a file to bf16; export it in "
        "bf16: Model(sources={'onnx:bf16': ...})"
    )
    assert framework.unsupported(a_model("x.onnx", source="onnx:bf16"), "bf16") is None


@pytest.mark.parametrize(("source", "precision", "kind"), [("onnx:fp16", "fp16", "FLOAT"), ("onnx", "fp32", "FLOAT16")])
def test_from_11_on_a_file_in_another_type_is_refused(fake, network, source, precision, kind):
    framework = fake("11.4")
    with pytest.raises(FrameworkError, match=rf"rows\.onnx should be {precision}, .* its tensors are {kind}$"):
        framework.load(a_model(network(kind=kind), source=source), precision=precision)


def test_conversion_without_onnxruntime_is_one_sentence(fake, network, monkeypatch):
    framework = fake("11.4")
    monkeypatch.setattr(files, "onnxruntime_version", lambda: None)
    assert framework.unsupported(a_model(network()), "fp16") == (
        "converting a model to fp16 needs onnxruntime: pip install onnxruntime"
    )


# What is kept.


def test_the_engines_key_holds_version_gpu_and_system(fake, network, tmp_path, monkeypatch):
    release = tmp_path / "nv_tegra_release"
    release.write_text("# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64\n")
    monkeypatch.setattr(installed, "L4T", release)

    def key(version="10.3", **traits):
        engine = fake(version, **traits).load(a_model(network()))
        digest = engine.describe()["engine_sha256"]
        (about,) = (tmp_path / "cache").rglob(f"rows-fp32-{digest}*/{building.ABOUT}")
        return json.loads(about.read_text())["key"], digest

    first, digest = key()
    assert first["tools"] == {"tensorrt": "10.3.0"}
    assert first["source"]["gpu"] == "Fake Orin"
    assert first["source"]["compute_capability"] == "8.7"
    assert first["source"]["l4t"] == "35.4.1"
    assert key()[1] == digest
    assert key("10.13")[1] != digest
    assert key(gpu="Another")[1] != digest
    assert key(capability=[9, 0])[1] != digest
    release.write_text("# R36 (release), REVISION: 4.0\n")
    assert key()[1] != digest
    for option in ({"workspace_mib": 64}, {"builder_optimization_level": 1}):
        changed = fake().load(a_model(network(), **option))
        assert changed.describe()["engine_sha256"] != digest


def test_what_the_builder_timed_is_kept_for_the_next_engine(fake, network, tmp_path):
    framework = fake(child=True)
    first = framework.load(a_model(network()))
    second = framework.load(a_model(network(), workspace_mib=64))
    assert (first.describe()["timing_cache"], second.describe()["timing_cache"]) == ("new", "kept")
    assert sorted(header["timed"] for header in headers(tmp_path)) == [0, 1]
    (kept,) = (tmp_path / "cache" / "tensorrt").iterdir()
    assert kept.name == "timing-10.3.0-Fake-Orin-8-7-None.bin"
    # One that cannot be read is begun again.
    kept.write_bytes(b"\0damaged")
    third = framework.load(a_model(network(), workspace_mib=65))
    assert third.describe()["timing_cache"] == "new"
    assert max(header["timed"] for header in headers(tmp_path)) == 1


def test_options_of_the_builder_are_taken_or_refused(fake, network, tmp_path):
    engine = fake("8.6").load(a_model(network(), builder_optimization_level=2, workspace_mib=32))
    assert engine.describe()["builder_optimization_level"] == 2
    (header,) = headers(tmp_path)
    assert (header["level"], header["workspace"]) == (2, {"pool": 32 << 20, "size": 0})
    with pytest.raises(FrameworkError, match=r"was asked for builder_optimization_level: 9, but reports 5"):
        fake("8.6").load(a_model(network(), builder_optimization_level=9))
    with pytest.raises(FrameworkError, match=r"TensorRT 8\.5\.0 has no builder_optimization_level; leave out the"):
        fake("8.5").load(a_model(network(), builder_optimization_level=2))
    with pytest.raises(FrameworkError, match=r"tensorrt\.workspace_mib must be a whole number from 0, not '1G'"):
        fake("8.5").load(a_model(network(), workspace_mib="1G"))


@pytest.mark.parametrize("version", ["8.2", "8.6", "11.4"])
def test_closing_gives_everything_back(fake, network, version):
    framework = fake(version)
    engines = [framework.load(a_model(network())) for _ in range(3)]
    for engine in engines:
        engine.infer(ROWS)
        engine.infer_timed(ROWS)
    assert DEVICE.held() == {"memory": 9, "page_locked": 6, "streams": 3, "events": 12}
    for engine in engines:
        engine.close()
        engine.close()
    assert DEVICE.held() == NOTHING
    for call in (engine.infer, engine.infer_timed):
        with pytest.raises(FrameworkError, match="closed"):
            call(ROWS)


# What cannot run here.


@pytest.mark.parametrize(
    ("traits", "precision", "sentence"),
    [
        ({"slow": ["fp16"]}, "fp16", "TensorRT 10.3.0 reports that Fake Orin has no fast fp16"),
        ({"slow": ["int8"]}, "int8", "TensorRT 10.3.0 reports that Fake Orin has no fast int8"),
        ({"slow": ["tf32"]}, "tf32", "TensorRT 10.3.0 reports that Fake Orin has no fast tf32"),
        ({"version": "11.4", "capability": [7, 2]}, "tf32", "Fake Orin has no tf32 (compute capability 7.2; from 8.0)"),
        ({"capability": [7, 2]}, "bf16", "Fake Orin has no bf16 (compute capability 7.2; from 8.0)"),
        ({"version": "8.6"}, "bf16", "TensorRT 8.6.0 has no bf16: its builder has no flag for it"),
        ({"slow": ["fp16", "int8", "tf32"]}, "fp32", None),
    ],
)
def test_a_precision_that_the_gpu_lacks_has_its_reason(fake, network, traits, precision, sentence):
    framework = fake(**traits)
    assert framework.unable(precision) == sentence
    if sentence:
        with pytest.raises(FrameworkError) as error:
            framework.load(a_model(network()), precision=precision)
        assert str(error.value) == sentence


def test_without_a_driver_nothing_runs_and_the_reason_is_told(fake):
    reason = fake(driver=False).unable("fp32")
    assert reason.startswith("tensorrt cannot run here: cuda-bindings finds no NVIDIA driver")


def test_inputs_that_are_not_the_engines_are_refused(fake, network):
    framework = fake("8.6")
    path = network(kind="INT64")
    # TensorRT before 10 has no int64 and takes int32 in its place.
    with pytest.raises(
        FrameworkError, match=r"'x': the model says int64 \[3, 4\], but the engine takes int32 \[3, 4\]"
    ):
        framework.load(a_model(path))
    assert DEVICE.held() == NOTHING
    engine = fake("10.3").load(a_model(network()))
    for arrays in ((), (ROWS, ROWS), (ROWS.T,), (ROWS.astype(np.float64),)):
        with pytest.raises(FrameworkError, match=r"model 'rows' takes 'x' float32 \[3, 4\], but was given"):
            engine.infer(*arrays)


# An engine of the user's.


@pytest.mark.parametrize("suffix", [".engine", ".plan"])
def test_an_engine_of_the_users_is_loaded_as_it_is(fake, network, tmp_path, suffix):
    framework = fake()
    framework.load(a_model(network()), precision="fp16").close()
    mine = tmp_path / f"mine{suffix}"
    mine.write_bytes(next((tmp_path / "cache").rglob(ENGINE)).read_bytes())
    engine = framework.load(as_model(mine), precision="fp16")
    np.testing.assert_allclose(engine.infer(ROWS)[0], ROWS @ MATRIX, rtol=1e-3, atol=1e-3)
    described = engine.describe()
    assert described["precision_told_by"] == "the model"
    assert described["engine_sha256"] == hashlib.sha256(mine.read_bytes()).hexdigest()[:12]
    assert described["inputs"] == {"x": "float32 [3, 4]"}
    wrong = Model("mine", {"tensorrt": lambda: str(mine)}, (TensorSpec("z", (3, 4)),))
    with pytest.raises(FrameworkError, match=r"names the inputs z, but the engine .*mine.* has x"):
        framework.load(wrong, precision="fp16")


def test_an_engine_with_a_free_batch_takes_the_models_shape(fake, network, tmp_path):
    framework = fake()
    framework.load(a_model(network(batch="n"), profile={"x": [(1, 4), (2, 4), (4, 4)]})).close()
    mine = str(next((tmp_path / "cache").rglob(ENGINE)))
    assert framework.load(a_model(mine, source="tensorrt")).inputs == (TensorSpec("x", (1, 4)),)
    engine = framework.load(a_model(mine, source="tensorrt", inputs=[TensorSpec("x", (3, 4))]))
    assert engine.infer(ROWS)[0].shape == (3, 2)
    with pytest.raises(FrameworkError, match=r"'x': the engine does not accept the shape \[5, 4\]; its profile says"):
        framework.load(a_model(mine, source="tensorrt", inputs=[TensorSpec("x", (5, 4))]))


def test_a_file_that_is_no_engine_is_named(fake, tmp_path):
    (tmp_path / "bad.plan").write_bytes(b"no engine")
    with pytest.raises(FrameworkError, match=r"cannot load .*bad\.plan: it is not an engine, or one of another"):
        fake().load(as_model(tmp_path / "bad.plan"))
    assert DEVICE.held() == NOTHING


# Which version, which driver.


def test_the_version_is_read_without_an_import(fake):
    assert fake("8.4").version() == "8.4.0"
    assert "tensorrt" not in sys.modules


def test_without_metadata_the_version_is_in_the_modules_text_or_asked_in_a_child(fake, tmp_path):
    framework = fake("8.5", metadata=False)
    assert framework.version() == "8.5.0"
    assert "tensorrt" not in sys.modules
    (tmp_path / "site" / "tensorrt" / "_version.py").write_text("# made\n__version__ = '8.5.2.2'\n")
    assert framework.version() == "8.5.2.2"


def test_a_module_that_does_not_import_has_no_version(fake, tmp_path):
    framework = fake("8.5", metadata=False)
    (tmp_path / "site" / "tensorrt" / "__init__.py").write_text("raise ImportError('libnvinfer.so.8 is missing')\n")
    assert Bindings().version() is None
    assert framework.name == "tensorrt"


def test_a_broken_installation_is_one_sentence(fake, network, tmp_path):
    framework = fake("8.5", child=True)
    (tmp_path / "site" / "tensorrt" / "__init__.py").write_text("raise ImportError('libnvinfer.so.8 is missing')\n")
    with pytest.raises(FrameworkError, match=r"tensorrt cannot be imported: libnvinfer\.so\.8 is missing; install"):
        framework.load(a_model(network()))


class StandIn:
    """What another driver is to this framework."""

    here = "8.2.1"

    def version(self):
        return self.here

    def missing(self):
        return None if self.here else "there is no trtexec: sudo apt install it"

    def unable(self, precision):
        return "trtexec says no" if precision == "int8" else None

    def unsupported(self, model, precision, options):
        return "trtexec cannot do that" if precision == "bf16" else None

    def load_engine(self, configuration, engine):
        return Loaded(configuration, engine)

    def load(self, configuration, onnx, specs):
        return Loaded(configuration, onnx, specs)


class Loaded(Engine):
    def __init__(self, configuration, *loaded):
        super().__init__(configuration)
        self.loaded = (self.model.name, self.precision, *loaded)

    def infer(self, *arrays):
        raise AssertionError

    def describe(self):
        return self.configuration.description("gpu", 1)


@pytest.fixture
def trtexec(monkeypatch):
    module = types.ModuleType("pytest_edgeperf.frameworks.tensorrt.trtexec")
    module.TrtExec = type("TrtExec", (StandIn,), {})
    monkeypatch.setitem(sys.modules, "pytest_edgeperf.frameworks.tensorrt.trtexec", module)
    return module.TrtExec


@pytest.fixture
def no_bindings(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)


def test_without_bindings_trtexec_is_taken(trtexec, no_bindings, network):
    framework = TensorRt()
    assert framework.version() == "8.2.1"
    assert framework.providers() == ("gpu",)
    path = network()
    engine = framework.load(a_model(path), precision="fp16")
    assert engine.loaded == ("rows", "fp16", path, (TensorSpec("x", (3, 4)),))
    assert engine.framework == "tensorrt"
    assert framework.unsupported(a_model(path), "int8") == "trtexec says no"
    assert framework.unsupported(a_model(path), "bf16") == "trtexec cannot do that"
    mine = a_model(path, source="tensorrt", inputs=[TensorSpec("x", (3, 4))])
    assert framework.load(mine).loaded == ("rows", "fp32", path)


def test_trtexec_that_is_asked_for_is_taken_beside_bindings(fake, trtexec):
    framework = fake()
    assert framework.version() == "10.3.0"
    assert framework.providers() == ("Fake Orin",)
    framework.variant = "trtexec"
    assert framework.version() == "8.2.1"
    assert framework.full_name == "tensorrt:trtexec"


def test_without_either_it_says_what_to_install(trtexec, no_bindings, network):
    trtexec.here = None
    framework = TensorRt()
    assert framework.version() is None
    assert framework.unable("fp16") is None
    with pytest.raises(FrameworkError, match=r"^tensorrt is not installed; pip install tensorrt cuda-bindings"):
        framework.load(a_model(network()))
    framework.variant = "trtexec"
    with pytest.raises(FrameworkError, match=r"^there is no trtexec: sudo apt install it$"):
        framework.load(a_model(network()))


def test_threads_and_sources_are_checked(fake, network):
    framework = fake()
    with pytest.raises(FrameworkError, match="at least 1, not 0"):
        framework.load(a_model(network()), threads=0)
    assert "torch.onnx.export" in str(framework.unsupported(Model("net", {"torch": object}), "fp32"))
    assert framework.processor == "gpu"


def test_advice_for_every_jetpack():
    framework = TensorRt()
    assert set(framework.install_on) <= set(PLATFORMS)
    assert "tensorrt:trtexec" in framework.advice_on("jetpack-4")
    for number in (5, 6, 7):
        advice = framework.advice_on(f"jetpack-{number}")
        assert "python3-libnvinfer" in advice
        assert "--system-site-packages" in advice
    assert framework.advice_on("x86") == framework.install_advice

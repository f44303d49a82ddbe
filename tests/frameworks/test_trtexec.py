from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks import building
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, NoPlacement, Reference, TensorSpec
from pytest_edgeperf.frameworks.onnx_files import quantise
from pytest_edgeperf.frameworks.tensorrt import files, trtexec, trtexec_engine, trtexec_files, trtexec_program
from pytest_edgeperf.frameworks.tensorrt.trtexec import TrtExec
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.testing import SHAPE, expected, images, write_onnx
from tests.contract.whole import whole
from tests.fakes import trtexec_fake
from tests.faults.processes import alive, gone_in_time, wait_for

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SPECS = (TensorSpec("images", (1, 3, 4, 4)),)
#: Every build and every inference starts a program.
pytestmark = pytest.mark.slow
RUN_BUILD = building.run_build
NEWEST = list(trtexec_fake.RELEASES)[-1]
TWO = pytest.mark.parametrize("version", [pytest.param("8.2.1", marks=whole), "10.3.0"])
ALL = pytest.mark.parametrize(
    "version", [*(pytest.param(one, marks=whole) for one in trtexec_fake.RELEASES if one != NEWEST), NEWEST]
)
#: Of one release: build, and what follows it; then what each run has.
BUILD_ENDS = {
    "8.2.1": ["--workspace=1024", "--buildOnly", "--timingCacheFile=timing.cache"],
    "10.3.0": ["--skipInference", "--timingCacheFile=timing.cache"],
    "11.1.0": ["--skipInference", "--timingCacheFile=timing.cache"],
}
MODES = {
    "8.2.1": ["--exposeDMA"],
    "10.3.0": ["--exposeDMA"],
    "11.1.0": ["--exposeDMA", "--includeDataTransfers", "--noCudaGraph", "--noSpinWait"],
}


def set_gpu(patch, name):
    for module in (trtexec, trtexec_engine):
        patch.setattr(module, "gpu_name", lambda: name)


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    set_gpu(monkeypatch, "Fake GPU")


@pytest.fixture(autouse=True)
def built_here(monkeypatch):
    """Builds start the program from this process: their own is that of ``engine_of``, and of workers."""

    def run(python, order, outside):
        module, _, name = order["function"].partition(":")
        getattr(import_module(module), name)(Path(order["folder"]), **order["arguments"])

    monkeypatch.setattr(building, "run_build", run)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Installs a release with a cache of its own; the file that tells its starts."""

    def install(version="10.3.0"):
        folder = tmp_path / f"bin-{version}"
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("EDGEPERF_TRTEXEC", trtexec_fake.install(folder, version))
        monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("FAKE_TRTEXEC_LOG", str(tmp_path / "starts"))
        return tmp_path / "starts"

    return install


@pytest.fixture
def wrong(monkeypatch):
    """Lets the fake go wrong."""

    def set_mode(mode, at):
        monkeypatch.setenv("FAKE_TRTEXEC_MODE", mode)
        monkeypatch.setenv("FAKE_TRTEXEC_AT", at)

    return set_mode


@pytest.fixture(scope="module")
def engine_of(tmp_path_factory):
    """The contract's network as an engine of a release, built once."""
    folder = tmp_path_factory.mktemp("built")
    model = Model("contract", {"onnx": partial(str, write_onnx(str(folder / "contract.onnx")))})
    with pytest.MonkeyPatch.context() as patch:
        paths = {}
        set_gpu(patch, "Fake GPU")

        def load(version="10.3.0"):
            (folder / version).mkdir(exist_ok=True)
            patch.setenv("EDGEPERF_TRTEXEC", trtexec_fake.install(folder / version, version))
            patch.setenv("EDGEPERF_CACHE_DIR", str(folder / version / "cache"))
            with pytest.MonkeyPatch.context() as real:
                real.setattr(building, "run_build", RUN_BUILD)
                engine = load_model(model)
            paths[version] = engine_file(folder / version / "cache")
            return engine

        load.path = lambda version: paths[version]
        yield load


def framework():
    return frameworks.get("tensorrt:trtexec")


def load_model(model, precision="fp32"):
    return framework().load(model, precision=precision)


def small(path, *specs, **options):
    return Model("small", {"onnx": partial(str, path)}, specs, options=options)


def own_engine(path, *specs, precision="fp32", **options):
    """Loads an engine file as the user's own."""
    return load_model(Model("own", {"tensorrt": partial(str, path)}, specs, options=options), precision)


def engine_file(cache):
    """The newest of the engines in a cache."""
    return max(cache.rglob("engine.plan"), key=lambda path: path.stat().st_mtime_ns)


def several(path):
    """Two outputs of ``images``, and a sum of ``tokens``, which are 64-bit integers."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Relu", ["images"], ["kept"]),
        helper.make_node("Neg", ["images"], ["negated"]),
        helper.make_node("Cast", ["tokens"], ["counted"], to=TensorProto.FLOAT),
    ]
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("images", "kept", "negated")]
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, [1])
    counted = helper.make_tensor_value_info("counted", TensorProto.FLOAT, [1])
    graph = helper.make_graph(nodes, "several", [floats[0], tokens], [*floats[1:], counted])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def told(log):
    """The starts' arguments, without where their files lie."""

    def short(argument):
        name, equals, value = argument.partition("=")
        return f"{name}{equals}{Path(value).name}" if name in ("--onnx", "--loadEngine") else argument

    return [[short(argument) for argument in arguments] for arguments in trtexec_fake.starts(log)]


# What it is asked for.


@pytest.mark.parametrize(
    ("version", "precision", "file", "options"),
    [
        ("8.2.1", "fp32", "contract.onnx", ["--noTF32"]),
        ("8.2.1", "tf32", "contract.onnx", []),
        ("8.2.1", "fp16", "contract.onnx", ["--fp16"]),
        ("8.2.1", "int8", "model.onnx", ["--int8"]),
        ("10.3.0", "fp32", "contract.onnx", ["--noTF32"]),
        ("10.3.0", "bf16", "contract.onnx", ["--bf16"]),
        ("10.3.0", "int8", "model.onnx", ["--int8"]),
        ("11.1.0", "fp32", "contract.onnx", ["--noTF32"]),
        ("11.1.0", "fp16", "model.onnx", []),
        ("11.1.0", "int8", "model.onnx", []),
    ],
)
def test_a_build_is_exactly_this(fake, tmp_path, version, precision, file, options):
    log = fake(version)
    engine = load_model(
        Model("contract", {"onnx": partial(str, write_onnx(str(tmp_path / "contract.onnx")))}), precision
    )
    command = [f"--onnx={file}", "--saveEngine=engine.plan", *options, *BUILD_ENDS[version]]
    assert told(log) == [command]
    assert engine.describe()["build_command"] == " ".join(["trtexec", *command])


@ALL
def test_an_inference_and_a_block_of_them_are_exactly_this(engine_of, tmp_path, monkeypatch, version):
    engine = engine_of(version)
    log = tmp_path / "starts"
    monkeypatch.setenv("FAKE_TRTEXEC_LOG", str(log))
    engine.infer(images()[0])
    engine.run_for(0.3, images()[0])
    run = ["--loadEngine=engine.plan", "--loadInputs=images:input_0", *MODES[version]]
    timed = ["--warmUp=200", "--duration=1", "--iterations=5", "--exportTimes=times.json"]
    assert told(log) == [
        [*run, "--warmUp=0", "--duration=0", "--iterations=1", "--exportOutput=outputs.json"],
        [*run, *timed],
    ]
    command = " ".join(["trtexec", *run, *timed])
    assert engine.describe()["command"] == command.replace("--duration=1", "--duration=SECONDS")


@TWO
@pytest.mark.thorough
def test_free_sizes_are_those_that_are_measured_or_a_profiles(fake, onnx_file, version):
    log = fake(version)
    path = onnx_file(shape=("n", 3, 4, 4))
    load_model(small(path))
    ranges = {"images": ((1, 3, 4, 4), (2, 3, 4, 4), (8, 3, 4, 4))}
    engine = load_model(small(path, TensorSpec("images", (4, 3, 4, 4)), **{"tensorrt.profile": ranges}))
    (rectified,) = engine.infer(np.full((4, 3, 4, 4), -1, np.float32))
    assert rectified.shape == (4, 3, 4, 4)
    assert [[one for one in arguments if "hapes=" in one] for arguments in told(log)] == [
        [f"--{kind}Shapes=images:1x3x4x4" for kind in ("min", "opt", "max")],
        ["--minShapes=images:1x3x4x4", "--optShapes=images:2x3x4x4", "--maxShapes=images:8x3x4x4"],
        ["--shapes=images:4x3x4x4"],
    ]


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        ({"image": ((1,), (1,), (1,))}, r"tensorrt\.profile names image, but the inputs are images"),
        ({"images": ((1, 3, 4, 4), (8, 3, 4, 4))}, r"must be \{input: \(least, usual, largest\) shapes\}"),
        ({"images": ((1,), (2,), (3,))}, r"\[1, 3, 4, 4\] is not between \[1\] and \[3\]"),
        ({"images": ((2, 3, 4, 4), (4, 3, 4, 4), (8, 3, 4, 4))}, r"\[1, 3, 4, 4\] is not between"),
        ({"images": ((1, 3, 4, 4), (9, 3, 4, 4), (8, 3, 4, 4))}, r"must be \{input: \(least, usual, largest\) shapes"),
    ],
)
@pytest.mark.thorough
def test_a_profile_that_does_not_fit_is_told(fake, onnx_file, profile, complaint):
    fake()
    with pytest.raises(FrameworkError, match=complaint):
        load_model(small(onnx_file(shape=("n", 3, 4, 4)), *SPECS, **{"tensorrt.profile": profile}))


@pytest.mark.thorough
def test_a_profile_for_fixed_sizes_is_told(fake, onnx_file):
    fake()
    profile = {"images": ((1, 3, 4, 4),) * 3}
    with pytest.raises(FrameworkError, match=r"tensorrt\.profile names images, but of free size are no inputs"):
        load_model(small(onnx_file(), **{"tensorrt.profile": profile}))


@TWO
@pytest.mark.thorough
def test_a_dla_is_asked_for_in_build_and_run(fake, onnx_file, version):
    log = fake(version)
    engine = load_model(small(onnx_file(), **{"tensorrt.dla_core": 1}), "fp16")
    engine.infer(np.zeros((1, 3, 4, 4), np.float32))
    building, running = told(log)
    assert [one for one in building if one in ("--useDLACore=1", "--allowGPUFallback", "--fp16")] == [
        "--fp16",
        "--useDLACore=1",
        "--allowGPUFallback",
    ]
    assert "--useDLACore=1" in running
    assert "--allowGPUFallback" not in running
    assert engine.describe()["provider"] == "DLA 1"
    if version.startswith("8."):
        assert engine.placement() == {"DLA": 1, "GPU": 1}
    else:
        with pytest.raises(NoPlacement, match=f"trtexec {version} did not print which layers run on the DLA"):
            engine.placement()


@pytest.mark.parametrize(
    ("precision", "complaint"),
    [("fp32", "a DLA core computes fp16 and int8, not fp32"), ("int8", "would fall to the GPU")],
)
@pytest.mark.thorough
def test_what_a_dla_cannot_do_is_declined(fake, onnx_file, precision, complaint):
    fake()
    model = small(onnx_file(), **{"tensorrt.dla_core": 0})
    assert complaint in framework().unsupported(model, precision)
    with pytest.raises(FrameworkError, match=complaint):
        load_model(model, precision)


@pytest.mark.parametrize(("version", "option"), [("8.2.1", "--workspace=64"), ("10.3.0", "--memPoolSize=workspace:64")])
@pytest.mark.thorough
def test_the_workspace_is_what_the_model_says(fake, onnx_file, version, option):
    log = fake(version)
    load_model(small(onnx_file(), **{"tensorrt.workspace_mib": 64}))
    assert [one for one in told(log)[0] if "workspace" in one] == [option]


@pytest.mark.thorough
def test_the_builders_level_is_asked_for_where_it_is_offered_and_else_refused(fake, onnx_file):
    model = small(onnx_file(), **{"tensorrt.builder_optimization_level": 5})
    log = fake("10.3.0")
    load_model(model)
    assert "--builderOptimizationLevel=5" in told(log)[0]
    fake("8.2.1")
    with pytest.raises(
        FrameworkError, match=r"trtexec 8\.2\.1 has no --builderOptimizationLevel; leave out the option"
    ):
        load_model(model)


# Precisions.


@pytest.mark.parametrize(
    ("version", "precision", "reason"),
    [
        ("8.2.1", "bf16", "trtexec 8.2.1 has no --bf16"),
        ("11.1.0", "bf16", "takes the types from the ONNX file"),
        ("8.2.1", "int8", None),
        ("10.3.0", "bf16", None),
        ("11.1.0", "fp16", None),
        ("11.1.0", "tf32", None),
    ],
)
def test_precisions_are_those_of_its_options(fake, version, precision, reason):
    fake(version)
    found = TrtExec().unable(precision)
    assert found is None if reason is None else reason in found


@pytest.mark.thorough
def test_an_unknown_precision_is_an_error(fake):
    fake()
    with pytest.raises(FrameworkError, match="unknown precision 'fp23'"):
        TrtExec().unable("fp23")


@pytest.mark.thorough
def test_a_conversion_needs_its_tools(fake, onnx_file, monkeypatch):
    fake()
    monkeypatch.setattr(files, "onnxruntime_version", lambda: None)
    assert framework().unsupported(small(onnx_file()), "int8") == (
        "converting a model to int8 needs onnxruntime: pip install onnxruntime"
    )
    assert framework().unsupported(small(onnx_file()), "fp16") is None
    ready = Model("ready", {"onnx:int8": partial(str, onnx_file())})
    assert framework().unsupported(ready, "int8") is None


@pytest.mark.thorough
def test_a_file_that_is_in_the_precision_is_taken_as_it_is(fake, tmp_path):
    fake()
    plain = write_onnx(str(tmp_path / "contract.onnx"))
    calibrated = tmp_path / "examples.npz"
    np.savez(str(calibrated), **{f"{index}_0": image for index, image in enumerate(images(4))})
    quantise(plain, tmp_path, "ready.onnx", ["images"], str(calibrated), "QDQ", symmetric=True)
    sources = {"onnx": partial(str, plain), "onnx:int8": partial(str, tmp_path / "ready.onnx")}
    engine = load_model(Model("ready", sources), "int8")
    assert "--onnx=ready.onnx" in engine.describe()["build_command"]
    assert "calibration" not in engine.describe()
    assert (tmp_path / "ready.onnx").exists()
    right = expected(images()[0])
    assert np.abs(engine.infer(images()[0])[0] - right).max() < 0.1 * np.abs(right).max()


@pytest.mark.parametrize(
    ("version", "precision", "complaint"),
    [
        ("10.3.0", "int8", "should be int8, but has no quantise"),
        ("11.1.0", "fp16", "should be fp16, and .* its tensors are FLOAT"),
    ],
)
@pytest.mark.thorough
def test_a_file_that_is_not_in_the_precision_it_is_named_for_is_refused(fake, tmp_path, version, precision, complaint):
    fake(version)
    plain = partial(str, write_onnx(str(tmp_path / "contract.onnx")))
    with pytest.raises(FrameworkError, match=complaint):
        load_model(Model("wrong", {f"onnx:{precision}": plain}), precision)


@pytest.mark.thorough
def test_the_options_that_count_are_read_back(fake, onnx_file, wrong):
    fake()
    wrong("fp32-only", "build")
    with pytest.raises(FrameworkError, match=r"asked for the precisions FP32\+FP16, but reports FP32$"):
        load_model(small(onnx_file()), "fp16")


@pytest.mark.parametrize(
    ("mode", "complaint"), [("graph", "CUDA Graph: Disabled, but reports Enabled"), ("mute", "but reports nothing")]
)
@pytest.mark.thorough
def test_the_mode_is_read_back(engine_of, wrong, mode, complaint):
    engine = engine_of()
    wrong(mode, "time")
    with pytest.raises(FrameworkError, match=complaint):
        engine.run_for(0.1, images()[0])


# What goes wrong in a build.


@TWO
@pytest.mark.parametrize(
    ("mode", "complaints"),
    [
        ("fail", ["failed (1)", "[E] Error Code 2: OutOfMemory", "&&&& FAILED TensorRT.trtexec [TensorRT v"]),
        ("pass-over", ["failed, though it returned 0"]),
        ("lie", ["ended well, but wrote no file", "&&&& PASSED"]),
        ("empty", ["ended well, but wrote an empty file"]),
        ("die", ["was killed by SIGKILL, which the kernel sends when the memory is full"]),
        ("crash", ["was killed by SIGSEGV:"]),
    ],
)
def test_a_build_that_goes_wrong_is_one_error_and_leaves_nothing(
    fake, onnx_file, wrong, monkeypatch, tmp_path, version, mode, complaints
):
    log = fake(version)
    wrong(mode, "build")
    with pytest.raises(FrameworkError) as caught:
        load_model(small(onnx_file()))
    for complaint in [f"trtexec {version} was asked to build an engine of", "small.onnx", *complaints]:
        assert complaint in str(caught.value)
    assert list((tmp_path / "cache").rglob("engine.plan")) == []
    assert list((tmp_path / "cache").rglob("timing-*.bin")) == []
    monkeypatch.delenv("FAKE_TRTEXEC_MODE")
    assert load_model(small(onnx_file())).infer(np.ones((1, 3, 4, 4), np.float32))[0].sum() == 48
    assert len(told(log)) == 3


@pytest.mark.thorough
def test_a_build_that_hangs_is_killed(fake, onnx_file, wrong, monkeypatch):
    log = fake()
    wrong("hang", "build")
    monkeypatch.setenv("EDGEPERF_TRTEXEC_BUILD_S", "2.5")
    with pytest.raises(FrameworkError, match=r"did not finish within 2\.5 s and was killed"):
        load_model(small(onnx_file()))
    assert not any(alive(json.loads(line)["pid"]) for line in log.read_text().splitlines())


@pytest.mark.parametrize("text", ["long", "0", "nan"])
@pytest.mark.thorough
def test_a_limit_that_is_no_time_is_told(fake, onnx_file, monkeypatch, text):
    fake()
    monkeypatch.setenv("EDGEPERF_TRTEXEC_BUILD_S", text)
    with pytest.raises(FrameworkError, match=f"EDGEPERF_TRTEXEC_BUILD_S must be a number of seconds, not '{text}'"):
        load_model(small(onnx_file()))


# What is kept.


def test_an_engine_is_built_once_for_a_release_and_a_gpu(fake, onnx_file, monkeypatch):
    log = fake()
    path = onnx_file()
    first = load_model(small(path)).describe()
    assert load_model(small(path)).describe() == first
    assert len(told(log)) == 1
    set_gpu(monkeypatch, "Another GPU")
    assert load_model(small(path)).describe()["engine_sha256"] != first["engine_sha256"]
    fake("8.2.1")
    load_model(small(path))
    assert len(told(log)) == 3


@pytest.mark.thorough
def test_times_of_tactics_go_from_build_to_build(fake, onnx_file, tmp_path, wrong):
    fake()
    path = onnx_file()
    for precision in ("fp32", "fp16"):
        load_model(small(path), precision)
    (kept,) = (tmp_path / "cache").rglob("timing-*.bin")
    assert kept.read_text() == "a tactic\n" * 2
    wrong("lie", "build")
    with pytest.raises(FrameworkError):
        load_model(small(path), "bf16")
    assert kept.read_text() == "a tactic\n" * 2


@TWO
@pytest.mark.thorough
def test_it_says_what_it_is(engine_of, version):
    engine = engine_of(version)
    described = dict(engine.describe())
    assert len(described.pop("engine_sha256")) == 12
    assert described.pop("command").startswith("trtexec --loadEngine=engine.plan ")
    assert described.pop("build_command").startswith("trtexec --onnx=contract.onnx ")
    assert described == {
        "framework": "tensorrt:trtexec",
        "driver": "trtexec",
        "version": version,
        "precision": "fp32",
        "provider": "Fake GPU",
        "gpu": "Fake GPU",
        "threads": 1,
        "spinning": False,
        "cuda_graph": False,
        "data_transfers": True,
        "overlapping_inferences": False,
        "built_with": {"trtexec": version, "gpu": "Fake GPU"},
    }
    assert engine.size_mib == pytest.approx(engine_of.path(version).stat().st_size / 2**20)
    assert dict(engine.load_ms) == {}


@pytest.mark.thorough
def test_a_gpu_that_nobody_names_is_said_to_be_so(engine_of, monkeypatch):
    set_gpu(monkeypatch, None)
    described = engine_of().describe()
    assert described["gpu"] == "neither nvidia-smi nor a device tree names it"
    assert described["built_with"] == {"trtexec": "10.3.0"}


# What goes wrong in a run.


@TWO
@pytest.mark.parametrize("at", ["infer", "time"])
@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        ("fail", r"failed \(1\):\n.*OutOfMemory"),
        ("die", "was killed by SIGKILL"),
        ("lie", r"ended well, but wrote no (outputs|times)\.json"),
        ("garbage", r"wrote (outputs|times) that are not JSON"),
        ("truncated", r"wrote (outputs|times) that are not JSON: .*; was it stopped\?"),
        ("nothing", "wrote an empty list of (outputs|times)"),
    ],
)
def test_a_run_that_goes_wrong_is_one_error(engine_of, wrong, version, at, mode, complaint):
    engine = engine_of(version)
    wrong(mode, at)
    with pytest.raises(FrameworkError, match=complaint):
        engine.infer(images()[0]) if at == "infer" else engine.run_for(0.1, images()[0])


@pytest.mark.parametrize("at", ["infer", "time"])
@pytest.mark.thorough
def test_a_run_that_hangs_is_killed(engine_of, wrong, monkeypatch, tmp_path, at):
    engine = engine_of()
    monkeypatch.setattr(trtexec_engine, "START_LIMIT_S", 1.5)
    monkeypatch.setenv("FAKE_TRTEXEC_LOG", str(tmp_path / "starts"))
    wrong("hang", at)
    with pytest.raises(FrameworkError, match=r"trtexec 10\.3\.0 was asked to .* 'contract' .* did not finish within"):
        engine.infer(images()[0]) if at == "infer" else engine.run_for(0.1, images()[0])
    (start,) = [json.loads(line) for line in (tmp_path / "starts").read_text().splitlines()]
    assert not alive(start["pid"])


@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        ("nan", r"wrote outputs that are not numbers \(nan or inf\)"),
        ("inf", r"wrote outputs that are not numbers \(nan or inf\)"),
        ("renamed", "wrote the outputs other, not scores"),
    ],
)
@pytest.mark.thorough
def test_outputs_that_are_none_are_refused(engine_of, wrong, mode, complaint):
    engine = engine_of()
    wrong(mode, "infer")
    with pytest.raises(FrameworkError, match=complaint):
        engine.infer(images()[0])


@pytest.mark.thorough
def test_too_few_inferences_are_told(engine_of, wrong):
    engine = engine_of()
    wrong("few", "time")
    with pytest.raises(FrameworkError, match="timed 2 inferences after the warm-up, and 5 were asked for"):
        engine.run_for(0.1, images()[0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "are not a list of objects"),
        ("[1]", "are not a list of objects"),
        ('[{"startComputeMs": 300, "h2dMs": 1, "computeMs": 1, "d2hMs": 1}]', "KeyError: 'latencyMs'"),
        ('[{"startComputeMs": 300, "h2dMs": -1, "computeMs": 1, "d2hMs": 1, "latencyMs": 1}]', "times that cannot be"),
        ('[{"startComputeMs": 300, "h2dMs": 0, "computeMs": 0, "d2hMs": 0, "latencyMs": 0}]', "times that cannot be"),
        ('[{"startComputeMs": 300, "h2dMs": nan, "computeMs": 1, "d2hMs": 1, "latencyMs": 1}]', "are not numbers"),
        ('[{"startComputeMs": "x", "h2dMs": 1, "computeMs": 1, "d2hMs": 1, "latencyMs": 1}]', "cannot be read"),
        (f'[{{"startComputeMs": 1{400 * "0"}}}]', "cannot be read: OverflowError"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_times_that_make_no_sense_are_refused(text, complaint):
    with pytest.raises(FrameworkError, match=complaint):
        trtexec_files.read_times(text, "trtexec")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[{"dimensions": "1", "values": [1]}]', "an output that cannot be read: 'name'"),
        ('[{"name": "a", "dimensions": "1x2", "values": [1]}]', "an output that cannot be read"),
        ('[{"name": "a", "dimensions": "1", "values": ["x"]}]', "an output that cannot be read"),
        (f'[{{"name": "a", "dimensions": "1", "values": [1{400 * "0"}]}}]', "an output that cannot be read"),
        (f'[{{"name": "a", "dimensions": "1{400 * "0"}", "values": [1]}}]', "an output that cannot be read"),
        (f'[{{"name": "a", "values": {"[" * 100_000}', "nested too deeply"),
        ('[{"name": "a", "dimensions": "1", "values": [NaN]}]', "the output 'a' with values that are not numbers"),
    ],
)
def test_outputs_that_make_no_sense_are_refused(text, complaint):
    with pytest.raises(FrameworkError, match=complaint):
        trtexec_files.read_outputs(text, ["a"], "trtexec")


def test_shapes_are_read_as_either_release_writes_them():
    for dimensions in ("1x2", "(1, 2)"):
        (array,) = trtexec_files.read_outputs(
            f'[{{"name": "a", "dimensions": "{dimensions}", "values": [1, 2]}}]', None, ""
        )
        assert array.shape == (1, 2)
        assert array.dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ((), "0 arrays for the inputs images"),
        ((np.zeros(SHAPE), 1), "2 arrays for the inputs images"),
        ((np.zeros(SHAPE),), r"'images' is float32 \[1, 3, 32, 32\], not float64 \[1, 3, 32, 32\]"),
        ((np.zeros((1, 3, 32, 31), np.float32),), r"not float32 \[1, 3, 32, 31\]"),
        (([0.0],), "not list"),
    ],
)
@pytest.mark.thorough
def test_arrays_that_do_not_fit_are_refused(engine_of, arrays, complaint):
    engine = engine_of()
    with pytest.raises(FrameworkError, match=complaint):
        engine.infer(*arrays)
    with pytest.raises(FrameworkError, match=complaint):
        engine.run_for(0.1, *arrays)


@pytest.mark.thorough
def test_a_closed_engine_times_nothing(engine_of):
    engine = engine_of()
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.run_for(0.1, images()[0])


@pytest.mark.thorough
def test_arrays_in_another_order_in_memory_are_written_in_theirs(engine_of):
    turned = np.ascontiguousarray(images()[0].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    right = expected(images()[0])
    assert np.abs(engine_of().infer(turned)[0] - right).max() < 1e-5 * np.abs(right).max()


@ALL
@pytest.mark.thorough
def test_outputs_come_in_the_files_order_and_integers_as_the_release_has_them(fake, tmp_path, version):
    fake(version)
    engine = load_model(small(several(tmp_path / "several.onnx")))
    kept, negated, counted = engine.infer(np.array([3, -4], np.float32), np.array([7], np.int64))
    assert [kept.tolist(), negated.tolist(), counted.tolist()] == [[3, 0], [-3, 4], [7]]


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (TensorSpec("a,b", (1,)), "whose name has a comma"),
        (TensorSpec("a'b", (1,)), "or a quotation mark"),
        (TensorSpec("a", (1,), "float64"), "is float64, which TensorRT does not have"),
    ],
)
@pytest.mark.thorough
def test_inputs_that_it_cannot_be_given_are_refused(fake, onnx_file, spec, complaint):
    fake()
    with pytest.raises(FrameworkError, match=complaint):
        own_engine(onnx_file(), spec)


# An engine of the user's own.


@TWO
@pytest.mark.thorough
def test_an_engine_of_the_users_is_taken_as_it_is(engine_of, tmp_path, version):
    path = tmp_path / "own.engine"
    engine_of(version)
    path.write_bytes(engine_of.path(version).read_bytes())
    engine = own_engine(path, TensorSpec("images", SHAPE), precision="fp16")
    right = expected(images()[0])
    assert np.abs(engine.infer(images()[0])[0] - right).max() < 1e-5 * np.abs(right).max()
    assert len(engine.run_for(0.1, images()[0])["latency"]) > 100
    described = engine.describe()
    assert described["precision"] == "fp16"
    assert "build_command" not in described
    assert "built_with" not in described
    assert len(described["engine_sha256"]) == 12


@pytest.mark.thorough
def test_an_engine_that_cannot_be_loaded_is_told(fake, engine_of, tmp_path):
    engine_of("8.2.1")
    engine_of("10.3.0")
    other = engine_of.path("8.2.1")
    with pytest.raises(FrameworkError, match=r"engine\.plan.*\n.*made by 8\.2\.1"):
        own_engine(other, TensorSpec("images", SHAPE))
    (tmp_path / "damaged.engine").write_bytes(b"nothing")
    with pytest.raises(FrameworkError, match=r"damaged\.engine.*\n.*magic tag"):
        own_engine(tmp_path / "damaged.engine", *SPECS)
    with pytest.raises(FrameworkError, match=r"does not report the inputs of the engine .*give them with Model"):
        own_engine(other)


@pytest.mark.thorough
def test_its_inputs_must_be_the_models(engine_of):
    engine_of()
    with pytest.raises(FrameworkError, match="bytes, which is not the size of images"):
        own_engine(engine_of.path("10.3.0"), TensorSpec("images", (1, 3, 32, 31)))


@pytest.mark.thorough
def test_the_order_of_its_outputs_has_to_be_said(fake, tmp_path):
    fake()
    load_model(small(several(tmp_path / "several.onnx")))
    path = engine_file(tmp_path / "cache")
    specs = (TensorSpec("images", (2,)), TensorSpec("tokens", (1,), "int64"))
    with pytest.raises(FrameworkError, match=r"counted, kept, negated, in an order .*option tensorrt\.outputs"):
        own_engine(path, *specs)
    engine = own_engine(path, *specs, **{"tensorrt.outputs": ["negated", "counted", "kept"]})
    arrays = np.array([3, -4], np.float32), np.array([7], np.int64)
    assert [array.tolist() for array in engine.infer(*arrays)] == [[-3, 4], [7], [3, 0]]


@pytest.mark.thorough
def test_its_free_sizes_are_those_of_its_profile(fake, onnx_file, tmp_path):
    fake()
    profile = {"tensorrt.profile": {"images": ((1, 3, 4, 4), (2, 3, 4, 4), (8, 3, 4, 4))}}
    spec = TensorSpec("images", (4, 3, 4, 4))
    load_model(small(onnx_file(shape=("n", 3, 4, 4)), spec, **profile))
    engine = own_engine(engine_file(tmp_path / "cache"), spec, **profile)
    assert engine.infer(np.zeros((4, 3, 4, 4), np.float32))[0].shape == (4, 3, 4, 4)


# Where it is.


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    monkeypatch.delenv("EDGEPERF_TRTEXEC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(trtexec_program, "USUAL", str(tmp_path / "usual" / "trtexec"))
    return tmp_path


def test_where_there_is_none_it_says_what_to_install(nowhere, onnx_file):
    assert TrtExec().version() is None
    for sentence in (
        TrtExec().missing(),
        TrtExec().unable("fp16"),
    ):
        assert "trtexec is neither on the PATH nor at" in sentence
        assert "sudo apt-get install libnvinfer-bin" in sentence
    with pytest.raises(FrameworkError, match="libnvinfer-bin"):
        load_model(small(onnx_file()))
    with pytest.raises(FrameworkError, match="libnvinfer-bin"):
        own_engine("any.engine", *SPECS)


def test_each_jetpack_has_its_advice():
    for platform in ("jetpack-4", "jetpack-5", "jetpack-6", "jetpack-7"):
        assert "apt-get install libnvinfer-bin" in trtexec_program.INSTALL_ON[platform]
    assert "8.0 to 8.2" in trtexec_program.INSTALL_ON["jetpack-4"]


def test_it_is_looked_for_in_order(nowhere, monkeypatch):
    for name, version in (("usual", "8.2.1"), ("path", "10.3.0"), ("named", "11.1.0")):
        (nowhere / name).mkdir()
        trtexec_fake.install(nowhere / name, version)
    assert TrtExec().version() == "8.2.1"
    monkeypatch.setenv("PATH", str(nowhere / "path"))
    assert TrtExec().version() == "10.3.0"
    monkeypatch.setenv("EDGEPERF_TRTEXEC", str(nowhere / "named" / "trtexec"))
    assert TrtExec().version() == "11.1.0"


def test_a_name_for_nothing_is_not_passed_over(nowhere, monkeypatch):
    (nowhere / "usual").mkdir()
    trtexec_fake.install(nowhere / "usual", "8.2.1")
    monkeypatch.setenv("EDGEPERF_TRTEXEC", str(nowhere / "no-trtexec"))
    assert TrtExec().version() is None
    assert "EDGEPERF_TRTEXEC names" in TrtExec().missing()
    assert "which is not a program; correct it or unset it" in TrtExec().missing()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("#!/bin/sh\necho hello\n", "does not print what trtexec prints"),
        (
            "#!/bin/sh\necho 'libnvinfer.so.8: cannot open shared object file' >&2\nexit 127\n",
            "cannot open shared object",
        ),
        ("no program at all", "Exec format error"),
        ("#!/no/such/shell\n", "No such file or directory"),
    ],
)
def test_another_program_or_a_broken_one_is_told(nowhere, monkeypatch, script, complaint):
    path = nowhere / "trtexec"
    path.write_text(script)
    path.chmod(0o755)
    monkeypatch.setenv("EDGEPERF_TRTEXEC", str(path))
    assert TrtExec().version() is None
    assert str(path) in TrtExec().missing()
    assert complaint in TrtExec().missing()


@pytest.mark.thorough
def test_one_that_never_prints_its_help_is_told(fake, wrong, monkeypatch):
    log = fake()
    monkeypatch.setattr(trtexec_program, "HELP_LIMIT_S", 1.0)
    wrong("hang", "help")
    assert TrtExec().version() is None
    assert "did not finish within 1 s and was killed" in TrtExec().missing()
    assert len(log.read_text().splitlines()) == 1


def test_it_is_asked_once_and_again_when_it_is_another(nowhere, monkeypatch):
    monkeypatch.setenv("EDGEPERF_TRTEXEC", trtexec_fake.install(nowhere, "8.2.1"))
    monkeypatch.setenv("FAKE_TRTEXEC_LOG", str(nowhere / "starts"))
    assert [TrtExec().version() for _ in range(3)] == ["8.2.1"] * 3
    assert len((nowhere / "starts").read_text().splitlines()) == 1
    os.utime(trtexec_fake.install(nowhere, "10.3.0"), (1, 1))
    assert TrtExec().version() == "10.3.0"


@pytest.mark.parametrize(
    ("number", "version"),
    [
        (8001, "8.0.1"),
        (8201, "8.2.1"),
        (8503, "8.5.3"),
        (8602, "8.6.2"),
        (9200, "9.2.0"),
        (100001, "10.0.1"),
        (100300, "10.3.0"),
        (101302, "10.13.2"),
        (110100, "11.1.0"),
    ],
)
def test_versions_are_read_from_the_banners_number(number, version):
    assert trtexec_program.version_of_banner(number) == version


def test_the_gpu_is_what_nvidia_smi_says_or_the_board(tmp_path, monkeypatch):
    board = tmp_path / "model"
    monkeypatch.setattr(trtexec_program, "BOARD", board)
    for number, script in enumerate(("exit 9", "printf 'NVIDIA B\\nNVIDIA A\\nNVIDIA A\\n'")):
        program = tmp_path / str(number) / "nvidia-smi"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    for folder in ("none", "0"):
        monkeypatch.setenv("PATH", str(tmp_path / folder))
        assert trtexec_program.gpu_name() is None
    board.write_bytes(b"NVIDIA Jetson Nano Developer Kit\0")
    assert trtexec_program.gpu_name() == "NVIDIA Jetson Nano Developer Kit"
    monkeypatch.setenv("PATH", str(tmp_path / "1"))
    assert trtexec_program.gpu_name() == "NVIDIA A + NVIDIA B"


# The whole way.


def a_reference():
    return Reference(Inputs.of(images()), [(expected(image).astype(np.float32),) for image in images()], "numpy")


@ALL
def test_it_is_measured_like_any_other(engine_of, version):
    engine = engine_of(version)
    engine.model = Model("contract", {}, reference=a_reference)
    found = TimedInference(LocalConductor(0.5), {}, {})(engine, Inputs.of(images()))
    # The warm-up's, three times as long, are not among them.
    assert found.latency["max"] < 2.5
    assert found.latency["p50"] == pytest.approx(2.405, abs=0.02)
    assert found.values["device_copy_in"]["p50"] == pytest.approx(0.25)
    assert found.values["device_infer"]["p50"] == pytest.approx(2.03, abs=0.02)
    assert found.values["device_copy_out"]["p50"] == pytest.approx(0.125)
    assert found.latency["n"] == found.values["device_infer"]["n"] > 300
    assert found.values["output_error"] < 1e-5
    assert found.settings["engine"]["driver"] == "trtexec"
    assert "first_inference" not in found.values


WORKER = """
import sys
from tests.frameworks.test_trtexec import engine_at, images
engine = engine_at(sys.argv[1])
{0}
"""


def engine_at(path):
    """For a process of its own."""
    model = Model("contract", {"onnx": partial(str, path)})
    return load_model(model)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promises are Linux's")
@pytest.mark.parametrize("at", ["build", "infer", "time"])
@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)])
def test_a_worker_that_is_killed_leaves_no_program_behind(fake, wrong, tmp_path, at, how):
    log = fake()
    wrong("hang", at)
    path = write_onnx(str(tmp_path / "contract.onnx"))
    call = {"build": "", "infer": "engine.infer(images()[0])", "time": "engine.run_for(0.1, images()[0])"}[at]
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(call), path],
        cwd=str(Path(__file__).parents[2]),
        stdout=subprocess.DEVNULL,
    )
    marks = {"build": "--saveEngine", "infer": "--exportOutput", "time": "--exportTimes"}
    try:
        wait_for(log)
        hanging = []
        while not hanging:
            starts = [json.loads(line) for line in wait_for(log).splitlines()]
            hanging = [one["pid"] for one in starts if any(marks[at] in argument for argument in one["arguments"])]
            assert worker.poll() is None
        assert alive(hanging[0])
        worker.send_signal(how)
        assert worker.wait(10) == -how
        assert gone_in_time(hanging[0])
    finally:
        worker.kill()
        worker.wait()


# The fake itself.


def start(path, *arguments):
    return subprocess.run([path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


@pytest.mark.parametrize(
    ("version", "argument", "complaint"),
    [
        ("8.2.1", "--skipInference", "Unknown option: --skipInference"),
        ("8.2.1", "--memPoolSize=workspace:1", "Unknown option: --memPoolSize"),
        ("8.2.1", "--bf16", "Unknown option: --bf16"),
        ("8.2.1", "--noCudaGraph", "Unknown option: --noCudaGraph"),
        ("10.3.0", "--workspace=1", "Unknown option: --workspace 1"),
        ("10.3.0", "--buildOnly", "Unknown option: --buildOnly"),
        ("10.3.0", "--includeDataTransfers", "Unknown option: --includeDataTransfers"),
        ("11.1.0", "--fp16", "Unknown option: --fp16"),
        ("11.1.0", "--int8", "Unknown option: --int8"),
        ("8.2.1", "--duration=0.5", "--duration takes a whole number, not 0.5"),
        ("8.2.1", "--noTF32=1", "--noTF32 takes no value"),
        ("8.2.1", "--saveEngine", "--saveEngine takes a value"),
        ("8.2.1", "--onnx=other.onnx", "--onnx is given twice"),
    ],
)
def test_the_fake_is_strict(tmp_path, onnx_file, version, argument, complaint):
    done = start(trtexec_fake.install(tmp_path, version), f"--onnx={onnx_file()}", argument)
    assert done.returncode == 1
    assert f"[E] {complaint}" in done.stdout
    assert f"&&&& FAILED TensorRT.trtexec {trtexec_fake.RELEASES[version].banner} # " in done.stdout


@ALL
@pytest.mark.thorough
def test_the_fakes_help_has_its_options_and_no_others(fake, version):
    fake(version)
    assert trtexec_program.find().options == set(trtexec_fake.RELEASES[version].options)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--minShapes=images:1x3x4x4"], "the model is static and takes no shapes"),
        (["--int8"], "--int8 without quantise nodes"),
        (["--useDLACore=0", "--noTF32"], "DLA takes fp16 and int8 only"),
    ],
)
def test_the_fake_builds_no_nonsense(tmp_path, onnx_file, arguments, complaint):
    path = trtexec_fake.install(tmp_path, "10.3.0")
    done = start(path, f"--onnx={onnx_file()}", f"--saveEngine={tmp_path / 'engine'}", "--skipInference", *arguments)
    assert done.returncode == 1
    assert complaint in done.stdout
    assert not (tmp_path / "engine").exists()


def test_the_fake_takes_no_file_that_is_quantised_for_cpus(tmp_path):
    """ONNX Runtime's own way, whose zero points TensorRT refuses."""
    from pytest_edgeperf.frameworks.onnx_files import quantise

    plain = write_onnx(str(tmp_path / "contract.onnx"))
    np.savez(str(tmp_path / "examples.npz"), **{f"{index}_0": image for index, image in enumerate(images(4))})
    quantise(plain, tmp_path, "cpu.onnx", ["images"], str(tmp_path / "examples.npz"), "QDQ")
    path = trtexec_fake.install(tmp_path, "10.3.0")
    done = start(path, f"--onnx={tmp_path / 'cpu.onnx'}", "--int8", "--saveEngine=/dev/null", "--skipInference")
    assert done.returncode == 1
    assert "the zero point is not 0 in 8 signed bits" in done.stdout

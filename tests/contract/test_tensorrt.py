"""TensorRT on the strict fake of its bindings, in all versions; what the fake cannot show is shown on a GPU only."""

from __future__ import annotations

import inspect
import json
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pytest_edgeperf.frameworks import building
from pytest_edgeperf.frameworks.cuda.cuda_bindings import CudaBindings
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, TensorSpec
from pytest_edgeperf.frameworks.tensorrt import TensorRt
from pytest_edgeperf.frameworks.tensorrt.bindings_engine import TensorRtEngine
from pytest_edgeperf.frameworks.tensorrt.files import ENGINE
from pytest_edgeperf.testing import FrameworkContract
from tests.contract.whole import whole
from tests.fakes import tensorrt_api, tensorrt_fake
from tests.fakes.cuda_fake import DEVICE
from tests.fakes.tensorrt_api import TABLE, VERSIONS, names, used

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

#: Run on every Python; the others by "tox run -e frameworks", and what follows the contract on one.
ALWAYS = ("8.2", "11.4")
#: JetPack 5 and older have no cuda-bindings.
WITH_PYCUDA = ("8.0", "8.2", "8.4", "8.5")


def versions(*chosen):
    return [
        pytest.param(version, marks=() if version in ALWAYS else pytest.mark.slow) for version in chosen or VERSIONS
    ]


def cuda_of(version):
    return "pycuda" if version in WITH_PYCUDA else "cuda-bindings"


class OnFake(FrameworkContract):
    framework_name = "tensorrt"
    version = ""

    @pytest.mark.slow
    @pytest.mark.thorough
    def test_closing_gives_the_memory_back(self, framework, tmp_path):
        super().test_closing_gives_the_memory_back(framework, tmp_path)

    @pytest.fixture(autouse=True)
    def fake(self, monkeypatch, tmp_path):
        tensorrt_fake.install(monkeypatch, tmp_path / "site", cuda_of(self.version), version=self.version)
        yield
        tensorrt_fake.forget()

    def test_the_version_is_the_fakes(self, framework, model):
        assert framework.version() == f"{self.version}.0"
        engine = framework.load(model)
        assert engine.describe()["api"] == (
            "tensors" if "ICudaEngine.num_io_tensors" in names(self.version) else "bindings"
        )
        engine.close()

    def test_each_precision_is_offered_where_the_version_has_it(self, framework, model):
        offered = [p for p in framework.precisions if framework.unsupported(model, p) is None]
        # 11 has no flag for it and nothing converts a file to it.
        has_bf16 = "BuilderFlag.BF16" in names(self.version)
        assert offered == ["fp32", "tf32", "fp16", *(["bf16"] if has_bf16 else []), "int8"]


for _version in VERSIONS:
    _name = "TestTensorRt" + _version.replace(".", "_")
    _marks = [] if _version in ALWAYS else [whole]
    globals()[_name] = type(_name, (OnFake,), {"version": _version, "pytestmark": _marks})


@pytest.fixture
def one_process(monkeypatch):
    """Build in this process: quick, and what is used is seen."""

    def run(python, order, outside):
        module, _, name = order["function"].partition(":")
        getattr(import_module(module), name)(Path(order["folder"]), **order["arguments"])

    monkeypatch.setattr(building, "run_build", run)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Small ONNX files: float32 of a free batch, in float16, quantised, one with all types, one that is refused."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder = tmp_path_factory.mktemp("networks")

    def save(name, nodes, inputs, outputs, weights=()):
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info(*value) for value in inputs],
            [helper.make_tensor_value_info(*value) for value in outputs],
            [numpy_helper.from_array(array, weight) for weight, array in weights],
        )
        opsets = [helper.make_opsetid("", 13)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(folder / f"{name}.onnx"))
        return str(folder / f"{name}.onnx")

    matrix = np.linspace(-1, 1, 8, dtype=np.float32).reshape(4, 2)
    multiply = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    free = [("x", TensorProto.FLOAT, ["batch", 4])], [("y", TensorProto.FLOAT, ["batch", 2])]
    half = [
        helper.make_node("Cast", ["x"], ["x16"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["x16", "w"], ["y16"]),
        helper.make_node("Cast", ["y16"], ["y"], to=TensorProto.FLOAT),
    ]
    quantised = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
        helper.make_node("MatMul", ["d", "w"], ["y"]),
    ]
    scale = [("scale", np.array(0.05, np.float32)), ("zero", np.array(0, np.int8))]
    kinds = {"h": 10, "i": 3, "n": 6, "b": 9, "u": 2, "l": 7}
    found = {
        "plain": save("plain", multiply, *free, [("w", matrix)]),
        "half": save("half", half, *free, [("w", matrix.astype(np.float16))]),
        "quantised": save("quantised", quantised, *free, [("w", matrix), *scale]),
        "refused": save("refused", [helper.make_node("Erf", ["x"], ["y"])], *free),
        "bf16": save(
            "bf16",
            [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)],
            free[0],
            [("y", TensorProto.BFLOAT16, ["batch", 4])],
        ),
    }
    for chosen in ("hinb", "hinbu", "hinbul"):
        nodes = [helper.make_node("Identity", [name], [name.upper()]) for name in chosen]
        inputs = [(name, kinds[name], [2]) for name in chosen]
        outputs = [(name.upper(), kinds[name], [2]) for name in chosen]
        weights = [("unused", np.zeros(1, np.float16))]
        found[chosen] = save(chosen, nodes, inputs, outputs, weights)
    return found


class Scenario:
    """Everything that the driver can do, once, on a version of the fake; what comes of it."""

    def __init__(self, monkeypatch, folder, networks, version, **traits):
        self.networks, self.version = networks, version
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(folder / "cache"))
        # Both fakes of CUDA are tested with the contract.
        information = {"Layers": [{"Name": "node_of_y", "LayerType": "CaskGemm", "Outputs": [{"Name": "y"}]}]}
        traits = {"dla_cores": 2, "information": information, **traits}
        tensorrt_fake.install(monkeypatch, folder / "site", version=version, **traits)
        tensorrt_fake.USED.clear()

    def engine(self, name, precision="fp32", shape=(3, 4), **options):
        path = self.networks[name]
        model = Model(
            name,
            {"onnx": lambda: path, **({f"onnx:{precision}": lambda: path} if name in ("half", "quantised") else {})},
            (TensorSpec("x", shape),),
            options={f"tensorrt.{key}": value for key, value in options.items()},
            calibration=lambda: Inputs.of([np.full(shape, i, np.float32) for i in range(3)]),
        )
        return TensorRt().load(model, precision=precision)

    def outcome(self, engine, shape=(3, 4)):
        x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        (found,) = engine.infer(x)
        phases = engine.infer_timed(x)
        (operators,) = engine.profile_operators([(x,)], repetitions=1, calls=2).repetitions
        described = dict(engine.describe())
        engine.close()
        header = tensorrt_fake.header_of(
            next((self.folder / "cache").rglob(f"*{described['engine_sha256']}*/{ENGINE}"))
        )
        phases = {phase: round(phases[phase], 3) for phase in phases if phase != "synchronise"}
        layers = [[operator.name, operator.kind, operator.outputs] for operator in operators]
        return [found.round(3).tolist(), phases, described, header, layers]

    def run(self):
        has = names(self.version)
        typed = "BuilderFlag.FP16" not in has
        done = {
            "unable": [TensorRt().unable(precision) for precision in ("fp32", "tf32", "fp16", "bf16", "int8")],
            "device": json.loads(next((self.folder / "cache").rglob("tensorrt-device-*/facts.json")).read_text()),
            "fp32": self.outcome(self.engine("plain")),
            "tf32": self.outcome(self.engine("plain", "tf32")),
        }
        half, quantised = ("half", "quantised") if typed else ("plain", "plain")
        done["fp16"] = self.outcome(self.engine(half, "fp16", dla_core=1))
        done["int8"] = self.outcome(self.engine(quantised, "int8"))
        if "BuilderFlag.BF16" in has:
            done["bf16"] = self.outcome(self.engine("plain", "bf16"))
        level = {"builder_optimization_level": 2} if "IBuilderConfig.builder_optimization_level" in has else {}
        profile = {"x": [(1, 4), (2, 4), (8, 4)]}
        done["free"] = self.outcome(self.engine("plain", shape=(5, 4), profile=profile, **level), (5, 4))
        with pytest.raises(FrameworkError) as error:
            self.engine("refused")
        done["refused"] = str(error.value)
        if "DataType.BF16" in has:
            with pytest.raises(FrameworkError) as error:
                self.engine("bf16")
            done["bf16 output"] = str(error.value)
        types = "hinb" + ("u" if "DataType.UINT8" in has else "") + ("l" if "DataType.INT64" in has else "")
        path = self.networks[types]
        given = Model(types, {"onnx:fp16": lambda: path})
        engine = TensorRt().load(given, precision="fp16")
        arrays = [np.ones(2, spec.dtype) for spec in engine.inputs]
        done["types"] = [f"{array.dtype} {array.tolist()}" for array in engine.infer(*arrays)]
        engine.close()
        return json.loads(json.dumps(done))


@pytest.fixture
def scenario(monkeypatch, tmp_path, networks, one_process):
    count = iter(range(1000))

    def make(version, **traits):
        return Scenario(monkeypatch, tmp_path / f"scenario{next(count)}", networks, version, **traits)

    yield make
    tensorrt_fake.forget()


@pytest.mark.parametrize("version", versions())
def test_all_that_is_used_is_in_the_table_and_all_of_the_table_is_used(scenario, version):
    done = scenario(version).run()
    assert used(version) == tensorrt_fake.USED
    typed = "BuilderFlag.FP16" not in names(version)
    flags = {precision: done[precision][2]["builder_flags"] for precision in ("fp32", "tf32", "fp16", "int8")}
    assert flags == {"fp32": [], "tf32": ["TF32"], "fp16": [] if typed else ["FP16"], "int8": [] if typed else ["INT8"]}
    assert "No importer registered for op: Erf" in done["refused"]
    assert DEVICE.held() == {"memory": 0, "page_locked": 0, "streams": 0, "events": 0}


@pytest.mark.slow
@pytest.mark.parametrize("version", [pytest.param(one, marks=() if one in ALWAYS else whole) for one in VERSIONS])
def test_without_any_one_name_of_a_version_something_fails(scenario, version):
    """The scenario ends in an error or in another outcome than it has with the whole table."""
    with_all = scenario(version).run()
    unnoticed = []
    for name in sorted(used(version)):
        try:
            if scenario(version, removed=[name]).run() == with_all:
                unnoticed.append(name)
        except (AttributeError, FrameworkError, AssertionError, RuntimeError):
            pass
    assert unnoticed == []


def test_a_name_that_no_version_has_is_no_feature_to_look_for(scenario):
    scenario("10.3")
    trt = import_module("tensorrt")
    with pytest.raises(AssertionError, match=r"Builder\.platform_has_fast_fp8 of TensorRT is used, but is not in"):
        hasattr(trt.Builder(trt.Logger(trt.Logger.WARNING)), "platform_has_fast_fp8")


def test_the_fakes_arguments_are_the_tables():
    classes = {cls.__name__: cls for cls in tensorrt_fake.CLASSES}
    assert set(classes) >= {
        name.split(".")[0] for name, entry in TABLE.items() if "." in name and entry.kind == "method"
    }
    for name, entry in TABLE.items():
        owner, _, method = name.rpartition(".")
        if entry.kind == "method" and owner:
            function = classes[owner].__dict__[method]
        elif entry.kind == "method":
            function = getattr(tensorrt_fake, method)
        elif entry.kind == "class" and name in classes:
            function = classes[name].__dict__["__init__"]
        else:
            continue
        assert (
            tuple(inspect.signature(function).parameters)[bool(owner) or entry.kind == "class" :] == entry.arguments
        ), name


def test_an_engine_of_another_version_or_gpu_is_not_loaded(scenario, monkeypatch):
    built_by = scenario("10.3")
    built_by.engine("plain").close()
    path = next((built_by.folder / "cache").rglob(ENGINE))
    for other in ({"version": "10.13"}, {"version": "10.3", "gpu": "Another"}):
        later = scenario(**other)
        model = Model("mine", {"tensorrt": partial(str, path)}, (TensorSpec("x", (3, 4)),))
        with pytest.raises(
            FrameworkError, match=r"cannot load .*engine\.plan: it is not an engine, or one of another version"
        ):
            TensorRt().load(model)
        assert later.version in sys.modules["tensorrt"].__version__
    assert DEVICE.held()["memory"] == 0


def test_an_engine_that_does_not_wait_gives_no_right_answer(scenario, monkeypatch):
    """The device works when it is waited for, and so the outputs of an engine that forgets it are what was there."""
    here = scenario("10.3")
    engine = here.engine("plain")
    x = np.ones((3, 4), np.float32)
    right = engine.infer(x)[0]
    monkeypatch.setattr(CudaBindings, "synchronise", lambda self, stream: None)
    assert not np.allclose(engine.infer(2 * x)[0], 2 * right)
    monkeypatch.undo()


def test_what_the_engine_takes_is_in_the_time_of_an_inference(scenario):
    """Starting the work is quick; the inference ends when the device has ended."""
    from time import perf_counter

    here = scenario("10.3", slowness_s=0.05)
    engine = here.engine("plain")
    assert isinstance(engine, TensorRtEngine)
    x = np.ones((3, 4), np.float32)
    start = perf_counter()
    engine.infer(x)
    assert perf_counter() - start >= 0.05
    timed = engine.infer_timed(x)
    assert timed["synchronise"] >= 50
    engine.close()


def test_the_table_names_only_versions_that_it_covers():
    for name, entry in TABLE.items():
        assert entry.first in VERSIONS, name
        assert entry.last is None or VERSIONS.index(entry.first) <= VERSIONS.index(entry.last), name
    assert set(tensorrt_api.SUPERSEDED) <= set(TABLE)

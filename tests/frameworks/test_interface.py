"""The template that every framework loads by, and what those of before it may go on doing."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from pytest_edgeperf import Engine, EngineDescription, Framework, FrameworkError, Model, Option, TensorSpec
from pytest_edgeperf.frameworks.interface import described
from pytest_edgeperf.frameworks.options import whole_number

MODEL = Model("net", {"onnx": str}, (TensorSpec("x", (2,)),), options={"fake.level": 3})


class FakeEngine(Engine):
    given = {}  # noqa: RUF012
    closed = False

    def infer(self, *arrays):
        return arrays

    def describe(self):
        said = self.configuration.description("numpy", self.configuration.threads, spinning=False)
        return EngineDescription(**{**vars(said), **self.given})

    def close(self):
        self.closed = True


class Fake(Framework):
    name = "fake"
    install_advice = "pip install fake"
    precisions = ("fp32", "fp16")
    variants = ("gpu",)
    options = (Option("level", "how much", whole_number, 1),)
    here = "1.0"
    refusal = None
    engine = FakeEngine

    @property
    def processor(self):
        return "gpu" if self.variant else "cpu"

    def version(self):
        return self.here

    def unsupported(self, model, precision):
        return self.unable(precision) or self.refusal

    def _load(self, configuration):
        self.loaded = self.engine(configuration)
        return self.loaded


def test_an_engine_is_made_from_one_configuration():
    framework = Fake()
    engine = framework.load(MODEL, precision="fp16", threads=2)
    assert engine is framework.loaded
    configuration = engine.configuration
    assert (configuration.framework, configuration.version, configuration.model) == ("fake", "1.0", MODEL)
    assert (configuration.precision, configuration.threads, configuration.options) == ("fp16", 2, {"level": 3})
    assert (engine.framework, engine.precision, engine.inputs) == ("fake", "fp16", MODEL.inputs)
    framework.variant = "gpu"
    assert framework.load(MODEL).framework == "fake:gpu"


@pytest.mark.parametrize(
    ("changes", "arguments", "complaint"),
    [
        ({}, {"precision": "fp61"}, "unknown precision 'fp61'"),
        ({}, {"precision": "int8"}, "fake has no int8, only fp32, fp16"),
        ({"refusal": "it is too large"}, {}, "^it is too large$"),
        ({}, {"threads": 0}, "threads must be at least 1, not 0"),
        ({"here": None}, {}, "^fake is not installed; pip install fake$"),
        ({"here": None, "variant": "gpu"}, {}, "^fake:gpu is not installed"),
        ({"options": ()}, {}, r"fake has no option 'fake\.level'"),
    ],
)
def test_what_cannot_be_is_an_error_before_anything_is_loaded(changes, arguments, complaint):
    framework = Fake()
    for name, value in changes.items():
        setattr(framework, name, value)
    with pytest.raises(FrameworkError, match=complaint):
        framework.load(MODEL, **arguments)
    assert not hasattr(framework, "loaded")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"precision": "fp32"}, "fake was asked for precision 'fp16' and gave 'fp32'"),
        ({"threads": 1}, "fake was asked for threads 2 and gave 1"),
        ({"framework": "other"}, "fake was asked for framework 'fake' and gave 'other'"),
    ],
)
def test_an_engine_that_is_not_as_asked_is_closed_and_refused(given, complaint):
    framework = Fake()
    framework.engine = type("Other", (FakeEngine,), {"given": given})
    with pytest.raises(FrameworkError, match=complaint):
        framework.load(MODEL, precision="fp16", threads=2)
    assert framework.loaded.closed


def test_threads_that_are_not_told_and_those_that_drive_a_gpu_are_not_compared():
    framework = Fake()
    framework.engine = type("Untold", (FakeEngine,), {"given": {"threads": "not controlled"}})
    framework.load(MODEL, threads=2)
    framework.engine = type("OnGpu", (FakeEngine,), {"given": {"threads": 1}})
    framework.variant = "gpu"
    framework.load(MODEL, threads=2)


def test_a_description_is_flat_as_an_environment_keeps_it():
    engine = Fake().load(MODEL)
    description = engine.describe()
    flat = {
        "framework": "fake",
        "version": "1.0",
        "precision": "fp32",
        "provider": "numpy",
        "threads": 1,
        "spinning": False,
    }
    assert description.provider == "numpy"
    assert description.details == {"spinning": False}
    assert description == flat
    assert list(description) == list(flat)
    assert len(description) == len(flat)
    assert description["spinning"] is False
    assert "streams" not in description
    assert json.loads(json.dumps(described(engine))) == flat
    with pytest.raises(ValueError, match="repeat threads"):
        EngineDescription("fake", "1.0", "fp32", "numpy", 1, {"threads": 2})


def test_a_framework_without_load_of_either_kind_cannot_be_made():
    class Unfinished(Framework):
        def version(self):
            return "1"

        def unsupported(self, model, precision):
            return None

    with pytest.raises(TypeError, match="_load"):
        Unfinished()


# As frameworks of other packages were written before the template.


class OldEngine(Engine):
    framework = "old"

    def __init__(self, model, precision):
        super().__init__()
        self.model, self.precision, self.inputs = model, precision, model.inputs

    def infer(self, *arrays):
        return tuple(2 * array for array in arrays)

    def describe(self):
        return {"framework": self.framework, "precision": self.precision, "provider": "numpy", "threads": 1}


def old_framework():
    class Old(Framework):
        name = "old"
        install_advice = "pip install old"

        def version(self):
            return "1.0"

        def unsupported(self, model, precision):
            return self.unable(precision)

        def load(self, model, *, precision="fp32", threads=1):
            return OldEngine(model, precision)

    return Old


def test_a_framework_that_overrides_load_works_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"\.Old overrides load; override _load\(config") as warned:
        old = old_framework()
    assert warned[0].filename == __file__
    engine = old().load(MODEL)
    assert engine.infer(np.ones(2))[0].tolist() == [2, 2]


def test_a_description_that_is_a_mapping_works_with_a_warning():
    engine = OldEngine(MODEL, "fp32")
    with pytest.warns(DeprecationWarning, match=r"\.OldEngine\.describe returns a dict; return a pytest_"):
        assert described(engine)["provider"] == "numpy"
    engine.describe = lambda: ["numpy"]
    with pytest.raises(FrameworkError, match="returned a list, not an EngineDescription"):
        described(engine)


def test_a_framework_of_today_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        described(type("Again", (Fake,), {})().load(MODEL))

from __future__ import annotations

import subprocess
import sys
import types
from importlib import import_module, metadata

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.measure import runtimes
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.runtimes import RUNTIMES, loaded_versions
from pytest_edgeperf.measure.timed_inference import TimedInference

from .engines import Doubling


@pytest.fixture
def installed(monkeypatch):
    """Distributions and their versions, instead of those that are installed here."""
    versions = {}

    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(runtimes.metadata, "version", version)
    return versions


def module(**attributes):
    made = types.ModuleType("made")
    made.__dict__.update(attributes)
    return made


def test_what_is_loaded_counts_and_not_what_is_installed(installed):
    installed.update({"onnxruntime-gpu": "1.19.0", "torch": "2.1"})
    assert loaded_versions({"onnxruntime": module(), "json": module()}) == {"onnxruntime": "1.19.0"}
    assert loaded_versions({}) == {}
    assert loaded_versions({"torch": None}) == {}


def test_a_module_without_metadata_says_its_version_itself(installed):
    assert loaded_versions({"tensorrt": module(__version__="8.5.2.2"), "tvm": module()}) == {"tensorrt": "8.5.2.2"}


def test_opencv_is_what_its_own_version_file_says(installed):
    installed["opencv-python"] = "4.9.0.80"
    assert loaded_versions({"cv2": module()}) == {"opencv": "4.9.0.80"}
    own = {"cv2": module(), "cv2.version": module(opencv_version="4.10.0.84")}
    assert loaded_versions(own) == {"opencv": "4.10.0.84"}


def test_runtimes_with_an_adapter_are_known_by_the_adapters_distributions():
    for name in ("onnxruntime", "opencv", "tensorflow", "tflite"):
        adapter = import_module(f"pytest_edgeperf.frameworks.{name}")
        assert RUNTIMES[name].distributions == adapter.DISTRIBUTIONS
    bindings = import_module("pytest_edgeperf.frameworks.tensorrt.installed")
    assert RUNTIMES["tensorrt"].distributions == bindings.DISTRIBUTIONS


def test_an_adapter_and_a_plain_callable_say_the_same_version():
    for name in frameworks.installed():
        runtime = RUNTIMES.get(name)
        if runtime is not None and not runtime.attributes:
            assert loaded_versions({runtime.modules[0]: module()})[name] == frameworks.get(name).version()


def test_nothing_is_imported_for_it():
    code = "import sys, pytest_edgeperf.measure.runtimes as r; print(r.loaded_versions(), 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout.split() == ["{}", "False"]


def measured(call, monkeypatch, software):
    monkeypatch.setattr("pytest_edgeperf.measure.timed_inference.loaded_versions", lambda: {"torch": "2.1", "jax": "1"})
    timed_inference = TimedInference(LocalConductor(0.01), {"budget_s": 0.01}, dict(software))
    return call(timed_inference)


def test_the_run_of_a_plain_callable_has_them_and_an_adapters_own_word_wins(monkeypatch):
    made = measured(lambda timed: timed(sum, range(50)), monkeypatch, {"torch": "2.2"})
    assert {name: made.software[name] for name in ("torch", "jax")} == {"torch": "2.2", "jax": "1"}


def test_so_has_a_comparison_of_plain_callables(monkeypatch):
    def compare(timed):
        timed.compare(range(50), one=sum, two=max)
        return timed.measurement

    assert measured(compare, monkeypatch, {}).software["jax"] == "1"


def test_so_have_callables_in_parallel(monkeypatch):
    monkeypatch.setattr("pytest_edgeperf.measure.engine_runners.loaded_versions", lambda: {"jax": "1"})
    made = measured(lambda timed: timed.parallel(lambda: sum, 2, range(50)), monkeypatch, {})
    assert made.software["jax"] == "1"
    assert "torch" not in made.software


def test_an_engines_run_has_its_own_runtime_only(monkeypatch):
    made = measured(lambda timed: timed(Doubling(), np.array([[1.0, 2.0]])), monkeypatch, {"doubling": "3"})
    assert "jax" not in made.software
    assert made.software["doubling"] == "3"

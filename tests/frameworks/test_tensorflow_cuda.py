"""The whole way of ``tensorflow:cuda`` with a TensorFlow and a GPU that stand in."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.frameworks.tensorflow import TensorFlow as Adapter
from tests.fakes.tensorflow_api import Network, TensorFlow

IMAGES = np.array([[1.0, 2.0]], np.float32)


@pytest.fixture
def load(monkeypatch):
    """Loads the network in the TensorFlow that is given; also of the CPU."""
    monkeypatch.setattr(Adapter, "version", lambda self: TensorFlow.__version__)

    def loaded(tf, precision="fp32", name="tensorflow:cuda", **options):
        monkeypatch.setitem(sys.modules, "tensorflow", tf)
        given = {f"tensorflow.{key}": value for key, value in options.items()}
        sources = dict.fromkeys(("tensorflow", "tensorflow:fp16", "tensorflow:bf16"), Network)
        model = Model("net", sources, (TensorSpec("images", (1, 2)),), options=given)
        return frameworks.get(name).load(model, precision=precision, threads=2)

    return loaded


def test_an_inference_on_the_gpu(load):
    tf = TensorFlow()
    engine = load(tf)
    (doubled,) = engine.infer(IMAGES)
    np.testing.assert_array_equal(doubled, 2 * IMAGES)
    assert tf.given == {"soft": False, "tf32": False, "growth": True, "limit": None}
    assert engine.device_memory_mib() == 3
    described = engine.describe()
    told = [described[name] for name in ("framework", "provider", "gpu", "compute_capability", "cuda", "tf32")]
    assert told == ["tensorflow:cuda", "GPU:0", "Stand-in", "8.7", "12.9", False]


def test_the_cpu_stays_as_it_was(load):
    tf = TensorFlow(gpus=0)
    engine = load(tf, name="tensorflow")
    assert engine.describe()["provider"] == "CPU:0"
    assert engine.device_memory_mib() is None
    assert (tf.given["soft"], tf.given["tf32"]) == (True, True)
    assert frameworks.get("tensorflow").processor == "cpu"
    assert frameworks.get("tensorflow:cuda").processor == "gpu"


def test_tf32_is_a_precision_of_its_own(load):
    tf = TensorFlow()
    assert load(tf, "tf32").describe()["tf32"] is True
    assert tf.given["tf32"] is True
    with pytest.raises(FrameworkError, match="tensorflow has no tf32, only fp32, fp16, bf16"):
        load(tf, "tf32", name="tensorflow")
    with pytest.raises(FrameworkError, match="asked for TF32 off, and did not take it"):
        load(TensorFlow(takes_tf32=False))


@pytest.mark.parametrize(("precision", "capability", "needs"), [("tf32", (7, 2), "8.0"), ("fp16", (5, 0), "5.3")])
def test_a_gpu_without_the_precision(load, precision, capability, needs):
    with pytest.raises(FrameworkError, match=f"{precision}, which needs compute capability {needs}; the GPU has"):
        load(TensorFlow(capability=capability), precision)


def test_a_machine_without_a_gpu(load):
    with pytest.raises(FrameworkError, match=r"tensorflow 2\.99 finds no GPU \(it is built with CUDA\); install"):
        load(TensorFlow(gpus=0))


def test_what_runs_on_the_cpu_nevertheless(load):
    with pytest.raises(FrameworkError, match="asked for GPU:0 and gave CPU:0"):
        load(TensorFlow(runs_on="CPU:0"))
    with pytest.raises(FrameworkError, match=r"its graph puts Conv2D on the CPU; save it without tf\.device"):
        load(TensorFlow(saved_on="CPU:0"))
    assert load(TensorFlow(saved_on="GPU:0"))


def test_the_memory_that_it_may_take(load):
    tf = TensorFlow()
    assert load(tf, memory_mib=2500).describe()["memory_limit_mib"] == 2500
    assert (tf.given["limit"], tf.given["growth"]) == (2500, False)
    assert load(tf, memory_mib=2500)
    with pytest.raises(FrameworkError, match="started in this process with other settings of the GPU's memory"):
        load(tf, memory_mib=1000)
    with pytest.raises(FrameworkError, match="other settings of the GPU's memory"):
        load(tf)
    assert load(TensorFlow(started={"growth": True}))
    with pytest.raises(FrameworkError, match=r"\.memory_mib must be a whole number from 0, or \"all\", not -1"):
        load(tf, memory_mib=-1)


def test_all_the_memory_that_there_is_as_tensorflow_takes_it_by_itself(load):
    tf = TensorFlow()
    assert load(tf, memory_mib="all").describe()["memory_limit_mib"] == "all"
    assert (tf.given["limit"], tf.given["growth"]) == (None, False)
    assert load(tf, memory_mib="all")
    for started in ({"growth": True}, {"limit": 2500}):
        with pytest.raises(FrameworkError, match=r"other settings.* \(its memory is limited or grows"):
            load(TensorFlow(started=started), memory_mib="all")


def test_a_gpus_operations_have_no_times(load):
    engine = load(TensorFlow())
    with pytest.raises(NoProfile, match="tensorflow:cuda reports no operator times: the host sees how long starting"):
        engine.profile_operators([()])
    engine.close()
    with pytest.raises(FrameworkError, match="closed"):
        engine.profile_operators([()])

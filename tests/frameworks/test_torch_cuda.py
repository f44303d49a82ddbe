"""The whole way of ``torch:cuda`` with a GPU that stands in: PyTorch's own CPU behind the names of ``torch.cuda``."""

from __future__ import annotations

import time

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.torch import cuda as torch_cuda
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.testing import SHAPE, expected, images, torch_network

torch = pytest.importorskip("torch")
MODEL = Model("contract", {"torch": torch_network}, (TensorSpec("images", SHAPE),))


class Event:
    """Tells the host's time when it is recorded, as its work is done at once."""

    def __init__(self, enable_timing):
        assert enable_timing
        self.at_s = None

    def record(self):
        self.at_s = time.perf_counter()

    def elapsed_time(self, end):
        return (end.at_s - self.at_s) * 1e3


class Stream:
    """Counts who waited for it, and which one is at work."""

    current = None
    waited = 0

    def synchronize(self):
        Stream.waited += 1

    def __enter__(self):
        Stream.current = self

    def __exit__(self, *_):
        Stream.current = None


class Gpu:
    """What the adapter may ask ``torch.cuda``; nothing else is there."""

    capability = (8, 7)

    def __init__(self):
        self.placed = 0
        self.emptied = 0

    def init(self):
        """It works."""

    def get_device_name(self):
        return "Stand-in"

    def get_device_capability(self):
        return self.capability

    def synchronize(self):
        self.placed += 1

    def stream(self, stream):
        return stream

    def max_memory_allocated(self):
        return 123 * 2**20

    def empty_cache(self):
        self.emptied += 1

    Event = Event
    Stream = Stream


@pytest.fixture
def gpu(monkeypatch):
    stand_in = Gpu()
    monkeypatch.setattr(Stream, "waited", 0)
    monkeypatch.setattr(torch_cuda, "DEVICE", "cpu")
    monkeypatch.setattr(torch, "cuda", stand_in)
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    matrices, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn.conv
    kept = matrices.fp32_precision, convolutions.fp32_precision
    yield stand_in
    matrices.fp32_precision, convolutions.fp32_precision = kept


def load(precision="fp32", model=MODEL):
    return frameworks.get("torch:cuda").load(model, precision=precision)


def test_a_build_without_cuda_is_one_sentence():
    if torch.version.cuda is not None:
        pytest.skip("this build has CUDA")
    with pytest.raises(
        FrameworkError, match=r"torch:cuda was asked for, but torch \S+ was built without CUDA; install"
    ):
        load()


def test_a_driver_that_finds_no_gpu_is_told_in_its_own_words(gpu, monkeypatch):
    def init():
        raise RuntimeError("No CUDA GPUs are available")

    monkeypatch.setattr(gpu, "init", init, raising=False)
    with pytest.raises(FrameworkError, match=r"\(CUDA 12.6\) finds no GPU that it can use: No CUDA GPUs are available"):
        load()


@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-5), ("tf32", 1e-5), ("fp16", 5e-3), ("bf16", 3e-2)])
def test_it_answers_right_and_says_what_it_is(gpu, precision, error):
    framework = frameworks.get("torch:cuda")
    assert framework.processor == "gpu"
    assert precision in framework.offered
    engine = load(precision)
    for image in images():
        right = expected(image)
        found = engine.infer(image)[0]
        assert found.dtype == np.float32
        assert np.abs(found - right).max() <= error * np.abs(right).max()
    described = engine.describe()
    assert described["framework"] == "torch:cuda"
    assert (described["provider"], described["compute_capability"]) == ("Stand-in", "8.7")
    assert described["matmul_fp32"] == described["convolution_fp32"] == ("tf32" if precision == "tf32" else "ieee")


def test_the_models_own_module_stays_as_it_is(gpu):
    module = torch_network()
    load("fp16", Model("net", {"torch": module}, MODEL.inputs))
    assert {one.dtype for one in module.parameters()} == {torch.float32}


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_a_gpu_without_the_precision_is_refused_by_name(gpu, monkeypatch, precision):
    monkeypatch.setattr(Gpu, "capability", (7, 2))
    with pytest.raises(
        FrameworkError, match=rf"Stand-in has no {precision}: its compute capability is 7.2, .* needs 8.0"
    ):
        load(precision)


def test_a_flag_that_is_not_taken_is_an_error(gpu, monkeypatch):
    class Deaf:
        fp32_precision = property(lambda self: "tf32", lambda self, value: None)

    monkeypatch.setattr(torch.backends.cuda, "matmul", Deaf())
    with pytest.raises(FrameworkError, match="asked for matmul_fp32 'ieee' and gave 'tf32'"):
        load()


def test_older_releases_have_another_flag(gpu, monkeypatch):
    class Older:
        allow_tf32 = True

    class Cudnn:
        allow_tf32 = True
        benchmark = False

        @staticmethod
        def version():
            return 8902

    monkeypatch.setattr(torch.backends.cuda, "matmul", Older())
    monkeypatch.setattr(torch.backends, "cudnn", Cudnn())
    described = load().describe()
    assert (described["matmul_allow_tf32"], described["convolution_allow_tf32"]) == (False, False)
    assert load("tf32").describe()["matmul_allow_tf32"] is True


def test_a_run_has_the_devices_phases_and_its_memory_and_is_waited_for(gpu):
    engine = load()
    found = TimedInference(LocalConductor(0.05), {}, {})(engine, images()[0])
    phases = [found.values[name]["mean"] for name in ("device_copy_in", "device_infer", "device_copy_out")]
    assert sum(phases) == pytest.approx(found.values["device_latency"]["mean"], rel=0.05)
    assert found.values["memory_device_allocated"] == 123.0
    assert Stream.waited >= found.latency["n"]


def test_each_engine_works_in_a_stream_of_its_own(gpu):
    seen = []

    class Looking(torch.nn.Module):
        def forward(self, x):
            seen.append(Stream.current)
            return x

    model = Model("looking", {"torch": Looking}, (TensorSpec("x", (1,)),))
    engines = [load(model=model) for _ in range(2)]
    for engine in engines:
        engine.infer(np.zeros(1, np.float32))
        engine.infer_timed(np.zeros(1, np.float32))
    assert None not in seen
    assert seen[0] is seen[1] is not seen[2]
    # Their weights were there before they began.
    assert gpu.placed == 2


def test_nested_outputs_are_copied_back_flat(gpu):
    class Nested(torch.nn.Module):
        def forward(self, x):
            return {"a": x, "b": [x + 1, (x.argmax(1),)]}

    engine = load(model=Model("nested", {"torch": Nested}, (TensorSpec("x", (1, 3)),)))
    one, two, three = engine.infer(np.zeros((1, 3), np.float32))
    assert (one + 1 == two).all()
    assert three.dtype == np.int64


def test_closing_lets_the_memory_go(gpu):
    engine = load()
    engine.close()
    engine.close()
    assert gpu.emptied
    with pytest.raises(FrameworkError, match="closed"):
        engine.infer(images()[0])

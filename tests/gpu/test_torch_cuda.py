from __future__ import annotations

import numpy as np
import pytest

from pytest_edgeperf import frameworks
from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.testing import FrameworkContract

WIDE = 2048
SPEC = (TensorSpec("x", (WIDE, WIDE)),)


class TestTorchCuda(FrameworkContract):
    framework_name = "torch:cuda"


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip(f"torch {torch.__version__} has no CUDA")
    return torch


def product(torch, times=1):
    """A class of modules that multiply a matrix as often as asked for."""

    class Product(torch.nn.Module):
        def __init__(self):
            super().__init__()
            generator = torch.Generator().manual_seed(0)
            self.weight = torch.nn.Parameter(torch.randn(WIDE, WIDE, generator=generator) / WIDE**0.5)

        def forward(self, x):
            for _ in range(times):
                x = x @ self.weight
            return x

    return Product


def multiplied(torch, precision, times=1):
    """An engine of such a module."""
    model = Model("product", {"torch": product(torch, times)}, SPEC)
    return frameworks.get("torch:cuda").load(model, precision=precision)


def run(engine, seconds=0.3):
    inputs = engine.example_inputs(1)
    return TimedInference(LocalConductor(seconds), {}, {})(engine, inputs)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "bf16"])
def test_events_and_the_hosts_clock_tell_one_story(torch, precision):
    try:
        engine = multiplied(torch, precision, times=20)
    except FrameworkError as error:
        pytest.skip(str(error))
    found = run(engine)
    phases = [found.values[name]["p50"] for name in ("device_copy_in", "device_infer", "device_copy_out")]
    assert sum(phases) == pytest.approx(found.values["device_latency"]["p50"], rel=0.1)
    assert found.values["device_latency"]["p50"] <= found.latency["p50"] * 1.5
    assert found.values["memory_device_allocated"] > WIDE * WIDE * 2 / 2**20
    print(
        {name: found.values[name]["p50"] for name in found.values if name.startswith("device_")}, found.latency["p50"]
    )


def test_twice_the_work_is_seen_by_both_clocks(torch):
    once, twice = (run(multiplied(torch, "fp32", times)) for times in (50, 100))
    ratio = twice.values["device_infer"]["p50"] / once.values["device_infer"]["p50"]
    assert ratio == pytest.approx(2, rel=0.2)
    assert twice.latency["p50"] > 1.2 * once.latency["p50"]


def test_a_call_that_is_not_waited_for_cannot_pass_for_fast(torch):
    engine = multiplied(torch, "fp32", times=100)
    x = torch.randn(WIDE, WIDE, device="cuda")
    timed = TimedInference(LocalConductor(0.3), {}, {})
    # Only asking for it takes microseconds; the engine waits.
    module = product(torch, times=100)().eval().to("cuda")
    asked = timed(lambda: module(x)).latency["min"]
    torch.cuda.synchronize()
    assert run(engine).latency["p50"] > 5 * asked


def test_tf32_is_less_exact_than_fp32_where_the_gpu_has_it(torch):
    if torch.cuda.get_device_capability() < (8, 0):
        with pytest.raises(FrameworkError, match="has no tf32"):
            multiplied(torch, "tf32")
        return
    x = np.random.default_rng(0).standard_normal((WIDE, WIDE)).astype(np.float32)
    exact = multiplied(torch, "fp32").infer(x)[0].astype(np.float64)
    coarse = multiplied(torch, "tf32").infer(x)[0].astype(np.float64)
    error = np.abs(exact - coarse).max() / np.abs(exact).max()
    assert 1e-5 < error < 1e-2

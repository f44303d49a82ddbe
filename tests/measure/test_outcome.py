from __future__ import annotations

import asyncio
import functools
import itertools
import multiprocessing.pool
import os
import sys
import types
import warnings
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from pytest_edgeperf.measure.affinity import allowed_processors
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.outcome import Unfinished, require_finished, synchroniser
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.timed_inference import TimedInference


async def coroutine(value=1):
    return value


async def asynchronous_generator():
    yield 1


def generator():
    yield 1


class Awaitable:
    def __await__(self):
        return iter(())


class AsynchronousCall:
    async def __call__(self):
        return 1


def pending():
    return Future()


def asked_of_a_pool():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(int)


def asked_of_a_process_pool():
    with multiprocessing.pool.ThreadPool(1) as pool:
        return pool.apply_async(int)


UNFINISHED = {
    "coroutine": (coroutine, "a coroutine", "asyncio.run"),
    "partial": (functools.partial(coroutine, 2), "a coroutine", "asyncio.run"),
    "lambda": (lambda: coroutine(3), "a coroutine", "asyncio.run"),
    "asynchronous call": (AsynchronousCall(), "a coroutine", "asyncio.run"),
    "asynchronous generator": (asynchronous_generator, "an asynchronous generator", "asyncio.run"),
    "generator": (generator, "a generator", "postprocess=list"),
    "map": (lambda: map(int, "12"), "a map object", "postprocess=list"),
    "filter": (lambda: filter(None, "12"), "a filter object", "postprocess=list"),
    "zip": (lambda: zip("12"), "a zip object", "postprocess=list"),
    "islice": (lambda: itertools.islice("12", 1), "an islice object", "postprocess=list"),
    "future": (pending, "a future", "result()"),
    "submit": (asked_of_a_pool, "a future", "result()"),
    "apply_async": (asked_of_a_process_pool, "not there yet", "get()"),
    "awaitable": (Awaitable, "an awaitable", "asyncio.run"),
    "in a list": (lambda: [1, pending()], "a future (concurrent.futures._base.Future) (in a list)", "result()"),
    "in a dict": (lambda: {"a": (generator(),)}, "a generator (in a dict)", "postprocess=list"),
}


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_target_that_only_makes_an_object_is_refused_with_what_to_do(name):
    target, kind, remedy = UNFINISHED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Unfinished) as caught:
            Pipeline(target, ()).check()
    assert kind in str(caught.value)
    assert remedy in str(caught.value)
    assert "only the creation of that object" in str(caught.value)


def test_nothing_is_timed_of_such_a_target():
    conductor = LocalConductor(0.01)
    for measure in (
        lambda timed: timed(generator),
        lambda timed: timed.compare(a=int, b=generator),
        lambda timed: timed(int, preprocess=lambda: (), postprocess=lambda _: generator()),
    ):
        with pytest.raises(Unfinished):
            measure(TimedInference(conductor, {}, {}))
    assert conductor.delivered == []


@pytest.mark.parametrize(
    ("target", "postprocess"),
    [(generator, list), (coroutine, asyncio.run), (asked_of_a_pool, lambda one: one.result())],
)
def test_a_postprocess_that_takes_the_answer_makes_it_one(target, postprocess):
    Pipeline(target, (), postprocess=postprocess).check()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        1,
        "text",
        [1, 2],
        {"a": [1]},
        range(3),
        iter([1]),
        open,
        object(),
        (),
        [generator],
        types.SimpleNamespace(),
    ],
)
def test_an_answer_is_an_answer(answer):
    require_finished(answer)


def test_a_container_that_holds_itself_or_very_much_ends():
    circular = []
    circular.append(circular)
    require_finished(circular)
    require_finished([0] * 10**6)


def test_a_callable_is_called_once_before_the_warm_up_and_that_call_is_its_first():
    calls = []
    seen = []
    found = Pipeline(lambda: calls.append(1) or "answer", ()).check(seen.append)
    assert (len(calls), seen) == (1, ["answer"])
    assert found["first_ms"] > 0


class Device:
    def __init__(self):
        self.waits = 0
        self.pending = False

    def is_initialized(self):
        return True

    def synchronize(self):
        self.waits += 1
        self.pending = False

    def current_stream(self):
        return self

    def query(self):
        return not self.pending


class Tensor:
    def __init__(self, where):
        self.device = types.SimpleNamespace(type=where)


@pytest.fixture
def torch(monkeypatch):
    """What is asked of PyTorch, with a GPU that counts how often it is waited for."""
    fake = types.SimpleNamespace(Tensor=Tensor, cuda=Device(), mps=Device(), cpu=Device())
    monkeypatch.setitem(sys.modules, "torch", fake)
    return fake


@pytest.mark.parametrize("wrapped", [lambda one: one, lambda one: [one], lambda one: {"logits": (one,)}])
def test_a_tensor_on_a_gpu_is_waited_for_in_each_call(torch, wrapped):
    pipeline = Pipeline(lambda: wrapped(Tensor("cuda")), ())
    pipeline.check()
    assert pipeline.synchroniser.name == "torch.cuda"
    assert torch.cuda.waits == 1
    for call in pipeline.calls * 3:
        call()
    assert torch.cuda.waits == 4


def test_the_device_is_waited_for_within_the_phase_of_the_inference(torch):
    seen = []
    pipeline = Pipeline(lambda: Tensor("mps"), (), postprocess=lambda _: seen.append(torch.mps.waits))
    pipeline.check()
    pipeline.calls[0]()
    assert seen == [1, 2]


def test_a_target_that_gets_a_tensor_of_a_gpu_or_leaves_work_there_is_waited_for(torch):
    assert synchroniser(None, [Tensor("cuda")]).name == "torch.cuda"
    assert synchroniser(1.0, []) is None
    torch.cuda.pending = True
    assert synchroniser(1.0, []).name == "torch.cuda"


def test_tensors_of_the_processor_are_not_waited_for(torch):
    pipeline = Pipeline(lambda one: one, (Tensor("cpu"),))
    pipeline.check()
    assert pipeline.synchroniser is None
    assert torch.cuda.waits == 0


def test_a_runtime_without_a_device_raises_nothing(torch):
    def no_device():
        raise RuntimeError("no CUDA-capable device")

    torch.cuda.is_initialized = no_device
    assert synchroniser(1, []) is None


def test_jax_is_waited_for(monkeypatch):
    waited = []
    array = type("Array", (), {"__module__": "jaxlib.xla_extension", "block_until_ready": lambda self: self})
    monkeypatch.setitem(sys.modules, "jax", types.SimpleNamespace(block_until_ready=waited.append))
    result = {"logits": array()}
    pipeline = Pipeline(lambda: result, ())
    pipeline.check()
    pipeline.calls[0]()
    assert waited == [result, result]


def test_what_was_waited_for_is_in_the_environment(torch):
    conductor = LocalConductor(0.01)
    TimedInference(conductor, {"cpus": "off"}, {})(lambda: Tensor("cuda"))
    assert conductor.delivered[0].settings["synchronised"] == "torch.cuda"


def test_processors_that_the_benchmark_changed_are_recorded(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    conductor = LocalConductor(0.01)
    timed = TimedInference(conductor, {"cpus": "3"}, {})

    def target():
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 6}, raising=False)

    timed(target)
    (measured,) = conductor.delivered
    assert measured.quality["processors_changed"] == "3 -> 0-3,6"
    assert measured.settings["cpus"] == "0-3,6, set by the benchmark"


def test_processors_that_stay_are_no_news():
    conductor = LocalConductor(0.01)
    TimedInference(conductor, {"cpus": "3"}, {})(int)
    assert "processors_changed" not in conductor.delivered[0].quality
    assert conductor.delivered[0].settings["cpus"] == "3"


def test_a_system_without_affinity_has_none(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert allowed_processors() == ""

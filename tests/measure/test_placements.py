from __future__ import annotations

import pytest

from pytest_edgeperf.frameworks.interface import FrameworkError, NoPlacement
from pytest_edgeperf.measure import blocks, timed_inference, warmup
from pytest_edgeperf.measure.conductor import Block
from pytest_edgeperf.measure.placements import placement_of, placements_of
from pytest_edgeperf.measure.timed_inference import TimedInference

from .engines import Doubling


class Placed(Doubling):
    """Says where its nodes are, or does what it is given instead."""

    def __init__(self, placed):
        super().__init__()
        self.placed = placed

    def placement(self):
        if isinstance(self.placed, Exception):
            raise self.placed
        return self.placed


class Conductor:
    """Gives one block, and notes when it was over."""

    def __init__(self, log):
        self.log = log

    def blocks(self):
        yield Block(0.01)
        self.log.append("timed")

    def deliver(self, measurement):
        self.log.append("delivered")


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch):
    def warm_up(calls, **limits):
        return warmup.warm_up(calls, shortest_s=0.001, longest_s=0.01)

    for module in (timed_inference, blocks):
        monkeypatch.setattr(module, "warm_up", warm_up)


def test_what_an_engine_says_is_recorded_by_provider():
    assert placement_of(Placed({"CUDA": 118, "CPU": 2})) == {"placement": {"CPU": 2, "CUDA": 118}}


@pytest.mark.parametrize("engine", [None, Doubling(), Placed(None)])
def test_where_nothing_is_divided_nothing_is_recorded(engine):
    assert placement_of(engine) == {}


@pytest.mark.parametrize(
    ("placed", "reason"),
    [
        (NoPlacement("onnxruntime 1.19.2 does not\nreport it"), "not known: onnxruntime 1.19.2 does not report it"),
        (FrameworkError("the engine is closed"), "not known: FrameworkError"),
        (NoPlacement("x" * 500), "not known: " + "x" * 200),
        (ValueError("no handle at 0x7f00"), "not known: ValueError"),
        ({"CPU": "two"}, "not known: Placed.placement() returned no numbers of nodes"),
        ([("CPU", 2)], "not known: Placed.placement() returned no numbers of nodes"),
    ],
)
def test_what_is_not_known_has_its_reason_and_costs_no_run(placed, reason):
    assert placement_of(Placed(placed)) == {"placement": reason}


def test_of_several_engines_each_is_named():
    engines = {"fp32": Placed({"CUDA": 120}), "plain": None, "fp16": Placed({"CPU": 2, "CUDA": 118})}
    assert placements_of(engines) == {"placement": {"fp32: CUDA": 120, "fp16: CPU": 2, "fp16: CUDA": 118}}


def test_of_several_engines_one_that_is_not_known_leaves_nothing_to_compare():
    engines = {"fp32": Placed({"CUDA": 120}), "fp16": Placed(NoPlacement("it does not say"))}
    assert placements_of(engines) == {"placement": "not known: it does not say"}


def test_it_is_asked_for_when_everything_is_timed_and_stands_in_the_runs_environment():
    log = []

    class Noting(Placed):
        def placement(self):
            log.append("asked")
            return super().placement()

    engine = Noting({"CPU": 7})
    run = TimedInference(Conductor(log), {"threads": 1}, {})(engine, engine.example_inputs())
    assert log == ["timed", "asked", "delivered"]
    assert run.settings["placement"] == {"CPU": 7}


def test_compared_and_parallel_engines_have_theirs():
    fast, slow = Placed({"CPU": 7}), Placed({"CPU": 5, "GPU": 2})
    timed = TimedInference(Conductor([]), {}, {})
    timed.compare(fast.example_inputs(), fast=fast, slow=slow)
    assert timed.measurement.settings["placement"] == {"fast: CPU": 7, "slow: CPU": 5, "slow: GPU": 2}
    parallel = TimedInference(Conductor([]), {}, {})
    assert parallel.parallel(lambda: fast, 2, fast.example_inputs()).settings["placement"] == {"CPU": 7}

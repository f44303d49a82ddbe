"""Phases are ranges of a profiler's timeline in a process that nothing is compared in."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest

from pytest_edgeperf.measure import ranges
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference


@pytest.fixture
def timeline(monkeypatch):
    """What a profiler would see: the ranges in their order, each with what was called within."""
    seen = []

    @contextmanager
    def annotate(name):
        seen.append(f"begin {name}")
        yield
        seen.append(f"end {name}")

    fake = ModuleType("nvtx")
    fake.annotate = annotate
    monkeypatch.setitem(sys.modules, "nvtx", fake)
    return seen


def no_nvtx(monkeypatch):
    monkeypatch.delitem(sys.modules, "nvtx", raising=False)
    monkeypatch.setattr(ranges.importlib.util, "find_spec", lambda name: None)


def test_each_phase_is_a_range(timeline):
    def phase(name, answer):
        def call(*_):
            timeline.append(name)
            return answer

        return call

    timed = TimedInference(LocalConductor(0.01), {}, {}, ranges=True)
    timed(phase("forward", 2), 1, preprocess=phase("resize", 1), postprocess=phase("boxes", 3))
    one = ["begin preprocess", "resize", "end preprocess", "begin infer", "forward", "end infer"]
    one += ["begin postprocess", "boxes", "end postprocess"]
    # the first call, which is checked, is before
    after = timeline[3:]
    assert len(after) > 2 * len(one)
    assert after[: len(one)] == one
    assert len(after) % len(one) == 0


def test_targets_that_are_compared_have_their_names_in_ranges(timeline):
    TimedInference(LocalConductor(0.01), {}, {}, ranges=True).compare(1, fast=abs, slow=float)
    assert {"begin fast: infer", "end slow: infer"} <= set(timeline)


def test_runs_that_are_compared_have_no_ranges(timeline):
    TimedInference(LocalConductor(0.01), {}, {})(abs, 1)
    assert timeline == []


def test_torchs_ranges_are_taken_where_the_benchmark_uses_its_gpu(monkeypatch):
    no_nvtx(monkeypatch)
    made = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True, nvtx=SimpleNamespace(range="torch's")))
    monkeypatch.setitem(sys.modules, "torch", made)
    assert ranges.range_maker() == "torch's"
    monkeypatch.setattr(made.cuda, "is_available", lambda: False)
    assert ranges.range_maker() is None


def test_nothing_is_imported_for_ranges(monkeypatch):
    no_nvtx(monkeypatch)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert ranges.range_maker() is None
    TimedInference(LocalConductor(0.01), {}, {}, ranges=True)(abs, 1)
    assert "torch" not in sys.modules

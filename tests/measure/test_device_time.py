from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from pytest_edgeperf.frameworks.interface import DeviceTimed, Inputs, SelfTimed
from pytest_edgeperf.measure.conductor import Block, LocalConductor
from pytest_edgeperf.measure.device_time import FEWEST_INFERENCES, LEAST_MS, SelfTimer, device_times
from pytest_edgeperf.measure.pipeline import OutputMismatch
from pytest_edgeperf.measure.timed_inference import TimedInference

from .engines import DESCRIPTION, Doubling

INPUTS = Inputs([(np.array([[1.0, 2.0]]),), (np.array([[3.0, 4.0]]),)])


class OnDevice(Doubling, DeviceTimed):
    """A device that computes 5 ms after it was asked to; only waiting for it takes the host's time."""

    def __init__(self, waits=True, **options):
        super().__init__(**options)
        self.waits = waits
        self.ready_at = 0.0
        self.seen = []

    def infer(self, *arrays):
        self.ready_at = time.perf_counter() + 0.005
        return super().infer(*arrays)

    def synchronise(self):
        while self.waits and time.perf_counter() < self.ready_at:
            pass

    def infer_timed(self, *arrays):
        self.seen.append(float(arrays[0][0, 0]))
        return {"device_latency": 5.0, "device_copy_in": 0.0, "device_infer": 4.9, "synchronise": 4.8}


class Alone(Doubling, SelfTimed):
    """Tells latencies of its own making."""

    load_ms = {"engine_context": 12.5}  # noqa: RUF012

    def __init__(self, **options):
        super().__init__(**options)
        self.asked = []

    def run_for(self, seconds, *arrays):
        self.asked.append((seconds, float(arrays[0][0, 0])))
        latencies = [10.0 + 0.1 * (index % 4) for index in range(int(seconds * 100))]
        return {"latency": latencies, "device_infer": [one - 1 for one in latencies]}


def timer(seconds=0.05):
    conductor = LocalConductor(seconds)
    return TimedInference(conductor, {}, {})


@pytest.mark.quiet
def test_a_call_that_is_not_waited_for_cannot_pass_for_fast():
    waiting = timer()(OnDevice(), INPUTS)
    assert waiting.latency["min"] >= 5.0
    unsynchronised = timer()(OnDevice(waits=False), INPUTS)
    # The device's own clock tells what the host's did not wait for.
    assert unsynchronised.latency["p50"] < 1.0
    assert unsynchronised.values["device_latency"]["p50"] == 5.0


def test_phases_by_the_devices_clock_stand_beside_the_hosts():
    engine = OnDevice()
    found = timer()(engine, INPUTS)
    assert found.values["device_infer"]["p50"] == pytest.approx(4.9)
    assert found.values["synchronise"]["n"] >= FEWEST_INFERENCES
    assert found.metrics["device_copy_in"].unit == "ms"
    assert found.values["device_copy_in"]["p50"] == LEAST_MS
    assert set(engine.seen) == {1.0, 3.0}


def test_the_device_is_asked_for_what_the_preprocessing_made():
    engine = OnDevice()
    timer()(engine, INPUTS, preprocess=lambda array: array + 10)
    assert set(engine.seen) == {11.0, 13.0}


def test_a_device_that_is_slow_is_asked_a_few_times(monkeypatch):
    engine = OnDevice()
    monkeypatch.setattr("pytest_edgeperf.measure.device_time.PASS_S", 0.0)
    assert device_times(engine, list(INPUTS))["device_infer"]["n"] == FEWEST_INFERENCES


def test_an_engine_that_times_itself_is_asked_and_believed():
    engine = Alone()
    found = timer(0.5)(engine, INPUTS)
    assert found.latency["n"] == 50
    assert found.latency["p50"] == pytest.approx(10.15, abs=0.1)
    assert found.values["device_infer"]["min"] == pytest.approx(9.0)
    assert found.values["engine_context"] == 12.5
    # Its first inference was its program's start.
    assert "first_inference" not in found.values
    assert found.settings["engine"] == DESCRIPTION.to_dict()
    assert found.values["warm_up"] > 0
    assert engine.asked[0][0] == 0.25


def test_its_blocks_rotate_over_the_inputs_and_have_medians():
    engine = Alone()
    timed = SelfTimer(engine, list(INPUTS))
    ends = list(itertools.accumulate([timed.time(0, 0.1), timed.time(0, 0.2)]))
    assert ends == [10, 30]
    assert [entry for _, entry in engine.asked] == [1.0, 3.0]
    assert timed.medians(ends) == pytest.approx([10.1, 10.15], abs=0.06)
    assert timed.summaries(30)["latency"]["n"] == 30
    assert timed.repeat(0.1) == (10, pytest.approx(0.1013, abs=0.001))
    assert timed.course(ends) == {}
    assert timed.children_peak_mib() is None


def test_it_is_checked_like_any_other():
    with pytest.raises(OutputMismatch):
        timer()(Alone(answer=lambda array: 3 * array), INPUTS)


@pytest.mark.parametrize(
    "measure",
    [
        lambda timed: timed(Alone(), INPUTS, preprocess=lambda array: array),
        lambda timed: timed(Alone(), INPUTS, postprocess=lambda outputs: outputs),
        lambda timed: timed.compare(INPUTS, one=Doubling(), two=Alone()),
    ],
)
def test_what_it_cannot_be_asked_for_is_refused(measure):
    with pytest.raises(TypeError, match="doubling is timed by a separate program: use"):
        measure(timer())


def test_nor_several_at_once():
    with pytest.raises(Exception, match="is timed by a separate program"):
        timer().parallel(Alone, 2, INPUTS)


def test_blocks_of_a_local_conductor_are_one():
    assert list(LocalConductor(0.5).blocks()) == [Block(0.5)]

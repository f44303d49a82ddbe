from __future__ import annotations

import dataclasses
import math
import time

import pytest

from pytest_edgeperf.frameworks.interface import Inputs
from pytest_edgeperf.measure import blocks, loop, timed_inference, warmup
from pytest_edgeperf.measure.conductor import Block, LocalConductor
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.measure.pipeline import OutputMismatch
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.measure.worker import ChannelConductor

from .engines import DESCRIPTION, Doubling

BUDGET_S = 0.05


class Conductor:
    """Gives the planned blocks, and notes when each was over."""

    def __init__(self, *blocks):
        self.planned = blocks
        self.log = []

    def blocks(self):
        for block in self.planned:
            yield block
            self.log.append("block over")

    def deliver(self, measurement):
        self.log.append(measurement)


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch):
    limits = []

    def warm_up(calls, shortest_s=0.01, longest_s=0.2, **limit):
        limits.append((shortest_s, longest_s))
        return warmup.warm_up(calls, shortest_s=shortest_s, longest_s=longest_s, **limit)

    for module in (timed_inference, blocks):
        monkeypatch.setattr(module, "warm_up", warm_up)
    return limits


def timer(*blocks):
    conductor = Conductor(*(blocks or (Block(BUDGET_S),)))
    return TimedInference(conductor, {"threads": 1}, {"numpy": "1"}), conductor


def millisecond(*_):
    time.sleep(0.001)


def test_a_local_run_times_one_block_and_keeps_the_measurement():
    conductor = LocalConductor(BUDGET_S)
    found = TimedInference(conductor, {}, {})(millisecond)
    assert conductor.delivered == [found]
    assert found.settings["blocks"] == 1
    assert found.latency["n"] >= 1
    assert found.latency_ms == found.latency["p50"] >= 1.0


def test_every_value_has_its_metric_and_the_run_says_what_it_depended_on():
    timed, conductor = timer()
    found = timed(millisecond)
    assert conductor.log == ["block over", found]
    assert set(found.values) == set(found.metrics) <= set(METRICS)
    assert {"latency", "first_inference", "warm_up"} <= set(found.values)
    assert found.values["first_inference"] >= 1.0
    assert found.values["warm_up"] >= 1.0
    assert found.settings == {"threads": 1, "blocks": 1}
    assert {"python", "numpy"} <= set(found.software)
    assert {
        "canary_ms", "steady", "settle_ms", "timed_s", "cpu_share", "involuntary_switches_per_s"
    } <= set(found.quality)  # fmt: skip
    assert all(value > 0 for value in found.quality["canary_ms"])


def test_a_benchmark_measures_once():
    timed, _ = timer()
    timed(millisecond)
    with pytest.raises(RuntimeError, match="can measure only once; parametrise"):
        timed(millisecond)


def test_blocks_are_counted_settled_and_added_up(short_warm_up):
    timed, conductor = timer(Block(BUDGET_S), Block(BUDGET_S, settle_s=0.03), Block(BUDGET_S, settle_s=0.04))
    found = timed(millisecond)
    assert conductor.log == ["block over"] * 3 + [found]
    assert found.settings["blocks"] == 3
    assert short_warm_up[1:] == [(0.03, 0.03), (0.04, 0.04)]
    assert found.quality["timed_s"] >= 3 * BUDGET_S
    assert found.latency["n"] * found.latency["mean"] / 1e3 <= found.quality["timed_s"]


class Slowing:
    """A millisecond a call, three from a moment on."""

    slow_from_s = math.inf

    def __call__(self):
        time.sleep(0.003 if time.perf_counter() > self.slow_from_s else 0.001)


def test_a_step_inside_the_timed_block_is_marked_and_no_sample_is_dropped(monkeypatch):
    now_ns, calls = 0, math.inf

    def target():
        nonlocal now_ns, calls
        calls -= 1
        now_ns += 3_000_000 if calls < 0 else 1_000_000

    class Half(Conductor):
        def blocks(self):
            nonlocal calls
            calls = 150
            yield Block(0.6)

    monkeypatch.setattr(loop, "perf_counter_ns", lambda: now_ns)
    found = TimedInference(Half(), {}, {})(target)
    assert found.quality["course"] == "slowdown"
    assert found.quality["level_step"] == {"at": 0.5, "ratio": 3.0}
    assert found.latency["n"] == 300
    assert found.latency["max"] == 3.0


@pytest.mark.quiet
def test_a_step_between_visits_is_not_marked():
    target = Slowing()

    class Between(Conductor):
        def blocks(self):
            yield Block(0.2)
            target.slow_from_s = 0.0
            yield Block(0.2)

    found = TimedInference(Between(), {}, {})(target)
    assert found.latency["p90"] > 1.5 * found.latency["p25"]
    assert found.quality.get("level_step", {"ratio": 1.0})["ratio"] < 1.5


def test_whether_a_run_was_steady_is_left_out_when_it_cannot_be_told():
    assert "steady" not in timer()[0](lambda: time.sleep(0.1)).quality
    assert "steady" in timer()[0](millisecond).quality


def test_calls_too_short_for_the_clock_are_timed_in_batches():
    timed, _ = timer()
    found = timed(int)
    assert found.quality["calls_per_sample"] > 1
    assert "calls_per_sample" not in timer()[0](millisecond).quality


def test_how_many_images_a_call_takes_is_kept_where_it_is_told():
    assert timer()[0](millisecond, images=4).values["images_per_inference"] == 4
    assert "images_per_inference" not in timer()[0](millisecond).values


def test_phases_are_summarised_where_they_are_given():
    timed, _ = timer()
    found = timed(millisecond, preprocess=lambda: (), postprocess=lambda output: output)
    assert {"preprocess", "infer", "postprocess"} <= set(found.values)
    assert found.values["infer"]["n"] == found.latency["n"]
    assert found.values["infer"]["p50"] > found.values["postprocess"]["p50"]
    assert found.latency["mean"] >= found.values["infer"]["mean"]


@pytest.mark.parametrize(("given", "absent"), [("preprocess", "postprocess"), ("postprocess", "preprocess")])
def test_a_phase_that_is_not_given_is_absent(given, absent):
    timed, _ = timer()
    found = timed(millisecond, 1, **{given: lambda *values: values})
    assert {given, "infer"} <= set(found.values)
    assert absent not in found.values


def test_inputs_rotate():
    timed, _ = timer()
    seen = []
    timed(lambda value: (seen.append(value), time.sleep(0.002)), Inputs.of(["a", "b", "c"]))
    assert set(seen) == {"a", "b", "c"}
    # The first call was the one that looks at what it returns.
    assert "aa" not in "".join(seen[1:7])


def test_an_engine_that_answers_wrong_is_not_timed():
    timed, conductor = timer()
    engine = Doubling(lambda array: -array)
    with pytest.raises(OutputMismatch):
        timed(engine, engine.example_inputs())
    assert conductor.log == []
    assert timed.measurement is None


def test_an_engines_run_carries_its_error_its_first_inference_and_what_the_runtime_gave():
    timed, _ = timer()
    slow = iter([0.05])

    def answer(array):
        time.sleep(next(slow, 0.0))
        return 2 * array

    engine = Doubling(answer)
    found = timed(engine, engine.example_inputs())
    assert found.values["output_error"] == 0.0
    assert found.settings["engine"] == DESCRIPTION.to_dict()
    assert found.values["first_inference"] >= 50


def test_a_measurement_travels_as_plain_json():
    import json

    from pytest_edgeperf.measure.protocol import RunMeasured, event_of, message_of

    timed, _ = timer()
    measured = RunMeasured(timed(millisecond))
    sent = message_of(measured)
    assert json.loads(json.dumps(sent)) == sent
    assert sent["measurement"]["metrics"]["latency"] == {"unit": "ms", "better": "lower"}
    assert event_of(sent) == measured


def test_the_channels_conductor_times_a_block_per_command_until_told_to_finish():
    import socket

    from pytest_edgeperf.measure.channel import Channel
    from pytest_edgeperf.measure.protocol import BlockTimed, Finish, Ready, TimeBlock, event_of, message_of

    left, right = socket.socketpair()
    coordinator, worker = Channel(left), Channel(right)
    for command in (TimeBlock(1.5, 0.25), TimeBlock(2.5, turn=True), Finish()):
        coordinator.send(message_of(command))
    assert list(ChannelConductor(worker).blocks()) == [Block(1.5, 0.25), Block(2.5, 0.0, turn=True)]
    assert [event_of(coordinator.receive(1.0)) for _ in range(3)] == [Ready(), BlockTimed(), BlockTimed()]
    coordinator.close()
    worker.close()


@pytest.mark.quiet
def test_turns_are_summarised_one_by_one_and_canaries_stand_around_all_of_them(monkeypatch):
    collected = []
    monkeypatch.setattr(loop.gc, "collect", lambda: collected.append(1))
    pauses = iter([0.001] * 5 + [0.002] * 1000)
    timed, _ = timer(*[Block(0.004, settle_s=0.001, turn=True)] * 6)
    measurement = timed(lambda: time.sleep(next(pauses)))
    assert len(measurement.turns_ms) == 6
    assert min(measurement.turns_ms) >= 1.9
    assert len(measurement.quality["canary_ms"]) == 2
    assert measurement.settings["blocks"] == 6
    assert len(collected) == 1


@pytest.mark.quiet
def test_a_turn_begins_with_a_call_that_is_not_timed():
    # The first call of each turn finds the other's data in the caches.
    state = {"cold": False}

    def call():
        time.sleep(0.01 if state["cold"] else 0.001)
        state["cold"] = False

    class Cooling(Conductor):
        def blocks(self):
            for block in super().blocks():
                state["cold"] = True
                yield block

    conductor = Cooling(*[Block(0.003, settle_s=0.001, turn=True)] * 4)
    measurement = TimedInference(conductor, {"threads": 1}, {})(call)
    assert measurement.latency["max"] < 9


def test_ordinary_runs_have_no_turns():
    timed, _ = timer()
    assert timed(millisecond).turns_ms == ()


@pytest.mark.quiet
def test_a_sustained_block_is_counted_and_no_part_of_the_latency():
    told = []

    class Sustaining(Conductor):
        def sustained(self, calls, seconds):
            told.append((calls, seconds))

    conductor = Sustaining(Block(BUDGET_S), Block(0.1, sustained=True))
    found = TimedInference(conductor, {}, {})(millisecond)
    assert found.settings["blocks"] == 1
    assert found.quality["timed_s"] < 0.14
    ((calls, seconds),) = told
    assert 0.1 <= seconds < 0.3
    assert 5 < calls <= 1000 * seconds
    assert found.latency["n"] <= BUDGET_S / 0.001 + 1


def test_memory_is_told_at_the_start_when_loaded_and_at_its_peak():
    timed, _ = timer()
    kept = bytearray(b"x" * (32 << 20))
    found = timed(lambda: len(kept))
    values = found.values
    assert values["memory_process_start"] <= values["memory_process_loaded"] <= values["memory_process_peak"]
    assert 0 <= values["memory_growth"] < 32


def test_a_run_whose_warm_up_did_not_meet_every_input_is_marked(monkeypatch):
    one, two, three = 1, 2, 3
    images = Inputs.of([one, two, three])
    assert "cold_inputs" not in timer()[0](millisecond, images).quality
    cold = dataclasses.replace(warmup.warm_up([millisecond], shortest_s=0.01, longest_s=0.01), cold_inputs=2)
    monkeypatch.setattr(timed_inference, "warm_up", lambda calls, **limits: cold)
    assert timer()[0](millisecond, images).quality["cold_inputs"] == 2
    assert timer()[0].compare(images, a=millisecond, b=millisecond) is not None


@pytest.mark.quiet
def test_a_pause_in_preprocess_shows_what_a_target_costs_after_idling():
    last = [0.0]

    def falls_asleep(image):
        if time.perf_counter() - last[0] > 0.005:
            time.sleep(0.003)
        last[0] = time.perf_counter()

    assert timer()[0](falls_asleep, "image").latency["min"] < 1
    paced = timer()[0](falls_asleep, "image", preprocess=lambda image: (time.sleep(0.006), image)[1])
    assert paced.values["infer"]["min"] >= 3
    assert paced.latency["min"] >= 9


@pytest.mark.parametrize(
    ("steps_ms", "cold_start_ms"),
    [
        ({"import_time": 30.0, "load_time": 5.0, "build_time": 2.0}, 47.0),
        ({"import_time": 30.0, "build_time": 2.0}, 42.0),
        ({"load_time": 5.0, "build_time": 2.0}, None),
        ({}, None),
    ],
)
def test_a_cold_start_is_all_that_comes_before_the_first_answer_where_the_import_was_measured(steps_ms, cold_start_ms):
    timed, _ = timer()
    engine = Doubling()
    engine.load_ms, engine.first_ms = steps_ms, 10.0
    engine.imported_before = () if "import_time" in steps_ms else ("doubling",)
    measured = timed(engine, engine.example_inputs())
    assert measured.values.get("cold_start") == cold_start_ms
    assert {name: measured.values[name] for name in steps_ms} == steps_ms
    assert measured.quality.get("imported_before") == (None if engine.imported_before == () else ["doubling"])

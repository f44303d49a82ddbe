"""What a pass profiles of a benchmark, and that nothing is timed and nothing after it runs."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_edgeperf.frameworks.interface import Inputs
from pytest_edgeperf.frameworks.profiling import NoProfile, OperatorProfile, OperatorTime
from pytest_edgeperf.measure import adopted_profile, blocks, timed_inference, warmup
from pytest_edgeperf.measure.adopted_profile import AdoptedProfile
from pytest_edgeperf.measure.profiled_pass import LONGEST_NAME, PARALLEL, ProfiledPass, operator_costs, shortened
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.results.cost_profiles import CostProfile

from .engines import Doubling

BUDGET_S = 0.05
IMAGE = np.array([[1.0, 2.0]])


class Conductor:
    """Refuses to have anything timed."""

    def blocks(self):
        raise AssertionError("nothing is to be timed")

    def deliver(self, measurement):
        raise AssertionError("nothing was measured")

    def answered(self, name, accuracy):
        raise AssertionError("nothing was recorded")


class Profiled(Doubling):
    """An engine whose runtime tells what its operators take."""

    def __init__(self, *operators, **changes):
        super().__init__(**changes)
        self.operators = operators
        self.asked = []

    def profile_operators(self, inputs, repetitions=5, calls=20):
        self.asked.append((inputs, repetitions, calls))
        if isinstance(self.operators[0], Exception):
            raise self.operators[0]
        return OperatorProfile((self.operators,) * repetitions, "doubling profiler")


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch):
    def warm_up(calls, **limits):
        return warmup.warm_up(calls, shortest_s=0.002, longest_s=0.01, **limits)

    for module in (timed_inference, blocks, adopted_profile):
        monkeypatch.setattr(module, "warm_up", warm_up)


def profile_of(body, tmp_path, budget_s=BUDGET_S):
    """The profile that a body's measurement gives, which ends the body."""
    taken = []
    fixture = TimedInference(Conductor(), {}, {}, profiled_pass=ProfiledPass(taken.append, budget_s, str(tmp_path)))
    with pytest.raises(pytest.skip.Exception):
        body(fixture)
    (profile,) = taken
    assert CostProfile.from_dict(profile.to_dict()) == profile
    return profile


def slow_preprocess(image):
    time.sleep(0.0005)
    return 2 * image


def test_the_operators_of_an_engine_in_the_place_of_its_timing(tmp_path):
    engine = Profiled(OperatorTime("conv", "Conv", 2.0, ("x",), "CPU"), OperatorTime("relu", "Relu", 1.0))
    profile = profile_of(lambda timed: timed(engine, IMAGE), tmp_path)
    assert [(part.name, part.kind, part.times_ms) for part in profile.operators.listed] == [
        ("conv", "Conv", (2.0,) * 5),
        ("relu", "Relu", (1.0,) * 5),
    ]
    assert profile.operators.source == "doubling profiler"
    assert profile.functions is None
    assert profile.reason_without is None


def test_the_operators_are_profiled_on_what_the_engine_is_given(tmp_path):
    engine = Profiled(OperatorTime("conv", "Conv", 2.0))
    inputs = Inputs([(IMAGE,), (3 * IMAGE,)])
    profile = profile_of(lambda timed: timed(engine, inputs, preprocess=slow_preprocess), tmp_path)
    ((given, repetitions, calls),) = engine.asked
    assert [np.array_equal(array, expected) for (array,), expected in zip(given, (2 * IMAGE, 6 * IMAGE))] == [True] * 2
    assert repetitions == 5
    # 0.05 s hold five repetitions of 10 ms, of calls that take a half at least.
    assert 1 <= calls <= 20
    assert any("slow_preprocess" in part.name for part in profile.functions.listed)


def test_one_call_a_repetition_where_the_budget_has_no_time_for_more(tmp_path):
    engine = Profiled(OperatorTime("conv", "Conv", 2.0), answer=lambda array: time.sleep(0.002) or 2 * array)
    profile_of(lambda timed: timed(engine, IMAGE), tmp_path, budget_s=0.001)
    assert engine.asked[0][2] == 1


def test_a_runtime_without_a_profile_says_so(tmp_path):
    profile = profile_of(lambda timed: timed(Doubling(), IMAGE), tmp_path)
    assert profile == CostProfile(reason_without="doubling reports no operator times")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoProfile("doubling was built without its profiler; install doubling-dev"), "install doubling-dev"),
        (RuntimeError("wrong\nversion"), "the operators could not be profiled (RuntimeError: wrong version)"),
    ],
)
def test_a_profile_that_fails_is_a_reason(tmp_path, error, words):
    profile = profile_of(lambda timed: timed(Profiled(error), IMAGE), tmp_path)
    assert profile.operators is None
    assert words in profile.reason_without


@pytest.mark.parametrize("kind", [NoProfile, OSError])
def test_a_reason_does_not_say_where_the_project_lies(tmp_path, kind):
    error = kind(f"there is no {tmp_path / 'net.onnx'}")
    profile = profile_of(lambda timed: timed(Profiled(error), IMAGE), tmp_path)
    assert "there is no net.onnx" in profile.reason_without


def test_the_functions_of_a_callable(tmp_path):
    def target(image):
        return slow_preprocess(image)

    profile = profile_of(lambda timed: timed(target, IMAGE), tmp_path)
    assert profile.operators is None
    assert any("slow_preprocess" in part.name for part in profile.functions.listed)
    assert profile.latency_ms > 0.4


def test_what_a_reader_of_the_functions_must_know_is_told(tmp_path):
    profile = profile_of(lambda fixture: fixture(time.sleep, 0.002), tmp_path)
    assert profile.functions.listed[0].name == "time.sleep"
    assert profile.reason_without is None or "of a call its thread slept" in profile.reason_without


def test_a_comparison_profiles_its_first_target(tmp_path):
    first, second = Profiled(OperatorTime("conv", "Conv", 2.0)), Profiled(OperatorTime("conv", "Conv", 1.0))
    profile = profile_of(lambda timed: timed.compare(IMAGE, first=first, second=second), tmp_path)
    assert profile.operators.listed[0].times_ms == (2.0,) * 5
    assert second.asked == []


def test_several_engines_at_once_are_not_profiled(tmp_path):
    profile = profile_of(lambda timed: timed.parallel(lambda: abs, 2, 1), tmp_path)
    assert profile == CostProfile(reason_without=PARALLEL)


class Fixture:
    """As pytest-benchmark's, which is to time nothing."""

    def __init__(self):
        self.extra_info = {}

    def __call__(self, function, *args, **kwargs):
        raise AssertionError("nothing is to be timed")

    pedantic = __call__


def adopted(body, tmp_path):
    taken = []
    item = SimpleNamespace(funcargs={"benchmark": Fixture()})
    hook = AdoptedProfile(lambda: ProfiledPass(taken.append, BUDGET_S, str(tmp_path))).pytest_runtest_call(item)
    next(hook)
    with pytest.raises(pytest.skip.Exception):
        body(item.funcargs["benchmark"])
    return [part.name for part in taken[0].functions.listed]


def test_what_the_other_plugins_fixture_is_given_is_profiled(tmp_path):
    def body(benchmark):
        benchmark.extra_info["kind"] = "plain"
        benchmark(slow_preprocess, image=IMAGE)

    assert any("slow_preprocess" in name for name in adopted(body, tmp_path))


def test_a_pedantic_call_is_made_with_its_setup(tmp_path):
    made = []

    def setup():
        made.append(IMAGE)
        return (IMAGE,), {}

    names = adopted(lambda benchmark: benchmark.pedantic(slow_preprocess, setup=setup, rounds=3), tmp_path)
    assert any("slow_preprocess" in name for name in names)
    assert made
    plain = adopted(lambda benchmark: benchmark.pedantic(slow_preprocess, args=(IMAGE,), iterations=2), tmp_path)
    assert any("slow_preprocess" in name for name in plain)


def test_an_operator_that_a_repetition_does_not_have_took_nothing_there():
    costs = operator_costs(
        OperatorProfile(
            (
                (OperatorTime("if", "If", 1.0), OperatorTime("end", "Relu", 1.0)),
                (OperatorTime("if", "If", 1.5), OperatorTime("then", "Conv", 3.0), OperatorTime("end", "Relu", 1.0)),
            ),
            "fake",
        )
    )
    times = {part.name: part.times_ms for part in costs.listed}
    assert times == {"if": (1.0, 1.5), "then": (0.0, 3.0), "end": (1.0, 1.0)}


def test_names_of_fused_layers_are_shortened_alike_and_stay_different():
    fused = ["+".join(f"/model.{at}/conv" for at in range(50)).replace("/model.25/", f"/{middle}/") for middle in "ab"]
    short = [shortened(name) for name in fused]
    assert max(map(len, short)) <= LONGEST_NAME
    assert short[0] != short[1]
    assert short == [shortened(name) for name in fused]
    assert short[0].startswith("/model.0/conv")
    assert short[0].endswith("/model.49/conv")
    assert shortened("conv1") == "conv1"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import FrameworkError, NoProfile, OperatorProfile, OperatorTime
from pytest_edgeperf.frameworks.profiling import in_turn, per_inference

from .test_interface import MODEL, Fake


def test_an_engine_without_a_method_says_so():
    with pytest.raises(NoProfile, match=r"^fake reports no operator times$") as raised:
        Fake().load(MODEL).profile_operators([()])
    assert isinstance(raised.value, FrameworkError)


def test_operators_are_summed_within_an_inference_and_averaged_over_inferences():
    conv, shared = OperatorTime("conv", "Conv", 3.0, ("y",), "CPU"), OperatorTime("shared", "Relu", 1.0)
    (first, second) = per_inference([shared, conv, shared, conv, shared, shared], calls=2)
    assert first == OperatorTime("shared", "Relu", 2.0)
    assert second == OperatorTime("conv", "Conv", 3.0, ("y",), "CPU")


def test_an_interrupted_inference_blames_no_operator():
    (operator,) = per_inference([OperatorTime("a", "", time_ms) for time_ms in (1, 1, 90, 1, 2, 2, 0, 2)], calls=8)
    assert operator.time_ms == 1.5
    (few,) = per_inference([OperatorTime("a", "", time_ms) for time_ms in (1, 2, 6)], calls=3)
    assert few.time_ms == 3


def test_what_only_some_inferences_run_has_its_mean_over_all():
    (operator,) = per_inference([OperatorTime("branch", "", 4.0)] * 3, calls=12)
    assert operator.time_ms == 1.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1e6)), min_size=1), st.integers(1, 9))
def test_means_lie_among_the_times_and_no_name_comes_twice(ran, calls):
    operators = per_inference([OperatorTime(name, "", time_ms) for name, time_ms in ran], calls)
    profile = OperatorProfile((operators,), "a test")
    assert [operator.name for operator in operators] == list(dict.fromkeys(name for name, _ in ran))
    for operator in operators:
        times_ms = [time_ms for name, time_ms in ran if name == operator.name]
        assert 0 <= operator.time_ms <= sum(times_ms) * (1 + 1e-9)
        if calls < 4:
            assert operator.time_ms * calls == pytest.approx(sum(times_ms))
    assert profile.sums_ms[0] == pytest.approx(sum(operator.time_ms for operator in operators))


@pytest.mark.parametrize(
    ("name", "time_ms", "complaint"),
    [
        ("", 1.0, "an operator of kind 'Conv' has no name"),
        ("conv", -1.0, "operator 'conv' has -1.0 as its time in ms"),
        ("conv", float("nan"), "operator 'conv' has nan"),
        ("conv", float("inf"), "operator 'conv' has inf"),
    ],
)
def test_what_is_no_time_is_an_error(name, time_ms, complaint):
    with pytest.raises(ValueError, match=complaint):
        OperatorTime(name, "Conv", time_ms)


@pytest.mark.parametrize(
    ("repetitions", "complaint"),
    [
        ((), "theirs has a profile without operators"),
        (((),), "theirs has a profile without operators"),
        (((OperatorTime("a", "", 1.0),), ()), "theirs has a profile without operators"),
        (((OperatorTime("a", "", 1.0), OperatorTime("a", "", 2.0)),), "theirs has the operator 'a' twice"),
    ],
)
def test_what_is_no_profile_is_an_error(repetitions, complaint):
    with pytest.raises(ValueError, match=complaint):
        OperatorProfile(repetitions, "theirs")


def test_inputs_rotate():
    assert [arrays[0] for arrays in in_turn([(1,), (2,), (3,)], 5)] == [1, 2, 3, 1, 2]
    for inputs, calls in (([], 5), ([(1,)], 0)):
        with pytest.raises(ValueError, match=f"cannot be profiled with {len(inputs)} inputs and {calls} calls"):
            next(in_turn(inputs, calls))

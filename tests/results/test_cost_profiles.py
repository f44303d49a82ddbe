"""Cost profiles as stored: read back as written, refused with the place, compact within their bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.cost_profiles import (
    COMPACT_BYTES,
    CostList,
    CostProfile,
    FunctionTimes,
    OperatorTimes,
    compact,
)
from pytest_edgeperf.results.errors import InvalidError, place

TIMES = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=5).map(tuple)
TEXT = st.text(max_size=20)
OPERATORS = st.builds(
    OperatorTimes,
    TEXT,
    TEXT,
    TIMES,
    st.lists(TEXT, max_size=2).map(tuple),
    st.none() | st.text(min_size=1, max_size=9),
    st.none() | st.integers(0, 99),
)
FUNCTIONS = st.builds(FunctionTimes, TEXT, TEXT, st.integers(0, 9999), TIMES, TIMES, st.floats(0, 1e3))


def lists_of(parts):
    return st.builds(CostList, st.lists(parts, max_size=6).map(tuple), TEXT)


PROFILES = st.builds(
    CostProfile,
    st.none() | lists_of(OPERATORS),
    st.none() | lists_of(FUNCTIONS),
    st.none() | st.floats(1e-3, 1e6),
    st.none() | TEXT,
)


def network(size, repetitions=5):
    return CostProfile(
        CostList(
            tuple(
                OperatorTimes(
                    f"/model.{at}/conv/Conv",
                    "Conv",
                    tuple(1.0 / (at + 1) + 0.001 * number for number in range(repetitions)),
                    (f"/model.{at}/conv/Conv_output_0",),
                    "CPUExecutionProvider",
                )
                for at in range(size)
            ),
            "onnxruntime profiling",
        ),
        latency_ms=12.5,
    )


@given(PROFILES)
def test_a_profile_is_read_back_as_it_was_written(profile):
    assert CostProfile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile


@pytest.mark.parametrize(
    ("stored", "where"),
    [
        ([], ""),
        ({"operators": []}, "operators"),
        ({"operators": {"listed": {}}}, "operators.listed"),
        ({"operators": {"listed": [{"name": "a", "ms": []}]}}, "operators.listed[0].ms"),
        ({"operators": {"listed": [{"name": "a", "ms": [1, -1]}]}}, "operators.listed[0].ms[1]"),
        ({"operators": {"listed": [{"name": "a", "ms": [float("nan")]}]}}, "operators.listed[0].ms[0]"),
        ({"operators": {"listed": [{"name": 1, "ms": [1]}]}}, "operators.listed[0].name"),
        ({"operators": {"listed": [{"name": "a", "ms": [1], "at": True}]}}, "operators.listed[0].at"),
        ({"functions": {"listed": [{"name": "f", "self_ms": [1], "line": -1}]}}, "functions.listed[0].line"),
        ({"latency_ms": 0}, "latency_ms"),
    ],
)
def test_what_is_no_profile_is_refused_with_its_place(stored, where):
    with pytest.raises(InvalidError) as raised:
        CostProfile.from_dict(stored)
    assert place(raised.value.path) == where


@pytest.mark.parametrize("size", [1, 10, 40, 500])
def test_a_compact_profile_has_its_most_expensive_parts_and_the_sum_of_the_others(size):
    profile = network(size)
    short = compact(profile)
    assert len(json.dumps(short.to_dict()).encode()) <= COMPACT_BYTES
    kept = short.operators
    assert [part.position for part in kept.listed] == list(range(len(kept.listed)))
    assert len(kept.listed) + kept.others == size
    assert kept.sum_ms == pytest.approx(profile.operators.sum_ms, rel=1e-3)
    assert CostProfile.from_dict(short.to_dict()) == short


def test_a_compact_profile_of_endless_names_holds_their_sum():
    part = OperatorTimes("x" * 20_000, "Conv", (1.0, 2.0))
    short = compact(CostProfile(CostList((part, part))))
    assert (short.operators.listed, short.operators.others, short.operators.others_ms) == ((), 2, (2.0, 4.0))

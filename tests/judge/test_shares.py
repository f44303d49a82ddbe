from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.studies.members import Member
from pytest_edgeperf.judge.studies.shares import shares_of
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import Benchmark, Metric

from .builders import run

PARTS = ("preprocess", "infer", "postprocess")
STUDY = Study("phases", "pixels", "", shares=PARTS)
METRICS = {name: Metric("ms") for name in ("latency", *PARTS)}


def member(rows, x=1.0, series="torch", metrics=METRICS):
    runs = tuple(run(values) for values in rows)
    return Member(series, x, f"{series}-{x}", Benchmark({}, metrics, runs))


def values(latency, *parts):
    return dict(zip(("latency", *PARTS), (latency, *parts)))


def test_parts_and_rest_add_up_to_the_whole():
    (found,) = shares_of(STUDY, [member([values(10.0, 1.0, 6.0, 2.0), values(30.0, 3.0, 18.0, 6.0)])])
    (point,) = found.points
    assert point.parts == pytest.approx({"preprocess": 0.1, "infer": 0.6, "postprocess": 0.2})
    assert point.rest == pytest.approx(0.1)
    assert (found.series, point.x, point.runs) == ("torch", 1.0, 2)


def test_means_are_taken_as_medians_do_not_add_up():
    summaries = {"latency": {"mean": 10.0, "p50": 99.0}, "infer": {"mean": 4.0, "p50": 99.0}}
    (found,) = shares_of(Study("s", "x", "", shares=("infer",)), [member([summaries])])
    assert found.points[0].parts == {"infer": 0.4}


def test_series_stand_apart_and_coordinates_in_order():
    rows = [values(10.0, 1.0, 6.0, 2.0)]
    first, second = shares_of(STUDY, [member(rows, 3.0), member(rows, 1.0), member(rows, 2.0, "ort")])
    assert [point.x for point in first.points] == [1.0, 3.0]
    assert second.series == "ort"


@pytest.mark.parametrize(
    "spoilt",
    [
        member([{"latency": 10.0}]),
        member([{"infer": 1.0}]),
        member([values(0.0, 0.0, 0.0, 0.0)]),
        member([values(10.0, 1.0, 1.0, "nothing")]),
        member([values(10.0, 1.0, 1.0, 1.0)], metrics={**METRICS, "infer": Metric("us")}),
        member([]),
    ],
)
def test_what_cannot_be_added_up_is_left_out(spoilt):
    assert shares_of(STUDY, [spoilt]) == ()


def test_a_part_that_no_run_has_is_no_part_and_one_that_some_have_leaves_the_others_out():
    (found,) = shares_of(STUDY, [member([{"latency": 10.0, "infer": 1.0}])])
    assert found.points[0].parts == {"infer": 0.1}
    assert found.points[0].rest == pytest.approx(0.9)
    (found,) = shares_of(STUDY, [member([{"latency": 10.0, "infer": 1.0}, values(10.0, 1.0, 6.0, 2.0)])])
    assert found.points[0].parts == {"preprocess": 0.1, "infer": 0.6, "postprocess": 0.2}
    assert found.points[0].runs == 1


def test_a_study_that_asks_for_none_has_none():
    assert shares_of(Study("s", "x", ""), [member([values(10.0, 1.0, 6.0, 2.0)])]) == ()


@given(st.lists(st.tuples(*[st.floats(0.0, 1e6)] * 3), min_size=1, max_size=6), st.floats(0.001, 1e3))
def test_shares_always_add_up(rows, rest):
    made = [values(sum(parts) + rest, *parts) for parts in rows]
    (found,) = shares_of(STUDY, [member(made)])
    (point,) = found.points
    assert sum(point.parts.values()) + point.rest == pytest.approx(1.0)
    assert all(share >= 0 for share in point.parts.values())
    assert point.rest >= -1e-9

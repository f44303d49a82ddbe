from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.types import Run
from pytest_edgeperf.schedule.pace import Pace
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.settings import BenchmarkOptions


def plan(id, good_runs=0, disturbed_runs=0, seconds=0.0):
    runs = [
        Run("env", "2026-01-01T00:00:00Z", "session", {"latency": 1.0}, quality={"disturbed": at >= good_runs})
        for at in range(good_runs + disturbed_runs)
    ]
    tries = len(runs)
    return Plan(
        id=id,
        path="test_a.py",
        adopted=False,
        options=BenchmarkOptions(),
        parameters={},
        rounds=3,
        runs=runs,
        tries=tries,
        seconds=seconds,
    )


def test_the_remaining_time_is_unknown_before_anything_was_measured():
    assert Pace({"a": 3}, [plan("a")]).remaining_s() is None


def test_the_remaining_time_is_each_benchmarks_own_or_the_mean_where_it_is_not_known_yet():
    plans = [plan("a", 2, seconds=8.0), plan("b", 2, seconds=4.0), plan("c")]
    assert Pace({"a": 5, "b": 3}, plans).remaining_s() == pytest.approx(14.0)
    assert Pace({"c": 2}, plans).remaining_s() == pytest.approx(6.0)
    assert Pace({}, plans).remaining_s() == 0


def test_a_disturbed_run_is_taken_again():
    assert Pace({"a": 3}, [plan("a", 1, 1, seconds=4.0)]).remaining_s() == pytest.approx(4.0)


def test_the_remaining_time_counts_the_pauses_between_rounds():
    assert Pace({"a": 5}, [plan("a", 2, seconds=4.0)], spacing_s=10.0).remaining_s() == pytest.approx(20.0)
    assert Pace({"a": 5}, [plan("a", 2, seconds=80.0)], spacing_s=10.0).remaining_s() == pytest.approx(120.0)
    assert Pace({}, [plan("a", 2, seconds=4.0)], spacing_s=10.0).remaining_s() == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 50)), min_size=1, max_size=8), st.data())
def test_what_is_kept_up_to_date_is_what_is_counted_anew(states, data):
    wanted = {str(at): 4 for at in range(0, len(states), 2)}
    plans = [plan(str(at)) for at in range(len(states))]
    pace = Pace(wanted, plans, spacing_s=2.0)
    for at in data.draw(st.permutations(range(len(states)))):
        plans[at] = plan(str(at), *states[at])
        pace.update(plans[at])
        assert pace.remaining_s() == pytest.approx(Pace(wanted, plans, spacing_s=2.0).remaining_s(), abs=1e-6)

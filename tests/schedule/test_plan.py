from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.types import Run
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.plan import EXTRA_TRIES, Plan, round_order
from pytest_edgeperf.settings import BenchmarkOptions

PASSED = {"outcome": "passed"}
SKIPPED = {"outcome": "skipped"}
FAILED = {"outcome": "failed"}


def plan(id="test_a.py::test_a", adopted=False, **values):
    return Plan(id=id, path="test_a.py", adopted=adopted, options=BenchmarkOptions(), parameters={}, rounds=3, **values)


def run(disturbed=False):
    return Run("env", "2026-01-01T00:00:00Z", "session", {"latency": 1.0}, quality={"disturbed": disturbed})


@given(st.lists(st.text(), unique=True, max_size=30), st.text(), st.integers(1, 99))
def test_a_rounds_order_is_a_permutation_and_the_same_for_the_same_session(ids, session, number):
    plans = [plan(id) for id in ids]
    order = round_order(plans, session, number)
    assert sorted(benchmark.id for benchmark in order) == sorted(ids)
    assert [benchmark.id for benchmark in order] == [benchmark.id for benchmark in round_order(plans, session, number)]
    assert [benchmark.id for benchmark in plans] == ids


@given(st.text(), st.integers(1, 50))
def test_orders_differ_from_round_to_round_and_from_session_to_session(session, number):
    plans = [plan(str(index)) for index in range(30)]

    def order(seed, round_number):
        return [benchmark.id for benchmark in round_order(plans, seed, round_number)]

    assert order(session, number) != order(session, number + 1)
    assert order(session, number) != order(session + "x", number)


def test_every_benchmark_comes_first_some_time():
    plans = [plan(str(index)) for index in range(4)]
    assert {round_order(plans, "session", number)[0].id for number in range(60)} == set("0123")


def test_a_fresh_plan_wants_runs_until_it_has_them():
    benchmark = plan()
    assert benchmark.wants(1)
    benchmark.runs.append(run())
    assert not benchmark.wants(1)
    assert benchmark.wants(2)


def test_disturbed_runs_are_taken_again_up_to_the_limit():
    benchmark = plan()
    while benchmark.wants(3):
        benchmark.tries += 1
        benchmark.runs.append(run(disturbed=True))
    assert benchmark.good_runs == 0
    assert benchmark.tries == 3 * (1 + EXTRA_TRIES)


def test_one_disturbed_run_costs_one_more():
    benchmark = plan()
    for disturbed in (False, True, False):
        benchmark.runs.append(run(disturbed))
        benchmark.tries += 1
    assert benchmark.wants(3)
    benchmark.runs.append(run())
    benchmark.tries += 1
    assert not benchmark.wants(3)


@pytest.mark.parametrize(
    ("delivery", "broken", "measured_nothing"),
    [
        (Delivery(reports=[PASSED, FAILED, PASSED], run={"values": {}}), True, False),
        (Delivery(reports=[FAILED]), True, False),
        (Delivery(fault="killed", run={"values": {}}), True, False),
        (Delivery(reports=[PASSED, SKIPPED, PASSED]), False, False),
        (Delivery(reports=[PASSED, PASSED, PASSED]), False, True),
    ],
)
def test_a_plan_that_failed_skipped_or_measured_nothing_has_ended(delivery, broken, measured_nothing):
    benchmark = plan(last=delivery)
    assert benchmark.ended
    assert not benchmark.wants(1)
    assert benchmark.broken is broken
    assert benchmark.measured_nothing is measured_nothing


def test_a_delivered_run_does_not_end_a_plan():
    benchmark = plan(last=Delivery(reports=[PASSED] * 3, run={"values": {}}))
    assert not benchmark.ended
    assert not benchmark.broken
    assert not benchmark.measured_nothing


def test_a_disabled_benchmark_of_pytest_benchmark_may_measure_nothing():
    benchmark = plan(adopted=True, last=Delivery(reports=[PASSED] * 3))
    assert benchmark.ended
    assert not benchmark.measured_nothing

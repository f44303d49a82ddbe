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
    assert sorted(one.id for one in order) == sorted(ids)
    assert [one.id for one in order] == [one.id for one in round_order(plans, session, number)]
    assert [one.id for one in plans] == ids


@given(st.text(), st.integers(1, 50))
def test_orders_differ_from_round_to_round_and_from_session_to_session(session, number):
    plans = [plan(str(index)) for index in range(30)]

    def order(seed, round_number):
        return [one.id for one in round_order(plans, seed, round_number)]

    assert order(session, number) != order(session, number + 1)
    assert order(session, number) != order(session + "x", number)


def test_every_benchmark_comes_first_some_time():
    plans = [plan(str(index)) for index in range(4)]
    assert {round_order(plans, "session", number)[0].id for number in range(60)} == set("0123")


def test_a_fresh_plan_wants_runs_until_it_has_them():
    one = plan()
    assert one.wants(1)
    one.runs.append(run())
    assert not one.wants(1)
    assert one.wants(2)


def test_disturbed_runs_are_taken_again_up_to_the_limit():
    one = plan()
    while one.wants(3):
        one.tries += 1
        one.runs.append(run(disturbed=True))
    assert one.good_runs == 0
    assert one.tries == 3 * (1 + EXTRA_TRIES)


def test_one_disturbed_run_costs_one_more():
    one = plan()
    for disturbed in (False, True, False):
        one.runs.append(run(disturbed))
        one.tries += 1
    assert one.wants(3)
    one.runs.append(run())
    one.tries += 1
    assert not one.wants(3)


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
    one = plan(last=delivery)
    assert one.ended
    assert not one.wants(1)
    assert one.broken is broken
    assert one.measured_nothing is measured_nothing


def test_a_delivered_run_does_not_end_a_plan():
    one = plan(last=Delivery(reports=[PASSED] * 3, run={"values": {}}))
    assert not one.ended
    assert not one.broken
    assert not one.measured_nothing


def test_a_disabled_benchmark_of_pytest_benchmark_may_measure_nothing():
    one = plan(adopted=True, last=Delivery(reports=[PASSED] * 3))
    assert one.ended
    assert not one.measured_nothing

from __future__ import annotations

import random

import pytest

from pytest_edgeperf.results.types import Run
from pytest_edgeperf.schedule.hopeless import FIRST_RUNS, RUNS_IN_A_ROW, SESSION_RUNS_IN_A_ROW, Patience, note_of
from pytest_edgeperf.schedule.plan import EXTRA_TRIES, Plan
from pytest_edgeperf.settings import BenchmarkOptions

BUSY = ("others_share 0.98",)


def plans(count, wanted=10, **values):
    made = [
        Plan(id=str(number), path="a.py", adopted=False, options=BenchmarkOptions(), parameters={}, rounds=3, **values)
        for number in range(count)
    ]
    for plan in made:
        plan.wanted = wanted
    return made


def measure(made, is_good, rounds=100):
    """Rounds of runs as the coordinator makes them; how many were made in all."""
    patience = Patience()
    for number in range(1, rounds + 1):
        for plan in made:
            if not plan.wants(plan.wanted):
                continue
            reasons = () if is_good(plan, number) else BUSY
            plan.runs.append(Run("e", "now", "s", {}, quality={"disturbed": bool(reasons)}))
            plan.tries += 1
            patience.note(plan, made, reasons, number)
    return sum(plan.tries for plan in made)


def test_a_benchmark_alone_is_given_up_after_some_runs_in_a_row():
    (plan,) = made = plans(1)
    assert measure(made, lambda plan, number: False) == FIRST_RUNS
    assert plan.hopeless == f"{FIRST_RUNS} runs in a row were disturbed (other processes used the processors in all)"


@pytest.mark.parametrize(("count", "runs"), [(2, 12), (4, 12), (5, 15), (16, 48)])
def test_many_benchmarks_are_given_up_together_and_sooner(count, runs):
    made = plans(count)
    made_runs = measure(made, lambda plan, number: False)
    assert made_runs <= runs
    assert made_runs >= SESSION_RUNS_IN_A_ROW
    assert all(plan.hopeless for plan in made)


def test_what_disturbs_itself_does_not_stop_the_others():
    made = plans(5)
    measure(made, lambda plan, number: plan.id != "0")
    assert [plan.id for plan in made if plan.hopeless] == ["0"]
    assert [plan.good_runs for plan in made] == [0, 10, 10, 10, 10]


def test_a_good_run_starts_the_count_anew():
    (plan,) = made = plans(1)
    measure(made, lambda plan, number: number % FIRST_RUNS == 0)
    assert plan.hopeless is None
    assert plan.tries == 10 * (1 + EXTRA_TRIES)


def test_good_runs_that_came_before_are_kept():
    (plan,) = made = plans(1)
    assert measure(made, lambda plan, number: number <= 4) == 4 + RUNS_IN_A_ROW
    assert plan.hopeless
    assert plan.good_runs == 4


def test_who_has_all_its_runs_is_not_given_up():
    first, second = made = plans(2)
    first.wanted = 2
    measure(made, lambda plan, number: number <= 2)
    assert (first.hopeless, bool(second.hopeless)) == (None, True)


def test_runs_that_nobody_compares_are_all_made():
    (plan,) = made = plans(1, wanted=20, extra_tries=0)
    assert measure(made, lambda plan, number: False) == 20
    assert plan.hopeless is None


def test_a_machine_that_disturbs_a_third_of_the_runs_is_seldom_given_up():
    draw = random.Random(1)
    given_up = 0
    for _ in range(300):
        made = plans(2)
        measure(made, lambda plan, number: draw.random() > 1 / 3)
        given_up += any(plan.hopeless for plan in made)
    assert given_up <= 6


def test_the_note_names_the_cause_and_what_to_do_instead():
    made = plans(2)
    assert note_of(made) is None
    measure(made, lambda plan, number: plan.id == "1")
    note = note_of(made)
    assert note.startswith(
        "gave up on 1 of 2 benchmarks because 6 runs in a row were disturbed (other processes used the processors in "
        "all). Measure again"
    )
    assert "--against=REF" in note

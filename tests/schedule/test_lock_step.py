"""What a session in lock-step decides, on workers and a clock that take no time."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from pytest_edgeperf.measure.protocol import Collected, Loaded
from pytest_edgeperf.measure.side import Side
from pytest_edgeperf.results import parse, to_json
from pytest_edgeperf.schedule.against.lock_step import ADOPTED, ALL_STOPPED, NO_ROOM, LockStep
from pytest_edgeperf.schedule.against.opponent import Opponent
from pytest_edgeperf.schedule.journal import Past
from pytest_edgeperf.schedule.worker import parking
from pytest_edgeperf.schedule.worker.parking import Memory
from pytest_edgeperf.settings import BenchmarkOptions

from ..fakes.workers import Outcome, plan, session

LABEL = "main (1a2b3c4d5e6f)"
OPPONENT = Opponent(
    LABEL, base=Side("/c", "/worktree", "/c"), candidate=Side("/c", "/c", "/worktree"), commit="1a2b3c4d5e6f"
)
STOPPED = {"stopped_s": 20.0}


@pytest.fixture(autouse=True)
def room(monkeypatch):
    monkeypatch.setattr(parking, "memory", lambda: Memory(4000.0, 3500.0))


def turns(center, number, count=24):
    """Medians of a side's turns, with the noise of a calm machine."""
    return [center * math.exp(0.003 * math.sin(2.1 * turn + 5.7 * number)) for turn in range(count)]


def sides(candidate=1.0, base=1.0, **changes):
    """Outcomes of both sides, whose latencies are these many times 10 ms."""

    def outcome(id, number, side):
        center = 10.0 * (base if side == "base" else candidate)
        # Both sides have the machine's noise in common.
        return Outcome(center, turns_ms=turns(center, number), **changes)

    return outcome


def collected(*ids, marked=None, parameters=()):
    return Collected(list(ids), list(ids if marked is None else marked), dict(parameters))


def duel(plans, outcomes=None, *, there=None, **settings):
    """A session against another commit, done."""
    made = session(
        plans,
        outcomes or sides(),
        strategy=lambda state: LockStep(state, OPPONENT),
        collected=collected(*(benchmark.id for benchmark in plans)) if there is None else there,
        **{"baseline": "against", "rounds": 5, "max_rounds": 15, **settings},
    )
    made.coordinator.measure()
    return made


def test_pairs_of_both_sides_whose_order_alternates():
    plans = [plan("a")]
    made = duel(plans)
    assert made.launcher.done("prepare")[:4] == ["a base", "a candidate", "a candidate", "a base"]
    assert len(plans[0].pairs) == len(plans[0].base_runs) == len(plans[0].runs) == 5
    assert made.verdicts == {"a": "unchanged"}
    assert made.launcher.alive == set()


def test_what_got_slower_fails_and_its_pairs_are_stored():
    plans = [plan("a"), plan("b")]
    made = duel(plans, lambda id, *rest: sides(1.1 if id == "b" else 1.0)(id, *rest))
    assert made.verdicts == {"a": "unchanged", "b": "regressed"}
    measured = made.coordinator.measured()
    assert (measured.against.label, measured.against.commit) == (LABEL, "1a2b3c4d5e6f")
    assert len(measured.against.pairs["b"]) == len(measured.benchmarks["b"].runs)
    assert measured.against.pairs["b"][0]["log_ratio"] == pytest.approx(math.log(1.1), abs=0.01)
    assert {run.commit for run in measured.benchmarks["b"].runs} == {"1a2b3c4"}
    assert {run.commit for run in plans[1].base_runs} == {"1a2b3c4d5e6f"}


def test_what_is_not_clear_is_measured_on_for_further_pairs():
    plans = [plan("a"), plan("b")]

    def outcome(id, number, side):
        # Pair by pair the ratio of "b" goes up and down by five percent.
        shift = 0.05 * (-1) ** number if id == "b" and side == "candidate" else 0.0
        center = 10.0 * math.exp(shift)
        return Outcome(center, turns_ms=turns(center, number))

    made = duel(plans, outcome)
    assert len(plans[0].pairs) == 5
    assert len(plans[1].pairs) == 15
    assert made.progress.of("note") == [
        ["1 of 2 benchmarks are still undecided: measuring further, up to 10 pairs"],
        ["1 of 2 benchmarks are still undecided: measuring further, up to 15 pairs"],
    ]
    assert made.verdicts["b"] != "regressed"


def test_what_one_side_has_not_needs_no_pair():
    plans = [plan("a"), plan("new")]
    made = duel(plans, there=collected("a", "gone"))
    assert made.verdicts == {"a": "unchanged", "new": "new", "gone": "missing"}
    assert made.launcher.done("prepare").count("new candidate") == 1
    assert "new base" not in made.launcher.done("prepare")
    assert plans[1].pairs == []
    assert made.coordinator.comparison.benchmarks["gone"].reason == f"in {LABEL}, not here"


def test_other_parameters_under_the_same_id_are_not_compared():
    plans = [plan("t[a]", parameters={"size": 64})]
    made = duel(plans, there=collected("t[a]", parameters={"t[a]": {"size": 32}}))
    assert made.verdicts == {"t[a]": "incomparable"}
    assert "size" in made.coordinator.comparison.benchmarks["t[a]"].reason


def test_the_other_side_gets_the_id_that_the_same_parameters_have_there():
    plans = [plan("t[s0]", parameters={"size": 64})]
    seen = []
    made = session(
        plans,
        sides(),
        strategy=lambda state: LockStep(state, OPPONENT),
        collected=collected("t[s1]", parameters={"t[s1]": {"size": 64}}),
        baseline="against",
        rounds=5,
        max_rounds=5,
    )
    attempt = made.launcher.attempt

    def recorded(plan, specification, *rest, **more):
        seen.append((specification.side.is_mapped, specification.nodeid))
        return attempt(plan, specification, *rest, **more)

    made.launcher.attempt = recorded
    made.coordinator.measure()
    assert set(seen) == {(True, "t[s1]"), (False, "t[s0]")}


def test_a_side_that_cannot_collect_is_tried_by_each_benchmark():
    plans = [plan("a")]
    made = session(plans, sides(), strategy=lambda state: LockStep(state, OPPONENT), baseline="against", rounds=5)
    made.coordinator.measure()
    assert len(plans[0].pairs) >= 5


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome(fault="its worker could not collect the file:\nmore"), "its worker could not collect the file:"),
        (Outcome(body="failed"), "its body failed: it does not say why"),
        (Outcome(body="skipped"), f"it is skipped in {LABEL}"),
        (Outcome(latency_ms=None), "it measured nothing"),
    ],
)
def test_what_the_other_side_does_not_measure_is_incomparable_and_says_why(outcome, reason):
    plans = [plan("a")]
    made = duel(plans, lambda id, number, side: outcome if side == "base" else sides()(id, number, side))
    assert made.verdicts == {"a": "incomparable"}
    assert reason in made.coordinator.comparison.benchmarks["a"].reason
    assert plans[0].tries == 1
    # This side's run is kept all the same.
    assert len(plans[0].runs) == 1


def test_a_body_that_breaks_here_has_no_verdict():
    plans = [plan("a"), plan("b")]
    made = duel(
        plans,
        lambda id, number, side: (
            Outcome(body="failed") if (id, side) == ("b", "candidate") else sides()(id, number, side)
        ),
    )
    assert made.verdicts == {"a": "unchanged"}
    assert plans[1].broken


def test_where_memory_does_not_hold_both_sides_they_have_whole_runs_in_alternation(monkeypatch):
    monkeypatch.setattr(parking, "memory", lambda: Memory(4000.0, 620.0))
    plans = [plan("a")]
    made = duel(plans)
    assert plans[0].alternating
    assert made.launcher.most_alive == 1
    assert any(NO_ROOM in note for note in made.coordinator.notes)
    assert len(plans[0].pairs) >= 5


def test_pairs_in_turns_are_given_up_when_memory_no_longer_holds_both(monkeypatch):
    memory = iter([Memory(4000.0, 3500.0)] * 2)
    monkeypatch.setattr(parking, "memory", lambda: next(memory, Memory(4000.0, 620.0)))
    plans = [plan("a")]
    made = duel(plans, rounds=5, max_rounds=5)
    assert plans[0].alternating
    assert len(plans[0].pairs) == len(plans[0].base_runs) == len(plans[0].runs) == 5
    assert made.launcher.most_alive == 2


def test_what_pytest_benchmark_times_is_never_in_turns():
    plans = [plan("a", adopted=True)]
    made = duel(plans)
    assert made.launcher.most_alive == 1
    assert any(ADOPTED in note for note in made.coordinator.notes)


@pytest.mark.parametrize("builds", [4, 5])
def test_builds_take_turns_and_each_is_met_in_both_orders(builds):
    plans = [plan("a", options=BenchmarkOptions(builds=builds))]
    made = duel(plans, rounds=2 * builds, max_rounds=2 * builds)
    assert plans[0].pair_builds == [*range(builds)] * 2
    orders = {build: set() for build in range(builds)}
    for pair, name in enumerate(made.launcher.done("prepare")[::2]):
        orders[pair % builds].add(name)
    assert all(len(names) == 2 for names in orders.values())
    assert made.launcher.builds[::2] == made.launcher.builds[1::2] == [*range(builds)] * 2


def test_a_pair_one_side_of_which_was_stopped_is_kept_and_taken_again():
    plans = [plan("a")]

    def outcome(id, number, side):
        quality = STOPPED if side == "base" and number == 2 else {}
        return Outcome(10.0, turns_ms=turns(10.0, number), quality=quality)

    made = duel(plans, outcome)
    assert [run.disturbed for run in plans[0].runs].count(True) == 1
    assert len(plans[0].pairs) == 5
    assert any("1 of 6 runs" in note for note in made.coordinator.notes)


def test_where_every_pair_was_stopped_nothing_is_said_of_it():
    plans = [plan("a")]
    made = duel(plans, sides(quality=STOPPED))
    assert made.verdicts == {"a": "inconclusive"}
    assert made.coordinator.comparison.benchmarks["a"].reason == ALL_STOPPED


def test_a_resumed_session_goes_on_with_its_pairs(tmp_path):
    first = duel([plan("a")], rounds=5, max_rounds=5)
    runs = tuple(first.journal.runs[:3])
    plans = [plan("a")]
    made = session(
        plans,
        sides(),
        strategy=lambda state: LockStep(state, OPPONENT),
        collected=collected("a"),
        baseline="against",
        rounds=5,
        max_rounds=5,
    )
    made.coordinator.resume(Past(tmp_path / "journal", {}, runs, 0))
    assert len(plans[0].pairs) == 3
    made.coordinator.measure()
    assert len(plans[0].pairs) == 5
    assert len(made.launcher.done("finish")) == 4


def test_each_side_of_a_pair_keeps_what_it_loaded():
    records = {"base": {"packages": {"numpy": "1.26.4"}}, "candidate": {"packages": {"numpy": "2.0.1"}}}
    made = duel(
        [plan("a")], lambda id, number, side: replace(sides(1.2)(id, number, side), loaded=Loaded(records[side]))
    )
    measured = made.coordinator.measured()
    assert sorted(map(str, measured.loaded.values())) == sorted(map(str, records.values()))
    pair = measured.against.pairs["a"][0]
    assert measured.loaded[pair["base"]["loaded"]] == records["base"]
    assert measured.loaded[measured.benchmarks["a"].runs[0].loaded] == records["candidate"]
    found = made.coordinator.comparison.benchmarks["a"].loaded.differences
    assert [(one.name, one.before, one.after) for one in found] == [("numpy", "1.26.4", "2.0.1")]
    assert parse(json.loads(to_json(measured))).loaded == measured.loaded

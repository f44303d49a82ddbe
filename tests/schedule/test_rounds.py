"""What a session of stored runs decides, on workers and a clock that take no time."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_edgeperf.devices.sensors.thermal import Headroom, Trip
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.measure.protocol import ExitCalled, Loaded
from pytest_edgeperf.results import Benchmark, Metric, Results, Run
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.schedule import stored
from pytest_edgeperf.schedule.hopeless import FIRST_RUNS
from pytest_edgeperf.schedule.journal import Past
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.schedule.rounds import stages_of
from pytest_edgeperf.schedule.stored import NARROW, StoredRuns
from pytest_edgeperf.schedule.worker import parking
from pytest_edgeperf.schedule.worker.parking import Memory
from pytest_edgeperf.settings import BenchmarkOptions

from ..fakes.workers import Outcome, plan, session
from ..judge.builders import summary

STOPPED = {"stopped_s": 20.0}
ENVIRONMENT = {"fingerprint": {"device": "board"}, "software": {"python": "3"}, "settings": {"cpus": "0"}}
#: Runs differ by this much from one to the next, as on a calm machine.
NOISE = 0.002


def noisy(center, number):
    return center * math.exp(NOISE * math.sin(7.3 * number))


def baseline(*ids, center=10.0, runs=17):
    """What a refresh of a calm machine accepted."""
    own = tuple(
        Run("env", "2026-01-01T00:00:00Z", "earlier", {"latency": summary(noisy(center, number))}, quality={})
        for number in range(runs)
    )
    return Results("board", {"env": ENVIRONMENT}, {id: Benchmark({}, {"latency": Metric("ms")}, own) for id in ids})


def check(plans, outcomes, base, **settings):
    """A check against a baseline, done."""
    made = session(plans, outcomes, strategy=lambda state: StoredRuns(state, base), **{"baseline": "check", **settings})
    made.coordinator.measure()
    return made


def test_round_after_round_of_every_benchmark_in_an_order_of_its_own():
    plans = [plan(name, rounds=6) for name in "abcd"]
    made = session(plans)
    made.coordinator.measure()
    order = made.launcher.done("prepare")
    rounds = [tuple(order[at : at + 4]) for at in range(0, 24, 4)]
    assert len(order) == 24
    assert {tuple(sorted(ids)) for ids in rounds} == {("a", "b", "c", "d")}
    assert len(set(rounds)) > 1
    assert made.coordinator.rounds == 6
    assert [len(benchmark.runs) for benchmark in plans] == [6] * 4
    assert made.launcher.alive == set()


def test_what_is_measured_is_written_down_before_it_goes_on_and_stands_in_the_results():
    study = Study("resolution", "size", "px")
    place = Place("resolution", "torch", 416.0)
    joined = type("Joined", (), {"study": study, "place": place})()
    made = session([plan("a", parameters={"size": 416})], lambda *_: Outcome(joined=joined))
    made.coordinator.measure()
    measured = made.coordinator.measured()
    assert [id for id, _ in made.journal.runs] == ["a"] * 3
    assert [record.run("20260101T000000Z-0000") for _, record in made.journal.runs] == list(
        measured.benchmarks["a"].runs
    )
    assert measured.studies == {"resolution": study}
    assert measured.benchmarks["a"].place == place
    assert measured.benchmarks["a"].parameters == {"size": 416}
    (environment,) = measured.environments.values()
    assert environment["fingerprint"] == {"device": "board"}
    assert environment["settings"]["cpus"] == "0"
    # What a check of it would be: nothing was compared.
    assert measured.gate.rounds == 3


def test_runs_of_few_benchmarks_are_spaced_and_long_rounds_are_not_waited_for():
    made = session([plan("a")], spacing_s=10.0)
    made.coordinator.measure()
    assert made.clock.slept == [8.0, 8.0]
    assert made.progress.of("wait") == [[8.0], [8.0]]
    made = session([plan(name) for name in "abcde"], spacing_s=10.0)
    made.coordinator.measure()
    assert made.clock.slept == []


def test_a_long_wait_between_rounds_is_shown_as_it_passes():
    made = session([plan("a", rounds=2)], spacing_s=27.0)
    made.coordinator.measure()
    assert made.clock.slept == [10.0, 10.0, 5.0]
    assert made.progress.of("wait") == [[25.0], [15.0], [5.0]]


def test_a_hot_machine_is_waited_for_and_measured_warm_when_it_does_not_cool_down():
    hot = Headroom(7.0, "cpu", 90.0, Trip("passive", 97.0))
    plans = [plan("a", rounds=2)]
    made = session(plans, headroom=hot)
    made.coordinator.measure()
    assert made.progress.of("cool")[0] == ["cpu", 90.0, 87.0]
    assert len(plans[0].runs) == 2
    assert any("cpu stayed at 90.0 degC and did not cool down to 87.0" in note for note in made.coordinator.notes)
    assert any(note.startswith("waited 60 s in total") for note in made.coordinator.notes)
    made = session([plan("a", rounds=2)], headroom=hot, cooldown=False)
    made.coordinator.measure()
    assert made.progress.of("cool") == made.coordinator.notes == []


def test_the_remaining_time_counts_down_and_is_not_told_before_it_is_known():
    made = session([plan("a"), plan("b")])
    made.coordinator.measure()
    remaining = [rest for *_, rest, _ in made.progress.of("update")]
    assert remaining[0] is None
    assert remaining[1:] == [10.0, 8.0, 6.0, 4.0, 2.0]


def test_a_disturbed_run_is_kept_marked_and_taken_again():
    plans = [plan("a"), plan("b")]
    made = session(plans, lambda id, number, _: Outcome(quality=STOPPED if (id, number) == ("a", 1) else {}))
    made.coordinator.measure()
    assert [run.disturbed for run in plans[0].runs] == [False, True, False, False]
    assert len(plans[1].runs) == 3
    assert plans[0].runs[1].quality["disturbed_by"] == ["stopped 20.0 s"]
    assert any("1 of 7 runs" in note for note in made.coordinator.notes)


def test_a_machine_that_stays_busy_is_given_up():
    plans = [plan("a", rounds=9)]
    made = session(plans, lambda *_: Outcome(quality=STOPPED))
    made.coordinator.measure()
    assert len(plans[0].runs) == FIRST_RUNS
    assert any(note.startswith("gave up on the benchmark") for note in made.coordinator.notes)


def test_a_broken_body_is_not_measured_further():
    plans = [plan("a"), plan("b")]
    made = session(plans, lambda id, number, _: Outcome(body="failed") if (id, number) == ("a", 1) else Outcome())
    made.coordinator.measure()
    assert plans[0].broken
    assert (plans[0].tries, plans[1].tries) == (2, 3)


@pytest.mark.parametrize(
    ("outcome", "fault"), [(Outcome(body="skipped"), None), (Outcome(fault="killed by SIGKILL"), "killed by SIGKILL")]
)
def test_what_cannot_be_measured_is_tried_once(outcome, fault):
    plans = [plan("a")]
    made = session(plans, lambda *_: outcome)
    made.coordinator.measure()
    assert plans[0].tries == 1
    assert plans[0].last.fault == fault
    assert made.coordinator.measured().benchmarks == {}


def test_maxfail_ends_the_measuring_at_so_many_broken_bodies():
    plans = [plan(name) for name in "abcdef"]
    made = session(plans, lambda *_: Outcome(body="failed"), max_broken=2)
    made.coordinator.measure()
    assert made.coordinator.stopped
    assert sum(benchmark.tries for benchmark in plans) == 2


def test_a_test_that_calls_pytest_exit_ends_the_measuring():
    called = ExitCalled("no board", 3)
    plans = [plan(name) for name in "abc"]
    made = session(plans, lambda id, *_: Outcome(fault="pytest.exit was called", exit=called if id == "b" else None))
    made.coordinator.measure()
    assert made.coordinator.exit == called
    assert made.coordinator.rounds == 1
    assert plans[1].tries == 1


def test_workers_wait_for_their_visits_as_many_as_memory_holds(monkeypatch):
    monkeypatch.setattr(parking, "memory", lambda: Memory(4000.0, 3500.0))
    plans = [plan(name, rounds=1) for name in "abc"]
    made = session(plans, visits=3)
    made.coordinator.measure()
    assert made.launcher.most_alive == 3
    visits = made.launcher.done("visit")
    assert len(visits) == 9
    # Once each before anyone's second.
    assert [sorted(visits[at : at + 3]) for at in (0, 3, 6)] == [["a", "b", "c"]] * 3
    assert made.coordinator.notes == []


def test_where_memory_holds_only_some_they_are_visited_in_groups_and_that_is_said(monkeypatch):
    monkeypatch.setattr(parking, "memory", lambda: Memory(4000.0, 640.0))
    made = session([plan(name, rounds=1) for name in "abc"], visits=2)
    made.coordinator.measure()
    assert made.launcher.most_alive == 1
    assert made.coordinator.notes.count(NARROW) == 1


def test_a_baseline_that_is_off_and_none_at_all_are_no_comparison_and_new():
    made = session([plan("a")])
    made.coordinator.measure()
    assert made.coordinator.comparison is None
    made = session([plan("a")], baseline="check")
    made.coordinator.measure()
    assert made.verdicts == {"a": "new"}


def test_what_is_unchanged_is_measured_for_one_stage():
    made = check([plan("a"), plan("b")], lambda _, number, __: Outcome(noisy(10.0, number)), baseline("a", "b"))
    assert made.verdicts == {"a": "unchanged", "b": "unchanged"}
    assert made.coordinator.rounds == 3
    assert made.progress.of("note") == []


def test_suspects_are_measured_on_until_they_are_confirmed():
    slow = {"a": 1.0, "b": 1.25}
    plans = [plan("a"), plan("b")]
    made = check(plans, lambda id, number, _: Outcome(noisy(10.0 * slow[id], number)), baseline("a", "b"), max_rounds=9)
    assert made.verdicts == {"a": "unchanged", "b": "regressed"}
    assert len(plans[0].runs) == 3
    assert len(plans[1].runs) in (6, 9)
    assert made.progress.of("note")[0] == ["1 of 2 benchmarks are still undecided: measuring further, up to 6 runs"]


def test_a_suspect_whose_later_runs_are_good_is_cleared():
    plans = [plan("a")]
    made = check(plans, lambda _, number, __: Outcome(noisy(10.0 if number > 2 else 11.5, number)), baseline("a"))
    assert made.verdicts["a"] != "regressed"
    assert len(plans[0].runs) > 3


def test_suspects_on_a_machine_that_stays_busy_are_judged_by_what_there_is():
    plans = [plan("a")]
    made = check(
        plans,
        lambda _, number, __: Outcome(noisy(12.5, number), quality=STOPPED if number > 2 else {}),
        baseline("a"),
        max_rounds=9,
    )
    assert plans[0].hopeless is not None
    assert made.verdicts["a"] in ("inconclusive", "regressed")
    assert plans[0].good_runs == 3


def test_a_broken_benchmark_has_no_verdict_and_one_that_is_gone_is_missing():
    base = baseline("a", "b", "gone")
    made = session(
        [plan("a"), plan("b")],
        lambda id, number, _: Outcome(noisy(10.0, number), body="failed" if id == "b" else "passed"),
        strategy=lambda state: StoredRuns(state, base, missing=("gone",)),
        baseline="check",
    )
    made.coordinator.measure()
    assert made.verdicts == {"a": "unchanged", "gone": "missing"}


def test_a_refresh_compares_once_and_confirms_nothing():
    plans = [plan("a", rounds=5)]
    made = check(plans, lambda _, number, __: Outcome(noisy(15.0, number)), baseline("a", "other"), baseline="refresh")
    assert made.verdicts == {"a": "regressed"}
    assert len(plans[0].runs) == 5


@pytest.mark.parametrize(
    ("first", "last", "stages"), [(3, 9, (3, 6, 9)), (3, 3, (3,)), (4, 9, (4, 8, 9)), (3, 2, (3,))]
)
def test_stages_go_on_by_as_many_runs_up_to_the_last(first, last, stages):
    assert stages_of(first, last) == stages


def test_an_error_while_measuring_keeps_the_runs_and_they_are_judged(monkeypatch):
    plans = [plan("a")]
    base = baseline("a")
    made = session(
        plans,
        lambda _, number, __: Outcome(noisy(10.0, number)),
        strategy=lambda state: StoredRuns(state, base),
        baseline="check",
    )
    whole = StoredRuns.round

    def failing(self, order, turns):
        if self.state.rounds == 3:
            raise ArithmeticError("made to fail")
        whole(self, order, turns)

    monkeypatch.setattr(StoredRuns, "round", failing)
    made.coordinator.measure()
    assert made.coordinator.broken_off
    assert "the measuring failed: ArithmeticError: made to fail" in "".join(made.coordinator.errors.sentences)
    assert len(plans[0].runs) == 2
    assert made.verdicts.keys() == {"a"}
    assert made.progress.shown[-1] == ("finish",)


def test_an_error_before_anything_is_measured_is_raised(monkeypatch):
    made = session([plan("a")])
    monkeypatch.setattr(made.launcher, "attempt", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made.coordinator.measure()


def test_an_error_of_the_judge_leaves_no_verdict_and_all_runs(monkeypatch):
    plans = [plan("a")]
    made = session(plans, strategy=lambda state: StoredRuns(state, baseline("a")), baseline="check")
    monkeypatch.setattr(StoredRuns, "look", lambda *_, **__: 1 / 0)
    made.coordinator.measure()
    assert made.coordinator.comparison is None
    assert "the comparison failed" in "".join(made.coordinator.errors.sentences)
    assert len(plans[0].runs) == 3


def record(latency_ms, **changes):
    fields = {"quality": {"disturbed": False}, "reports": [{"when": "call", "outcome": "passed"}], **changes}
    return RunRecord(
        "2026-01-01T00:00:00Z", ENVIRONMENT, {"latency": METRICS["latency"]}, {"latency": summary(latency_ms)}, **fields
    )


def test_a_resumed_session_goes_on_with_the_runs_that_there_are(tmp_path):
    plans = [plan("a"), plan("b")]
    made = session(plans)
    runs = (("a", record(10.0)), ("a", record(11.0)), ("gone", record(1.0)), ("b", record(5.0)))
    made.coordinator.resume(Past(tmp_path / "journal", {}, runs, 0))
    assert [benchmark.tries for benchmark in plans] == [2, 1]
    made.coordinator.measure()
    assert [len(benchmark.runs) for benchmark in plans] == [3, 3]
    assert sorted(made.launcher.done("prepare")) == ["a", "b", "b"]
    assert {run.session for benchmark in plans for run in benchmark.runs} == {"20260101T000000Z-0000"}


def test_a_resumed_session_does_not_measure_a_broken_body_again(tmp_path):
    plans = [plan("a")]
    made = session(plans)
    failed = record(10.0, reports=[{"when": "call", "outcome": "failed"}])
    made.coordinator.resume(Past(tmp_path / "journal", {}, (("a", failed),), 0))
    made.coordinator.measure()
    assert made.launcher.log == []


def test_what_the_worker_measured_itself_stands_before_what_was_seen_from_outside(monkeypatch):
    from ..fakes.workers import FakeAttempt

    seen = {"memory_system_peak": 500.0, "memory_process_peak": 1.0}
    monkeypatch.setattr(FakeAttempt, "coordinators_metrics", lambda self: seen)
    plans = [plan("a", rounds=1)]
    session(plans, lambda *_: Outcome(values={"memory_process_peak": 80.0})).coordinator.measure()
    values = plans[0].runs[0].values
    assert (values["memory_system_peak"], values["memory_process_peak"]) == (500.0, 80.0)
    assert plans[0].metrics["memory_system_peak"] == METRICS["memory_system_peak"]


def test_others_are_named_only_where_they_disturbed(monkeypatch):
    others = f"{stored.disturbance.OTHERS} 0.98"
    reasons = iter([[others], ["canary 1.3"], [], []])
    monkeypatch.setattr(stored.disturbance, "disturbed_by", lambda *_, **__: next(reasons))
    plans = [plan("a", rounds=2)]
    session(plans).coordinator.measure()
    assert ["others" in run.quality for run in plans[0].runs] == [True, False, False, False]


def test_a_marker_says_for_how_long_one_benchmark_is_timed():
    asked = {}
    plans = [plan("a", rounds=1, options=BenchmarkOptions(budget_s=3.0)), plan("b", rounds=1)]
    made = session(plans, visits=2)
    attempt = made.launcher.attempt

    def recorded(plan, *rest, seconds, **more):
        asked[plan.id] = seconds
        return attempt(plan, *rest, seconds=seconds, **more)

    made.launcher.attempt = recorded
    made.coordinator.measure()
    assert asked == {"a": 1.5, "b": 0.6}


def test_what_a_worker_cannot_tell_of_what_it_loaded_is_noted_once_and_costs_no_run():
    made = session([plan("a"), plan("b")], lambda *_: Outcome(loaded=Loaded(None, "ValueError")))
    made.coordinator.measure()
    assert made.coordinator.notes.count("what a benchmark loads could not be recorded: ValueError") == 1
    measured = made.coordinator.measured()
    assert (len(measured.benchmarks["a"].runs), measured.loaded) == (3, {})


def labelled(base, builds):
    """A baseline whose runs took turns among so many builds."""
    (known,) = base.benchmarks.values()
    runs = tuple(replace(run, quality={"build": number % builds}) for number, run in enumerate(known.runs))
    return replace(base, benchmarks={"a": replace(known, runs=runs)})


@pytest.mark.parametrize(
    ("options", "settings", "known", "builds"),
    [
        (BenchmarkOptions(), {}, baseline("a"), [0, 0, 0]),
        (BenchmarkOptions(builds=4), {}, baseline("a"), [0, 1, 2, 3]),
        (BenchmarkOptions(builds=4), {"builds": 5}, baseline("a"), [0, 1, 2, 3]),
        # A check builds as many as its baseline has.
        (BenchmarkOptions(), {}, labelled(baseline("a"), 4), [0, 1, 2, 3]),
    ],
)
def test_runs_take_turns_among_the_builds_of_an_engine(options, settings, known, builds):
    plans = [plan("a", rounds=len(builds), options=options)]
    made = check(plans, lambda *_: Outcome(10.0), known, rounds=len(builds), **settings)
    assert made.launcher.builds[: len(builds)] == builds
    asked = options.builds is not None
    assert [run.quality.get("build") for run in plans[0].runs[: len(builds)]] == (
        builds if asked else [None] * len(builds)
    )


@pytest.mark.parametrize(("engine", "said"), [({"built_with": {"maker": "1"}}, [0, 1, 2, 3]), ({}, [None] * 4)])
def test_a_run_says_its_build_where_a_framework_built_its_engine(engine, said):
    plans = [plan("a", rounds=4)]
    made = session(plans, lambda *_: Outcome(10.0, settings={"engine": engine}), builds=4, rounds=4)
    made.coordinator.measure()
    assert made.launcher.builds == [0, 1, 2, 3]
    assert [run.quality.get("build") for run in plans[0].runs] == said


def test_a_build_whose_run_was_disturbed_is_taken_again():
    plans = [plan("a", rounds=4, options=BenchmarkOptions(builds=4))]
    made = session(plans, lambda id, number, _: Outcome(10.0, quality=STOPPED if number == 2 else {}), rounds=4)
    made.coordinator.measure()
    assert [run.quality["build"] for run in plans[0].runs if not run.disturbed] == [0, 1, 2, 3]

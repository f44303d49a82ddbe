"""Which benchmarks of a session are profiled when, and that nothing of it changes a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.results import ResultsError
from pytest_edgeperf.results.cost_profiles import CostList, CostProfile, OperatorTimes
from pytest_edgeperf.results.profile_files import AcceptedProfile, AcceptedProfiles
from pytest_edgeperf.schedule.profiled_passes import (
    AFTER_A_HANG,
    INTERRUPTED,
    MOST_EXPLAINED,
    NOTHING_ACCEPTED,
    OUTDATED,
    AcceptedLookup,
    ProfiledPasses,
    Unprofiled,
    slower,
)
from pytest_edgeperf.schedule.stored import StoredRuns
from pytest_edgeperf.schedule.worker.faults import hung
from pytest_edgeperf.settings import BenchmarkOptions

from ..fakes.workers import Outcome, plan, session
from .test_lock_step import duel, sides
from .test_rounds import baseline, noisy


def network(**milliseconds):
    """A profile of these operators, each with little noise."""
    return CostProfile(
        CostList(
            tuple(
                OperatorTimes(name, "Conv", tuple(time_ms * (1 + 0.001 * at) for at in range(5)))
                for name, time_ms in milliseconds.items()
            ),
            "fake",
        )
    )


FAST, SLOW = network(conv=4.0, pool=6.0), network(conv=7.0, pool=6.0)


def accept(profile=FAST):
    return lambda name: profile


def refuse(reason=NOTHING_ACCEPTED):
    def accepted(name):
        raise Unprofiled(reason)

    return accepted


def slowed(*names, profile=SLOW, **changes):
    """Outcomes in which these benchmarks take 13 ms instead of 10."""

    def outcome(id, number, side):
        return Outcome(noisy(13.0 if id in names else 10.0, number), profile=profile, **changes)

    return outcome


def check(plans, outcomes, **settings):
    """A check against a baseline, done, and its passes."""
    base = baseline(*(plan.id for plan in plans))
    made = session(plans, outcomes, strategy=lambda state: StoredRuns(state, base), **{"baseline": "check", **settings})
    made.coordinator.measure()
    return made


def explained(made, accepted=None):
    passes = ProfiledPasses(made.coordinator.strategy, accepted or accept(), made.coordinator.explanations)
    passes.explain(made.coordinator.comparison)
    return passes


def test_what_regressed_is_profiled_once_after_everything_is_timed():
    made = check([plan("a"), plan("b")], slowed("b"))
    assert made.verdicts == {"a": "unchanged", "b": "regressed"}
    before = len(made.launcher.log)
    passes = explained(made)
    assert [name for what, name in made.launcher.log if what == "profile"] == ["b"]
    assert made.launcher.log[before:] == [("profile", "b"), ("finish", "b")]
    assert made.launcher.alive == set()
    assert list(passes.explanations) == ["b"]
    assert passes.notes == []


def test_the_explanation_names_the_operator_and_is_stored_with_the_results():
    made = check([plan("a"), plan("b")], slowed("b"))
    explanation = explained(made).explanations["b"]
    assert explanation.reasons == ()
    (table,) = explanation.tables
    assert "conv" in table.rows[0].label
    assert table.rows[0].blamed
    verdict = made.coordinator.comparison.benchmarks["b"].metrics["latency"]
    assert (explanation.before_ms, explanation.after_ms) == (verdict.baseline, verdict.candidate)
    assert made.coordinator.measured().explanations == {"b": explanation}


def test_a_session_in_which_nothing_got_slower_starts_no_worker_and_reads_no_profile():
    made = check([plan("a"), plan("b")], slowed())
    explained(made, refuse("not to be asked"))
    assert made.launcher.done("profile") == []
    assert made.coordinator.measured().explanations == {}


def test_off_profiles_nothing():
    made = check([plan("a")], slowed("a"), explain="off")
    assert explained(made).explanations == {}
    assert made.launcher.done("profile") == []


def test_all_profiles_every_benchmark_the_regressed_ones_first():
    made = check([plan("a"), plan("b"), plan("c")], slowed("b"), explain="all")
    explained(made)
    assert made.launcher.done("profile")[0] == "b"
    assert sorted(made.launcher.done("profile")) == ["a", "b", "c"]


def test_a_session_that_was_stopped_profiles_nothing():
    made = session(
        [plan("a"), plan("b")],
        lambda id, number, side: Outcome(13.0 if id == "a" else None, body="passed" if id == "a" else "failed"),
        strategy=lambda state: StoredRuns(state, baseline("a", "b")),
        max_broken=1,
        baseline="check",
    )
    made.coordinator.measure()
    assert made.coordinator.stopped
    explained(made)
    assert made.launcher.done("profile") == []


def test_only_the_slowest_are_profiled_and_a_note_says_how_to_see_the_others():
    names = [f"b{number:02}" for number in range(MOST_EXPLAINED + 2)]
    ratios = {name: 1.2 + number / 100 for number, name in enumerate(names)}
    comparison = Comparison(
        {
            name: BenchmarkVerdict(
                "regressed",
                {
                    "latency": MetricVerdict(
                        "regressed", "p50", "ms", ratio=ratio, baseline=10.0, candidate=10.0 * ratio
                    )
                },
            )
            for name, ratio in ratios.items()
        }
    )
    made = session([plan(name) for name in names], slowed())
    passes = ProfiledPasses(made.coordinator.strategy, accept())
    passes.explain(comparison)
    assert made.launcher.done("profile") == names[:1:-1]
    (note,) = passes.notes
    assert f"{len(names)} benchmarks regressed, of which the {MOST_EXPLAINED} slowest" in note
    assert "--edgeperf-explain=all" in note


def test_a_metric_that_is_no_time_is_not_explained_by_a_profile():
    memory = {"memory_process_peak": MetricVerdict("regressed", "value", "MiB", ratio=2.0)}
    informs = {"latency_p99": MetricVerdict("regressed", "value", "ms", gates=False, ratio=2.0), **memory}
    tail = {"latency_p99": MetricVerdict("regressed", "value", "ms", ratio=2.0)}
    verdicts = {name: BenchmarkVerdict("regressed", metrics) for name, metrics in zip("abc", (memory, informs, tail))}
    assert slower(Comparison(verdicts)) == ["c"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"profile": None, "fault": "killed: out of memory\nmore"}, "profiling failed: killed: out of memory"),
        ({"profile": None, "body": "skipped"}, "profiling failed: the test was skipped"),
        ({"profile": None}, "profiling failed: it measured nothing"),
        ({"profile": OSError("no more processes")}, "profiling could not be started: no more processes"),
        ({"profile": CostProfile(reason_without="ncnn reports no operator times")}, "ncnn reports no operator times"),
    ],
)
def test_a_pass_that_fails_is_a_sentence_and_changes_no_verdict(changes, words):
    plans = [plan("a"), plan("b")]
    made = check(plans, slowed("a", "b"))
    verdicts, runs = dict(made.verdicts), [list(plan.runs) for plan in plans]
    lasts = [plan.last for plan in plans]
    made.launcher.outcomes = lambda *_: replace(Outcome(), **changes)
    passes = explained(made)
    for name in "ab":
        assert passes.explanations[name].reasons == (words,)
        assert passes.explanations[name].tables == ()
    assert made.verdicts == verdicts
    assert [list(plan.runs) for plan in plans] == runs
    assert [plan.last for plan in plans] == lasts
    assert made.launcher.alive == set()
    assert not made.coordinator.errors


def test_after_a_pass_that_hung_no_other_makes_the_verdicts_wait():
    made = check([plan("a"), plan("b"), plan("c")], slowed("a", "b", "c"))
    made.launcher.outcomes = lambda *_: Outcome(fault=hung(600.0))
    first, *others = explained(made).explanations.values()
    assert first.reasons[0].startswith("profiling failed: hung: not finished after 600 s")
    assert [other.reasons for other in others] == [(AFTER_A_HANG,)] * 2
    assert len(made.launcher.done("profile")) == 1


def test_an_interruption_keeps_what_was_explained_and_all_that_was_measured():
    made = check([plan("a"), plan("b")], slowed("a", "b"))
    outcomes = iter([Outcome(profile=SLOW), Outcome(profile=KeyboardInterrupt())])
    made.launcher.outcomes = lambda *_: next(outcomes)
    passes = explained(made)
    assert len(passes.explanations) == 1
    assert passes.notes == [INTERRUPTED]
    assert made.verdicts == {"a": "regressed", "b": "regressed"}
    assert made.launcher.alive == set()


def test_without_an_accepted_profile_the_reason_is_given_and_nothing_is_started():
    made = check([plan("a")], slowed("a"))
    assert explained(made, refuse()).explanations["a"].reasons == (NOTHING_ACCEPTED,)
    assert made.launcher.done("profile") == []


def test_in_lock_step_both_sides_are_profiled():
    def outcome(id, number, side):
        factor = 1.1 if id == "b" and side == "candidate" else 1.0
        return replace(sides(factor, 1.0)(id, number, side), profile=SLOW if factor > 1 else FAST)

    made = duel([plan("a"), plan("b")], outcome)
    assert made.verdicts == {"a": "unchanged", "b": "regressed"}
    passes = explained(made, refuse("of no use in lock-step"))
    assert made.launcher.done("profile") == ["b base", "b candidate"]
    assert passes.explanations["b"].reasons == ()
    assert passes.explanations["b"].tables[0].rows[0].blamed


def test_in_lock_step_a_fault_says_which_side_it_was():
    made = duel([plan("a")], sides(1.1))
    made.launcher.outcomes = lambda id, number, side: Outcome(fault="crashed with SIGSEGV" if side == "base" else None)
    assert explained(made).explanations["a"].reasons == ("the other side's profiling failed: crashed with SIGSEGV",)


def accepting(made):
    return ProfiledPasses(made.coordinator.strategy, refuse())


def test_a_refresh_profiles_what_it_accepted():
    made = session([plan("a"), plan("b")], slowed(), baseline="refresh")
    made.coordinator.measure()
    passes = accepting(made)
    assert passes.profiles(["a", "gone"]) == {"a": SLOW}
    assert made.launcher.done("profile") == ["a"]
    assert passes.notes == []


def test_a_refresh_says_how_many_have_no_profile_and_why_most():
    made = session([plan("a"), plan("b")], lambda id, *_: Outcome(profile=SLOW if id == "a" else None))
    passes = accepting(made)
    assert passes.profiles(["a", "b"]) == {"a": SLOW}
    assert passes.notes == ["1 of 2 accepted benchmarks have no profile: profiling failed: it measured nothing"]


def test_a_refresh_that_is_interrupted_keeps_the_profiles_so_far():
    made = session([plan("a"), plan("b")], lambda id, *_: Outcome(profile=SLOW if id == "a" else KeyboardInterrupt()))
    passes = accepting(made)
    assert passes.profiles(["a", "b"]) == {"a": SLOW}
    assert "1 of 2" in passes.notes[0]


def test_a_refresh_profiles_nothing_where_it_is_off():
    made = session([plan("a")], slowed(), explain="off")
    assert accepting(made).profiles(["a"]) == {}
    assert made.launcher.done("profile") == []


def test_each_pass_is_shown():
    made = session([plan("a"), plan("b")], slowed())
    accepting(made).profiles(["a", "b"])
    assert made.progress.of("doing") == [["profiling 1 of 2"], ["profiling 2 of 2"]]
    assert made.progress.shown[-1] == ("finish",)


def test_the_worker_has_the_benchmarks_own_budget():
    own = plan("a", options=BenchmarkOptions(budget_s=3.0))
    made = session([own], slowed())
    seconds = []
    attempt = made.launcher.attempt
    made.launcher.attempt = lambda *args, **more: seconds.append(more["seconds"]) or attempt(*args, **more)
    accepting(made).profiles(["a"])
    assert seconds == [3.0]


class Profiles:
    """A file of accepted profiles that is read once."""

    def __init__(self, session="earlier", name="a"):
        self.reads = 0
        self._profiles = AcceptedProfiles("board", {name: AcceptedProfile(FAST, session)})

    def __call__(self):
        self.reads += 1
        return self._profiles


def test_the_accepted_profile_is_that_of_the_accepted_runs():
    file = Profiles()
    lookup = AcceptedLookup(file, baseline("a", "b"))
    assert lookup("a") == FAST
    with pytest.raises(Unprofiled, match="no profile to compare with"):
        lookup("b")
    assert file.reads == 1
    with pytest.raises(Unprofiled) as raised:
        AcceptedLookup(Profiles("long ago"), baseline("a"))("a")
    assert str(raised.value) == OUTDATED


def test_the_accepted_profile_is_found_under_the_id_of_the_file():
    assert AcceptedLookup(Profiles(name="old"), baseline("new"), {"new": "old"})("new") == FAST


@pytest.mark.parametrize("read", [lambda: None, lambda: AcceptedProfiles("board")])
def test_without_a_file_nothing_is_accepted(read):
    with pytest.raises(Unprofiled) as raised:
        AcceptedLookup(read, baseline("a"))("a")
    assert str(raised.value) == NOTHING_ACCEPTED


def test_a_file_that_cannot_be_read_is_the_reason():
    def read():
        raise ResultsError("profiles/board.json: the file is empty; restore it")

    with pytest.raises(Unprofiled, match="the file is empty; restore it"):
        AcceptedLookup(read, baseline("a"))("a")

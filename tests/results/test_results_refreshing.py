"""What a session may not replace: more runs by fewer, and what somebody else accepted meanwhile."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from pytest_edgeperf.results import Intent, accept, load, parse, path_for, refresh, write
from pytest_edgeperf.results.baselines import set_anchor, update_existing

ID = "test_a.py::test_b[416]"


def with_runs(document, number, session, disturbed=0, **others):
    """Results with so many runs of a session, the last of them disturbed."""
    document = copy.deepcopy(document)
    benchmark = document["benchmarks"][ID]
    pattern = benchmark["runs"][0]
    benchmark["runs"] = [
        {**pattern, "session": session, "started": f"2026-11-21T12:{index:02}:00Z", "reason": session}
        for index in range(number)
    ]
    for run in benchmark["runs"][number - disturbed :]:
        run["quality"] = {"disturbed": True, "disturbed_by": ["others_share 0.9", "canary 1.2"]}
    for name, runs in others.items():
        document["benchmarks"][name] = {**copy.deepcopy(benchmark), "runs": benchmark["runs"][:runs]}
    return parse(document)


def reasons(results, name=ID):
    return [run.reason for run in results.benchmarks[name].runs]


@pytest.fixture
def old(document):
    return with_runs(document, 10, "old")


@pytest.mark.parametrize(
    ("measured", "disturbed", "stopped", "accepted"),
    [
        (10, 0, False, True),
        (10, 0, True, True),
        (9, 0, True, False),
        (1, 0, True, False),
        (10, 4, False, True),
        (10, 5, False, True),
        (10, 6, False, False),
        (10, 9, False, False),
        (14, 4, True, True),
    ],
)
def test_runs_are_not_replaced_by_too_few(document, old, measured, disturbed, stopped, accepted):
    intent = Intent(old, {ID: 10}, stopped)
    done = refresh(old, with_runs(document, measured, "new", disturbed), "new", intent=intent)
    assert done.accepted == ((ID,) if accepted else ())
    if accepted:
        assert set(reasons(done.results)) == {"new"}
    else:
        assert reasons(done.results) == ["old"] * 10
        assert "its 10 accepted runs stay" in done.refused[ID]


def test_a_stopped_session_says_after_how_many_runs(document, old):
    done = refresh(old, with_runs(document, 1, "new", other=1), "new", intent=Intent(old, {ID: 6, "other": 6}, True))
    assert done.refused == {
        ID: "the session was stopped after 1 of 6 planned runs, so its 10 accepted runs stay",
        "other": "the session was stopped after 1 of 6 planned runs",
    }


def test_few_runs_of_a_disturbed_machine_are_better_than_fewer_or_none(document):
    measured = with_runs(document, 6, "new", 4)
    assert refresh(None, measured, "new", intent=Intent(None, {ID: 6})).accepted == (ID,)
    two = with_runs(document, 2, "old")
    assert refresh(two, measured, "new", intent=Intent(two, {ID: 6})).accepted == (ID,)
    three = with_runs(document, 3, "old")
    assert refresh(three, measured, "new", intent=Intent(three, {ID: 6})).accepted == ()


def test_without_an_intent_whoever_accepts_decides(document, old):
    assert refresh(old, with_runs(document, 1, "new"), "new").accepted == (ID,)


def test_it_is_said_what_disturbed_all_runs(document, old):
    done = refresh(old, with_runs(document, 3, "new", 3), "new")
    assert done.refused[ID] == (
        "all 3 runs were disturbed (other processes used the processors in all, the machine was slower than for the "
        "baseline in all): measure it again on a quiet machine"
    )


def test_what_was_anchored_or_accepted_for_others_meanwhile_stays(document, tmp_path):
    write(path_for(tmp_path, "nano"), with_runs(document, 3, "old", other=3))
    seen = load(tmp_path, "nano")
    update_existing(tmp_path, "nano", lambda now: set_anchor(now, [ID, "other"], "set meanwhile"))
    accept(tmp_path, parse_only(with_runs(document, 3, "meanwhile", other=3), "other"), "meanwhile")
    mine = parse_only(with_runs(document, 3, "mine"), ID)
    done = accept(tmp_path, mine, "mine", intent=Intent(seen, {ID: 3}))
    assert done.accepted == (ID,)
    now = load(tmp_path, "nano")
    assert reasons(now) == ["mine"] * 3
    assert reasons(now, "other") == ["meanwhile"] * 3
    for name in (ID, "other"):
        assert {run.reason for run in now.benchmarks[name].anchor} == {"set meanwhile"}


@pytest.mark.parametrize("there_was_one", [True, False])
def test_runs_that_somebody_else_accepted_meanwhile_are_not_replaced(document, tmp_path, there_was_one):
    if there_was_one:
        write(path_for(tmp_path, "nano"), with_runs(document, 3, "old"))
    seen = load(tmp_path, "nano")
    accept(tmp_path, with_runs(document, 3, "theirs"), "theirs")
    done = accept(tmp_path, with_runs(document, 3, "mine", other=3), "mine", intent=Intent(seen, {ID: 3, "other": 3}))
    assert done.overtaken == (ID,)
    assert done.accepted == ("other",)
    assert "edgeperf baseline accept" in done.refused[ID]
    now = load(tmp_path, "nano")
    assert reasons(now) == ["theirs"] * 3
    assert reasons(now, "other") == ["mine"] * 3


def parse_only(results, name):
    return replace(results, benchmarks={name: results.benchmarks[name]})

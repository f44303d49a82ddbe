"""The fast part of the calibration: fewer sessions, the same recordings, the same code."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_edgeperf.judge.verdicts import REGRESSED, VERDICTS

from .calibration import DEFAULT, STRICT, promises, write_between
from .compact import SUMMARIES
from .evaluation import PeerTask, Tally, Task, evaluate, evaluate_peer, upper_bound
from .peers import PEERS, Side
from .recordings import workloads
from .sessions import Change, judge_at_once, judge_in_stages, session

pytestmark = pytest.mark.slow

UNCHANGED = range(60)
#: Three of each workload.
CHANGED = range(27)


@pytest.fixture(scope="module")
def unchanged():
    return evaluate(Task(DEFAULT, UNCHANGED))


def test_the_recordings_are_whole():
    known = workloads()
    assert len(known) == 9
    for one in known:
        assert len(one.rows()) == 26
        assert len(one.rows("E")) == 4
        always = one.arrays["summary"][:, [SUMMARIES.index(name) for name in ("min", "p50", "max")]]
        assert (always > 0).all()
        assert (np.diff(always, axis=1) >= 0).all()


def test_unchanged_sessions_raise_hardly_an_alarm(unchanged):
    assert unchanged.sessions_with_alarm <= 1
    assert unchanged.verdicts_unchanged["unchanged"] > 0.85 * unchanged.unchanged
    assert unchanged.runs < 4.5 * unchanged.unchanged


def test_a_threshold_on_the_median_raises_one_in_nearly_each_of_them():
    rule = next(peer for peer in PEERS if "median:5%" in peer.name)
    assert evaluate_peer(PeerTask(rule, UNCHANGED)).alarm_rate > 0.95


@pytest.mark.parametrize(("factor", "least"), [(1.10, 0.6), (1.20, 0.8)])
def test_slowdowns_are_found(factor, least):
    assert evaluate(Task(DEFAULT, CHANGED, Change(factor))).found >= least


@pytest.mark.thorough
def test_a_smaller_tolerance_finds_smaller_slowdowns():
    found = [evaluate(Task(rule, CHANGED, Change(1.05))).found for rule in (STRICT, DEFAULT)]
    assert found[0] > found[1] + 0.2


def test_real_extra_work_is_found_and_its_size_is_right():
    tally = evaluate(Task(DEFAULT, range(20), Change(injected=0.20), ("ort_squeezenet", "numpy_nms")))
    assert tally.found > 0.9
    assert np.median(tally.ratios) == pytest.approx(1.2, abs=0.03)


def test_a_tail_of_rare_slow_calls_is_found_where_there_are_samples_for_it():
    tally = evaluate(Task(DEFAULT, range(5), Change(shape="rare_calls"), ("numpy_nms",)))
    assert tally.found > 0.7


def test_a_speedup_is_no_alarm():
    tally = evaluate(Task(DEFAULT, range(18), Change(0.8)))
    assert tally.found == 0
    assert sum(counts["improved"] for counts in tally.verdicts.values()) > 10


def test_compare_judges_the_same_draws():
    draws = session(workloads(), 1, benchmarks=5, target=(workloads()[2], Change(1.3)))
    for comparison, taken in (judge_at_once(draws, runs=9), judge_in_stages(draws)):
        assert comparison.benchmarks["b0"].verdict == REGRESSED
        assert taken["b0"] == 9
        assert {one.verdict for one in comparison.benchmarks.values()} <= set(VERDICTS)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peers_rule_sees_a_doubling_and_no_change_in_the_same_runs(peer):
    workload = workloads()[3]
    rows = np.array([workload.rows()[: peer.runs]] * 3)
    groups, summary = (workload.arrays[name][rows].astype(float) for name in ("groups", "summary"))
    same, doubled = Side(groups, summary), Side(2 * groups, 2 * summary)
    random = np.random.default_rng(0)
    assert not peer.slower(same, same, random).any()
    assert peer.slower(same, doubled, random).all()


def test_a_broken_promise_is_told():
    kept = {rule: Tally(sessions=100, sessions_with_alarm=2) for rule in (DEFAULT, STRICT)}
    for rule in (DEFAULT, STRICT):
        for slowdown in (0.05, 0.10, 0.20):
            kept[rule, slowdown] = Tally(verdicts={"one": {REGRESSED: 9, "unchanged": 1}})
    lines, good = promises(kept)
    assert not good
    assert sum("BROKEN" in line for line in lines) == 2


def test_an_upper_bound_by_hand():
    assert upper_bound(0, 1000) == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert upper_bound(3, 3) == 1.0


def test_a_table_takes_its_place_in_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- rules -->\nold\n<!-- /rules -->\nb\n")
    write_between(page, {"rules": "new"})
    assert page.read_text() == "a\n<!-- rules -->\n\nnew\n\n<!-- /rules -->\nb\n"
    write_between(page, {"rules": "newer"})
    assert page.read_text() == "a\n<!-- rules -->\n\nnewer\n\n<!-- /rules -->\nb\n"
    with pytest.raises(SystemExit, match="no place for the table 'other'"):
        write_between(page, {"other": ""})


def test_each_table_finds_its_page_in_a_folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(f"{name}\n<!-- {name} -->\n<!-- /{name} -->\n")
    write_between(tmp_path, {"b": "new b", "a": "new a"})
    for name in ("a", "b"):
        assert (tmp_path / f"{name}.md").read_text() == f"{name}\n<!-- {name} -->\n\nnew {name}\n\n<!-- /{name} -->\n"
    with pytest.raises(SystemExit, match="no place for the table 'c'"):
        write_between(tmp_path, {"a": "lost", "c": ""})
    assert "new a" in (tmp_path / "a.md").read_text()

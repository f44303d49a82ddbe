from __future__ import annotations

import copy
import json
import os
from dataclasses import replace

import pytest

from pytest_edgeperf.results import (
    Results,
    ResultsError,
    Run,
    environment_key,
    load,
    merge,
    parse,
    path_for,
    refresh,
    to_json,
    write,
)
from pytest_edgeperf.results.baselines import drop_missing, existing, keep_sessions, matching, sessions, set_anchor
from pytest_edgeperf.results.study_definitions import Study

ID = "test_a.py::test_b[416]"
NEW = {"fingerprint": {"device": "nano"}, "software": {"python": "3.9.1"}}


@pytest.fixture
def old(document):
    document["benchmarks"]["other"] = copy.deepcopy(document["benchmarks"][ID])
    document["later"] = "kept"
    document["benchmarks"][ID]["note"] = "kept"
    document["benchmarks"][ID]["metrics"]["latency"]["title"] = "kept"
    return parse(document)


@pytest.fixture
def measured(document):
    document = copy.deepcopy(document)
    document["environments"] = {"new": NEW}
    benchmark = document["benchmarks"].pop("other", None) or document["benchmarks"][ID]
    document["benchmarks"] = {ID: benchmark}
    for index, run in enumerate(benchmark["runs"]):
        run.update(environment="new", session="second", started=f"2026-11-21T12:0{index}:00Z")
        del run["reason"]
        run["latency"]["p50"] = 10.0
    document.pop("later", None)
    return parse(document)


def disturb(results, *indices, name=ID):
    benchmark = results.benchmarks[name]
    runs = [
        replace(run, quality={"disturbed": True}) if index in indices else run
        for index, run in enumerate(benchmark.runs)
    ]
    return replace(results, benchmarks={name: replace(benchmark, runs=tuple(runs))})


def test_refresh_replaces_only_what_was_measured(old, measured):
    done = refresh(old, measured, " JetPack 6.2 ")
    assert (done.created, done.updated, done.kept, done.refused) == ((), (ID,), ("other",), {})
    benchmark = done.results.benchmarks[ID]
    assert {run.reason for run in benchmark.runs} == {"JetPack 6.2"}
    assert {run.values["latency"]["p50"] for run in benchmark.runs} == {10.0}
    assert done.results.benchmarks["other"] == old.benchmarks["other"]
    assert set(done.results.environments) == {"8c1f0e2a", "new"}
    assert (done.results.extra, benchmark.extra) == ({"later": "kept"}, {"note": "kept"})
    assert benchmark.metrics["latency"].extra == {"title": "kept"}
    assert parse(json.loads(to_json(done.results))) == done.results


def test_refresh_makes_a_first_baseline(measured):
    done = refresh(None, measured, "first")
    assert (done.created, done.updated, done.kept) == ((ID,), (), ())
    assert set(done.results.environments) == {"new"}


def test_environments_that_nothing_uses_go(old, measured):
    alone = replace(old, benchmarks={ID: old.benchmarks[ID]})
    assert set(refresh(alone, measured, "x").results.environments) == {"new"}


def test_an_anchor_survives_with_its_environment_and_its_metrics(old, measured):
    benchmark = old.benchmarks[ID]
    anchor = (Run("8c1f0e2a", "s", "s", {"memory_process_peak": 1.5}),)
    anchored = replace(old, benchmarks={ID: replace(benchmark, anchor=anchor)})
    fresh = measured.benchmarks[ID]
    latency_only = replace(
        fresh,
        metrics={"latency": fresh.metrics["latency"]},
        runs=tuple(replace(run, values={"latency": run.values["latency"]}) for run in fresh.runs),
        anchor=(),
    )
    done = refresh(anchored, replace(measured, benchmarks={ID: latency_only}), "x")
    assert set(done.results.environments) == {"8c1f0e2a", "new"}
    runs = done.results.benchmarks[ID].anchor
    assert runs[0].values == {"memory_process_peak": 1.5}


def test_a_metric_whose_unit_changed_under_an_anchor_is_refused(old, measured):
    benchmark = old.benchmarks[ID]
    anchor = (Run("8c1f0e2a", "s", "s", {"latency": 1.5}),)
    metrics = {**benchmark.metrics, "latency": replace(benchmark.metrics["latency"], unit="us")}
    anchored = replace(benchmark, metrics=metrics, anchor=anchor)
    done = refresh(replace(old, benchmarks={ID: anchored}), measured, "x")
    assert done.results.benchmarks[ID] == anchored
    assert "metrics.latency" in done.refused[ID]
    unanchored = replace(anchored, anchor=())
    assert refresh(replace(old, benchmarks={ID: unanchored}), measured, "x").updated == (ID,)


def test_disturbed_runs_are_dropped_and_only_disturbed_ones_are_refused(old, measured):
    done = refresh(old, disturb(measured, 1), "x")
    assert len(done.results.benchmarks[ID].runs) == 2
    assert done.dropped == {ID: 1}
    done = refresh(old, disturb(measured, 0, 1, 2), "x")
    assert done.results.benchmarks[ID] == old.benchmarks[ID]
    assert set(done.results.environments) == {"8c1f0e2a"}
    assert "all 3 runs were disturbed" in done.refused[ID]
    assert ID not in done.kept
    empty = replace(measured, benchmarks={"none": replace(measured.benchmarks[ID], runs=())})
    assert "no runs" in refresh(old, empty, "x").refused["none"]


@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_refresh_without_a_reason_is_refused(old, measured, reason):
    with pytest.raises(ValueError, match="needs a reason"):
        refresh(old, measured, reason)


def test_another_device_is_refused(old, measured):
    other = replace(measured, device="rpi4")
    with pytest.raises(ResultsError, match="rpi4 cannot refresh the baseline of nano"):
        refresh(old, other, "x")
    with pytest.raises(ResultsError, match="nano and of rpi4 cannot be merged"):
        merge(old, other)


def test_merge_is_the_union_of_runs(old, measured):
    both = merge(old, measured)
    assert len(both.benchmarks[ID].runs) == 6
    assert set(both.environments) == {"8c1f0e2a", "new"}
    assert merge(both, measured) == both
    assert merge(both, both) == both
    assert merge(Results("nano"), old) == old


def test_merge_refuses_contradictions(old, measured):
    benchmark = measured.benchmarks[ID]
    metrics = {"latency": replace(benchmark.metrics["latency"], unit="s")}
    with pytest.raises(ResultsError, match=r'benchmarks."test_a.py::test_b\[416\]".metrics.latency'):
        merge(old, replace(measured, benchmarks={ID: replace(benchmark, metrics=metrics)}))
    environments = {"8c1f0e2a": {"software": {"python": "3.13"}}}
    with pytest.raises(ResultsError, match=r"software\.python '3\.8\.10' in one file and '3\.13'"):
        merge(old, Results("nano", environments))


def test_merge_takes_a_field_for_a_value_once_its_metric_is_declared(old, measured):
    benchmark = measured.benchmarks[ID]
    run = replace(benchmark.runs[0], values={}, extra={"latency": 5.0, "other": 1})
    undeclared = replace(measured, benchmarks={ID: replace(benchmark, metrics={}, runs=(run,))})
    merged = merge(old, undeclared).benchmarks[ID].runs[-1]
    assert (merged.values, merged.extra) == ({"latency": 5.0}, {"other": 1})
    broken = replace(run, extra={"latency": "fast"})
    with pytest.raises(ResultsError, match="measure the benchmark again"):
        merge(old, replace(measured, benchmarks={ID: replace(benchmark, metrics={}, runs=(broken,))}))


def test_an_anchor_of_the_first_stays_in_a_merge(old):
    def anchored(started):
        anchor = (Run("8c1f0e2a", started, "s", {}),)
        return replace(old, benchmarks={ID: replace(old.benchmarks[ID], anchor=anchor)})

    merged = merge(anchored("first"), anchored("second"))
    assert merged.benchmarks[ID].anchor[0].started == "first"


def test_the_key_of_an_environment_is_that_of_its_content():
    key = environment_key({"b": {"x": 1}, "a": {"y": [1, "ü"]}})
    assert key == environment_key({"a": {"y": (1, "ü")}, "b": {"x": 1}})
    assert len(key) == 8
    assert int(key, 16) >= 0
    assert key != environment_key({"a": {"y": [1, "ü"]}, "b": {"x": 2}})
    for bad in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises(ValueError):
            environment_key(bad)


def test_baselines_are_found_by_device(old, tmp_path):
    assert path_for(tmp_path, "nano") == tmp_path / "nano.json"
    assert load(tmp_path, "nano") is None
    assert load(tmp_path / "none", "nano") is None
    write(path_for(tmp_path, "nano"), old)
    assert load(tmp_path, "nano") == old
    write(path_for(tmp_path, "rpi4"), old)
    with pytest.raises(ResultsError, match="a baseline of nano, not of rpi4"):
        load(tmp_path, "rpi4")


def test_a_broken_link_is_no_missing_baseline(tmp_path):
    path_for(tmp_path, "nano").symlink_to("gone.json")
    with pytest.raises(ResultsError, match=r"the link points to gone\.json, which does not exist"):
        load(tmp_path, "nano")


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path):
    path_for(tmp_path, "nano").mkdir()
    with pytest.raises(ResultsError, match="this is a folder, not a results file; move it away"):
        load(tmp_path, "nano")
    os.mkfifo(str(path_for(tmp_path, "rpi4")))
    with pytest.raises(ResultsError, match="this is a FIFO, a socket or a device, not a results file"):
        load(tmp_path, "rpi4")


@pytest.mark.parametrize("device", ["", "..", ".hidden", "a/b", "a\0"])
def test_a_device_that_cannot_name_a_file_is_refused(tmp_path, device):
    with pytest.raises(ValueError, match="is not a valid name of a baseline file"):
        path_for(tmp_path, device)


def test_a_refresh_can_add_to_the_runs_instead(old, measured):
    done = refresh(old, measured, "x", add=True)
    runs = done.results.benchmarks[ID].runs
    assert done.updated == (ID,)
    assert [run.session for run in runs] == ["20261120T115800Z-7f3a"] * 3 + ["second"] * 3
    assert [run.reason for run in runs] == ["first baseline"] * 3 + ["x"] * 3
    assert refresh(done.results, measured, "y", add=True).results == done.results
    assert parse(json.loads(to_json(done.results))) == done.results


def test_added_runs_keep_the_metrics_of_the_old_ones(old, measured):
    fresh = measured.benchmarks[ID]
    narrow = replace(fresh, metrics={"latency": fresh.metrics["latency"]})
    runs = tuple(replace(run, values={"latency": run.values["latency"]}) for run in fresh.runs)
    narrow = replace(measured, benchmarks={ID: replace(narrow, runs=runs)})
    assert set(refresh(old, narrow, "x", add=True).results.benchmarks[ID].metrics) == {"latency", "memory_process_peak"}
    other = {**fresh.metrics, "latency": replace(fresh.metrics["latency"], unit="us")}
    clash = replace(measured, benchmarks={ID: replace(fresh, metrics=other)})
    assert "replace its runs instead" in refresh(old, clash, "x", add=True).refused[ID]
    assert refresh(old, clash, "x").updated == (ID,)


def test_a_refresh_keeps_the_studies_of_both(old, measured):
    before, after = (Study(unit, "x", unit) for unit in ("old", "new"))
    old = replace(old, studies={"a": before, "b": before})
    measured = replace(measured, studies={"b": after, "c": after}, extra={"other": 1})
    done = refresh(old, measured, "x").results
    assert done.studies == {"a": before, "b": after, "c": after}
    assert done.extra == old.extra
    first = refresh(None, measured, "x").results
    assert (first.studies, first.extra) == (measured.studies, measured.extra)


def test_a_baseline_that_must_exist(old, tmp_path):
    with pytest.raises(ResultsError, match=r"nano.json: there is no baseline of nano; make one"):
        existing(tmp_path, "nano")
    with pytest.raises(ResultsError, match="is not a valid name of a baseline file"):
        existing(tmp_path, "..")
    write(path_for(tmp_path, "nano"), old)
    assert existing(tmp_path, "nano") == old


def test_benchmarks_are_found_by_parts_of_their_ids(old):
    assert matching(old, []) == [ID, "other"]
    assert matching(old, ["416", "test_b"]) == [ID]
    with pytest.raises(ResultsError, match="'xyz' in its id"):
        matching(old, ["416", "xyz"])


def test_an_anchor_is_what_the_runs_were(old):
    anchored = set_anchor(old, [ID], "a new start")
    runs = anchored.benchmarks[ID].anchor
    assert runs == tuple(replace(run, reason="a new start") for run in old.benchmarks[ID].runs)
    assert anchored.benchmarks[ID].runs == old.benchmarks[ID].runs
    assert anchored.benchmarks["other"] == old.benchmarks["other"]
    assert set_anchor(old, [ID]).benchmarks[ID].anchor == old.benchmarks[ID].runs
    assert parse(json.loads(to_json(anchored))) == anchored


def test_sessions_are_told_from_new_to_old(old, measured):
    both = merge(old, measured)
    assert sessions(both.benchmarks[ID].runs) == ["second", "20261120T115800Z-7f3a"]
    assert sessions([]) == []


def test_old_sessions_go_but_no_benchmark_and_no_anchor_does(old, measured):
    both = set_anchor(merge(old, measured), [ID])
    kept = keep_sessions(both, 1)
    assert {run.session for run in kept.benchmarks[ID].runs} == {"second"}
    assert kept.benchmarks["other"] == both.benchmarks["other"]
    assert kept.benchmarks[ID].anchor == both.benchmarks[ID].anchor
    assert set(kept.environments) == {"8c1f0e2a", "new"}
    assert keep_sessions(both, 2) == both
    with pytest.raises(ValueError, match="at least one session"):
        keep_sessions(both, 0)


def test_benchmarks_that_were_not_measured_are_dropped(old, measured):
    assert drop_missing(old, measured).benchmarks == {ID: old.benchmarks[ID]}
    with pytest.raises(ResultsError, match="results of rpi4"):
        drop_missing(old, replace(measured, device="rpi4"))
    with pytest.raises(ResultsError, match="contain none of the benchmarks"):
        drop_missing(old, replace(measured, benchmarks={}))

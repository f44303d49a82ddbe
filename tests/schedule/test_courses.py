from __future__ import annotations

from pytest_edgeperf.results.types import Run
from pytest_edgeperf.schedule.machine.courses import notes

FLAT = {"steady": True}
NEVER = {"steady": False}
RESTLESS = {"steady": True, "course": "cyclic", "cycle": {"periods": 3, "ratio": 1.2}}


def slowed(ratio=1.12, at=0.43):
    return {"steady": True, "course": "slowdown", "level_step": {"at": at, "ratio": ratio}}


def faster(drift=0.9):
    return {"steady": True, "course": "warm_up", "drift": drift}


def runs(*qualities):
    return [Run("env", "2026-01-01T00:00:00Z", "session", {"latency": 1.0}, quality=quality) for quality in qualities]


def test_flat_and_steady_runs_and_runs_without_figures_need_no_word():
    assert notes({}) == []
    assert notes({"a": runs(FLAT, FLAT), "b": runs(None, {})}) == []


def test_runs_that_never_became_steady_are_counted_in_one_note():
    assert notes({"a": runs(NEVER, NEVER, FLAT), "b": runs(NEVER), "c": runs(FLAT)}) == [
        "3 runs of 2 benchmarks did not become steady in the warm-up: a, b"
    ]
    assert notes({"a": runs(NEVER)}) == ["1 run of 1 benchmark did not become steady in the warm-up: a"]


def test_a_step_in_most_runs_is_told_with_its_middle_size_and_place():
    assert notes({"a": runs(slowed(1.1, 0.4), slowed(1.12, 0.43), slowed(1.3, 0.6), FLAT)}) == [
        "1 benchmark slowed down while being timed (a falling clock, or a target that grows): "
        "a (+12 % from 43 % of the samples on in 3 of 4 runs)"
    ]


def test_inputs_whose_first_call_was_timed_are_told():
    assert notes({"a": runs({**FLAT, "cold_inputs": 2}, {**FLAT, "cold_inputs": 1}, FLAT), "b": runs(FLAT)}) == [
        "in 2 runs of 1 benchmark the warm-up was too short to use every input, so their first calls were timed: a; "
        "use fewer inputs"
    ]


def test_a_step_in_some_runs_is_noise():
    assert notes({"a": runs(slowed(), slowed(), slowed(), FLAT, FLAT, FLAT)}) == []
    assert notes({"a": runs(slowed(), slowed())}) == []


def test_courses_that_disagree_are_noise():
    assert notes({"a": runs(slowed(), faster(), slowed(), faster())}) == []


def test_drifts_and_cycles_are_told_without_a_place():
    sentences = notes({"a": runs(*[faster(0.9)] * 3), "b": runs(*[RESTLESS] * 3)})
    assert "a (-10 % in 3 of 3 runs)" in sentences[0]
    assert "got faster" in sentences[0]
    assert "b (+20 % in 3 of 3 runs)" in sentences[1]
    assert "cycles" in sentences[1]


def test_disturbed_runs_are_no_evidence():
    bad = {**slowed(), "steady": False, "disturbed": True}
    assert notes({"a": runs(bad, bad, bad, FLAT, FLAT, FLAT)}) == []


def test_one_slowdown_with_a_throttle_counter_is_throttling_and_one_without_is_not():
    throttled = {**slowed(1.3, 0.5), "throttled": 2, "disturbed": True}
    assert notes({"a": runs(throttled, FLAT, FLAT), "b": runs(slowed(), FLAT, FLAT)}) == [
        "1 benchmark slowed down while the device throttled: a (+30 % from 50 % of the samples on in 1 of 3 runs)"
    ]
    assert notes({"a": runs({**FLAT, "throttled": 2, "disturbed": True})}) == []


def test_many_names_are_cut_short():
    (note,) = notes({name: runs(NEVER) for name in "abcde"})
    assert note.endswith(": a, b, c and 2 more")


def test_processors_that_a_benchmark_changed_are_told_with_what_follows():
    (note,) = notes({"a": runs(FLAT, {**FLAT, "processors_changed": "1 -> 0-3"}), "b": runs(FLAT)})
    assert note.startswith("1 benchmark changed the processors they run on: a (1 -> 0-3)")
    assert "--edgeperf-cpus=off" in note


def test_a_runtime_that_was_imported_before_is_told_with_what_to_do():
    (note,) = notes({"a": runs(FLAT, {**FLAT, "imported_before": ["torch", "keras"]}), "b": runs(FLAT)})
    assert note.startswith("import_time was not measured of 1 benchmark")
    assert "a (torch, keras); import it in no test file" in note

from __future__ import annotations

import copy
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results import Run, merge, parse, read, to_json, write
from pytest_edgeperf.results.duplicates import distinct, rounded

ID = "test_a.py::test_b[416]"


def runs_of(results):
    return results.benchmarks[ID].runs


def test_a_run_that_is_written_twice_in_a_file_counts_once(document, only, tmp_path):
    only["runs"] += copy.deepcopy(only["runs"][:2])
    path = tmp_path / "nano.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    results = read(path)
    assert [run.started[11:16] for run in runs_of(results)] == ["12:00", "12:01", "12:02"]
    write(path, results)
    assert len(json.loads(path.read_text(encoding="utf-8"))["benchmarks"][ID]["runs"]) == 3


def test_runs_that_began_in_the_same_second_are_two(document, only):
    only["runs"].append({**only["runs"][0], "memory_process_peak": 413.0})
    assert len(runs_of(parse(document))) == 4


def test_another_reason_and_unrounded_figures_make_no_further_run(document, only):
    only["runs"][0]["latency"] = {"n": 3, "p50": 12.123456789, "mean": 12.123456789}
    measured = parse(document)
    accepted = parse(json.loads(to_json(measured)))
    benchmark = accepted.benchmarks[ID]
    accepted = replace(
        accepted,
        benchmarks={ID: replace(benchmark, runs=tuple(replace(run, reason="again") for run in benchmark.runs))},
    )
    for first, second in ((measured, accepted), (accepted, measured)):
        assert runs_of(merge(first, second)) == runs_of(first)


def test_the_first_of_the_copies_is_kept_in_its_place(document):
    first, second, third = runs_of(parse(document))
    changed = replace(first, reason="later")
    assert distinct([third, first, second, changed, third]) == [third, first, second]


FIGURES = st.sampled_from([1, 1.0, 1.0000001, 1.01, True, "1", None])
VALUES = FIGURES | st.dictionaries(st.sampled_from(["n", "mean", "p50"]), FIGURES | st.lists(FIGURES, max_size=2))
RUNS = st.builds(
    Run,
    st.sampled_from(["e", "f"]),
    st.sampled_from(["12:00", "12:01"]),
    st.just("s"),
    st.dictionaries(st.sampled_from(["latency", "memory"]), VALUES),
    reason=st.sampled_from([None, "again"]),
)


@given(st.lists(RUNS, max_size=8))
def test_a_copy_is_what_agrees_with_an_earlier_run_in_all_figures_as_rounded(runs):
    kept = []
    for run in runs:
        if not any(
            (run.session, run.started, run.environment) == (other.session, other.started, other.environment)
            and rounded(run.values) == rounded(other.values)
            for other in kept
        ):
            kept.append(run)
    assert [id(run) for run in distinct(runs)] == [id(run) for run in kept]

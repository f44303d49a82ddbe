"""``benchmarks/README.md`` is what its script makes of the kept figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import readme_tables
from checklists.reading import VARIATION, rows_of
from readme_tables import EXPERIMENTS, KEPT, README, kept_of, text_of, to_json
from suites import PAPERS

from pytest_edgeperf import read_results
from pytest_edgeperf.results import parse
from pytest_edgeperf.results.study_definitions import Place, ReferenceRatio, Study
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

BENCHMARKS = Path(readme_tables.__file__).parent


def test_the_text_is_that_of_the_kept_figures():
    assert README.read_text("utf-8") == text_of(read_results(KEPT))


def test_every_experiment_has_its_row_and_opens_with_what_it_reproduces():
    assert {one.file for one in EXPERIMENTS} == {path.name for path in BENCHMARKS.glob("test_*.py")}
    for one in EXPERIMENTS:
        lines = (BENCHMARKS / one.file).read_text("utf-8").splitlines()
        assert lines[0].startswith('"""')
        text = "\n".join(lines[:40])
        assert "Reproduces" in text or "Follows" in text
        author = one.source.partition("-")[0].capitalize()
        assert author in text


def test_experiments_that_can_run_anywhere_have_a_table():
    measured = {Path(name.partition("::")[0]).name for name in read_results(KEPT).benchmarks}
    papers = {one.file for one in EXPERIMENTS if "2021" in one.source}
    assert papers - measured <= {"test_power.py"}


STUDY = Study("one", "x", "")


def results_of(latency, disturbed=False, file="test_task_models.py"):
    run = Run("e", "2026-01-01T00:00:00Z", "s", {"latency": {"n": 9, "p50": latency}}, quality={"disturbed": disturbed})
    benchmark = Benchmark(
        {"framework": "onnxruntime", "precision": "fp32", "task": "pose"},
        {"latency": Metric("ms"), "clock": Metric("MHz")},
        (run,),
        place=Place("one", "onnxruntime", 2.0),
    )
    name = f"benchmarks/{file}::test_task[onnxruntime-fp32-pose]"
    environments = {"e": {"software": {"onnxruntime": "1.2"}, "fingerprint": {"cpu_model": "secret"}}}
    return Results("host", environments, {name: benchmark}, studies={"one": STUDY})


def test_what_is_kept_is_a_results_file_without_the_machine():
    kept = kept_of([results_of(20.0), results_of(12.344)])
    read = parse(json.loads(to_json(kept)))
    (benchmark,) = read.benchmarks.values()
    assert benchmark.runs[0].values == {"latency": 12.34}
    assert benchmark.place.x == 2.0
    assert read.studies == {"one": STUDY}
    assert "secret" not in to_json(kept)
    text = text_of(read)
    assert "| onnxruntime | 12.3 | 81.0 |" in text
    assert "onnxruntime 1.2" in text
    for paper in PAPERS:
        assert f"## Checklist of {paper}" in text


def test_disturbed_figures_stay_disturbed():
    read = parse(json.loads(to_json(kept_of([results_of(20.0, disturbed=True)]))))
    assert all(run.disturbed for benchmark in read.benchmarks.values() for run in benchmark.runs)
    assert "| onnxruntime † | 20.0 | 50.0 |" in text_of(read)


def test_only_a_coordinate_that_is_operations_is_called_so():
    other = results_of(10.0)
    other.studies["one"] = replace(STUDY, x_unit="FLOPs/parameter")
    assert "| framework | GFLOPs" not in text_of(parse(json.loads(to_json(kept_of([other])))))


def test_the_variation_of_inferences_is_kept_for_the_checklists():
    summary = {"n": 9, "p50": 10.0, "mean": 10.0, "sd": 0.5}
    run = Run("e", "2026-01-01T00:00:00Z", "s", {"infer": summary, "latency": {"n": 9, "p50": 12.0}}, quality={})
    parameters = {"framework": "onnxruntime", "precision": "fp32", "network": "alexnet"}
    measured = Benchmark(parameters, {"latency": Metric("ms"), "infer": Metric("ms")}, (run,))
    name = "benchmarks/test_model_zoo.py::test_classifier[onnxruntime-fp32-alexnet-224]"
    read = parse(json.loads(to_json(kept_of([Results("host", benchmarks={name: measured})]))))
    (row,) = rows_of(read)
    assert row.values[f"infer{VARIATION}"] == 0.05
    # and once more, as the kept figures are read together with new ones
    (again,) = rows_of(parse(json.loads(to_json(kept_of([read])))))
    assert again.quantities == row.quantities
    assert "| onnxruntime | 12.0 | 10.0 | 0.0500 | 83.3 |" in text_of(read)


def test_published_ratios_are_not_kept():
    ratio = ReferenceRatio("tensorrt", "torch", "latency", "alexnet", 5.6, "table 1")
    results = results_of(20.0)
    results.studies["one"] = replace(STUDY, published_ratios=(ratio,))
    assert "table 1" not in to_json(kept_of([results]))

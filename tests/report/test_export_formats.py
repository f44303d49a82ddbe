"""Exports, format by format: each is read by its consumer, or is valid by the consumer's schema."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shlex
from dataclasses import replace

import pytest

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.exported import Exported, ExportError, RunFigure, run_figure, supported
from pytest_edgeperf.results.types import Benchmark, Metric, Run

from .exporting import (
    FP16,
    METRICS,
    benchmark,
    compare,
    entries,
    families,
    hostile,
    judged_results,
    parsed,
    results,
    text,
    valid,
)


@pytest.fixture
def measured():
    return judged_results()


# pytest-benchmark.


def test_pytest_benchmark_compares_what_it_reads(tmp_path, monkeypatch, capsys, measured):
    faster = Exported(results({FP16: benchmark(3.015, {"precision": "fp16", "size": 224})}))
    (tmp_path / "old.json").write_text(text("pytest-benchmark", measured), encoding="utf-8")
    (tmp_path / "new.json").write_text(text("pytest-benchmark", faster), encoding="utf-8")
    arguments = ["old.json", "new.json", "--group-by=fullname", "--columns=median,rounds"]
    output, errors = compare(monkeypatch, capsys, tmp_path, *arguments)
    assert "Failed to load" not in errors
    (table,) = (part for part in output.split("\n\n") if FP16 in part)
    assert "2 tests" in table
    rows = [line.split() for line in table.splitlines() if line.startswith("test_resnet18[fp16-224]")]
    assert sorted(float(row[2]) for row in rows) == [pytest.approx(3.015), pytest.approx(6.03)]
    assert {row[-1] for row in rows} == {"3"}


def test_its_other_readers_find_their_fields(measured):
    document = parsed(text("pytest-benchmark", measured))
    # Bencher insists on all of these; github-action-benchmark reads the last four and fullname.
    assert {"machine_info", "commit_info", "datetime", "version"} <= set(document)
    first = document["benchmarks"][0]
    assert first["fullname"] == FP16
    assert {"median", "iqr", "mean", "stddev", "ops", "rounds"} <= set(first["stats"])
    assert first["stats"]["median"] == pytest.approx(6.03e-3)
    assert first["stats"]["ops"] == pytest.approx(1 / first["stats"]["mean"])
    assert first["stats"]["rounds"] == len(first["stats"]["data"]) == 3
    assert (first["params"], first["param"]) == ({"precision": "fp16", "size": 224}, "fp16-224")
    assert first["extra_info"]["verdict"] == "regressed"
    assert first["extra_info"]["judged"]["latency"]["interval"] == [1.052, 1.111]
    assert first["extra_info"]["metrics"]["memory_process_peak"] == {"unit": "MiB", "better": "lower", "p50": 100.0}
    assert first["extra_info"]["metrics"]["top-1"]["p50"] == 71.4
    plain = document["benchmarks"][2]
    assert (plain["name"], plain["params"], plain["param"]) == ("test_plain", None, None)
    assert document["commit_info"]["id"] == "1a2b3c4"
    assert document["commit_info"]["dirty"] is True
    assert document["datetime"] == "2026-11-20T12:02:00+00:00"
    assert document["machine_info"]["fingerprint"] == {"module": "p3448-0000"}


def test_a_benchmark_without_a_latency_has_no_rounds():
    accuracy = Benchmark({}, METRICS, (Run("e", "t", "s", {"top-1": {"n": 9, "mean": 70.0, "answers": {}}}),))
    other = Benchmark({}, {"latency": Metric("parsecs")}, (Run("e", "t", "s", {"latency": 4.0}),))
    document = parsed(text("pytest-benchmark", Exported(results({"a": accuracy, "b": other}))))
    assert document["benchmarks"] == []


# Bencher.


def test_bencher_has_an_entry_for_each_set_of_parameters(measured):
    document = valid(parsed(text("bencher", measured)), "bmf-v1.schema.json")
    function = "benchmarks/test_resnet.py::test_resnet18"
    assert set(document) == {function, "benchmarks/test_other.py::TestOne::test_plain"}
    first, second = document[function]
    assert first["parameters"] == {"precision": "fp16", "size": 224}
    assert second["parameters"] == {"precision": "fp32", "size": 224}
    latency = first["measures"]["latency"]
    assert list(latency) == ["value", "lower_value", "upper_value", "min", "p50", "p95", "p99"]
    assert latency["value"] == pytest.approx(6.03e6)
    assert latency["lower_value"] < latency["value"] < latency["upper_value"]
    assert latency["p99"] == pytest.approx(1.2 * 6.03e6)
    assert first["measures"]["memory_process_peak"]["value"] == 100.0
    assert first["measures"]["top-1"] == {"value": 71.4, "lower_value": 71.4, "upper_value": 71.4}
    assert "temperature_max" not in first["measures"]


def test_a_measure_of_bencher_has_eight_names_at_most():
    summary = {"n": 400, "min": 1.0, "p05": 1.1, "p50": 1.2, "p95": 1.3, "p99": 1.4, "p90": 1.25}
    made = tuple(Run("e", "t", "s", {"latency": {**summary, "p50": 1.2 + at / 10}}) for at in range(3))
    document = parsed(text("bencher", Exported(results({"a": Benchmark({}, METRICS, made)}))))
    expected = ["value", "lower_value", "upper_value", "min", "p05", "p50", "p95", "p99"]
    assert list(document["a"][0]["measures"]["latency"]) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"size": 16.5, "flag": True, "none": None}, {"size": 16.5, "flag": True, "none": "null"}),
        ({"shape": [1, 3]}, {"shape": "[1, 3]"}),
        ({"empty": "", "space": " a"}, {"empty": '""', "space": '" a"'}),
        ({"odd": math.inf, "nan": math.nan}, {"odd": "null", "nan": "null"}),
        ({str(number): number for number in range(9)}, {"id": "[x]"}),
    ],
)
def test_parameters_are_what_bencher_holds(parameters, expected):
    document = parsed(text("bencher", Exported(results({"t.py::test[x]": benchmark(1.0, parameters)}))))
    assert document["t.py::test"][0]["parameters"] == expected


def test_benchmarks_whose_parameters_do_not_tell_them_apart_stay_apart():
    same = {f"t.py::test[{name}]": benchmark(ms, {"x": x}) for name, ms, x in (("a", 1.0, 1), ("b", 2.0, 1.0))}
    document = parsed(text("bencher", Exported(results(same))))
    assert [entry["parameters"] for entry in document["t.py::test"]] == [{"id": "[a]"}, {"id": "[b]"}]
    assert len(entries(document)) == 2


# github-action-benchmark.


def test_smaller_and_bigger_are_never_mixed(measured):
    smaller = valid(parsed(text("smaller-is-better", measured)), "github-action-benchmark.schema.json")
    bigger = valid(parsed(text("bigger-is-better", measured)), "github-action-benchmark.schema.json")
    assert [entry["name"] for entry in smaller[:4]] == [
        f"nano: {FP16} latency p50",
        f"nano: {FP16} latency p95",
        f"nano: {FP16} energy_per_inference",
        f"nano: {FP16} memory_process_peak",
    ]
    assert {entry["name"].rpartition(" ")[2] for entry in bigger} == {"throughput", "top-1"}
    first = smaller[0]
    assert (first["unit"], first["value"]) == ("ms", pytest.approx(6.03))
    assert first["extra"] == "3 runs\nedgeperf: regressed +8.1 % [+5.2, +11.1]"
    # The action's own way to find the number in a range.
    assert float(re.search(r"±\s*(\d.*)", first["range"]).group(1)) == pytest.approx(0.23, rel=0.1)


def test_a_file_that_the_action_would_refuse_is_refused_before():
    made = Benchmark({}, {"latency": Metric("ms")}, (Run("e", "t", "s", {"latency": 4.0}),))
    exported = Exported(results({"a": made}))
    with pytest.raises(ExportError, match=r"bigger-is-better: no exported metric .* better when higher"):
        text("bigger-is-better", exported)
    (entry,) = parsed(text("smaller-is-better", exported))
    assert "range" not in entry
    assert parsed(text("bigger-is-better", Exported(results({})))) == []


# OpenMetrics.


def gitlab(document):
    """As GitLab reads a metrics report (ee/lib/gitlab/ci/parsers/metrics/generic.rb)."""
    found = {}
    for line in document.splitlines():
        words = shlex.split(re.sub("#.*$", "", line))
        if len(words) > 1:
            assert words[0] not in found
            found[words[0]] = words[1]
    return found


def test_openmetrics_has_base_units(measured):
    document = text("openmetrics", measured)
    found = families(document)
    assert {(name, family.unit) for name, family in found.items()} == {
        ("edgeperf_energy_per_inference_joules", "joules"),
        ("edgeperf_latency_seconds", "seconds"),
        ("edgeperf_memory_process_peak_bytes", "bytes"),
        ("edgeperf_temperature_max_celsius", "celsius"),
        ("edgeperf_throughput_per_second", "per_second"),
        ("edgeperf_top_1_ratio", "ratio"),
        ("edgeperf_verdict", ""),
    }
    values = {
        (sample.name, sample.labels["benchmark"], sample.labels.get("summary")): sample.value
        for family in found.values()
        for sample in family.samples
    }
    assert values["edgeperf_latency_seconds", FP16, "p50"] == 0.006
    assert values["edgeperf_memory_process_peak_bytes", FP16, None] == 104857600
    assert values["edgeperf_top_1_ratio", FP16, None] == 0.714
    assert 'verdict="regressed"} 1\n' in document
    assert 'benchmark="benchmarks/gone.py::test",device="nano",verdict="missing"} 1' in document
    assert document.endswith("\n# EOF\n")


def test_node_exporter_and_gitlab_read_the_same(measured):
    document = text("openmetrics", measured, Exported(replace(hostile(), device="other")))
    samples, older = (
        [(sample.name, sample.labels, sample.value) for family in read.values() for sample in family.samples]
        for read in (families(document), families(document, openmetrics=False))
    )
    assert older == samples
    assert len(gitlab(document)) == len(samples)
    # Timestamps and types that the older format lacks make node_exporter skip a whole file.
    assert {line.split()[3] for line in document.splitlines() if line.startswith("# TYPE")} == {"gauge"}
    assert all(len(re.sub(r"{.*}", "", line).split()) == 2 for line in document.splitlines() if line[0] != "#")


def test_what_nothing_was_measured_of_is_an_end():
    assert text("openmetrics", Exported(results({}))) == "# EOF\n"


def test_metrics_that_share_a_name_have_their_own_families():
    units = {"top-1": "%", "top_1": "%", "verdict": "", "ü": "µV/√Hz", "_": ""}
    metrics = {name: Metric(unit) for name, unit in units.items()}
    made = Benchmark({}, metrics, (Run("e", "t", "s", dict.fromkeys(metrics, 1.0)),))
    found = families(text("openmetrics", Exported(results({"a": made}), Comparison({"a": BenchmarkVerdict("new")}))))
    assert len(found) == 6
    assert {"edgeperf_top_1_ratio", "edgeperf_verdict"} < set(found)


@pytest.mark.parametrize(
    ("value", "half_width", "expected"),
    [
        (6.0312, 0.04, 6.0),
        (6.0312, 0.004, 6.03),
        (6.0312, 0.01, 6.03),
        (6.0312, 50.0, 6.0),
        (6.0312, None, 6.03),
        (104857600.0, 0.0, 104857600.0),
        (1234567.0, 800.0, 1235000.0),
        (9.996, 0.004, 10.0),
        (-0.0123, 0.002, -0.012),
        (0.0, 1.0, 0.0),
        (5e-324, None, 5e-324),
    ],
)
def test_a_value_has_the_digits_that_its_interval_supports(value, half_width, expected):
    ends = (None, None) if half_width is None else (value - half_width, value + half_width)
    assert supported(RunFigure(value, *ends, runs=3)) == expected


def test_the_interval_is_that_of_a_mean_of_runs():
    # numpy.exp(scipy.stats.ttest_1samp(numpy.log([0.99, 1, 1.02]), 0).confidence_interval())
    figure = run_figure(benchmark(1.0), "latency")
    assert (figure.lower, figure.upper) == (pytest.approx(0.96611, abs=1e-5), pytest.approx(1.04184, abs=1e-5))
    assert run_figure(benchmark(1.0, disturbed=(0,)), "latency").runs == 2
    assert run_figure(benchmark(1.0, factors=(1.0,)), "latency").half_width is None


# Flat records.


def test_csv_has_a_row_for_each_summary_of_a_run(measured):
    rows = list(csv.DictReader(io.StringIO(text("csv", measured))))
    summaries = {"latency": 6, "top-1": 2}
    assert len(rows) == 3 * 3 * sum(summaries.get(name, 1) for name in METRICS)
    first = rows[3]
    assert (first["device"], first["benchmark"], first["parameter.precision"]) == ("nano", FP16, "fp16")
    assert (first["run"], first["metric"], first["summary"]) == ("1", "latency", "p50")
    assert float(first["value"]) == 6.03 * 0.99
    assert (first["verdict"], first["ratio"], first["disturbed"]) == ("regressed", "1.081", "False")
    assert rows[-1]["parameter.precision"] == rows[-1]["verdict"] == ""
    assert [json.loads(line)["value"] for line in text("jsonl", measured).splitlines()] == [
        float(row["value"]) for row in rows
    ]


def test_json_lines_have_the_same_fields_and_every_type(measured):
    records = [parsed(line) for line in text("jsonl", measured).splitlines()]
    assert len({tuple(record) for record in records}) == 1
    assert records[0]["parameter.size"] == 224
    assert records[0]["disturbed"] is False
    assert records[-1]["parameter.size"] is None


def test_pandas_reads_both_in_one_line(measured):
    pandas = pytest.importorskip("pandas")
    wide = pandas.read_csv(io.StringIO(text("csv", measured)))
    lines = pandas.read_json(io.StringIO(text("jsonl", measured)), lines=True)
    assert list(wide.columns) == list(lines.columns)
    for frame in (wide, lines):
        medians = frame[(frame.metric == "latency") & (frame.summary == "p50")].groupby("benchmark").value.median()
        assert medians[FP16] == pytest.approx(6.03)
        assert frame.disturbed.dtype == bool


def test_no_cell_of_csv_is_calculated():
    rows = list(csv.reader(io.StringIO(text("csv", Exported(hostile())))))
    assert len({len(row) for row in rows}) == 1
    cells = {cell for row in rows for cell in row}
    assert {"'=cmd|' /C calc'!A0", "'+1+cmd", "'-2+3", "'@SUM(A1)", "'＝1+1"} <= cells
    begin = [cell for cell in cells if cell[:1] in tuple("=+-@＝\t\r")]
    assert all(math.isfinite(float(cell)) for cell in begin)
    assert all(cell.isprintable() for cell in cells)


def test_numbers_below_zero_stay_numbers():
    parameters = {"offset": -5, "text": "-1e-3", "word": "-"}
    made = Benchmark(parameters, {"x": Metric("")}, (Run("e", "t", "s", {"x": -2.5}),))
    (row,) = csv.DictReader(io.StringIO(text("csv", Exported(results({"a": made})))))
    assert (row["parameter.offset"], row["parameter.text"], row["value"]) == ("-5", "-1e-3", "-2.5")

"""Exports in all formats alike: hostile names, figures that are no numbers, devices, sessions, many benchmarks."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.exported import Exported, ExportError, digest, safe_name, safe_names
from pytest_edgeperf.report.exporters import exporter, exporter_for, names
from pytest_edgeperf.report.exporters.junit import junit_properties
from pytest_edgeperf.report.flat_records import LONGEST_NAME, LONGEST_TEXT, MOST_PARAMETERS
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run
from tests.growth import calls

from .conftest import PREFIX, verdict
from .exporting import (
    FP16,
    HOSTILE,
    PAPER,
    STORES,
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


def every_format(exported):
    """Each is read back, with its limits."""
    found = {}
    for name in STORES:
        try:
            found[name] = text(name, exported)
        except ExportError:
            assert name in ("smaller-is-better", "bigger-is-better")
    for name in set(found) & {"smaller-is-better", "bigger-is-better"}:
        valid(parsed(found[name]) or [{"name": "-", "value": 0, "unit": ""}], "github-action-benchmark.schema.json")
    valid(parsed(found["bencher"]), "bmf-v1.schema.json")
    entries(parsed(found["bencher"]))
    parsed(found["pytest-benchmark"])
    for line in found["jsonl"].splitlines():
        parsed(line)
    families(found["openmetrics"])
    assert "\n\n" not in found["csv"]
    for name, document in found.items():
        document.encode("utf-8")
        assert not re.search(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", document), name
    return found


def test_hostile_names_are_text_and_stay_apart(tmp_path, monkeypatch, capsys):
    measured = hostile()
    found = every_format(Exported(measured))
    count = len(measured.benchmarks)
    assert len(entries(parsed(found["bencher"]))) == count
    smaller = parsed(found["smaller-is-better"])
    assert len({entry["name"] for entry in smaller}) == len(smaller) == 4 * count
    assert len({one["fullname"] for one in parsed(found["pytest-benchmark"])["benchmarks"]}) == count
    for sample in families(found["openmetrics"]).values():
        assert len({tuple(sorted(one.labels.items())) for one in sample.samples}) == len(sample.samples)
    assert len({parsed(line)["benchmark"] for line in found["jsonl"].splitlines()}) == count
    (tmp_path / "a.json").write_text(found["pytest-benchmark"], encoding="utf-8")
    output, errors = compare(monkeypatch, capsys, tmp_path, "a.json")
    assert f"{count} tests" in output
    assert "Failed" not in errors
    assert "\x1b[31m" not in output


def test_cut_names_stay_apart_and_short():
    shown = safe_names(HOSTILE)
    assert len(set(shown.values())) == len(HOSTILE)
    assert all(len(name.encode()) <= 1024 and name.isprintable() for name in shown.values())
    assert re.fullmatch("x{989}…[0-9a-f]{8}", safe_name("x" * 20_000))


NAMES = st.sampled_from(HOSTILE) | st.text(max_size=8)
NUMBERS = st.floats() | st.sampled_from([0.0, 1e100, -1e100, 5e-324, math.nan, math.inf])
SUMMARIES = st.fixed_dictionaries(
    {"n": st.sampled_from([1, 30, 500])},
    optional=dict.fromkeys(("mean", "min", "p05", "p50", "p95", "p99", "max"), NUMBERS),
)
UNITS = st.sampled_from(["ms", "ns", "MiB", "%", "degC", "1/s", "", "MHz", "mJ"]) | NAMES
VALUES = st.none() | st.booleans() | NUMBERS | NAMES | st.lists(NAMES, max_size=2)
PARAMETERS = st.dictionaries(NAMES, VALUES, max_size=9)


@st.composite
def anything(draw):
    metrics = {
        name: Metric(draw(UNITS), draw(st.sampled_from(["lower", "higher"])), margin=draw(st.none() | st.just(1.0)))
        for name in ["latency", *draw(st.lists(NAMES, max_size=3))]
    }
    benchmarks = {}
    for name in draw(st.lists(NAMES, max_size=3)):
        values = st.fixed_dictionaries({}, optional=dict.fromkeys(metrics, NUMBERS | SUMMARIES))
        made = tuple(Run("e", draw(NAMES), draw(NAMES), value) for value in draw(st.lists(values, max_size=3)))
        benchmarks[name] = Benchmark(draw(PARAMETERS), metrics, made)
    return Exported(Results(draw(NAMES), {"e": {}}, benchmarks))


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
@given(anything())
def test_whatever_was_measured_is_read_back(exported):
    every_format(exported)


@pytest.mark.parametrize("name", ["bencher", "pytest-benchmark"])
def test_a_format_of_one_machine_refuses_two(name, measured):
    with pytest.raises(ExportError, match=r"of one machine, .* of nano, rpi4; export each device to its file"):
        text(name, measured, Exported(results({}, "rpi4")))


@pytest.mark.parametrize("name", [name for name in STORES if name not in ("bencher", "pytest-benchmark")])
def test_the_others_tell_devices_apart(name, measured):
    document = text(name, measured, Exported(results({FP16: benchmark(3.0)}, "rpi4")))
    assert "nano" in document
    assert "rpi4" in document


@pytest.mark.parametrize("name", STORES)
def test_chosen_metrics_are_exported_alone(name, measured):
    metric = {"bigger-is-better": "throughput", "smaller-is-better": "temperature_max"}.get(name, "latency")
    document = text(name, replace(measured, metrics=(metric,), comparison=None))
    assert metric in document
    assert "memory_process_peak" not in document


def test_a_session_exports_its_runs_with_its_verdicts(session):
    failed = PREFIX + "test_resnet18[torch-fp32]"
    report = replace(session, faults={**session.faults, failed: "it crashed"})
    document = exporter_for(Path("metrics.prom"), "session").session(report, PAPER)
    assert 'edgeperf_verdict{benchmark="benchmarks/test_framework_comparison.py::test_added",device="host"' in document
    assert "test_yolov3[onnxruntime-fp32-416]" in document
    assert failed not in document
    judged = [sample.labels["verdict"] for sample in families(document)["edgeperf_verdict"].samples]
    assert judged.count("regressed") == 2


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.bmf.json", "bencher"),
        ("a.PYTEST-BENCHMARK.json", "pytest-benchmark"),
        ("a.smaller-is-better.json", "smaller-is-better"),
        ("a.bigger-is-better.json", "bigger-is-better"),
        ("a.prom", "openmetrics"),
        ("a.csv", "csv"),
        ("a.jsonl", "jsonl"),
    ],
)
def test_the_longest_end_of_a_file_names_the_format(file, name):
    assert exporter_for(Path(file), "results").name == exporter_for(Path(file), "session").name == name
    assert exporter_for(Path("a.json"), "session").name == "json"


def test_all_formats_of_results_are_tested_here():
    assert set(STORES) <= set(names("results"))


def of_long_names(letters, benchmarks=6):
    """A session in which everything that has a name has one of so many letters; and how many such names there are."""
    x = "x" * letters
    samples = {"n": 400, "p05": 0.9, "p50": 1.0, "p95": 1.1, f"summary {x}": 1.2}
    metrics = {
        "latency": Metric("ms"),
        f"metric {x}": Metric(f"unit {x}"),
        f"score {x}": Metric(f"u{x}", "higher", margin=1.0),
    }
    made = tuple(
        Run(f"e{x}", f"t{x}", f"s{x}", {name: {**samples, "p50": 1.0 + at} for name in metrics}, commit=f"c{x}")
        for at in range(5)
    )
    found = {
        f"{x}.py::test[{at}]": Benchmark({f"a{at}{x}": x, f"b{x}": [x], f"c{x}": at}, metrics, made)
        for at in range(benchmarks)
    }
    judged = {name: verdict("regressed", 1.1, 1.05, 1.2, reason=x) for name in found}
    measured = Results(f"device {x}", {f"e{x}": {"software": {x: x}}}, found)
    return SessionReport(f"device {x}", x, measured, Comparison(judged)), benchmarks * (10 + 5 * 9)


@pytest.mark.parametrize("name", [*STORES, "text", "markdown", "json", "html"])
def test_long_names_are_not_written_again_in_every_record(name):
    few, many = 2_000, 20_000
    sizes = [len(exporter(name, "session").session(of_long_names(letters)[0], PAPER)) for letters in (few, many)]
    assert sizes[1] - sizes[0] <= (many - few) * of_long_names(1)[1]
    if name in STORES:
        assert sizes[1] < 3_000_000


def test_long_names_are_cut_in_the_properties_of_tests():
    report, _ = of_long_names(20_000, benchmarks=1)
    (benchmark_id, measured), *_ = report.measured.benchmarks.items()
    properties = junit_properties(measured, report.comparison.benchmarks[benchmark_id])
    assert len({name for name, _ in properties}) == len(properties) > 10
    assert sum(len(name) + len(value) for name, value in properties) < 500 * len(properties)


def test_flat_records_name_few_parameters_and_cut_long_texts():
    x = "x" * 300
    parameters = {f"p{at}": at for at in range(60)}
    found = {
        "a.py::test[a]": benchmark(1.0, {x: x, f"{x}y": [x], "shape": [1, 3], "π": "é\t"}),
        "a.py::test[b]": benchmark(1.0, {x: 1, **parameters}),
    }
    records = [parsed(line) for line in text("jsonl", Exported(results(found))).splitlines()]
    named = [field for field in records[0] if field.startswith("parameter.")]
    assert len(named) == MOST_PARAMETERS
    long = [field for field in named if "x" in field]
    assert [field.partition("…")[2] for field in long] == [digest(x), digest(f"{x}y")]
    assert all(len(field.encode()) == len("parameter.") + LONGEST_NAME for field in long)
    assert records[0]["parameter.shape"] == [1, 3]
    assert records[0]["parameter.π"] == "é\t"
    assert records[0][long[0]].endswith(f"x…{digest(x)}")
    assert len(records[0][long[1]].encode()) == LONGEST_TEXT
    assert records[-1][long[0]] == 1
    rows = text("csv", Exported(results(found))).splitlines()
    assert long[0] in rows[0]


@pytest.mark.parametrize("name", STORES)
def test_ten_times_the_benchmarks_are_ten_times_the_work(name):
    def export(count):
        many = {f"t.py::test[{number}]": benchmark(1.0, {"number": number}) for number in range(count)}
        exported = Exported(results(many), Comparison({name: BenchmarkVerdict("new") for name in many}))
        return lambda: text(name, exported)

    export(1)()
    assert calls(export(200)) < 11 * calls(export(20))

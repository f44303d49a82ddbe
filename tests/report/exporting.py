"""Results to export, names that somebody could choose, and how consumers read what is exported."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison
from pytest_edgeperf.report.exported import Exported
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from .conftest import verdict

DATA = Path(__file__).parents[1] / "data" / "exports"
PAPER = Paper(100)
STORES = ("bencher", "pytest-benchmark", "smaller-is-better", "bigger-is-better", "openmetrics", "csv", "jsonl")
METRICS = {
    "latency": Metric("ms"),
    "memory_process_peak": Metric("MiB"),
    "energy_per_inference": Metric("mJ"),
    "temperature_max": Metric("degC"),
    "throughput": Metric("1/s", "higher"),
    "top-1": Metric("%", "higher", margin=0.5),
}
FP16 = "benchmarks/test_resnet.py::test_resnet18[fp16-224]"
HOSTILE = (
    "<script>alert(1)</script>",
    "</title>",
    "a\"b'c",
    "a|b`c`{d}",
    "\x1b[31mred\x1b[0m",
    "\\x1b[31mred\\x1b[0m",
    "line\r\nbreak\ttab\x00nul\x85next\u2028line",
    "\u202egnp.exe",
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-2+3",
    "@SUM(A1)",
    "＝1+1",
    "a#b # EOF",
    "back\\slash\\",
    "\ud800",
    "e\u0301",
    " spaces ",
    "",
    "x" * 20_000,
    "ü" * 20_000,
    "x" * 20_001,
)


def runs(milliseconds, *, disturbed=(), factors=(0.99, 1.0, 1.02)):
    return tuple(
        Run(
            "8c1f0e2a",
            f"2026-11-20T12:0{number}:00Z",
            "s1",
            {
                "latency": {"n": 400, "min": ms * 0.9, "mean": ms, "p50": ms, "p95": ms * 1.07, "p99": ms * 1.2},
                "memory_process_peak": 100.0,
                "energy_per_inference": 12.5 * factor,
                "temperature_max": 61.5,
                "throughput": 1000 / ms,
                "top-1": {"n": 1000, "mean": 71.4, "answers": {"digest": "d"}},
            },
            commit="1a2b3c4-dirty",
            quality={"disturbed": number in disturbed},
        )
        for number, factor in enumerate(factors)
        for ms in [milliseconds * factor]
    )


def benchmark(milliseconds, parameters=None, **more):
    return Benchmark(parameters or {}, METRICS, runs(milliseconds, **more))


def results(benchmarks, device="nano"):
    environment = {"fingerprint": {"module": "p3448-0000"}, "software": {"python": "3.8.10"}}
    return Results(device, {"8c1f0e2a": environment}, benchmarks)


def judged_results():
    parameters = {"precision": "fp16", "size": 224}
    found = {
        FP16: benchmark(6.03, parameters),
        FP16.replace("fp16", "fp32"): benchmark(9.01, {**parameters, "precision": "fp32"}),
        "benchmarks/test_other.py::TestOne::test_plain": benchmark(0.5),
    }
    judged = {FP16: verdict("regressed", 1.081, 1.052, 1.111), "benchmarks/gone.py::test": BenchmarkVerdict("missing")}
    return Exported(results(found), Comparison(judged))


def hostile():
    found = {f"t.py::test[{name}]": benchmark(1.0 + at, {"p": name}) for at, name in enumerate(HOSTILE)}
    odd = {f"odd.py::test[{at}]": benchmark(2.0, {name: [name]}) for at, name in enumerate(HOSTILE[:3])}
    return results({**found, **odd, **{name: benchmark(3.0) for name in HOSTILE}}, '<b>\x1b[1mde"vice#')


def text(name, *exported):
    return exporter(name, "results").results(exported, PAPER)


def parsed(document):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(document, parse_constant=refuse)


def valid(document, schema):
    Draft7Validator(json.loads((DATA / schema).read_text(encoding="utf-8"))).validate(document)
    return document


# Their readers.


def compare(monkeypatch, capsys, folder, *arguments):
    from pytest_benchmark.cli import main

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["pytest-benchmark", "compare", *arguments])
    main()
    return capsys.readouterr()


def entries(document):
    """What Bencher makes of a payload: entries with the same parameters are one, in which later names win."""
    merged = {}
    for function, listed in document.items():
        for entry in listed:
            numbers = {
                key: float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
                for key, value in entry["parameters"].items()
            }
            assert all(len(word.encode()) <= 64 and word == word.strip() for word in numbers)
            texts = [value for value in numbers.values() if isinstance(value, str)]
            assert all(0 < len(word.encode()) <= 64 and word == word.strip() for word in texts)
            merged.setdefault((function, json.dumps(numbers, sort_keys=True)), {}).update(entry["measures"])
        assert 0 < len(function.encode()) <= 1024
    return merged


def families(document, *, openmetrics=True):
    """Families by name, as Prometheus' own parser reads OpenMetrics, or the older format."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser" if openmetrics else "prometheus_client.parser")
    return {family.name: family for family in parser.text_string_to_metric_families(document)}

from __future__ import annotations

from pytest_edgeperf.report.exporters.junit import junit_properties
from pytest_edgeperf.results.types import Benchmark, Metric, Run

from .conftest import benchmark, verdict


def test_figures_and_verdict():
    found = dict(junit_properties(benchmark(12.2), verdict("regressed", 1.081, 1.052, 1.111)))
    assert found["edgeperf.latency_p50_ms"] == "12.2"
    assert found["edgeperf.latency_p95_ms"] == "13.1"
    assert "edgeperf.latency_p99_ms" not in found
    assert found["edgeperf.memory_process_peak_mib"] == "100"
    assert found["edgeperf.runs"] == "3"
    assert found["edgeperf.verdict"] == "regressed"
    assert found["edgeperf.latency_ratio"] == "1.0810"
    assert found["edgeperf.latency_ratio_low"] == "1.0520"
    assert found["edgeperf.latency_p_adjusted"] == "0.0004"
    assert found["edgeperf.latency_detectable_ratio"] == "1.0340"


def test_latency_comes_first_and_all_are_texts():
    found = junit_properties(benchmark(12.2))
    assert found[0] == ("edgeperf.latency_p50_ms", "12.2")
    assert all(isinstance(value, str) for _, value in found)
    assert not any(name == "edgeperf.verdict" for name, _ in found)


def test_a_unit_becomes_part_of_a_name():
    run = Run("e", "2026-11-20T12:00:00Z", "s", {"throughput": 81.9, "accuracy_top1": 0.7})
    one = Benchmark({}, {"throughput": Metric("inferences/s", "higher"), "accuracy_top1": Metric("")}, (run,))
    found = dict(junit_properties(one))
    assert found["edgeperf.throughput_inferences_per_s"] == "81.9"
    assert found["edgeperf.accuracy_top1"] == "0.700"

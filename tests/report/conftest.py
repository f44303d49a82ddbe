from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict, Side
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

PREFIX = "benchmarks/test_framework_comparison.py::"
METRICS = {
    "latency": Metric("ms"),
    "memory_process_peak": Metric("MiB"),
    "preprocess": Metric("ms"),
    "infer": Metric("ms"),
    "postprocess": Metric("ms"),
    "first_inference": Metric("ms"),
    "warm_up": Metric("ms"),
}


def benchmark(milliseconds, *, memory=100.0, samples=400, runs=3, disturbed=()):
    made = []
    for k in range(runs):
        p50 = milliseconds * (0.99, 1.0, 1.02)[k % 3]
        latency = {"n": samples, "p50": p50, "p95": p50 * 1.07}
        if samples < 20:
            del latency["p95"]
        values = {
            "latency": latency,
            "memory_process_peak": memory,
            "preprocess": {"n": samples, "p50": p50 * 0.1},
            "infer": {"n": samples, "p50": p50 * 0.8},
            "postprocess": {"n": samples, "p50": p50 * 0.1},
            "first_inference": p50 * 4,
            "warm_up": 1300.0,
        }
        quality = {"disturbed": k in disturbed}
        made.append(Run("8c1f0e2a", "2026-11-20T12:00:00Z", "s1", values, quality=quality))
    return Benchmark({}, METRICS, tuple(made))


def latency(verdict, ratio, low, high, **more):
    found = {
        "summary": "p50",
        "unit": "ms",
        "ratio": ratio,
        "interval": (low, high),
        "p_adjusted": 0.0004,
        "detectable": 1.034,
        "baseline": 11.3,
        "candidate": 12.2,
        "baseline_runs": 10,
        "candidate_runs": 9,
        "tolerance": 0.02,
        "scatter": 0.0152,
    }
    found.update(more)
    return MetricVerdict(verdict, **found)


def verdict(word, *args, **more):
    differences = more.pop("differences", {})
    sides = more.pop("sides", None)
    return BenchmarkVerdict(word, {"latency": latency(word, *args, **more)}, differences=differences, sides=sides)


SIDES = (Side(12.02, "1a2b3c4"), Side(10.81, "5d6e7f8"))


MEMORY = MetricVerdict(
    "regressed",
    "value",
    "MiB",
    ratio=1.12,
    interval=(1.11, 1.13),
    baseline=80.0,
    candidate=89.6,
    baseline_runs=10,
    candidate_runs=9,
    tolerance=0.03,
    detectable=1.03,
    reason="all of 9 runs are above 82.4 MiB",
)


@pytest.fixture
def comparison() -> Comparison:
    judged = {
        "test_yolov3[onnxruntime-fp32-416]": verdict(
            "regressed", 1.081, 1.052, 1.111, differences={"onnxruntime": ("1.11.0", "1.12.1")}, sides=SIDES
        ),
        "test_yolov3[torch-fp32-416]": verdict("unchanged", 1.003, 0.991, 1.014),
        "test_resnet18[torch-fp32]": verdict("improved", 0.891, 0.875, 0.910),
        "test_mobilenet_v2[onnxruntime-int8]": BenchmarkVerdict(
            "regressed",
            {"latency": latency("unchanged", 0.997, 0.984, 1.010), "memory_process_peak": MEMORY},
        ),
        "test_tiny_with_postprocess[onnxruntime-fp32-320]": verdict(
            "inconclusive", 1.031, 0.995, 1.068, runs_needed=14, detectable=1.12
        ),
        "test_unet[torch]": BenchmarkVerdict(
            "incomparable", differences={"power_mode": ("MAXN", "5W"), "threads": (4, None)}
        ),
        "test_added": BenchmarkVerdict("new"),
        "test_removed[torch-fp32]": BenchmarkVerdict("missing"),
    }
    return Comparison({PREFIX + name: one for name, one in judged.items()}, common_shift=1.03, common_shift_of=(4, 5))


def of_runs(judged, milliseconds):
    """The verdicts, on latencies of so many milliseconds now."""
    made = dict(judged)
    for name, verdict in judged.items():
        latency = verdict.metrics.get("latency")
        if latency is not None:
            now = milliseconds[name]
            latency = replace(latency, candidate=now, baseline=round(now / latency.ratio, 1))
            made[name] = replace(verdict, metrics={**verdict.metrics, "latency": latency})
    return made


@pytest.fixture
def session(comparison: Comparison) -> SessionReport:
    milliseconds = (12.2, 131.4, 9.05, 1.207, 31.1, 88.0, 3.3)
    measured = [name for name in comparison.benchmarks if "removed" not in name]
    return SessionReport(
        device="host",
        machine="AMD EPYC, 2 cores",
        measured=Results("host", benchmarks={name: benchmark(ms) for name, ms in zip(measured, milliseconds)}),
        comparison=replace(comparison, benchmarks=of_runs(comparison.benchmarks, dict(zip(measured, milliseconds)))),
        faults={
            PREFIX + "test_crash[tvm]": "The worker was ended by SIGKILL; the kernel's log says that memory ran out."
        },
        notes=["Workers could not be pinned: the allowed set has one core."],
        written=[("results", "results/20261121T0911.json")],
        rounds=3,
        seconds=95.2,
    )


@pytest.fixture
def unbaselined(session: SessionReport) -> SessionReport:
    measured = dict(list(session.measured.benchmarks.items())[:3])
    new = Comparison({name: BenchmarkVerdict("new") for name in measured})
    return replace(session, measured=Results("host", benchmarks=measured), comparison=new, faults={}, notes=[])

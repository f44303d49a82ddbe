"""Names of metrics in markers: typing errors are refused, what was not measured is named."""

from __future__ import annotations

import pytest

from pytest_edgeperf.results import Benchmark, Metric, Results, Run
from pytest_edgeperf.schedule.asked_metrics import check, needs_sensors, unmeasured
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.settings import BenchmarkOptions, SettingsError


def nothing_is_absent(metric):
    return None


def without_sensors(metric):
    return "telemetry is off" if needs_sensors(metric) else None


def refused(baseline=None, why=nothing_is_absent, **options):
    with pytest.raises(SettingsError) as error:
        check({"t.py::test_a": BenchmarkOptions(**options)}, baseline, why)
    return str(error.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("troughput", "throughput"),
        ("latencey", "latency"),
        ("energy_per_inferences", "energy_per_inference"),
        ("power-mean", "power_mean"),
        ("memory_proces_peak", "memory_process_peak"),
    ],
)
def test_a_typing_error_is_refused_with_what_was_meant(written, meant):
    for options in ({"gate": (written,)}, {"tolerance": {written: 0.1}}):
        message = refused(**options)
        assert message.startswith("t.py::test_a: timed_inference(")
        assert repr(written) in message
        assert f"did you mean {meant}?" in message


def test_a_summary_is_no_metric():
    assert "p99 is a summary of latency: name latency" in refused(gate=("latency_p99",))
    assert "p95 is a summary: name the metric instead, such as latency" in refused(gate=("p95",))


@pytest.mark.parametrize(
    "name", ["top1", "top5", "AP", "mIoU", "latency", "infer", "latency_fp16", "power_mean", "score"]
)
def test_names_of_users_and_ours_are_taken(name):
    check({"a": BenchmarkOptions(gate=(name,), tolerance={name: 0.1})}, None, nothing_is_absent)
    check({"a": BenchmarkOptions(tolerance=0.1)}, None, nothing_is_absent)


@pytest.mark.parametrize("name", ["import_time", "load_time", "build_time", "cold_start"])
def test_the_software_stack_is_gated_only_where_it_is_measured(name):
    assert refused(gate=(name,)).endswith(f"names {name!r}, which is measured only with stack=True")
    assert "stack=True" in refused(tolerance={name: 0.1})
    check({"a": BenchmarkOptions(gate=(name,), stack=True)}, None, nothing_is_absent)


def test_a_name_that_the_baseline_has_is_no_error():
    baseline = Results("host", benchmarks={"x": Benchmark({}, {"output_errors": Metric("")}, ())})
    check({"a": BenchmarkOptions(gate=("output_errors",))}, baseline, nothing_is_absent)
    assert "did you mean output_error?" in refused(gate=("output_errors",))


def test_beside_an_error_what_will_not_be_measured_is_named_too():
    message = refused(gate=("troughput", "energy_per_inference"), why=without_sensors)
    assert "gate='energy_per_inference' will have no effect: telemetry is off" in message
    check({"a": BenchmarkOptions(gate=("energy_per_inference",))}, None, without_sensors)


def plan(name, runs=1, **options):
    values = {"latency": {"n": 1, "p50": 1.0}, "top1": 90.0}
    made = Plan(name, "t.py", False, BenchmarkOptions(**options), {}, 1)
    made.runs = [Run("e", "", "s", values)] * runs
    return made


def test_what_no_run_delivered_is_a_sentence_with_the_reason():
    plans = [plan(f"test_{number}", gate=("energy_per_inference",)) for number in range(5)]
    absent = unmeasured(plans, without_sensors)
    assert absent.gates
    assert absent.sentences == [
        "gate='energy_per_inference' of test_0, test_1, test_2 and 2 more had no effect, because it was not measured: "
        "telemetry is off"
    ]


def test_an_accuracy_is_known_once_it_was_recorded():
    assert unmeasured([plan("a", gate=("top1",), tolerance={"latency": 0.1})], nothing_is_absent) == ([], False)
    (sentence,) = unmeasured([plan("a", tolerance={"top_1": 0.1})], nothing_is_absent).sentences
    assert sentence.endswith("did you mean top1?")
    assert not unmeasured([plan("a", tolerance={"top_1": 0.1})], nothing_is_absent).gates
    (sentence,) = unmeasured([plan("a", gate=("mIoU",))], nothing_is_absent).sentences
    assert sentence.endswith("its runs do not have it")


def test_what_has_no_runs_is_not_blamed():
    assert unmeasured([plan("a", runs=0, gate=("mIoU",))], nothing_is_absent) == ([], False)

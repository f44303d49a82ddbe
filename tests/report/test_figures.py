from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.sample_summary import summarise
from pytest_edgeperf.report.figures import figure
from pytest_edgeperf.results.types import Benchmark, Metric, Run


def benchmark(*latencies, metrics=("latency",)):
    runs = tuple(Run("e", "2026-01-01T00:00:00Z", "s", {} if one is None else {"latency": one}) for one in latencies)
    return Benchmark({}, {name: Metric("ms") for name in metrics}, runs)


def test_summaries_are_of_the_same_runs_or_absent():
    slow, fast = {"n": 5, "p50": 20.0}, {"n": 200, "p50": 0.5, "p95": 0.6, "p99": 0.7}
    both = benchmark(slow, fast)
    assert figure(both, "latency") == 10.25
    assert figure(both, "latency", "p95") is None
    assert figure(benchmark(fast, fast), "latency", "p95") == 0.6
    # A p95 of a file from elsewhere that its few samples cannot support.
    assert figure(benchmark({**slow, "p95": 30.0}, fast), "latency", "p95") is None


def test_a_run_without_the_metric_hides_nothing_of_the_others():
    fast = {"n": 200, "p50": 0.5, "p95": 0.6}
    assert figure(benchmark(None, fast), "latency", "p95") == 0.6
    assert figure(benchmark(None), "latency", "p95") is None


@given(st.lists(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=150), min_size=1, max_size=6))
def test_a_tail_that_is_shown_is_never_below_the_median(runs):
    one = benchmark(*map(summarise, runs))
    figures = [figure(one, "latency", summary) for summary in ("p50", "p95", "p99")]
    shown = [value for value in figures if value is not None]
    assert shown == sorted(shown)

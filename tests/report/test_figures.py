from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.measure.sample_summary import summarise
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.figures import compared_figure, figure
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run

from .html_pages import Page


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


def test_every_report_states_the_figure_that_was_compared():
    """The runs' median is another than the mean of their logarithms, which the change is of."""
    runs = benchmark(*({"n": 400, "p50": p50} for p50 in (0.504, 0.494, 0.490, 0.454)))
    interval = (1.2, 1.45)
    latency = MetricVerdict(
        "regressed", "p50", "ms", ratio=1.318, interval=interval, baseline=0.368, candidate=0.485, tolerance=0.02
    )
    name = "b.py::test_a"
    session = SessionReport(
        "host",
        "a machine",
        Results("host", benchmarks={name: runs}),
        Comparison({name: BenchmarkVerdict("regressed", {"latency": latency})}),
    )
    assert figure(runs, "latency") == 0.492
    assert compared_figure(runs, "latency", latency) == 0.485
    page = Page(exporter("html", "session").session(session, Paper(120)))
    (row,) = page.blocks["data-benchmarks"]["benchmarks"]
    assert row["value"] == "485 us"
    for text in (
        render(session, width=100, colour=False),
        exporter("markdown", "session").session(session, Paper(120)),
    ):
        assert "485" in text
        assert "492" not in text


def test_the_figure_of_another_summary_is_not_the_rows():
    runs = benchmark({"n": 400, "p50": 2.0, "min": 1.0})
    assert compared_figure(runs, "latency", MetricVerdict("regressed", "min", "ms", candidate=1.0)) == 2.0
    assert compared_figure(runs, "latency", MetricVerdict("new", "p50", "ms")) == 2.0
    assert compared_figure(runs, "latency", None) == 2.0

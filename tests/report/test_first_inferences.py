"""How the first inferences of a process go on, in a table."""

from __future__ import annotations

import pytest

from pytest_edgeperf.report.first_inferences import first_inferences_table
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Benchmark, Metric, Results

from ..judge.builders import run

PAPER = Paper(100)


def table(**benchmarks):
    made = {
        f"test_file.py::test_{name}": Benchmark(
            {}, {"latency": Metric("ms")}, tuple(run({"latency": 1.0}, quality=quality) for quality in qualities)
        )
        for name, qualities in benchmarks.items()
    }
    return first_inferences_table(Results("host", benchmarks=made), PAPER)


def kept(*times):
    return {"first_inferences_ms": list(times)}


def test_columns_are_medians_of_inferences_and_of_runs():
    title, file, head, row = table(
        one=[kept(90.0, 20.0, 12.0, 11.0, 13.0), kept(110.0, 30.0, 14.0), kept(95.0, 22.0, 10.0)]
    )
    assert "first inferences" in title
    assert file == "test_file.py"
    assert head.split()[-3:] == ["1", "2", "3-5"]
    assert row.split()[-3:] == ["95.0", "22.0", "12.0"]


def test_a_benchmark_with_fewer_has_fewer_columns():
    lines = table(short=[kept(9.0)], long=[kept(*range(1, 61))])
    short = next(line for line in lines if "short" in line)
    assert short.split()[-7:] == ["9.00", *["-"] * 6]
    assert lines[2].split()[-1] == "51-100"


@pytest.mark.parametrize("quality", [{}, None, {"first_inferences_ms": []}, {"first_inferences_ms": ["a"]}])
def test_nothing_is_shown_of_runs_that_kept_none(quality):
    assert table(one=[quality]) == []


def test_a_disturbed_run_counts_only_where_no_other_is():
    disturbed = {**kept(999.0), "disturbed": True}
    assert table(one=[disturbed, kept(5.0)])[-1].split()[-1] == "5.00"
    assert table(one=[disturbed])[-1].split()[-1] == "999"

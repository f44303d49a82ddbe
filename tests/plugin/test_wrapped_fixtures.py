"""A ``benchmark`` fixture that wraps pytest-benchmark's is measured and gated; one that does not is said to be none."""

from __future__ import annotations

import pytest

from .conftest import REFRESH

pytestmark = pytest.mark.long

SUITE = """
def test_configured(benchmark):
    benchmark(work, 3000)
"""
CONFIGURING = """
import pytest

@pytest.fixture
def benchmark(benchmark):
    benchmark.group = "ours"
    return benchmark
"""
ANOTHER = """
import pytest

@pytest.fixture
def benchmark():
    return lambda function, *arguments: function(*arguments)
"""


def test_a_wrapped_fixture_is_measured(project):
    project.load_all_plugins()
    project.suite(SUITE)
    project.write("conftest.py", CONFIGURING)
    outcome = project.run(*REFRESH, "--benchmark-max-time=0.05")
    assert outcome.code == 0, outcome
    assert list(project.baseline().benchmarks) == ["test_it.py::test_configured"]


def test_another_fixture_of_that_name_is_said_not_to_be_measured(project):
    project.suite(SUITE)
    project.write("conftest.py", ANOTHER)
    outcome = project.run("--baseline=check", "-q", "-p", "no:benchmark")
    assert outcome.code == 0, outcome
    assert "edgeperf: no benchmark was measured or compared: the `benchmark` fixture of 1 test is" in outcome

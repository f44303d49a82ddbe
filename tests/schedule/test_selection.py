from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_edgeperf.schedule.selection import is_adoptable, not_measured, nothing_measured


def fixture(module, *argnames):
    def benchmark():
        pass

    benchmark.__module__ = module
    return SimpleNamespace(func=benchmark, argnames=argnames)


OWN = fixture("pytest_benchmark.plugin", "request")
WRAPPER = fixture("conftest", "benchmark")
OTHER = fixture("pytest_codspeed.plugin", "codspeed_benchmark")


def item(*definitions, markers=()):
    """A test that uses a ``benchmark`` fixture of these definitions, the one in force last."""
    names = ["benchmark"] if definitions else []
    return SimpleNamespace(
        fixturenames=names,
        _fixtureinfo=SimpleNamespace(name2fixturedefs={"benchmark": definitions} if definitions else {}),
        get_closest_marker=lambda name: name if name in markers else None,
    )


@pytest.mark.parametrize(
    ("definitions", "adoptable"),
    [
        ((), False),
        ((OWN,), True),
        ((OWN, WRAPPER), True),
        ((OWN, WRAPPER, WRAPPER), True),
        ((OWN, OTHER), False),
        ((OTHER,), False),
        ((OTHER, WRAPPER), False),
        ((WRAPPER,), False),
        ((OWN, fixture(None)), False),
        ((fixture("pytest_benchmarking.plugin"),), False),
    ],
)
def test_a_fixture_that_ends_in_pytest_benchmarks_is_adopted(definitions, adoptable):
    assert is_adoptable(item(*definitions)) is adoptable


def test_what_looks_like_a_benchmark_and_is_none_says_why():
    tests = [item(OWN), item(OTHER), item(OWN, OTHER), item(markers=["benchmark"]), item()]
    assert not_measured(tests) == [
        "the `benchmark` fixture of 2 tests is that of pytest_codspeed.plugin, which does not wrap pytest-benchmark's",
        "1 test marked `benchmark` without using its fixture",
    ]
    assert not_measured([item(OWN), item(), item(markers=["timed_inference", "benchmark"])]) == []


def test_a_session_without_any_benchmark_says_so_in_one_line():
    assert nothing_measured([item(), item()]) == (
        "no benchmark was measured or compared: none of 2 tests uses the `timed_inference` fixture or "
        "pytest-benchmark's `benchmark`"
    )
    assert nothing_measured([item(markers=["benchmark"]), item(OWN, markers=["skip"])]) == (
        "no benchmark was measured or compared: 1 test marked `benchmark` without using its fixture; 1 skipped"
    )

"""What a session does besides measuring grows with the number of its benchmarks, and not with its square."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_edgeperf.judge.verdicts import Comparison, LineVerdict
from pytest_edgeperf.plugin.verdicts import judge_item
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.results.types import Results
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors
from pytest_edgeperf.settings import BenchmarkOptions
from tests.growth import calls
from tests.report.conftest import benchmark, verdict

FEW, MANY = 20, 160
#: Eight times as many; a quadratic share of a tenth would show.
AT_MOST = 10.0


def growth(work):
    work(FEW)()  # imports what is imported when first used
    return calls(work(MANY)) / calls(work(FEW))


def ids(number):
    return [f"tests/test_many.py::test_network[{at}]" for at in range(number)]


def plan(id):
    one = benchmark(5.0)
    return Plan(
        id=id,
        path="tests/test_many.py",
        adopted=False,
        options=BenchmarkOptions(),
        parameters={},
        rounds=3,
        runs=list(one.runs),
        metrics=one.metrics,
    )


def comparison(number):
    words = ("regressed", "unchanged", "inconclusive", "incomparable")
    verdicts = {id: verdict(words[at % 4], 1.05, 1.02, 1.08) for at, id in enumerate(ids(number))}
    line = LineVerdict("study", "torch", "latency", "slope", "regressed", benchmarks=tuple(verdicts))
    return Comparison(verdicts, lines=(line,))


def test_judging_each_item():
    def work(number):
        measuring = SimpleNamespace(
            plans={id: plan(id) for id in ids(number)},
            comparison=comparison(number),
            settings=SimpleNamespace(judges=True),
            coordinator=SimpleNamespace(errors=UnexpectedErrors("session")),
            outputs=SimpleNamespace(failing={}),
        )
        config = SimpleNamespace(stash=pytest.Stash())
        items = [SimpleNamespace(nodeid=id, config=config, location=("test_many.py", 1, id)) for id in ids(number)]
        reports = {item.nodeid: [SimpleNamespace(when="call", user_properties=[])] for item in items}

        def judge():
            for item in items:
                judge_item(item, measuring, reports[item.nodeid])
            assert not measuring.coordinator.errors
            assert all(one.user_properties for [one] in reports.values())

        return judge

    assert growth(work) < AT_MOST


@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_the_terminal_report(verbosity):
    def work(number):
        results = Results("host", benchmarks={id: benchmark(5.0 + at) for at, id in enumerate(ids(number))})
        report = SessionReport("host", "a machine", results, comparison(number), rounds=3, seconds=2.0)
        return lambda: render(report, width=80, colour=True, verbosity=verbosity)

    assert growth(work) < AT_MOST

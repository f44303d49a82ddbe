"""What a session spends on reporting its benchmarks, apart from measuring and from pytest's own work.

``python -m tests.overhead.reporting`` prints milliseconds of processor time per benchmark for growing sessions.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Callable, Dict, List

import pytest

from pytest_edgeperf.judge.verdicts import Comparison, LineVerdict
from pytest_edgeperf.plugin.verdicts import judge_item
from pytest_edgeperf.report.exporters import exporter
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Results
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors
from pytest_edgeperf.settings import BenchmarkOptions
from tests.growth import cpu_s
from tests.report.conftest import benchmark, verdict

SIZES = (500, 1000, 2000)
#: A quarter each: every kind of verdict has sentences of its own.
WORDS = ("regressed", "unchanged", "inconclusive", "incomparable")
Work = Callable[[], None]


def ids(number: int) -> List[str]:
    """The ids of so many benchmarks."""
    return [f"tests/test_many.py::test_network[{at}]" for at in range(number)]


def comparison(number: int) -> Comparison:
    """Verdicts on so many benchmarks, and one line through all of them."""
    verdicts = {id: verdict(WORDS[at % len(WORDS)], 1.05, 1.02, 1.08) for at, id in enumerate(ids(number))}
    line = LineVerdict("study", "torch", "latency", "slope", "regressed", benchmarks=tuple(verdicts))
    return Comparison(verdicts, lines=(line,))


def session_report(number: int) -> SessionReport:
    """What a session of so many benchmarks has to report."""
    results = Results("host", benchmarks={id: benchmark(5.0 + at) for at, id in enumerate(ids(number))})
    return SessionReport("host", "a machine", results, comparison(number), rounds=3, seconds=2.0)


def plan(id: str) -> Plan:
    """A benchmark with its runs."""
    measured = benchmark(5.0)
    return Plan(
        id=id,
        path="tests/test_many.py",
        adopted=False,
        options=BenchmarkOptions(),
        parameters={},
        rounds=3,
        runs=list(measured.runs),
        metrics=measured.metrics,
    )


def judging_each_item(number: int) -> Work:
    """Adding figures and failures to the reports of each test."""
    measuring = SimpleNamespace(
        plans={id: plan(id) for id in ids(number)},
        comparison=comparison(number),
        settings=SimpleNamespace(judges=True),
        coordinator=SimpleNamespace(errors=UnexpectedErrors("session")),
        outputs=SimpleNamespace(failing={}),
        explanations={},
    )
    config = SimpleNamespace(stash=pytest.Stash(), option=SimpleNamespace())
    items = [SimpleNamespace(nodeid=id, config=config, location=("test_many.py", 1, id)) for id in ids(number)]
    reports = {item.nodeid: [SimpleNamespace(when="call", user_properties=[])] for item in items}

    def judge() -> None:
        for item in items:
            judge_item(item, measuring, reports[item.nodeid])
        assert not measuring.coordinator.errors, measuring.coordinator.errors.sentences
        assert all(report.user_properties for [report] in reports.values())

    return judge


def _check(document: str) -> None:
    assert "regressed" in document


def terminal_report(verbosity: int) -> Callable[[int], Work]:
    """The report of pytest's summary."""

    def work(number: int) -> Work:
        report = session_report(number)
        return lambda: _check(render(report, width=80, colour=True, verbosity=verbosity))

    return work


def written_report(name: str) -> Callable[[int], Work]:
    """The report that ``--edgeperf-report`` writes in a format."""

    def work(number: int) -> Work:
        report = session_report(number)
        return lambda: _check(exporter(name, "session").session(report, Paper(120)))

    return work


PARTS: Dict[str, Callable[[int], Work]] = {
    "each item": judging_each_item,
    "terminal -q": terminal_report(-1),
    "terminal": terminal_report(0),
    "terminal -v": terminal_report(1),
    "markdown": written_report("markdown"),
    "json": written_report("json"),
    "html": written_report("html"),
}

if __name__ == "__main__":
    print(f"{'ms per benchmark, of':<22}" + "".join(f"{number:>8}" for number in SIZES))
    for name, part in PARTS.items():
        print(f"{name:<22}" + "".join(f"{1e3 * cpu_s(part(number)) / number:>8.3f}" for number in SIZES))

"""Replays the setup, call and teardown reports of workers to pytest."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import pytest
from _pytest._code.code import ReprExceptionInfo, ReprFileLocation, ReprTracebackNative

from pytest_edgeperf.results.characters import printable, printable_lines
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.plan import Plan

_TUPLES = ("longrepr", "location")
#: Of a message in a JUnit file, which releases of pytest before 9 do not shorten.
_LONGEST_HEADLINE = 480


def explanation(item: pytest.Item, headline: str, text: str) -> ReprExceptionInfo:
    """A failure's representation, located at the item: the text under FAILURES, and JUnit's message.

    It is pytest's own, so that it goes through xdist whole, and other plugins find the headline in it.
    """
    path, line, _ = item.location
    shown = ReprTracebackNative([f"{row}\n" for row in printable_lines(text).splitlines()])
    headline = printable(headline)
    if len(headline) > _LONGEST_HEADLINE:
        headline = headline[:_LONGEST_HEADLINE] + " …"
    return ReprExceptionInfo(shown, ReprFileLocation(path, (line or 0) + 1, headline))


def reports_of(item: pytest.Item, plan: Plan) -> List[pytest.TestReport]:
    """The reports of the plan's latest worker, or reports that give the reason why there are none."""
    delivery = plan.last
    if delivery is None:
        return [_report(item, "setup", "skipped", _skip(item, "not measured: the session stopped first"))]
    if delivery.fault is None:
        return [_restored(item, data) for data in delivery.reports]
    headline = delivery.fault.splitlines()[0]
    failure = _report(item, "call", "failed", explanation(item, headline, _fault_text(delivery)))
    if delivery.output:
        failure.sections.append(("Output of the worker", delivery.output))
    return [_report(item, "setup", "passed"), failure, _report(item, "teardown", "passed")]


def unreadable(item: pytest.Item, error: Exception) -> List[pytest.TestReport]:
    """Reports that replace a worker's reports that cannot be read."""
    headline = f"the worker's reports cannot be read ({type(error).__name__})"
    failure = _report(item, "call", "failed", explanation(item, headline, f"Not reported: {headline}."))
    return [_report(item, "setup", "passed"), failure, _report(item, "teardown", "passed")]


def fail(item: pytest.Item, reports: Sequence[pytest.TestReport], headline: str, text: str) -> None:
    """Turn the call report into a failure (an expected one where the item is marked ``xfail``)."""
    for report in reports:
        if report.when == "call":
            report.longrepr = explanation(item, headline, text)
            report.outcome = "skipped" if hasattr(report, "wasxfail") else "failed"


def log(item: pytest.Item, nextitem: Optional[pytest.Item], reports: Sequence[pytest.TestReport]) -> None:
    """Pass the reports to pytest, and tear down fixtures of earlier ordinary tests that the next item does not need."""
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    torn_down = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), when="teardown")
    if torn_down.excinfo is not None:
        hook.pytest_runtest_logreport(report=pytest.TestReport.from_item_and_call(item, torn_down))
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def refusal(item: pytest.Item, reason: str) -> pytest.TestReport:
    """The error report of a benchmark that cannot be measured in this process."""
    return _report(item, "setup", "failed", explanation(item, reason, reason))


def _fault_text(delivery: Delivery) -> str:
    assert delivery.fault is not None
    return f"The benchmark was not measured: {delivery.fault}"


def _restored(item: pytest.Item, data: Any) -> pytest.TestReport:
    # JSON made lists of the tuples that pytest's own reporters insist on (a skip's place and reason).
    data = {
        name: tuple(value) if name in _TUPLES and isinstance(value, list) else value for name, value in data.items()
    }
    report: pytest.TestReport = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
    return report


def _skip(item: pytest.Item, reason: str) -> Tuple[str, int, str]:
    path, line, _ = item.location
    return (path, (line or 0) + 1, f"Skipped: {reason}")


def _report(item: pytest.Item, when: Any, outcome: Any, longrepr: Optional[Any] = None) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome=outcome,
        longrepr=longrepr,
        when=when,
    )

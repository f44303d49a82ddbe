"""Reporting measured benchmarks to pytest: what their workers did, and failures where something got worse."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence

import pytest

from pytest_edgeperf.judge.verdicts import REGRESSED, LineVerdict
from pytest_edgeperf.plugin.junit import allows_properties_of_tests
from pytest_edgeperf.plugin.state import FAILED_CALLS, FAILING_LINES
from pytest_edgeperf.report.change_text import failure_message
from pytest_edgeperf.report.explanation_text import with_explanation
from pytest_edgeperf.report.exporters.junit import JUnit
from pytest_edgeperf.report.line_text import failing_lines, line_headline, line_text
from pytest_edgeperf.report.outcome import unseen
from pytest_edgeperf.report.sentences import regression_text
from pytest_edgeperf.schedule import replay
from pytest_edgeperf.schedule.session import MEASURED_NOTHING, MeasuringSession
from pytest_edgeperf.schedule.state import benchmark_of


def report_item(item: pytest.Item, nextitem: Optional[pytest.Item], measuring: MeasuringSession) -> None:
    """Report one measured benchmark; a regressed one fails."""
    plan = measuring.plans[item.nodeid]
    try:
        reports = replay.reports_of(item, plan)
    except Exception as error:
        measuring.coordinator.errors.add("restoring a worker's reports", error)
        reports = replay.unreadable(item, error)
    if plan.measured_nothing:
        replay.fail(item, reports, MEASURED_NOTHING, f"The benchmark passed, but {MEASURED_NOTHING}.")
    with measuring.coordinator.errors.survive("reporting a verdict"):
        judge_item(item, measuring, reports)
    if any(report.when == "call" and report.failed for report in reports):
        item.config.stash.setdefault(FAILED_CALLS, set()).add(item.nodeid)
    replay.log(item, nextitem, reports)


def judge_item(item: pytest.Item, measuring: MeasuringSession, reports: List[pytest.TestReport]) -> None:
    """Add a benchmark's figures to its reports, and make a failure of what got worse or was not accepted."""
    comparison, plan = measuring.comparison, measuring.plans[item.nodeid]
    verdict = comparison.benchmarks.get(item.nodeid) if comparison is not None else None
    errors = measuring.coordinator.errors
    with errors.survive("the JUnit properties"):
        if plan.runs and allows_properties_of_tests(item.config):
            properties = JUnit().properties(benchmark_of(plan), verdict)
            for report in reports:
                report.user_properties.extend(properties)
    unaccepted = measuring.outputs.failing.get(item.nodeid)
    if unaccepted is not None:
        replay.fail(item, reports, f"not accepted: {unaccepted}", f"The refresh did not accept it: {unaccepted}.")
    if not measuring.settings.judges:
        return
    failures = []
    if verdict is not None and verdict.verdict == REGRESSED:
        failures.append(("regressed", "The benchmark regressed."))
        with errors.survive("the text of a regression"):
            text = with_explanation(regression_text(item.nodeid, verdict), measuring.explanations.get(item.nodeid))
            failures[-1] = (failure_message(item.nodeid, verdict), text)
    for line in _failing_lines(item.config, measuring).get(item.nodeid, ()):
        failures.append(("a line regressed", f"The {line.part} of {line.series} regressed."))
        with errors.survive("the text of a line"):
            failures[-1] = (line_headline(line), line_text(line))
    if failures:
        headlines, texts = zip(*failures)
        replay.fail(item, reports, headlines[0], "\n\n".join(texts))


def _failing_lines(config: pytest.Config, measuring: MeasuringSession) -> Mapping[str, Sequence[LineVerdict]]:
    """For which lines each benchmark fails: the same for all items, so found once."""
    if FAILING_LINES not in config.stash:
        whole = [plan.id for plan in measuring.plans.values() if not plan.broken]
        config.stash[FAILING_LINES] = failing_lines(measuring.comparison, whole)
    return config.stash[FAILING_LINES]


def exit_as_asked(measuring: MeasuringSession) -> None:
    """End the session as a test asked for in its worker; runs measured so far is reported already."""
    asked = measuring.coordinator.exit
    if asked is not None:
        # The test has failed, and perhaps others; a code of 0 would hide that.
        code = pytest.ExitCode.TESTS_FAILED if asked.code == 0 else asked.code
        raise pytest.exit.Exception(asked.reason, code)


def set_exit_status(session: pytest.Session, measuring: MeasuringSession) -> None:
    """Say by the exit code of a session without failures what must not go unseen, where the settings ask for it."""
    settings = measuring.settings
    if measuring.coordinator.errors:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    elif measuring.outputs.failing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    elif measuring.comparison is not None and settings.judges:
        code = unseen(
            measuring.comparison.summary,
            inconclusive=settings.inconclusive,
            unbaselined=settings.unbaselined,
            unmeasured_gates=measuring.unmeasured.gates,
        )
        if code is not None:
            session.exitstatus = code

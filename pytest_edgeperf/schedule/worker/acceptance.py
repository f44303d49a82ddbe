"""What a worker sends, held against what the coordinator relies on: whatever does not fit fails its benchmark alone."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type

import pytest

from pytest_edgeperf.measure.channel import MalformedMessage, Message
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import ANSWERS, Event, Reported, event_of, name_of
from pytest_edgeperf.measure.wire import shortened
from pytest_edgeperf.results import ResultsError, parse
from pytest_edgeperf.results.reading import FORMAT, VERSION

PHASES = ("setup", "call", "teardown")


def accepted(message: Message, awaited: Type[Any]) -> Event:
    """The event that a message is, where the coordinator can rely on it.

    Args:
        message: as it was received.
        awaited: the event that the coordinator waits for.

    Raises:
        MalformedMessage: it is none of ours, lacks something, or answers what was not asked.
    """
    event = event_of(message)
    if isinstance(event, ANSWERS) and not isinstance(event, awaited):
        raise MalformedMessage(f"{name_of(type(event))} came while {name_of(awaited)} was waited for")
    if isinstance(event, Reported):
        _check_report(event.report)
    return event


def check_run(run: Measurement) -> None:
    """Hold a run against the door that results files pass, so that judging and writing can rely on it.

    Raises:
        MalformedMessage: it has what no results file may have.
    """
    stored = {"environment": "e", "started": "t", "session": "s", "quality": run.quality, **run.values}
    metrics = {name: metric.to_dict() for name, metric in run.metrics.items()}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "device": "d",
        "environments": {"e": {"software": run.software, "settings": run.settings}},
        "benchmarks": {"b": {"parameters": {}, "metrics": metrics, "runs": [stored]}},
    }
    try:
        parse(document, "run")
    except ResultsError as error:
        raise MalformedMessage(f"its run cannot be stored: {str(error).splitlines()[0]}") from None
    unnamed = set(run.values) - set(run.metrics)
    if unnamed:
        raise MalformedMessage(f"its run has {shortened(min(unnamed))} of no metric")


def _check_report(report: Dict[str, Any]) -> None:
    """pytest itself must be able to restore it."""
    if report.get("when") not in PHASES or not isinstance(report.get("outcome"), str):
        raise MalformedMessage(f"report is of {shortened(report.get('when'))}, {shortened(report.get('outcome'))}")
    if report.get("$report_type") != "TestReport":
        return
    try:
        pytest.TestReport._from_json(copy.deepcopy(report))
    except Exception as error:
        raise MalformedMessage(f"report cannot be read: {shortened(error)}") from None


def missing_phase(reports: Sequence[Mapping[str, Any]]) -> Optional[str]:
    """The phase of which there should be a report and is none; ``None`` if the test came to its end."""
    outcomes: Dict[str, List[str]] = {}
    for report in reports:
        outcomes.setdefault(report["when"], []).append(report["outcome"])
    if "setup" not in outcomes:
        return "setup"
    if "call" not in outcomes and outcomes["setup"][-1] == "passed":
        return "call"
    return None if "teardown" in outcomes else "teardown"

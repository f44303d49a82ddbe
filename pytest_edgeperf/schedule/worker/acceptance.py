"""Validates what a worker sends: invalid data fails its own benchmark only."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type

import pytest

from pytest_edgeperf.measure.channel import MalformedMessage, Message
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import ANSWERS, Event, Loaded, Reported, event_of, name_of
from pytest_edgeperf.measure.wire import shortened
from pytest_edgeperf.results import ResultsError, parse
from pytest_edgeperf.results.errors import InvalidError, phrase
from pytest_edgeperf.results.loaded import check_record
from pytest_edgeperf.results.reading import FORMAT, VERSION

PHASES = ("setup", "call", "teardown")


def accepted(message: Message, awaited: Type[Any]) -> Event:
    """Parse and validate a message of a worker.

    Args:
        message: as it was received.
        awaited: the event that the coordinator waits for.

    Raises:
        MalformedMessage: it is unknown, incomplete, or not the expected answer.
    """
    event = event_of(message)
    if isinstance(event, ANSWERS) and not isinstance(event, awaited):
        raise MalformedMessage(f"{name_of(type(event))}, but {name_of(awaited)} was expected")
    if isinstance(event, Reported):
        _check_report(event.report)
    if isinstance(event, Loaded) and event.record is not None:
        _check_loaded(event.record)
    return event


def check_run(run: Measurement) -> None:
    """Validate a run as a results file is validated, so that it can be judged and written.

    Raises:
        MalformedMessage: a results file could not hold it.
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


def _check_loaded(record: Dict[str, Dict[str, str]]) -> None:
    try:
        check_record(record)
    except InvalidError as error:
        raise MalformedMessage(f"what it has loaded cannot be stored: {phrase(error)}") from None


def missing_phase(reports: Sequence[Mapping[str, Any]]) -> Optional[str]:
    """The first phase without its report; ``None`` if all reports are there."""
    outcomes: Dict[str, List[str]] = {}
    for report in reports:
        outcomes.setdefault(report["when"], []).append(report["outcome"])
    if "setup" not in outcomes:
        return "setup"
    if "call" not in outcomes and outcomes["setup"][-1] == "passed":
        return "call"
    return None if "teardown" in outcomes else "teardown"

"""What a worker sends, held against what the coordinator relies on: whatever does not fit fails its benchmark alone."""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

import pytest

from pytest_edgeperf.measure.channel import MalformedMessage, Message
from pytest_edgeperf.results import ResultsError, parse
from pytest_edgeperf.results.reading import FORMAT, VERSION
from pytest_edgeperf.results.study_definitions import Place, Study

_Types = Union[Type[object], Tuple[Type[object], ...]]
_NUMBER = (int, float)
_TEXT_OR_NONE = (str, type(None))

#: Event -> what its message must hold.
EVENTS: Mapping[str, Mapping[str, _Types]] = {
    "ready": {},
    "block": {},
    "sustained": {"calls": int, "seconds": _NUMBER},
    "report": {"report": dict},
    "run": {
        "values": dict,
        "metrics": dict,
        "quality": dict,
        "software": dict,
        "settings": dict,
        "turns_ms": list,
    },
    "accuracy": {"name": str, "metric": dict, "value": dict},
    "study": {"name": str, "study": dict, "place": dict},
    "benchmark_stats": {
        "name": str,
        "fullname": str,
        "group": _TEXT_OR_NONE,
        "param": _TEXT_OR_NONE,
        "extra_info": dict,
        "iterations": int,
        "options": dict,
        "data_s": list,
    },
    "collected": {"all": list, "marked": list, "parameters": dict},
    "collect_error": {"text": str},
    "internal_error": {"text": str},
    "not_collected": {},
    "wrong_code": {"problems": list},
    "interrupted": {"text": str},
    "exit_called": {"reason": str, "code": (int, type(None))},
    "exit": {"status": int},
}
#: The elements of these lists are such.
_ELEMENTS: Mapping[str, _Types] = {
    "turns_ms": _NUMBER,
    "data_s": _NUMBER,
    "all": str,
    "marked": str,
    "problems": str,
}
PHASES = ("setup", "call", "teardown")
#: One answers a command, so it comes when it is waited for and not otherwise.
ANSWERS = ("ready", "block", "sustained")


def check(message: Message, awaited: str) -> str:
    """The event of a message that has all that it must have.

    Args:
        message: as it was received.
        awaited: the event that the coordinator waits for.

    Raises:
        MalformedMessage: it is none of ours, lacks something, or answers what was not asked.
    """
    event = message.get("event")
    if not isinstance(event, str) or event not in EVENTS:
        raise MalformedMessage(f"there is no message {_short(event)}")
    for name, types in EVENTS[event].items():
        value = message.get(name)
        if name not in message or not _is(value, types):
            raise MalformedMessage(f"{event} has {name} {_short(value)}")
        if isinstance(value, list) and not all(_is(one, _ELEMENTS[name]) for one in value):
            raise MalformedMessage(f"{event} has {name} {_short(value)}")
    if event in ANSWERS and event != awaited:
        raise MalformedMessage(f"{event} came while {awaited} was waited for")
    if event == "report":
        _check_report(message["report"])
    elif event == "study":
        _check_study(message)
    elif event == "collected":
        wrong = [one for one in message["parameters"].values() if not isinstance(one, dict)]
        if wrong:
            raise MalformedMessage(f"collected has parameters {_short(wrong[0])}")
    return event


def check_run(run: Mapping[str, Any]) -> None:
    """Hold a run against the door that results files pass, so that judging and writing can rely on it.

    Raises:
        MalformedMessage: it has what no results file may have.
    """
    stored = {"environment": "e", "started": "t", "session": "s", "quality": run["quality"], **run["values"]}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "device": "d",
        "environments": {"e": {"software": run["software"], "settings": run["settings"]}},
        "benchmarks": {"b": {"parameters": {}, "metrics": run["metrics"], "runs": [stored]}},
    }
    try:
        parse(document, "run")
    except ResultsError as error:
        raise MalformedMessage(f"its run cannot be stored: {str(error).splitlines()[0]}") from None
    unnamed = set(run["values"]) - set(run["metrics"])
    if unnamed:
        raise MalformedMessage(f"its run has {_short(min(unnamed))} of no metric")


def _check_report(report: Dict[str, Any]) -> None:
    """pytest itself must be able to restore it."""
    if report.get("when") not in PHASES or not isinstance(report.get("outcome"), str):
        raise MalformedMessage(f"report is of {_short(report.get('when'))}, {_short(report.get('outcome'))}")
    if report.get("$report_type") != "TestReport":
        return
    try:
        pytest.TestReport._from_json(copy.deepcopy(report))
    except Exception as error:
        raise MalformedMessage(f"report cannot be read: {_short(error)}") from None


def _check_study(message: Message) -> None:
    try:
        Study.from_dict(message["name"], message["study"])
        Place.from_dict(message["place"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MalformedMessage(f"study cannot be read: {_short(error)}") from None


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


def _is(value: Any, types: _Types) -> bool:
    return isinstance(value, types) and not (isinstance(value, bool) and types in (int, _NUMBER))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."

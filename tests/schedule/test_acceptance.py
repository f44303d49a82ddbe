from __future__ import annotations

import copy
import json
import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.channel import MalformedMessage
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import EVENTS, Ended, Ready, RunMeasured, event_of, message_of
from pytest_edgeperf.measure.wire import from_message
from pytest_edgeperf.schedule.worker.acceptance import accepted, check_run, missing_phase

REPORT = {
    "$report_type": "TestReport",
    "nodeid": "test_a.py::test_a",
    "location": ["test_a.py", 0, "test_a"],
    "keywords": {},
    "outcome": "passed",
    "longrepr": None,
    "when": "call",
    "sections": [],
    "user_properties": [],
    "duration": 0.1,
}
RUN = {
    "values": {"latency": {"n": 5, "mean": 1.2, "min": 1.0, "p50": 1.1}, "memory_process_peak": 12.5},
    "metrics": {
        "latency": {"unit": "ms", "better": "lower"},
        "memory_process_peak": {"unit": "MiB", "better": "lower"},
    },
    "quality": {"canary_ms": [0.1, 0.1], "cpu_share": 0.99},
    "software": {"python": "3.12"},
    "settings": {"threads": 1},
    "turns_ms": [1.0, 1.1],
}
STUDY = {
    "event": "study",
    "study": {"name": "resolution", "study": {"x": "size", "x_unit": "px", "metrics": ["latency"]}},
    "place": {"name": "resolution", "series": "torch", "x": 416},
}
STATS = {
    "event": "benchmark_stats",
    "name": "test_a",
    "fullname": "test_a.py::test_a",
    "group": None,
    "param": None,
    "extra_info": {},
    "iterations": 1,
    "options": {},
    "data_s": [0.1, 0.2],
}
PROFILE = {
    "operators": {"source": "onnxruntime profiling", "listed": [{"name": "conv", "ms": [1.5, 1.75], "kind": "Conv"}]},
    "reason_without": "the functions could not be profiled",
}
GOOD = [
    {"event": "ready"},
    {"event": "profiled", "profile": PROFILE},
    {"event": "sustained", "calls": 5, "seconds": 1},
    {"event": "report", "report": REPORT},
    {"event": "run", "measurement": RUN},
    {"event": "accuracy", "name": "top1", "metric": {"unit": "%", "margin": 0.5}, "value": {"mean": 75.0}},
    STUDY,
    {"event": "loaded", "record": {"modules": {"a.py": "8c1f0e2a"}, "packages": {"numpy": "1.26.4"}}, "why_not": ""},
    {"event": "loaded", "record": None, "why_not": "ValueError"},
    STATS,
    {"event": "collected", "all": ["a", "b"], "marked": [], "parameters": {"a": {"size": [64]}}},
    {"event": "exit_called", "reason": "no board", "code": None},
    {"event": "exit", "status": 2},
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["event"])
def test_what_a_worker_sends_is_taken_and_left_as_it_is(message):
    before = copy.deepcopy(message)
    event = accepted(message, EVENTS[message["event"]])
    assert type(event) is EVENTS[message["event"]]
    assert message == before
    assert event_of(json.loads(json.dumps(message_of(event)))) == event


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"event": "tactic"},
        {"event": ["ready"]},
        {"event": "sustained", "calls": "many", "seconds": 1},
        {"event": "sustained", "calls": True, "seconds": 1},
        {"event": "report", "report": {**REPORT, "when": "lunch"}},
        {"event": "report", "report": {**REPORT, "outcome": None}},
        {"event": "report", "report": {**REPORT, "longrepr": {"reprcrash": 5, "reprtraceback": 6}}},
        {**STUDY, "place": {"name": "resolution"}},
        {**STUDY, "study": {**STUDY["study"], "name": 5}},
        {**STUDY, "study": {"name": "resolution", "study": {"x": "size", "x_unit": "px", "references": [5]}}},
        {"event": "run", "measurement": 5},
        {"event": "run", "measurement": {**RUN, "metrics": {"latency": 5}}},
        {"event": "run", "measurement": {**RUN, "turns_ms": ["long"]}},
        {"event": "loaded", "record": {"modules": {"a.py": 5}}},
        {"event": "loaded", "record": {"modules": {"a.py": "x" * 1000}}},
        {**STATS, "data_s": [0.1, "long"]},
        {"event": "collected", "all": [5], "marked": [], "parameters": {}},
        {"event": "collected", "all": [], "marked": [], "parameters": {"a": 5}},
        {"event": "exit"},
    ],
    ids=str,
)
def test_what_is_none_of_ours_is_refused(message):
    with pytest.raises(MalformedMessage):
        accepted(message, Ended)


def test_an_answer_that_was_not_asked_for_is_refused():
    with pytest.raises(MalformedMessage, match="block, but ready was expected"):
        accepted({"event": "block"}, Ready)


@given(st.sampled_from(sorted(EVENTS)), st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.data())
def test_any_json_object_is_taken_or_refused_and_nothing_else(event, message, data):
    for each in fields(EVENTS[event]):
        if data.draw(st.booleans()):
            message[each.name] = data.draw(JSON | st.just(RUN))
    message["event"] = event
    try:
        taken = accepted(message, EVENTS[event])
        if isinstance(taken, RunMeasured):
            check_run(taken.measurement)
    except MalformedMessage:
        pass


def measured(**changed):
    return from_message(Measurement, {**RUN, **changed}, "run")


def test_a_run_that_can_be_stored_is_taken():
    check_run(measured())


def test_an_accuracys_run_is_taken_with_what_is_particular_to_its_metric():
    accuracy = {"unit": "%", "better": "higher", "margin": 0.5}
    value = {"n": 4, "mean": 75.0, "examples": "1101"}
    with pytest.raises(MalformedMessage):
        check_run(measured(values={**RUN["values"], "top1": value}, metrics={**RUN["metrics"], "top1": {"unit": 5}}))
    check_run(measured(values={**RUN["values"], "top1": 75.0}, metrics={**RUN["metrics"], "top1": accuracy}))


@pytest.mark.parametrize(
    "values",
    [
        {"latency": "fast"},
        {"latency": math.nan},
        {"latency": {"p50": [1.0]}},
        {"latency": None},
        {"speed": 1.0},
    ],
    ids=str,
)
def test_a_run_that_no_results_file_may_hold_is_refused(values):
    with pytest.raises(MalformedMessage, match="its run"):
        check_run(measured(values=values))


@pytest.mark.parametrize(
    ("outcomes", "missing"),
    [
        ([], "setup"),
        ([("setup", "passed")], "call"),
        ([("setup", "passed"), ("teardown", "passed")], "call"),
        ([("setup", "passed"), ("call", "failed")], "teardown"),
        ([("setup", "failed"), ("teardown", "passed")], None),
        ([("setup", "skipped"), ("teardown", "passed")], None),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], None),
    ],
)
def test_every_phase_that_was_to_run_has_a_report(outcomes, missing):
    assert missing_phase([{"when": when, "outcome": outcome} for when, outcome in outcomes]) == missing

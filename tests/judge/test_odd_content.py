"""What the reader lets in, the judge can work with: whatever stands wherever in a file, nothing but a clear refusal."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.judge import Family, Stage, compare, step
from pytest_edgeperf.results import ResultsError, parse
from pytest_edgeperf.results.example_answers import DetectionSet, of_detections, of_examples
from pytest_edgeperf.schedule.machine import disturbance

from .builders import summary


def answers():
    flags = np.zeros((2, 3), bool)
    found = DetectionSet(
        np.array([0.5, 0.75]), np.array([0, 0, 1]), np.array([0, 1, 0]), flags, flags, np.array([[1, 1], [0, 2]])
    )
    return {**of_examples([True] * 9 + [False], scale=100.0)}, {**of_detections(found), "mean": 50.0}


def document():
    top1, average_precision = answers()
    runs = [
        {
            "environment": "e",
            "started": f"2026-01-01T00:0{number}:00Z",
            "session": "s",
            "latency": summary(10.0 + number / 100),
            "memory_process_peak": 100.0,
            "output_error": 0.0,
            "top1": top1,
            "AP": average_precision,
            "quality": {
                "disturbed": False,
                "canary_ms": [0.1, 0.1],
                "cpu_share": 0.99,
                "involuntary_switches_per_s": 1.0,
                "others_share": 0.01,
                "own_share": 1.0,
                "thread_share": 1.0,
                "share_resolution": 0.1,
                "steal_share": 0.0,
                "swapped_pages": 0,
                "overcurrent_events": 0,
                "timed_s": 1.2,
            },
        }
        for number in range(5)
    ]
    metrics = {
        "latency": {"unit": "ms", "better": "lower"},
        "memory_process_peak": {"unit": "MiB", "better": "lower"},
        "output_error": {"unit": "", "better": "lower"},
        "top1": {"unit": "%", "better": "higher", "margin": 0.5},
        "AP": {"unit": "%", "better": "higher", "margin": 0.5, "threshold": "all"},
    }
    return {
        "format": "edgeperf-results",
        "version": 1,
        "device": "host",
        "environments": {"e": {"fingerprint": {"device": "host"}, "software": {"python": "3.11"}, "settings": {}}},
        "benchmarks": {
            "a": {
                "parameters": {"size": 1},
                "metrics": metrics,
                "runs": runs,
                "study": {"name": "s", "series": "x", "x": 1},
            }
        },
        "studies": {"s": {"x": "size", "x_unit": "px", "metrics": ["latency"], "references": []}},
        "gate": {"rounds": 3, "max_rounds": 9, "tolerance": 0.02},
    }


DOCUMENT = document()
FAMILY = Family(("a",), gates={"a": ("output_error", "AP")})
NUMBERS = [0, 1, -1, 0.0, 1e308, -1e308, 5e-324, 1e100, 10**18, 10**400, float("nan"), float("inf")]
OTHERS = [True, None, "", "x", "0.1", [], {}, [1], ["x"], {"digest": "x"}, {"digest": [1]}, {"n": 1}]
ODD = st.sampled_from([*NUMBERS, *OTHERS, {"p50": 0.0, "n": 1}])


def places(node, path=()):
    yield path
    if isinstance(node, (dict, list)):
        for name, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(inner, (*path, name))


PLACES = list(places(DOCUMENT))[1:]


def spoilt(changes):
    made = copy.deepcopy(DOCUMENT)
    for path, value in changes:
        node = made
        try:
            for part in path[:-1]:
                node = node[part]
            node[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    return made


def test_the_whole_document_is_judged():
    whole = parse(copy.deepcopy(DOCUMENT))
    verdicts = compare(whole, whole).benchmarks["a"].metrics
    assert {"latency", "memory_process_peak", "output_error", "top1", "AP"} <= set(verdicts)
    json.dumps(step(whole, whole, FAMILY, Stage(5, final=True)).comparison.to_dict(), allow_nan=False)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@settings(suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=3))
def test_what_is_read_can_be_judged(changes):
    try:
        read = parse(spoilt(changes))
    except ResultsError:
        return
    whole = parse(copy.deepcopy(DOCUMENT))
    for base, candidate in ((read, whole), (whole, read), (read, read)):
        try:
            told = step(base, candidate, FAMILY, Stage(5, final=True)).comparison.to_dict()
        except ResultsError:
            continue
        json.dumps(told, allow_nan=False)
    for environment in whole.environments.values():
        figures = disturbance.baseline_figures(read, "a", environment)
        good = whole.benchmarks["a"].runs[0].quality
        disturbance.disturbed_by(good, figures, pinned=True, heated=False)

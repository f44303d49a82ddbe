from __future__ import annotations

import json
import re

import pytest

from pytest_edgeperf.results import Results, parse, refresh, to_json
from pytest_edgeperf.results.errors import InvalidError, phrase
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.settings import Settings

FULL = Gate(
    tolerance=0.05,
    must_detect=0.2,
    rounds=4,
    max_rounds=10,
    tolerances={"a": 0.1, "b": {"latency": 0.2}},
    metrics={"a": ("throughput",)},
)


def test_a_gate_survives_its_file():
    stored = json.loads(json.dumps(FULL.to_dict()))
    assert Gate.from_dict(stored) == FULL
    assert parse(json.loads(to_json(Results("host", gate=FULL)))).gate == FULL
    assert parse(json.loads(to_json(Results("host")))).gate is None


def test_the_usual_gate_is_that_of_the_settings():
    usual = Settings()
    assert (Gate().tolerance, Gate().must_detect) == (usual.tolerance, usual.must_detect)
    assert (Gate().rounds, Gate().max_rounds) == (usual.rounds, usual.max_rounds)


@pytest.mark.parametrize(
    ("rounds", "most", "stages"),
    [(3, 9, (3, 6, 9)), (3, 8, (3, 6, 8)), (5, 5, (5,)), (5, 3, (5,)), (4, 9, (4, 8, 9)), (1, 3, (1, 2, 3))],
)
def test_stages_go_on_by_rounds_up_to_the_limit(rounds, most, stages):
    assert Gate(rounds=rounds, max_rounds=most).stages == stages


def test_changes_replace_only_what_is_given():
    changed = FULL.with_changes(rounds=None, max_rounds=20, tolerance=0.0)
    assert (changed.rounds, changed.max_rounds, changed.tolerance) == (4, 20, 0.0)
    assert changed.tolerances == FULL.tolerances


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ([], r"^\[\] instead of an object"),
        ({"tolerance": -1}, "^tolerance: -1 instead of a ratio"),
        ({"tolerance": True}, "^tolerance: True"),
        ({"must_detect": float("nan")}, "must_detect: nan"),
        ({"rounds": 0}, "rounds: 0 instead of a whole number"),
        ({"max_rounds": 2.5}, "max_rounds: 2.5"),
        ({"max_rounds": 10**9}, "max_rounds: 1e\\+09 instead of 1000 at most"),
        ({"tolerances": []}, "tolerances: .* instead of an object"),
        ({"tolerances": {"a": "x"}}, "^tolerances.a: 'x'"),
        ({"tolerances": {"a": {"latency": None}}}, "^tolerances.a.latency: None"),
        ({"metrics": {"a": "latency"}}, "^metrics.a: 'latency' instead of a list"),
        ({"metrics": {"a": [1]}}, "^metrics.a:"),
    ],
)
def test_what_is_no_gate_is_refused_by_name(stored, message):
    with pytest.raises(InvalidError) as caught:
        Gate.from_dict(stored)
    assert re.search(message, phrase(caught.value))


def test_a_first_baseline_does_not_keep_the_gate_of_the_session():
    measured = Results("host", gate=FULL, extra={"later": 1})
    kept = refresh(None, measured, "first").results
    assert (kept.gate, kept.extra) == (None, {"later": 1})

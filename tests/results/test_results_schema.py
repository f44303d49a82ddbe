from __future__ import annotations

import copy
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_edgeperf.results import ResultsError, parse
from pytest_edgeperf.results.errors import load_schema

SCHEMA = load_schema()
WHOLE = Draft202012Validator(SCHEMA)
VALUE = Draft202012Validator({"$ref": "#/$defs/value", "$defs": SCHEMA["$defs"]})

NUMBERS = st.integers(-3, 3) | st.floats(allow_nan=False) | st.just(10**400)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [
        "n",
        "p50",
        "p5x",
        "block_sd",
        "mean",
        "disturbed",
        "cpu_share",
        "canary_ms",
        "studies",
        "answers",
        "quality",
        "anchor",
        "runs",
        "metrics",
        "parameters",
        "unit",
        "better",
        "boot",
        "reason",
        "latency",
        "session",
        "source",
        "row",
        "version",
        "later",
    ]
)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_example_is_valid(document):
    assert WHOLE.is_valid(document)


def agrees_beyond_the_schema(document):
    """What no schema can say: references from runs to environments and to metrics, and what a latency is."""
    for benchmark in document["benchmarks"].values():
        for run in [*benchmark["runs"], *benchmark.get("anchor", [])]:
            if run["environment"] not in document["environments"]:
                return False
            if not all(VALUE.is_valid(run[name]) for name in benchmark["metrics"] if name in run):
                return False
            if "latency" in benchmark["metrics"] and not is_positive(run.get("latency", 1.0)):
                return False
    return True


def is_positive(value):
    parts = value if isinstance(value, dict) else {"mean": value}
    return all(part >= 1e-100 for name, part in parts.items() if re.match("(mean|min|max|p[0-9]+)$", name))


def places(node, path=()):
    yield path
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from places(inner, (*path, name))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from places(inner, (*path, index))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_schema_and_the_constructor_agree(document, data):
    document = copy.deepcopy(document)
    benchmark = document["benchmarks"]["test_a.py::test_b[416]"]
    benchmark["runs"] = benchmark["runs"][:1]
    benchmark["anchor"] = [copy.deepcopy(benchmark["runs"][0])]
    benchmark["anchor"][0]["source"] = {"paper": "suo-2021", "table": "I", "row": "320*320", "note": "forward"}
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(document))[1:]))
        node = document
        for part in path[:-1]:
            node = node[part]
        action = data.draw(st.sampled_from(["set", "set", "remove", "add"]))
        if action == "set":
            node[path[-1]] = data.draw(JSON)
        elif action == "remove":
            del node[path[-1]]
        elif isinstance(node, dict):
            node[data.draw(NAMES)] = data.draw(JSON)
    expected = WHOLE.is_valid(document) and agrees_beyond_the_schema(document)
    try:
        parse(document)
    except ResultsError:
        assert not expected
    else:
        assert expected


@pytest.mark.parametrize("answers", [0, 1.5, "digest", None, []])
def test_answers_that_are_no_object_are_refused_by_both(document, answers):
    latency = document["benchmarks"]["test_a.py::test_b[416]"]["runs"][0]["latency"]
    latency["answers"] = answers
    assert not VALUE.is_valid(latency)
    with pytest.raises(ResultsError, match="answers"):
        parse(document)


@pytest.mark.parametrize("value", [{"n": 412.0}, {"n": 1, "p999": -1}, 0, -1.5, {"n": 2, "x": None}])
def test_values_that_both_accept(document, value):
    document["benchmarks"]["test_a.py::test_b[416]"]["runs"][0]["memory_process_peak"] = value
    assert WHOLE.is_valid(document)
    parse(document)


TABLED = {
    "before_ms": 4.0,
    "after_ms": 7.0,
    "tables": [
        {
            "parts": "operators",
            "rows": [
                {"label": "Conv a", "before_ms": None, "after_ms": 2, "noise_ms": 0.1, "blamed": True, "was": "b"}
            ],
            "rest": 3,
            "rest_before_ms": 0.5,
            "rest_after_ms": 0.5,
            "blamed": 1,
            "shift": 1.01,
            "source": "onnxruntime profiling",
        }
    ],
}
STUDY = {"x": "size", "x_unit": "px", "metrics": ["latency"]}


@pytest.mark.parametrize(
    ("field", "value", "valid"),
    [
        ("studies", {}, True),
        ("studies", {"s": {**STUDY, "later": 1}}, True),
        ("studies", {"s": {}}, False),
        ("studies", {"s": {**STUDY, "metrics": [1]}}, False),
        ("studies", {"s": {**STUDY, "references": [1]}}, False),
        ("gate", {}, True),
        ("gate", {"tolerance": 0.02, "rounds": 3, "metrics": {"a": ["AP"]}, "later": 1}, True),
        ("gate", [], False),
        ("gate", {"tolerance": -1}, False),
        ("gate", {"max_rounds": 1001}, False),
        ("gate", {"metrics": {"a": "AP"}}, False),
        ("allowed_differences", ["power_mode"], True),
        ("allowed_differences", [1], False),
        ("against", {"label": "main", "commit": None, "benchmarks": {"a": [{"log_ratio": 0.1}]}}, True),
        ("against", {"commit": "1a2b"}, False),
        ("against", {"label": "main", "benchmarks": {"a": [1]}}, False),
        ("explanations", {}, True),
        ("explanations", {"a": {}, "b": {"reasons": ["no profile"], "before_ms": None, "later": 1}}, True),
        ("explanations", {"a": TABLED}, True),
        ("explanations", [], False),
        ("explanations", {"a": {"reasons": [1]}}, False),
        ("explanations", {"a": {"before_ms": -1}}, False),
        ("explanations", {"a": {"tables": [{"parts": "layers"}]}}, False),
        ("explanations", {"a": {"tables": [{"parts": "functions", "rows": [{"label": 1}]}]}}, False),
        ("explanations", {"a": {"tables": [{"parts": "functions", "rows": [{"label": "f", "blamed": 1}]}]}}, False),
        ("explanations", {"a": {"tables": [{"parts": "functions", "rest": 0.5}]}}, False),
        ("explanations", {"a": {"tables": [{"parts": "functions", "shift": 0}]}}, False),
    ],
)
def test_fields_of_a_session_are_accepted_by_both_or_neither(document, field, value, valid):
    document[field] = value
    assert WHOLE.is_valid(document) is valid
    if valid:
        parse(document)
    else:
        with pytest.raises(ResultsError, match=field):
            parse(document)


@pytest.mark.parametrize(
    ("place", "valid"),
    [
        (None, True),
        ({"name": "s", "series": "a", "x": 1, "later": 2}, True),
        ({}, False),
        ({"name": "s", "series": "a", "x": "far"}, False),
        ("s", False),
    ],
)
def test_places_in_studies_are_accepted_by_both_or_neither(document, place, valid):
    document["benchmarks"]["test_a.py::test_b[416]"]["study"] = place
    assert WHOLE.is_valid(document) is valid
    if valid:
        parse(document)
    else:
        with pytest.raises(ResultsError, match="study"):
            parse(document)


SECTION = {"a.py": "8c1f0e2a"}


@pytest.mark.parametrize(
    ("records", "sections", "valid"),
    [
        ({}, {}, True),
        ({"aa": {"model": SECTION, "later": [1], "rest": "bb"}}, {"bb": {"modules": "cc"}, "cc": SECTION}, True),
        ({"aa": {"rest": {"modules": "cc"}}}, {"cc": SECTION}, True),
        ({"aa": 5}, {}, False),
        ({"aa": {"model": "bb"}}, {"bb": SECTION}, False),
        ({"aa": {"model": {"a": 5}}}, {}, False),
        ({"aa": {"rest": 5}}, {}, False),
        ({}, {"bb": 5}, False),
        ({}, {"bb": {"a": "x" * 301}}, False),
        ({}, {"bb": {"x" * 301: "a"}}, False),
        ([], {}, False),
        ({}, [], False),
    ],
)
def test_records_of_what_was_loaded_are_accepted_by_both_or_neither(document, records, sections, valid):
    document.update(loaded=records, loaded_sections=sections)
    assert WHOLE.is_valid(document) is valid
    if valid:
        parse(document)
    else:
        with pytest.raises(ResultsError, match="loaded"):
            parse(document)

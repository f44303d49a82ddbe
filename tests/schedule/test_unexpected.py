"""Errors after measuring: sentences, the file of tracebacks, and what is passed on all the same."""

from __future__ import annotations

import json

import pytest

from pytest_edgeperf.results import Benchmark, Results, ResultsError, parse, to_json
from pytest_edgeperf.results.parameters import stored as plain
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors, message_of


@pytest.fixture
def errors(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    return UnexpectedErrors("s1")


def test_an_error_of_ours_is_a_sentence_with_its_traceback_in_a_file(errors, tmp_path):
    assert not errors
    with errors.survive("the comparison"):
        raise ZeroDivisionError("division\nby zero")
    assert errors
    path = tmp_path / "tracebacks" / "s1.txt"
    assert errors.sentences == [
        f"the comparison failed: ZeroDivisionError: division by zero; please report it with {path}"
    ]
    assert "Traceback" in path.read_text()
    with errors.survive("the report"):
        raise KeyError("x")
    assert path.read_text().count("Traceback") == 2


def test_an_error_that_explains_itself_needs_no_traceback(errors, tmp_path):
    with errors.survive("writing the results"):
        raise ResultsError("r.json: the file cannot be written (no space)")
    assert errors.sentences == ["writing the results failed: r.json: the file cannot be written (no space)"]
    assert not (tmp_path / "tracebacks").exists()


def test_the_same_error_of_a_hundred_tests_is_one_sentence(errors):
    for _ in range(100):
        with errors.survive("the JUnit properties"):
            raise ValueError("no")
    assert len(errors.sentences) == 1
    assert errors.unprinted() == errors.sentences
    assert errors.unprinted() == []


@pytest.mark.parametrize("deliberate", [KeyboardInterrupt, SystemExit, pytest.exit.Exception])
def test_who_ends_a_session_on_purpose_ends_it(errors, deliberate):
    with pytest.raises(deliberate), errors.survive("the report"):
        raise deliberate("stop")
    assert not errors


def test_an_exception_without_a_text_has_a_name():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    assert message_of(Mute()) == "Mute: no message"
    assert message_of(ValueError()) == "ValueError"
    assert len(message_of(ValueError("x" * 10_000))) < 400


def test_a_cache_that_cannot_be_written_costs_the_traceback_only(monkeypatch):
    def full(*parts):
        raise OSError("no folder")

    monkeypatch.setattr("pytest_edgeperf.schedule.unexpected.cache_folder", full)
    errors = UnexpectedErrors("s1")
    errors.add("the report", ValueError("no"))
    assert errors.sentences == ["the report failed: ValueError: no; please report it"]


class Mute:
    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (-float("inf"), "-inf"),
        (10**30, {"$type": "int", "text": str(10**30)}),
        (3, 3),
        (0.5, 0.5),
        (True, True),
        (None, None),
        ("\ud800", "\ud800"),
        ((1, 2), [1, 2]),
        (Mute(), {"$type": f"{__name__}.Mute"}),
    ],
)
def test_any_parameter_becomes_plain_json(given, stored):
    kept = plain({"p": given})
    assert kept == {"p": stored}
    measured = Results("host", benchmarks={"t": Benchmark(kept, {}, ())})
    assert parse(json.loads(to_json(measured))).benchmarks["t"].parameters == kept

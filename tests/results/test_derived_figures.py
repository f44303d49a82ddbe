from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.derived_figures import formula, other

FIGURES = {"latency": 20.0, "infer": 12.0, "postprocess": 5.0, "first_inference": 50.0, "zero": 0.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latency", 20),
        ("first_inference-latency", 30),
        ("2500*latency", 50000),
        ("postprocess/latency", 0.25),
        ("postprocess / infer + postprocess", 5 / 17),
        ("2*infer-latency/latency", 0.2),
        ("-infer+latency", 8),
        ("latency/zero", None),
        ("latency/absent", None),
        ("absent", None),
    ],
)
def test_a_formula_of_metrics(text, expected):
    value = formula(text).value(FIGURES.get)
    assert value is None if expected is None else value == pytest.approx(expected)


def test_the_metrics_that_it_names():
    assert formula("a+2*b/c").metrics == ("a", "b", "c")


@pytest.mark.parametrize("text", ["", "/", "a/", "a/b/c", "2", "a b", "a+", "a*2", "2*", "(a)", "a**b", "é"])
def test_what_is_no_formula(text):
    with pytest.raises(ValueError, match="is not a metric"):
        formula(text)


NAMES = st.sampled_from(["latency", "infer", "postprocess"])
SUMS = st.lists(st.tuples(st.integers(-9, 9).filter(bool), NAMES), min_size=1, max_size=4)


def written(terms):
    return "".join(f"{'-' if factor < 0 else '+'}{abs(factor)}*{name}" for factor, name in terms)


def total(terms):
    return sum(factor * FIGURES[name] for factor, name in terms)


@given(SUMS, SUMS)
def test_any_quotient_of_sums(above, below):
    value = formula(f"{written(above)}/{written(below)}").value(FIGURES.get)
    if total(below) == 0:
        assert value is None
    else:
        assert value == pytest.approx(total(above) / total(below))


@given(st.text(max_size=12))
def test_any_text_is_a_formula_or_a_clear_error(text):
    if re.fullmatch(r"\s*[a-z]+\s*", text, re.ASCII):
        assert formula(text).metrics == (text.strip(),)
    else:
        with suppress(ValueError):
            assert formula(text).metrics


def test_the_other_benchmark():
    assert other("framework=torch:cuda") == ("framework", "torch:cuda")
    assert other("scaling=1:1") == ("scaling", "1:1")
    for text in ("", "torch", "=torch", "framework=", "Framework=torch"):
        with pytest.raises(ValueError, match="does not name the other benchmark"):
            other(text)

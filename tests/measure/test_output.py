from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure import output
from pytest_edgeperf.measure.output import HEAD_CHARACTERS, TAIL_CHARACTERS, shortened, shortened_report

LIMIT = HEAD_CHARACTERS + TAIL_CHARACTERS


def test_output_that_fits_stays_as_it_is():
    assert shortened("x" * LIMIT) == "x" * LIMIT


def test_of_long_output_the_beginning_and_the_end_are_kept_and_the_rest_is_counted():
    text = "a" * HEAD_CHARACTERS + "b" * 1_000_000 + "c" * TAIL_CHARACTERS
    cut = shortened(text)
    assert cut.startswith("a" * HEAD_CHARACTERS + "\n[... pytest-edgeperf left out 1,000,000 characters here")
    assert cut.endswith("...]\n" + "c" * TAIL_CHARACTERS)
    assert "b" not in cut.replace("beginning", "")


def test_a_report_keeps_its_shape_and_its_properties():
    long = "x" * 10 * LIMIT
    report = {
        "when": "call",
        "duration": 1.5,
        "longrepr": {"reprcrash": {"message": long}, "lines": [long, "short"]},
        "sections": [("Captured stdout call", long), ("Captured log call", "short")],
        "user_properties": [("trace", long)],
    }
    cut = shortened_report(report)
    assert cut["user_properties"] == report["user_properties"]
    assert (cut["when"], cut["duration"]) == ("call", 1.5)
    assert [name for name, _ in cut["sections"]] == ["Captured stdout call", "Captured log call"]
    assert cut["sections"][1][1] == "short"
    assert len(cut["sections"][0][1]) < LIMIT + 200
    assert len(cut["longrepr"]["reprcrash"]["message"]) < LIMIT + 200


def test_of_very_many_lines_the_first_and_the_last_are_kept():
    lines = [f"line {number}" for number in range(100_000)]
    cut = shortened_report({"lines": lines})["lines"]
    assert cut[:2] == ["line 0", "line 1"]
    assert cut[-1] == "line 99999"
    (notice,) = [line for line in cut if "left out" in line]
    assert f"{100_000 - len(cut) + 1:,} lines" in notice
    assert sum(map(len, cut)) < LIMIT + 200


@given(st.lists(st.text(max_size=15), max_size=30))
def test_shortened_lines_fit_and_are_the_first_and_the_last(lines):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "HEAD_CHARACTERS", 20)
        patch.setattr(output, "TAIL_CHARACTERS", 40)
        patch.setattr(output, "_LIMIT", 60)
        cut = shortened_report({"lines": lines})["lines"]
    if cut == lines:
        return
    (notice,) = [position for position, line in enumerate(cut) if line.startswith("[... pytest-edgeperf")]
    head, tail = cut[:notice], cut[notice + 1 :]
    assert head == lines[:notice]
    assert tail == lines[len(lines) - len(tail) :]
    assert sum(len(line) + 1 for line in [*head, *tail]) <= 60

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pytest_edgeperf.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.2, "12.2"),
        (8.412, "8.41"),
        (131.4, "131"),
        (1312.0, "1312"),
        (9.999, "10.0"),
        (0.9996, "1.00"),
        (99.96, "100"),
        (0.0123, "0.0123"),
        (-9.999, "-10.0"),
        (0.0, "0"),
        (3e-9, "3.00e-09"),
        (math.nan, "-"),
    ],
)
def test_three_significant_digits(value, text):
    assert numbers.significant(value) == text


def test_decimal_points_stand_below_each_other():
    assert numbers.decimal_column([12.2, 131.4, 8.412, None]) == ["12.2 ", "131   ", "8.41", "-   "]


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [([0.012, 0.8], "ms"), ([2.0, 3.0, 0.1], "s"), ([2e-5], "us"), ([2e-8], "us"), ([], "ms"), ([0.0], "ms")],
)
def test_one_unit_for_a_column(seconds, unit):
    assert numbers.time_unit(seconds)[0] == unit


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.081, "+8.1 %"), (0.997, "-0.3 %"), (0.9999, "+0.0 %"), (9.0, "+800 %"), (1.9996, "+100 %")],
)
def test_changes(ratio, text):
    assert numbers.change(ratio) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.23, "4.2 s"), (9.97, "10 s"), (95.2, "95 s"), (725, "12 min 5 s"), (9600, "2 h 40 min")],
)
def test_durations(seconds, text):
    assert numbers.duration(seconds) == text


def test_quantities_take_the_unit_that_suits():
    assert numbers.quantity(0.2, "ms") == "200 us"
    assert numbers.quantity(2500, "ms") == "2.50 s"
    assert numbers.quantity(412.5, "MiB") == "412 MiB"
    assert numbers.quantity(0.75, "") == "0.750"


def test_p_values():
    assert numbers.p_value(0.0004) == "p = 0.0004"
    assert numbers.p_value(1e-9) == "p < 0.0001"


def test_no_report_spells_microseconds_in_its_own_way():
    folder = Path(numbers.__file__).parent
    sources = [path for end in ("*.py", "assets/*.js") for path in folder.rglob(end) if path.name != "numbers.py"]
    assert len(sources) > 100
    assert [path.name for path in sources if "\u00b5" in path.read_text(encoding="utf-8")] == []

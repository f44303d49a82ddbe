from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.report.whole_names import whole_names, whole_names_in_parts

PAPER = Paper(40)
LONG = "classifier[onnxruntime-fp32-resnext50-32x4d-224]"


def test_a_name_that_is_too_long_has_a_line_of_its_own():
    columns = [Column("here", ["1.00", "2.00"]), Column("published", ["10", "20"])]
    assert whole_names("point", ["short", LONG], columns, PAPER) == [
        "point                    here  published",
        "short                    1.00         10",
        "classifier[onnxruntime-fp32-resnext50-32",
        "  x4d-224]",
        "                         2.00         20",
    ]


def test_names_that_differ_in_the_middle_stay_different():
    names = [f"test_classifier[onnxruntime-fp32-{network}-224]" for network in ("resnet50", "resnet18", "alexnet")]
    lines = whole_names("point", names, [Column("x" * 20, ["1", "2", "3"])], Paper(40))
    text = "".join(line.strip() for line in lines)
    assert all(name in text for name in names)


def test_a_heading_takes_the_whole_width_and_rows_without_figures_take_no_line():
    lines = whole_names("", ["  infer, ms", ""], [Column("here", ["1", ""])], PAPER, headings={0: LONG})
    assert [line.rstrip() for line in lines] == [
        "             here",
        "classifier[onnxruntime-fp32-resnext50-32",
        "  x4d-224]",
        "  infer, ms     1",
    ]


def test_columns_that_matter_less_give_way_before_names_take_lines():
    columns = [Column("kept", ["1"]), Column("x" * 30, ["2"], spare=1)]
    assert "xx" not in "".join(whole_names("name", ["a name of some length"], columns, PAPER))


NAMES = st.text(st.characters(exclude_categories=("C", "Z", "M")), max_size=300)


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(40, 120), st.integers(1, 9))
def test_no_line_is_too_wide_and_no_short_name_is_lost(names, width, number):
    columns = [Column(f"column {k}", ["1.00"] * len(names)) for k in range(number)]
    lines = whole_names_in_parts("name", names, columns, Paper(width))
    assert all(cells(line) <= width for line in lines)
    text = "".join(line.replace(" ", "") for line in lines)
    assert all(name in text for name in names if cells(name) <= 3 * width)

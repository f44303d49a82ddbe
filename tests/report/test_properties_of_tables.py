from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.table_layout import Column, lay_out
from pytest_edgeperf.report.terminal import render
from pytest_edgeperf.report.text import Paper, cells, common_path, printable, shorten_name, wrap
from pytest_edgeperf.results.types import Results
from tests.growth import cpu_s

from .conftest import benchmark, verdict

WIDE = st.text(st.sampled_from("日本語한국어ＡＢ"), max_size=40)
ANY = st.text(max_size=60)
LONG = st.text(st.sampled_from("ab_-/:[]. "), max_size=300)
IDS = st.one_of(
    ANY,
    WIDE,
    LONG,
    st.builds("{}::test_{}[{}]".format, ANY, WIDE, LONG),
)


@example(ids=["::00000", "", "0", "00"], width=40, verbosity=0)
@example(ids=["::::"], width=40, verbosity=0)
@given(
    ids=st.lists(IDS, min_size=1, max_size=6, unique=True),
    width=st.integers(40, 160),
    verbosity=st.integers(-1, 1),
)
def test_no_id_makes_a_line_too_wide(ids, width, verbosity):
    words = ("regressed", "unchanged", "inconclusive")
    report = SessionReport(
        "host",
        "a machine",
        Results("host", benchmarks={name: benchmark(5.0 + k) for k, name in enumerate(ids)}),
        Comparison({name: verdict(words[k % 3], 1.05, 1.02, 1.08) for k, name in enumerate(ids)}),
        rounds=3,
        seconds=2.0,
    )
    text = render(report, width=width, colour=False, verbosity=verbosity)
    assert all(cells(line) <= width for line in text.split("\n"))
    assert text.replace("\n", "").isprintable()


@given(ids=st.lists(IDS, min_size=1, max_size=6), width=st.integers(30, 120))
def test_columns_stay_aligned(ids, width):
    names = [printable(name) for name in ids]
    columns = [
        Column("n", [f"<{k}>" for k in range(len(names))], right=False),
        Column("end", ["!"] * len(names)),
    ]
    header, *rows = lay_out("", names, columns, Paper(width))
    places = {cells(row[: row.rindex("<")]) for row in rows}
    assert len(places) == 1
    assert {cells(row) for row in rows} == {cells(header)}


@given(IDS, st.integers(1, 80))
def test_a_shortened_name_fits(name, width):
    name = printable(name)
    short = shorten_name(name, width, "…")
    assert cells(short) <= width
    assert short == name or cells(name) > width


@given(st.lists(IDS, max_size=5))
def test_the_common_path_is_common_and_leaves_a_name(ids):
    ids = [printable(one) for one in ids]
    prefix = common_path(ids)
    assert all(name.startswith(prefix) for name in ids)
    assert prefix == "" or prefix.endswith(("/", "::"))


@given(ANY, st.integers(10, 60))
def test_wrapping_loses_nothing(text, width):
    text = printable(text)
    lines = wrap(text, width, indent="  ", hanging="    ")
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_parameters_stay_readable():
    name = "test_detection_with_postprocessing[onnxruntime-fp32-416]"
    assert shorten_name(name, 34, "…") == "test…cessing[onnxruntime-fp32-416]"
    assert shorten_name(name, 26, "…") == "t…ng[onnxruntime-fp32-416]"
    assert shorten_name(name, 16, "…") == "t…ng[onn…32-416]"


def test_names_that_are_too_long_lose_what_all_begin_with():
    names = ["test_yolov3[onnxruntime]", "  peak memory", "test_unet[torch]"]
    column = Column("n", ["1", "2", "3"])
    assert lay_out("a.py::", names, [column], Paper(26)) == [
        "a.py::test_          n",
        "yolov3[onnxruntime]  1",
        "  peak memory        2",
        "unet[torch]          3",
    ]


def test_wide_characters_count_twice_and_marks_nothing():
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert printable("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"


@pytest.mark.parametrize(
    "work",
    [
        lambda size: common_path(["t.py::" + "x" * size, "t.py::" + "y/" * size]),
        lambda size: wrap("x" * size, 80),
        lambda size: wrap("é" * size, 80),
        lambda size: wrap("1 " * size, 80),
        lambda size: shorten_name("é" * size + "[" + "x" * size + "]", 80, "…"),
    ],
)
def test_the_time_for_a_long_name_or_text_grows_with_its_length(work):
    # 16 times as long: 256 times the work if each character were looked at for each other.
    assert cpu_s(lambda: work(80_000)) < 64 * max(cpu_s(lambda: work(5_000)), 1e-4)


@given(st.lists(IDS, min_size=1, max_size=12), st.integers(1, 60))
def test_shortened_names_fit_and_different_ones_stay_different(ids, width):
    names = [printable(one) for one in ids]
    short = shorten_names(names, width, "…")
    assert all(cells(one) <= width for one in short)
    assert all((a == b) == (x == y) for a, x in zip(names, short) for b, y in zip(names, short)) or width < 8
    assert all(one == name for one, name in zip(short, names) if cells(name) <= width) or width < 8


@pytest.mark.parametrize("width", [60, 45, 30, 20, 12])
def test_what_names_differ_in_is_shown_wherever_it_stands(width):
    kinds = ("int8", "int4", "fp16")
    names = [f"test_network[mobilenet_v2_1.0_224-{kind}-static-per-channel-symmetric-opset17]" for kind in kinds]
    short = shorten_names(names, width, "…")
    assert all(kind in one for kind, one in zip(kinds, short))
    assert all(one.startswith("test"[: width // 4]) for one in short)


def test_many_alike_names_stay_apart():
    names = [f"test_x[{'a' * 50}{number:04d}{'b' * 50}]" for number in range(2000)]
    assert len(set(shorten_names(names, 30, "…"))) == 2000

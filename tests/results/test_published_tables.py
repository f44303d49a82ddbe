from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.frameworks.interface import PRECISIONS
from pytest_edgeperf.measure.measurement import METRICS
from pytest_edgeperf.results import ResultsError, parse, to_json
from pytest_edgeperf.results.published_tables import check_replaceable, collect, read_table, table_files
from pytest_edgeperf.results.published_vocabulary import PUBLISHED_METRICS, UNITS, Vocabulary, convert

VOCABULARY = Vocabulary(METRICS, PRECISIONS)
ROW = {
    "benchmark": "paper::networks",
    "metric": "latency",
    "value": "12.50",
    "unit": "ms",
    "device": "nano",
    "paper": "somebody-2020",
    "table": "3",
    "row": "Resnet18",
    "framework": "onnxruntime",
    "precision": "fp32",
    "network": "resnet18",
    "resolution": "224",
}


def text_of(*rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture
def table(tmp_path):
    def written(*rows, text=None):
        path = tmp_path / "own.csv"
        path.write_text(text_of(*rows) if text is None else text, encoding="utf-8")
        return read_table(path, VOCABULARY)

    return written


def refused(table, *rows, text=None):
    with pytest.raises(ResultsError) as caught:
        table(*rows, text=text)
    message = str(caught.value)
    assert "own.csv" in message
    assert "\n" not in message
    return message


def test_a_row_is_a_figure_with_its_source(table):
    (figure,) = table({**ROW, "date": "2020-03", "column": "Time (ms)", "note": "batch of one", "stride": "8"})
    assert figure.id == "paper::networks[onnxruntime-fp32-resnet18-224-stride=8]"
    assert (figure.value, figure.unit, figure.better) == (12.5, "ms", "lower")
    assert figure.parameters == {
        "framework": "onnxruntime",
        "precision": "fp32",
        "network": "resnet18",
        "resolution": 224,
        "stride": 8,
    }
    assert figure.source == {
        "paper": "somebody-2020",
        "table": "3",
        "row": "Resnet18",
        "column": "Time (ms)",
        "note": "batch of one",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "1,234"}, "line 2, column value: '1,234' is not a number; write its digits with a point"),
        ({"value": "nan"}, "'nan' is not a number"),
        ({"value": "1e999"}, "'1e999' is not a number"),
        ({"value": "-0.5"}, "column value: -0.5 instead of a latency, which is above 0"),
        ({"value": "1e300"}, "column value: 1e+300 is not a plausible measurement"),
        ({"value": "1_000"}, "'1_000' is not a number"),
        ({"value": "-"}, "'-' is not a number"),
        ({"value": ""}, "line 2, column value: it is empty; fill it in"),
        ({"paper": " "}, "line 2, column paper: it is empty"),
        ({"unit": "sec"}, "column unit: 'sec' is not a unit of latency; use s or ms or us or µs or ns"),
        ({"unit": "MB"}, "'MB' is not a unit of latency"),
        ({"metric": "latncy"}, "column metric: 'latncy' is not a metric: did you mean latency?"),
        ({"metric": "zzz"}, "use one of AP, AP50, "),
        ({"precision": "16"}, "column precision: '16' is not a precision; use one of fp32, "),
        ({"device": "Jetson Nano"}, "column device: 'Jetson Nano' is not a device's name; use lower-case"),
        ({"date": "April 2023"}, "column date: 'April 2023' is not a date; write 2023, 2023-04"),
        ({"of": "infer/latency/2"}, "column of: 'infer/latency/2' is not a metric, a sum of metrics or a quotient"),
        ({"over": "torch"}, "column over: 'torch' does not name the other benchmark; write a parameter and its value"),
        ({"row": "a\nb"}, "column row: 'a\\nb' is not printable; write it on one line"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(table, change, message):
    assert message in refused(table, {**ROW, **change})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty; its first line names the columns: benchmark, metric"),
        ("benchmark,metric\n", "line 1: the column value is missing; needed are benchmark"),
        (",".join(ROW) + "\n", "the table has no rows; write one figure on each line"),
        (",".join(ROW) + ",row\n", "line 1: the column row appears twice; remove one"),
        (",".join(ROW) + ",frameworks\n", "frameworks is not a valid parameter name: did you mean framework?"),
        (",".join(ROW) + ",environment\n", "environment is not a valid parameter name: the name is reserved"),
        (",".join(ROW) + ",Batch Size\n", "'Batch Size' cannot name a column; use lower-case letters"),
        (",".join(ROW) + "\na,b\n", "line 2: 2 cells instead of 12; quote cells that contain a comma"),
        (",".join(ROW) + '\n"a"b\n', "line 2: it is not CSV"),
    ],
)
def test_a_table_that_is_none_is_named(table, text, message):
    assert message in refused(table, text=text)


def test_other_files_are_named(tmp_path):
    (tmp_path / "latin.csv").write_bytes(b"benchmark,\xb5")
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, message in (
        ("latin.csv", "byte 10 is not UTF-8"),
        ("none.csv", "cannot be read"),
        (".", "cannot be read"),
    ):
        with pytest.raises(ResultsError, match=message):
            read_table(tmp_path / path, VOCABULARY)
    with pytest.raises(ResultsError, match=r"holds no \.csv file"):
        table_files([empty])


def test_repeated_rows_are_refused(table):
    message = refused(table, ROW, {**ROW, "metric": "infer"}, {**ROW, "value": "13"})
    assert "line 4: latency of paper::networks[onnxruntime-fp32-resnet18-224] is also in" in message
    assert message.endswith("line 2; remove one of the rows, or add a column that distinguishes them")
    assert len(table(ROW, {**ROW, "device": "tx2"})) == 2
    assert len(table(ROW, {**ROW, "stride": "8"})) == 2


def test_two_sets_of_parameters_cannot_share_a_name(table):
    one = {**ROW, "resolution": "", "network": "a-224"}
    assert "also the name of other parameters" in refused(table, one, {**ROW, "network": "a", "metric": "infer"})


def test_rows_of_two_files_cannot_be_the_same(table):
    with pytest.raises(ResultsError, match="is also in"):
        collect([*table(ROW), *table({**ROW, "row": "elsewhere"})])


def test_devices(table):
    figures = table(ROW, {**ROW, "device": "tx2"}, {**ROW, "device": "", "metric": "infer"})
    with pytest.raises(
        ResultsError, match=r"line 4, column device: it is empty; name the device there or with a single --dev"
    ):
        collect(figures)
    made = collect(figures, ["nano"])
    assert {name: len(one.runs) for name, one in made["nano"].benchmarks.items()} == {figures[0].id: 2}
    with pytest.raises(ResultsError, match="no row of the tables names the device rpi4"):
        collect(table(ROW), ["rpi4"])
    assert sorted(collect(table(ROW, {**ROW, "device": "tx2"}))) == ["nano", "tx2"]


def test_results_hold_the_printed_number_and_are_read_again(table):
    figures = table(
        {**ROW, "value": "1234.5678", "unit": "us", "date": "2020"},
        {**ROW, "metric": "flops", "value": "19590954654", "unit": "FLOPs"},
    )
    made = collect(figures)["nano"]
    assert parse(json.loads(to_json(made))) == made
    (benchmark,) = made.benchmarks.values()
    assert [run.values for run in benchmark.runs] == [{"latency": 1234.5678}, {"flops": 19590954654}]
    assert [run.started for run in benchmark.runs] == ["2020", ""]
    assert benchmark.metrics["latency"].unit == "us"


def test_a_file_of_measured_runs_is_never_replaced(tmp_path, document, table):
    path = tmp_path / "nano.json"
    check_replaceable(path)
    path.write_text(to_json(parse(document)))
    with pytest.raises(ResultsError, match="the file contains measured runs, which an import would replace"):
        check_replaceable(path)
    path.write_text(to_json(collect(table(ROW))["nano"]))
    check_replaceable(path)
    path.write_text("{")
    with pytest.raises(ResultsError, match="the JSON is broken"):
        check_replaceable(path)


def test_every_metric_has_a_unit_that_a_table_can_name():
    for metric in (*METRICS.values(), *PUBLISHED_METRICS.values()):
        assert metric.unit in UNITS
    assert not set(METRICS) & set(PUBLISHED_METRICS)


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (0.6638, "s", "ms", 663.8),
        (1027, "MB", "MiB", 979.42),
        (2, "FPS", "1/s", 2),
        (1, "s", "W", None),
        (1, "s", "?", None),
    ],
)
def test_convert(value, unit, to, expected):
    assert convert(value, unit, to) == (None if expected is None else pytest.approx(expected, rel=1e-4))


WORDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn")), min_size=1, max_size=8
)
VALUES = st.integers(1, 10**12).map(str) | st.floats(1e-90, 1e90).map(repr)


@given(rows=st.lists(st.tuples(VALUES, WORDS, WORDS), min_size=1, max_size=6, unique_by=lambda row: row[1].strip()))
def test_what_is_written_is_read(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "own.csv"
    given_rows = [{**ROW, "value": value, "benchmark": name, "note": note} for value, name, note in rows]
    path.write_bytes(text_of(*given_rows).encode("utf-8"))
    figures = read_table(path, VOCABULARY)
    assert [(one.value, one.benchmark, one.source["note"]) for one in figures] == [
        (float(value), name, note) for value, name, note in rows
    ]
    made = collect(figures)["nano"]
    assert parse(json.loads(to_json(made))) == made


CELLS = st.text(max_size=8) | st.sampled_from([*ROW, *ROW.values(), '"', ",", "\n", "1e5", "°C", "\0", "\ufeff"])


@given(lines=st.lists(st.lists(CELLS, max_size=14).map(",".join), max_size=4), with_header=st.booleans())
def test_anything_else_is_read_or_refused_with_its_place(lines, with_header, tmp_path_factory):
    path = tmp_path_factory.mktemp("t") / "own.csv"
    header = [",".join(ROW)] if with_header else []
    path.write_bytes("\n".join([*header, *lines]).encode("utf-8", "surrogatepass"))
    figures, message = [], str(path)
    try:
        figures = read_table(path, VOCABULARY)
    except ResultsError as error:
        message = str(error)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert all(one.source["paper"] for one in figures)

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import results
from pytest_edgeperf.judge.studies.across_files import read_across
from pytest_edgeperf.report.exporters.study_markdown import across_markdown
from pytest_edgeperf.report.exporters.study_values import across_to_dict

from .test_studies import NAMES, desktop_and_edge, golden, series, whole_study
from .test_studies import results as measured

TABLE_I = results.read(Path(__file__).parents[1] / "data" / "suo-2021-table-1.json")


def test_markdown_of_all_that_a_study_can_tell():
    golden("study.md", across_markdown(desktop_and_edge()).rstrip("\n"))


def test_table_i_as_plain_values():
    told = json.loads(json.dumps(across_to_dict(read_across([("nano.json", TABLE_I)])), allow_nan=False))
    study = told["studies"]["suo-2021 experiment 1"]
    (latency,) = study["series"]
    assert [len(point) for point in latency["points"]] == [4] * 10
    assert [one["after"] for one in latency["pieces"]["breaks"]] == [87.68, 126.26]
    assert len(latency["pieces"]["lines"]) == 3
    assert latency["line"]["n"] == 10
    assert study["study"]["shares"] == ["infer", "postprocess"]
    # Observation 4: of the end-to-end time at 480 x 480, post-processing takes 95.95 %.
    shares = {point["x"]: point["parts"] for point in study["shares"][0]["points"]}
    assert round(100 * shares[87.68]["postprocess"], 2) == 95.95
    assert told["remarks"] == []


@given(name=NAMES)
def test_any_name_keeps_the_tables_columns(name):
    study = replace(whole_study_of_one(), name=name or "s")
    made = measured(series(name, 8.9, study=study), study)
    for table in across_markdown(read_across([("a", made)])).split("\n\n"):
        rows = [row for row in table.splitlines() if row.startswith("|")]
        assert len({row.replace("\\|", "").count("|") for row in rows}) <= 1


def whole_study_of_one():
    return replace(next(iter(read_across([("a", whole_study())]).studies)).study, shares=(), ratios=())


@given(st.lists(st.floats(-1e12, 1e12), min_size=5, max_size=5))
def test_any_values_are_plain_json(values):
    study = whole_study_of_one()
    made = measured(series("torch", 1.0, study=study), study)
    spoilt = {
        name: replace(one, runs=(replace(one.runs[0], values={"latency": value}),))
        for (name, one), value in zip(made.benchmarks.items(), values)
    }
    json.dumps(across_to_dict(read_across([("a", replace(made, benchmarks=spoilt))])), allow_nan=False)

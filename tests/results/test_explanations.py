"""Explanations in a results file: kept as they are, joined, and never part of a baseline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf import results
from pytest_edgeperf.results.explanations import CostTable, ExplainedPart, Explanation

ROW = ExplainedPart("Conv a\x1b[31m", 4.1, 6.9, 0.2, True)
EXPLANATION = Explanation(
    12.0, 15.4, (CostTable("operators", (ROW,), 3, 7.0, 7.1, 1, 1.01, "onnxruntime profiling"),), ("no function times",)
)


@pytest.fixture
def measured(document):
    return replace(results.parse(document), explanations={"test_a.py::test_b[416]": EXPLANATION})


def test_they_are_read_back_as_they_were_written(measured, tmp_path):
    results.write(tmp_path / "results.json", measured)
    assert results.read(tmp_path / "results.json").explanations == measured.explanations


def test_results_without_any_have_no_field_for_them(document):
    assert "explanations" not in results.to_json(results.parse(document))


def test_of_two_files_the_newer_one_s_count(measured):
    newer = {"test_a.py::test_b[416]": Explanation(reasons=("nothing was profiled",))}
    assert results.merge(measured, replace(measured, explanations=newer)).explanations == newer


def test_a_baseline_has_none(measured):
    assert results.refresh(None, measured, "first").results.explanations == {}


def test_sums_shares_and_losses():
    (table,) = EXPLANATION.tables
    assert (table.sum_before_ms, table.sum_after_ms) == pytest.approx((11.1, 14.0))
    assert EXPLANATION.share(ROW.difference_ms) == pytest.approx(2.8 / 3.4)
    assert Explanation(2.0, 1.9).share(1.0) is None

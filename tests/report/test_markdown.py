from __future__ import annotations

import pytest

from pytest_edgeperf.judge.types import BenchmarkVerdict, Comparison, MetricVerdict
from pytest_edgeperf.report.markdown import comparison_markdown
from pytest_edgeperf.report.terminal import render_comparison

from .conftest import PREFIX, verdict


def test_failures_come_first(comparison):
    lines = comparison_markdown(comparison).splitlines()
    assert lines[0].startswith("**1 unchanged, 1 improved, 2 regressed")
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(comparison.benchmarks)
    assert "**regressed**" in rows[0]
    assert "**regressed**" in rows[1]
    assert rows[-1].endswith("| unchanged |")
    assert rows[0] == (
        f"| `{PREFIX}test_yolov3[onnxruntime-fp32-416]` | 11.3 ms | 12.2 ms"
        " | latency +8.1 % [+5.2, +11.1] | **regressed** |"
    )
    assert "- Finds slowdowns from 3.4 %" in lines


def test_every_row_has_the_same_cells(comparison):
    rows = [line for line in comparison_markdown(comparison).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}


def test_ids_cannot_break_the_table():
    odd = "a.py::test[`x`|<b>\n]"
    text = comparison_markdown(Comparison({odd: verdict("regressed", 1.1, 1.05, 1.2)}))
    row = next(line for line in text.splitlines() if line.startswith("| `"))
    assert row.startswith("| `` a.py::test[`x`\\|<b>\\n] `` |")


def test_reasons_are_escaped():
    one = BenchmarkVerdict("incomparable", reason="a|b <script> *c*")
    text = comparison_markdown(Comparison({"x": one}))
    assert "incomparable: a\\|b &lt;script> \\*c\\*" in text


def test_nothing_to_compare():
    assert comparison_markdown(Comparison({})) == "**nothing to compare**\n"


@pytest.mark.parametrize(("bounds", "shown"), [((0.0412, 0.013), "4.1 %"), ((0.0412, None), None), ((), None)])
def test_unchanged_says_which_slowdown_it_rules_out(bounds, shown):
    verdicts = {
        str(number): BenchmarkVerdict(
            "unchanged", {"latency": MetricVerdict("unchanged", "p50", "ms", ratio=1.0, rules_out=bound)}
        )
        for number, bound in enumerate(bounds)
    }
    comparison = Comparison(verdicts)
    for text in (comparison_markdown(comparison), render_comparison(comparison, width=100, colour=False)):
        if shown is None:
            assert "no slowdown of" not in text
        else:
            assert f"unchanged means: no slowdown of {shown} or more (95 % confidence)" in text

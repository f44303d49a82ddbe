from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, Comparison, Rename
from pytest_edgeperf.report.baseline_text import baseline_text
from pytest_edgeperf.report.exporters.markdown import comparison_markdown
from pytest_edgeperf.report.terminal import render, render_comparison
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.results.types import Results

from .conftest import benchmark

OLD, NEW = "a.py::test_old", "a.py::test_new"
KNOWN = Rename(f"{OLD}[320]", f"{NEW}[320]", 1.4, (1.3, 1.5))
UNKNOWN = Rename(f"{OLD}[640]", f"{NEW}[640]", reason="the environment differs")


@pytest.fixture
def renamed(session):
    verdicts = {
        f"{NEW}[320]": BenchmarkVerdict("new"),
        f"{NEW}[640]": BenchmarkVerdict("new"),
        f"{OLD}[320]": BenchmarkVerdict("missing", reason=GONE),
        f"{OLD}[640]": BenchmarkVerdict("missing", reason=GONE),
        "a.py::test_skipped": BenchmarkVerdict("missing", reason="in the baseline, not measured"),
    }
    measured = Results("host", benchmarks={f"{NEW}[320]": benchmark(14.0), f"{NEW}[640]": benchmark(40.0)})
    comparison = Comparison(verdicts, renames=(KNOWN, UNKNOWN))
    return replace(session, measured=measured, comparison=comparison, faults={}, notes=[])


def words(text):
    return " ".join(text.split())


def test_old_and_new_stand_side_by_side_with_the_change_and_the_command(renamed):
    text = words(render(renamed, width=120, colour=False))
    assert "probably renamed (2): test_old[320] -> test_new[320]: latency +40.0 % [+30.0, +50.0]" in text
    assert "test_old[640] -> test_new[640]: change unknown (the environment differs)" in text
    assert text.count(f"edgeperf baseline rename {OLD} {NEW}") == 1
    assert "missing (3): in the baseline, not measured now" in text
    assert f"{GONE}; edgeperf baseline prune --missing-from RESULTS removes them: test_old 320 640" in text


def test_a_refresh_has_accepted_the_new_name(renamed):
    text = words(render(replace(renamed, mode="refresh"), width=120, colour=False))
    assert "probably renamed (2)" in text
    assert "missing (3)" in text
    assert "edgeperf baseline rename" not in text
    assert "the runs of the old name are still in the baseline" in text


def test_two_files_in_words_and_as_markdown(renamed):
    assert "probably renamed (2)" in render_comparison(renamed.comparison, width=100, colour=False)
    markdown = comparison_markdown(renamed.comparison)
    assert f"- `{OLD}[320]` → `{NEW}[320]`: latency +40.0 % [+30.0, +50.0]" in markdown
    assert "Probably renamed" not in comparison_markdown(replace(renamed.comparison, renames=()))


def test_a_baseline_with_two_spellings_of_an_id_says_so():
    names = ("test_caf\xe9.py::test_a", "test_cafe\u0301.py::test_a")
    text = baseline_text(Results("host", benchmarks=dict.fromkeys(names, benchmark(1.0))), Paper(200, False, False))
    assert "is there 2 times, with the same letters encoded differently" in words(text)

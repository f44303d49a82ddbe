"""The end of a report: three questions are answered on the last screen of 80 x 24, whatever stands above."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_edgeperf.judge.verdicts import BenchmarkVerdict, ComparedFiles, Comparison, LineVerdict, Side
from pytest_edgeperf.report.closing import SCREEN_ROWS, written_lines
from pytest_edgeperf.report.invocation import Invocation
from pytest_edgeperf.report.terminal import render, render_comparison
from pytest_edgeperf.report.text import Paper, rows
from pytest_edgeperf.results.types import Results

from .conftest import verdict
from .scenarios import SCENARIOS, benchmark, session

FILES = [("results", f"/home/somebody/projects/network/results/{'2026' * 12}.json")] + [
    ("report", f"/home/somebody/projects/network/{'reports' * 8}/session.{end}")
    for end in ("html", "md", "json", "txt", "prom", "bmf.json", "csv", "jsonl")
]
LONG = Invocation(("benchmarks", "--device=host", f"--edgeperf-cache={'c' * 500}"), ("benchmarks",), device="host")


def screen(text, width=80, height=SCREEN_ROWS):
    """The last rows of a terminal, its lines broken as it breaks them."""
    broken = [line[at : at + width] for line in text.splitlines() for at in range(0, max(len(line), 1), width)]
    return broken[-height:]


def answered(text):
    """The last screen as one text, with what a line break parted put together."""
    return re.sub(r"\s+", " ", " ".join(line.strip() for line in screen(text)))


@pytest.mark.parametrize("more", [{}, {"written": FILES, "invocation": LONG}], ids=["short", "long"])
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_three_questions_are_answered_on_the_last_screen(name, more):
    report = replace(SCENARIOS[name](), **more)
    seen = answered(render(report, width=80, colour=False))
    judged = report.comparison.benchmarks if report.comparison is not None else {}
    worse = [one for one in judged.values() if one.verdict == "regressed"]
    if worse:
        assert "1a2b3c4d5e6f..5d6e7f8a9b0c" in seen
        assert re.search(r"[+-]\d+\.\d (%|p)", seen)
        assert "is it the machine? " in seen
    if worse or report.refused:
        assert "next, " in seen


def many_worse(number, **more):
    """Benchmarks with long names that got worse, by more from one to the next."""
    names = [f"benchmarks/a_folder/test_networks.py::test_{'layer' * 9}[onnxruntime-fp32-{at}]" for at in range(number)]
    judged = {name: verdict("regressed", 1.1 + at / 100, 1.05, 1.5 + at / 100) for at, name in enumerate(names)}
    more = {"written": FILES, "invocation": LONG, **more}
    return names, replace(session(judged, (5.0,)), **more)


def test_the_worst_is_named_again_where_its_row_is_above_the_screen():
    names, report = many_worse(30)
    text = render(report, width=80, colour=False)
    assert text.count("worst") == 1
    seen = answered(text)
    assert f"the worst 3 of 30: {names[-1].partition('::')[2]}: latency +39.0 % [+5.0, +79.0]" in seen
    assert f"{names[-3].partition('::')[2]}: latency +37.0 %" in seen
    _, few = many_worse(1, written=FILES[:1], invocation=None)
    assert "worst" not in render(few, width=80, colour=False)


@pytest.mark.parametrize("targets", [1, 12, 200])
def test_commands_for_which_there_is_no_room_stand_above_the_answers(targets):
    typed = tuple(f"benchmarks/test_{'network' * 6}_{at}.py" for at in range(targets))
    _, report = many_worse(30, invocation=Invocation(typed, typed, device="host"), against_baseline=True)
    text = render(report, width=80, colour=False)
    seen = answered(text)
    assert "the worst 3 of 30:" in seen
    assert "is it the machine? " in seen
    # What is too long to be pasted is no command.
    assert ("next, look closer: pytest" in seen) is (targets < 200)
    assert ("after that, accept: pytest" in text) is (targets == 12)


def test_painted_lines_take_as_many_rows_as_plain_ones():
    assert rows("\x1b[1;31m" + "x" * 80 + "\x1b[0m", 80) == 1
    assert rows("x" * 81, 80) == 2
    assert rows("", 80) == 1
    _, report = many_worse(30)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", render(report, width=80, colour=True))
    assert screen(plain)[-1] == screen(render(report, width=80, colour=False))[-1]


def test_files_stand_together_and_each_path_is_whole():
    lines = written_lines([*FILES, ("baseline", "baselines/host.json")], Paper(80))
    text = "\n".join(lines)
    assert all(path in text for _, path in FILES)
    assert text.count("results: ") == text.count("reports: ") == text.count("baseline: ") == 1
    assert written_lines([("report", "a.md"), ("report", "b.html")], Paper(80)) == ["reports: a.md, b.html"]
    assert written_lines([("report", "a.md")], Paper(80)) == ["report: a.md"]
    assert written_lines([], Paper(80)) == []


def test_a_comparison_of_files_ends_in_the_same_way():
    names = [f"a.py::test_a[{at}]" for at in range(30)]
    judged = {name: verdict("regressed", 1.1 + at / 100, 1.05, 1.5) for at, name in enumerate(names)}
    measured = Results("host", benchmarks={name: benchmark(5.0, runs=10, disturbed=1) for name in names})
    files = ComparedFiles("baselines/host.json", "results.json", measured, measured)
    seen = answered(render_comparison(Comparison(judged, files=files), width=80, colour=False))
    assert "the worst 3 of 30: test_a[29]: latency +39.0 %" in seen
    assert "is it the machine? not known: none of 30 benchmarks is unchanged" in seen
    assert "30 of 300 runs disturbed" in seen
    assert "next, accept: " in seen


def test_commits_stand_once_where_they_are_the_same_and_lines_are_among_the_worst():
    sides = (Side(3.0, "1a2b3c4"), Side(3.0, "5d6e7f8"))
    judged = {f"a.py::test[{at}]": verdict("regressed", 1.1, 1.05, 1.2, sides=sides) for at in range(9)}
    line = LineVerdict("study", "torch", "latency", "slope", "regressed", "ms", 1.0, 1.5, (0.4, 0.6))
    ending = render_comparison(Comparison(judged, lines=(line,)), width=80, colour=False).rpartition("\n\n")[2]
    assert "the worst 3 of 10, commits 1a2b3c4..5d6e7f8:\n  test[0]: latency +10.0 %" in ending
    assert ending.count("5d6e7f8") == 1
    one = {"a.py::test[0]": verdict("regressed", 1.1, 1.05, 1.2, sides=(sides[0], Side(3.0, "9999999")))}
    many = {**judged, **one, "a.py::test_b": verdict("regressed", 0.5, 0.4, 0.6)}
    ending = render_comparison(Comparison(many), width=80, colour=False).rpartition("\n\n")[2]
    assert "test[0]: latency +10.0 % [+5.0, +20.0], commits 1a2b3c4..9999999" in ending
    unjudged = {f"a.py::test_c[{at}]": BenchmarkVerdict("new") for at in range(40)}
    ending = render_comparison(Comparison(unjudged, lines=(line,)), width=80, colour=False).rpartition("\n\n")[2]
    assert "\nworst:\n  slope of torch in study (latency): 1.00 -> 1.50 ms" in ending
    assert "is it the machine? not known: none of 40 benchmarks is unchanged" in ending


def test_the_worst_have_what_explains_them():
    ending = render(SCENARIOS["explained"](), width=80, colour=False).rpartition("\n\n")[2]
    assert "test_letterbox: latency +30.0 % [+28.0, +32.0]; letterbox (app/prepare.py:31):" in ending
    assert sum(rows(line, 80) for line in ending.splitlines()) <= SCREEN_ROWS

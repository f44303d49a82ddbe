"""The report of whole sessions: golden files, names that stay whole, and what it costs."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.closing import SCREEN_ROWS
from pytest_edgeperf.report.grouping import name_of
from pytest_edgeperf.report.terminal import render, render_comparison
from pytest_edgeperf.report.text import cells

from .scenarios import GOLDEN, IDS, SCENARIOS, goldens, session, shown, verdict

#: Lines that are not wrapped: what they end in is to be pasted.
WHOLE = ("results:", "next, ", "after that, ")
ALL_GOLDENS = list(goldens())
REAL_IDS = IDS.read_text(encoding="utf-8").splitlines()
HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[31m\x1b[2J",
    "</title>|`'\"",
    "a\nb\r\n\x00c",
    "\u202egnp.exe\u2066",
    "日本語" * 40,
    "x" * 20_000,
    "",
    "]][[-",
)


@pytest.mark.parametrize(("file", "scenario", "width", "colour", "verbosity"), ALL_GOLDENS)
def test_golden(file, scenario, width, colour, verbosity):
    text = shown(scenario, width, colour=colour, verbosity=verbosity)
    assert text + "\n" == (GOLDEN / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCENARIOS)
def test_colour_adds_nothing_that_the_words_do_not_say(name):
    painted = re.sub(r"\x1b\[[0-9;]*m", "", shown(name, 80, colour=True))
    assert [line.rstrip() for line in painted.splitlines()] == shown(name, 80, colour=False).splitlines()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_two_real_benchmarks_look_alike_and_none_is_cut(width):
    names = REAL_IDS
    report = session({name: verdict("unchanged", 0.0, 0.01, 5.0) for name in names}, (5.0,), rounds=3)
    lines = render(report, width=width, colour=False, verbosity=1).split("unchanged (")[1].splitlines()
    flat = "".join("".join(lines).split())
    for name in names:
        parameters = name_of(name).parameters
        # What stands in a row, or what its heading has of it, is in the report letter by letter.
        for part in (parameters or name_of(name).function).split("-"):
            assert "".join(part.split()) in flat
    assert all(cells(line) <= width for line in lines if not line.startswith(WHOLE))
    rows = {}
    heading = ()
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if " ms" not in line:
            heading = (*heading[: indent // 2], line.strip())
        else:
            key = (*heading[: indent // 2], line.strip())
            assert key not in rows
            rows[key] = line


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("verbosity", [-1, 0, 1])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_names_are_text(width, verbosity, ascii_only):
    names = [f"t.py::test_a[{text}]" for text in HOSTILE] + [f"t{text}.py::test_b" for text in HOSTILE]
    words = ("regressed", "inconclusive", "unchanged")
    judged = {name: verdict(words[at % 3], 0.05, 0.01, 5.0) for at, name in enumerate(names)}
    report = session(judged, (5.0,), faults={names[0]: "\x1b[2J" + HOSTILE[0]}, refused={names[1]: HOSTILE[3]})
    text = render(report, width=width, colour=False, verbosity=verbosity, ascii_only=ascii_only)
    assert text.replace("\n", "").isprintable()
    assert text.isascii() or not ascii_only
    assert all(cells(line) <= width for line in text.splitlines() if not line.startswith(WHOLE))
    assert render_comparison(Comparison(judged), width=width, colour=False).replace("\n", "").isprintable()


@pytest.mark.quiet
@pytest.mark.untraced
@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_two_thousand_benchmarks_take_less_than_a_second(verbosity):
    report = SCENARIOS["one-of-2000"]()

    def cpu_s():
        began_s = time.process_time()
        render(report, width=80, colour=True, verbosity=verbosity)
        return time.process_time() - began_s

    # Another process may take the caches from one try, not from all.
    assert any(cpu_s() < 1 for _ in range(5))


def test_a_screen_says_what_got_slower_whether_it_is_the_machine_and_what_to_type():
    lines = shown("one-of-300", 80, colour=False).splitlines()
    # A terminal breaks what is longer than it is wide.
    assert sum(max(1, math.ceil(len(line) / 80)) for line in lines) <= SCREEN_ROWS
    text = " ".join(" ".join(lines).split())
    assert "test_layer_08 onnxruntime-fp32-0100 13.7 ms +8.1 % [+5.2, +11.0]" in text
    assert "commits 1a2b3c4d5e6f..5d6e7f8a9b0c" in text
    assert "is it the machine? no sign of it: 299 other benchmarks of the session did not change" in text
    assert "median change of all 300 benchmarks +0.0 %; 2 of 900 runs disturbed" in text
    assert "next, look closer: pytest 'benchmarks/test_network_03.py::test_layer_08[onnxruntime-fp32-0100]'" in text


def test_the_manual_shows_the_report_as_it_is():
    page = (IDS.parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")
    assert f"```text\n{shown('one-of-300', 80, colour=False)}\n```" in page


@pytest.mark.parametrize("number", [20, 21])
def test_what_is_unchanged_is_folded_when_it_is_more_than_twenty(number):
    names = [f"a.py::test_{'a' if at < 9 else 'b'}[{at}]" for at in range(number)]
    report = session({name: verdict("unchanged", at / 1000, 0.01, 5.0) for at, name in enumerate(names)}, (5.0,))
    text = render(report, width=80, colour=False)
    assert ("9 unchanged, at most +0.8 %" in text) is (number > 20)
    assert "9 unchanged" not in render(report, width=80, colour=False, verbosity=1)


def test_a_quiet_refresh_that_accepts_nothing_says_so_and_why():
    text = " ".join(shown("refresh-without-runs", 80, colour=False, verbosity=-1).split())
    assert "not accepted: " in text
    assert "all 3 runs were disturbed" in text


def test_a_quiet_check_says_what_was_not_compared_and_why():
    names = ("a.py::test_a", "a.py::test_b")
    moved = replace(verdict("incomparable", 0, 0, 1.0), differences={"power_mode": ("MAXN", "5W")}, metrics={})
    judged = {names[0]: moved, names[1]: replace(moved, verdict="new", differences={})}
    text = render(session(judged, (5.0,)), width=80, colour=False, verbosity=-1)
    assert "not compared: test_a: power_mode MAXN -> 5W" in text
    assert "not compared: test_b: no baseline yet" in text


def test_rows_of_a_function_have_one_unit_unless_they_are_far_apart():
    def texts(*milliseconds):
        names = [f"a.py::test_a[{at}]" for at in range(len(milliseconds))]
        report = session({n: verdict("unchanged", 0.0, 0.01, t) for n, t in zip(names, milliseconds)}, milliseconds)
        lines = render(report, width=80, colour=False).splitlines()
        return [" ".join(line.split()[1:3]) for line in lines if "+0.0 %" in line]

    assert texts(0.9, 1.2, 4.0) == ["0.900 ms", "1.20 ms", "4.00 ms"]
    assert texts(6.0, 0.032) == ["6.00 ms", "32.0 us"]


def test_times_of_day_name_another_day():
    report = SCENARIOS["three-unchanged"]()
    assert "2026-11-21 09:11:02 to 09:12:37 (95 s), 3 rounds" in render(report, width=80, colour=False)
    assert report.ended is not None
    later = replace(report, ended=report.ended.replace(day=22))
    assert "to 2026-11-22 09:12:37" in render(later, width=80, colour=False)


@given(
    changes=st.lists(st.floats(-0.99, 1e6), min_size=1, max_size=8),
    width=st.sampled_from([40, 80, 100, 160]),
    tolerance=st.sampled_from([None, 0.0, 0.005, 0.02, 5.0]),
)
def test_any_change_has_a_bar_that_fits(changes, width, tolerance):
    judged = {
        f"a.py::test_a[{at}]": verdict("unchanged", change, 0.01, 5.0, tolerance=tolerance)
        for at, change in enumerate(changes)
    }
    text = render(session(judged, (5.0,)), width=width, colour=False)
    assert all(cells(line) <= width for line in text.splitlines() if not line.startswith(WHOLE))

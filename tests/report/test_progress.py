from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.report.progress import LINE_SECONDS, Progress
from pytest_edgeperf.report.text import cells

from ..fakes.workers import FakeClock


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True

    @property
    def line(self):
        """What stands on the line now."""
        return self.getvalue().rpartition("\r\x1b[K")[2]


@pytest.fixture(autouse=True)
def _somebody_looks_on(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for variable in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def clock():
    return FakeClock()


def started(stream, clock, rounds=2, benchmarks=2, **fields):
    progress = Progress(stream, rounds * benchmarks, clock=clock.now, **fields)
    progress.start(rounds, benchmarks)
    return progress


def measure(progress, clock, seconds=1.0):
    for round_number in (1, 2):
        for k, name in enumerate(("benchmarks/test_a.py::test_a[x::y]", "benchmarks/test_a.py::test_b[x]")):
            progress.update(round_number, 2, name, 40.4 - k, disturbed_runs=round_number - 1)
            clock.sleep(seconds)
    progress.finish()


# On a terminal.


def test_one_line_is_redrawn_and_left_empty(clock):
    stream = Terminal()
    measure(started(stream, clock, width=80), clock, seconds=35.0)
    text = stream.getvalue()
    assert "\n" not in text
    drawn = text.split("\r\x1b[K")
    assert (drawn[0], drawn[-1]) == ("", "")
    assert drawn[1] == "░" * 10 + "  round 1/2  0 s, 40 s left  test_a[x::y]"
    assert drawn[4] == "█" * 7 + "░" * 3 + "  round 2/2  105 s, 39 s left  1 disturbed  test_b[x]"


def test_a_wide_terminal_has_a_longer_bar(clock):
    stream = Terminal()
    progress = started(stream, clock, width=120)
    progress.update(1, 2, "test_a", None)
    assert stream.line == "░" * 20 + "  round 1/2  0 s  test_a"


@pytest.mark.parametrize("width", [10, 24, 40, 60, 80, 120])
@pytest.mark.parametrize("name", ["test_" + "x" * 200 + "[onnxruntime-fp32]", "测试[模型]" * 30, "a"])
def test_the_line_fits(width, name, clock):
    stream = Terminal()
    progress = started(stream, clock, 3, 1, width=width)
    progress.update(1, 3, name, 3725.0, disturbed_runs=12)
    assert 0 < cells(stream.line) < width
    clock.sleep(90)
    progress.busy(name, "building an engine of 模型" * 9, 3725.0)
    assert 0 < cells(stream.line) < width


def test_a_name_keeps_more_of_the_line_than_what_else_is_said(clock):
    stream = Terminal()
    progress = started(stream, clock, width=50)
    progress.update(1, 2, "test_a.py::test_resnet[onnxruntime-fp32]", 3725.0, disturbed_runs=12)
    assert stream.line == "round 1/2  0 s, 1 h 2 min left  t…et[onn…-fp32]"


def test_a_resized_terminal_gets_lines_of_its_width(clock, monkeypatch):
    stream = Terminal()
    progress = started(stream, clock)
    for columns in (100, 50):
        monkeypatch.setenv("COLUMNS", str(columns))
        progress.update(1, 2, "test_" + "x" * 200, 10.0)
        assert cells(stream.line) == columns - 3


def test_what_lasts_is_drawn_every_second_after_two(clock):
    stream = Terminal()
    progress = started(stream, clock, width=100)
    progress.update(1, 2, "test_a.py::test_a", None)
    lines = []
    for _ in range(10):
        clock.sleep(0.5)
        progress.busy("test_a.py::test_a", "building an engine of resnet18 (fp16)", clock.now() - 100)
        lines.append(stream.line)
    assert lines[2].endswith("0 s  test_a")
    assert lines[3] == "░" * 10 + "  round 1/2  building an engine of resnet18 (fp16), 2 s  test_a"
    assert len(set(lines)) == 5


def test_preparations_before_the_first_round_are_drawn(clock):
    stream = Terminal()
    progress = Progress(stream, 4, width=80, clock=clock.now)
    clock.sleep(3)
    progress.busy("", "checking out origin/main", 3.0)
    assert stream.line == "checking out origin/main, 3 s"
    progress.doing("comparing")
    assert stream.line == "comparing"
    progress.finish()
    assert stream.line == ""


def test_the_temperature_is_redrawn(clock):
    stream = Terminal()
    progress = started(stream, clock, width=80)
    progress.cool("cpu", 91.0, 87.0)
    progress.cool("cpu", 89.04, 87.0)
    assert "cooling down: cpu 91.0 degC, waiting for 87.0" in stream.getvalue()
    assert stream.line.endswith("cooling down: cpu 89.0 degC, waiting for 87.0")


def test_more_runs_than_planned_only_fill_the_bar(clock):
    stream = Terminal()
    progress = started(stream, clock, 1, 1, width=80)
    for _ in range(5):
        progress.update(1, 1, "test_a", None)
    assert stream.line.startswith("█" * 10 + "  round 1/1")


def test_without_unicode_the_bar_is_ascii(clock):
    stream = Terminal()
    stream.encoding = "ascii"
    progress = started(stream, clock, 1, 2, width=80)
    progress.update(1, 1, "test_é\x1b[2J", None)
    progress.busy("", "preparing \u202e…", 5.0)
    assert stream.getvalue().replace("\r\x1b[K", "").isascii()
    assert "\\x1b[2J" in stream.getvalue()


def test_notes_stay_and_the_line_comes_back(clock):
    stream = Terminal()
    progress = started(stream, clock, 1, 2, width=80)
    progress.update(1, 1, "test_a", None)
    progress.note("test_b is measured again: the machine was disturbed")
    assert re.fullmatch(r"test_b is measured again: [a-z ]+\n░+  round 1/1  0 s  test_a", stream.line)


def test_quiet_leaves_nothing_behind(clock):
    stream = Terminal()
    progress = started(stream, clock, lines=False, width=80)
    progress.note("x")
    measure(progress, clock)
    assert "\n" not in stream.getvalue()
    assert "round 2/2" in stream.getvalue()
    assert stream.line == ""


@given(st.text(max_size=30), st.text(max_size=60), st.integers(1, 130))
def test_no_text_leaves_its_line(name, what, width):
    clock, stream = FakeClock(), Terminal()
    progress = started(stream, clock, width=max(width, 8))
    progress.update(1, 2, name, 5.0)
    clock.sleep(9)
    progress.busy(name, what, 9.0)
    drawn = stream.getvalue().split("\r\x1b[K")
    assert all(line.isprintable() and cells(line) < max(width, 8) for line in drawn)


# Elsewhere.


def plain_lines(stream):
    return stream.getvalue().splitlines()


def test_elsewhere_a_short_session_says_only_what_it_measures(clock):
    stream = io.StringIO()
    measure(started(stream, clock), clock)
    assert plain_lines(stream) == ["measuring 2 benchmarks in 2 rounds"]


def test_elsewhere_no_two_lines_are_closer_than_half_a_minute(clock):
    stream = io.StringIO()
    progress = started(stream, clock, rounds=3, benchmarks=100)
    written_at = []
    for round_number in (1, 2, 3):
        for k in range(100):
            before = len(stream.getvalue())
            progress.update(round_number, 3, f"test_a.py::test_{k}", 200.0, disturbed_runs=k // 50)
            if len(stream.getvalue()) > before:
                written_at.append(clock.now())
            clock.sleep(1.5)
    pauses = [after - before for before, after in zip(written_at, written_at[1:])]
    assert set(pauses) == {LINE_SECONDS}
    assert plain_lines(stream)[1:4] == [
        "round 1/3: 20 of 100 benchmarks, 30 s, about 3 min 20 s left",
        "round 1/3: 40 of 100 benchmarks, 60 s, about 3 min 20 s left",
        "round 1/3: 60 of 100 benchmarks, 90 s, about 3 min 20 s left, 1 disturbed run",
    ]


def test_elsewhere_a_long_build_is_no_silence(clock):
    stream = io.StringIO()
    progress = Progress(stream, 4, clock=clock.now)
    for second in range(1, 71):
        clock.sleep(1)
        progress.busy("", "preparing main: make models", float(second))
    progress.start(2, 2)
    progress.update(1, 2, "test_a.py::test_a[torch]", None)
    for second in range(1, 36):
        clock.sleep(1)
        progress.busy("test_a.py::test_a[torch]", "training digits-cnn", float(second))
    assert plain_lines(stream) == [
        "preparing main: make models, 30 s so far",
        "preparing main: make models, 60 s so far",
        "measuring 2 benchmarks in 2 rounds",
        "round 1/2: training digits-cnn for test_a[torch], 30 s so far; 100 s in all",
    ]


def test_elsewhere_a_wait_for_a_cool_machine_is_told_when_it_begins_and_while_it_lasts(clock):
    stream = io.StringIO()
    progress = started(stream, clock, 2, 1)
    for temperature in (91.0, 89.04, 88.9):
        progress.cool("cpu", temperature, 87.0)
        clock.sleep(20)
    progress.update(1, 2, "test_a", None)
    progress.cool("gpu", 90.0, 87.0)
    assert plain_lines(stream)[1:] == [
        "cooling down: cpu is at 91.0 degC, waiting for 87.0",
        "cooling down: cpu is at 88.9 degC, waiting for 87.0",
        "cooling down: gpu is at 90.0 degC, waiting for 87.0",
    ]


def test_a_pause_is_shown_on_a_terminal_and_told_once_elsewhere(clock):
    live, plain = Terminal(), io.StringIO()
    for stream in (live, plain):
        progress = started(stream, clock, 2, 1, width=100)
        for _ in range(2):
            progress.wait(7.6)
    assert live.getvalue().count("waiting 7.6 s") == 2
    assert plain.getvalue().count("--edgeperf-spacing") == 1


def test_disabled_says_nothing(clock):
    stream = Terminal()
    progress = started(stream, clock, enabled=False)
    measure(progress, clock, seconds=40.0)
    progress.note("x")
    progress.busy("", "x", 90.0)
    progress.cool("cpu", 91.0, 87.0)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("variable", "value"), [("TERM", "dumb"), ("TERM", ""), ("CI", "true"), ("BUILD_NUMBER", "17")]
)
def test_where_no_line_can_be_redrawn_lines_are_plain(variable, value, monkeypatch, clock):
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    measure(started(stream, clock), clock)
    assert stream.getvalue() == "measuring 2 benchmarks in 2 rounds\n"


def test_where_tests_print_themselves_lines_are_plain(clock):
    stream = Terminal()
    measure(started(stream, clock, live=False), clock, seconds=40.0)
    assert "\x1b" not in stream.getvalue()
    assert len(plain_lines(stream)) == 4


def test_a_closed_stream_is_no_terminal(clock):
    stream = Terminal()
    stream.isatty = io.StringIO.isatty.__get__(stream)
    stream.close()
    Progress(stream, 4, clock=clock.now)


def test_a_real_terminal(clock):
    outer, inner = pty.openpty()
    with open(inner, "w", encoding="utf-8") as stream, open(outer, "rb", buffering=0) as screen:
        measure(started(stream, clock, width=60), clock)
        assert os.isatty(stream.fileno())
        seen = b""
        while seen.count(b"\x1b[K") < 5:
            seen += screen.read(4096)
    assert seen.count(b"round 1/2") == 2
    assert seen.endswith(b"\x1b[K")


def test_the_coordinators_part_imports_nothing_heavy():
    code = (
        "import sys, pytest_edgeperf.report, pytest_edgeperf.report.session_report, pytest_edgeperf.report.progress\n"
        "print([m for m in ('rich', 'numpy', 'scipy', 'click', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

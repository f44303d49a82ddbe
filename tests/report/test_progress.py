from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys

import pytest

from pytest_edgeperf.report.progress import Progress


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _terminal_type(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")


def measure(progress):
    progress.start(2, 2)
    for round_number in (1, 2):
        for k, name in enumerate(("benchmarks/test_a.py::test_a[x]", "benchmarks/test_a.py::test_b[x]")):
            progress.update(round_number, 2, name, 40.4 - k)
    progress.finish()


def test_a_machine_that_cools_down_is_told_once_per_wait():
    stream = io.StringIO()
    progress = Progress(stream, 4)
    progress.start(2, 1)
    for temperature in (91.0, 89.04):
        progress.cool("cpu", temperature, 87.0)
    progress.update(1, 2, "test_a", None)
    progress.cool("gpu", 90.0, 87.0)
    assert stream.getvalue().splitlines()[1:] == [
        "cooling down: cpu is at 91.0 degC, waiting for 87.0",
        "round 1/2: 1 benchmark",
        "cooling down: gpu is at 90.0 degC, waiting for 87.0",
    ]


def test_on_a_terminal_the_temperature_is_redrawn():
    stream = Terminal()
    progress = Progress(stream, 4, width=80)
    progress.start(2, 1)
    progress.cool("cpu", 91.0, 87.0)
    progress.cool("cpu", 89.04, 87.0)
    assert "cooling down: cpu 91.0 degC, waiting for 87.0" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("cooling down: cpu 89.0 degC, waiting for 87.0")


def test_elsewhere_a_plain_line_per_round():
    stream = io.StringIO()
    measure(Progress(stream, 4))
    assert stream.getvalue().splitlines() == [
        "measuring 2 benchmarks in 2 rounds",
        "round 1/2: 2 benchmarks, about 40 s left",
        "round 2/2: 2 benchmarks, about 40 s left",
    ]


def test_on_a_terminal_one_line_is_redrawn_and_left_empty():
    stream = Terminal()
    measure(Progress(stream, 4, width=80))
    text = stream.getvalue()
    assert "\n" not in text
    drawn = text.split("\r\x1b[K")
    assert drawn[0] == ""
    assert drawn[-1] == ""
    assert drawn[1] == "░" * 20 + "  round 1/2  about 40 s left  test_a[x]"
    assert drawn[4] == "█" * 15 + "░" * 5 + "  round 2/2  about 39 s left  test_b[x]"


@pytest.mark.parametrize("width", [10, 24, 40, 80])
def test_the_line_fits(width):
    stream = Terminal()
    progress = Progress(stream, 1, width=width)
    progress.start(3, 1)
    progress.update(1, 3, "test_" + "x" * 200 + "[onnxruntime-fp32]", 3725.0)
    assert 0 < len(stream.getvalue().replace("\r\x1b[K", "")) < width


def test_more_runs_than_planned_only_fill_the_bar():
    stream = Terminal()
    progress = Progress(stream, 1, width=80)
    progress.start(1, 1)
    for _ in range(5):
        progress.update(1, 1, "test_a", None)
    assert stream.getvalue().endswith("█" * 20 + "  round 1/1  test_a")


def test_without_unicode_the_bar_is_ascii():
    stream = Terminal()
    stream.encoding = "ascii"
    progress = Progress(stream, 2, width=80)
    progress.start(1, 2)
    progress.update(1, 1, "test_é\x1b[2J", None)
    assert stream.getvalue().replace("\r\x1b[K", "").isascii()
    assert "\\x1b[2J" in stream.getvalue()


def test_notes_stay_and_the_line_comes_back():
    stream = Terminal()
    progress = Progress(stream, 2, width=80)
    progress.start(1, 2)
    progress.update(1, 1, "test_a", None)
    progress.note("test_b is measured again: the machine was disturbed")
    last = stream.getvalue().rpartition("\r\x1b[K")[2]
    assert re.fullmatch(r"test_b is measured again: [a-z ]+\n░+  round 1/1  test_a", last)


def test_disabled_says_nothing():
    stream = io.StringIO()
    progress = Progress(stream, 4, enabled=False)
    measure(progress)
    progress.note("x")
    assert stream.getvalue() == ""


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    measure(Progress(stream, 4))
    assert "\x1b" not in stream.getvalue()


def test_a_real_terminal():
    outer, inner = pty.openpty()
    with open(inner, "w", encoding="utf-8") as stream, open(outer, "rb", buffering=0) as screen:
        measure(Progress(stream, 4, width=60))
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


def test_a_pause_is_shown_on_a_terminal_and_told_once_elsewhere():
    live, plain = Terminal(), io.StringIO()
    for stream in (live, plain):
        progress = Progress(stream, 2, width=100)
        progress.start(2, 1)
        for _ in range(2):
            progress.wait(7.6)
    assert live.getvalue().count("waiting 7.6 s") == 2
    assert plain.getvalue().count("--edgeperf-spacing") == 1

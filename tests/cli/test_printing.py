from __future__ import annotations

import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_edgeperf.cli.printing import print_rows
from pytest_edgeperf.report.text import cells

ROWS = [
    ("onnxruntime", "1.32.0", "fp32, fp16, int8", "AzureExecutionProvider, CPUExecutionProvider", "onnxruntime:cuda"),
    ("torch", "2.13.0", "fp32", "cpu", ""),
    ("a.framework.with_an_option_of_a_long_name", "what it does", "", "", ""),
]


def printed(rows, width, monkeypatch, capsys, terminal=True):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    print_rows(rows)
    return capsys.readouterr().out.splitlines()


def test_rows_that_are_too_wide_for_the_terminal_go_on_below(monkeypatch, capsys):
    assert printed(ROWS, 60, monkeypatch, capsys) == [
        "onnxruntime           1.32.0; fp32, fp16, int8;",
        "                      AzureExecutionProvider,",
        "                      CPUExecutionProvider; onnxruntime:cuda",
        "torch                 2.13.0; fp32; cpu",
        "a.framework.with_an_option_of_a_long_name",
        "                      what it does",
    ]


def test_a_file_keeps_its_columns(monkeypatch, capsys):
    first, second, _ = printed(ROWS, 60, monkeypatch, capsys, terminal=False)
    assert first.index("1.32.0") == second.index("2.13.0")


ROW = st.tuples(st.text(max_size=30), st.text(max_size=60), st.text(max_size=60))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=1, max_size=3), st.integers(40, 120))
def test_no_line_is_too_wide(monkeypatch, capsys, rows, width):
    assert all(cells(line) <= width for line in printed(rows, width, monkeypatch, capsys))

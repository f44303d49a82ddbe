"""The command's exit code is 1 only where something regressed or is unfit; any error is a sentence and 4."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest

from pytest_edgeperf import cli


def raising(error):
    def command():
        raise error

    return command


def show_baseline(folder):
    arguments = ["baseline", "show", "host", "--dir", str(folder)]
    return cli.exit_code(lambda: cli.main(arguments, standalone_mode=False))


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (lambda: None, 0),
        (raising(SystemExit()), 0),
        (raising(SystemExit(1)), 1),
        (raising(SystemExit("text")), 1),
        (raising(click.UsageError("no such option")), 4),
        (raising(click.Abort()), 130),
        (raising(ZeroDivisionError("division by zero")), 4),
        (raising(MemoryError()), 4),
        (raising(RecursionError("too deep")), 4),
    ],
)
def test_codes(command, code):
    assert cli.exit_code(command) == code


def test_an_unexpected_error_is_one_line_that_names_the_way_to_its_traceback(capsys, monkeypatch):
    monkeypatch.delenv(cli.TRACEBACK_VARIABLE, raising=False)
    cli.exit_code(raising(ValueError("a\nb" + "x" * 9999)))
    error = capsys.readouterr().err
    assert error.startswith("edgeperf: unexpected ValueError: a bx")
    assert len(error.splitlines()) == 1
    assert len(error) < 500
    assert "EDGEPERF_TRACEBACK=1" in error


def test_the_traceback_is_printed_where_asked_for(capsys, monkeypatch):
    monkeypatch.setenv(cli.TRACEBACK_VARIABLE, "1")
    cli.exit_code(raising(ValueError("no")))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "doctor"])
def test_the_console_script_ends_with_4(command, tmp_path):
    code = (
        f"import sys; from pytest_edgeperf import cli; from pytest_edgeperf.cli.{command} import {command}\n"
        "def fail(**given): raise ArithmeticError('made to fail')\n"
        f"{command}.callback = fail\n"
        f"sys.argv = ['edgeperf', {command!r}] + ['a', 'b'] * ({command!r} == 'compare')\n"
        "cli.run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("edgeperf: unexpected ArithmeticError: made to fail")


def test_a_reader_that_has_gone_is_no_regression():
    program = (
        "import sys, click; from pytest_edgeperf import cli; from pytest_edgeperf.cli.devices import devices\n"
        "sys.argv = ['edgeperf', 'devices']\n"
        "devices.callback = lambda: [click.echo('x' * 9999) for _ in range(99)]; cli.run()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(120) == 4


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_an_answer_that_could_not_be_printed_is_an_error():
    program = "import sys; from pytest_edgeperf import cli; sys.argv = ['edgeperf', '--version']; cli.run()"
    with open("/dev/full", "w") as full:
        assert subprocess.run([sys.executable, "-c", program], stdout=full, timeout=120).returncode == 4


def test_what_a_file_says_does_not_reach_the_terminal(capsys, tmp_path):
    (tmp_path / "host.json").write_text(
        '{"format": "edgeperf-results", "version": 1, "device": "host\\u001b[2J\\u202e\\u0000\\r", '
        '"environments": {}, "benchmarks": {}}'
    )
    assert show_baseline(tmp_path) == 4
    error = capsys.readouterr().err
    assert "this is a baseline of host" in error
    assert all(sign.isprintable() for sign in error.rstrip("\n"))


def test_dates_and_commits_of_a_baseline_do_not_reach_the_terminal_either(capsys, tmp_path):
    odd = "\u001b[2J\u0007"
    run = {
        "environment": "e",
        "started": odd,
        "session": odd,
        "commit": odd,
        "reason": odd,
        "boot": odd,
        "latency": 1.0,
    }
    document = {
        "format": "edgeperf-results",
        "version": 1,
        "device": "host",
        "environments": {"e": {"software": {odd: odd}}},
        "benchmarks": {"t.py::test_a": {"metrics": {"latency": {"unit": "ms"}}, "runs": [run]}},
    }
    (tmp_path / "host.json").write_text(json.dumps(document))
    assert show_baseline(tmp_path) == 0
    assert all(sign.isprintable() or sign == "\n" for sign in capsys.readouterr().out)

from __future__ import annotations

import sys

import pytest

from pytest_edgeperf.schedule.against.interpreters import ADOPTED_NEEDS, probe


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_this_python_can_run_workers():
    interpreter = probe(sys.executable, ADOPTED_NEEDS)
    assert interpreter.problem is None
    assert interpreter.version == ".".join(map(str, sys.version_info[:3]))


def test_all_that_is_missing_or_too_old_is_one_sentence():
    interpreter = probe(sys.executable, {"pytest": "999", "no-such-thing": "2"})
    assert interpreter.problem is not None
    assert interpreter.problem.startswith(
        f"--against-python {sys.executable} (Python {interpreter.version}) has pytest "
    )
    assert "and has no no-such-thing" in interpreter.problem
    assert interpreter.problem.endswith(f"{sys.executable} -m pip install 'pytest>=999' 'no-such-thing>=2'")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('echo \'{"python": [3, 7, 16], "versions": {}}\'', "is Python 3.7.16; a worker needs 3.8 or newer"),
        ("echo hello", "is not a working Python (hello)"),
        ("exit 3", "is not a working Python (exit status 3)"),
        ("sleep 300 & echo '{\"python\": [3, 7, 16]}'; echo warning", "is Python 3.7.16"),
        ("echo broken >&2; exit 3", "is not a working Python (broken)"),
        ("exec sleep 30", "did not answer in 0.5 s"),
    ],
)
def test_what_is_no_usable_python_is_said_so(tmp_path, answer, expected):
    path = script(tmp_path / "python", answer)
    problem = probe(path, timeout_s=0.5 if "sleep" in answer else 60).problem
    assert problem is not None
    assert problem.startswith(f"--against-python {path} {expected}")


def test_a_path_that_is_not_there_is_said_so(tmp_path):
    problem = probe(str(tmp_path / "python")).problem
    assert problem is not None
    assert "cannot be started (No such file or directory)" in problem

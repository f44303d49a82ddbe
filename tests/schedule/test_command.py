"""``--against-command``: its words and placeholders, and what is checked before anything is measured."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.measure.side import Side
from pytest_edgeperf.schedule.against import probe_program
from pytest_edgeperf.schedule.against.command import CommandError, template_of, through
from pytest_edgeperf.schedule.against.interpreters import PACKAGE, probe_through
from pytest_edgeperf.schedule.against.side_specification import metadata_folder
from pytest_edgeperf.settings import Settings, SettingsError

from ..fakes.container_engine import Engine

ROOT = "/home/me/my project"
VALUES = {"python": "/usr/bin/python3", "root": ROOT, "name": "edgeperf-1-2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nice -n 5", ["nice", "-n", "5", "/usr/bin/python3"]),
        (
            "docker run --name {name} -v {root}:{root} image {python}",
            ["docker", "run", "--name", "edgeperf-1-2", "-v", f"{ROOT}:{ROOT}", "image", "/usr/bin/python3"],
        ),
        ("env 'A=b c' {{}} {python} -X utf8", ["env", "A=b c", "{}", "/usr/bin/python3", "-X", "utf8"]),
    ],
)
def test_a_command_is_words_without_a_shell(text, words):
    assert template_of(text).filled(VALUES) == words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty; give a command, such as 'docker run"),
        ("docker 'run", "it cannot be split into words (no closing quotation)"),
        ("docker run {image}", "{image} is no placeholder of {python}, {root}"),
        ("awk '{print}'", "{print} is no placeholder of"),
        ("awk {0}", "{0}: write {{ and }} for braces"),
        ("echo {python!r}", "{python!r}: write {{ and }} for braces"),
        ("echo {root.__class__}", "{root.__class__}: write {{ and }}"),
        ("echo {", "{: single '{' encountered in format string; write {{ and }} for braces"),
    ],
)
def test_what_is_no_command_is_said_with_the_remedy(text, reason):
    with pytest.raises(CommandError) as error:
        template_of(text)
    assert str(error.value).startswith(reason)


@given(
    st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), min_size=1), min_size=1)
)
def test_quoted_words_survive(words):
    text = " ".join(shlex.quote(word.replace("{", "{{").replace("}", "}}")) for word in words)
    assert template_of(text).filled(VALUES) == [*words, VALUES["python"]]


def good_answer(**changes):
    answer = {
        "python": [3, 11, 7],
        "versions": {"pytest": "9.0", "numpy": "2.0", "pytest-edgeperf": None},
        "terminal": False,
        "greeting": probe_program.GREETING,
        "machine": platform.machine(),
        "hidden": [],
        "packages": {str(PACKAGE): probe_program.digest(str(PACKAGE))},
        "boot": probe_program.boot(),
    }
    return {**answer, **changes}


def probed(tmp_path, answer):
    """What is made of an answer, which a shell gives."""
    (tmp_path / "answer").write_text(answer if isinstance(answer, str) else json.dumps(answer) + "\n")
    return probe_through(["sh", "-c", f"echo banner; cat {tmp_path}/answer", "python3"], "python3", ["/project"])


HERE = str(PACKAGE)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"python": [3, 6, 9]}, "--against-command started Python 3.6.9; a worker needs 3.8 or newer"),
        ({"terminal": True, "greeting": ""}, "--against-command gives the worker a terminal"),
        ({"greeting": ""}, "--against-command does not pass on standard input, which commands the worker"),
        ({"machine": "s390x"}, "--against-command started a Python for s390x, this session runs on"),
        (
            {"versions": {"pytest": "7.0"}},
            "--against-command (Python 3.11.7) has pytest 7.0 and has no numpy; install what a worker needs there: "
            "python3 -m pip install 'pytest>=8.2' 'numpy>=1.21'",
        ),
        ({"hidden": ["/project"]}, "--against-command does not show /project to what it starts; make it visible"),
        ({"packages": {}}, "--against-command (Python 3.11.7) has no pytest-edgeperf; both sides need the same"),
        (
            {"packages": {"/usr/lib/x": "0"}, "versions": {"pytest": "9", "numpy": "2", "pytest-edgeperf": "0.0.1"}},
            "--against-command (Python 3.11.7) has pytest-edgeperf 0.0.1, this session ",
        ),
        (
            {"packages": {HERE: "0"}},
            "--against-command (Python 3.11.7) has other code of pytest-edgeperf ",
        ),
    ],
)
def test_what_a_worker_lacks_there_is_said_before_anything_is_measured(tmp_path, changes, problem):
    interpreter = probed(tmp_path, good_answer(**changes))
    assert interpreter.problem is not None
    assert interpreter.problem.startswith(problem)


def test_this_code_without_its_metadata_is_not_enough_and_an_installed_copy_is(tmp_path):
    ours = metadata_folder()
    assert ours is not None
    hidden = good_answer(hidden=[ours])
    assert "has no pytest-edgeperf" in str(probed(tmp_path, hidden).problem)
    from importlib.metadata import version

    hidden["versions"]["pytest-edgeperf"] = version("pytest-edgeperf")
    hidden["packages"] = {"/image/pytest_edgeperf": hidden["packages"][HERE]}
    interpreter = probed(tmp_path, hidden)
    assert interpreter.problem is None
    assert (interpreter.package, interpreter.has_metadata) == ("/image/pytest_edgeperf", False)


def test_another_kernel_is_noticed(tmp_path):
    assert not probed(tmp_path, good_answer()).other_kernel
    assert not probed(tmp_path, good_answer(boot="")).other_kernel
    assert probed(tmp_path, good_answer(boot="another")).other_kernel == bool(probe_program.boot())


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("/nowhere/docker run", "--against-command /nowhere/docker cannot be started (No such file or directory)"),
        (
            "sh -c 'printf \"pulling\\nno such image\\n\\nRun docker --help\\n\" >&2; exit 125'",
            "--against-command started no working Python (pulling; no such image; Run docker --help); run the command",
        ),
        ("false", "--against-command started no working Python (exit status 1)"),
        ("echo", "--against-command started no working Python ("),
        ('sh -c \'"$0" "$@" </dev/null\'', "--against-command does not pass on standard input"),
        ("env {nothing}", "--against-command=env {nothing}: {nothing} is no placeholder"),
    ],
)
def test_a_command_that_starts_no_usable_python_is_refused(tmp_path, command, problem):
    side = Side(str(tmp_path), str(tmp_path))
    with pytest.raises(SettingsError) as error:
        through(Settings(against_command=command), side, adopted=False)
    assert str(error.value).startswith(problem)


def test_a_command_that_hangs_is_said_so(tmp_path):
    problem = probe_through(["sh", "-c", "exec sleep 60"], "python3", [], timeout_s=0.3).problem
    assert problem == "--against-command did not answer in 0.3 s; try `sh -c pass`"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="descriptors are passed by Linux's means")
def test_what_an_engine_starts_with_another_environment_can_be_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path / "cache"))
    with Engine(tmp_path) as engine:
        command = f"{engine.command} env ROOT={{root}} CACHE={{cache}} {{python}}"
        started = through(Settings(against_command=command), Side(str(tmp_path), str(tmp_path)), adopted=False)
    assert started.label.endswith(f"started by `{command}`")
    assert started.has_metadata
    assert started.starter.package == HERE
    assert started.starter.defaults == {"EDGEPERF_CACHE_DIR": str(tmp_path / "cache")}
    assert os.path.basename(started.starter.words("x")[-1]).startswith("python")


def test_the_program_reads_what_its_package_holds(tmp_path, monkeypatch, capsys):
    (tmp_path / "package").mkdir()
    assert probe_program.digest(str(tmp_path / "package")) == ""
    (tmp_path / "package" / "a.py").write_text("a = 1\n")
    first = probe_program.digest(str(tmp_path / "package"))
    (tmp_path / "package" / "a.py").write_text("a = 2\n")
    assert first != probe_program.digest(str(tmp_path / "package")) != ""

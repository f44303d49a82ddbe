"""Checks whether a worker can run in another Python, or in one that a command starts."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence

from pytest_edgeperf.schedule.against import probe_program
from pytest_edgeperf.schedule.against.side_specification import metadata_folder
from pytest_edgeperf.schedule.worker import kept
from pytest_edgeperf.schedule.worker.faults import LINES_OF_A_COMMAND, last_words

#: The first version of each that a worker works with, as this package's metadata has it.
WORKER_NEEDS = {"pytest": "8.2", "numpy": "1.21"}
ADOPTED_NEEDS = {**WORKER_NEEDS, "pytest-benchmark": "4.0"}
OLDEST_PYTHON = (3, 8)
PROBE_TIMEOUT_S = 60.0
PACKAGE = Path(__file__).resolve().parents[2]
_DISTRIBUTION = "pytest-edgeperf"
_GIVE_PATH = "give the path of a Python executable"
_TRY_BY_HAND = "run the command by hand with `-c pass` behind the Python"
_PROGRAM = Path(probe_program.__file__).read_text()


@dataclass(frozen=True)
class Interpreter:
    """What is known of a Python interpreter."""

    path: str
    #: As ``3.11.7``; ``None``: it could not be asked.
    version: Optional[str]
    #: Why no worker can run in it, with the remedy, in one sentence; ``None``: one can.
    problem: Optional[str] = None
    #: Of one that a command starts: where this package is for it, and whether that has this session's metadata there.
    package: str = ""
    has_metadata: bool = False
    #: It runs under another kernel: in a virtual machine, or on another machine.
    other_kernel: bool = False


class _Unusable(Exception):
    """Why a Python cannot be used: what follows its name in a sentence."""


@dataclass(frozen=True)
class _Wording:
    """How sentences speak of a Python."""

    option: str
    program: str
    verb: str
    no_python: str
    remedy: str
    install: str
    #: Lines of output that say why it failed.
    lines: int = 1


def probe(path: str, needs: Mapping[str, str] = WORKER_NEEDS, *, timeout_s: float = PROBE_TIMEOUT_S) -> Interpreter:
    """Ask the Python at ``path`` for its version and for the packages in ``needs`` (name -> first good version)."""
    wording = _Wording(
        f"--against-python {path}",
        "",
        "is",
        f"is not a working Python ({{}}); {_GIVE_PATH}",
        _GIVE_PATH,
        f"{path} -m pip install",
    )
    version = None
    try:
        answer = _asked([path], {"versions": list(needs)}, wording, timeout_s)
        version = _version(answer)
        _check_packages(answer, needs, wording)
    except _Unusable as error:
        return Interpreter(path, version, f"{wording.option}{error}")
    return Interpreter(path, version)


def probe_through(
    words: Sequence[str],
    python: str,
    paths: Sequence[str],
    needs: Mapping[str, str] = WORKER_NEEDS,
    *,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> Interpreter:
    """Ask the Python that a command starts what a worker needs there.

    Args:
        words: the command with its interpreter.
        python: the interpreter, as the command names it.
        paths: files and folders that it has to have.
        needs: name of a package -> first good version.
        timeout_s: how long the command may take.
    """
    wording = _Wording(
        "--against-command",
        f" {words[0]}",
        "started",
        f"started no working Python ({{}}); {_TRY_BY_HAND}",
        _TRY_BY_HAND,
        f"{python} -m pip install",
        lines=LINES_OF_A_COMMAND,
    )
    ours = metadata_folder()
    asked = {
        "versions": [*needs, _DISTRIBUTION],
        "paths": [*paths, *([ours] if ours is not None else [])],
        "package": str(PACKAGE),
    }
    version = None
    try:
        answer = _asked(words, asked, wording, timeout_s)
        version = _version(answer)
        _check_streams(answer)
        _check_machine(answer)
        _check_packages(answer, needs, wording)
        _check_paths([path for path in answer["hidden"] if path != ours])
        has_metadata = ours not in answer["hidden"]
        package = _package(answer, wording, has_metadata=has_metadata)
    except _Unusable as error:
        return Interpreter(python, version, f"{wording.option}{error}")
    boots = {answer["boot"], probe_program.boot()}
    other_kernel = "" not in boots and len(boots) > 1
    return Interpreter(python, version, package=package, has_metadata=has_metadata, other_kernel=other_kernel)


def _asked(words: Sequence[str], asked: Mapping[str, Any], wording: _Wording, timeout_s: float) -> Mapping[str, Any]:
    """What a Python says of itself.

    Raises:
        _Unusable: it cannot be asked.
    """
    greeting = f"{probe_program.GREETING}\n".encode()
    try:
        status, output = kept.run(
            [*words, "-c", _PROGRAM, json.dumps(asked)], variables=os.environ, timeout_s=timeout_s, given=greeting
        )
    except OSError as error:
        raise _Unusable(f"{wording.program} cannot be started ({error.strerror}); {wording.remedy}") from None
    if status is None:
        raise _Unusable(f" did not answer in {timeout_s:g} s; try `{words[0]} -c pass`")
    lines = output.strip().splitlines()
    for line in reversed(lines):
        # What the Python, or the command, prints besides may come before or after.
        if line.startswith("{"):
            try:
                answer = json.loads(line)
                _version(answer)
                return dict(answer)
            except (KeyError, TypeError, ValueError):
                continue
    said = last_words(output, wording.lines) or f"exit status {status}"
    raise _Unusable(f" {wording.no_python.format(said)}")


def _version(answer: Mapping[str, Any]) -> str:
    return ".".join(map(str, answer["python"]))


def _check_streams(answer: Mapping[str, Any]) -> None:
    if answer["terminal"]:
        raise _Unusable(" gives the worker a terminal, which changes what is sent; leave it out (docker: no -t)")
    if answer["greeting"] != probe_program.GREETING:
        raise _Unusable(" does not pass on standard input, which commands the worker; add the option (docker: -i)")


def _check_machine(answer: Mapping[str, Any]) -> None:
    ours = platform.machine()
    if answer["machine"] != ours:
        raise _Unusable(
            f" started a Python for {answer['machine']}, this session runs on {ours}: both sides have to run on the "
            f"same processors; use an image for {ours}"
        )


def _check_paths(hidden: Sequence[str]) -> None:
    if hidden:
        raise _Unusable(
            f" does not show {hidden[0]} to what it starts; make it visible at the same path "
            "(docker: -v {root}:{root})"
        )


def _check_packages(answer: Mapping[str, Any], needs: Mapping[str, str], wording: _Wording) -> None:
    version = _version(answer)
    if _numbers(version) < list(OLDEST_PYTHON):
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise _Unusable(f" {wording.verb} Python {version}; a worker needs {oldest} or newer")
    lacking = []
    for name, first in needs.items():
        installed = answer["versions"].get(name)
        if installed is None:
            lacking.append(f"has no {name}")
        elif _numbers(installed) < _numbers(first):
            lacking.append(f"has {name} {installed}")
    if lacking:
        wanted = " ".join(f"'{name}>={first}'" for name, first in needs.items())
        raise _Unusable(
            f" (Python {version}) {' and '.join(lacking)}; install what a worker needs there: {wording.install} "
            f"{wanted}"
        )


def _package(answer: Mapping[str, Any], wording: _Wording, *, has_metadata: bool) -> str:
    """Where the Python has this session's measuring code.

    Raises:
        _Unusable: it has none, or other code.
    """
    version, installed = _own_version(), answer["versions"].get(_DISTRIBUTION)
    ours = probe_program.digest(str(PACKAGE))
    same = [folder for folder, digest in answer["packages"].items() if digest == ours]
    if same and (has_metadata or installed == version):
        return str(same[0])
    if installed not in (None, version):
        what = f"has {_DISTRIBUTION} {installed}, this session {version}"
    elif answer["packages"] and not same:
        what = f"has other code of {_DISTRIBUTION} {version} in {next(reversed(list(answer['packages'])))}"
    else:
        what = f"has no {_DISTRIBUTION}"
    raise _Unusable(
        f" (Python {_version(answer)}) {what}; both sides need the same measuring code, so install it there: "
        f"{wording.install} {_DISTRIBUTION}=={version}"
    )


def _own_version() -> Optional[str]:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> List[int]:
    numbers = []
    for part in version.split("."):
        digits = part[: next((at for at, character in enumerate(part) if not character.isdigit()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return numbers

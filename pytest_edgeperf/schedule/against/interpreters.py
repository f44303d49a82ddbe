"""Checks whether a worker can run in another Python."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import List, Mapping, Optional

from pytest_edgeperf.schedule.worker import kept

#: The first version of each that a worker works with, as this package's metadata has it.
WORKER_NEEDS = {"pytest": "8.2", "numpy": "1.21"}
ADOPTED_NEEDS = {**WORKER_NEEDS, "pytest-benchmark": "4.0"}
OLDEST_PYTHON = (3, 8)
PROBE_TIMEOUT_S = 60.0

# Kept to what every Python 3 understands, so that an old one can say that it is too old.
_PROBE = """
import json, sys
versions = {}
try:
    from importlib import metadata
except ImportError:
    metadata = None
for name in sys.argv[1:] if metadata else ():
    try:
        versions[name] = metadata.version(name)
    except Exception:
        versions[name] = None
print(json.dumps({"python": list(sys.version_info[:3]), "executable": sys.executable, "versions": versions}))
"""


@dataclass(frozen=True)
class Interpreter:
    """What is known of a Python interpreter."""

    path: str
    #: As ``3.11.7``; ``None``: it could not be asked.
    version: Optional[str]
    #: Why no worker can run in it, with the remedy, in one sentence; ``None``: one can.
    problem: Optional[str] = None


def probe(path: str, needs: Mapping[str, str] = WORKER_NEEDS, *, timeout_s: float = PROBE_TIMEOUT_S) -> Interpreter:
    """Ask the Python at ``path`` for its version and for the packages in ``needs`` (name -> first good version)."""
    try:
        status, output = kept.run([path, "-c", _PROBE, *needs], variables=os.environ, timeout_s=timeout_s)
    except OSError as error:
        return _unusable(path, f"cannot be started ({error.strerror}); give the path of a Python executable")
    if status is None:
        return _unusable(path, f"did not answer in {timeout_s:g} s; try `{path} -c pass`")
    lines = output.strip().splitlines()
    try:
        # What it warns of may come before or after.
        answer = next(json.loads(line) for line in reversed(lines) if line.startswith("{"))
        version = ".".join(map(str, answer["python"]))
    except (StopIteration, KeyError, TypeError, ValueError):
        last = lines[-1] if lines else f"exit status {status}"
        return _unusable(path, f"is not a working Python ({last}); give the path of a Python executable")
    return Interpreter(path=path, version=version, problem=_problem(path, version, answer, needs))


def _unusable(path: str, why: str) -> Interpreter:
    return Interpreter(path=path, version=None, problem=f"--against-python {path} {why}")


def _problem(
    path: str, version: str, answer: Mapping[str, Mapping[str, Optional[str]]], needs: Mapping[str, str]
) -> Optional[str]:
    if _numbers(version) < list(OLDEST_PYTHON):
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return f"--against-python {path} is Python {version}; a worker needs {oldest} or newer"
    lacking = []
    for name, first in needs.items():
        installed = answer["versions"].get(name)
        if installed is None:
            lacking.append(f"has no {name}")
        elif _numbers(installed) < _numbers(first):
            lacking.append(f"has {name} {installed}")
    if not lacking:
        return None
    wanted = " ".join(f"'{name}>={first}'" for name, first in needs.items())
    return (
        f"--against-python {path} (Python {version}) {' and '.join(lacking)}; "
        f"install what a worker needs there: {path} -m pip install {wanted}"
    )


def _numbers(version: str) -> List[int]:
    numbers = []
    for part in version.split("."):
        digits = part[: next((at for at, character in enumerate(part) if not character.isdigit()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return numbers

"""Says what a Python has, in a line of JSON: its source is run by the Python in question, by ``-c``.

Its argument is a JSON object: ``versions`` (names of packages), and of a Python that a command starts ``paths`` and
``package`` (this package's folder). Kept to what Python 3.6 understands, so that an old one can say that it is too old.
"""

import hashlib
import json
import os
import platform
import sys
from typing import Any, Dict, Optional

#: What a command has to pass on to standard input.
GREETING = "edgeperf"


def digest(package: str) -> str:
    """The digest of a package's source files; empty where there is none."""
    summed, files = hashlib.sha256(), []
    for folder, _, names in os.walk(package):
        files += [os.path.join(folder, name) for name in names if name.endswith(".py")]
    for path in sorted(files):
        with open(path, "rb") as file:
            content = file.read()
        summed.update(os.path.relpath(path, package).encode() + b" %d\n" % len(content) + content)
    return summed.hexdigest() if files else ""


def _installed(name: str) -> str:
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return ""
    return os.path.dirname(spec.origin) if spec is not None and spec.origin else ""


def answer(asked: Dict[str, Any]) -> Dict[str, Any]:
    """What this Python has of what is asked for."""
    versions: Dict[str, Optional[str]] = {}
    try:
        from importlib import metadata
    except ImportError:
        return {"python": list(sys.version_info[:3]), "executable": sys.executable, "versions": {}}
    for name in asked["versions"]:
        try:
            versions[name] = metadata.version(name)
        except Exception:
            versions[name] = None
    said: Dict[str, Any] = {"python": list(sys.version_info[:3]), "executable": sys.executable, "versions": versions}
    if "package" not in asked:
        return said
    places = {}
    for folder in (asked["package"], _installed(os.path.basename(asked["package"]))):
        if folder and os.path.isdir(folder):
            places[folder] = digest(folder)
    terminal = os.isatty(0)
    said.update(
        terminal=terminal,
        greeting="" if terminal else sys.stdin.readline().strip(),
        machine=platform.machine(),
        hidden=[path for path in asked["paths"] if not os.path.exists(path)],
        packages=places,
        boot=boot(),
    )
    return said


def boot() -> str:
    """The id of the kernel's boot, which containers share with their machine; empty where there is none."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


if __name__ == "__main__":
    print(json.dumps(answer(json.loads(sys.argv[1]))))

"""What we use of TensorRT against its published bindings: ``tox run -e tensorrt-api``.

The bindings are on PyPI, small, and proprietary: they are installed to be looked at, and nothing of them is kept here.
They need native libraries that are not here; gcc makes stubs, whose functions give nothing, with the symbols that the
bindings miss. Then everything can be imported and read, and nothing can run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from tests.fakes.tensorrt_api import TABLE, VERSIONS, names

#: Run in a process of its own: loads the stubs, imports the bindings and tells of each name its kind and its words.
LOOK = """
import ctypes, json, sys
for stub in sys.argv[1:]:
    ctypes.CDLL(stub, mode=ctypes.RTLD_GLOBAL)
import tensorrt_bindings as trt
found = {}
for full in json.load(sys.stdin):
    owner, _, name = full.rpartition(".")
    place = getattr(trt, owner, None) if owner else trt
    if place is None or not hasattr(place, name):
        continue
    thing = getattr(place, name)
    kind = "property" if isinstance(thing, property) else "class" if isinstance(thing, type) else ""
    words = thing.__init__.__doc__ if kind == "class" else thing.__doc__
    found[full] = [kind or ("method" if callable(thing) else "value"), words or ""]
print(json.dumps([trt.__version__, found]))
"""


def extension() -> Path:
    """The wheel's compiled module; skips where there is none, or no compiler."""
    spec = util.find_spec("tensorrt_bindings")
    if spec is None or spec.origin is None:
        pytest.skip("TensorRT's bindings are not installed: pip install tensorrt-cu12-bindings")
    for tool in ("gcc", "nm", "readelf"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} to make stubs of TensorRT's libraries with")
    (found,) = Path(spec.origin).parent.glob("*.so")
    return found


def output(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The version, and name -> kind and words of all that the table has."""
    path, folder = extension(), tmp_path_factory.mktemp("stubs")
    missing = [
        line.split()[-1] for line in output("nm", "-D", "--undefined-only", str(path)).splitlines() if " U " in line
    ]
    # Those of the system's libraries have a version; Python's are there.
    missing = [name for name in missing if "@" not in name and not name.startswith(("Py", "_Py"))]
    assert missing
    source = folder / "stub.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in missing))
    libraries = re.findall(r"\(NEEDED\).*\[(libnv[^\]]+)\]", output("readelf", "-d", str(path)))
    assert libraries
    stubs = []
    for library in libraries:
        stubs.append(str(folder / library))
        subprocess.run(["gcc", "-shared", "-fPIC", f"-Wl,-soname,{library}", str(source), "-o", stubs[-1]], check=True)
    looked = subprocess.run(
        [sys.executable, "-c", LOOK, *stubs],
        input=json.dumps(sorted(TABLE)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    version, found = json.loads(looked.stdout.splitlines()[-1])
    short = ".".join(version.split(".")[:2])
    if short not in VERSIONS:
        pytest.skip(f"the table is for {', '.join(VERSIONS)}, not for {version}")
    return short, found


def test_the_version_has_the_names_of_the_table_and_lacks_those_of_others(wheel):
    version, found = wheel
    assert sorted(found) == sorted(names(version))


def test_what_is_called_takes_the_arguments_of_the_table(wheel):
    version, found = wheel
    for name in names(version):
        kind, words = found[name]
        wanted = TABLE[name]
        assert kind == wanted.kind or {kind, wanted.kind} == {"value", "class"}, name
        if not wanted.arguments:
            continue
        signatures = [re.findall(r"[(,] ?(\w+):", line) for line in words.splitlines() if "->" in line]
        # "self: Builder, flags: int = 0" begins with self.
        taken = [[one for one in signature if one != "self"][: len(wanted.arguments)] for signature in signatures]
        assert list(wanted.arguments) in taken, f"{name}: {words}"

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Of a module of the package or the experiments.
MOST_LINES = 400
HEAVY = {"numpy", "scipy", "torch", "onnxruntime", "rich", "jsonschema"}
SHOW_MODULES = """
import json, sys

def pytest_unconfigure():
    print("modules:" + json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_empty.py").write_text("")
    (folder / "show_modules.py").write_text(SHOW_MODULES)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), "."])}


def collect(folder, *arguments):
    return [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *arguments,
    ]


def test_the_package_imports_nothing_heavy():
    code = "import json, sys, pytest_edgeperf; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, check=True)
    modules = set(json.loads(done.stdout))
    assert "pytest_edgeperf" in modules
    assert not modules & HEAVY
    assert "pytest" not in modules


def test_the_plugin_imports_nothing_heavy_and_none_of_its_rooms(project):
    done = subprocess.run(
        collect(project, "-p", "show_modules"),
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("modules:")]
    modules = set(json.loads(line[len("modules:") :]))
    assert not modules & HEAVY
    ours = {name for name in modules if name.startswith("pytest_edgeperf")}
    assert ours == {
        "pytest_edgeperf",
        "pytest_edgeperf.plugin",
        "pytest_edgeperf.plugin.options",
        "pytest_edgeperf.plugin.state",
        "pytest_edgeperf.settings",
        "pytest_edgeperf.settings.options",
        "pytest_edgeperf.settings.values",
    }


def test_no_module_is_longer_than_one_sitting():
    root = Path(__file__).parents[1]
    if not (root / "benchmarks").is_dir():
        pytest.skip("an installed copy has no benchmarks")
    lines = {
        path.relative_to(root): len(path.read_text("utf-8").splitlines())
        for folder in ("pytest_edgeperf", "benchmarks")
        for path in (root / folder).rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}

"""Frameworks of another package, installed as its users do, pass the contract and are measured.

One is written against the interface of today, and one as before the template ``load``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.measure.trees import Environment, environment, needs, run
from tests.plugin.conftest import own_plugins

PACKAGE = Path(__file__).parents[1] / "data" / "third_party"


@pytest.mark.slow
def test_frameworks_of_another_package(tmp_path):
    pytest.importorskip("onnx.reference")
    needs("hatchling", "pip")
    project = tmp_path / "project"
    shutil.copytree(str(PACKAGE), str(project))
    (project / "pytest.ini").write_text("[pytest]\n")
    installed = Environment(tmp_path / "env")
    installed.install(project)
    variables = {
        **environment(),
        "EDGEPERF_CACHE_DIR": str(tmp_path / "cache"),
        "EDGEPERF_LOCK_DIR": str(tmp_path),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    listed = run(
        installed.python, "-c", "from pytest_edgeperf.cli import run; run()", "frameworks", cwd=tmp_path, env=variables
    )
    for name in ("onnx-reference", "old-reference"):
        (line,) = [line for line in listed.splitlines() if line.startswith(f"{name} ")]
        assert line.split()[2:] == ["fp32", "cpu"]
    (tests,) = {path.name for path in project.glob("test_*.py")}
    calm = own_plugins(project, forked=False)
    arguments = ("-p", "edgeperf", *calm, "-p", "no:cacheprovider", "--baseline=off", "--edgeperf-rounds=1", "-rA")
    output = run(
        *(installed.python, "-m", "pytest", tests, *arguments),
        "--framework=onnx-reference",
        "--edgeperf-budget=0.05",
        "--edgeperf-cpus=off",
        cwd=project,
        env=variables,
    )
    assert "4 measured" in output
    assert "36 passed" in output
    assert "FAILED" not in output
    assert "edgeperf_old_reference.OldReference overrides load; override _load(configuration)" in output

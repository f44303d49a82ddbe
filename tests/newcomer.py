"""As a new user does it: one ONNX file and a five-line test, with the built wheel and onnxruntime alone.

Run by ``tox run -e newcomer``; not collected by pytest.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


#: How a refresh says that other processes disturbed every run.
DISTURBED = "runs were disturbed"


def run(folder: Path, *arguments: str) -> str:
    """Run pytest in the folder, insist on exit status 0, or 1 on a machine that others disturb; return its output."""
    command = [sys.executable, "-m", "pytest", "--edgeperf-budget=0.3", "--edgeperf-spacing=0", *arguments]
    print("$", *command[1:], flush=True)
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, flush=True)
    if done.returncode != 0 and not (done.returncode == 1 and DISTURBED in done.stdout):
        raise SystemExit(f"exit status {done.returncode}")
    return done.stdout


def main(folder: Path) -> None:
    """Refresh, then check, in a folder outside of this checkout."""
    shutil.copytree(HERE / "data" / "newcomer", folder)
    assert importlib.util.find_spec("torch") is None, "this environment must hold onnxruntime alone"
    assert importlib.util.find_spec("onnx") is None, "this environment must hold onnxruntime alone"
    if DISTURBED in run(folder, "--baseline=refresh", "--edgeperf-reason=first", "--edgeperf-rounds=5"):
        print("SKIPPED the check against a baseline: this machine is too busy for one", flush=True)
        run(folder, "--edgeperf-results=again.json", "--baseline=off", "--edgeperf-rounds=2")
    else:
        run(folder, "--edgeperf-results=again.json", "--edgeperf-max-rounds=3")
    measured = json.loads((folder / "again.json").read_text())
    assert list(measured["benchmarks"]) == ["test_tiny.py::test_tiny[onnxruntime]"], measured["benchmarks"]
    subprocess.run([str(Path(sys.executable).with_name("edgeperf")), "frameworks"], check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as outside:
        main(Path(outside) / "newcomer")

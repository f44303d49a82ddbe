"""The README as a new user follows it: its ONNX example and two commands, with the built wheel and onnxruntime alone.

Run by ``tox run -e newcomer``; not collected by pytest.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

#: How a refresh says that other processes disturbed every run.
DISTURBED = "runs were disturbed"


def example_and_commands() -> List[str]:
    """The README's benchmark, its refresh and its check."""
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    (example,) = (text for language, text in blocks if language == "python")
    typed = [line[2:] for language, text in blocks if language == "console" for line in text.splitlines()]
    refresh, check = (line for line in typed if line.startswith("pytest "))
    return [example, refresh, check]


def run(folder: Path, command: str, *more: str) -> str:
    """Run pytest in the folder, insist on exit status 0, or 1 on a machine that others disturb; return its output."""
    typed = shlex.split(command, comments=True)[1:]
    words = [sys.executable, "-m", "pytest", *typed, "--edgeperf-budget=0.3", "--edgeperf-spacing=0", *more]
    print("$", *words[1:], flush=True)
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, flush=True)
    if done.returncode != 0 and not (done.returncode == 1 and DISTURBED in done.stdout):
        raise SystemExit(f"exit status {done.returncode}")
    return done.stdout


def main(folder: Path) -> None:
    """Refresh, then check, in a folder outside of this checkout."""
    example, refresh, check = example_and_commands()
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "test_model.py").write_text(example, encoding="utf-8")
    shutil.copy(HERE / "data" / "newcomer" / "tiny.onnx", folder / "model.onnx")
    assert importlib.util.find_spec("torch") is None, "this environment must hold onnxruntime alone"
    assert importlib.util.find_spec("onnx") is None, "this environment must hold onnxruntime alone"
    if DISTURBED in run(folder, refresh, "--edgeperf-rounds=5"):
        print("SKIPPED the check against a baseline: this machine is too busy for one", flush=True)
        run(folder, check, "--edgeperf-results=again.json", "--baseline=off", "--edgeperf-rounds=2")
    else:
        run(folder, check, "--edgeperf-results=again.json", "--edgeperf-max-rounds=3")
    measured = json.loads((folder / "again.json").read_text())
    assert list(measured["benchmarks"]) == ["benchmarks/test_model.py::test_model[onnxruntime]"], measured["benchmarks"]
    subprocess.run([str(Path(sys.executable).with_name("edgeperf")), "frameworks"], check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as outside:
        main(Path(outside) / "newcomer")

"""The operators of a .tflite file, timed in a process of its own (see :mod:`litert`)."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.profiling import WARM_UP_CALLS, NoProfile, OperatorProfile, per_inference
from pytest_edgeperf.frameworks.xnnpack import operators
from pytest_edgeperf.scratch import scratch

LIBRARY = "libLiteRt.so"
RESULT = "result.json"
#: It needs nothing but Python, and is run by its path: another copy of this package may lie in the current folder.
PROGRAM = Path(__file__).with_name("litert.py")

#: All names of a tensor, and its content.
Input = Tuple[Sequence[str], bytes]


def library() -> Optional[Path]:
    """LiteRT's C library, or ``None`` where the installed package has none."""
    spec = util.find_spec("ai_edge_litert")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(LIBRARY)
    return path if path.is_file() else None


def profiled(
    path: str, signature: Optional[str], inputs: Sequence[Sequence[Input]], threads: int, repetitions: int, calls: int
) -> OperatorProfile:
    """The operators of a file as LiteRT's profiler reports them: XNNPACK's, and those that it left to others.

    Args:
        path: of the file.
        signature: the key of what is run, where the file has one.
        inputs: of the inferences in turn.
        threads: of the CPU.
        repetitions: how many means are taken.
        calls: how many inferences a mean is of.

    Raises:
        NoProfile: the package has no such library, or the library cannot do it.
    """
    found = library()
    if found is None:
        raise NoProfile(
            f"this package of TensorFlow Lite has no {LIBRARY}, whose profiler times operators; "
            "pip install --upgrade ai-edge-litert (Python 3.10 or newer)"
        )
    with scratch("edgeperf-litert-") as folder:
        order = {
            "library": str(found),
            "model": path,
            "threads": threads,
            "signature": signature or "",
            "inputs": list(_written(inputs, folder)),
            "warm_up": WARM_UP_CALLS,
            "repetitions": repetitions,
            "calls": calls,
            "result": str(folder / RESULT),
        }
        child = subprocess.run(
            [sys.executable, "-I", "-S", str(PROGRAM)],
            input=json.dumps(order),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        try:
            measured = json.loads((folder / RESULT).read_text("utf-8"))
        except (OSError, ValueError):
            last = child.stdout.strip().splitlines()[-1:] or ["it said nothing"]
            raise NoProfile(f"{found} cannot profile {path} ({child.returncode}): {last[0]}") from None
    repeated = [
        per_inference((operator for told in inferences for operator in operators(told)), calls)
        for inferences in measured
    ]
    if not all(repeated):
        raise NoProfile(f"{found} reports no operator of {path}")
    return OperatorProfile(tuple(repeated), "LiteRT's profiler")


def _written(inputs: Sequence[Sequence[Input]], folder: Path) -> Iterator[List[Tuple[List[str], str]]]:
    for number, entry in enumerate(inputs):
        paths = []
        for place, (names, content) in enumerate(entry):
            file = folder / f"input_{number}_{place}"
            file.write_bytes(content)
            paths.append((list(names), str(file)))
        yield paths

"""Write docs/compatibility.md: which network is there for which framework, and which framework for which platform.

python docs/compatibility_page.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterable, List, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from models.network import Network  # noqa: E402
from models.networks import NETWORKS  # noqa: E402
from models.sources import formats_of  # noqa: E402
from papers import hadidi_2019_tables as hadidi  # noqa: E402

from pytest_edgeperf.frameworks import get, names  # noqa: E402

PAGE = ROOT / "docs" / "compatibility.md"
YES, NO = hadidi.YES, hadidi.NO
#: As ``edgeperf frameworks`` calls them, with what they are.
PLATFORMS = ("jetpack-4", "jetpack-5", "jetpack-6", "raspberry-pi", "x86")
#: Beginnings of an advice that says that there is no package.
UNAVAILABLE = ("not available", "there is no")
#: Framework -> what it does beside computing in another format: (fuses operators, times kernels and takes the fastest,
#: runs the program's own graph each time).
OPTIMISATIONS = {
    "executorch": ("by XNNPACK", NO, NO),
    "mnn": ("in the conversion", NO, NO),
    "ncnn": ("in the conversion", NO, NO),
    "onnxruntime": ("when it loads", "`:tensorrt`", NO),
    "opencv": ("when it loads", NO, NO),
    "openvino": ("when it loads", NO, NO),
    "tensorflow": ("by Grappler", NO, NO),
    "tensorrt": ("when it builds", "when it builds", NO),
    "tflite": ("in the conversion, by XNNPACK", NO, NO),
    "torch": ("`:compile`", NO, f"{YES}, not `:compile`"),
    "tvm": ("when it builds", "not here: code is not tuned", NO),
}

INTRODUCTION = """
`python docs/compatibility_page.py` writes this page from the table of networks (`benchmarks/models/catalogue`) and
from what each framework declares. Beside it stand the tables of Hadidi et al. (2019). Whether a network runs on a
device at all is measured: `pytest benchmarks --suite=hadidi-2019` skips what cannot run, with the reason, and a network
that a device has no memory for fails with the evidence. `edgeperf frameworks` lists what this machine has.
"""
OF_NETWORKS = """
Every network is there as a PyTorch module and as ONNX, so that PyTorch, ExecuTorch and TensorFlow Lite, and every
reader of ONNX, can have it. In parentheses: whether the program of Hadidi et al. has it (`VGG-11` stands there for
VGG-S).
"""
OF_FRAMEWORKS = """
What each declares. `int8` is quantisation; `fp16` and `bf16` are half precision. No framework prunes a network, and
none has formats of four bits: a network that was pruned elsewhere is measured as any other.
"""
OF_PLATFORMS = """
Whether there is a package; `edgeperf frameworks` prints the command. Edge TPU, Movidius and PYNQ have no framework
here.
"""
OF_OPTIMISATIONS = """
Optimisations: each row of the slides' text has six marks for seven frameworks, the last of them DarkNet's, so which of
the others a mark belongs to is not certain.
"""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def text_of() -> str:
    """The page."""
    marks = "; ".join(f"{mark}: {meaning}" for mark, meaning in hadidi.MARKS.items())
    parts = [
        "# Networks, frameworks and platforms",
        INTRODUCTION,
        "## Networks and formats",
        OF_NETWORKS,
        _networks(),
        "## Frameworks",
        OF_FRAMEWORKS,
        _frameworks(),
        "## Platforms",
        OF_PLATFORMS,
        _platforms(),
        "## The tables of Hadidi et al. (2019)",
        f"Networks and devices. {marks}.",
        table(("network", *hadidi.MATRIX_DEVICES), ((name, *cells) for name, cells in hadidi.MATRIX.items())),
        "Features of frameworks, in one to three stars. An empty cell is joined with the one before it.",
        table(("", *hadidi.FRAMEWORKS), ((name, *cells) for name, cells in hadidi.FEATURES.items())),
        OF_OPTIMISATIONS,
        table(("", "marks"), ((name, " ".join(cells)) for name, cells in hadidi.OPTIMISATIONS.items())),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _networks() -> str:
    heads = ("network", "task", "PyTorch", "ONNX", "TensorFlow", "Darknet", "Caffe")
    return table(heads, (_network(NETWORKS[name]) for name in sorted(NETWORKS)))


def _network(network: Network) -> List[str]:
    here = {"torch", *formats_of(network.name)}
    theirs = dict(zip(hadidi.PROGRAM_FRAMEWORKS, hadidi.PROGRAM.get(network.name, "")))
    cells = {
        kind: (YES if kind in here else NO) + (f" ({theirs[kind]})" if kind in theirs else "")
        for kind in hadidi.PROGRAM_FRAMEWORKS
    }
    return [network.name, network.task, cells["torch"], YES, cells["tensorflow"], cells["darknet"], cells["caffe"]]


def _frameworks() -> str:
    rows = []
    for name in names():
        framework = get(name)
        variants = ", ".join(f"`{name}:{variant}`" for variant in framework.variants)
        reads = ", ".join(declared.name for declared in framework.formats)
        rows.append((f"`{name}`", reads, ", ".join(framework.precisions), variants or NO, *OPTIMISATIONS[name]))
    heads = ("framework", "reads", "formats of numbers", "variants", "fuses operators", "tunes itself", "dynamic graph")
    return table(heads, rows)


def _platforms() -> str:
    rows = []
    for name in names():
        advice = [get(name).advice_on(platform) for platform in PLATFORMS]
        rows.append((f"`{name}`", *(NO if text.startswith(UNAVAILABLE) else YES for text in advice)))
    return table(("framework", *PLATFORMS), rows)


if __name__ == "__main__":
    PAGE.write_text(text_of(), encoding="utf-8")

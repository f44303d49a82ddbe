"""The packages on PyPI whose definitions networks take, beside torch: versions, and how they are installed."""

from __future__ import annotations

from typing import Dict, Sequence

TORCHVISION, PYTORCHCV = "torchvision", "pytorchcv"
VERSIONS: Dict[str, str] = {TORCHVISION: "0.28.0", PYTORCHCV: "0.0.74"}
#: Whose definition a network is, as the table of networks names it.
SOURCES: Dict[str, str] = {
    TORCHVISION: f"torchvision {VERSIONS[TORCHVISION]} (BSD-3-Clause)",
    PYTORCHCV: f"pytorchcv {VERSIONS[PYTORCHCV]} (MIT)",
}
#: Without what they ask for: torchvision would replace a torch for CPUs. Beside them: what their imports need.
_INSTALL: Dict[str, str] = {
    "torch": "pip install 'pytest-edgeperf[torch,onnxruntime]'",
    TORCHVISION: f"pip install --no-deps torchvision=={VERSIONS[TORCHVISION]} pillow",
    PYTORCHCV: f"pip install --no-deps pytorchcv=={VERSIONS[PYTORCHCV]}",
}


def install_command(names: Sequence[str]) -> str:
    """What installs torch and these packages: a command each, joined by ``&&``."""
    return " && ".join(_INSTALL[name] for name in names)

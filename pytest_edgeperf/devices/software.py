"""The software below a benchmark that decides its speed: L4T, JetPack, CUDA, cuDNN, TensorRT, the GPU's driver."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence

from .findings import Finding
from .identity import Identity
from .installed_cuda import cuda, cudnn, driver
from .installed_tensorrt import tensorrt_binding, tensorrt_library, trtexec
from .l4t import jetpack, l4t
from .profile import JETSON


def software(
    identity: Identity,
    root: Path = Path("/"),
    environment: Optional[Mapping[str, str]] = None,
    search_path: Optional[Sequence[str]] = None,
) -> Dict[str, Finding]:
    """What is installed: of each a version (of ``trtexec`` its path), or the reason; a reboot changes none of it.

    ``l4t`` and ``jetpack`` are of Jetsons only, and not in the answer elsewhere.

    Args:
        identity: what the machine is.
        root: where its files are.
        environment: variables that name folders and a container's release; this process's unless given, and
            none under another root.
        search_path: folders of Python packages; this Python's unless given.
    """
    if environment is None:
        environment = os.environ if root == Path("/") else {}
    findings: Dict[str, Finding] = {}
    if identity.family == JETSON:
        findings["l4t"] = l4t(root, environment)
        findings["jetpack"] = jetpack(findings["l4t"], root)
    findings["nvidia_driver"] = driver(root)
    findings["cuda"] = cuda(root)
    findings["cudnn"] = cudnn(root, environment)
    findings["tensorrt_library"] = tensorrt_library(root, environment)
    findings["tensorrt_binding"] = tensorrt_binding(root, search_path)
    findings["tensorrt_trtexec"] = trtexec(root, environment)
    return findings

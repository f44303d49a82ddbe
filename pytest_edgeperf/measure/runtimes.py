"""Versions of the runtimes that a benchmark's process has imported, whoever imported them; imports none itself."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple


class Runtime(NamedTuple):
    """How a runtime shows that it is loaded, and who says its version, the first that does."""

    modules: Tuple[str, ...]
    distributions: Tuple[str, ...]
    #: Modules and their attribute, where they are loaded too.
    attributes: Tuple[Tuple[str, str], ...] = ()


#: By the name under which an environment has them, which is that of our adapter where there is one.
RUNTIMES: Mapping[str, Runtime] = {
    "ctranslate2": Runtime(("ctranslate2",), ("ctranslate2",)),
    "cupy": Runtime(("cupy",), ("cupy-cuda13x", "cupy-cuda12x", "cupy-cuda11x", "cupy")),
    "executorch": Runtime(("executorch",), ("executorch",)),
    "jax": Runtime(("jax", "jaxlib"), ("jaxlib", "jax")),
    "llama_cpp": Runtime(("llama_cpp",), ("llama-cpp-python",)),
    "mnn": Runtime(("MNN",), ("MNN",)),
    "ncnn": Runtime(("ncnn",), ("ncnn",)),
    "numpy": Runtime(("numpy",), ("numpy",)),
    "onnxruntime": Runtime(("onnxruntime",), ("onnxruntime", "onnxruntime-gpu")),
    "opencv": Runtime(
        ("cv2",),
        (
            "opencv-python-headless",
            "opencv-python",
            "opencv-contrib-python-headless",
            "opencv-contrib-python",
        ),
        (("cv2.version", "opencv_version"),),
    ),
    "openvino": Runtime(("openvino",), ("openvino",)),
    "paddle": Runtime(("paddle",), ("paddlepaddle-gpu", "paddlepaddle")),
    "tensorflow": Runtime(
        ("tensorflow",), ("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow-aarch64")
    ),
    "tensorrt": Runtime(("tensorrt",), ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu11")),
    "tflite": Runtime(("ai_edge_litert", "tflite_runtime"), ("ai-edge-litert", "tflite-runtime")),
    "torch": Runtime(("torch",), ("torch",)),
    "tvm": Runtime(("tvm",), ("apache-tvm",)),
}


def loaded_versions(modules: Optional[Mapping[str, Any]] = None) -> Dict[str, str]:
    """Runtime -> version, of those among ``modules`` (by default of this process) whose version can be said."""
    imported = sys.modules if modules is None else modules
    versions: Dict[str, str] = {}
    for name, runtime in RUNTIMES.items():
        own = [imported[module] for module in runtime.modules if imported.get(module) is not None]
        version = _version(runtime, imported, own) if own else None
        if version is not None:
            versions[name] = version
    return versions


def _version(runtime: Runtime, imported: Mapping[str, Any], own: Any) -> Optional[str]:
    for module, attribute in runtime.attributes:
        version = getattr(imported.get(module), attribute, None)
        if isinstance(version, str):
            return version
    for distribution in runtime.distributions:
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    # What a system's package, or one's own build, brings has no metadata.
    versions = (getattr(module, "__version__", None) for module in own)
    return next((str(version) for version in versions if isinstance(version, str)), None)

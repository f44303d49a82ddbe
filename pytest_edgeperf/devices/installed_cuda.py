"""Which CUDA, cuDNN and NVIDIA driver are installed, from the files that they bring."""

from __future__ import annotations

import json
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Callable, List, Mapping

from .findings import Finding, first
from .libraries import is_program, library, library_folders
from .system_files import NOT_RUN, exists, inside, may_run, names_in, read_text

_LOCAL = "/usr/local"
_DRIVER = "/proc/driver/nvidia/version"
_MODULE = "/sys/module/nvidia/version"
_HEADERS = (
    "/usr/include/cudnn_version.h",
    "/usr/include/aarch64-linux-gnu/cudnn_version.h",
    "/usr/include/x86_64-linux-gnu/cudnn_version.h",
    "/usr/local/cuda/include/cudnn_version.h",
)
_VERSION = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6}){1,3}\Z")
_NVCC_TIMEOUT_S = 10.0


def cuda(root: Path) -> Finding:
    """The toolkit's version: from ``version.json``, else ``version.txt``, else ``nvcc``, else the runtime's file name.

    Looks into ``/usr/local/cuda``, then into the newest ``/usr/local/cuda-*``, then for ``/usr/bin/nvcc``.
    """
    folders = _folders(root)
    if not folders:
        return Finding(None, None, f"there is neither {_LOCAL}/cuda nor {_LOCAL}/cuda-* nor /usr/bin/nvcc")
    probes: List[Callable[[], Finding]] = []
    for folder in folders:
        probes.append(partial(_version_json, root, f"{folder}/version.json"))
        probes.append(partial(_version_txt, root, f"{folder}/version.txt"))
        probes.append(partial(_nvcc, root, f"{folder}/bin/nvcc"))
        probes.append(partial(library, root, [f"{folder}/lib64", f"{folder}/lib"], "cudart"))
    return first(probes)


def cudnn(root: Path, environment: Mapping[str, str]) -> Finding:
    """cuDNN's version: from ``cudnn_version.h``, else the library's file name."""
    probes: List[Callable[[], Finding]] = [partial(_cudnn_header, root, path) for path in _HEADERS]
    probes.append(lambda: library(root, library_folders(root, environment), "cudnn"))
    return first(probes)


def driver(root: Path) -> Finding:
    """The version of NVIDIA's driver for GPUs of their own; the driver of most Jetsons belongs to L4T instead."""
    return first((lambda: _driver_file(root), lambda: _driver_module(root)))


def _folders(root: Path) -> List[str]:
    folders = [f"{_LOCAL}/cuda"] if exists(root, f"{_LOCAL}/cuda") else []
    numbered = [name for name in names_in(root, _LOCAL) if re.match(r"cuda-[0-9]", name)]
    folders += [f"{_LOCAL}/{name}" for name in reversed(numbered)]
    return [*folders, "/usr"] if is_program(root, "/usr/bin/nvcc") else folders


def _absent(path: str, there: bool, reason: str) -> Finding:
    return Finding(None, path if there else None, reason)


def _version_json(root: Path, path: str) -> Finding:
    content = read_text(root, path)
    if content.text is None:
        return _absent(path, content.exists, content.reason or "")
    try:
        version = json.loads(content.text)["cuda"]["version"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        version = None
    if not isinstance(version, str) or not _VERSION.match(version):
        return Finding(None, path, f"{path} contains no version of CUDA")
    return Finding(version, path)


def _version_txt(root: Path, path: str) -> Finding:
    content = read_text(root, path)
    if content.text is None:
        return _absent(path, content.exists, content.reason or "")
    match = re.match(r"CUDA Version (\S+)", content.text)
    if match is None or not _VERSION.match(match.group(1)):
        return Finding(None, path, f"{path} contains no version of CUDA")
    return Finding(match.group(1), path)


def _nvcc(root: Path, path: str) -> Finding:
    if not is_program(root, path):
        return Finding(None, None, f"there is no program {path}")
    if not may_run():
        return Finding(None, path, NOT_RUN)
    command = [str(inside(root, path)), "--version"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_NVCC_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        problem = getattr(error, "strerror", None) or type(error).__name__
        return Finding(None, path, f"{path} --version fails: {problem}")
    match = re.search(r"\brelease \S+, V(\S+)", done.stdout.decode("utf-8", "replace"))
    if match is None or not _VERSION.match(match.group(1)):
        return Finding(None, path, f"{path} --version contains no version (exit code {done.returncode})")
    return Finding(match.group(1), path)


def _cudnn_header(root: Path, path: str) -> Finding:
    content = read_text(root, path)
    if content.text is None:
        return _absent(path, content.exists, content.reason or "")
    parts = []
    for name in ("MAJOR", "MINOR", "PATCHLEVEL"):
        match = re.search(rf"^[ \t]*#[ \t]*define[ \t]+CUDNN_{name}[ \t]+([0-9]{{1,4}})\b", content.text, re.MULTILINE)
        if match is None:
            return Finding(None, path, f"{path} defines no CUDNN_{name}")
        parts.append(match.group(1))
    return Finding(".".join(parts), path)


def _driver_file(root: Path) -> Finding:
    content = read_text(root, _DRIVER)
    if content.text is None:
        return _absent(_DRIVER, content.exists, content.reason or "")
    match = re.search(
        r"^NVRM version:.*?\s([0-9]{3,4}\.[0-9]{1,4}(?:\.[0-9]{1,4})?)(?=\s|$)", content.text, re.MULTILINE
    )
    if match is None:
        return Finding(None, _DRIVER, f"{_DRIVER} contains no version")
    return Finding(match.group(1), _DRIVER)


def _driver_module(root: Path) -> Finding:
    content = read_text(root, _MODULE)
    if content.text is None:
        return _absent(_MODULE, content.exists, content.reason or "")
    if not _VERSION.match(content.text):
        return Finding(None, _MODULE, f"{_MODULE} contains no version")
    return Finding(content.text, _MODULE)

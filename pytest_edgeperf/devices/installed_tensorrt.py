"""TensorRT's three parts, each of which may be there without the others: library, Python binding, ``trtexec``."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

from .findings import Finding
from .libraries import is_program, library, library_folders
from .system_files import inside, names_in

#: Packages that hold the binding itself come before the one that only requires them.
_PACKAGES = (
    "tensorrt_cu13_bindings",
    "tensorrt_cu12_bindings",
    "tensorrt_cu11_bindings",
    "tensorrt_bindings",
    "tensorrt",
)
_PROGRAMS = (
    "/usr/src/tensorrt/bin/trtexec",
    "/usr/local/tensorrt/bin/trtexec",
    "/opt/tensorrt/bin/trtexec",
    "/usr/local/bin/trtexec",
    "/usr/bin/trtexec",
)


def tensorrt_library(root: Path, environment: Mapping[str, str]) -> Finding:
    """The version of ``libnvinfer``, from its file name."""
    return library(root, library_folders(root, environment), "nvinfer")


def tensorrt_binding(root: Path, search_path: Optional[Sequence[str]] = None) -> Finding:
    """The version of the Python package, from the metadata in the folders of ``search_path``; imports nothing.

    Without a search path this Python's is taken, or under another root that of the system's Pythons. The binding
    of a JetPack is there for the system's Python only: where this one does not see it, the reason says where it is.
    """
    system = _system_folders(root)
    if search_path is None:
        search_path = sys.path if root == Path("/") else [str(inside(root, folder)) for folder in system]
    finding = _installed(search_path)
    if finding.value is not None or finding.source is not None:
        return finding
    for folder in system:
        elsewhere = _installed([str(inside(root, folder))])
        if elsewhere.value is not None:
            return Finding(
                None,
                elsewhere.source,
                f"TensorRT {elsewhere.value} is in {folder}, which this Python {_version()} does not search; use the "
                "system's Python, or a virtual environment of it with --system-site-packages",
            )
    return Finding(None, None, f"no folder of this Python {_version()} has the package tensorrt")


def trtexec(root: Path, environment: Mapping[str, str]) -> Finding:
    """The path of the program ``trtexec``."""
    on_path = [f"{folder}/trtexec" for folder in environment.get("PATH", "").split(":") if folder.startswith("/")]
    for path in [*_PROGRAMS, *on_path]:
        if is_program(root, path):
            return Finding(path, path)
    return Finding(None, None, f"there is no {_PROGRAMS[0]}, and no trtexec in the usual folders of programs")


def _installed(search_path: Sequence[str]) -> Finding:
    broken = Finding(None)
    for name in _PACKAGES:
        for distribution in metadata.distributions(name=name, path=list(search_path)):
            folder = str(distribution.locate_file(""))
            try:
                version = (distribution.metadata.get_all("Version") or [None])[0]
            except Exception as error:  # metadata may hold anything
                version, problem = None, f"{type(error).__name__}: {error}"
            else:
                problem = "it names no version"
            if version:
                return Finding(str(version), folder)
            broken = Finding(None, folder, f"the metadata of {name} in {folder} cannot be read: {problem}")
    return broken


def _system_folders(root: Path) -> List[str]:
    names = [name for name in names_in(root, "/usr/lib") if name.startswith("python3")]
    return [f"/usr/lib/{name}/dist-packages" for name in names]


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"

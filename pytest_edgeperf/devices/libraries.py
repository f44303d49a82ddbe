"""Where shared libraries and programs lie, and the versions in their file names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List, Mapping, Sequence

from .findings import Finding, newest
from .system_files import inside, is_folder, names_in, read_text

_LOADER = "/etc/ld.so.conf.d"
_FOLDERS = (
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/local/cuda/lib64",
    "/usr/local/tensorrt/lib",
    "/opt/tensorrt/lib",
    "/usr/local/lib",
    "/usr/lib64",
    "/usr/lib",
)
_VERSION = r"[0-9]{1,6}(?:\.[0-9]{1,6}){0,4}"


def library_folders(root: Path, environment: Mapping[str, str]) -> List[str]:
    """The folders in which the loader may find a library: ``$LD_LIBRARY_PATH``, its configuration, the usual ones."""
    folders = [folder for folder in environment.get("LD_LIBRARY_PATH", "").split(":") if folder.startswith("/")]
    for name in names_in(root, _LOADER):
        lines = (read_text(root, f"{_LOADER}/{name}").text or "").splitlines()
        folders.extend(line.strip() for line in lines if line.startswith("/"))
    return list(dict.fromkeys([*folders, *_FOLDERS]))


def library(root: Path, folders: Sequence[str], name: str) -> Finding:
    """The version in the file name of ``libNAME.so.VERSION``, from the first of the folders that has one."""
    for folder in folders:
        file = newest(names_in(root, folder), rf"lib{name}\.so\.({_VERSION})")
        if file is not None:
            return Finding(file[1], f"{folder}/{file[0]}")
    looked = [folder for folder in folders if is_folder(root, folder)]
    where = ", ".join(looked) or "any folder of libraries"
    return Finding(None, None, f"there is no lib{name}.so.* in {where}")


def is_program(root: Path, path: str) -> bool:
    """Whether ``path`` is there under ``root`` and may be run; not in a folder that this user may not search."""
    try:
        file = inside(root, path)
    except OSError:
        return False
    # Path.is_file raises where a folder may not be searched.
    return os.path.isfile(file) and os.access(file, os.X_OK)

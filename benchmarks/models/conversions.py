"""Networks in the formats of other tools than torch and ONNX, made once in a process of its own and kept in the cache.

``python -m models.conversions KIND NAME RESOLUTION FOLDER``, with ``benchmarks`` on the path, makes one.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, List

import filelock

from models import kept_files
from pytest_edgeperf import FrameworkError, cache_folder

#: In a finished folder: the names of its files.
PATHS = "paths.json"
LONGEST_WAIT_S = 900


def _darknet(name: str, folder: Path, resolution: int) -> Any:
    return import_module("models.darknet_files").darknet_files(name, folder, resolution)


def _saved_model(name: str, folder: Path, resolution: int) -> Any:
    return import_module("models.keras_resnet").saved_model(folder, resolution)


#: Format -> function that writes it to a folder and returns its path or paths.
MAKERS: Dict[str, Callable[[str, Path, int], Any]] = {"darknet": _darknet, "tensorflow": _saved_model}


def converted(kind: str, name: str, resolution: int) -> Any:
    """The path of the network's file in a format, or the tuple of its paths; made now if the cache has none.

    Raises:
        FrameworkError: the conversion failed; the message has its last lines.
    """
    sources = (path for room in ("models", "tasks") for path in (kept_files.BENCHMARKS / room).glob("*.py"))
    digest = kept_files.digest_of(str(path.relative_to(kept_files.BENCHMARKS).with_suffix("")) for path in sources)
    folder = cache_folder("models", strict=True) / f"{name}-{resolution}-{kind}-{digest.hexdigest()[:16]}"
    with filelock.FileLock(f"{folder}.lock", timeout=LONGEST_WAIT_S):
        if not (folder / PATHS).is_file() or kept_files.untrusted(folder):
            _make(kind, name, resolution, folder)
    content = json.loads((folder / PATHS).read_text("utf-8"))
    paths = tuple(str(folder / path) for path in content["paths"])
    return paths if content["several"] else paths[0]


def _make(kind: str, name: str, resolution: int, folder: Path) -> None:
    work = Path(tempfile.mkdtemp(dir=str(folder.parent), prefix=f".{folder.name}-"))
    try:
        child = kept_files.run_module("models.conversions", kind, name, str(resolution), str(work))
        if child.returncode != 0:
            last = "\n".join(child.stderr.strip().splitlines()[-15:])
            raise FrameworkError(f"converting {name} at {resolution} to {kind} failed ({child.returncode}):\n{last}")
        kept_files.close_to_others(work)
        shutil.rmtree(str(folder), ignore_errors=True)
        os.rename(str(work), str(folder))
    finally:
        shutil.rmtree(str(work), ignore_errors=True)


def main(arguments: List[str]) -> None:
    """Make one in a folder that exists."""
    kind, name, resolution, folder = arguments
    made = MAKERS[kind](name, Path(folder), int(resolution))
    several = not isinstance(made, str)
    paths = [os.path.relpath(path, folder) for path in (made if several else [made])]
    (Path(folder) / PATHS).write_text(json.dumps({"paths": paths, "several": several}) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

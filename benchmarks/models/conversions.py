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

from tasks.sizes import Resolution, label, parse

from models import given_weights, kept_files
from models.export import USED_BY_ALL
from models.libraries import install_command
from models.network import Network
from models.networks import known
from pytest_edgeperf import FrameworkError, cache_folder

#: In a finished folder: the names of its files.
PATHS = "paths.json"
#: Files of ``benchmarks`` that every conversion depends on, beside those that every export does.
USED_BY_CONVERSIONS = ("models/conversions", "models/layers")


def _caffe(network: Network, resolution: Resolution, folder: Path) -> Any:
    files = folder / f"{network.name}-{label(resolution)}.prototxt", folder / f"{network.name}.caffemodel"
    writer = import_module("models.caffe_files")
    return writer.caffe_files(network.build(), network.shape(resolution), *files)


def _darknet(network: Network, resolution: Resolution, folder: Path) -> Any:
    files = folder / f"{network.name}-{label(resolution)}.cfg", folder / f"{network.name}.weights"
    writer = import_module("models.darknet_files")
    return writer.darknet_files(network.build(), network.shape(resolution), *files)


def _tensorflow(network: Network, resolution: Resolution, folder: Path) -> Any:
    path = folder / f"{network.name}-{label(resolution)}"
    writer = import_module("models.tensorflow_files")
    return writer.saved_model(network.build(), network.shape(resolution), path)


#: Format -> function that writes a network for a resolution to a folder, and returns its path or paths.
MAKERS: Dict[str, Callable[[Network, Resolution, Path], Any]] = {
    "caffe": _caffe,
    "darknet": _darknet,
    "tensorflow": _tensorflow,
}


def converted(kind: str, name: str, resolution: Resolution) -> Any:
    """The path of the network's file in a format, or the tuple of its paths; made now if the cache has none.

    Raises:
        FrameworkError: the conversion failed; the message has its last lines.
    """
    network = known(name)
    digest = kept_files.digest_of(
        {*USED_BY_ALL, *USED_BY_CONVERSIONS, f"models/{kind}_files", f"models/{network.module}", *network.uses}
    )
    digest.update(network.variant.encode())
    digest.update(given_weights.digest_of(name).encode())
    place = cache_folder("models", strict=True) / f"{name}-{label(resolution)}-{kind}-{digest.hexdigest()[:16]}"
    folders = kept_files.made_by_any_version(place, network.libraries)
    if not folders:
        missing = kept_files.missing(network.libraries)
        raise FrameworkError(
            f"{name} at {label(resolution)} must be converted to {kind}, which needs {' and '.join(missing)}: install "
            f"it ({install_command(missing)}), or copy the cache folder {place.parent} from a machine with this "
            "checkout that ran the benchmark"
        )
    folder = folders[-1]
    with kept_files.locked(folder, f"converting {name} to {kind}"):
        if not (folder / PATHS).is_file() or kept_files.untrusted(folder):
            _make(kind, name, resolution, folder)
    content = json.loads((folder / PATHS).read_text("utf-8"))
    paths = tuple(str(folder / path) for path in content["paths"])
    return paths if content["several"] else paths[0]


def _make(kind: str, name: str, resolution: Resolution, folder: Path) -> None:
    work = Path(tempfile.mkdtemp(dir=str(folder.parent), prefix=f".{folder.name}-"))
    at = label(resolution)
    try:
        child = kept_files.run_module("models.conversions", kind, name, at, str(work))
        if child.returncode != 0:
            last = "\n".join(child.stderr.strip().splitlines()[-15:])
            raise FrameworkError(f"converting {name} at {at} to {kind} failed ({child.returncode}):\n{last}")
        kept_files.close_to_others(work)
        shutil.rmtree(str(folder), ignore_errors=True)
        os.rename(str(work), str(folder))
    finally:
        shutil.rmtree(str(work), ignore_errors=True)


def main(arguments: List[str]) -> None:
    """Make one in a folder that exists."""
    kind, name, resolution, folder = arguments
    made = MAKERS[kind](known(name), parse(resolution), Path(folder))
    several = not isinstance(made, str)
    paths = [os.path.relpath(path, folder) for path in (made if several else [made])]
    (Path(folder) / PATHS).write_text(json.dumps({"paths": paths, "several": several}) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

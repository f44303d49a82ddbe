"""A network's weights as a file that PyTorch reads: loading it takes the time and memory of loading a user's network.

``python -m models.state_files NAME``, with ``benchmarks`` on the path, writes one; a model does so in a child process,
as the seeded weights of a network are computed by inferences.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, Callable, Dict, List

from models import kept_files, training
from models.export import folder_of
from models.network import Network
from models.networks import known
from pytest_edgeperf import FrameworkError, Model

WEIGHTS = "weights.pt"
#: Runtime -> the formats beside ONNX that it reads.
FORMATS = {"tensorflow": ("tensorflow",), "opencv": ("darknet", "caffe"), "tflite": ("tflite",)}


def on_disk(model: Model, network: Network, framework: str) -> Model:
    """The model with all that its sources make already made: what loading then takes is the runtime's.

    Raises:
        FrameworkError: a source cannot be made here.
    """
    sources: Dict[str, Callable[[], Any]] = {"onnx": partial(_given, model.sources["onnx"]())}
    runtime = framework.partition(":")[0]
    if runtime == "torch":
        ensure(network)
    for kind in FORMATS.get(runtime, ()):
        if kind in model.sources:
            sources[kind] = partial(_given, model.sources[kind]())
    return replace(model, sources={**model.sources, **sources})


def _given(path: Any) -> Any:
    return path


def ensure(network: Network) -> Path:
    """The file of the network's weights, written in a child process if the cache has none.

    Raises:
        FrameworkError: it cannot be written; the message has the last lines of what was said.
    """
    path = folder_of(network) / WEIGHTS
    if not _is_there(path):
        training.train_first(network)
        child = kept_files.run_module("models.state_files", network.name)
        if child.returncode != 0 or not _is_there(path):
            last = "\n".join(child.stderr.strip().splitlines()[-15:])
            raise FrameworkError(f"the weights of {network.name} were not written ({child.returncode}):\n{last}")
    return path


def module(network: Network) -> Any:
    """The network's torch module in evaluation mode, with the weights of its file.

    Raises:
        FrameworkError: as :func:`ensure`.
    """
    return loaded(network, ensure(network))


def loaded(network: Network, path: Path) -> Any:
    """The network's torch module in evaluation mode, with the weights of a file."""
    import torch

    # releases before 1.13 have no such argument; the file is this user's own
    safely = {"weights_only": True} if "weights_only" in signature(torch.load).parameters else {}
    made = network.architecture()
    made.load_state_dict(torch.load(str(path), map_location="cpu", **safely))
    return made.eval()


def write(network: Network) -> bool:
    """Write the file in this process unless another did; safe against several at once.

    Returns:
        whether it was written now.
    """
    import torch

    path = folder_of(network) / WEIGHTS
    with kept_files.locked(path.parent / "weights", f"writing the weights of {network.name}"):
        if _is_there(path):
            return False
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with kept_files.replacing(path) as file:
            torch.save(network.build().state_dict(), str(file))
    return True


def _is_there(path: Path) -> bool:
    return path.is_file() and kept_files.untrusted(path) is None


def main(arguments: List[str]) -> int:
    """Write the weights of ``NAME``; prints whether they were written now or found."""
    (name,) = arguments
    print("written" if write(known(name)) else "found")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

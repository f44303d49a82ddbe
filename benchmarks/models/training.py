"""Trains a network once, in a process of its own, and keeps its weights in the cache for all of its resolutions.

``python -m models.training NAME``, with ``benchmarks`` on the path, does so ahead of a session: on a small device it
takes minutes. The weights are arrays in an .npz file, whose name has a hash of the sources that they depend on; nothing
is pickled.
"""

from __future__ import annotations

import sys
import warnings
import zipfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

import numpy as np

from models import given_weights, kept_files
from models.network import Network
from models.networks import known
from pytest_edgeperf import FrameworkError, cache_folder

if TYPE_CHECKING:
    Weights = Dict[str, np.ndarray]


def filled(made: Any, name: str) -> Any:
    """The torch module with the weights that the network of that name was trained to; what :func:`ensure` raises."""
    import torch

    made.load_state_dict({key: torch.from_numpy(array) for key, array in ensure(known(name)).items()})
    return made


def ensure(network: Network) -> Weights:
    """The network's weights, trained in a child process if the cache has none or damaged ones.

    Raises:
        FrameworkError: the training failed; the message has the last lines of what it said.
    """
    path = file_of(network)
    weights = _read(path)
    if weights is not None:
        return weights
    notice = f"{network.name} has no weights yet: training it once ({network.training}), to be kept as {path}"
    print(notice, file=sys.stderr, flush=True)
    child = kept_files.run_module("models.training", network.name)
    weights = _read(path)
    if child.returncode != 0 or weights is None:
        last = "\n".join(child.stderr.strip().splitlines()[-15:])
        raise FrameworkError(f"training {network.name} failed ({child.returncode}):\n{last}")
    return weights


def train_first(network: Network) -> None:
    """Train a network that has no weights yet; for the process whose output is read, before a child needs them.

    Raises:
        FrameworkError: as :func:`ensure`.
    """
    if network.training and given_weights.file_of(network.name) is None:
        ensure(network)


def find(network: Network) -> Optional[Weights]:
    """The network's weights in the cache, or ``None``; damaged ones count as missing, with a warning."""
    return _read(file_of(network))


def train(network: Network) -> bool:
    """Train in this process unless another did; safe against several at once.

    Returns:
        whether it was trained now.

    Raises:
        FrameworkError: another process holds the lock for too long, or its training data are missing.
    """
    path = file_of(network)
    with kept_files.locked(path, f"training {network.name}"):
        if _read(path) is not None:
            return False
        weights = import_module(f"models.{network.module}").train().state_dict()
        with kept_files.replacing(path) as npz_file, npz_file.open("wb") as stream:
            np.savez(stream, **{key: tensor.numpy() for key, tensor in weights.items()})
    return True


def file_of(network: Network) -> Path:
    """Where its weights are or will be: of these sources and this version of torch."""
    digest = kept_files.digest_of({"models/training", "models/weights", f"models/{network.module}", *network.uses})
    return (
        cache_folder("models", strict=True)
        / f"{network.name}-weights-{digest.hexdigest()[:16]}{kept_files.versions_suffix()}.npz"
    )


def _read(path: Path) -> Optional[Weights]:
    if not path.is_file():
        return None
    damage = kept_files.untrusted(path)
    if damage is None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {key: arrays[key] for key in arrays.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            damage = f"{type(error).__name__}: {error}"
    warnings.warn(f"{path} is damaged ({damage}) and will be trained again", stacklevel=3)
    return None


def main(arguments: List[str]) -> int:
    """Train ``NAME``; prints whether it was trained now or found."""
    try:
        network = known(*arguments)
        if not network.training:
            raise FrameworkError(f"{network.name} has seeded weights and is not trained")
        made = train(network)
    except FrameworkError as error:
        print(error, file=sys.stderr)
        return 1
    print("trained" if made else "found")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

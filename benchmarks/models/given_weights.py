"""Weights that the user has: a state dict per network in one folder, ``<network>.pth``, ``.pt`` or ``.safetensors``.

The folder's name is in the environment, so that the processes that export and convert networks find it too.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from pytest_edgeperf import FrameworkError

VARIABLE = "EDGEPERF_BENCHMARK_WEIGHTS"
SUFFIXES = (".pth", ".pt", ".safetensors")
#: Of auxiliary classifiers, which torchvision's files have and no inference runs.
FOR_TRAINING = ("aux1.", "aux2.", "AuxLogits.")
NAMED = 3


def files() -> List[Path]:
    """The files of weights, or nothing where no folder is named."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return []
    return sorted(path for path in Path(folder).iterdir() if path.suffix in SUFFIXES)


def file_of(name: str) -> Optional[Path]:
    """A network's file, or ``None``: it has seeded weights.

    Raises:
        FrameworkError: it has several.
    """
    own = [path for path in files() if path.stem == name]
    if len(own) > 1:
        raise FrameworkError(f"--weights: {name} has several files: {', '.join(path.name for path in own)}; keep one")
    return own[0] if own else None


def digest_of(name: str) -> str:
    """The SHA-256 of a network's file, empty where it has none."""
    path = file_of(name)
    return "" if path is None else _sha256(path, path.stat().st_mtime_ns)


def digest() -> str:
    """Of all files, with their names."""
    parts = [f"{path.name} {_sha256(path, path.stat().st_mtime_ns)}" for path in files()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@lru_cache(maxsize=None)
def _sha256(path: Path, _: int) -> str:
    digest_ = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest_.update(block)
    return digest_.hexdigest()


def load(name: str, make: Callable[[], Any]) -> Any:
    """The torch module that ``make`` gives, in evaluation mode, with the weights of its file. Needs torch.

    Raises:
        FrameworkError: the file cannot be read, or is of another network; the message names file and keys.
    """
    path = file_of(name)
    assert path is not None
    made = make()
    weights = read(path)
    wrong = mismatch(shapes(made.state_dict()), shapes(weights))
    if wrong:
        raise FrameworkError(f"--weights {path}: is not a state dict of {name}: {wrong}")
    # what may be missing by now is the count of batches alone
    made.load_state_dict(weights, strict=False)
    return made.eval()


def read(path: Path) -> Dict[str, Any]:
    """A file's tensors by key, without those of auxiliary classifiers. Needs torch.

    Raises:
        FrameworkError: it cannot be read, or has no tensors.
    """
    try:
        content = _of_safetensors(path) if path.suffix == ".safetensors" else _of_torch(path)
    except FrameworkError:
        raise
    except Exception as error:  # unpickling and both libraries raise many kinds
        raise FrameworkError(f"--weights {path}: cannot be read ({type(error).__name__}: {error})") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content or not all(hasattr(value, "shape") for value in content.values()):
        raise FrameworkError(f"--weights {path}: is not a state dict: save one by torch.save(network.state_dict(), …)")
    return {key: value for key, value in content.items() if not key.startswith(FOR_TRAINING)}


def _of_torch(path: Path) -> Any:
    import torch

    # weights_only: a pickle could run anything
    return torch.load(str(path), map_location="cpu", weights_only=True)


def _of_safetensors(path: Path) -> Any:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise FrameworkError(
            f"--weights {path}: safetensors is needed, and is not installed: pip install safetensors"
        ) from None
    return load_file(str(path))


def shapes(weights: Mapping[str, Any]) -> Dict[str, Tuple[int, ...]]:
    """The shape of each tensor by key."""
    return {key: tuple(value.shape) for key, value in weights.items()}


def mismatch(expected: Mapping[str, Tuple[int, ...]], given: Mapping[str, Tuple[int, ...]]) -> str:
    """What keeps a state dict from being a network's: keys and shapes, the first few; empty where nothing does."""
    # older files do not count batches
    missing = [key for key in expected if key not in given and not key.endswith("num_batches_tracked")]
    unknown = [key for key in given if key not in expected]
    other = [f"{key} is {given[key]}, not {shape}" for key, shape in expected.items() if given.get(key, shape) != shape]
    parts = [(missing, "it has no "), (unknown, "the network has no "), (other, "")]
    return "; ".join(text + _first(keys) for keys, text in parts if keys)


def _first(keys: List[str]) -> str:
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(keys[:NAMED]) + more

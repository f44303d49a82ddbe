"""Exports a network once to ONNX, checked, with reference inputs and outputs, into the cache.

One file with free height and width serves all resolutions, so that the weights are stored once; each
resolution adds reference arrays and what was counted and checked at it. ONNX Runtime runs such a file as
fast as one with fixed sizes, and gives the same numbers. A network whose graph depends on the size
(``free_sizes=False``) has a file per resolution.

``python -m models.export NAME RESOLUTION``, with ``benchmarks`` on the path, does one; the models do so in a
child process when they first need it, so that neither torch nor the export's memory is in a measured one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from tasks.sizes import Resolution, label, parse

from models import given_weights, kept_files, training
from models.libraries import install_command
from models.network import Network
from models.networks import known
from pytest_edgeperf import FrameworkError, cache_folder

OPSET = 17
#: Of ONNX Runtime's outputs against torch's, as a share of the largest output.
LARGEST_ERROR = 1e-3
REFERENCE_SEED = 7
#: Of a network with free sizes.
MODEL = "model.onnx"
#: Files of ``benchmarks`` that every export may depend on, beside what its network uses.
USED_BY_ALL = (
    "models/darknet",
    "models/export",
    "models/weights",
    "tasks/classification",
    "tasks/detection",
    "tasks/images",
    "tasks/sizes",
)


@dataclass(frozen=True)
class Exported:
    """An export in the cache at a resolution."""

    folder: Path
    resolution: Resolution
    free_sizes: bool = True

    @property
    def model(self) -> Path:
        """The ONNX file, the same for all resolutions where the network has free sizes."""
        return self.folder / (MODEL if self.free_sizes else f"model-{label(self.resolution)}.onnx")

    @property
    def reference(self) -> Path:
        """Inputs and outputs at this resolution, read by :func:`reference_arrays`."""
        return self.folder / f"reference-{label(self.resolution)}.npz"

    @property
    def about_file(self) -> Path:
        """The versions, counts, errors and digests of this resolution, written last."""
        return self.folder / f"about-{label(self.resolution)}.json"

    @cached_property
    def about(self) -> Dict[str, Any]:
        """The content of that file."""
        return dict(json.loads(self.about_file.read_text("utf-8")))

    def damage(self) -> Optional[str]:
        """What is wrong with it: ``None`` nothing, an empty text that there is none at all."""
        if not self.about_file.is_file():
            return ""
        foreign = kept_files.untrusted(self.about_file, self.model, self.reference)
        if foreign is not None:
            return foreign
        try:
            for file in (self.model, self.reference):
                if _sha256(file) != self.about["sha256"][file.name]:
                    return f"{file.name} is not the file that was written"
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"{type(error).__name__}: {error}"
        return None


def ensure(network: Network, resolution: Resolution) -> Exported:
    """The network's export, made in a child process if the cache has none or a damaged one.

    Raises:
        FrameworkError: it must be made and torch is not installed, or the training or the export fails.
        OSError: the cache folder cannot be used.
    """
    exported = find(network, resolution)
    if exported is not None:
        return exported
    missing = kept_files.missing(network.libraries)
    if missing:
        raise FrameworkError(
            f"{network.name} at {label(resolution)} must be exported, which needs {' and '.join(missing)}: install it "
            f"({install_command(missing)}), or copy the cache folder {folder_of(network).parent} from a machine with "
            "this checkout that ran the benchmark"
        )
    training.train_first(network)
    child = kept_files.run_module("models.export", network.name, label(resolution))
    exported = find(network, resolution)
    if child.returncode != 0 or exported is None:
        last = "\n".join(child.stderr.strip().splitlines()[-15:])
        raise FrameworkError(f"exporting {network.name} at {label(resolution)} failed ({child.returncode}):\n{last}")
    return exported


def find(network: Network, resolution: Resolution) -> Optional[Exported]:
    """The network's export in the cache, or ``None``; a damaged one counts as missing, with a warning.

    Without torch, or what defines the network, an export by any version will do.
    """
    for folder in reversed(kept_files.made_by_any_version(_place(network), network.libraries)):
        candidate = Exported(folder, resolution, network.free_sizes)
        damage = candidate.damage()
        if damage is None:
            return candidate
        if damage:
            warnings.warn(
                f"{folder} at {label(resolution)} is damaged ({damage}) and will be exported again", stacklevel=2
            )
    return None


def export(network: Network, resolution: Resolution) -> bool:
    """Export in this process unless another did; safe against several at once.

    Returns:
        whether it was exported now.

    Raises:
        FrameworkError: another process holds the lock for too long, or ONNX Runtime's outputs
            are further than :data:`LARGEST_ERROR` from torch's.
    """
    folder = folder_of(network)
    with kept_files.locked(folder, f"exporting {network.name}"):
        if find(network, resolution) is not None:
            return False
        folder.mkdir(mode=0o700, exist_ok=True)
        _write(network, Exported(folder, resolution, network.free_sizes))
    return True


def reference_arrays(path: Path) -> Tuple[List[Tuple[Any, ...]], List[Tuple[Any, ...]]]:
    """Inputs and outputs from a file of reference arrays, each a tuple of arrays per example."""
    with np.load(path, allow_pickle=False) as arrays:
        inputs = []
        outputs = []
        while f"input_{len(inputs)}" in arrays.files:
            index = len(inputs)
            inputs.append((arrays[f"input_{index}"],))
            keys = sorted(key for key in arrays.files if key.startswith(f"output_{index}_"))
            outputs.append(tuple(arrays[key] for key in keys))
    return inputs, outputs


def folder_of(network: Network) -> Path:
    """Where the cache keeps what the installed versions of torch and of the network's libraries make of it."""
    place = _place(network)
    return place.with_name(place.name + kept_files.versions_suffix(network.libraries))


def _place(network: Network) -> Path:
    digest = kept_files.digest_of({*USED_BY_ALL, f"models/{network.module}", *network.uses})
    fed = (
        network.reference_inputs,
        network.outputs,
        network.variant,
        network.frames,
        network.free_sizes,
        network.batches,
    )
    digest.update(given_weights.digest_of(network.name).encode())
    digest.update(repr(fed).encode())
    return cache_folder("models", strict=True) / f"{network.name}-{digest.hexdigest()[:16]}"


def _write(network: Network, target: Exported) -> None:
    import torch

    from models.weights import figures

    torch.set_num_threads(1)
    made = network.build()
    images = network.images(network.reference_inputs, REFERENCE_SEED)
    inputs = [network.prepare(image, target.resolution) for image in images]
    with torch.inference_mode():
        outputs = [_arrays(made(torch.from_numpy(array))) for array in inputs]
    if not _has_good_model(target):
        with kept_files.replacing(target.model) as onnx_file:
            _to_onnx(torch, made, network, target.resolution, onnx_file)
    checked = check(network, target.model, inputs, outputs)
    with kept_files.replacing(target.reference) as npz_file, npz_file.open("wb") as stream:
        named = {f"input_{index}": array for index, array in enumerate(inputs)}
        for index, arrays in enumerate(outputs):
            named.update({f"output_{index}_{place}": array for place, array in enumerate(arrays)})
        np.savez(stream, **named)
    about = {
        "model": network.name,
        "resolution": target.resolution,
        "opset": OPSET,
        "torch": torch.__version__,
        **figures(made, inputs[0].shape),
        **checked,
        "sha256": {file.name: _sha256(file) for file in (target.model, target.reference)},
    }
    with kept_files.replacing(target.about_file) as about_file:
        about_file.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", "utf-8")


def _has_good_model(target: Exported) -> bool:
    """Whether the ONNX file is one that was finished, for this or another resolution."""
    model = target.model
    abouts = sorted(target.folder.glob("about-*.json"))
    if not model.is_file() or kept_files.untrusted(model, *abouts):
        return False
    digest = _sha256(model)
    for about in abouts:
        with suppress(OSError, ValueError, KeyError, TypeError):
            if json.loads(about.read_text("utf-8"))["sha256"][model.name] == digest:
                return True
    return False


def _arrays(output: Any) -> Tuple[Any, ...]:
    return tuple(tensor.numpy() for tensor in (output if isinstance(output, tuple) else (output,)))


def _to_onnx(torch: Any, made: Any, network: Network, resolution: Resolution, path: Path) -> None:
    example = torch.zeros(network.shape(network.traced_at(resolution)))
    sized = network.only is None and network.free_sizes
    size = {example.dim() - 2: "height", example.dim() - 1: "width"} if sized else {}
    grids = [name for name in network.outputs if name.startswith("stride_")]
    free = {"images": size, **{name: {axis: f"{side}_{name}" for axis, side in size.items()} for name in grids}}
    if network.batches:
        free = {name: {0: "batch", **free.get(name, {})} for name in ("images", *network.outputs)}
    with warnings.catch_warnings():
        # the exporter by tracing is deprecated, and the graphs of the other one need a newer opset than edge runtimes
        warnings.filterwarnings("ignore", message="You are using the legacy TorchScript-based ONNX export")
        warnings.filterwarnings("ignore", message="The feature will be removed", module=r"torch\.onnx")
        torch.onnx.export(
            made,
            (example,),
            str(path),
            opset_version=OPSET,
            input_names=["images"],
            output_names=list(network.outputs),
            dynamic_axes=free,
            dynamo=False,
        )


def check(network: Network, path: Path, inputs: List[Any], outputs: List[Tuple[Any, ...]]) -> Dict[str, Any]:
    """Run the inputs on ONNX Runtime where it is installed: its version, and the largest error against ``outputs``.

    Raises:
        FrameworkError: the error is larger than :data:`LARGEST_ERROR`.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return {"checked_with": None, "largest_relative_error": None}
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    error = max(
        float(np.abs(output - right).max() / np.abs(right).max())
        for array, expected in zip(inputs, outputs)
        for output, right in zip(session.run(None, {"images": array}), expected)
    )
    if not error <= LARGEST_ERROR:
        raise FrameworkError(
            f"the export of {network.name} is wrong: onnxruntime {onnxruntime.__version__} differs from torch by "
            f"{error:.3g} of the largest output, {LARGEST_ERROR:g} is allowed"
        )
    return {"checked_with": f"onnxruntime {onnxruntime.__version__}", "largest_relative_error": error}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def main(arguments: List[str]) -> int:
    """Export ``NAME`` at ``RESOLUTION``; prints whether it was exported now or found."""
    name, resolution = arguments
    try:
        made = export(known(name), parse(resolution))
    except FrameworkError as error:
        print(error, file=sys.stderr)
        return 1
    print("exported" if made else "found")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

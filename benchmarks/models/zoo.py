"""The networks by name: from a name and a resolution to a :class:`Model`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from tasks.sizes import Resolution, label

from models.network import Network
from models.networks import known
from models.sources import formats_of, usual_formats_of
from pytest_edgeperf import FrameworkError, Inputs, Model, Reference, TensorSpec

if TYPE_CHECKING:
    from models.export import Exported

#: The name of every network's input.
INPUT = "images"
#: Other photographs than those that are measured or compared.
CALIBRATION_PHOTOGRAPHS = 16
CALIBRATION_SEED = 11
COUNTED = ("parameters", "multiply_accumulates", "flops")
#: How often a parameter is used in an inference: few times where memory bounds it, many where computing does.
REUSE = "multiply_accumulates_per_parameter"


def build(
    name: str,
    resolution: Resolution = 224,
    batch: int = 1,
    batch_range: Optional[Tuple[int, int, int]] = None,
) -> Model:
    """A network for images of ``resolution`` pixels (a side, or height and width), with seeded or trained weights.

    Most take sides that are multiples of 32; the detectors for 300 pixels take no other, and several images at once.
    ``digits-cnn`` and ``shapes-detector`` are trained on first use, on what ``labelled`` has.

    Nothing is built before a runtime asks: ``"onnx"``, the reference and the weights for ``"torch"``
    come from the cache, made on first use. The weights are the same at every resolution.

    Networks that take several images at once are exported with a free batch. With ``batch_range``, the smallest, usual
    and largest batch, TensorRT builds one engine for all of them (section 3.3 of Swaminathan et al., 2024): it is
    TensorRT's profile, and the model's name is the same for every ``batch``, as built engines are kept by it.

    Raises:
        FrameworkError: unknown name, impossible resolution or batch; from the sources: what :func:`export.ensure`
            raises.
    """
    network = known(name)
    refusal = network.refuses(resolution, batch) or _refuses_range(network, resolution, batch, batch_range)
    if refusal is not None:
        raise FrameworkError(f"{name}: {refusal}")
    if batch_range is None:
        batches = f"-batch{batch}" if batch > 1 else ""
        options: Mapping[str, Any] = {}
    else:
        batches = f"-batches{batch_range[0]}to{batch_range[-1]}"
        options = {"tensorrt.profile": {INPUT: [network.shape(resolution, size) for size in batch_range]}}
    artefacts = _Artefacts(network, resolution, batch)
    kinds = usual_formats_of(name) if batch == 1 else ()
    return Model(
        name=f"{name}-{label(resolution)}{batches}",
        sources={
            "onnx": artefacts.onnx,
            "torch": partial(_torch_module, network),
            **{kind: partial(_converted, kind, name, resolution) for kind in kinds},
        },
        inputs=(TensorSpec(INPUT, network.shape(resolution, batch)),),
        reference=artefacts.reference,
        calibration=partial(_calibration, network, resolution, batch),
        options=options,
        parameters=Figures(artefacts),
    )


def _refuses_range(
    network: Network, resolution: Resolution, batch: int, batch_range: Optional[Tuple[int, int, int]]
) -> Optional[str]:
    if batch_range is None:
        return None
    least, usual, largest = batch_range
    if not 1 <= least <= usual <= largest or not least <= batch <= largest:
        return f"batches of {least}, {usual} and {largest} must rise, and {batch} lie among them"
    return network.refuses(resolution, largest)


def build_from(source: str, name: str, resolution: Resolution = 224) -> Model:
    """As :func:`build`, with one source only, so that every runtime takes that one: ``caffe``, ``onnx``, ….

    Raises:
        FrameworkError: as :func:`build`, or the network has no such source; the message names those it has.
    """
    model = build(name, resolution)
    of_formats = {kind: partial(_converted, kind, name, resolution) for kind in formats_of(name)}
    sources = {**model.sources, **of_formats}
    if source not in sources:
        raise FrameworkError(f"{name} has no source {source!r}, only {', '.join(sorted(sources))}")
    return replace(model, sources={source: sources[source]})


def _torch_module(network: Network) -> Any:
    return _making("state_files").module(network)


def _converted(kind: str, name: str, resolution: Resolution) -> Any:
    return _making("conversions").converted(kind, name, resolution)


def _calibration(network: Network, resolution: Resolution, batch: int) -> Inputs:
    images = network.images(CALIBRATION_PHOTOGRAPHS, CALIBRATION_SEED)
    return Inputs([(array,) for array in _batches([network.prepare(image, resolution) for image in images], batch)])


def _batches(arrays: Sequence[Any], batch: int) -> List[Any]:
    """Each array first in a batch of its own, with those that follow it, round and round."""
    if batch == 1:
        return list(arrays)
    import numpy as np

    count = len(arrays)
    return [np.concatenate([arrays[(first + step) % count] for step in range(batch)]) for first in range(count)]


class Figures(Mapping[str, Any]):
    """A model's ``network``, ``resolution``, ``batch``, ``parameters``, ``multiply_accumulates`` and ``flops``.

    And ``multiply_accumulates_per_parameter``, what Hadidi et al. (2019) call FLOP/parameter. Counts
    are of one image, and made when they are first asked for: read from the export where there is one, else counted on
    torch's meta device. Two FLOPs are one multiply-accumulate.
    """

    def __init__(self, artefacts: _Artefacts) -> None:
        self._artefacts = artefacts

    def __getitem__(self, key: str) -> Any:
        if key in COUNTED:
            return self._artefacts.figures()[key]
        if key == REUSE:
            return self["multiply_accumulates"] / self["parameters"]
        made = self._artefacts
        resolution = made.resolution if isinstance(made.resolution, int) else label(made.resolution)
        return {"network": made.network.name, "resolution": resolution, "batch": made.batch}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("network", "resolution", "batch", *COUNTED, REUSE))

    def __len__(self) -> int:
        return 4 + len(COUNTED)


class _Artefacts:
    """What a model's sources give, each made once."""

    def __init__(self, network: Network, resolution: Resolution, batch: int) -> None:
        self.network = network
        self.resolution = resolution
        self.batch = batch
        self._exported: Optional[Exported] = None
        self._figures: Optional[Dict[str, int]] = None

    def exported(self) -> Exported:
        if self._exported is None:
            exported: Exported = _making("export").ensure(self.network, self.resolution)
            self._exported = exported
        return self._exported

    def onnx(self) -> str:
        return str(self.exported().model)

    def reference(self) -> Reference:
        exported = self.exported()
        inputs, outputs = _making("export").reference_arrays(exported.reference)
        # no image of a batch depends on another
        batched = [tuple(example) for example in zip(*(_batches(arrays, self.batch) for arrays in zip(*outputs)))]
        given = [(array,) for array in _batches([entry[0] for entry in inputs], self.batch)]
        return Reference(Inputs(given), batched, f"torch {exported.about['torch']}, eager, fp32")

    def figures(self) -> Dict[str, int]:
        if self._figures is None:
            self._figures = self._count()
        return self._figures

    def _count(self) -> Dict[str, int]:
        if self._exported is None:
            self._exported = _making("export").find(self.network, self.resolution)
        if self._exported is not None:
            return {key: self._exported.about[key] for key in COUNTED}
        try:
            from models.weights import unseeded_figures
        except ImportError:
            return {key: self.exported().about[key] for key in COUNTED}
        return unseeded_figures(self.network.architecture, self.network.shape(self.resolution))


def _making(module: str) -> Any:
    """A module that makes files, imported when needed: imported with the package, it could not be run as a program.

    Raises:
        FrameworkError: what it imports is not installed; the message has the command.
    """
    try:
        return import_module(f"models.{module}")
    except ModuleNotFoundError as error:
        raise FrameworkError(
            f"the networks' files need {error.name}, which is not installed: pip install {error.name}"
        ) from error

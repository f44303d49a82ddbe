"""The networks by name: from a name and a resolution to a :class:`Model`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from models.classification import crop
from models.detection import letterbox
from models.images import photographs
from pytest_edgeperf import FrameworkError, Inputs, Model, Reference, TensorSpec

if TYPE_CHECKING:
    from models.export import Exported


@dataclass(frozen=True)
class Network:
    """A network's file among these, and how it is fed: ``prepare(photo, resolution)`` makes its input.

    Outputs called ``stride_…`` grow with the resolution. ``reference_inputs`` are kept per resolution.
    """

    name: str
    module: str
    outputs: Tuple[str, ...]
    prepare: Callable[[Any, int], Any]
    reference_inputs: int = 2

    def shape(self, resolution: int) -> Tuple[int, int, int, int]:
        """Of its one input, ``images``."""
        return (1, 3, resolution, resolution)


NETWORKS = {
    network.name: network
    for network in (
        Network("mobilenetv2", "mobilenetv2", ("logits",), crop),
        Network("resnet18", "resnet", ("logits",), crop),
        # one input and its outputs are 15 MB at 672 pixels
        Network("yolov3", "yolov3", ("stride_32", "stride_16", "stride_8"), letterbox, reference_inputs=1),
        Network("yolov3-tiny", "yolov3_tiny", ("stride_32", "stride_16"), letterbox),
    )
}
#: Network -> the formats beside ONNX and torch that it has.
CONVERTED = {"yolov3-tiny": ("darknet",), "resnet18": ("tensorflow",)}
#: Other photographs than those that are measured or compared.
CALIBRATION_PHOTOGRAPHS = 16
CALIBRATION_SEED = 11
COUNTED = ("parameters", "multiply_accumulates", "flops")


def names() -> List[str]:
    """What :func:`build` knows."""
    return sorted(NETWORKS)


def known(name: str) -> Network:
    """The network of that name.

    Raises:
        FrameworkError: there is none; the message names them.
    """
    if name not in NETWORKS:
        raise FrameworkError(f"no network is called {name!r}; known: {', '.join(names())}")
    return NETWORKS[name]


def build(name: str, resolution: int = 224) -> Model:
    """A network for square images of ``resolution`` pixels (a multiple of 32), with seeded weights.

    Nothing is built before a runtime asks: ``"torch"`` builds the module, ``"onnx"`` and the reference
    come from the cache, exported on first use. The weights are the same at every resolution.

    Raises:
        FrameworkError: unknown name or impossible resolution; from the sources: what :func:`export.ensure` raises.
    """
    network = known(name)
    if resolution < 32 or resolution % 32:
        raise FrameworkError(f"{name}: the resolution must be a multiple of 32, not {resolution}")
    artefacts = _Artefacts(network, resolution)
    return Model(
        name=f"{name}-{resolution}",
        sources={
            "onnx": artefacts.onnx,
            "torch": partial(_torch_network, network.module),
            **{kind: partial(_converted, kind, name, resolution) for kind in CONVERTED.get(name, ())},
        },
        inputs=(TensorSpec("images", network.shape(resolution)),),
        reference=artefacts.reference,
        calibration=partial(_calibration, network, resolution),
        parameters=Figures(artefacts),
    )


def _torch_network(module: str) -> Any:
    return import_module(f"models.{module}").network()


def _converted(kind: str, name: str, resolution: int) -> Any:
    return import_module("models.conversions").converted(kind, name, resolution)


def _calibration(network: Network, resolution: int) -> Inputs:
    photos = photographs(CALIBRATION_PHOTOGRAPHS, seed=CALIBRATION_SEED)
    return Inputs([(network.prepare(photo, resolution),) for photo in photos])


class Figures(Mapping[str, Any]):
    """A model's ``network``, ``resolution``, ``parameters``, ``multiply_accumulates`` and ``flops``.

    The last three are counted when they are first asked for: read from the export where there is one,
    else counted on torch's meta device. Two FLOPs are one multiply-accumulate.
    """

    def __init__(self, artefacts: _Artefacts) -> None:
        self._artefacts = artefacts

    def __getitem__(self, key: str) -> Any:
        if key in COUNTED:
            return self._artefacts.figures()[key]
        return {"network": self._artefacts.network.name, "resolution": self._artefacts.resolution}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("network", "resolution", *COUNTED))

    def __len__(self) -> int:
        return 2 + len(COUNTED)


class _Artefacts:
    """What a model's sources give, each made once."""

    def __init__(self, network: Network, resolution: int) -> None:
        self.network = network
        self.resolution = resolution
        self._exported: Optional[Exported] = None
        self._figures: Optional[Dict[str, int]] = None

    def export(self) -> Exported:
        from models import export

        if self._exported is None:
            self._exported = export.ensure(self.network, self.resolution)
        return self._exported

    def onnx(self) -> str:
        return str(self.export().model)

    def reference(self) -> Reference:
        from models.export import reference_arrays

        exported = self.export()
        inputs, outputs = reference_arrays(exported.reference)
        return Reference(Inputs(inputs), outputs, f"torch {exported.about['torch']}, eager, fp32")

    def figures(self) -> Dict[str, int]:
        if self._figures is None:
            self._figures = self._count()
        return self._figures

    def _count(self) -> Dict[str, int]:
        from models import export

        if self._exported is None:
            self._exported = export.find(self.network, self.resolution)
        if self._exported is not None:
            return {key: self._exported.about[key] for key in COUNTED}
        try:
            from models.weights import unseeded_figures
        except ImportError:
            return {key: self.export().about[key] for key in COUNTED}
        architecture = import_module(f"models.{self.network.module}").architecture
        return unseeded_figures(architecture, self.network.shape(self.resolution))

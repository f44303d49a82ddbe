"""What the table of networks says of each: how it is called, what it takes and gives, where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from tasks.finishing import Finish, Shape, most_probable_classes
from tasks.images import photographs
from tasks.sizes import Resolution, label, sides

from models import given_weights

#: No side is shorter, unless a network says otherwise.
SMALLEST = 32
#: The side that a network with free sizes is traced at, or its smallest.
TRACED = 64
#: Two operations per multiply-accumulate, and one: papers print either as "FLOPs".
FLOPS = "flops"
MULTIPLY_ACCUMULATES = "multiply_accumulates"


@dataclass(frozen=True)
class Printed:
    """What a paper prints of a network, in single parameters and operations."""

    #: The paper's word for the network.
    called: str
    parameters: Optional[float] = None
    operations: Optional[float] = None
    #: Which of our two counts the printed operations are.
    convention: str = FLOPS
    #: What the operations were counted at, where it is not the network's native resolution.
    resolution: Optional[Resolution] = None
    #: Why a printed figure differs from ours by more than 2 %.
    differences: str = ""


@dataclass(frozen=True)
class Network:
    """A network's file among these, and how it is fed: ``prepare(image, resolution)`` makes its input.

    Outputs called ``stride_…`` grow with the resolution. ``reference_inputs`` are kept per resolution. ``uses`` names
    the other files of ``benchmarks`` that its weights and outputs depend on, beside those that every export does.
    """

    name: str
    #: Its module in ``models``, with ``architecture()`` and ``network()``; both take ``variant`` where there is one.
    module: str
    outputs: Tuple[str, ...]
    prepare: Callable[[Any, Resolution], Any]
    reference_inputs: int = 2
    #: Each side is a multiple of it; or, where there is one, the only side that it can have.
    multiple_of: int = 32
    only: Optional[int] = None
    #: Whether it takes several images at once.
    batches: bool = False
    uses: Tuple[str, ...] = ()
    channels: int = 3
    #: From how many and a seed to what ``prepare`` takes, for the reference and for a calibration.
    images: Callable[[int, int], Sequence[Any]] = photographs
    #: How long its training takes; empty if its weights are only seeded.
    training: str = ""
    #: From its outputs to the task's answer; what is no classifier has another.
    finish: Finish = most_probable_classes
    #: Which of its module's networks it is.
    variant: str = ""
    #: classification, detection, segmentation, pose or action.
    task: str = ""
    #: The resolution that it was published for.
    native: Resolution = 224
    smallest: int = SMALLEST
    #: Images of a clip, for a network of clips: its input is [batch, channels, frames, height, width].
    frames: Optional[int] = None
    #: Whether one ONNX file serves all resolutions; else each resolution has a file of its own.
    free_sizes: bool = True
    #: Whose definition it is, with version and licence.
    source: str = ""
    #: Packages on PyPI that it is built with, beside torch.
    libraries: Tuple[str, ...] = ()
    #: What it is where the name does not say it.
    description: str = ""
    #: In place of its own number of classes.
    classes: Optional[int] = None
    #: Paper -> what it prints of the network.
    published: Mapping[str, Printed] = field(default_factory=dict)

    def shape(self, resolution: Resolution, batch: int = 1) -> Tuple[int, ...]:
        """Of its one input, ``images``."""
        clip = () if self.frames is None else (self.frames,)
        return (batch, self.channels, *clip, *sides(resolution))

    def postprocess(self, resolution: Resolution, photo_shape: Shape) -> Callable[[Sequence[Any]], Any]:
        """From outputs alone to the answer for a photograph of that shape (height, width, …)."""
        return partial(self.finish, resolution=resolution, photo_shape=photo_shape)

    def refuses(self, resolution: Resolution, batch: int = 1) -> Optional[str]:
        """Why it cannot be built so, or ``None``."""
        if self.only is not None:
            if sides(resolution) != (self.only, self.only):
                return f"the resolution must be {self.only}, not {label(resolution)}"
        elif any(side % self.multiple_of for side in sides(resolution)) or min(sides(resolution)) <= 0:
            return f"the resolution must be a multiple of {self.multiple_of}, not {label(resolution)}"
        elif min(sides(resolution)) < self.smallest:
            return f"the resolution must be at least {self.smallest}, not {label(resolution)}"
        if batch < 1 or (batch > 1 and not self.batches):
            return f"it takes one image at a time, not {batch}"
        return None

    def traced_at(self, resolution: Resolution) -> Resolution:
        """The resolution that the export for ``resolution`` is traced at."""
        if self.only is not None:
            return self.only
        if not self.free_sizes:
            return resolution
        return -(-max(TRACED, self.smallest) // self.multiple_of) * self.multiple_of

    def architecture(self) -> Any:
        """The torch module as torch initialises it. Needs torch."""
        return self._call("architecture")

    def build(self) -> Any:
        """The torch module in evaluation mode, with its weights: the user's where there are any. Needs torch."""
        if given_weights.file_of(self.name) is not None:
            return given_weights.load(self.name, self.architecture)
        return self._call("network")

    def _call(self, function: str) -> Any:
        made = getattr(import_module(f"models.{self.module}"), function)
        network = made(self.variant) if self.variant else made()
        return network if self.classes is None else import_module("models.heads").with_classes(network, self.classes)

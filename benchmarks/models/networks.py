"""The networks of the experiments: how each is called, what it takes and gives, and what its weights depend on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, List, Optional, Sequence, Tuple

from labelled import digits, shapes
from tasks.classification import crop
from tasks.detection import SHAPES, YOLOV3, YOLOV3_TINY, letterbox
from tasks.finishing import (
    Finish,
    Shape,
    most_probable_classes,
    one_pose,
    pixel_classes,
    ssd_detections,
    yolo_detections,
)
from tasks.images import photographs
from tasks.scaling import squeeze
from tasks.sizes import Resolution, label, sides
from tasks.ssd_boxes import SSD300, SSD_MOBILENET

from pytest_edgeperf import FrameworkError


@dataclass(frozen=True)
class Network:
    """A network's file among these, and how it is fed: ``prepare(image, resolution)`` makes its input.

    Outputs called ``stride_…`` grow with the resolution. ``reference_inputs`` are kept per resolution. ``uses`` names
    the other files of ``benchmarks`` that its weights and outputs depend on, beside those that every export does.
    """

    name: str
    #: Its module in ``models``.
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

    def shape(self, resolution: Resolution, batch: int = 1) -> Tuple[int, int, int, int]:
        """Of its one input, ``images``."""
        return (batch, self.channels, *sides(resolution))

    def postprocess(self, resolution: Resolution, photo_shape: Shape) -> Callable[[Sequence[Any]], Any]:
        """From outputs alone to the answer for a photograph of that shape (height, width, …)."""
        return partial(self.finish, resolution=resolution, photo_shape=photo_shape)

    def refuses(self, resolution: Resolution, batch: int = 1) -> Optional[str]:
        """Why it cannot be built so, or ``None``."""
        if self.only is not None:
            if sides(resolution) != (self.only, self.only):
                return f"the resolution must be {self.only}, not {label(resolution)}"
        elif any(side < SMALLEST or side % self.multiple_of for side in sides(resolution)):
            return f"the resolution must be a multiple of {self.multiple_of}, not {label(resolution)}"
        if batch < 1 or (batch > 1 and not self.batches):
            return f"it takes one image at a time, not {batch}"
        return None


#: What the detectors of that kind share.
SSD = ("tasks/scaling", "models/ssd", "tasks/ssd_boxes")
#: No side is shorter.
SMALLEST = 32
NETWORKS = {
    network.name: network
    for network in (
        Network(
            "deeplabv3-mobilenetv2",
            "deeplabv3",
            ("stride_16",),
            squeeze,
            multiple_of=1,
            uses=("models/mobilenetv2", "tasks/scaling", "tasks/segmentation"),
            finish=pixel_classes,
        ),
        Network(
            "digits-cnn",
            "digits_cnn",
            ("logits",),
            digits.as_input,
            only=8,
            uses=("models/training", "labelled/digits"),
            channels=1,
            images=digits.images,
            training="some seconds",
        ),
        Network("mobilenetv2", "mobilenetv2", ("logits",), crop),
        Network(
            "posenet",
            "posenet",
            ("stride_16_heatmaps", "stride_16_offsets", "stride_16_forward", "stride_16_backward"),
            squeeze,
            multiple_of=1,
            uses=("tasks/pose", "tasks/scaling"),
            finish=one_pose,
        ),
        Network("resnet18", "resnet", ("logits",), crop),
        Network(
            "shapes-detector",
            "shapes_detector",
            ("stride_8",),
            letterbox,
            uses=(
                "models/training",
                "tasks/images",
                "tasks/detection",
                "tasks/proportions",
                "labelled/detection",
                "labelled/shapes",
            ),
            images=shapes.photographs,
            training="a minute or two on a desktop's core, longer on a small device",
            finish=yolo_detections(SHAPES),
        ),
        Network(
            "ssd300",
            "ssd300",
            ("locations", "classes"),
            squeeze,
            only=300,
            batches=True,
            uses=SSD,
            finish=ssd_detections(SSD300),
        ),
        Network(
            "ssd-mobilenetv2",
            "ssd_mobilenetv2",
            ("locations", "classes"),
            squeeze,
            only=300,
            batches=True,
            uses=(*SSD, "models/mobilenetv2"),
            finish=ssd_detections(SSD_MOBILENET),
        ),
        # one input and its outputs are 15 MB at 672 pixels
        Network(
            "yolov3",
            "yolov3",
            ("stride_32", "stride_16", "stride_8"),
            letterbox,
            reference_inputs=1,
            finish=yolo_detections(YOLOV3),
        ),
        Network(
            "yolov3-tiny",
            "yolov3_tiny",
            ("stride_32", "stride_16"),
            letterbox,
            finish=yolo_detections(YOLOV3_TINY),
        ),
    )
}


def names() -> List[str]:
    """The names of all networks."""
    return sorted(NETWORKS)


def known(name: str) -> Network:
    """The network of that name.

    Raises:
        FrameworkError: there is none; the message names them.
    """
    if name not in NETWORKS:
        raise FrameworkError(f"no network is called {name!r}; known: {', '.join(names())}")
    return NETWORKS[name]

"""A detector that the user names: an ONNX file of YOLOv3 or YOLOv3-tiny with raw heads, trained for some categories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, List, Sequence, Tuple

import numpy as np
from labelled.detection import LabelledImage
from tasks.detection import YOLOV3, YOLOV3_TINY, Detections, Head, detect, letterbox

from pytest_edgeperf import Engine, Model, TensorSpec

#: Average precision also needs the doubtful detections.
LOWEST_CONFIDENCE = 0.01
OVERLAP = 0.5
#: Of x, y, width, height and objectness.
BOX = 5


@dataclass(frozen=True)
class GivenDetector:
    """A file, the name of its input, and the heads that its outputs are of, coarse first."""

    path: str
    input_name: str
    heads: Tuple[Head, ...]

    def model(self, resolution: Tuple[int, int]) -> Model:
        """For an input of (height, width); a file with a fixed size has one of them only."""
        return Model(
            "given-detector",
            {"onnx": partial(str, self.path)},
            (TensorSpec(self.input_name, (1, 3, *resolution)),),
        )

    def detections_of(
        self, engine: Engine, images: Sequence[LabelledImage], resolution: Tuple[int, int], categories: int
    ) -> List[Detections]:
        """What it finds on each photograph, the doubtful ones too.

        Raises:
            ValueError: it was trained for another number of categories.
        """
        return [
            detect(
                self._checked(engine.infer(letterbox(image.read(), resolution)), categories),
                self.heads,
                resolution,
                (image.height, image.width),
                LOWEST_CONFIDENCE,
                OVERLAP,
            )
            for image in images
        ]

    def _checked(self, outputs: Sequence[Any], categories: int) -> Sequence[Any]:
        expected = len(self.heads[0].anchors) * (BOX + categories)
        channels = [int(np.shape(output)[1]) for output in outputs]
        if any(number != expected for number in channels):
            raise ValueError(
                f"--detector {self.path}: its heads have {channels} channels; for the {categories} categories of "
                f"--data they must have {expected}"
            )
        return outputs


def given_detector(path: str) -> GivenDetector:
    """Read what the file says of its input and outputs.

    Raises:
        ValueError: it is not an ONNX file, or does not have two or three outputs; the message names it.
        ModuleNotFoundError: onnx is not installed.
    """
    import onnx

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf's own kinds of errors differ from release to release
        raise ValueError(f"--detector {path}: is not an ONNX file ({type(error).__name__}: {error})") from None
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in weights]
    heads = {len(YOLOV3): YOLOV3, len(YOLOV3_TINY): YOLOV3_TINY}.get(len(graph.output))
    if heads is None or len(inputs) != 1:
        raise ValueError(
            f"--detector {path}: has {len(inputs)} inputs and {len(graph.output)} outputs; it must have one input, and "
            "the raw heads of YOLOv3 (three) or YOLOv3-tiny (two) as outputs, coarse first"
        )
    return GivenDetector(path, inputs[0], heads)

"""PyTorch's detectors with the YOLO layer inside, whose predictions stay where they were computed. Needs torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Sequence, Tuple

import torch
from tasks.detection import Head
from tasks.yolo_tensors import yolo_layer
from torch import nn

from pytest_edgeperf import Engine

if TYPE_CHECKING:
    from pytest_edgeperf import EngineDescription

TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class WithYoloLayer(nn.Module):
    """A detector and the decoding of its heads: one image to predictions [boxes, 5 + classes]."""

    def __init__(self, detector: nn.Module, heads: Sequence[Head]) -> None:
        super().__init__()
        self.detector = detector
        self._heads = tuple(heads)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[1, 3, h, w] to [boxes, 5 + classes]."""
        return yolo_layer(self.detector(images), self._heads)


class OnDevice(Engine):
    """A module on a processor of PyTorch's; ``infer`` copies arrays there and leaves its output there.

    With ``waits=False`` an inference is over when Python is through with it. A GPU works on then, and what looks at the
    output first is charged with the rest of the work.
    """

    def __init__(self, loaded: Engine, module: nn.Module, device: str, *, waits: bool) -> None:
        """Take the place of an engine of the same module, and close it.

        Args:
            loaded: what the framework made of the module without the YOLO layer.
            module: what is called.
            device: ``cpu`` or ``cuda``.
            waits: whether an inference ends with the device's work.
        """
        # its output is no array that could be compared with a reference
        super().__init__(replace(loaded.configuration, model=replace(loaded.model, reference=None)))
        self._description = loaded.describe()
        loaded.close()
        self._type = TYPES[self.precision]
        self._module = module.to(device=device, dtype=self._type).eval()
        self._device = device
        self._waits = waits and device != "cpu"

    def infer(self, *arrays: Any) -> Tuple[Any, ...]:
        """The module's output for arrays, as a tensor on the device."""
        with torch.inference_mode():
            tensors = [torch.from_numpy(array).to(device=self._device, dtype=self._type) for array in arrays]
            return (self._module(*tensors),)

    def synchronise(self) -> None:
        """Wait for the device, unless that is what is left out."""
        if self._waits:
            torch.cuda.synchronize()

    def describe(self) -> EngineDescription:
        """What the framework gave; ``waits`` is whether an inference ends with the device's work."""
        given = self._description
        return replace(given, details={**given.details, "yolo_layer": "inside", "waits": self._waits})

"""A small detector for the drawn shapes in ``labelled.shapes``, trained in about a minute. Needs torch.

One head of YOLOv3's form, so that ``tasks.detection`` decodes it. It sees inputs of all three proportions while it is
trained, letterboxed and mirrored.
"""

from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

import numpy as np
import torch
from labelled import shapes
from labelled.detection import LabelledImage
from tasks.detection import SHAPES, Frame, letterbox
from tasks.proportions import RATIOS, input_size
from torch import nn
from torch.nn import functional

from models import training
from models.weights import seeded

SEED = 6
LONGER_SIDE = 160
STEPS = 1000
BATCH = 8
LEARNING_RATE = 0.012
#: Least overlap of an object's size with an anchor's that is to find it, besides the best.
LEAST_FIT = 0.4
#: Of an anchor before training: few cells have an object.
RARELY = 0.01
#: Weights of the loss of boxes and of classes against that of objectness.
BOX_WEIGHT, CLASS_WEIGHT = 3.0, 1.0
LARGEST_STRETCH = 4.0

(HEAD,) = SHAPES
PER_ANCHOR = 5 + len(shapes.CATEGORIES)


class _Convolution(nn.Sequential):
    def __init__(self, given: int, channels: int, size: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(given, channels, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )


class ShapesDetector(nn.Module):
    """Convolutions down to a stride of 8, what a stride of 16 sees around them, and one head."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            _Convolution(3, 16, stride=2),
            _Convolution(16, 32, stride=2),
            _Convolution(32, 32),
            _Convolution(32, 64, stride=2),
            _Convolution(64, 64),
        )
        self.coarse = nn.Sequential(
            _Convolution(64, 96, stride=2),
            _Convolution(96, 96),
            _Convolution(96, 64, 1),
            nn.Upsample(scale_factor=2, mode="nearest"),
        )
        self.head = nn.Sequential(
            _Convolution(128, 64, 1), _Convolution(64, 64), nn.Conv2d(64, len(HEAD.anchors) * PER_ANCHOR, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The raw head [n, 30, h / 8, w / 8] of images [n, 3, h, w] in 0..1."""
        fine = self.fine(x)
        return self.head(torch.cat([fine, self.coarse(fine)], dim=1))


def architecture() -> ShapesDetector:
    """The network as torch initialises it, but for the objectness, which is rare."""
    made = ShapesDetector()
    bias = made.head[-1].bias
    with torch.no_grad():
        bias.reshape(-1, PER_ANCHOR)[:, 4] = float(np.log(RARELY / (1 - RARELY)))
    return made


def train(steps: int = STEPS) -> ShapesDetector:
    """The network fitted to the training photographs, in evaluation mode: the same for a seed and a version of torch.

    The loss is YOLOv3's with two changes of its successors: the box by its generalised overlap (Rezatofighi et al.,
    CVPR 2019), and an objectness that is to be the box's overlap, so that scores also rank by how well a box fits.
    """
    with seeded(SEED):
        made = architecture().train().to(memory_format=torch.channels_last)
        optimiser = torch.optim.AdamW(made.parameters(), weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.15)
        for inputs, truths in batches(steps):
            optimiser.zero_grad()
            loss(made(inputs.to(memory_format=torch.channels_last)), truths).backward()
            optimiser.step()
            schedule.step()
    return made.eval().to(memory_format=torch.contiguous_format)


def network() -> ShapesDetector:
    """The trained network in evaluation mode; trained now, in another process, where the cache has no weights."""
    return training.filled(architecture(), "shapes-detector").eval()


def loss(output: torch.Tensor, truths: torch.Tensor) -> torch.Tensor:
    """Of the raw head [n, 30, rows, columns] of a batch, per object.

    Args:
        output: as :meth:`ShapesDetector.forward` gives it.
        truths: [m, 6]: place in the batch, class, and centre x and y, width and height in input pixels.
    """
    cells = output.reshape(len(output), len(HEAD.anchors), PER_ANCHOR, *output.shape[2:])
    assigned, anchor = assigned_anchors(truths)
    image, class_ = assigned[:, 0].long(), assigned[:, 1].long()
    column, row = (assigned[:, 2] / HEAD.stride).long(), (assigned[:, 3] / HEAD.stride).long()
    raw = cells[image, anchor, :, row, column]
    centres = (torch.sigmoid(raw[:, :2]) + torch.stack([column, row], dim=1)) * HEAD.stride
    sizes = raw[:, 2:4].clamp(-LARGEST_STRETCH, LARGEST_STRETCH).exp() * torch.tensor(HEAD.anchors)[anchor]
    overlap, generalised = overlaps(torch.cat([centres, sizes], dim=1), assigned[:, 2:])
    objectness = torch.zeros_like(cells[:, :, 4])
    objectness[image, anchor, row, column] = overlap.detach()
    count = max(1, len(assigned))
    binary = functional.binary_cross_entropy_with_logits
    wrong_objectness = binary(cells[:, :, 4], objectness, reduction="sum")
    wrong_classes = binary(raw[:, 5:], functional.one_hot(class_, PER_ANCHOR - 5).float(), reduction="sum")
    return (wrong_objectness + BOX_WEIGHT * (1 - generalised).sum() + CLASS_WEIGHT * wrong_classes) / count


def assigned_anchors(truths: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Every truth once for each anchor that is to find it, and that anchor's index."""
    sizes, anchors = truths[:, None, 4:], torch.tensor(HEAD.anchors)[None].float()
    shared = torch.minimum(sizes, anchors).prod(dim=2)
    fit = shared / (sizes.prod(dim=2) + anchors.prod(dim=2) - shared)
    wanted = (fit > LEAST_FIT) | (fit == fit.amax(dim=1, keepdim=True))
    truth, anchor = wanted.nonzero(as_tuple=True)
    return truths[truth], anchor


def overlaps(boxes: torch.Tensor, others: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Intersection over union of boxes [n, 4] (centre, size) with others, each with its own, and the generalised."""
    least, most = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    other_least, other_most = others[:, :2] - others[:, 2:] / 2, others[:, :2] + others[:, 2:] / 2
    shared = (torch.minimum(most, other_most) - torch.maximum(least, other_least)).clamp(min=0).prod(dim=1)
    union = boxes[:, 2:].prod(dim=1) + others[:, 2:].prod(dim=1) - shared
    around = (torch.maximum(most, other_most) - torch.minimum(least, other_least)).prod(dim=1)
    overlap = shared / union
    return overlap, overlap - (around - union) / around


def batches(steps: int) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
    """Inputs [BATCH, 3, h, w] of one of the proportions and their truths, round and round through the photographs."""
    photographs = shapes.training().images
    drawn: Dict[int, np.ndarray] = {}
    kinds = [input_size(LONGER_SIDE, proportions) for proportions in RATIOS]
    waiting: List[int] = []
    for step in range(steps):
        if len(waiting) < BATCH:
            waiting += torch.randperm(len(photographs)).tolist()
        chosen, waiting = waiting[:BATCH], waiting[BATCH:]
        height, width = kinds[step % len(kinds)]
        # drawing a photograph takes as long as learning from it; all of them are 200 MB
        drawn.update({index: photographs[index].read() for index in chosen if index not in drawn})
        pairs = [example(photographs[index], drawn[index], (height, width)) for index in chosen]
        inputs = torch.from_numpy(np.concatenate([array for array, _ in pairs]))
        truths = [np.insert(truth, 0, place, axis=1) for place, (_, truth) in enumerate(pairs)]
        together = torch.from_numpy(np.concatenate(truths).astype(np.float32))
        along, down = torch.rand(2) < 0.5
        if along:
            inputs, together[:, 2] = inputs.flip(3), width - together[:, 2]
        if down:
            inputs, together[:, 3] = inputs.flip(2), height - together[:, 3]
        yield inputs, together


def example(image: LabelledImage, photo: np.ndarray, resolution: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """The input [1, 3, h, w], and [n, 5]: class, and centre and size in input pixels."""
    boxes = Frame.fit(image.height, image.width, resolution).to_input(image.boxes)
    centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return letterbox(photo, resolution), np.column_stack([image.classes, centres, sizes])

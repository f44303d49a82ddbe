"""Drawn shapes on cluttered, noisy photographs with their exact boxes, so that accuracy can be measured anywhere.

Photographs of 4:3 and of 16:9 take turns, as in VisDrone (Zhu et al., "Detection and tracking meet drones challenge",
2021). Everything follows from a photograph's number: its labels are made with the set, its pixels when they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Iterator, List, Sequence, Tuple

import numpy as np
from tasks.detection import SHAPES, Detections, detect, letterbox
from tasks.images import resize
from tasks.sizes import Resolution

from labelled.detection import LabelledImage, LabelledSet
from pytest_edgeperf import Engine

CATEGORIES = ("disc", "ring", "rectangle", "cross", "triangle")
DISC, RING, RECTANGLE, CROSS, TRIANGLE = range(len(CATEGORIES))
#: Proportions -> height and width of the photographs of that kind.
SIZES = {"4:3": (240, 320), "16:9": (180, 320)}
#: The longer side of an object's upright box before it is turned, in pixels: all sizes as often on a log scale.
SMALLEST, LARGEST = 14.0, 72.0
MOST_OBJECTS = 9
#: Of the smaller one's box that another object may share.
MOST_SHARED = 0.3
ATTEMPTS = 20
#: Of an object against what is around it, in grey levels of each channel.
CONTRAST = (30.0, 90.0)
NOISE = (4.0, 16.0)
#: Of a ring's hole to the ring; of a cross's arm to the cross.
HOLE, ARM = 0.5, 0.32
#: Average precision also needs the doubtful detections.
LOWEST_CONFIDENCE = 0.01
OVERLAP = 0.55
#: Part of the set -> the seed of all that is in it, and how many photographs it has.
TRAINING, HELD_OUT = (1, 960), (2, 300)

Array = np.ndarray


@dataclass(frozen=True)
class Shape:
    """An object on a photograph, in its pixels; ``half`` is half its longer side, ``angle`` in radians.

    ``aspect`` is a rectangle's shorter side to its longer one.
    """

    kind: int
    centre_x: float
    centre_y: float
    half: float
    aspect: float
    angle: float

    def box(self) -> Tuple[float, float, float, float]:
        """The smallest upright box around it: x1, y1, x2, y2."""
        along, down = self._extent()
        return (self.centre_x + along[0], self.centre_y + down[0], self.centre_x + along[1], self.centre_y + down[1])

    def area(self) -> float:
        """Of the shape itself, in square pixels."""
        square = self.half**2
        arm = ARM
        return {
            DISC: np.pi * square,
            RING: np.pi * square * (1 - HOLE**2),
            RECTANGLE: 4 * square * self.aspect,
            CROSS: 4 * square * (2 * arm - arm**2),
            TRIANGLE: 3 * np.sqrt(3) / 4 * square,
        }[self.kind]

    def distance(self, x: Array, y: Array) -> Array:
        """From points to its edge, in pixels: negative inside; near corners an underestimate."""
        x, y = x - self.centre_x, y - self.centre_y
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        along, across = np.abs(x * cosine + y * sine), np.abs(y * cosine - x * sine)
        if self.kind == DISC:
            return np.hypot(x, y) - self.half
        if self.kind == RING:
            return np.abs(np.hypot(x, y) - self.half * (1 + HOLE) / 2) - self.half * (1 - HOLE) / 2
        if self.kind == RECTANGLE:
            return np.maximum(along - self.half, across - self.half * self.aspect)
        if self.kind == CROSS:
            arm = self.half * ARM
            return np.minimum(np.maximum(along - self.half, across - arm), np.maximum(across - self.half, along - arm))
        normals = self.angle + np.pi * np.array([1, 3, 5]) / 3
        return np.max([x * np.cos(normal) + y * np.sin(normal) for normal in normals], axis=0) - self.half / 2

    def _extent(self) -> Tuple[Tuple[float, float], Tuple[float, float]]:
        if self.kind in (DISC, RING):
            return (-self.half, self.half), (-self.half, self.half)
        if self.kind == TRIANGLE:
            corners = self.half * np.exp(1j * (self.angle + 2 * np.pi * np.arange(3) / 3))
        else:
            sides = [(1, self.aspect)] if self.kind == RECTANGLE else [(1, ARM), (ARM, 1)]
            points = [a * along + b * across * 1j for along, across in sides for a in (-1, 1) for b in (-1, 1)]
            corners = self.half * np.array(points) * np.exp(1j * self.angle)
        return (
            (float(corners.real.min()), float(corners.real.max())),
            (float(corners.imag.min()), float(corners.imag.max())),
        )


@lru_cache(maxsize=1)
def training() -> LabelledSet:
    """The photographs that a detector may be fitted to."""
    return _part("training", *TRAINING)


@lru_cache(maxsize=1)
def held_out() -> LabelledSet:
    """The 300 photographs that no detector here has seen, by which it is judged: half 4:3, half 16:9."""
    return _part("held-out", *HELD_OUT)


def photographs(count: int, seed: int) -> List[Array]:
    """``count`` different training photographs, uint8 [h, w, 3], the same for a seed."""
    images = training().images
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    return [images[index].read() for index in chosen]


def detections_of(engine: Engine, images: Sequence[LabelledImage], resolution: Resolution) -> List[Detections]:
    """What the shapes' detector, loaded for ``resolution``, finds on each photograph, the doubtful ones too."""
    return [
        detect(
            engine.infer(letterbox(image.read(), resolution)),
            SHAPES,
            resolution,
            (image.height, image.width),
            LOWEST_CONFIDENCE,
            OVERLAP,
        )
        for image in images
    ]


def shapes_of(seed: int, number: int) -> List[Shape]:
    """The objects of a photograph, in the order in which they are drawn: whole, later ones partly over earlier ones."""
    generator = np.random.default_rng([seed, number, 0])
    height, width = size_of(number)
    shapes: List[Shape] = []
    for _ in range(int(generator.integers(1, MOST_OBJECTS + 1))):
        for _ in range(ATTEMPTS):
            shape = _candidate(generator, height, width)
            if _fits(shape, shapes, height, width):
                shapes.append(shape)
                break
    return shapes


def draw(seed: int, number: int, shapes: Sequence[Shape]) -> Array:
    """The photograph of that number with the shapes on it: uint8 [h, w, 3]."""
    generator = np.random.default_rng([seed, number, 1])
    canvas = _background(generator, *size_of(number))
    _scratch(generator, canvas)
    for shape in shapes:
        put(generator, canvas, shape)
    canvas += generator.standard_normal(canvas.shape, np.float32) * np.float32(generator.uniform(*NOISE))
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _part(name: str, seed: int, count: int) -> LabelledSet:
    return LabelledSet(tuple(_image(name, seed, number) for number in range(count)), CATEGORIES)


def _image(name: str, seed: int, number: int) -> LabelledImage:
    shapes = shapes_of(seed, number)
    return LabelledImage(
        f"shapes-{name}-{number:04d}",
        *size_of(number),
        boxes=np.array([shape.box() for shape in shapes]).reshape(-1, 4),
        classes=np.array([shape.kind for shape in shapes], np.int64),
        crowd=np.zeros(len(shapes), bool),
        areas=np.array([shape.area() for shape in shapes], np.float64),
        read=partial(draw, seed, number, shapes),
    )


def size_of(number: int) -> Tuple[int, int]:
    """Height and width of the photograph of that number."""
    return list(SIZES.values())[number % len(SIZES)]


def _candidate(generator: np.random.Generator, height: int, width: int) -> Shape:
    half = float(np.exp(generator.uniform(np.log(SMALLEST), np.log(LARGEST)))) / 2
    kind = int(generator.integers(len(CATEGORIES)))
    x, y, turn = generator.uniform(size=3)
    return Shape(kind, x * width, y * height, half, float(generator.uniform(0.45, 1)), turn * 2 * np.pi)


def _fits(shape: Shape, others: Sequence[Shape], height: int, width: int) -> bool:
    left, top, right, bottom = shape.box()
    if left < 0 or top < 0 or right > width or bottom > height:
        return False
    for other in others:
        box = other.box()
        along = min(right, box[2]) - max(left, box[0])
        down = min(bottom, box[3]) - max(top, box[1])
        smaller = min((right - left) * (bottom - top), (box[2] - box[0]) * (box[3] - box[1]))
        if along > 0 and down > 0 and along * down > MOST_SHARED * smaller:
            return False
    return True


def _background(generator: np.random.Generator, height: int, width: int) -> Array:
    texture = generator.uniform(88, 168, (1, 1, 3)).astype(np.float32)
    for cells, strength in ((3, 45), (9, 25), (40, 14)):
        rows = cells * 3 // 4
        texture = resize(texture, rows, cells)
        texture += generator.uniform(-strength, strength, texture.shape).astype(np.float32)
    return resize(texture, height, width)


def _scratch(generator: np.random.Generator, canvas: Array) -> None:
    """Strokes that are no object."""
    height, width = canvas.shape[:2]
    for _ in range(int(generator.integers(6, 14))):
        start = generator.uniform((0, 0), (width, height))
        end = start + generator.uniform(-50, 50, 2)
        half_thickness = generator.uniform(0.7, 3)
        lower, upper = np.minimum(start, end) - 4, np.maximum(start, end) + 4
        for rows, columns, x, y in _cells(canvas, (*lower, *upper)):
            direction = end - start
            share = ((x - start[0]) * direction[0] + (y - start[1]) * direction[1]) / (direction @ direction + 1e-9)
            share = share.clip(0, 1)
            away = np.hypot(x - start[0] - share * direction[0], y - start[1] - share * direction[1])
            _blend(generator, canvas[rows, columns], away - half_thickness)


def put(generator: np.random.Generator, canvas: Array, shape: Shape) -> None:
    """Draw a shape on a float32 [h, w, 3] photograph, in a colour that stands out from what is around it."""
    for rows, columns, x, y in _cells(canvas, shape.box()):
        _blend(generator, canvas[rows, columns], shape.distance(x, y))


def _cells(canvas: Array, box: Sequence[float]) -> Iterator[Tuple[slice, slice, Array, Array]]:
    """The rows and columns of the pixels that a box touches, with their centres; nothing where there are none."""
    height, width = canvas.shape[:2]
    left, top = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    right, bottom = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if left < right and top < bottom:
        x, y = np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5
        yield slice(top, bottom), slice(left, right), x[None, :], y[:, None]


def _blend(generator: np.random.Generator, region: Array, distance: Array) -> None:
    """Lay a colour that stands out from the region over it, where the distance to the edge says inside."""
    cover = (0.5 - distance).clip(0, 1).astype(np.float32)[..., None]
    around = region.mean(axis=(0, 1))
    step = generator.uniform(*CONTRAST, 3) * generator.choice([-1, 1], 3)
    colour = np.where((around + step < 0) | (around + step > 255), around - step, around + step)
    region += cover * (colour.astype(np.float32) - region)

"""Pose estimation around Lightweight OpenPose, in numpy: the keypoints of several people.

Cao et al., "Realtime multi-person 2D pose estimation using part affinity fields" (2017), as the program of Osokin,
"Real-time 2D multi-person pose estimation on CPU: Lightweight OpenPose" (2018, Apache-2.0), does it: maps enlarged four
times, peaks, limbs scored along the fields, and limbs joined to people. Enlarging is bilinear here, bicubic there.

A ``stride`` is how many input pixels a cell of the searched maps has. The network's is 8; at 32 the mean of four by
four cells is searched, so that only the post-processing has less to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Set, Tuple

import numpy as np

from tasks.detection import Frame
from tasks.images import resize
from tasks.sizes import Resolution, sides

Array = np.ndarray
#: Nose, neck, arms, legs, eyes and ears; the last of the maps is of the background.
KEYPOINTS = 18
MAPS = KEYPOINTS + 1
#: Limb -> the keypoints that it joins, and the first of its two fields (along, down).
LIMBS = (
    (1, 2, 12),
    (1, 5, 20),
    (2, 3, 14),
    (3, 4, 16),
    (5, 6, 22),
    (6, 7, 24),
    (1, 8, 0),
    (8, 9, 2),
    (9, 10, 4),
    (1, 11, 6),
    (11, 12, 8),
    (12, 13, 10),
    (1, 0, 28),
    (0, 14, 30),
    (14, 16, 34),
    (0, 15, 32),
    (15, 17, 36),
    (2, 16, 18),
    (5, 17, 26),
)
#: Those after which no person begins: from shoulders to ears.
CLOSING = 17
FIELDS = 2 * len(LIMBS)
NETWORK_STRIDE = 8
ENLARGED = 4
LOWEST_PEAK = 0.1
#: Peaks of a map that are no further apart are one, in cells of the enlarged map.
PEAK_DISTANCE = 6
POINTS_OF_LIMB = 10
LOWEST_AFFINITY = 0.05
#: More of a limb's points must be above the lowest affinity.
TOO_FEW_POINTS = 8
LEAST_KEYPOINTS = 3
LOWEST_MEAN_SCORE = 0.2
MEAN_GREY = 128
RANGE = 256
ABSENT = -1


@dataclass(frozen=True)
class Peaks:
    """Of one keypoint's map: positions [n, 2] (column, row) and scores [n]."""

    positions: Array
    scores: Array


@dataclass(frozen=True)
class People:
    """Keypoints [people, 18, 2] (x, y in the photograph's pixels, NaN where absent) and scores [people]."""

    points: Array
    scores: Array


def framed(photo: Array, resolution: Resolution) -> Array:
    """A uint8 [h, w, 3] photograph in its frame on grey: float32 [1, 3, height, width] in -0.5..0.5, blue first."""
    frame = Frame.fit(photo.shape[0], photo.shape[1], resolution)
    resized = resize(photo, frame.height, frame.width)
    canvas = np.zeros((1, 3, *sides(resolution)), np.float32)
    inside = canvas[0, :, frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
    inside[:] = (resized.transpose(2, 0, 1)[::-1] - np.float32(MEAN_GREY)) / np.float32(RANGE)
    return canvas


def find_people(
    outputs: Sequence[Array], resolution: Resolution, photo_shape: Tuple[int, ...], stride: int = NETWORK_STRIDE
) -> People:
    """The people on one photograph of (height, width, …) from heat maps [1, 19, h, w] and fields [1, 38, h, w]."""
    maps, fields = (enlarged(output[0], stride) for output in outputs)
    peaks = [find_peaks(maps[..., keypoint]) for keypoint in range(KEYPOINTS)]
    people, scores = join(peaks, fields)
    frame = Frame.fit(photo_shape[0], photo_shape[1], resolution)
    points = np.full((len(people), KEYPOINTS, 2), np.nan)
    for person, places in enumerate(people):
        for keypoint, place in enumerate(places):
            if place != ABSENT:
                points[person, keypoint] = (peaks[keypoint].positions[place] + 0.5) * stride / ENLARGED - 0.5
    on_photo = frame.to_photo(np.concatenate([points, points], axis=2).reshape(-1, 4))[:, :2]
    return People(on_photo.reshape(points.shape), np.array(scores))


def enlarged(maps: Array, stride: int) -> Array:
    """Maps [n, h, w] at the network's stride as [4 h', 4 w', n] of a stride.

    Raises:
        ValueError: the stride is no multiple of the network's, or the sides are no multiples of the stride.
    """
    factor, rest = divmod(stride, NETWORK_STRIDE)
    channels, height, width = maps.shape
    if rest or factor < 1 or height % factor or width % factor:
        raise ValueError(
            f"a stride of {stride} is not possible with {height}x{width} cells of {NETWORK_STRIDE} pixels: "
            f"take a multiple of {NETWORK_STRIDE} of which the input's sides are multiples"
        )
    if factor > 1:
        maps = maps.reshape(channels, height // factor, factor, width // factor, factor).mean(axis=(2, 4))
    rows, columns = maps.shape[1:]
    return resize(np.ascontiguousarray(maps.transpose(1, 2, 0)), ENLARGED * rows, ENLARGED * columns)


def find_peaks(heat: Array) -> Peaks:
    """Cells of a map [h, w] that are above their four neighbours and the least, the best of those that are close."""
    padded = np.pad(np.where(heat < LOWEST_PEAK, 0, heat), 1)
    centre = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    row, column = np.nonzero(np.logical_and.reduce([centre > neighbour for neighbour in neighbours]))
    order = np.argsort(-heat[row, column], kind="stable")
    positions = np.stack([column, row], axis=1)[order]
    kept: List[int] = []
    for index, position in enumerate(positions):
        if not kept or (((positions[kept] - position) ** 2).sum(axis=1) > PEAK_DISTANCE**2).all():
            kept.append(index)
    return Peaks(positions[kept].reshape(-1, 2), heat[row, column][order][kept])


def join(peaks: Sequence[Peaks], fields: Array) -> Tuple[List[List[int]], List[float]]:
    """People, each the place of its peak for every keypoint or :data:`ABSENT`, and their scores.

    A score is the sum of a person's peaks and limbs, over its number of keypoints.

    Args:
        peaks: of each keypoint.
        fields: [h, w, 38], as the peaks' maps.
    """
    people: List[List[int]] = []
    totals: List[float] = []
    for limb, (first, then, field) in enumerate(LIMBS):
        for begin, end, affinity in limbs_between(peaks[first], peaks[then], fields[..., field : field + 2]):
            owners = [index for index, person in enumerate(people) if person[first] == begin]
            if limb >= CLOSING:
                _close(people, totals, (first, begin), (then, end), affinity)
            elif owners:
                for index in owners:
                    people[index][then] = end
                    totals[index] += float(peaks[then].scores[end]) + affinity
            else:
                person = [ABSENT] * KEYPOINTS
                person[first], person[then] = begin, end
                people.append(person)
                totals.append(float(peaks[first].scores[begin] + peaks[then].scores[end]) + affinity)
    counts = [sum(place != ABSENT for place in person) for person in people]
    kept = [
        index
        for index, (total, count) in enumerate(zip(totals, counts))
        if count >= LEAST_KEYPOINTS and total / count >= LOWEST_MEAN_SCORE
    ]
    return [people[index] for index in kept], [totals[index] / counts[index] for index in kept]


def _close(
    people: List[List[int]], totals: List[float], first: Tuple[int, int], then: Tuple[int, int], affinity: float
) -> None:
    for index, person in enumerate(people):
        for (here, begin), (there, end) in ((first, then), (then, first)):
            if person[here] == begin and person[there] == ABSENT:
                person[there] = end
                totals[index] += affinity


def limbs_between(first: Peaks, then: Peaks, field: Array) -> List[Tuple[int, int, float]]:
    """Pairs of peaks with the mean of the field along the line between them, best first, each peak in one pair.

    A pair counts where more than 8 of 10 points on its line have an affinity above the lowest.
    """
    if not len(first.positions) or not len(then.positions):
        return []
    across = then.positions[None, :] - first.positions[:, None]
    lengths = np.sqrt((across**2).sum(axis=2, keepdims=True))
    share = np.arange(POINTS_OF_LIMB)[:, None, None, None] / (POINTS_OF_LIMB - 1)
    points = np.rint(first.positions[None, :, None] + share * across[None]).astype(np.int64)
    along = (field[points[..., 1], points[..., 0]] * (across / (lengths + 1e-6))).sum(axis=3)
    passing = along > LOWEST_AFFINITY
    counts = passing.sum(axis=0)
    affinities = (along * passing).sum(axis=0) / np.maximum(counts, 1)
    begin, end = np.nonzero(counts > TOO_FEW_POINTS)
    best = np.argsort(-affinities[begin, end], kind="stable")
    pairs: Dict[int, Tuple[int, float]] = {}
    taken: Set[int] = set()
    for here, there in zip(begin[best].tolist(), end[best].tolist()):
        if here not in pairs and there not in taken:
            taken.add(there)
            pairs[here] = there, float(affinities[here, there])
    return [(here, *of_pair) for here, of_pair in pairs.items()]

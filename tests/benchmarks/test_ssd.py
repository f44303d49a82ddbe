"""SSD's boxes: decoding and picking against the definition, four implementations of one thing, and the networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasks import ssd_boxes
from tasks.ssd_boxes import (
    CLASSES,
    CONFIDENCE,
    OVERLAP,
    SSD300,
    SSD_MOBILENET,
    Level,
    decode,
    default_boxes,
    pick,
    pick_in_loops,
)

#: Two small maps: 4 cells with 4 boxes each and 1 with 6.
SMALL = (Level(2, 150, 60, 120, (2,)), Level(1, 300, 180, 270, (2, 3)))
SHAPE = (480, 640)


def outputs_of(seed, images=1, levels=SMALL, background=2.0):
    generator = np.random.default_rng(seed)
    boxes = len(default_boxes(levels))
    locations = generator.normal(0, 2, (images, 4, boxes)).astype(np.float32)
    classes = generator.normal(0, 1.5, (images, CLASSES, boxes)).astype(np.float32)
    classes[:, 0] += background
    return [locations, classes]


def picked_by_definition(locations, logits, levels):
    """Score, class and box in the photograph of everything that stays, from the paper's formulas, one by one."""
    found = []
    by_class = {}
    for index, (x, y, w, h) in enumerate(default_boxes(levels).astype(float)):
        probabilities = np.exp(logits[:, index].astype(float))
        probabilities /= probabilities.sum()
        dx, dy, dw, dh = locations[:, index].astype(float)
        cx, cy, bw, bh = x + 0.1 * dx * w, y + 0.1 * dy * h, w * np.exp(0.2 * dw), h * np.exp(0.2 * dh)
        for class_ in range(1, CLASSES):
            if probabilities[class_] > CONFIDENCE:
                box = (cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2)
                by_class.setdefault(class_, []).append((probabilities[class_], box))
    for class_, candidates in by_class.items():
        kept = []
        for score, box in sorted(candidates, reverse=True)[:200]:
            if all(overlap(box, other) <= OVERLAP for _, other in kept):
                kept.append((score, box))
        found += [(score, class_, *box) for score, box in kept]
    rows = np.array(sorted(found, reverse=True)).reshape(-1, 6)
    rows[:, 2:] = rows[:, 2:].clip(0, 1) * [640, 480, 640, 480]
    return rows


def overlap(one, other):
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - width * height
    return width * height / union if union > 0 else 0.0


def rows_of(detections):
    return np.column_stack([detections.scores, detections.classes, detections.boxes])


@given(st.integers(0, 2**32 - 1), st.sampled_from([-4.0, 1.0, 3.0, 20.0]))
def test_both_ways_of_picking_are_the_definition(seed, background):
    outputs = outputs_of(seed, images=2, background=background)
    for way in (pick, pick_in_loops):
        found = way(outputs, SMALL, SHAPE)
        assert len(found) == 2
        for detections, locations, logits in zip(found, *outputs):
            expected = picked_by_definition(locations, logits, SMALL)
            np.testing.assert_allclose(rows_of(detections), expected, rtol=1e-3, atol=1e-2)


@given(st.integers(0, 2**32 - 1), st.sampled_from([-4.0, 1.0, 20.0]))
def test_tensors_give_what_arrays_give(seed, background):
    torch = pytest.importorskip("torch")
    from tasks import ssd_tensors

    outputs = outputs_of(seed, images=2, background=background)
    tensors = [torch.from_numpy(array) for array in outputs]
    for expected, *others in zip(
        pick(outputs, SMALL, SHAPE),
        ssd_tensors.pick(tensors, SMALL, SHAPE),
        ssd_tensors.pick_in_loops(tensors, SMALL, SHAPE),
    ):
        for found in others:
            np.testing.assert_allclose(rows_of(found), rows_of(expected), rtol=1e-3, atol=1e-2)


def test_only_the_best_of_a_class_are_looked_at(monkeypatch):
    monkeypatch.setattr(ssd_boxes, "BEST_OF_CLASS", 1)
    outputs = outputs_of(4, background=-4.0)
    for way in (pick, pick_in_loops):
        (found,) = way(outputs, SMALL, SHAPE)
        assert len(found.classes) > 5
        assert len(set(found.classes)) == len(found.classes)


@pytest.mark.parametrize(("levels", "boxes"), [(SSD300, 8732), (SSD_MOBILENET, 2278)], ids=["ssd300", "mobilenet"])
def test_default_boxes_lie_in_the_image_in_the_order_of_the_outputs(levels, boxes):
    found = default_boxes(levels)
    assert found.shape == (boxes, 4)
    assert (found >= 0).all()
    assert (found <= 1).all()
    cells = levels[0].cells
    np.testing.assert_allclose(found[1, 0] - found[0, 0], levels[0].step / 300, rtol=1e-5)
    np.testing.assert_allclose(found[cells, 1] - found[0, 1], levels[0].step / 300, rtol=1e-5)
    # the first map's boxes of the first shape come first, all square
    np.testing.assert_allclose(found[: cells**2, 2:], levels[0].size / 300, rtol=1e-5)


def test_locations_of_nought_are_the_default_boxes():
    logits = np.zeros((CLASSES, 22), np.float32)
    boxes, probabilities = decode(np.zeros((4, 22), np.float32), logits, SMALL)
    centres, sizes = default_boxes(SMALL)[:, :2], default_boxes(SMALL)[:, 2:]
    np.testing.assert_allclose(boxes, np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1), atol=1e-6)
    np.testing.assert_allclose(probabilities, 1 / CLASSES, rtol=1e-5)


def test_a_buffer_becomes_the_photographs_input():
    torch = pytest.importorskip("torch")
    from tasks import ssd_tensors
    from tasks.images import photograph
    from tasks.scaling import squeeze

    photo = photograph(5)
    buffer = np.concatenate([photo, np.full((480, 640, 1), 255, np.uint8)], axis=2).tobytes()
    image = ssd_tensors.image_tensor(buffer, 480, 640)
    assert torch.equal(image, torch.from_numpy(photo))
    batch = ssd_tensors.squeeze([image, image], "cpu")
    assert batch.shape == (2, 3, 300, 300)
    np.testing.assert_allclose(batch[1:].numpy(), squeeze(photo, 300), atol=1e-4)
    assert ssd_tensors.squeeze([image], "cpu", torch.float16).dtype == torch.float16

"""SSDLite320's default boxes and thresholds are torchvision's."""

from __future__ import annotations

import importlib.util
import inspect

import numpy as np
import pytest
from models import build
from models.networks import known
from tasks.ssdlite import CLASSES, CONFIDENCE, MOST, OVERLAP, SIDE, detect_lite, ssdlite_boxes

BOXES = 3234


def outputs_with(cells):
    """Outputs that have these boxes (place, class, margin over the background) at their defaults."""
    locations, logits = np.zeros((1, BOXES, 4), np.float32), np.zeros((1, BOXES, CLASSES), np.float32)
    logits[..., 0] = 20
    for place, class_, margin in cells:
        logits[0, place, class_] = 20 + margin
    return [locations, logits]


@pytest.fixture
def imported():
    """Imports a module of torchvision, which may lack its compiled operators."""
    require("torch", "torchvision")
    from models.torchvision_import import torchvision_module

    return torchvision_module


def require(*packages):
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")


@pytest.mark.long
def test_boxes_are_torchvisions(imported):
    import torch

    anchors = imported("torchvision.models.detection.anchor_utils")
    made = anchors.DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
    grids = [[cells, cells] for cells in (20, 10, 5, 3, 2, 1)]
    expected = made._grid_default_boxes(grids, [SIDE, SIDE], dtype=torch.float32).numpy()
    np.testing.assert_allclose(ssdlite_boxes(), expected, atol=1e-5)


def test_a_box_is_where_its_default_is():
    place = BOXES - 6
    found = detect_lite(outputs_with([(place, 17, 5)]), SIDE, (480, 640, 3))
    assert found.classes.tolist() == [17]
    np.testing.assert_allclose(found.boxes[0], [0.025 * 640, 0.025 * 480, 0.975 * 640, 0.975 * 480], rtol=1e-4)
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-5)), rel=1e-3)


def test_neighbours_suppress_each_other_within_a_class_only():
    # the shape 0.95 of the last cell, and the next, 0.97
    alone = detect_lite(outputs_with([(BOXES - 6, 3, 5), (BOXES - 5, 3, 4)]), SIDE, (100, 100))
    assert alone.scores.tolist() == [pytest.approx(1 / (1 + np.exp(-5)), rel=1e-3)]
    both = detect_lite(outputs_with([(BOXES - 6, 3, 5), (BOXES - 5, 4, 4)]), SIDE, (100, 100))
    assert both.classes.tolist() == [3, 4]


def test_no_more_than_the_best_are_kept():
    generator = np.random.default_rng(8)
    cells = [(place, int(generator.integers(1, CLASSES)), 1.0) for place in range(0, 2400, 6)]
    found = detect_lite(outputs_with(cells), SIDE, (300, 300))
    assert len(found.boxes) == MOST
    assert (found.scores > CONFIDENCE).all()


@pytest.mark.long
def test_thresholds_are_torchvisions_defaults(imported):
    source = inspect.getsource(imported("torchvision.models.detection.ssdlite").ssdlite320_mobilenet_v3_large)
    for name, value in (("score_thresh", CONFIDENCE), ("nms_thresh", OVERLAP), ("detections_per_img", MOST)):
        assert f'"{name}": {value}' in source
    assert f'"topk_candidates": {MOST}' in source


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "parameters", "multiply_accumulates"),
    [
        ("ssdlite320-mobilenetv3-large", 3_440_060, 0.583e9),
        ("lraspp-mobilenetv3-large", 3_221_538, 2.086e9),
        ("lightweight-openpose", 4_091_698, 4.30e9),
    ],
)
def test_a_librarys_network_has_its_size(name, parameters, multiply_accumulates):
    require("torch", "pytorchcv" if name == "lightweight-openpose" else "torchvision")
    counted = build(name, known(name).native).parameters
    assert counted["parameters"] == parameters
    assert counted["multiply_accumulates"] == pytest.approx(multiply_accumulates, rel=0.001)

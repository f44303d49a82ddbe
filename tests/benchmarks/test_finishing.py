"""What every network ends in: from raw outputs to its task's answer."""

from __future__ import annotations

import numpy as np
import pytest
from models.networks import NETWORKS, known
from tasks.detection import Detections
from tasks.images import HEIGHT, WIDTH
from tasks.pose import KEYPOINTS
from tasks.ssd_boxes import SSD_MOBILENET, default_boxes

PHOTO = (HEIGHT, WIDTH, 3)


def normal(*shape):
    return np.random.default_rng(4).normal(0, 2, shape).astype(np.float32)


def logits_of_boxes(count):
    """Of an SSD, few of which are above the background: suppression takes the square of their number."""
    logits = normal(count, 81, 2278)
    logits[:, 0] += 9
    return logits


def logits_of_lite_boxes():
    logits = normal(1, 3234, 91)
    logits[..., 0] += 14
    return logits


#: Network -> resolution and outputs of one inference.
OUTPUTS = {
    "mobilenetv2": (224, [normal(1, 1000)]),
    "deeplabv3-mobilenetv2": (257, [normal(1, 21, 17, 17)]),
    "posenet": (257, [normal(1, 17, 17, 17), normal(1, 34, 17, 17), normal(1, 32, 17, 17), normal(1, 32, 17, 17)]),
    "ssd-mobilenetv2": (300, [normal(1, 4, 2278), logits_of_boxes(1)]),
    "lightweight-openpose": ((64, 96), [normal(1, 19, 8, 12), normal(1, 38, 8, 12)]),
    "lraspp-mobilenetv3-large": ((96, 64), [normal(1, 21, 96, 64)]),
    "ssdlite320-mobilenetv3-large": (320, [normal(1, 3234, 4), logits_of_lite_boxes()]),
    "yolov2-tiny": ((96, 128), [normal(1, 425, 3, 4)]),
    "yolox-nano": ((96, 128), [normal(1, 85, 12, 16), normal(1, 85, 6, 8), normal(1, 85, 3, 4)]),
    "yolov3-tiny": ((96, 128), [normal(1, 255, 3, 4), normal(1, 255, 6, 8)]),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_answer_is_in_the_photographs_pixels(name):
    resolution, outputs = OUTPUTS[name]
    answer = known(name).postprocess(resolution, PHOTO)(outputs)
    if isinstance(answer, Detections):
        assert len(answer.boxes) == len(answer.scores) == len(answer.classes) > 0
        assert (answer.boxes >= 0).all()
        assert (answer.boxes <= [WIDTH, HEIGHT, WIDTH, HEIGHT]).all()
        assert (np.diff(answer.scores) <= 0).all()
    elif name == "posenet":
        assert answer.points.shape == (KEYPOINTS, 2)
    elif name.startswith("deeplab"):
        assert answer.shape == (257, 257)
    elif name.startswith("lraspp"):
        assert (answer == outputs[0][0].argmax(axis=0)).all()
    elif name == "lightweight-openpose":
        assert answer.points.shape == (len(answer.scores), 18, 2)
    else:
        classes, probabilities = answer
        assert classes[0] == outputs[0][0].argmax()
        assert len(probabilities) == 5


def test_the_first_of_a_batch_is_the_one_that_is_looked_at():
    locations, classes = normal(3, 4, len(default_boxes(SSD_MOBILENET))), logits_of_boxes(3)
    finish = known("ssd-mobilenetv2").postprocess(300, PHOTO)
    alone = finish([locations[:1], classes[:1]])
    np.testing.assert_array_equal(finish([locations, classes]).boxes, alone.boxes)


@pytest.mark.parametrize("classes", [2, 4, 5, 6])
def test_few_classes_are_all_sorted(classes):
    logits = normal(1, classes)
    best, probabilities = known("mobilenetv2").postprocess(224, PHOTO)([logits])
    assert best.tolist() == np.argsort(-logits[0]).tolist()[:5]
    everything = np.exp(logits[0]) / np.exp(logits[0]).sum()
    np.testing.assert_allclose(probabilities, everything[best], rtol=1e-5)


def test_only_networks_that_end_in_logits_are_classifiers():
    for network in NETWORKS.values():
        of_images = network.outputs == ("logits",) and network.frames is None
        assert (network.finish is known("mobilenetv2").finish) == of_images, network.name

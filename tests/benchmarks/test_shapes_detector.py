from __future__ import annotations

import numpy as np
import pytest

#: Networks are built and exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from labelled import shapes  # noqa: E402
from models import build, export, shapes_detector, training  # noqa: E402
from models.networks import known  # noqa: E402
from models.weights import seeded  # noqa: E402
from tasks.detection import SHAPES, Detections, detect, intersection_over_union  # noqa: E402
from tasks.proportions import input_size  # noqa: E402

from pytest_edgeperf import DetectionSet, average_precision  # noqa: E402
from pytest_edgeperf.frameworks import get  # noqa: E402
from tests.contract.whole import whole  # noqa: E402

NAME = "shapes-detector"
(HEAD,) = SHAPES
ROWS, COLUMNS = 12, 20


def weights_of(made):
    return {key: tensor.numpy().copy() for key, tensor in made.state_dict().items()}


def raw_for(truths, strength):
    """A raw head [1, 30, 12, 20] that finds every truth exactly, with each of its anchors."""
    found, anchors = shapes_detector.assigned_anchors(truths)
    cells = torch.full((1, len(HEAD.anchors), shapes_detector.PER_ANCHOR, ROWS, COLUMNS), -strength)
    for truth, anchor in zip(found, anchors):
        centre, size = truth[2:4] / HEAD.stride, truth[4:]
        column, row = centre.long().tolist()
        cell = cells[0, anchor, :, row, column]
        cell[:2] = torch.logit(centre - centre.floor())
        cell[2:4] = torch.log(size / torch.tensor(HEAD.anchors[anchor]))
        cell[4] = strength
        cell[5 + int(truth[1])] = strength
    return cells.flatten(1, 2)


@pytest.fixture
def truths():
    """Three objects of an input of 160 by 96 pixels: place in the batch, class, centre and size."""
    return torch.tensor([[0, 4, 21.0, 30.0, 8.0, 7.0], [0, 0, 90.0, 50.0, 30.0, 26.0], [0, 2, 130.5, 77.0, 16.0, 9.0]])


def test_the_loss_is_nothing_for_a_perfect_answer_and_grows_with_each_fault(truths):
    perfect = raw_for(truths, 20.0)
    assert shapes_detector.loss(perfect, truths).item() == pytest.approx(0, abs=1e-3)
    for channel in range(shapes_detector.PER_ANCHOR):
        worse = perfect.clone()
        cells = worse.reshape(1, len(HEAD.anchors), shapes_detector.PER_ANCHOR, ROWS, COLUMNS)
        cells[0, :, channel, 50 // HEAD.stride, 90 // HEAD.stride] += 1.0 if channel < 4 else 25.0
        faulty = shapes_detector.loss(worse, truths).item()
        # an answer that was already certain cannot be more so
        certain = channel == 5 + 0
        assert (faulty < 0.01) == certain


def test_what_the_loss_asks_for_is_what_decoding_finds(truths):
    raw = raw_for(truths, 20.0).numpy()
    found = detect([raw], SHAPES, (ROWS * 8, COLUMNS * 8), (ROWS * 8, COLUMNS * 8))
    order = np.argsort(found.boxes[:, 0])
    centres, sizes = truths[:, 2:4].numpy(), truths[:, 4:].numpy()
    np.testing.assert_allclose(found.boxes[order], np.hstack([centres - sizes / 2, centres + sizes / 2]), atol=1e-3)
    assert found.classes[order].tolist() == [4, 0, 2]


def test_overlaps_are_those_of_detection(truths):
    others = truths[:, 2:] + torch.tensor([2.0, -1.0, 3.0, 1.0])
    overlap, generalised = shapes_detector.overlaps(truths[:, 2:], others)
    for one, other, share in zip(truths[:, 2:].numpy(), others.numpy(), overlap.numpy()):
        corners = np.array([[*(b[:2] - b[2:] / 2), *(b[:2] + b[2:] / 2)] for b in (one, other)])
        assert share == pytest.approx(intersection_over_union(corners)[0, 1], rel=1e-5)
    assert (generalised <= overlap).all()
    apart = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[8.0, 0.0, 2.0, 2.0]])
    overlap, generalised = shapes_detector.overlaps(*apart)
    # around both is 10 by 2, of which 12 belong to neither
    assert (overlap.item(), generalised.item()) == (0, pytest.approx(-12 / 20))


def test_every_object_has_an_anchor_and_none_that_fits_badly(truths):
    found, anchors = shapes_detector.assigned_anchors(truths)
    assert {tuple(truth.tolist()) for truth in found} == {tuple(truth.tolist()) for truth in truths}
    assert anchors[found[:, 1] == 4].tolist() == [0]
    assert anchors[found[:, 1] == 0].tolist() == [2]


def test_batches_have_all_proportions_and_their_objects_where_the_input_has_them(one_thread):
    seen = set()
    with seeded(1):
        for inputs, truths in shapes_detector.batches(3):
            height, width = inputs.shape[2:]
            seen.add((height, width))
            assert truths[:, 0].max() < len(inputs) == shapes_detector.BATCH
            assert (truths[:, 2:4] - truths[:, 4:] / 2 > -0.5).all()
            assert (truths[:, 2] + truths[:, 4] / 2 < width + 0.5).all()
            assert (truths[:, 3] + truths[:, 5] / 2 < height + 0.5).all()
            assert 0 <= inputs.min() < inputs.max() <= 1
    assert seen == {input_size(160, proportions) for proportions in ("1:1", "4:3", "16:9")}


def test_mirroring_moves_the_objects_with_the_pixels(one_thread, monkeypatch):
    images = shapes.training().images[: shapes_detector.BATCH]
    plain = [shapes_detector.example(image, image.read(), (96, 160)) for image in images]
    monkeypatch.setattr(torch, "randperm", torch.arange)
    monkeypatch.setattr(shapes_detector, "RATIOS", {"16:9": (16, 9)})
    with seeded(3):
        inputs, truths = next(shapes_detector.batches(1))
    with seeded(3):
        along, down = (torch.rand(2) < 0.5).tolist()
    assert along or down
    flipped = [axis for axis, done in ((2, down), (3, along)) if done]
    np.testing.assert_array_equal(inputs.flip(flipped).numpy(), np.concatenate([one for one, _ in plain]))
    expected = np.concatenate([truth for _, truth in plain])
    expected[:, 1] = 160 - expected[:, 1] if along else expected[:, 1]
    expected[:, 2] = 96 - expected[:, 2] if down else expected[:, 2]
    np.testing.assert_allclose(truths[:, 1:].numpy(), expected, rtol=1e-5)


def test_a_few_steps_learn_and_give_the_same_weights_for_a_seed(one_thread):
    first, again = (weights_of(shapes_detector.train(steps=5)) for _ in range(2))
    for key, array in first.items():
        np.testing.assert_array_equal(again[key], array)
    with seeded(2):
        inputs, truths = next(shapes_detector.batches(1))
    fresh = shapes_detector.architecture().eval()
    learnt = shapes_detector.architecture().eval()
    learnt.load_state_dict({key: torch.from_numpy(array) for key, array in first.items()})
    with torch.inference_mode():
        before, after = (shapes_detector.loss(made.train()(inputs), truths).item() for made in (fresh, learnt))
    assert after < 0.95 * before


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A cache whose weights of the detector come from elsewhere than from training."""
    pytest.importorskip("onnx")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    with seeded(1):
        weights = weights_of(shapes_detector.architecture())
    with training.file_of(known(NAME)).open("wb") as stream:
        np.savez(stream, **weights)
    return weights


def planted_parameters(weights):
    return [array for key, array in weights.items() if not key.endswith(("mean", "var", "tracked"))]


def test_kept_weights_serve_every_resolution_and_runtime(planted, one_thread):
    resolutions = [input_size(160, proportions) for proportions in ("1:1", "16:9")]
    assert build(NAME, 160).parameters["parameters"] == sum(map(np.size, planted_parameters(planted)))
    for resolution in resolutions:
        assert export.export(known(NAME), resolution)
        model = build(NAME, resolution)
        assert model.inputs[0].shape == (1, 3, *resolution)
        (output,) = model.reference().outputs[0]
        assert output.shape == (1, 30, resolution[0] // 8, resolution[1] // 8)
        for framework in ("onnxruntime", "torch"):
            (found,) = get(framework).load(model).infer(*model.reference().inputs[0])
            np.testing.assert_allclose(found, output, atol=1e-4)
        assert len(model.calibration()) == 16
    files = {export.find(known(NAME), resolution).model for resolution in resolutions}
    assert len(files) == 1
    kept = weights_of(shapes_detector.network())
    assert all(np.array_equal(kept[key], array) for key, array in planted.items())


def average_precision_at_half(images, found):
    """At a least overlap of 0.5, each detection in turn with the object that it overlaps most, if that is free."""
    rows = []
    truths = np.zeros((len(shapes.CATEGORIES), len(images)), int)
    for place, (image, one) in enumerate(zip(images, found)):
        np.add.at(truths, (image.classes, place), 1)
        taken = np.zeros(len(image.classes), bool)
        for box, score, class_ in zip(one.boxes, one.scores, one.classes):
            overlaps = intersection_over_union(np.vstack([box, image.boxes]))[0, 1:]
            overlaps[taken | (image.classes != class_)] = 0
            best = int(overlaps.argmax())
            matched = overlaps[best] >= 0.5
            taken[best] |= matched
            rows.append((class_, -score, place, matched))
    rows.sort()
    category, _, place, matched = (np.array(column) for column in zip(*rows))
    none = np.zeros((1, len(rows)), bool)
    return average_precision(DetectionSet(np.array([0.5]), category, place, matched[None], none, truths))


def test_the_objects_themselves_have_perfect_precision():
    images = shapes.held_out().images[:20]
    exact = [Detections(image.boxes, np.ones(len(image.classes)), image.classes) for image in images]
    assert average_precision_at_half(images, exact) == pytest.approx(100)


@whole
@pytest.mark.slow
def test_it_finds_shapes_that_it_has_not_seen_at_every_proportion(tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnx")
    monkeypatch.setenv("EDGEPERF_CACHE_DIR", str(tmp_path))
    images = shapes.held_out().images
    found = {}
    for proportions in ("1:1", "4:3", "16:9"):
        resolution = input_size(160, proportions)
        engine = get("onnxruntime").load(build(NAME, resolution))
        detections = shapes.detections_of(engine, images, resolution)
        for kind in shapes.SIZES:
            chosen = [place for place, image in enumerate(images) if (image.height, image.width) == shapes.SIZES[kind]]
            subset = [images[place] for place in chosen], [detections[place] for place in chosen]
            found[kind, proportions] = average_precision_at_half(*subset)
    assert capsys.readouterr().err.count("training it once") == 1
    assert min(found.values()) > 50
    # a photograph of 4:3 is smaller in an input of 16:9; one of 16:9 loses nothing
    assert found["4:3", "16:9"] < found["4:3", "1:1"] - 3
    assert abs(found["16:9", "16:9"] - found["16:9", "1:1"]) < 3

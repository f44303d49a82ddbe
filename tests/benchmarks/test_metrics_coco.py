"""Average precision from our path against the evaluators' own programs, on COCO's files as a user has them."""

from __future__ import annotations

import copy
import json
import sys
from importlib.metadata import version

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled.coco import load
from labelled.detection import LabelledSet
from metrics.coco import (
    AREAS,
    LIBRARIES,
    detection_set,
    evaluator,
    evaluator_or_skip,
)
from tasks.detection import Detections

from pytest_edgeperf import average_precision
from pytest_edgeperf.judge.statistics.average_precision import weighted_average_precision
from tests.sessions import own_folder

FASTER, REFERENCE = "faster_coco_eval", "pycocotools"
THRESHOLDS = {"all": slice(None), 0.5: slice(0, 1), 0.75: slice(5, 6)}


@pytest.fixture(params=[FASTER, REFERENCE])
def library(request, monkeypatch):
    """One evaluator; the other is as if it were not installed."""
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    if request.param == REFERENCE:
        monkeypatch.setitem(sys.modules, FASTER, None)
    return request.param


def by_the_library(library, described, results):
    """The library's own evaluation of COCO's files: precision [T, R, K, A, M] and its summary."""
    if library == FASTER:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as Evaluation
    else:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval as Evaluation
    truth = COCO()
    truth.dataset = copy.deepcopy(described)
    truth.createIndex()
    evaluation = Evaluation(truth, truth.loadRes(copy.deepcopy(results)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.eval["precision"], evaluation.stats


def in_percent(precision, area, threshold):
    of_area = precision[THRESHOLDS[threshold], :, :, area, -1]
    known = of_area[of_area > -1]
    return 100 * known.mean() if known.size else np.nan


def loaded(folder, described):
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    (folder / "annotations" / "instances_some.json").write_text(json.dumps(described))
    return load(folder)


def found_in(described, results):
    """Results as COCO's files have them, as our networks give them."""
    categories = sorted(one["id"] for one in described["categories"])
    found = []
    for image in sorted(one["id"] for one in described["images"]):
        of_image = [one for one in results if one["image_id"] == image]
        boxes = np.array([one["bbox"] for one in of_image], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        scores = np.array([one["score"] for one in of_image], float)
        found.append(Detections(boxes, scores, np.array([categories.index(o["category_id"]) for o in of_image], int)))
    return found


def image(number):
    return {"id": number, "file_name": f"{number}.jpg", "height": 480, "width": 640}


def labelled(number, image_id, category_id, box, area=None, crowd=0):
    area = box[2] * box[3] if area is None else area
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": box,
        "area": area,
        "iscrowd": crowd,
    }


def found(image_id, category_id, box, score):
    return {"image_id": image_id, "category_id": category_id, "bbox": box, "score": score}


def moved(box, right, down=0):
    return [box[0] + right, box[1] + down, *box[2:]]


#: On either side of 32² and 96²; the last is large by its box and medium by its own area.
TINY, SMALL, MEDIUM, LARGE = [10, 10, 31, 32], [100, 10, 32, 32], [200, 50, 96, 96], [10, 150, 96, 97]
HOLLOW = [300, 200, 200, 100]
CROWD = [400, 10, 200, 150]

WRITTEN = {
    "images": [image(number) for number in (7, 3, 12, 5, 9, 20)],
    "categories": [{"id": number, "name": f"kind {number}"} for number in (90, 2, 5, 17)],
    "annotations": [
        labelled(11, 7, 2, TINY),
        labelled(12, 7, 2, SMALL),
        labelled(13, 7, 2, MEDIUM),
        labelled(14, 7, 90, LARGE),
        labelled(15, 7, 90, HOLLOW, area=9000.5),
        labelled(16, 7, 2, CROWD, crowd=1),
        labelled(21, 3, 2, SMALL),
        labelled(22, 3, 90, LARGE),
        labelled(23, 3, 90, moved(LARGE, 4)),
        # nothing is found in 12
        labelled(31, 12, 2, MEDIUM),
        labelled(32, 12, 90, HOLLOW),
        # many are found in 20
        labelled(41, 20, 5, SMALL),
        labelled(42, 20, 5, LARGE),
    ],
}

RESULTS = [
    found(7, 2, moved(TINY, 1), 0.9),
    found(7, 2, moved(SMALL, 3), 0.5),
    found(7, 2, moved(SMALL, 2), 0.5),
    found(7, 2, MEDIUM, 0.8),
    # in the crowd, half in it and outside
    found(7, 2, [420, 20, 40, 40], 0.95),
    found(7, 2, [580, 20, 40, 40], 0.94),
    found(7, 2, [20, 300, 40, 40], 0.5),
    found(7, 90, moved(LARGE, 10), 0.7),
    found(7, 90, moved(HOLLOW, 5, 5), 0.7),
    found(7, 90, [0, 0, 640, 480], 0.7),
    # the same scores in other images
    found(3, 2, moved(SMALL, 6), 0.5),
    found(3, 2, moved(SMALL, 0.5), 0.5),
    found(3, 90, moved(LARGE, 2), 0.7),
    found(3, 90, moved(LARGE, 3), 0.7),
    # no truth is in 5, and none is of 17
    found(5, 2, SMALL, 0.6),
    found(5, 17, SMALL, 0.99),
    # in 20 the last of 150 is right, and two before the hundredth
    *(found(20, 5, [300, 300, 30, 30], 0.9 - place / 1000) for place in range(100)),
    found(20, 5, moved(SMALL, 1), 0.85),
    *(found(20, 5, [300, 300, 40, 40], 0.7 - place / 1000) for place in range(49)),
    found(20, 5, LARGE, 0.1),
]


def assert_the_same(labels, given, precision):
    for index, area in enumerate(AREAS):
        matched = detection_set(labels, given, area=area)
        for threshold in THRESHOLDS:
            expected = in_percent(precision, index, threshold)
            assert average_precision(matched, threshold) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_the_written_set_has_the_evaluators_figures(library, tmp_path):
    precision, stats = by_the_library(library, WRITTEN, RESULTS)
    labels, given = loaded(tmp_path, WRITTEN), found_in(WRITTEN, RESULTS)
    assert_the_same(labels, given, precision)
    ours = [average_precision(detection_set(labels, given), threshold) for threshold in THRESHOLDS]
    ours += [average_precision(detection_set(labels, given, area=area)) for area in ("small", "medium", "large")]
    assert ours == pytest.approx(100 * np.array(stats[:6]), abs=1e-9)
    assert len(set(np.round(ours, 6))) == 6


def test_the_order_of_results_in_the_file_decides_between_equal_scores(library, tmp_path):
    turned = RESULTS[::-1]
    precision, _ = by_the_library(library, WRITTEN, turned)
    labels = loaded(tmp_path, WRITTEN)
    assert_the_same(labels, found_in(WRITTEN, turned), precision)
    first = average_precision(detection_set(labels, found_in(WRITTEN, RESULTS)))
    assert first != average_precision(detection_set(labels, found_in(WRITTEN, turned)))


@pytest.mark.parametrize("most", [1, 10, 100])
def test_the_lowest_scores_beyond_most_are_left_out(library, tmp_path, most):
    matched = detection_set(loaded(tmp_path, WRITTEN), found_in(WRITTEN, RESULTS), most=most)
    in_the_last = matched.image == sorted(one["id"] for one in WRITTEN["images"]).index(20)
    assert np.count_nonzero(in_the_last) == most
    everything = detection_set(loaded(tmp_path, WRITTEN), found_in(WRITTEN, RESULTS), most=1000)
    right = everything.matched[0] & (everything.image == 5)
    assert np.count_nonzero(right) == 2


def drawn(seed):
    """A random set on a grid of quarter pixels, whose overlaps are often thresholds and its scores often equal."""
    generator = np.random.default_rng(seed)
    images, categories = generator.integers(1, 6), generator.integers(1, 4)
    described = {
        "images": [image(int(number)) for number in generator.choice(50, images, replace=False)],
        "categories": [{"id": int(one), "name": "kind"} for one in generator.choice(90, categories, replace=False)],
        "annotations": [],
    }
    results = []
    for one in described["images"]:
        for kind in described["categories"]:
            boxes = [a_box(generator) for _ in range(generator.integers(0, 5))]
            for box in boxes:
                area = box[2] * box[3] * generator.choice([1, 1, 0.5])
                number = len(described["annotations"]) + 1
                crowd = int(generator.random() < 0.2)
                described["annotations"].append(labelled(number, one["id"], kind["id"], box, float(area), crowd))
            for _ in range(generator.integers(0, 8)):
                box = boxes[generator.integers(len(boxes))] if boxes and generator.random() < 0.8 else a_box(generator)
                shift = generator.integers(-12, 13, 2) / 4
                score = float(generator.integers(0, 6) / 5 if generator.random() < 0.5 else generator.random())
                results.append(found(one["id"], kind["id"], moved(box, *map(float, shift)), score))
    if not results:
        results.append(found(described["images"][0]["id"], described["categories"][0]["id"], [1, 1, 9, 9], 0.5))
    return described, results


def a_box(generator):
    side = generator.choice([8, 40, 120])
    corner, sides = generator.integers(0, 400, 2), generator.integers(1, 4 * side, 2)
    return [float(one) / 4 for one in (*corner, *sides)]


SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_random_sets_have_the_evaluators_figures(tmp_path_factory, seed):
    pytest.importorskip(FASTER, reason="faster-coco-eval is not installed")
    described, results = drawn(seed)
    precision, _ = by_the_library(FASTER, described, results)
    assert_the_same(loaded(own_folder(tmp_path_factory, __name__), described), found_in(described, results), precision)


@given(SEEDS)
def test_both_evaluators_match_alike(tmp_path_factory, seed):
    for library in (FASTER, REFERENCE):
        pytest.importorskip(library, reason=f"{library} is not installed")
    described, results = drawn(seed)
    labels, given_ = loaded(own_folder(tmp_path_factory, __name__), described), found_in(described, results)
    for area in AREAS:
        one = detection_set(labels, given_, area=area)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, FASTER, None)
            other = detection_set(labels, given_, area=area)
        for field in ("thresholds", "category", "image", "matched", "ignored", "truths"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), field)


@given(SEEDS)
def test_an_image_of_weight_three_counts_as_three_images(tmp_path_factory, seed):
    evaluator_or_skip()
    described, results = drawn(seed)
    labels, given_ = loaded(own_folder(tmp_path_factory, __name__), described), found_in(described, results)
    generator = np.random.default_rng(seed)
    # equal scores within an image would be in another order in its copies
    given_ = [Detections(one.boxes, generator.permutation(len(one.scores)) / 7, one.classes) for one in given_]
    weights = generator.integers(0, 4, len(labels.images))
    weights[generator.integers(len(weights))] = 1
    places = np.repeat(np.arange(len(weights)), weights)
    repeated = LabelledSet(tuple(labels.images[place] for place in places), labels.categories)
    of_repeated = detection_set(repeated, [given_[place] for place in places])
    of_weighted = detection_set(labels, given_)
    for threshold in THRESHOLDS:
        weighted = weighted_average_precision(of_weighted, np.array([weights, weights], float), threshold)
        assert weighted == pytest.approx(np.full(2, average_precision(of_repeated, threshold)), abs=1e-9, nan_ok=True)


def test_a_set_computed_by_hand(library, tmp_path):
    described = {
        "images": [image(1)],
        "categories": [{"id": 1, "name": "one"}],
        "annotations": [labelled(1, 1, 1, SMALL), labelled(2, 1, 1, MEDIUM)],
    }
    results = [found(1, 1, SMALL, 0.9), found(1, 1, HOLLOW, 0.8), found(1, 1, MEDIUM, 0.7)]
    matched = detection_set(loaded(tmp_path, described), found_in(described, results))
    # precision is 1 at the 51 recalls up to a half, and 2/3 at the 50 above
    assert average_precision(matched) == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)


def test_nothing_found_is_no_precision(library, tmp_path):
    matched = detection_set(loaded(tmp_path, WRITTEN), found_in(WRITTEN, []))
    assert average_precision(matched) == 0
    assert matched.matched.shape == (10, 0)


def test_no_truth_is_no_number(library, tmp_path):
    described = {**WRITTEN, "annotations": []}
    assert np.isnan(average_precision(detection_set(loaded(tmp_path, described), found_in(described, RESULTS))))


def test_the_evaluator_is_named(library):
    package = library.replace("_", "-")
    assert evaluator() == evaluator_or_skip() == f"{package} {version(package)}"


def test_without_an_evaluator_the_message_has_the_remedy(monkeypatch, tmp_path):
    for library in (FASTER, REFERENCE):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'pytest-edgeperf\[coco\]'"):
        detection_set(loaded(tmp_path, WRITTEN), found_in(WRITTEN, RESULTS))
    with pytest.raises(pytest.skip.Exception, match="neither faster-coco-eval nor pycocotools is installed"):
        evaluator_or_skip()


def test_an_evaluator_that_cannot_be_imported_is_not_passed_over(monkeypatch, tmp_path):
    (tmp_path / FASTER).mkdir()
    (tmp_path / FASTER / "__init__.py").write_text("import something_that_is_not_there\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == FASTER]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_that_is_not_there"):
        evaluator()


def test_an_evaluator_that_is_too_old_is_refused(monkeypatch):
    pytest.importorskip(FASTER, reason="faster-coco-eval is not installed")
    monkeypatch.setattr("metrics.coco.LIBRARIES", [LIBRARIES[0]._replace(lowest="9999")])
    with pytest.raises(ImportError, match=r"faster-coco-eval .* is too old, at least 9999 is needed: pip install"):
        evaluator()


BOX = np.array([[1.0, 2, 3, 4]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Detections(BOX, np.ones(2), np.zeros(1, int)), r"'3.jpg' must be boxes \[n, 4\]"),
        (Detections(BOX[0], np.ones(4), np.zeros(4, int)), r"'3.jpg' must be boxes \[n, 4\]"),
        (Detections(BOX * np.nan, np.ones(1), np.zeros(1, int)), "'3.jpg' have boxes or scores that are not finite"),
        (Detections(BOX, np.full(1, np.inf), np.zeros(1, int)), "'3.jpg' have boxes or scores that are not finite"),
        (Detections(BOX, np.ones(1), np.full(1, 4)), "'3.jpg' have classes that are not from 0 to 3"),
        (Detections(BOX, np.ones(1), np.full(1, -1)), "'3.jpg' have classes that are not from 0 to 3"),
    ],
)
def test_detections_that_are_none_are_refused(tmp_path, wrong, message):
    given_ = found_in(WRITTEN, [])
    with pytest.raises(ValueError, match=message):
        detection_set(loaded(tmp_path, WRITTEN), [wrong, *given_[1:]])


def test_what_else_is_refused(tmp_path):
    labels, given_ = loaded(tmp_path, WRITTEN), found_in(WRITTEN, RESULTS)
    with pytest.raises(ValueError, match="detections of 5 images and labels of 6"):
        detection_set(labels, given_[1:])
    with pytest.raises(ValueError, match="detections of 0 images"):
        detection_set(LabelledSet((), ("one",)), [])
    with pytest.raises(ValueError, match="area must be one of all, small, medium, large, not 'huge'"):
        detection_set(labels, given_, area="huge")
    with pytest.raises(ValueError, match=r"labels of '3\.jpg' have classes that are not from 0 to 0"):
        detection_set(LabelledSet(labels.images, ("one",)), given_)
    with pytest.raises(ValueError, match="most must be at least 1"):
        detection_set(labels, given_, most=0)

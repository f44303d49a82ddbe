"""Answers, example by example: what is stored is what was answered, and a damaged file says so."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf import DetectionSet
from pytest_edgeperf.results.baselines import refresh, set_anchor
from pytest_edgeperf.results.errors import InvalidError, ResultsError
from pytest_edgeperf.results.example_answers import (
    ANSWERS,
    answers_of,
    check_answers,
    is_accuracy,
    of_detections,
    of_examples,
    with_repeats,
    without_repeats,
)
from pytest_edgeperf.results.merging import merge
from pytest_edgeperf.results.reading import parse, read
from pytest_edgeperf.results.types import Benchmark, Metric, Results, Run
from pytest_edgeperf.results.writing import to_json, write

THRESHOLDS = np.linspace(0.5, 0.95, 10)


@st.composite
def detection_sets(draw, images=None):
    generator = np.random.default_rng(draw(st.integers(0, 2**31)))
    count = images or draw(st.integers(1, 12))
    categories = draw(st.integers(1, 4))
    detections = draw(st.integers(0, 30))
    overlap = generator.random(detections)
    return DetectionSet(
        THRESHOLDS,
        np.sort(generator.integers(0, categories, detections)),
        generator.integers(0, count, detections),
        overlap >= THRESHOLDS[:, None],
        generator.random((10, detections)) < 0.1,
        generator.integers(0, 3, (categories, count)),
    )


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_bits_come_back(right):
    value = of_examples(right)
    assert is_accuracy(value)
    assert value["n"] == len(right)
    assert value["mean"] == pytest.approx(np.mean(right))
    assert answers_of(json.loads(json.dumps(value))).values.tolist() == right


@given(st.lists(st.floats(-65504, 65504, width=16), min_size=1, max_size=50))
def test_scores_come_back_as_16_bit_floats(scores):
    assert answers_of(of_examples(scores)).values.tolist() == [float(one) for one in scores]


@given(detection_sets())
def test_detections_come_back(found):
    back = answers_of(json.loads(json.dumps(of_detections(found)))).detections
    for name in ("thresholds", "category", "image", "matched", "ignored", "truths"):
        assert np.array_equal(getattr(back, name), getattr(found, name)), name


@given(st.permutations(range(9)), st.lists(st.booleans(), min_size=9, max_size=9))
def test_with_ids_the_order_of_the_examples_does_not_matter(order, right):
    names = [f"image-{one}" for one in range(9)]
    shuffled = of_examples([right[one] for one in order], [names[one] for one in order])
    assert shuffled == of_examples(right, names)


@given(st.permutations(range(5)), detection_sets(images=5))
def test_the_order_of_the_images_does_not_matter_either(order, found):
    place = np.argsort(order)
    shuffled = replace(found, image=place[found.image], truths=found.truths[:, order])
    names = "abcde"
    assert of_detections(shuffled, [names[one] for one in order]) == of_detections(found, list(names))


def test_other_examples_have_another_hash():
    assert answers_of(of_examples([True] * 3)).examples != answers_of(of_examples([True] * 4)).examples
    assert answers_of(of_examples([True], ["a"])).examples != answers_of(of_examples([True], ["b"])).examples


@pytest.mark.parametrize(
    ("values", "ids", "says"),
    [
        ([], None, "one value per example"),
        ([[True]], None, "one value per example"),
        (["yes"], None, "booleans or numbers"),
        ([float("nan")], None, "finite"),
        ([70000.0], None, "finite numbers of at most 65504"),
        ([True, False], ["a"], "1 example ids for 2 examples"),
        ([True, False], ["a", "a"], "'a' is not unique"),
    ],
)
def test_what_is_no_accuracy_is_refused(values, ids, says):
    with pytest.raises(ValueError, match=says):
        of_examples(values, ids)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"truths": np.zeros(3, int)}, r"truths must be \[categories, images\]"),
        ({"image": np.array([0])}, "image must be of shape"),
        ({"image": np.array([0, 9])}, "image must be from 0 to 1"),
        ({"category": np.array([0, 7])}, "category must be from 0 to 0"),
        ({"matched": np.zeros((1, 2), bool)}, "matched and ignored must be"),
        ({"thresholds": np.array([0.5, 0.5])}, "thresholds must rise"),
        ({"truths": np.array([[1, -1]])}, "truths must not be negative"),
    ],
)
def test_what_is_no_detection_set_is_refused(changes, says):
    flags = np.zeros((2, 2), bool)
    good = DetectionSet(np.array([0.5, 0.75]), np.zeros(2, int), np.array([0, 1]), flags, flags, np.array([[1, 1]]))
    with pytest.raises(ValueError, match=says):
        replace(good, **changes)


def test_detections_must_be_sorted_by_category():
    flags = np.zeros((1, 2), bool)
    with pytest.raises(ValueError, match="sorted by category"):
        DetectionSet(np.array([0.5]), np.array([1, 0]), np.array([0, 0]), flags, flags, np.array([[1], [1]]))


def results(runs, extra=None):
    metrics = {"top1": Metric("%", "higher", margin=0.5), "latency": Metric("ms")}
    return Results("host", {"e": {}}, {"a": Benchmark({}, metrics, tuple(runs), extra or {})})


def run(minute, right):
    values = {"latency": 12.0, "top1": of_examples(right, scale=100.0)}
    return Run("e", f"2026-11-20T12:{minute:02d}:00Z", "s", values)


def test_answers_that_repeat_are_in_the_file_once_and_read_back_whole(tmp_path):
    right, other = [True] * 40 + [False], [False] * 41
    before = results([run(0, right), run(1, right), run(2, other), run(3, right)])
    path = tmp_path / "host.json"
    write(path, before)
    after = read(path)
    assert path.read_text().count(before.benchmarks["a"].runs[0].values["top1"][ANSWERS]["data"]) == 1
    values = [one.values["top1"] for one in after.benchmarks["a"].runs]
    assert [answers_of(one).values.tolist() for one in values] == [right, right, other, right]
    assert to_json(after) == path.read_text()


def test_the_first_run_may_be_removed_and_the_answers_stay(tmp_path):
    right = [True, False, True]
    write(tmp_path / "a.json", results([run(0, right), run(1, right)]))
    left = read(tmp_path / "a.json").benchmarks["a"]
    only_last = results(left.runs[1:])
    again = parse(json.loads(to_json(only_last))).benchmarks["a"].runs[0]
    assert answers_of(again.values["top1"]).values.tolist() == right


def test_an_anchor_keeps_its_answers_when_the_runs_are_replaced():
    right = [True, False, True]
    anchored = set_anchor(results([run(0, right), run(1, right)]), ["a"])
    kept = parse(json.loads(to_json(anchored)))
    renewed = refresh(kept, results([run(2, [False] * 3)]), "worse").results
    benchmark = parse(json.loads(to_json(renewed))).benchmarks["a"]
    assert [answers_of(one.values["top1"]).values.tolist() for one in benchmark.runs] == [[False] * 3]
    found = benchmark.anchor
    assert [answers_of(one.values["top1"]).values.tolist() for one in found] == [right, right]


def test_merged_files_keep_the_answers_of_both():
    first, second = results([run(0, [True, False])]), results([run(1, [True, False]), run(2, [False, False])])
    merged = parse(json.loads(to_json(merge(first, second)))).benchmarks["a"].runs
    assert [answers_of(one.values["top1"]).values.tolist() for one in merged] == [
        [True, False],
        [True, False],
        [False, False],
    ]


def test_a_digest_without_answers_is_an_error_that_names_the_place():
    obj = json.loads(to_json(results([run(0, [True]), run(1, [True])])))
    del obj["benchmarks"]["a"]["runs"][0]
    with pytest.raises(ResultsError, match=r"runs\[0\]\.top1\.answers: no earlier run has its answers"):
        parse(obj, "host.json")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6))
def test_leaving_out_repeats_is_undone(rights):
    runs = [{"top1": of_examples([a, True]), "top5": of_examples([b, True]), "started": ""} for a, b in rights]
    compact = without_repeats(runs)
    assert with_repeats(compact, ["top1", "top5"]) == runs
    assert without_repeats(compact) == compact


@pytest.mark.parametrize(
    "damage",
    [
        {"data": "AA"},
        {"data": "?"},
        {"form": "words"},
        {"examples": None, "form": None},
    ],
)
def test_damaged_answers_say_so(damage):
    value = of_examples([True] * 20)
    stored = {**value[ANSWERS], **damage}
    with pytest.raises(ValueError, match=r"damaged|unknown"):
        answers_of({**value, ANSWERS: {name: one for name, one in stored.items() if one is not None}})


@pytest.mark.parametrize("name", ["image", "matched", "truths", "categories"])
def test_damaged_detections_say_so(name):
    flags = np.ones((2, 2), bool)
    found = DetectionSet(np.array([0.5, 0.75]), np.zeros(2, int), np.array([0, 1]), flags, flags, np.array([[1, 1]]))
    value = of_detections(found)
    bad = [5] if name == "categories" else value[ANSWERS]["ignored" if name != "matched" else "image"]
    with pytest.raises(ValueError, match=r"damaged"):
        answers_of({**value, ANSWERS: {**value[ANSWERS], name: bad}})


@pytest.mark.parametrize("margin", [-1, "much", None, True])
def test_a_margin_that_is_none_is_an_error_that_names_the_place(margin):
    obj = json.loads(to_json(results([run(0, [True])])))
    obj["benchmarks"]["a"]["metrics"]["top1"]["margin"] = margin
    with pytest.raises(ResultsError, match=r"metrics\.top1\.margin"):
        parse(obj, "host.json")


def test_a_repeat_of_nothing_is_invalid():
    with pytest.raises(InvalidError):
        with_repeats([{"top1": {"n": 1, "mean": 100.0, ANSWERS: {"digest": "0"}}}], ["top1"])


def a_set():
    flags = np.zeros((2, 3), bool)
    return DetectionSet(
        np.array([0.5, 0.75]), np.array([0, 0, 1]), np.array([0, 1, 0]), flags, flags, np.array([[1, 1], [0, 2]])
    )


@pytest.fixture(params=["bits", "scores", "matches"])
def stored(request):
    if request.param == "matches":
        return of_detections(a_set())
    return of_examples([True, False] * 9 if request.param == "bits" else [0.5] * 9)


def test_whole_answers_pass_the_check(stored):
    check_answers(stored)


@pytest.mark.parametrize("digest", [[1], {}, None, 7])
def test_a_digest_that_is_no_text_is_refused_with_its_place(stored, digest):
    stored["answers"]["digest"] = digest
    with pytest.raises(InvalidError) as refused:
        check_answers(stored)
    assert refused.value.path == ["answers", "digest"]
    runs = [{"top1": {"n": 1, "mean": 1.0, "answers": {"digest": digest}}}]
    with pytest.raises(InvalidError):
        with_repeats(runs, ["top1"])


@pytest.mark.parametrize("count", [10**18, 10**30, 1e90])
def test_more_examples_than_the_answers_hold_are_refused_without_memory_for_them(stored, count):
    stored["n"] = count
    with pytest.raises(InvalidError):
        check_answers(stored)
    with pytest.raises(ValueError, match="damaged"):
        answers_of({**stored, "mean": 1.0})


@pytest.mark.parametrize("categories", [[4 * 10**8, 0, 0], [10**12], [10**30], [-1], [0.5], "x", 7])
def test_more_detections_than_the_answers_hold_are_refused_without_memory_for_them(categories):
    stored = of_detections(a_set())
    stored["answers"]["categories"] = categories
    with pytest.raises(InvalidError):
        check_answers(stored)
    tracemalloc.start()
    with pytest.raises(ValueError):
        answers_of({**stored, "mean": 1.0})
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()

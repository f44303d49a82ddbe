"""What a benchmark's body may say of its answers, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_edgeperf.measure.accuracy_records import accuracies
from pytest_edgeperf.measure.conductor import LocalConductor
from pytest_edgeperf.measure.timed_inference import TimedInference
from pytest_edgeperf.results.example_answers import answers_of
from pytest_edgeperf.results.types import HIGHER, LOWER, Metric
from tests.judge.test_paired_answers import detections


def test_right_and_wrong_are_told_in_percent_with_a_margin_of_half_a_point():
    found = accuracies("top1", [True, True, False, True])["top1"]
    assert found.metric == Metric("%", HIGHER, margin=0.5)
    assert (found.value["n"], found.value["mean"]) == (4, 75.0)
    metric = accuracies("top1", [True], gates=False)["top1"].metric
    assert (metric.margin, metric.informs) == (0.5, True)


def test_other_scores_need_a_margin_in_their_unit():
    found = accuracies("psnr", [31.5, 40.0], unit="dB", margin=0.1)["psnr"]
    assert found.metric == Metric("dB", HIGHER, margin=0.1)
    assert found.value["mean"] == pytest.approx(35.75)
    with pytest.raises(ValueError, match="psnr: give margin=, the loss that is allowed, in dB"):
        accuracies("psnr", [31.5], unit="dB")


def test_detections_give_average_precision_and_two_more_that_inform():
    found = accuracies("AP", detections(20, seed=1))
    assert list(found) == ["AP", "AP50", "AP75"]
    assert [one.metric.informs for one in found.values()] == [False, True, True]
    assert [one.metric.threshold for one in found.values()] == ["all", 0.5, 0.75]
    assert found["AP50"].value["mean"] > found["AP"].value["mean"] > found["AP75"].value["mean"] * 0.5
    digests = {answers_of(one.value).digest for one in found.values()}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("name", "values", "keywords", "says"),
    [
        ("latency", [True], {}, "'latency' cannot name an accuracy"),
        ("session", [True], {}, "'session' cannot name an accuracy"),
        ("top 1", [True], {}, "'top 1' cannot name an accuracy"),
        ("top1", [True], {"margin": -1}, "top1: margin must be a finite number of at least 0, not -1"),
        ("top1", [True], {"margin": float("inf")}, "top1: margin must be"),
        ("top1", [True], {"better": "more"}, "top1: better must be 'higher' or 'lower'"),
        ("top1", [], {}, "top1: an accuracy needs one value per example"),
        ("top1", [98.2], {}, "top1: each example's value must be right or wrong, or a share from 0 to 1"),
        ("top1", [True], {"example_ids": [1, 2]}, "top1: there are 2 example ids for 1 examples"),
        ("AP", detections(3, seed=1), {"unit": "dB", "margin": 1}, "AP: average precision is in percent"),
    ],
)
def test_what_is_no_accuracy_is_refused_in_one_sentence(name, values, keywords, says):
    with pytest.raises(ValueError, match=says):
        accuracies(name, values, **keywords)


def test_a_set_without_objects_has_no_average_precision():
    found = detections(3, seed=1)
    empty = type(found)(found.thresholds, found.category, found.image, found.matched, found.ignored, 0 * found.truths)
    with pytest.raises(ValueError, match="AP: no image has a labelled object"):
        accuracies("AP", empty)


def test_the_fixture_returns_the_mean_and_takes_a_name_once():
    fixture = TimedInference(LocalConductor(0.01), {}, {})
    assert fixture.accuracy("top1", np.array([True, False])) == 50.0
    assert fixture.accuracy("error", [0.25, 0.75], unit="mm", margin=0.1, better=LOWER) == 0.5
    with pytest.raises(RuntimeError, match="'top1' is already recorded"):
        fixture.accuracy("top1", [True])

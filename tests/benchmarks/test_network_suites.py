"""Which suite measures a network at which resolution, and what is printed beside it."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import network_suites
import pytest
from models.network import FLOPS, MULTIPLY_ACCUMULATES, Network, Printed
from models.networks import known
from papers import key, swaminathan_2024, trinh_2023
from papers.measured import label_of, layers, measured_by, printed_sides
from studies import SWAMINATHAN_2024_TABLE_1, TRINH_2023_CLASSIFIERS, zoo_study
from suites import PAPERS, belongs

SOURCES = Path(__file__).parents[2] / "baselines" / "published" / "sources"


@pytest.fixture(autouse=True, scope="module")
def markers(request):
    """Those that the experiments' own conftest brings."""
    for name in ("paper_suite", "full_suite", *PAPERS.values()):
        request.config.addinivalue_line("markers", f"{name}: of the experiments")


def network(name="one", native=224, operations=None, convention=FLOPS, **changes):
    published = {"trinh-2023": Printed(name, operations=operations, convention=convention)}
    fields = {"multiple_of": 32, "task": "classification", "native": native, "published": published, **changes}
    return Network(name, "module", ("logits",), lambda image, resolution: image, **fields)


class Item(SimpleNamespace):
    """What a suite looks at of a benchmark."""

    def get_closest_marker(self, name):
        return next((mark for mark in self.marks if mark.name == name), None)


def suites_of(parameters):
    """Resolution -> the suites that have it."""
    return {
        parameter.values[1]: [
            suite for suite in ("default", *PAPERS, "full") if belongs(Item(marks=list(parameter.marks)), suite)
        ]
        for parameter in parameters
    }


ALL = ("swaminathan-2024", "trinh-2023", "hadidi-2019")


def test_every_suite_measures_networks_at_their_own_resolution():
    parameters = network_suites.of_network(network("resnet50", operations=2e9), ALL)
    assert suites_of(parameters) == {224: [*ALL, "full"]}


def test_suites_with_many_networks_leave_some_to_the_full_one(monkeypatch):
    monkeypatch.setattr(network_suites, "IN_SUITE", {"trinh-2023": ("other",), "hadidi-2019": ("one",)})
    assert suites_of(network_suites.of_network(network(), ALL)) == {224: ["swaminathan-2024", "hadidi-2019", "full"]}


def test_what_a_suite_has_is_what_its_paper_measured():
    for paper, names in network_suites.IN_SUITE.items():
        for name in names:
            assert paper in network_suites.papers_of(known(name)), f"{name}, {paper}"


def test_what_is_large_is_timed_for_longer():
    (large,) = network_suites.of_network(network("vgg19", operations=20e9), ("swaminathan-2024",))
    assert [mark.kwargs for mark in large.marks if mark.name == "timed_inference"] == [
        {"budget": network_suites.BUDGET_S}
    ]
    (small,) = network_suites.of_network(network("vgg19", operations=2e9), ("swaminathan-2024",))
    assert [mark.kwargs for mark in small.marks if mark.name == "timed_inference"] == [{}]


def test_a_network_of_no_paper_is_in_no_suite():
    assert network_suites.of_network(network(operations=2e9), ()) == []


def test_inputs_that_hadidi_prints_are_measured_with_the_full_suite(monkeypatch):
    monkeypatch.setattr(network_suites, "printed_sides", lambda name: (224, 320, 33))
    found = network_suites.of_network(network("resnet50", operations=2e9), ("hadidi-2019",))
    assert suites_of(found) == {224: ["hadidi-2019", "full"], 320: ["full"]}


@pytest.mark.parametrize(
    ("operations", "convention", "expected"), [(3e9, FLOPS, 3.0), (3e9, MULTIPLY_ACCUMULATES, 6.0), (None, FLOPS, None)]
)
def test_operations_are_counted_two_per_multiply_accumulate(operations, convention, expected):
    assert network_suites.gflops(network(operations=operations, convention=convention)) == expected


def test_networks_have_the_papers_that_measured_them():
    assert measured_by("resnet50") == ALL
    assert measured_by("resnet152") == ("trinh-2023",)
    assert measured_by("vgg-s") == ("hadidi-2019",)
    assert measured_by("digits-cnn") == ()
    assert printed_sides("yolov3") == (224,)
    assert printed_sides("c3d") == ()
    assert (layers("resnet101"), layers("vgg16")) == (101, 0)


def rows(table, metric):
    with (SOURCES / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["metric"] == metric]


def test_the_printed_speed_ups_and_layers_are_the_published_ones():
    published = {key(row["network"]): float(row["value"]) for row in rows("swaminathan-2024-table-1", "speedup")}
    assert {key(name): value for name, value in swaminathan_2024.SPEED_UPS.items()} == published
    found = {
        (key(row["network"]), row["framework"]): float(row["value"])
        for metric in ("speedup", "layer_count")
        for row in rows("trinh-2023-table-4.10", metric)
    }
    ours = {
        (key(name), framework): value
        for name, values in trinh_2023.TABLE_4_10.items()
        for framework, value in zip(("onnxruntime:cuda", "tensorrt", ""), values)
    }
    assert ours == found


def test_speed_ups_stand_at_the_labels_of_the_networks():
    labels = {one.label for one in TRINH_2023_CLASSIFIERS.published_ratios}
    assert label_of("resnet50") in labels
    assert label_of("resnet50", 96) not in labels
    assert (label_of("resnet50"), label_of("vgg19", 96)) == ("resnet50, 50 layers", "vgg19 at 96")
    assert {one.label for one in SWAMINATHAN_2024_TABLE_1.published_ratios} >= {label_of("vgg19"), label_of("resnet50")}


def test_each_suite_reads_the_networks_in_its_own_study():
    names = {suite: zoo_study(suite, "classification").name for suite in (*PAPERS, "full")}
    assert len({names[paper] for paper in ALL}) == 3
    assert names["full"] == names["suo-2021"] == "networks end to end: classification"

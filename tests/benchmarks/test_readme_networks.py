"""The README's table of networks is of today's definitions, and explains where a paper's figures differ."""

from __future__ import annotations

import importlib.util

import pytest
import readme_networks
from models.network import MULTIPLY_ACCUMULATES, Network, Printed
from models.networks import NETWORKS
from readme_networks import differences, kept, section, to_json
from tasks.scaling import squeeze


def test_every_network_is_in_the_table():
    assert set(kept()) == set(NETWORKS), "python benchmarks/readme_networks.py NAME counts what is new"
    text = section(kept())
    for name in NETWORKS:
        assert f"| `{name}` |" in text


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_printed_figure_that_differs_is_explained(name):
    for paper, printed, what in differences(NETWORKS[name], kept()[name]):
        assert not what or printed.differences, f"{paper}: {what} differ by more than 2 %"


def test_what_differs_is_told_by_its_convention_and_resolution():
    network = Network(
        "drawn",
        "drawn",
        ("logits",),
        squeeze,
        published={
            "in-flops": Printed("Drawn", 1.019e6, 2e9),
            "in-macs": Printed("Drawn", 1.03e6, 2e9, MULTIPLY_ACCUMULATES),
            "elsewhere": Printed("Drawn", operations=4e9, resolution=448),
        },
    )
    counts = {
        "224": {"parameters": 1_000_000, MULTIPLY_ACCUMULATES: 1_000_000_000},
        "448": {"parameters": 1_000_000, MULTIPLY_ACCUMULATES: 4_000_000_000},
    }
    told = {paper: what for paper, _, what in differences(network, counts)}
    assert told == {
        "in-flops": [],
        "in-macs": ["parameters +3%", "operations +100%"],
        "elsewhere": ["operations -50%"],
    }
    assert readme_networks.resolutions(network) == [224, 448]


@pytest.mark.slow
def test_the_kept_figures_are_todays():
    for library in ("torch", "torchvision", "pytorchcv"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"needs {library}")
    assert readme_networks.KEPT.read_text("utf-8") == to_json(readme_networks.counted(NETWORKS))

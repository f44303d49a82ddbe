from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.results.placement import as_placement, both_placements, nodes_moved, placement_changed

PLACEMENTS = st.dictionaries(st.sampled_from(["CPU", "CUDA", "TensorRT"]), st.integers(0, 200))


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ({"CPU": 3}, True),
        ({}, True),
        (None, False),
        ("not known: onnxruntime 1.19 does not report it", False),
        ({"CPU": "3"}, False),
        ({"CPU": True}, False),
        ({"CPU": -1}, False),
        ({"CPU": 3.0}, False),
        (["CPU"], False),
    ],
)
def test_only_numbers_of_nodes_are_a_placement(value, known):
    assert as_placement(value) == (value if known else None)
    assert (both_placements(({"CPU": 3}, value)) is not None) is known


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ({"CUDA": 120}, {"CUDA": 118, "CPU": 2}, True),
        ({"CUDA": 120, "CPU": 0}, {"CUDA": 120}, False),
        ({"CUDA": 118, "CPU": 2}, {"CPU": 120}, True),
        ({"CPU": 120}, {"CPU": 118}, False),
        ({}, {"CPU": 118}, False),
        ({"CUDA": 118, "CPU": 2}, {"CPU": 2, "CUDA": 118}, False),
    ],
)
def test_nodes_moved_where_more_than_one_provider_has_some(before, after, moved):
    assert nodes_moved(before, after) is moved


@given(PLACEMENTS, PLACEMENTS)
def test_a_move_there_is_a_move_back(before, after):
    assert nodes_moved(before, after) == nodes_moved(after, before)
    assert not nodes_moved(before, before)
    assert nodes_moved(before, after) <= placement_changed((before, after))


def test_a_provider_without_nodes_is_as_good_as_none():
    assert not placement_changed(({"CUDA": 120, "CPU": 0}, {"CUDA": 120}))
    assert placement_changed(({"CPU": 120}, {"CPU": 118}))
    assert not placement_changed(({"CPU": 120}, "not known"))

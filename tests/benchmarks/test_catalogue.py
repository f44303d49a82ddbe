from __future__ import annotations

from collections import Counter

import pytest
from models import kept_files
from models.catalogue import action, classification, detection, pose, segmentation
from models.network import FLOPS, MULTIPLY_ACCUMULATES, Network
from models.networks import NETWORKS
from tasks.scaling import squeeze

TABLES = {
    "action": action,
    "classification": classification,
    "detection": detection,
    "pose": pose,
    "segmentation": segmentation,
}


def network(**more):
    return Network("drawn", "drawn", ("logits",), squeeze, **more)


def test_no_two_networks_have_a_name():
    counts = Counter(entry.name for table in TABLES.values() for entry in table.NETWORKS)
    assert [name for name, count in counts.items() if count > 1] == []
    assert set(counts) == set(NETWORKS)


@pytest.mark.parametrize("task", TABLES)
def test_a_file_has_the_networks_of_its_task(task):
    assert {entry.task for entry in TABLES[task].NETWORKS} <= {task}


@pytest.mark.parametrize("entry", NETWORKS.values(), ids=NETWORKS)
def test_an_entry_is_whole(entry):
    assert entry.source
    assert (kept_files.BENCHMARKS / "models" / f"{entry.module}.py").is_file()
    assert entry.refuses(entry.native) is None
    assert entry.refuses(entry.traced_at(entry.native)) is None
    for printed in entry.published.values():
        assert printed.convention in (FLOPS, MULTIPLY_ACCUMULATES)


def test_an_input_has_a_dimension_more_for_clips():
    assert network().shape(64, 2) == (2, 3, 64, 64)
    assert network(frames=12).shape((112, 96)) == (1, 3, 12, 112, 96)


def test_sizes_are_refused_with_what_is_allowed():
    assert network().refuses(33) == "the resolution must be a multiple of 32, not 33"
    assert network().refuses(0) == "the resolution must be a multiple of 32, not 0"
    assert network(multiple_of=1).refuses(31) == "the resolution must be at least 32, not 31"
    assert network(smallest=96).refuses((96, 64)) == "the resolution must be at least 96, not 96x64"
    assert network(only=300).refuses(299) == "the resolution must be 300, not 299"
    assert network().refuses(64) is None


def test_an_export_is_traced_at_a_size_that_the_network_takes():
    assert network().traced_at(224) == 64
    assert network(smallest=75).traced_at(299) == 96
    assert network(only=300).traced_at(300) == 300
    assert network(free_sizes=False).traced_at((128, 160)) == (128, 160)

from __future__ import annotations

import random
import time

import pytest

from tests.overhead.telemetry import MOST_SHARE, centre, sampler_share
from tests.plugin.test_devices import materialise

#: What a sampler's second may cost where files are slow to read, as on many virtual machines.
MOST_PLAIN_READS = 2000


def plain_read_s(path, repetitions=2000):
    """Processor time to open a small file and to read a number from it."""
    path.write_text("1234\n")
    began = time.thread_time()
    for _ in range(repetitions):
        with open(path) as file:
            int(file.read())
    return (time.thread_time() - began) / repetitions


@pytest.mark.alone
@pytest.mark.parametrize("board", ["nano", "orin-nano"])
def test_the_sampler_costs_under_two_per_cent_of_a_core(tmp_path, board):
    share = sampler_share(materialise(tmp_path, board), seconds=2.0)
    print(f"{board}: {100 * share:.2f} % of one core")
    assert share < max(MOST_SHARE, MOST_PLAIN_READS * plain_read_s(tmp_path / "number.txt"))


def test_the_centre_holds_the_truth_and_a_burst_does_not_move_it():
    rng = random.Random(7)
    held = 0
    for _ in range(200):
        values = [rng.gauss(0.1, 1) for _ in range(30)]
        middle, low, high = centre(values)
        assert low <= middle <= high
        held += low <= 0.1 <= high
    assert held >= 180
    calm = [rng.gauss(0, 0.01) for _ in range(27)]
    assert abs(centre([*calm, 5.0, 5.0, 5.0])[0]) < 0.01

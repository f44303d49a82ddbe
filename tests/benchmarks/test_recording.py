"""How many examples an engine is asked for, and under which ids its answers are recorded."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")
from labelled import digits
from metrics.recording import FEW, record_digits, record_shapes


class AllZeros:
    """Reads a nought in every image."""

    def infer(self, image):
        return (np.eye(1, 10),)


class ByAProgram(AllZeros):
    """Times itself, as trtexec's engine does, and starts a program for every inference."""

    def run_for(self, seconds, *arrays):
        raise AssertionError


class NothingThere:
    def run_for(self, seconds, *arrays):
        raise AssertionError

    def infer(self, image):
        return (np.full((1, 30, 12, 20), -20.0, np.float32),)


class Recorded:
    def accuracy(self, name, per_example, example_ids):
        self.name, self.per_example, self.ids = name, per_example, example_ids


@pytest.mark.parametrize(("engine", "count"), [(AllZeros(), 450), (ByAProgram(), FEW)])
def test_an_engine_that_starts_a_program_is_asked_for_a_few(engine, count):
    recorded = Recorded()
    record_digits(recorded, engine)
    assert recorded.name == "top1"
    assert recorded.ids == digits.held_out().ids[:count]
    assert recorded.per_example.tolist() == (digits.held_out().labels[:count] == 0).tolist()


def test_photographs_too():
    pytest.importorskip("faster_coco_eval")
    recorded = Recorded()
    record_shapes(recorded, NothingThere(), (96, 160))
    assert len(recorded.ids) == recorded.per_example.images == FEW
    assert len(recorded.per_example.category) == 0

"""Engines of known behaviour for the tests of what times them."""

from __future__ import annotations

import numpy as np

from pytest_edgeperf.frameworks.interface import Engine, EngineDescription, Inputs, Model, Reference, TensorSpec

DESCRIPTION = EngineDescription("doubling", "1.0", "fp32", provider="numpy", threads=1)
DOUBLED = ((np.array([[2.0, 4.0]]),), (np.array([[6.0, 8.0]]),))


def reference(outputs=DOUBLED):
    return Reference(
        Inputs([(np.array([[1.0, 2.0]]),), (np.array([[3.0, 4.0]]),)]), outputs, source="worked out by hand"
    )


class Doubling(Engine):
    """Doubles its input, or answers as the test says."""

    framework = "doubling"
    inputs = (TensorSpec("x", (1, 2)),)

    def __init__(self, answer=lambda array: 2 * array, precision="fp32", model_reference=reference):
        self.answer = answer
        self.precision = precision
        self.model = Model("double", {}, self.inputs, reference=model_reference)
        self.inferred = 0

    def infer(self, *arrays):
        self.inferred += 1
        return tuple(self.answer(array) for array in arrays)

    def describe(self):
        return DESCRIPTION


class Asynchronous(Doubling):
    """Counts how often it was waited for."""

    synchronised = 0

    def synchronise(self):
        self.synchronised += 1
        assert self.synchronised == self.inferred

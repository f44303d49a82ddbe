"""A runtime in a package of its own: the evaluator that ONNX brings as its reference, in numpy.

It also reads ONNX's text files, which no other framework does, and has an option.
"""

from __future__ import annotations

import os
from functools import partial
from importlib import metadata
from time import perf_counter

from pytest_edgeperf import (
    Engine,
    Framework,
    FrameworkError,
    OperatorProfile,
    OperatorTime,
    Option,
    SourceFormat,
)


def level(value):
    if value not in (0, 1, 2):
        raise ValueError("0, 1 or 2")
    return value


class OnnxReference(Framework):
    name = "onnx-reference"
    install_advice = "pip install edgeperf-onnx-reference"
    formats = (SourceFormat("onnx", (".onnx",)), SourceFormat("onnxtxt", (".onnxtxt",)))
    options = (Option("verbosity", "how much the evaluator prints", level, 0),)

    def version(self):
        try:
            return metadata.version("onnx")
        except metadata.PackageNotFoundError:
            return None

    def unsupported(self, model, precision):
        reason = self.unable(precision)
        if reason is None and not {"onnx", "onnxtxt"} & set(model.sources):
            reason = f"model {model.name!r} has no 'onnx' source"
        return reason

    def _load(self, configuration):
        return OnnxReferenceEngine(configuration)


class OnnxReferenceEngine(Engine):
    def __init__(self, configuration):
        super().__init__(configuration)
        from onnx.reference import ReferenceEvaluator

        sources = self.model.sources
        self._path = sources["onnx" if "onnx" in sources else "onnxtxt"]()
        self._reader = partial(ReferenceEvaluator, self._path, verbose=configuration.options["verbosity"])
        try:
            self._evaluator = self._reader()
        except Exception as error:
            raise FrameworkError(f"onnx {configuration.version} cannot read {self._path}: {error}") from error
        self.size_mib = os.path.getsize(self._path) / 2**20

    def infer(self, *arrays):
        self._require_open()
        return self._run(self._evaluator, arrays)

    def _require_open(self):
        if self._evaluator is None:
            raise FrameworkError("the engine is closed; load the model again")

    def _run(self, evaluator, arrays):
        for array, spec in zip(arrays, self.inputs):
            if array.shape != spec.shape:
                raise FrameworkError(f"input {spec.name!r} has shape {list(spec.shape)}, not {list(array.shape)}")
        names = [spec.name for spec in self.inputs] or evaluator.input_names
        return tuple(evaluator.run(None, dict(zip(names, arrays))))

    def profile_operators(self, inputs, repetitions=5, calls=20):
        """Times the nodes of a second evaluator, so that this one stays as it is."""
        self._require_open()
        evaluator, taken_ms = self._reader(), {}

        def timed(place, run):
            def call(*arrays, **attributes):
                started = perf_counter()
                outputs = run(*arrays, **attributes)
                taken_ms[place] = taken_ms.get(place, 0.0) + (perf_counter() - started) * 1e3
                return outputs

            return call

        for place, node in enumerate(evaluator.rt_nodes_):
            node.run = timed(place, node.run)
        profiled = []
        for _ in range(repetitions):
            taken_ms.clear()
            for number in range(calls):
                self._run(evaluator, inputs[number % len(inputs)])
            operators = []
            for place, node in enumerate(evaluator.rt_nodes_):
                about = node.onnx_node
                name = about.name or f"{about.op_type}_{place}"
                operators.append(OperatorTime(name, about.op_type, taken_ms[place] / calls, tuple(about.output)))
            profiled.append(tuple(operators))
        return OperatorProfile(tuple(profiled), "clocks around the evaluator's nodes")

    def describe(self):
        verbosity = self.configuration.options["verbosity"]
        return self.configuration.description("numpy", "not controlled", verbosity=verbosity)

    def close(self):
        self._evaluator = None

"""A runtime in a package of its own: the evaluator that ONNX brings as its reference, in numpy.

It also reads ONNX's text files, which no other framework does, and has an option.
"""

from __future__ import annotations

import os
from importlib import metadata

from pytest_edgeperf import Engine, Framework, FrameworkError, Option, SourceFormat


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
        path = sources["onnx" if "onnx" in sources else "onnxtxt"]()
        try:
            self._evaluator = ReferenceEvaluator(path, verbose=configuration.options["verbosity"])
        except Exception as error:
            raise FrameworkError(f"onnx {configuration.version} cannot read {path}: {error}") from error
        self.size_mib = os.path.getsize(path) / 2**20

    def infer(self, *arrays):
        if self._evaluator is None:
            raise FrameworkError("the engine is closed; load the model again")
        for array, spec in zip(arrays, self.inputs):
            if array.shape != spec.shape:
                raise FrameworkError(f"input {spec.name!r} has shape {list(spec.shape)}, not {list(array.shape)}")
        names = [spec.name for spec in self.inputs] or self._evaluator.input_names
        return tuple(self._evaluator.run(None, dict(zip(names, arrays))))

    def describe(self):
        verbosity = self.configuration.options["verbosity"]
        return self.configuration.description("numpy", "not controlled", verbosity=verbosity)

    def close(self):
        self._evaluator = None

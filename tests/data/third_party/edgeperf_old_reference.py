"""The same runtime as a package of before the template: it overrides ``load``, and its ``describe`` is a dict."""

from __future__ import annotations

import os
from importlib import metadata

from pytest_edgeperf import Engine, Framework, FrameworkError


class OldReference(Framework):
    name = "old-reference"
    install_advice = "pip install edgeperf-onnx-reference"

    def version(self):
        try:
            return metadata.version("onnx")
        except metadata.PackageNotFoundError:
            return None

    def unsupported(self, model, precision):
        reason = self.unable(precision)
        if reason is None and "onnx" not in model.sources:
            reason = f"model {model.name!r} has no 'onnx' source"
        return reason

    def load(self, model, *, precision="fp32", threads=1):
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        if threads < 1:
            raise FrameworkError(f"threads must be at least 1, not {threads}")
        return OldReferenceEngine(model, precision, self.version())


class OldReferenceEngine(Engine):
    framework = OldReference.name

    def __init__(self, model, precision, version):
        from onnx.reference import ReferenceEvaluator

        path = model.sources["onnx"]()
        try:
            self._evaluator = ReferenceEvaluator(path)
        except Exception as error:
            raise FrameworkError(f"onnx {version} cannot read {path}: {error}") from error
        self.model = model
        self.precision = precision
        self.inputs = model.inputs
        self.size_mib = os.path.getsize(path) / 2**20
        self._version = version

    def infer(self, *arrays):
        if self._evaluator is None:
            raise FrameworkError("the engine is closed; load the model again")
        for array, spec in zip(arrays, self.inputs):
            if array.shape != spec.shape:
                raise FrameworkError(f"input {spec.name!r} has shape {list(spec.shape)}, not {list(array.shape)}")
        return tuple(self._evaluator.run(None, {spec.name: one for spec, one in zip(self.inputs, arrays)}))

    def describe(self):
        return {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "provider": "numpy",
            "threads": "not controlled",
        }

    def close(self):
        self._evaluator = None

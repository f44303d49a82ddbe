from __future__ import annotations

from functools import partial

from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.testing import SHAPE, FrameworkContract


class TestExecuTorch(FrameworkContract):
    framework_name = "executorch"

    def damaged(self, folder):
        path = folder / "damaged.pte"
        path.write_bytes(b"this is no program")
        return Model("damaged", {"executorch": partial(str, path)}, (TensorSpec("images", SHAPE),))

    def missing(self, folder):
        return Model("missing", {"executorch": partial(str, folder / "missing.pte")}, (TensorSpec("images", SHAPE),))

from __future__ import annotations

import shutil

import pytest

from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.testing import SHAPE, FrameworkContract

from .whole import whole


def _gives_no_module():
    return "damaged"


def _is_missing():
    raise FileNotFoundError("missing.pt")


class TestTorch(FrameworkContract):
    framework_name = "torch"

    def damaged(self, folder):
        return Model("damaged", {"torch": _gives_no_module}, (TensorSpec("images", SHAPE),))

    def missing(self, folder):
        return Model("missing", {"torch": _is_missing}, (TensorSpec("images", SHAPE),))


@whole
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
class TestTorchCompile(TestTorch):
    framework_name = "torch:compile"

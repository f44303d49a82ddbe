from __future__ import annotations

import importlib.util
import sys

import pytest

torch = pytest.importorskip("torch")

from models import pytorchcv_networks, torchvision_import  # noqa: E402

from pytest_edgeperf import FrameworkError  # noqa: E402


@pytest.fixture
def away():
    """No torchvision has been imported; afterwards what was there is there again."""
    before = {name: sys.modules[name] for name in sys.modules if name.partition(".")[0] == "torchvision"}
    torchvision_import.forget()
    yield
    torchvision_import.forget()
    sys.modules.update(before)


@pytest.fixture
def drawn(away, tmp_path, monkeypatch):
    def write(text):
        (tmp_path / "torchvision").mkdir()
        (tmp_path / "torchvision" / "__init__.py").write_text(text)
        (tmp_path / "torchvision" / "models.py").write_text("def resnet50():\n    return 50\n")
        monkeypatch.syspath_prepend(tmp_path)

    return write


def test_missing_operators_are_declared_before_the_import(drawn):
    # as the real one does, which stops where an operator does not exist
    drawn("import torch\nfrom . import models\nassert torch.ops.torchvision.nms and torch.ops.torchvision.qnms\n")
    assert torchvision_import.torchvision_module("torchvision.models").resnet50() == 50
    operators = torch.ops.torchvision
    assert hasattr(operators, "nms")
    assert hasattr(operators, "qnms")


def test_a_half_imported_package_is_removed_and_the_reason_kept(drawn):
    drawn("from . import models\nimport no_such_library\n")
    with pytest.raises(FrameworkError, match=r"ModuleNotFoundError: No module named 'no_such_library'\); pip install"):
        torchvision_import.torchvision_module("torchvision.models")
    assert not [name for name in sys.modules if name.startswith("torchvision")]


def test_missing_packages_are_one_error_with_the_command(away, monkeypatch):
    find_spec = importlib.util.find_spec
    absent = ("torchvision", "pytorchcv")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in absent else find_spec(name))
    with pytest.raises(FrameworkError, match=r"pip install --no-deps torchvision==0\.28\.0 pillow"):
        torchvision_import.torchvision_module("torchvision.models")
    with pytest.raises(FrameworkError, match=r"xception is needed, .* pip install --no-deps pytorchcv==0\.0\.74"):
        pytorchcv_networks.architecture("xception")

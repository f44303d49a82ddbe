"""Classifiers with another number of classes than their own."""

from __future__ import annotations

import pytest

#: Networks are built; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from models import build  # noqa: E402
from models.heads import with_classes  # noqa: E402
from models.networks import known, names  # noqa: E402
from torch import nn  # noqa: E402

from pytest_edgeperf import FrameworkError  # noqa: E402


@pytest.mark.parametrize(
    ("name", "own", "features"), [("mobilenetv2", 1000, 1280), ("cifarnet", 10, 192), ("vgg-s-32", 100, 4096)]
)
def test_only_the_last_layer_differs(name, own, features):
    resolution = known(name).native
    whole, binary = (build(which, resolution).parameters for which in (name, f"{name}-2-classes"))
    assert whole["parameters"] - binary["parameters"] == (own - 2) * (features + 1)
    assert whole["multiply_accumulates"] - binary["multiply_accumulates"] == (own - 2) * features
    assert binary["network"] == f"{name}-2-classes"


def test_a_head_that_is_a_convolution_is_replaced_as_well(one_thread):
    class Squeezed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3)
            self.classifier = nn.Sequential(nn.Conv2d(8, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

        def forward(self, x):
            return self.classifier(self.first(x)).flatten(1)

    made = Squeezed().eval()
    first = made.first.weight.clone()
    changed = with_classes(made, 4)
    assert changed(torch.zeros(2, 3, 9, 9)).shape == (2, 4)
    assert torch.equal(changed.first.weight, first)
    assert not any(module.training for module in changed.modules())


def test_the_head_is_the_same_each_time(one_thread):
    weights = [with_classes(nn.Sequential(nn.Linear(7, 9)), 3)[0].weight for _ in range(2)]
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("yolov3-2-classes", "yolov3 is no classifier whose classes can be chosen"),
        ("mobilenetv2-4-classes-2-classes", "mobilenetv2-4-classes is no classifier"),
        ("digits-cnn-2-classes", "digits-cnn is trained for its own classes"),
        ("resnet18-1-classes", "two classes or more, not 1"),
        ("resnet19-2-classes", "no network is called 'resnet19'"),
    ],
)
def test_what_has_no_classes_to_choose_says_so(name, reason):
    with pytest.raises(FrameworkError, match=reason):
        build(name)


def test_they_are_no_networks_of_the_table():
    assert not [name for name in names() if name.endswith("-classes")]
    assert known("autoencoder-2-classes").frames == known("autoencoder").frames

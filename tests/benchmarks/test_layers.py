"""Networks of torch as lists of layers, checked by computing the layers one by one."""

from __future__ import annotations

import pytest

#: Networks are exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from models import layers as kinds  # noqa: E402
from models.caffe_files import caffe_files  # noqa: E402
from models.darknet import PoolInPlace  # noqa: E402
from models.darknet_files import darknet_files  # noqa: E402
from models.layers import layers_of  # noqa: E402
from models.tensorflow_files import shares  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from pytest_edgeperf import FrameworkError  # noqa: E402

SHAPE = (1, 3, 19, 16)


class Everything(nn.Module):
    """Two branches with each kind of layer, joined, a classifier and a head of boxes."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), nn.LocalResponseNorm(3, alpha=0.5, k=2)
        )
        self.deep = nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8), nn.LeakyReLU(0.1), PoolInPlace())
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(8, 8, 1), nn.ReLU(inplace=True))
        self.up = nn.Upsample(scale_factor=2)
        self.average = nn.AvgPool2d(3, 1, padding=1)
        self.head = nn.Conv2d(16, 4, (3, 1), padding=(1, 0))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(16 * 5 * 4, 6))

    def forward(self, x):
        stem = self.stem(x)
        deep = self.deep(stem) + stem
        both = torch.cat([self.average(deep), self.up(self.pooled(stem))], dim=1)
        boxes = self.head(both).permute(0, 2, 3, 1).reshape(1, -1, 4)
        return boxes, torch.softmax(self.classifier(nn.AdaptiveAvgPool2d((5, 4))(both)), dim=1)


def computed(layers, x):
    """The outputs, by one function of torch per layer."""
    values = {}
    for layer in layers.layers:
        given = [values[name] for name in layer.inputs]
        values[layer.name] = x if layer.kind == kinds.INPUT else one(layer, given)
        assert tuple(values[layer.name].shape) == layer.shape, layer
    return [values[name] for name in layers.outputs]


def one(layer, given):
    weights = {name: torch.from_numpy(array) for name, array in layer.weights.items()}
    settings = dict(layer.settings)
    if layer.kind == kinds.MAXIMUM and settings["padding"] is None:
        return functional.max_pool2d(functional.pad(given[0], (0, 1, 0, 1), value=-torch.inf), 2, 1)
    if layer.kind == kinds.MAXIMUM:
        padded = (settings["kernel"], settings["stride"], settings["padding"])
        up = functional.max_pool2d(given[0], *padded, ceil_mode=True)
        return up if up.shape == layer.shape else functional.max_pool2d(given[0], *padded)
    if layer.kind == kinds.AVERAGE:
        counted = settings.pop("counts_padding", True)
        return functional.avg_pool2d(
            given[0], settings["kernel"], settings["stride"], settings["padding"], count_include_pad=counted
        )
    if layer.kind == kinds.RECTIFIER:
        most = torch.inf if settings["most"] is None else settings["most"]
        return functional.leaky_relu(given[0], settings["slope"]).clamp(max=most)
    if layer.kind == kinds.NORM:
        statistics = (weights["mean"], weights["variance"], weights["weight"], weights["bias"])
        return functional.batch_norm(given[0], *statistics, eps=settings["epsilon"])
    return {
        kinds.CONVOLUTION: lambda: functional.conv2d(given[0], weights["weight"], weights.get("bias"), **settings),
        kinds.LINEAR: lambda: functional.linear(given[0], weights["weight"], weights["bias"]),
        kinds.RESPONSE_NORM: lambda: functional.local_response_norm(given[0], **settings),
        kinds.ADD: lambda: given[0] + given[1],
        kinds.CONCATENATE: lambda: torch.cat(given, settings["axis"]),
        kinds.RESHAPE: lambda: given[0].reshape(layer.shape),
        kinds.PERMUTE: lambda: given[0].permute(settings["order"]),
        kinds.UPSAMPLE: lambda: functional.interpolate(given[0], scale_factor=settings["scale"]),
        kinds.SLICE: lambda: given[0].narrow(settings["axis"], settings["start"], layer.shape[settings["axis"]]),
        kinds.SOFTMAX: lambda: given[0].softmax(settings["axis"]),
    }[layer.kind]()


def test_the_layers_compute_what_the_network_does(one_thread):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = Everything().eval()
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
        x = torch.randn(SHAPE)
    layers = layers_of(network, SHAPE)
    with torch.inference_mode():
        for output, right in zip(computed(layers, x), network(x)):
            torch.testing.assert_close(output, right)
    found = [layer.kind for layer in layers.layers]
    # the maximum in place is one layer, and what does nothing in an inference is none
    assert found.count(kinds.MAXIMUM) == 2
    assert kinds.SLICE not in found
    assert {kinds.ADD, kinds.CONCATENATE, kinds.UPSAMPLE, kinds.PERMUTE, kinds.SOFTMAX} < set(found)


def test_an_average_of_cells_that_overlap_is_a_kind_of_its_own(tmp_path):
    assert [layer.kind for layer in layers_of(nn.AdaptiveAvgPool2d(3), (1, 3, 8, 8)).layers][1:] == [
        kinds.ADAPTIVE_AVERAGE
    ]
    assert layers_of(nn.AdaptiveAvgPool2d(4), (1, 3, 8, 8)).layers[1].kind == kinds.AVERAGE
    with pytest.raises(FrameworkError, match="Caffe has no layer for adaptive average"):
        caffe_files(nn.AdaptiveAvgPool2d(3), (1, 3, 8, 8), tmp_path / "net.prototxt", tmp_path / "net.caffemodel")


@pytest.mark.parametrize(("side", "cells"), [(1, 6), (3, 7), (8, 3), (7, 7)])
def test_what_pixels_count_in_cells_is_as_in_torch(side, cells):
    row = torch.randn(1, 1, side)
    found = row.numpy() @ shares(side, cells).T
    torch.testing.assert_close(torch.from_numpy(found), functional.adaptive_avg_pool1d(row, cells))


class Swapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x):
        early = self.first(x)
        return self.second(x), early


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 2, 1), nn.Conv2d(2, 4, 1)

    def forward(self, x):
        early = self.first(x)
        return early, self.second(early)


@pytest.mark.parametrize("network", [Swapped, Inner])
@pytest.mark.parametrize("write", [caffe_files, darknet_files])
def test_outputs_that_a_tool_would_give_otherwise_are_refused(tmp_path, network, write):
    with pytest.raises(FrameworkError, match="would give the outputs of this network in another order"):
        write(network(), (1, 3, 8, 8), tmp_path / "text", tmp_path / "weights")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (nn.GELU(), r"the operation aten\.gelu\.default of torch cannot be written"),
        (nn.Hardtanh(-1, 1), "a hard tangent that is no rectifier"),
        (nn.Conv2d(3, 4, 3, padding="same"), r"padding called 'same'|conv2d\.padding"),
    ],
)
def test_what_no_format_has_is_named(network, why):
    with pytest.raises(FrameworkError, match=why):
        layers_of(network, (1, 3, 8, 8))


def test_an_older_torch_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.1.0a0+41361538.nv23.06")
    with pytest.raises(FrameworkError, match=r"needs torch 2\.5 or newer, not 2\.1\.0a0.*copy the cache folder"):
        layers_of(nn.ReLU(), (1, 3, 8, 8))

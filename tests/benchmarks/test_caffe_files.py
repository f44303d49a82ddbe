from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

#: Networks are exported; no code of ours is traced by that.
pytestmark = pytest.mark.long

torch = pytest.importorskip("torch")

from models.caffe_files import caffe_files  # noqa: E402
from torch import nn  # noqa: E402

from pytest_edgeperf import FrameworkError  # noqa: E402

SHAPE = (1, 3, 12, 12)


def fields(message):
    """(number, content) of a protocol buffer whose fields all have a length."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        assert key & 7 == 2
        length, at = varint(message, at)
        yield key >> 3, message[at : at + length]
        at += length


def varint(message, at):
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def arrays_of(path):
    """Layer -> its type and arrays, of a .caffemodel."""
    found = {}
    for number, layer in fields(Path(path).read_bytes()):
        assert number == 100
        parts = list(fields(layer))
        name, kind = (content.decode() for number, content in parts if number in (1, 2))
        arrays = []
        for number, blob in parts:
            if number == 7:
                content = dict(fields(blob))
                sides, at = [], 0
                packed = dict(fields(content[7]))[1]
                while at < len(packed):
                    side, at = varint(packed, at)
                    sides.append(side)
                arrays.append(np.frombuffer(content[5], "<f4").reshape(sides))
        found[name] = (kind, arrays)
    return found


def test_the_files_have_the_layers_and_their_weights(tmp_path):
    network = nn.Sequential(
        nn.Conv2d(3, 200, 3, 2, bias=False), nn.BatchNorm2d(200), nn.ReLU6(), nn.Flatten(), nn.Linear(5000, 2)
    )
    text, binary = caffe_files(network.eval(), SHAPE, tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    found = list(arrays_of(binary).values())
    assert [kind for kind, _ in found] == ["Convolution", "BatchNorm", "Scale", "InnerProduct"]
    np.testing.assert_array_equal(found[0][1][0], network[0].weight.detach().numpy())
    assert [array.shape for array in found[1][1]] == [(200,), (200,), (1,)]
    np.testing.assert_array_equal(found[3][1][0], network[4].weight.detach().numpy())
    described = Path(text).read_text()
    types = re.findall(r'type: "(\w+)"', described)
    assert types == ["Convolution", "BatchNorm", "Scale", "ReLU6", "Reshape", "InnerProduct"]
    assert 'input: "images"\ninput_shape { dim: 1 dim: 3 dim: 12 dim: 12 }' in described
    assert "num_output: 200 bias_term: false kernel_h: 3 kernel_w: 3 stride_h: 2 stride_w: 2 pad_h: 0" in described


@pytest.mark.parametrize(("ceil", "side", "said"), [(True, 12, False), (False, 12, True), (False, 13, False)])
def test_a_number_of_cells_that_is_rounded_down_is_said(tmp_path, ceil, side, said):
    pool = nn.MaxPool2d(3, 2, ceil_mode=ceil)
    text, _ = caffe_files(pool, (1, 3, side, side), tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    assert ("ceil_mode: false" in Path(text).read_text()) is said


def test_a_response_norm_is_said_without_k_which_opencv_does_not_read(tmp_path):
    network = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)
    text, _ = caffe_files(network, SHAPE, tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    assert "lrn_param { local_size: 5 alpha: 0.00025 beta: 0.75 k: 1 }" in Path(text).read_text()
    assert f"scale: {2**-0.75:.9g}" in Path(text).read_text()


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (nn.Hardtanh(0, 5), "no rectifier up to 5"),
        (nn.Conv2d(3, 4, 3, dilation=(1, 2)), "one dilation"),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), "averages with the padding"),
    ],
)
def test_what_caffe_lacks_is_refused(tmp_path, network, why):
    with pytest.raises(FrameworkError, match=why):
        caffe_files(network, SHAPE, tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    assert list(tmp_path.iterdir()) == []

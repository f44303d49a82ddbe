from __future__ import annotations

import pytest

from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.frameworks.opencv import OpenCv
from pytest_edgeperf.testing import CHANNELS, SHAPE, FrameworkContract, weights

IMAGES = (TensorSpec("images", SHAPE),)
PROTOTXT = """name: "contract"
input: "images"
input_shape {{ dim: 1 dim: 3 dim: 32 dim: 32 }}
layer {{ name: "convolved" type: "Convolution" bottom: "images" top: "convolved"
        convolution_param {{ num_output: {channels} kernel_size: 3 pad: 1 }} }}
layer {{ name: "rectified" type: "ReLU" bottom: "convolved" top: "convolved" }}
layer {{ name: "pooled" type: "Pooling" bottom: "convolved" top: "pooled"
        pooling_param {{ pool: AVE global_pooling: true }} }}
layer {{ name: "scores" type: "InnerProduct" bottom: "pooled" top: "scores"
        inner_product_param {{ num_output: {classes} bias_term: false }} }}
"""


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def blob(array) -> bytes:
    """Caffe's BlobProto: data in field 5, shape in field 7."""
    shape = field(1, b"".join(map(varint, array.shape)))
    return field(5, array.astype("<f4").tobytes()) + field(7, shape)


def layer(name: str, kind: str, *arrays) -> bytes:
    """A LayerParameter in a NetParameter's field 100."""
    blobs = b"".join(field(7, blob(array)) for array in arrays)
    return field(100, field(1, name.encode()) + field(2, kind.encode()) + blobs)


def caffe_files(folder, classes):
    made = weights(classes)
    text, binary = folder / f"contract-{classes}.prototxt", folder / f"contract-{classes}.caffemodel"
    text.write_text(PROTOTXT.format(channels=CHANNELS, classes=classes))
    binary.write_bytes(
        layer("convolved", "Convolution", made["kernel"], made["bias"])
        + layer("scores", "InnerProduct", made["matrix"].T)
    )
    return str(text), str(binary)


class TestOpenCv(FrameworkContract):
    framework_name = "opencv"


class TestOpenCvWithCaffe(FrameworkContract):
    framework_name = "opencv"

    def sources(self, folder, classes):
        if OpenCv().version() is not None and OpenCv()._is_after_4():
            pytest.skip("release 5 has no reader for Caffe's files")
        files = caffe_files(folder, classes)
        return {"caffe": lambda: files}

    def damaged(self, folder):
        for suffix in ("prototxt", "caffemodel"):
            (folder / f"damaged.{suffix}").write_bytes(b"this is no network")
        files = folder / "damaged.prototxt", folder / "damaged.caffemodel"
        return Model("damaged", {"caffe": lambda: files}, IMAGES)

    def missing(self, folder):
        files = folder / "missing.prototxt", folder / "missing.caffemodel"
        return Model("missing", {"caffe": lambda: files}, IMAGES)

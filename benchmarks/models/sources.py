"""Which networks there are in which formats of other tools than torch and ONNX, made by ``models.conversions``."""

from __future__ import annotations

from typing import Mapping, Tuple

#: Format -> networks.
FORMATS: Mapping[str, Tuple[str, ...]] = {
    "caffe": (
        "alexnet",
        "cifarnet",
        "mobilenetv2",
        "resnet101",
        "resnet18",
        "resnet50",
        "ssd-mobilenetv1",
        "ssd-mobilenetv2",
        "vgg-s",
        "vgg16",
        "vgg19",
        "yolov2-tiny",
        "yolov3",
        "yolov3-tiny",
    ),
    "darknet": (
        "alexnet",
        "resnet101",
        "resnet18",
        "resnet50",
        "vgg16",
        "vgg19",
        "yolov2-tiny",
        "yolov3",
        "yolov3-tiny",
    ),
    "tensorflow": (
        "alexnet",
        "cifarnet",
        "inception-v4",
        "mobilenetv2",
        "resnet101",
        "resnet18",
        "resnet50",
        "ssd-mobilenetv1",
        "ssd-mobilenetv2",
        "vgg-s",
        "vgg16",
        "vgg19",
        "xception",
        "yolov2-tiny",
        "yolov3",
        "yolov3-tiny",
    ),
}
#: What a runtime would take before ONNX is in a model only where it is asked for, but for these.
TAKEN_BEFORE_ONNX = {"caffe": (), "darknet": ("yolov3-tiny",)}


def formats_of(name: str) -> Tuple[str, ...]:
    """The formats that a network has, in the order of the alphabet."""
    return tuple(kind for kind, networks in FORMATS.items() if name in networks)


def usual_formats_of(name: str) -> Tuple[str, ...]:
    """Those among them that its models have without being asked for one."""
    return tuple(kind for kind in formats_of(name) if name in TAKEN_BEFORE_ONNX.get(kind, (name,)))

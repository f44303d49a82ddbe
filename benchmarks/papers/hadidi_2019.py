"""Hadidi et al. (2019), as its slides print it."""

from __future__ import annotations

from papers import Paper

PAPER = Paper(
    "hadidi-2019",
    files={
        "hadidi-2019::frameworks": "test_model_zoo.py",
        "hadidi-2019::hardware": "test_energy.py",
        "hadidi-2019::temperature": "test_energy.py",
    },
)
#: "Our Models": (network, input) -> FLOPs (giga) over parameters (millions), as printed.
FLOP_PER_PARAMETER = {
    ("resnet18", 224): 156.54,
    ("resnet50", 224): 161.97,
    ("resnet101", 224): 176.66,
    ("xception", 224): 202.97,
    ("mobilenetv2", 224): 90.65,
    ("inception-v4", 224): 287.29,
    ("alexnet", 224): 7.05,
    ("vgg16", 224): 111.81,
    ("vgg19", 224): 136.64,
    ("vgg-s-32", 32): 3.42,
    ("vgg-s", 224): 31.77,
    ("cifarnet", 32): 12.65,
    ("ssd-mobilenetv1", 300): 236.07,
    ("yolov3", 224): 628.54,
    ("yolov3-tiny", 224): 350.35,
    ("c3d", "12x112x112"): 734.05,
}
#: Matrix of networks and a Raspberry Pi 3: what is in the way, or nothing.
RASPBERRY_PI_3 = {
    "resnet18": "",
    "resnet50": "",
    "mobilenetv2": "",
    "inception-v4": "",
    "alexnet": "large memory usage",
    "vgg16": "large memory usage",
    "ssd-mobilenetv1": "code incompatibility",
    "yolov3-tiny": "",
    "c3d": "large memory usage",
}

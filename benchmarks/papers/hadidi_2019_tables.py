"""The tables of marks of Hadidi et al. (2019): networks by framework and device, and what frameworks have.

As the slides print them. A mark of the matrix is explained in :data:`MARKS`.
"""

from __future__ import annotations

from typing import Mapping, Tuple

YES = "✓"
NO = "-"
#: Columns of :data:`PROGRAM`: framework here -> as printed.
PROGRAM_FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow", "darknet": "DarkNet", "caffe": "Caffe"}
#: Their program's "Supported Models": network -> whether each framework has it. VGG-11 stands there for VGG-S.
PROGRAM: Mapping[str, str] = {
    "resnet18": "✓✓--",
    "resnet50": "✓✓✓✓",
    "resnet101": "✓✓✓✓",
    "xception": "✓✓-✓",
    "mobilenetv2": "✓✓-✓",
    "inception-v4": "✓✓-✓",
    "alexnet": "✓✓✓✓",
    "vgg-s": "✓---",
    "vgg-s-32": "✓---",
    "vgg16": "✓✓✓✓",
    "vgg19": "✓✓-✓",
    "cifarnet": "✓---",
    "ssd-mobilenetv1": "✓---",
    "yolov3": "✓-✓-",
    "yolov3-tiny": "✓✓✓-",
    "c3d": "✓---",
}
MATRIX_DEVICES = ("RPi3", "Jetson TX2", "Jetson Nano", "EdgeTPU", "Movidius", "PYNQ")
#: "Models and platforms compatibility matrix": network -> a mark for each device.
MATRIX: Mapping[str, Tuple[str, ...]] = {
    "resnet18": ("✓", "✓", "✓", "△", "✓", "✓"),
    "resnet50": ("✓", "✓", "✓", "✓", "✓", "◇◇"),
    "mobilenetv2": ("✓", "✓", "✓", "✓", "✓", "◇◇"),
    "inception-v4": ("✓", "✓", "✓", "✓", "✓", "◇◇"),
    "alexnet": ("◇", "✓", "✓", "△", "✓", "◇◇"),
    "vgg16": ("◇", "✓", "✓", "✓", "✓", "◇◇"),
    "ssd-mobilenetv1": ("▽", "✓", "✓", "✓", "✓", "◇◇"),
    "yolov3-tiny": ("✓", "✓", "✓", "△", "✓", "◇◇"),
    "c3d": ("◇", "✓", "✓", "△", "✓", "◇◇"),
}
MARKS = {
    "◇": "large memory usage, uses dynamic graph",
    "▽": "code incompatibility",
    "◇◇": "large BRAM usage; requires accessing host DDR3, which slows execution down considerably",
    "△": "barriers in converting models to TFLite",
}
FRAMEWORKS = ("TensorFlow", "TFLite", "Caffe1/2", "Movidius", "PyTorch", "TensorRT", "DarkNet")
#: Feature -> a cell for each framework. Cells that the slides join are printed once, in the first of them.
FEATURES: Mapping[str, Tuple[str, ...]] = {
    "Language": ("Python", "", "", "", "", "", "C"),
    "Industry backed": ("✓", "", "", "", "", "", "✗"),
    "Training framework": ("✓", "✗", "✓", "", "", "", ""),
    "Usability": ("3", "1", "2", "1", "3", "2", "2"),
    "Adding new models": ("2", "1", "3", "1", "3", "2", "3"),
    "Pre-defined models": ("3", "1", "2", "1", "3", "2", "2"),
    "Documentation": ("2", "1", "1", "1", "3", "1", "1"),
    "No extra steps": ("✓", "✗", "✓", "✗", "✓", "✓", "✓"),
    "Mobile device deployment": ("✗", "✓", "", "✗", "", "", ""),
    "Low-level modifications": ("2", "1", "2", "1", "1", "1", "3"),
    "Compatibility with others": ("1", "1", "1", "1", "1", "2", "1"),
}
#: Optimisation -> the marks that are legible, in the order of the frameworks: six for seven, and the last is DarkNet's.
OPTIMISATIONS: Mapping[str, str] = {
    "Quantisation": "✓✓✓✓✓✗",
    "Mixed precision": "✗✗✗✗✓✗",
    "Dynamic graph": "✗✗✗✗✓✗",
    "Pruning": "✓✓✗✗✓✗",
    "Fusion": "✓✓✗✓✓✗",
    "Auto-tuning": "✗✗✗✗✓✗",
    "Half precision": "✓✓✓✓✓✗",
}

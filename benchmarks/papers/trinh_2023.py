"""Trinh (2023)."""

from __future__ import annotations

from papers import Paper

PAPER = Paper(
    "trinh-2023",
    files={
        "trinh-2023::image_classification": "test_model_zoo.py",
        "trinh-2023::object_detection": "test_model_zoo.py",
        "trinh-2023::human_pose": "test_pose_and_segmentation.py",
        "trinh-2023::semantic_segmentation": "test_pose_and_segmentation.py",
    },
)
#: Designed for mobile devices.
MOBILE_CLASSIFIERS = (
    "efficientnet-b0",
    "mnasnet0-5",
    "mnasnet0-75",
    "mnasnet1-0",
    "mnasnet1-3",
    "mobilenetv2",
    "mobilenetv3-large",
    "mobilenetv3-small",
    "shufflenet-v2-x0-5",
)
#: Of tables 4.1 to 4.9.
CLASSIFIERS = (
    *MOBILE_CLASSIFIERS,
    "alexnet",
    "densenet121",
    "googlenet",
    "inception-v3",
    "resnet18",
    "squeezenet1-0",
)
#: Of table 4.10 only, with more layers.
DEEP_CLASSIFIERS = ("resnet50", "resnet101", "resnet152", "resnext50-32x4d", "resnext101-32x8d")
DETECTORS = (
    "yolov2-tiny",
    "yolov3-tiny",
    "yolov5n",
    "yolov5n6",
    "yolov5s",
    "yolov5s6",
    "yolox-nano",
    "yolox-tiny",
    "yolox-s",
)
LIGHT_DETECTORS = ("yolov2-tiny", "yolov3-tiny", "yolov5n", "yolov5n6")

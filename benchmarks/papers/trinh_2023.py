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
#: Timed apart, as it took hours on a Raspberry Pi (section 4.2).
SLOW_DETECTORS = ("ssdlite320-mobilenetv3-large",)
#: Table 4.10, on an AGX Xavier: how many times faster than ONNX Runtime on the CPU the inference is by its CUDA
#: provider and by TensorRT, and how many layers the network has.
TABLE_4_10 = {
    "alexnet": (1.617, 1.971, 8),
    "googlenet": (3.205, 3.406, 22),
    "efficientnet-b0": (3.942, 3.521, 215),
    "densenet121": (4.939, 4.351, 121),
    "squeezenet1-0": (2.061, 3.065, 18),
    "inception-v3": (5.370, 7.968, 159),
    "shufflenet-v2-x0-5": (0.778, 1.464, 69),
    "mobilenetv2": (2.782, 3.448, 18),
    "mobilenetv3-small": (2.051, 2.666, 17),
    "mobilenetv3-large": (2.885, 4.216, 25),
    "mnasnet0-5": (2.173, 3.143, 17),
    "mnasnet0-75": (3.349, 5.521, 21),
    "mnasnet1-0": (3.060, 4.068, 23),
    "mnasnet1-3": (5.044, 4.669, 25),
    "resnet18": (2.830, 4.313, 18),
    "resnet50": (4.594, 6.095, 50),
    "resnet101": (8.286, 12.280, 101),
    "resnet152": (8.135, 12.796, 152),
    "resnext50-32x4d": (5.988, 6.899, 50),
    "resnext101-32x8d": (9.090, 11.478, 101),
}
#: Pixels of the input for a cell of the maps that are searched for people (tables 4.19 and 4.20).
POSE_STRIDES = (8, 32)
#: Table 4.19 (stride 8), 4.20 (stride 32): device -> frames per second by ONNX Runtime on the CPU and by CUDA.
POSE_FPS = {
    8: {"Jetson Nano": (1.343, 3.065), "Jetson TX2": (1.771, 6.668), "AGX Xavier": (5.671, 15.529)},
    32: {"Jetson Nano": (1.317, 4.686), "Jetson TX2": (1.756, 4.170), "AGX Xavier": (5.649, 16.246)},
}
#: Table 4.21, the same.
SEGMENTATION_FPS = {"Jetson Nano": (1.232, 3.058), "Jetson TX2": (1.636, 4.742), "AGX Xavier": (4.164, 11.568)}

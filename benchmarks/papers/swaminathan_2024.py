"""Swaminathan et al. (2024): its networks, identified by the parameters that table 1 counts."""

from __future__ import annotations

from papers import Paper

PAPER = Paper(
    "swaminathan-2024",
    files={
        "swaminathan-2024::image_classification": "test_model_zoo.py",
        "swaminathan-2024::action_recognition": "test_action_recognition.py",
    },
)
#: Table 1: network -> (FLOPs, of multiply-accumulates, and trainable parameters) as printed.
CLASSIFIERS = {
    "alexnet": (1475805888, 61751008),
    "vgg19": (19590954654, 143667240),
    "resnet50": (3883453952, 25557032),
    "squeezenet1-1": (780414144, 1235496),
    "densenet121": (2845996288, 7978856),
    "shufflenet-v2-x1-0": (298632608, 2278604),
    "mobilenetv2": (300356480, 3504872),
    "resnext50-32x4d": (3866082816, 25028904),
}
ACTION_NETWORKS = {
    "3d-cnn": (116551168, 20333956),
    "autoencoder": (22434944, 332807),
    "densenet-action-recognition": (27681924, 109386),
}
#: Table 1, on a Jetson Nano: how many times faster the inference is in TensorRT than in PyTorch.
SPEED_UPS = {
    "alexnet": 5.62,
    "vgg19": 6.05,
    "resnet50": 4.88,
    "squeezenet1-1": 4.72,
    "densenet121": 2.72,
    "shufflenet-v2-x1-0": 13.6,
    "mobilenetv2": 16.7,
    "resnext50-32x4d": 8.07,
    "3d-cnn": 3.7,
    "autoencoder": 3.07,
    "densenet-action-recognition": 8.5,
}
#: Where the column of times that is printed beside it gives another number.
SPEED_UP_NOTES = {
    "squeezenet1-1": "printed as 4.72, but the printed times, 0.7966 and 0.1663 s, give 4.79",
    "densenet121": "printed as 2.72, but the printed times, 1.0132 and 0.3682 s, give 2.75",
}

"""The findings of Trinh (2023), chapter 4, tested on the results of one or several devices.

"Evaluation of deployment options for neural networks on embedded edge devices" numbers no findings: these are its
statements of devices, of ONNX Runtime's providers and TensorRT, and of four tasks. FPS is that of the whole pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from papers.trinh_2023 import PAPER

from checklists.deciding import Tests, decide
from checklists.findings import Checklist
from checklists.trinh_2023.classification import t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t24
from checklists.trinh_2023.course import t11, t12, t13, t14
from checklists.trinh_2023.detection import t15, t16, t17, t18, t19, t20, t21, t22, t23

if TYPE_CHECKING:
    from pytest_edgeperf import Results


def checklist(*results: Results) -> Checklist:
    """T1 to T24."""
    return decide(FINDINGS, PAPER, results)


FINDINGS: Tests = (
    ("T1", "ShuffleNetV2 x0.5 is the fastest classifier on a CPU", t1),
    ("T2", "a Raspberry Pi 4 is about twice as fast as a Raspberry Pi 3 (1.80 to 2.41 times), and steadier", t2),
    ("T3", "a Jetson Nano's CPU is as fast as a Raspberry Pi 4's", t3),
    ("T4", "CUDA makes most classifiers 3 to 4 times as fast on Nano and TX2, and ResNet-18 more", t4),
    ("T5", "ShuffleNet gains nothing by the GPU", t5),
    ("T6", "most classifiers run near real time, 30 FPS, on a TX2's GPU and on a Xavier's CPU", t6),
    ("T7", "TensorRT speeds most networks up over CUDA (table 4.10)", t7),
    ("T8", "the more layers a network of a family has, the more TensorRT speeds it up (4.3 to 12.8 times)", t8),
    ("T9", "DenseNet121 is faster by CUDA than by TensorRT (4.939 against 4.351 times)", t9),
    ("T10", "EfficientNet and networks for mobile devices gain little by TensorRT over CUDA", t10),
    ("T11", "without warm-up the first inferences are slow, most for Inception v3 and DenseNet121", t11),
    ("T12", "a Raspberry Pi 3 begins fast, gets slower, and needs more than 100 inputs to warm up", t12),
    ("T13", "under load the times of mobile networks go in steps on Xavier and TX2, by throttling", t13),
    ("T14", "mobile networks vary less than AlexNet and GoogLeNet on a GPU, and not on a CPU (figure 4.12)", t14),
    ("T15", "YOLOX-nano is the fastest detector on every device (2.375 to 36.755 FPS)", t15),
    ("T16", "CUDA speeds only the inference, not pre- and post-processing", t16),
    ("T17", "a Xavier's CPU matches a Nano's GPU for light detectors", t17),
    ("T18", "YOLO is faster by CUDA than on the CPU of each device (figure 4.14)", t18),
    ("T19", "a Raspberry Pi has too little memory: tinyYOLOv3 on a 3, LRASPP after 500 (3) and 4000 images (4)", t19),
    ("T20", "SSDLite takes more than 4 hours for 2500 images on a Raspberry Pi", t20),
    ("T21", "CUDA makes pose estimation 3.7 times as fast on a TX2", t21),
    ("T22", "a stride of 32 makes pose estimation no faster on a CPU, and faster on GPUs", t22),
    ("T23", "CUDA gives segmentation nearly three times the FPS, and leaves pre- and post-processing alike", t23),
    ("T24", "converted networks answer as the original does", t24),
)

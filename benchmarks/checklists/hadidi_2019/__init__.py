"""The findings of Hadidi et al. (2019), by the takeaways of its slides, tested on the results of several devices.

"Characterizing the deployment of deep neural networks on commercial edge devices" numbers no findings, and its slides
print few numbers. Most compare devices: give the results files of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from papers.hadidi_2019 import PAPER

from checklists.deciding import Tests, decide
from checklists.findings import Checklist
from checklists.hadidi_2019.energy import h15, h16, h17, h18, h19
from checklists.hadidi_2019.speed import h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, h12, h13, h14, h20, h21

if TYPE_CHECKING:
    from pytest_edgeperf import Results


def checklist(*results: Results) -> Checklist:
    """H1 to H21."""
    return decide(FINDINGS, PAPER, results)


FINDINGS: Tests = (
    ("H1", "no device is the best for all networks (VI-A)", h1),
    ("H2", "a Raspberry Pi runs every network (VI-A)", h2),
    (
        "H3",
        "boards with a GPU balance speed and generality: they run the networks, faster than a Raspberry Pi (VI-A)",
        h3,
    ),
    ("H4", "an Edge TPU is the best on MobileNet, and needs compilation, int8 and retraining (VI-A)", h4),
    ("H5", "HPC platforms are only some 3 times faster at one image (VI-C)", h5),
    ("H6", "a server's CPU is no better: the networks are compute-bound (VI-C)", h6),
    ("H7", "on a Raspberry Pi TensorFlow is faster than PyTorch (VI-B)", h7),
    ("H8", "on a TX2 PyTorch is the fastest, and Caffe is close (VI-B)", h8),
    ("H9", "on a Titan X neither TensorFlow nor PyTorch is always faster (VI-B)", h9),
    ("H10", "TensorRT is 4.10 times as fast as PyTorch on a Jetson Nano (VI-B)", h10),
    ("H11", "TensorFlow Lite is faster than TensorFlow and PyTorch on a Raspberry Pi (VI-B)", h11),
    ("H12", "the choice of a general framework matters (conclusions)", h12),
    ("H13", "on a Raspberry Pi PyTorch spends its time on operators, TensorFlow on loading and building (VI-B)", h13),
    ("H14", "a container costs little against bare metal (VI-D asks, and prints no answer)", h14),
    ("H15", "boards with a GPU take 5 times less energy than HPC GPUs (VI-E)", h15),
    ("H16", "Movidius takes the least energy; Edge TPU and Jetsons trade energy for speed (VI-E)", h16),
    ("H17", "a Raspberry Pi is good in the graph of time and power (VI-E)", h17),
    ("H18", "average power is 2.73 W on a Raspberry Pi, 4.58 on a Nano, 9.65 on a TX2; idle 1.33, 1.25, 1.90", h18),
    ("H19", "idle temperatures are 43.3 degC on a Raspberry Pi, 35.2 on a Nano, 32.4 on a TX2 (VI-F)", h19),
    ("H20", "FLOPs per parameter tell memory-bound from compute-bound networks", h20),
    ("H21", "int8 has great gains without a loss of accuracy", h21),
)

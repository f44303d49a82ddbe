"""Suo et al. (2021)."""

from __future__ import annotations

from papers import Paper
from pytest_edgeperf import ReferenceLine

#: Table I: YOLOv3's input resolutions and what an inference costs at them. A BFLOP is 1e9 operations of convolutions,
#: two per multiply-accumulate.
TABLE_1_BFLOPS = {
    320: 38.97,
    416: 65.86,
    448: 76.38,
    480: 87.68,
    512: 99.76,
    544: 112.62,
    576: 126.26,
    608: 140.69,
    640: 155.89,
    672: 171.86,
}
#: Further resolutions of TensorRT's and TensorFlow's series (section III-A), and that of PyTorch's trough on a Xavier
#: NX (section IV-D). Only the trough's BFLOPs are printed; the others are table I's times the area.
FURTHER_BFLOPS = {704: 188.6, 736: 206.17, 800: 243.6}
#: Longer side, precision and proportions of the input before optimisation and after (observation 6, section VI).
BEFORE = (320, "fp32", "1:1")
OPTIMISED = (320, "fp16", "16:9")
#: Engines are started until there is no memory for another, and no more than these; there three fitted.
MOST_STARTED = 8
#: Formula (3): TensorRT's time in ms over BFLOPs, slope and intercept as printed.
FORMULA_3 = (5.32, 37.62)

PAPER = Paper(
    "suo-2021",
    files={
        "suo-2021::framework_comparison": "test_framework_comparison.py",
        "suo-2021::postprocessing": "test_postprocessing_profile.py",
        "suo-2021::precision": "test_resolution_scaling.py",
        "suo-2021::optimisation": "test_parallel_engines.py",
        "suo-2021::power": "test_power.py",
    },
)

#: Formulas (1) to (4) of Suo et al. (2021), section IV-A, on a Jetson Nano: time in ms and memory in MB over BFLOPs.
LINES = (
    ReferenceLine("TensorFlow, Jetson Nano", "latency", 10.19, 411.64, "ms", "suo-2021 formula (1)"),
    ReferenceLine("PyTorch, Jetson Nano", "latency", 14.66, 230.89, "ms", "suo-2021 formula (2)", 38.97, 87.68),
    ReferenceLine(
        *("PyTorch, Jetson Nano", "latency", 7.70, 430.06, "ms", "suo-2021 formula (2)", 99.76, 126.26),
        note="table I gives 7.70 C + 420.06 for the piece that is printed with 430.06",
    ),
    ReferenceLine(
        *("PyTorch, Jetson Nano", "latency", 10.72, -116.07, "ms", "suo-2021 formula (2)", 140.69, 171.86),
        note="table I gives 10.72 C - 115.65 for the piece that is printed with -116.07",
    ),
    ReferenceLine(
        *("TensorRT, Jetson Nano", "latency", 5.32, 37.62, "ms", "suo-2021 formula (3)"),
        note="3.9 FPS are printed for 320 pixels, of which it gives 4.08",
    ),
    ReferenceLine("PyTorch, Jetson Nano", "memory_system_peak", 14.36, 1393.52, "MB", "suo-2021 formula (4)"),
)

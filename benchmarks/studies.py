"""The published experiments that the benchmarks reproduce: what they measured, and the lines they found."""

from __future__ import annotations

from dataclasses import replace

from pytest_edgeperf import ReferenceLine, Study

#: Table I of Suo et al. (2021): YOLOv3's input resolutions and what an inference costs at them. A BFLOP is 1e9
#: operations of convolutions, two per multiply-accumulate.
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

#: Formulas (1) to (4) of Suo et al. (2021), section IV-A, on a Jetson Nano: time in ms and memory in MB over BFLOPs.
SUO_2021_LINES = (
    ReferenceLine("TensorFlow, Jetson Nano", "latency", 10.19, 411.64, "ms", "suo-2021 formula (1)"),
    ReferenceLine("PyTorch, Jetson Nano", "latency", 14.66, 230.89, "ms", "suo-2021 formula (2)", 38.97, 87.68),
    ReferenceLine("PyTorch, Jetson Nano", "latency", 7.70, 430.06, "ms", "suo-2021 formula (2)", 99.76, 126.26),
    ReferenceLine("PyTorch, Jetson Nano", "latency", 10.72, -116.07, "ms", "suo-2021 formula (2)", 140.69, 171.86),
    ReferenceLine("TensorRT, Jetson Nano", "latency", 5.32, 37.62, "ms", "suo-2021 formula (3)"),
    ReferenceLine("PyTorch, Jetson Nano", "memory_process_peak", 14.36, 1393.52, "MB", "suo-2021 formula (4)"),
)

SUO_2021_EXPERIMENT_1 = Study(
    "suo-2021 experiment 1",
    "complexity",
    "GFLOPs",
    references=SUO_2021_LINES,
    ranking=True,
    shares=("preprocess", "infer", "postprocess"),
)
SUO_2021_EXPERIMENT_1_TINY = replace(SUO_2021_EXPERIMENT_1, name="suo-2021 experiment 1, YOLOv3-tiny")

#: Figure 10 has no table; the text names the largest number on a Jetson Nano, three.
SUO_2021_EXPERIMENT_3_PARALLEL = Study(
    "suo-2021 experiment 3, parallel engines",
    "engines at once",
    "",
    metrics=("throughput", "latency", "memory_process_peak"),
    lines=False,
)

TRINH_2023_WARM_UP = Study(
    "trinh-2023 warm-up", "complexity", "GFLOPs", metrics=("first_inference", "warm_up", "latency")
)

#: Figures 4.10 and 4.11 have no table; their text names the steps and supposes thermal throttling.
TRINH_2023_SUSTAINED = Study(
    "trinh-2023 minutes of load",
    "complexity",
    "GFLOPs",
    metrics=("latency_start", "latency_sustained", "temperature_max"),
)

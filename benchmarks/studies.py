"""The published experiments that the benchmarks reproduce: what they measured, and the lines they found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Tuple

from papers import suo_2021, swaminathan_2024, trinh_2023
from papers.measured import label_of

from pytest_edgeperf import ReferenceRatio, Study

#: On a board, whose processor and GPU share one memory, a process's own is only a part of what an inference needs.
MEMORY = ("memory_system_peak", "memory_process_peak")
SUO_2021_EXPERIMENT_1 = Study(
    "suo-2021 experiment 1",
    "complexity",
    "GFLOPs",
    metrics=("latency", *MEMORY),
    references=suo_2021.LINES,
    ranking=True,
    shares=("preprocess", "infer", "postprocess"),
)
SUO_2021_EXPERIMENT_1_TINY = replace(SUO_2021_EXPERIMENT_1, name="suo-2021 experiment 1, YOLOv3-tiny")

#: Section IV-A: TensorFlow takes all memory there is unless it is limited, and 2.5 GB are enough at every resolution.
SUO_2021_MEMORY_LIMIT = Study(
    "suo-2021 suggestion 1, TensorFlow with and without a limit of its memory",
    "complexity",
    "GFLOPs",
    metrics=("memory_system_peak", "memory_device_peak", "latency"),
    lines=False,
)

#: Figure 10 has no table; the text names the largest number on a Jetson Nano, three.
SUO_2021_EXPERIMENT_3_PARALLEL = Study(
    "suo-2021 experiment 3, parallel engines",
    "engines at once",
    "",
    metrics=("throughput", "latency", *MEMORY),
    lines=False,
)


#: Unit of the coordinate that hadidi-2019 calls FLOP/parameter.
PER_PARAMETER = "MACs/parameter"


def coordinate(study: Study, parameters: Mapping[str, Any]) -> float:
    """Where a study puts a model with these parameters: its GFLOPs, or its multiply-accumulates per parameter."""
    if study.x_unit == PER_PARAMETER:
        return float(parameters["multiply_accumulates_per_parameter"])
    return float(parameters["flops"]) / 1e9


#: The networks of the three other studies; a paper's suite has its own, below.
MODEL_ZOO = Study(
    "networks end to end",
    "complexity",
    "GFLOPs",
    metrics=("latency", "preprocess", "infer", "postprocess", "throughput", "infer_sd", "infer_cv"),
    lines=False,
    ratios=(("*", "torch"), ("*", "onnxruntime")),
    ranking=True,
)
SWAMINATHAN_2024_TABLE_1 = replace(
    MODEL_ZOO,
    name="swaminathan-2024 table 1",
    # its time is of the inference alone
    metrics=("infer", "preprocess", "postprocess", "latency", "throughput", "infer_cv", "parameter_count"),
    ratios=(("*", "torch"), ("*", "torch:cuda")),
    published_ratios=tuple(
        ReferenceRatio(
            *("tensorrt", "torch", "infer", label_of(network), speed_up, "swaminathan-2024 table 1, Jetson Nano"),
            note=swaminathan_2024.SPEED_UP_NOTES.get(network, ""),
        )
        for network, speed_up in swaminathan_2024.SPEED_UPS.items()
    ),
)
SWAMINATHAN_2024_ACTION = replace(SWAMINATHAN_2024_TABLE_1, name="swaminathan-2024 table 1, action recognition")
#: Section 3.3 exports with a free batch; it prints no figures of one.
SWAMINATHAN_2024_BATCHES = Study(
    "swaminathan-2024 section 3.3, clips at once",
    "clips at once",
    "",
    metrics=("latency", "flop_rate", "memory_process_peak", "output_error", "engine_size"),
    lines=False,
)
TRINH_2023_CLASSIFIERS = replace(
    MODEL_ZOO,
    name="trinh-2023 tables 4.1 to 4.10",
    metrics=("throughput", "preprocess", "infer", "postprocess", "infer_sd", "infer_cv"),
    ratios=(("*", "onnxruntime"), ("tensorrt", "onnxruntime:cuda")),
    published_ratios=tuple(
        ReferenceRatio(
            framework, "onnxruntime", "infer", label_of(network), speed_up, "trinh-2023 table 4.10, AGX Xavier"
        )
        for network, (by_cuda, by_tensorrt, _) in trinh_2023.TABLE_4_10.items()
        for framework, speed_up in (("onnxruntime:cuda", by_cuda), ("tensorrt", by_tensorrt))
    ),
)
TRINH_2023_DETECTORS = replace(TRINH_2023_CLASSIFIERS, name="trinh-2023 tables 4.11 to 4.18", published_ratios=())


def _cuda_gains(label: str, fps: Mapping[str, Tuple[float, float]], table: str) -> Tuple[ReferenceRatio, ...]:
    return tuple(
        ReferenceRatio(
            "onnxruntime:cuda", "onnxruntime", "throughput", label, by_cuda / cpu, f"trinh-2023 {table}, {device}"
        )
        for device, (cpu, by_cuda) in fps.items()
    )


TRINH_2023_POSE = replace(
    TRINH_2023_DETECTORS,
    name="trinh-2023 tables 4.19 and 4.20, pose estimation",
    x="stride",
    x_unit="pixels",
    ratios=(("*:cuda", "*"), ("tensorrt", "onnxruntime:cuda")),
    published_ratios=tuple(
        ratio
        for stride, table in ((8, "table 4.19"), (32, "table 4.20"))
        for ratio in _cuda_gains(f"stride {stride}", trinh_2023.POSE_FPS[stride], table)
    ),
    shares=("preprocess", "infer", "postprocess"),
)
TRINH_2023_SEGMENTATION = replace(
    TRINH_2023_POSE,
    name="trinh-2023 table 4.21, segmentation",
    x="complexity",
    x_unit="GFLOPs",
    published_ratios=_cuda_gains("lraspp-mobilenetv3-large", trinh_2023.SEGMENTATION_FPS, "table 4.21"),
)
TRINH_2023_PHOTOGRAPHS = replace(TRINH_2023_DETECTORS, name="trinh-2023, over the photographs of --data")
#: Over what the slides sort networks by: memory-bound where it is small, compute-bound where it is large.
HADIDI_2019_TIME = replace(
    MODEL_ZOO,
    name="hadidi-2019 time per inference",
    x="reuse",
    x_unit=PER_PARAMETER,
    metrics=("latency", "infer_cv", "flops", "flop_rate", "memory_process_peak"),
    ratios=(("*", "torch"),),
)
#: Its series are of OpenCV, each from another tool's files.
HADIDI_2019_SOURCES = replace(
    HADIDI_2019_TIME, name="hadidi-2019 time per inference from the files of Caffe and Darknet", ratios=()
)
HADIDI_2019_CLIPS = replace(HADIDI_2019_TIME, name="hadidi-2019 time per inference, clips")
_ZOO_STUDIES = {
    ("swaminathan-2024", "classification"): SWAMINATHAN_2024_TABLE_1,
    ("trinh-2023", "classification"): TRINH_2023_CLASSIFIERS,
    ("trinh-2023", "detection"): TRINH_2023_DETECTORS,
    ("trinh-2023", "photographs"): TRINH_2023_PHOTOGRAPHS,
    ("hadidi-2019", "classification"): HADIDI_2019_TIME,
    ("hadidi-2019", "detection"): replace(HADIDI_2019_TIME, name="hadidi-2019 time per inference, detectors"),
}


def zoo_study(suite: str, task: str) -> Study:
    """How a suite reads the networks of a task."""
    return _ZOO_STUDIES.get((suite, task), replace(MODEL_ZOO, name=f"{MODEL_ZOO.name}: {task}"))


#: Observation 6 and section VI on a Jetson Nano: 3.9, 10.5 and 13.1 frames per second, 1027 and 779 MB.
SUO_2021_COMBINED = Study(
    "suo-2021 experiment 3, all optimisations together, 16:9 photographs",
    "step",
    "",
    metrics=("throughput", "latency", *MEMORY),
    lines=False,
)

TRINH_2023_WARM_UP = Study(
    "trinh-2023 warm-up",
    "complexity",
    "GFLOPs",
    metrics=("first_inference", "first_inference/infer", "warm_up", "latency", "latency_sd", "latency_cv"),
    lines=False,
)

#: Figures 4.10 and 4.11 have no table; their text names the steps and supposes thermal throttling.
TRINH_2023_SUSTAINED = Study(
    "trinh-2023 minutes of load",
    "complexity",
    "GFLOPs",
    metrics=("latency_start", "latency_sustained", "temperature_max", "latency_sd", "latency_cv"),
    lines=False,
)

#: Figures 6 and 7 have no table; the text gives the shares at 480 pixels. All parts are timed in turns in one process.
SUO_2021_EXPERIMENT_2 = Study(
    "suo-2021 experiment 2, parts of the end-to-end time",
    "complexity",
    "GFLOPs",
    metrics=(
        "latency",
        "latency_forward",
        "latency_yolo_layer",
        "latency_torch_where",
        "latency_to_cpu",
        "latency_numpy_where",
        "latency_nms",
    ),
    lines=False,
    # numpy.where takes the place of torch.where and of the copy.
    shares=("latency_forward", "latency_yolo_layer", "latency_torch_where", "latency_to_cpu", "latency_nms"),
)

#: Table I and figure 8: the forward time with the YOLO layer in it, and how many times of it the post-processing takes.
SUO_2021_TABLE_1_INSIDE = Study(
    "suo-2021 table I and figure 8, the YOLO layer inside the forward pass",
    "complexity",
    "GFLOPs",
    metrics=("latency", "infer", "postprocess", "postprocess/infer"),
    lines=False,
    shares=("infer", "postprocess"),
)

SUO_2021_EXPERIMENT_3_PRECISION = Study(
    "suo-2021 experiment 3, precisions",
    "complexity",
    "GFLOPs",
    metrics=("latency", *MEMORY, "engine_size", "output_error"),
    lines=False,
    ratios=tuple((f"* {precision}", "* fp32") for precision in ("fp16", "bf16", "int8")),
)

#: What a format costs in accuracy and gives in time and memory, of networks that are trained.
PRECISIONS_OF_DIGITS = Study(
    "precisions and accuracy, digits",
    "complexity",
    "GFLOPs",
    metrics=("latency", "top1", *MEMORY, "engine_size"),
    lines=False,
    pareto=(("latency", "top1"), ("engine_size", "top1"), ("energy_per_inference", "top1")),
)
PRECISIONS_OF_SHAPES = Study(
    "precisions and accuracy, drawn shapes",
    "complexity",
    "GFLOPs",
    metrics=("latency", "AP", "AP50", "AP75", *MEMORY, "engine_size"),
    lines=False,
    pareto=(("latency", "AP"), ("engine_size", "AP"), ("energy_per_inference", "AP")),
)

#: Table II of Suo et al. (2021): the proportions of YOLOv3's input, bits, and AP, AP50 and AP75 in percent on VisDrone.
SUO_2021_TABLE_2 = {
    ("1:1", 32): (8.0, 18.39, 6.02),
    ("4:3", 32): (8.05, 18.49, 5.99),
    ("16:9", 32): (7.65, 17.59, 5.63),
    ("16:9", 16): (7.66, 17.61, 5.65),
}
SUO_2021_TABLE_2_SHAPES = Study(
    "suo-2021 table II, on drawn shapes",
    "complexity",
    "GFLOPs",
    metrics=("AP", "AP50", "AP75", "latency", *MEMORY),
    lines=False,
    pareto=(("latency", "AP"), ("memory_system_peak", "AP"), ("energy_per_inference", "AP")),
)
SUO_2021_TABLE_2_DATA = replace(
    SUO_2021_TABLE_2_SHAPES, name="suo-2021 table II, on the photographs of --data", x="input", x_unit="pixels"
)

#: The same read as what mishra-2021's figure 4 shows, frames per second, would be 1000 over the latency in ms.
PRECISIONS_IN_TURNS = Study(
    "precisions in turns with fp32",
    "complexity",
    "GFLOPs",
    metrics=("latency", "latency_fp16", "latency_bf16", "latency_int8"),
    lines=False,
)

#: Its end-to-end times are figure 9's, without a table; the suggestions name 41 % for 416x256 against 416x416.
SUO_2021_EXPERIMENT_3_SCALING = Study(
    "suo-2021 experiment 3, scaling the image", "complexity", "GFLOPs", metrics=("latency", *MEMORY)
)

#: Figures 11 and 12 have no table.
SUO_2021_EXPERIMENT_4 = Study(
    "suo-2021 experiment 4, power",
    "complexity",
    "GFLOPs",
    metrics=("power_mean", "power_sd", "power_p95", "power_max", "energy_per_inference", "throughput"),
    lines=False,
)

#: Section 2.2.2 of Mishra (2021), on a Jetson Nano: optimisation levels and frames per second.
MISHRA_2021_LEVELS_FPS = {0: 1.09, 1: 1.53, 2: 2.27, 3: 2.57, 4: 1.20}

MISHRA_2021_LEVELS = Study(
    "mishra-2021 levels of a video pipeline, a clip of four frames",
    "level",
    "",
    metrics=("latency", "preprocess", "infer", "postprocess"),
    lines=False,
    shares=("preprocess", "infer", "postprocess"),
)

MISHRA_2021_POSTPROCESSING = Study(
    "mishra-2021 post-processing, box by box and with whole tensors",
    "default boxes",
    "",
    metrics=("latency", "latency_to_cpu_first", "latency_whole_tensors"),
    lines=False,
)

#: Figure 5 of Mishra (2021): frames per second with TFLite on a Jetson Nano and on a Raspberry Pi 3B.
MISHRA_2021_FIGURE_5_FPS = {
    "detection": (26, 20),
    "segmentation": (11, 6),
    "pose": (14, 8),
    "classification": (50, 20),
}

MISHRA_2021_FIGURE_5 = Study(
    "mishra-2021 figure 5, tasks",
    "complexity",
    "GFLOPs",
    metrics=("latency", "preprocess", "infer", "postprocess"),
    lines=False,
    ranking=True,
    shares=("preprocess", "infer", "postprocess"),
)

#: Figure 5 of Hadidi et al. (2019) has no numbers.
HADIDI_2019_SOFTWARE_STACK = Study(
    "hadidi-2019 software stack, a cold start",
    "complexity",
    "GFLOPs",
    metrics=(
        "cold_start",
        "import_time",
        "load_time",
        "build_time",
        "first_inference",
        "latency",
        "cold_start/latency",
    ),
    lines=False,
    ranking=True,
    shares=("import_time", "load_time", "build_time", "first_inference"),
    whole="cold_start",
)

#: Figures 11 and 12 of Hadidi et al. (2019) have no numbers.
HADIDI_2019_ENERGY = Study(
    "hadidi-2019 energy per inference, and time against power",
    "complexity",
    "GFLOPs",
    metrics=(
        "energy_per_inference",
        "energy_above_idle",
        "power_mean",
        "power_idle",
        "power_max",
        "latency",
        "throughput",
        "flop_rate",
    ),
    lines=False,
    ranking=True,
    # operations a second, as of networks of different sizes the smallest has the most inferences
    pareto=(("power_mean", "throughput"), ("power_mean", "flop_rate")),
)
#: Figure 14 has none either; a table has the idle temperatures.
HADIDI_2019_TEMPERATURE = Study(
    "hadidi-2019 temperature under load",
    "complexity",
    "GFLOPs",
    metrics=("temperature_max", "temperature_idle", "latency_start", "latency_sustained"),
    lines=False,
)

MISHRA_2021_DETECTORS = Study(
    "mishra-2021 choice of a detector, by speed",
    "images at once",
    "",
    metrics=("throughput", "latency"),
    lines=False,
    ranking=True,
)

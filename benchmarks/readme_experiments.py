"""The experiments that ``README.md`` of this folder lists, and what their tables show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple


@dataclass(frozen=True)
class Experiment:
    """A benchmark file: what it reproduces, the metrics of its table, and, where there are any, frames per call."""

    file: str
    reproduces: str
    source: str
    metrics: Tuple[str, ...]
    frames: int = 0


EXPERIMENTS = (
    Experiment(
        "test_framework_comparison.py",
        "latency and memory of a detector in several frameworks over its complexity, phases apart",
        "suo-2021, experiment 1: formulas 1 to 4, table I",
        ("latency", "infer", "postprocess", "memory_process_peak"),
    ),
    Experiment(
        "test_postprocessing_profile.py",
        "post-processing in parts: torch.where, numpy.where, the copy to the CPU, suppression; box by box and whole",
        "suo-2021, experiment 2: figures 6 and 7; mishra-2021, levels 1 and 2",
        (
            "latency",
            "latency_forward",
            "latency_yolo_layer",
            "latency_torch_where",
            "latency_to_cpu",
            "latency_numpy_where",
            "latency_nms",
            "latency_whole_tensors",
        ),
    ),
    Experiment(
        "test_precision.py",
        "fp32, fp16, bf16 and int8: latency, memory, size, error of the outputs, accuracy; in turns with fp32",
        "suo-2021, experiment 3; mishra-2021, figure 4",
        (
            "latency",
            "latency_fp16",
            "latency_bf16",
            "latency_int8",
            "memory_process_peak",
            "engine_size",
            "output_error",
            "top1",
            "AP",
        ),
    ),
    Experiment(
        "test_resolution_scaling.py",
        "inputs of 1:1, 4:3 and 16:9 for photographs of 4:3 and 16:9; accuracy on drawn shapes, or on VisDrone",
        "suo-2021, experiment 3: figures 4 and 9, table II",
        ("latency", "memory_process_peak", "AP", "AP50", "AP75"),
    ),
    Experiment(
        "test_parallel_engines.py",
        "throughput and latency of several engines at once",
        "suo-2021, experiment 3: figure 10",
        ("throughput", "latency", "memory_process_peak"),
    ),
    Experiment(
        "test_power.py",
        "average power, energy, and power over a hundred inferences",
        "suo-2021, experiment 4: figures 11 and 12",
        ("power_mean", "power_sd", "energy_per_inference"),
    ),
    Experiment(
        "test_pipeline_optimisation.py",
        "a video pipeline around an SSD, level by level, a clip of four frames a call",
        "mishra-2021, section 2.2.2: figure 3",
        ("latency", "preprocess", "infer", "postprocess"),
        frames=4,
    ),
    Experiment(
        "test_task_models.py",
        "detection, segmentation, pose estimation and classification, end to end",
        "mishra-2021, figure 5",
        ("latency", "preprocess", "infer", "postprocess"),
        frames=1,
    ),
    Experiment(
        "test_detector_choice.py",
        "detectors ranked by frames per second",
        "mishra-2021, section 2.4",
        ("latency", "preprocess", "infer", "postprocess"),
        frames=1,
    ),
    Experiment(
        "test_model_zoo.py",
        "classifiers and detectors end to end in every framework: phases, frames per second, spread, speed-ups",
        "swaminathan-2024, table 1; trinh-2023, tables 4.1 to 4.18; hadidi-2019, sections VI-A to VI-C",
        ("latency", "preprocess", "infer", "infer_cv", "postprocess"),
        frames=1,
    ),
    Experiment(
        "test_pose_and_segmentation.py",
        "human pose estimation at strides of 8 and 32, and segmentation, end to end in their phases",
        "trinh-2023, section 4.3: tables 4.19 to 4.21",
        ("latency", "preprocess", "infer", "postprocess"),
        frames=1,
    ),
    Experiment(
        "test_virtualisation.py",
        "networks in a container against bare metal, in lock-step (`--against-command`)",
        "hadidi-2019, section VI-D",
        ("latency", "preprocess", "infer", "postprocess"),
        frames=1,
    ),
    Experiment(
        "test_software_stack.py",
        "a cold start: import, loading, building and first inference, each framework's shares",
        "hadidi-2019, section VI-B: figure 5",
        ("import_time", "load_time", "build_time", "first_inference", "latency"),
    ),
    Experiment(
        "test_action_recognition.py",
        "networks for clips end to end in every framework: phases, clips a second, speed-ups",
        "swaminathan-2024, table 1; hadidi-2019, C3D",
        ("latency", "preprocess", "infer", "postprocess"),
    ),
    Experiment(
        "test_energy.py",
        "energy per inference, inferences a second for power, temperature idle and under load",
        "hadidi-2019, sections VI-E and VI-F: figures 11, 12 and 14",
        ("energy_per_inference", "power_mean", "power_idle", "temperature_idle", "temperature_max"),
    ),
    Experiment(
        "test_warmup.py",
        "the cold first inference, the length of the warm-up and the warm latency",
        "trinh-2023, section 4.1: figures 4.3 to 4.10",
        ("first_inference", "infer", "warm_up", "latency"),
    ),
    Experiment(
        "test_conversion_check.py",
        "converted networks against torch's on 20 photographs and a random input",
        "trinh-2023, chapter 4",
        ("latency", "cosine", "same_class"),
    ),
    Experiment(
        "test_sustained.py",
        "minutes of load: latency, temperature and clocks over time",
        "trinh-2023, section 4.1: figures 4.10 and 4.11",
        ("latency_start", "latency_sustained", "temperature_max"),
    ),
)

"""The figures of one run, as a benchmark's body gets them back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from pytest_edgeperf.results.types import HIGHER, Metric, Value

#: Unit and direction of the metrics that a run may carry.
METRICS: Mapping[str, Metric] = {
    "latency": Metric("ms"),
    "latency_start": Metric("ms"),
    "latency_sustained": Metric("ms"),
    "preprocess": Metric("ms"),
    "infer": Metric("ms"),
    "postprocess": Metric("ms"),
    "device_latency": Metric("ms"),
    "device_copy_in": Metric("ms"),
    "device_infer": Metric("ms"),
    "device_copy_out": Metric("ms"),
    "synchronise": Metric("ms"),
    "import_time": Metric("ms"),
    "load_time": Metric("ms"),
    "build_time": Metric("ms"),
    "cold_start": Metric("ms"),
    "engine_context": Metric("ms"),
    "engine_allocation": Metric("ms"),
    "first_inference": Metric("ms"),
    "warm_up": Metric("ms"),
    "memory_process_start": Metric("MiB"),
    "memory_process_loaded": Metric("MiB"),
    "memory_process_peak": Metric("MiB"),
    "memory_growth": Metric("MiB"),
    "memory_system_peak": Metric("MiB"),
    "memory_device_peak": Metric("MiB"),
    "memory_device_allocated": Metric("MiB"),
    "engine_size": Metric("MiB"),
    "parameter_count": Metric(""),
    "multiply_accumulates": Metric("MACs"),
    "flops": Metric("FLOPs"),
    "images_per_inference": Metric("", HIGHER),
    "output_error": Metric(""),
    "throughput": Metric("1/s", HIGHER),
    "throughput_per_engine": Metric("1/s", HIGHER),
    "engine_count": Metric("", HIGHER),
    "power_mean": Metric("W"),
    "power_sd": Metric("W"),
    "power_p95": Metric("W"),
    "power_max": Metric("W"),
    "power_idle": Metric("W"),
    "energy_per_inference": Metric("mJ"),
    "energy_above_idle": Metric("mJ"),
    "temperature_idle": Metric("degC"),
    "temperature_max": Metric("degC"),
    "utilisation_gpu": Metric("%", HIGHER),
    "clock_gpu_mean": Metric("MHz", HIGHER),
}


@dataclass(frozen=True)
class Measurement:
    """One run's metric values (a summary of samples, or a number) with their units, and its quality figures."""

    values: Mapping[str, Value]
    metrics: Mapping[str, Metric]
    quality: Mapping[str, Any]
    #: Versions and settings that this run depended on, as far as this process knows them.
    software: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: Where turns were taken with another worker: the median latency in ms of each.
    turns_ms: Sequence[float] = ()

    @property
    def latency(self) -> Mapping[str, Any]:
        """The summary of the end-to-end latency in ms (``n``, ``mean``, ``p50``, …)."""
        summary = self.values["latency"]
        assert isinstance(summary, Mapping)
        return summary

    @property
    def latency_ms(self) -> float:
        """The median latency in ms."""
        return float(self.latency["p50"])

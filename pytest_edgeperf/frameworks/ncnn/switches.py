"""ncnn's switches: which of them a precision sets, and that ncnn took them."""

from __future__ import annotations

import os
from typing import Any, Dict, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError

#: Switches of ncnn -> the precisions that switch them on; all are set, as their defaults differ between releases.
SWITCHES: Dict[str, Tuple[str, ...]] = {
    "use_fp16_packed": ("fp16",),
    "use_fp16_storage": ("fp16",),
    "use_fp16_arithmetic": ("fp16",),
    "use_bf16_packed": ("bf16",),
    "use_bf16_storage": ("bf16",),
    "use_int8_inference": ("int8",),
    "use_int8_packed": ("int8",),
    "use_int8_storage": ("int8",),
    "use_int8_arithmetic": ("int8",),
    "use_vulkan_compute": (),
    "use_packing_layout": ("fp32", "fp16", "bf16", "int8"),
    "use_winograd_convolution": ("fp32", "fp16", "bf16", "int8"),
    "use_sgemm_convolution": ("fp32", "fp16", "bf16", "int8"),
    "lightmode": ("fp32", "fp16", "bf16", "int8"),
}
#: What older releases do not have.
OPTIONAL_SWITCHES = ("use_bf16_packed",)


def switches(option: Any, precision: str) -> Dict[str, bool]:
    """What each switch must be; a release that lacks a necessary switch fails when it is set."""
    return {
        name: precision in on for name, on in SWITCHES.items() if name not in OPTIONAL_SWITCHES or hasattr(option, name)
    }


def require_as_asked(ncnn: Any, net: Any, precision: str, threads: int) -> None:
    """Raise FrameworkError unless ncnn has the switches of the precision and gives the number of threads."""
    asked: Dict[str, Any] = {**switches(net.opt, precision), "num_threads": threads}
    for name, wanted in asked.items():
        given = getattr(net.opt, name)
        if given != wanted:
            raise FrameworkError(f"ncnn was asked for {name} {wanted!r} and gave {given!r}")
    # OpenMP silently gives fewer threads than num_threads where the environment limits them.
    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    if limit.isdigit() and int(limit) < threads:
        raise FrameworkError(
            f"ncnn was asked for {threads} threads, but OMP_THREAD_LIMIT={limit} allows fewer; unset it"
        )
    if threads > 1 and ncnn.get_omp_dynamic():
        raise FrameworkError(f"ncnn was asked for {threads} threads, but OMP_DYNAMIC lets OpenMP give fewer; unset it")

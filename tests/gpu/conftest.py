from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def why_no_gpu():
    """Why no CUDA device can be used here, or ``None``; by NVIDIA's driver itself."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return f"no NVIDIA driver: {error}"
    status = driver.cuInit(0)
    if status:
        return f"NVIDIA's driver finds no GPU (cuInit gave {status})"
    count = ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    return None if count.value else "NVIDIA's driver counts no GPU"


def pytest_collection_modifyitems(items):
    own = [item for item in items if HERE in Path(str(item.fspath)).parents]
    reason = why_no_gpu() if own else None
    for item in own:
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"needs an NVIDIA GPU: {reason}"))

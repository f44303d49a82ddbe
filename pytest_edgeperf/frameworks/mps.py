"""NVIDIA's Multi-Process Service, with which processes share a GPU at once instead of in turns."""

from __future__ import annotations

import os

#: Where its control process listens. Source: NVIDIA, Multi-Process Service, "Environment variables".
PIPES_VARIABLE, PIPES = "CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"  # noqa: S108 (only looked at)


def mps_active() -> bool:
    """Whether processes that use CUDA from here do so through the service."""
    return os.path.exists(os.path.join(os.environ.get(PIPES_VARIABLE) or PIPES, "control"))

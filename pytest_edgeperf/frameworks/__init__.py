"""Inference runtimes behind one interface; nothing here imports a runtime before a model is loaded."""

from __future__ import annotations

from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.registry import get, installed, names, version_of
from pytest_edgeperf.frameworks.sources import as_model

__all__ = ["FrameworkError", "as_model", "get", "installed", "names", "version_of"]

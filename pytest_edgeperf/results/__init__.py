"""The results file: read, check, merge and write it; baselines are such files. Imports nothing heavy."""

from __future__ import annotations

from .baselines import Refresh, anchor_runs, load, path_for, refresh
from .errors import ResultsError
from .merging import environment_key, merge
from .reading import parse, read
from .types import HIGHER, LOWER, Benchmark, Metric, Results, Run, Value
from .writing import run_to_object, to_json, write

__all__ = [
    "HIGHER",
    "LOWER",
    "Benchmark",
    "Metric",
    "Refresh",
    "Results",
    "ResultsError",
    "Run",
    "Value",
    "anchor_runs",
    "environment_key",
    "load",
    "merge",
    "parse",
    "path_for",
    "read",
    "refresh",
    "run_to_object",
    "to_json",
    "write",
]

"""The results file: read, check, merge and write it; baselines are such files. Imports nothing heavy."""

from __future__ import annotations

from .atomic_files import check_writable
from .baselines import accept, load, path_for, update
from .errors import ResultsError
from .merging import environment_key, merge
from .reading import parse, read
from .refreshing import OVERTAKEN, Intent, Refresh, refresh
from .types import HIGHER, LOWER, Against, Benchmark, Metric, Results, Run, Value
from .writing import run_to_object, to_json, write

__all__ = [
    "HIGHER",
    "LOWER",
    "OVERTAKEN",
    "Against",
    "Benchmark",
    "Intent",
    "Metric",
    "Refresh",
    "Results",
    "ResultsError",
    "Run",
    "Value",
    "accept",
    "check_writable",
    "environment_key",
    "load",
    "merge",
    "parse",
    "path_for",
    "read",
    "refresh",
    "run_to_object",
    "to_json",
    "update",
    "write",
]

"""Catch performance regressions of neural-network inference on edge devices, in pytest."""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Union

if TYPE_CHECKING:
    import os

    from pytest_edgeperf.activities import activity
    from pytest_edgeperf.caches import cache_folder, is_private
    from pytest_edgeperf.frameworks.interface import (
        Engine,
        EngineConfiguration,
        EngineDescription,
        Framework,
        FrameworkError,
        Inputs,
        Model,
        NoPlacement,
        Option,
        Reference,
        SourceFormat,
        TensorSpec,
    )
    from pytest_edgeperf.frameworks.profiling import NoProfile, OperatorProfile, OperatorTime
    from pytest_edgeperf.judge.statistics.average_precision import average_precision
    from pytest_edgeperf.judge.verdicts import Comparison
    from pytest_edgeperf.measure.failures import EngineFailed
    from pytest_edgeperf.measure.interleaved import Ratio
    from pytest_edgeperf.measure.measurement import Measurement
    from pytest_edgeperf.results.example_answers import DetectionSet
    from pytest_edgeperf.results.study_definitions import ReferenceLine, ReferenceRatio, Study
    from pytest_edgeperf.results.types import Results

    ResultsSource = Union[str, "os.PathLike[str]", Mapping[str, Any], Results]

_HOMES = {
    "Comparison": "pytest_edgeperf.judge.verdicts",
    "DetectionSet": "pytest_edgeperf.results.example_answers",
    "Engine": "pytest_edgeperf.frameworks.interface",
    "EngineConfiguration": "pytest_edgeperf.frameworks.interface",
    "EngineDescription": "pytest_edgeperf.frameworks.interface",
    "EngineFailed": "pytest_edgeperf.measure.failures",
    "Framework": "pytest_edgeperf.frameworks.interface",
    "FrameworkError": "pytest_edgeperf.frameworks.interface",
    "Inputs": "pytest_edgeperf.frameworks.interface",
    "Measurement": "pytest_edgeperf.measure.measurement",
    "Model": "pytest_edgeperf.frameworks.interface",
    "NoPlacement": "pytest_edgeperf.frameworks.interface",
    "NoProfile": "pytest_edgeperf.frameworks.profiling",
    "OperatorProfile": "pytest_edgeperf.frameworks.profiling",
    "OperatorTime": "pytest_edgeperf.frameworks.profiling",
    "Option": "pytest_edgeperf.frameworks.interface",
    "Ratio": "pytest_edgeperf.measure.interleaved",
    "Reference": "pytest_edgeperf.frameworks.interface",
    "ReferenceLine": "pytest_edgeperf.results.study_definitions",
    "ReferenceRatio": "pytest_edgeperf.results.study_definitions",
    "Results": "pytest_edgeperf.results.types",
    "SourceFormat": "pytest_edgeperf.frameworks.interface",
    "Study": "pytest_edgeperf.results.study_definitions",
    "TensorSpec": "pytest_edgeperf.frameworks.interface",
    "activity": "pytest_edgeperf.activities",
    "average_precision": "pytest_edgeperf.judge.statistics.average_precision",
    "cache_folder": "pytest_edgeperf.caches",
    "is_private": "pytest_edgeperf.caches",
    "session_results": "pytest_edgeperf.plugin",
}

__all__ = [
    "Comparison",
    "DetectionSet",
    "Engine",
    "EngineConfiguration",
    "EngineDescription",
    "EngineFailed",
    "Framework",
    "FrameworkError",
    "Inputs",
    "Measurement",
    "Model",
    "NoPlacement",
    "NoProfile",
    "OperatorProfile",
    "OperatorTime",
    "Option",
    "Ratio",
    "Reference",
    "ReferenceLine",
    "ReferenceRatio",
    "Results",
    "SourceFormat",
    "Study",
    "TensorSpec",
    "activity",
    "average_precision",
    "cache_folder",
    "compare",
    "is_private",
    "read_results",
    "session_results",
]


def compare(
    base: ResultsSource,
    candidate: ResultsSource,
    *,
    tolerance: Optional[float] = None,
    alpha: float = 0.01,
    allow_differences: Sequence[str] = (),
) -> Comparison:
    """Judge the runs of ``candidate`` against those of ``base``.

    Each is the path of a results file or one that is already parsed. A change of at most ``tolerance`` (a ratio - 1;
    0.02 unless given, as in a session) is not a regression; ``alpha`` is the chance of any false alarm in the whole
    comparison. Runs whose environments differ in what matters are incomparable, unless the fields are among
    ``allow_differences``.

    Raises:
        ResultsError: a file cannot be read, or holds figures that others published.
    """
    from dataclasses import replace

    from pytest_edgeperf import judge
    from pytest_edgeperf.judge.explanation import that_explain
    from pytest_edgeperf.judge.verdicts import ComparedFiles
    from pytest_edgeperf.results.reading import collector_paused
    from pytest_edgeperf.settings import TOLERANCE

    with collector_paused():
        sides = _runs(base, "base"), _runs(candidate, "candidate")
        comparison = judge.compare(
            *sides,
            tolerance=TOLERANCE if tolerance is None else tolerance,
            alpha=alpha,
            allow_differences=allow_differences,
        )
    if isinstance(base, (str, PathLike)) and isinstance(candidate, (str, PathLike)):
        before, after = sides
        after = replace(after, explanations=that_explain(comparison.benchmarks, after.explanations))
        return replace(comparison, files=ComparedFiles(str(base), str(candidate), before, after))
    return comparison


def _runs(given: ResultsSource, side: str) -> Results:
    """The results, of which none may be a figure that others published."""
    from pytest_edgeperf.results.published import refuse_published

    results = _results(given, side)
    refuse_published(results, str(given) if isinstance(given, (str, PathLike)) else side)
    return results


def read_results(path: Union[str, os.PathLike[str]]) -> Results:
    """The content of a results file or a baseline.

    Raises:
        ResultsError: the file is missing, unreadable, corrupt, of another format or newer than this package.
    """
    from pytest_edgeperf import results

    return results.read(path)


def _results(given: ResultsSource, side: str) -> Results:
    from pytest_edgeperf import results
    from pytest_edgeperf.results.types import Results

    if isinstance(given, Results):
        return given
    if isinstance(given, Mapping):
        return results.parse(given, source=side)
    return results.read(given)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})

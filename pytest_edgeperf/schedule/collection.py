"""What pytest collected before deselection, and which benchmarks of a baseline no longer exist."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

import pytest

from pytest_edgeperf.judge.renames import probable_renames
from pytest_edgeperf.results.benchmark_matching import canonical_id, file_of, parameters_key, without_match
from pytest_edgeperf.results.parameters import stored
from pytest_edgeperf.results.types import Benchmark, Results
from pytest_edgeperf.schedule.selection import is_adoptable, is_benchmark
from pytest_edgeperf.settings import Settings

#: Options that leave out tests of a file; with any of them nothing can be called missing.
SELECTING = ("keyword", "markexpr", "deselect", "lf")


class CollectedTests:
    """All collected tests, including those deselected afterwards, and the collected files."""

    def __init__(self, items: List[pytest.Item], nodes: List[str]) -> None:
        """``nodes``: the ids of all collectors, of which files are some."""
        self._items = items
        self._parameters: Optional[Dict[str, Mapping[str, Any]]] = None
        self._nodes = {canonical_id(node) for node in nodes}

    def benchmarks(self) -> Dict[str, Mapping[str, Any]]:
        """Id -> parameters, as they are stored, of all that are benchmarks or could be adopted."""
        if self._parameters is None:
            self._parameters = {
                item.nodeid: parameters_of(item) for item in self._items if is_benchmark(item) or is_adoptable(item)
            }
        return self._parameters

    def missing(self, baseline: Mapping[str, Benchmark], config: pytest.Config, settings: Settings) -> List[str]:
        """The ids of ``baseline`` that no longer exist: their file was collected whole, or is gone from a folder
        that was, and none of its tests is this benchmark.

        None where the session selected tests by name, marker or id, and none of a framework or a precision that was
        not asked for.
        """
        arguments = [str(argument) for argument in config.args]
        if any(getattr(config.option, name, None) for name in SELECTING) or any(
            "::" in argument for argument in arguments
        ):
            return []
        here = self.benchmarks()
        asked = {"framework": set(settings.frameworks), "precision": set(settings.precisions)}
        for name, values in asked.items():
            # A project may parametrise by that name itself.
            if values:
                values.update(parameters[name] for parameters in here.values() if isinstance(parameters.get(name), str))
        start = Path(config.invocation_params.dir)
        folders = [
            path for path in (os.path.abspath(start / argument) for argument in arguments) if os.path.isdir(path)
        ]
        return [
            name
            for name in without_match({name: benchmark.parameters for name, benchmark in baseline.items()}, here)
            if self._was_read(name, Path(config.rootpath), folders)
            and all(
                _was_asked_for(baseline[name].parameters.get(parameter), values) for parameter, values in asked.items()
            )
        ]

    def _was_read(self, benchmark_id: str, root: Path, folders: List[str]) -> bool:
        file = file_of(benchmark_id)
        if canonical_id(file) in self._nodes:
            return True
        path = os.path.abspath(root / file)
        return not os.path.exists(path) and any(path.startswith(os.path.join(folder, "")) for folder in folders)


def renamed(baseline: Results, missing: Sequence[str], items: Sequence[pytest.Item]) -> Dict[str, str]:
    """Of the tests that are not in the baseline, those that are probably a missing benchmark, new id -> old id."""
    known = baseline.benchmarks
    gone = {name: parameters_key(known[name].parameters) for name in missing}
    new = {item.nodeid: parameters_key(parameters_of(item)) for item in items if gone and item.nodeid not in known}
    return probable_renames(gone, new)


def parameters_of(item: pytest.Item) -> Dict[str, Any]:
    """The parameters of a collected test, as a results file holds them."""
    callspec = getattr(item, "callspec", None)
    return stored(callspec.params) if callspec is not None else {}


def _was_asked_for(value: Any, asked: Set[str]) -> bool:
    return not asked or not isinstance(value, str) or value in asked

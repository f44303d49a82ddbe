"""The specifications of a session's workers: the session's pytest options, its search path, its cores."""

from __future__ import annotations

import os
import sys
from typing import Dict, Iterable, List

import pytest

from pytest_edgeperf.measure import pytest_arguments
from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.schedule.machine.pinning import Pinning, choose
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.worker.pytest_options import worker_options
from pytest_edgeperf.settings import Settings

#: What selects among the tests that are collected; only a worker that collects needs it.
_SELECTING = ("keyword", "markexpr", "deselect")


class Specifications:
    """Creates the specifications of a session's workers."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._options, self._arguments = worker_options(config)
        self._pinnings: Dict[int, Pinning] = {}

    def of(self, plan: Plan) -> Specification:
        """The specification of a worker that measures a benchmark."""
        threads = plan.options.threads or self._settings.threads
        pinned = self.pinning(threads)
        budget_s = plan.options.budget_s or self._settings.budget_s
        if plan.adopted:
            budget_s = float(self._config.getoption("benchmark_max_time"))
        within_file = pytest_arguments.within_file(plan.id, plan.path, str(self._config.rootpath))
        return Specification(
            nodeid=plan.id,
            adopted=plan.adopted,
            args=self._arguments,
            targets=[f"{plan.path}::{within_file}"],
            options=self._options,
            sys_path=_search_path(),
            cpus=list(pinned.cpus),
            settings={"budget_s": budget_s, "threads": threads, "cpus": str(pinned)},
            folder=os.path.dirname(plan.path) if pytest_arguments.is_odd(plan.path) else None,
        )

    def of_collection(self, plans: Iterable[Plan]) -> Specification:
        """The specification of a worker that collects what this session has selected."""
        option = self._config.option
        selection = [f"-k={option.keyword}"] if option.keyword else []
        selection += [f"-m={option.markexpr}"] if option.markexpr else []
        selection += [f"--deselect={nodeid}" for nodeid in option.deselect or ()]
        invoked_in = str(self._config.invocation_params.dir)
        return Specification(
            nodeid="",
            collects=True,
            args=[*self._arguments, *selection],
            targets=self._selected(plans),
            options={name: value for name, value in self._options.items() if name not in _SELECTING},
            sys_path=_search_path(),
            folder=invoked_in if pytest_arguments.is_odd(invoked_in) else None,
        )

    def pinning(self, threads: int) -> Pinning:
        """The cores for workers with this number of threads."""
        if threads not in self._pinnings:
            self._pinnings[threads] = choose(self._settings.cpus, threads)
        return self._pinnings[threads]

    def _selected(self, plans: Iterable[Plan]) -> List[str]:
        """The requested files, folders and ids, as absolute paths."""
        if self._config.option.pyargs:
            return list(dict.fromkeys(plan.path for plan in plans))
        return [os.path.join(str(self._config.invocation_params.dir), argument) for argument in self._config.args]


def _search_path() -> List[str]:
    return [path or os.getcwd() for path in sys.path]

"""How the session was started, for the commands that its reports name."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Iterable, Tuple

import pytest

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import INCONCLUSIVE, REGRESSED
from pytest_edgeperf.report.invocation import Invocation, program, shown_path
from pytest_edgeperf.schedule.against.git import WorktreeError, accepted_commit, resolve
from pytest_edgeperf.schedule.session import MeasuringSession
from pytest_edgeperf.settings import CHECK, OPTIONS, names_are_prefixed

_BASELINE, _DEVICE = (
    next(option for option in OPTIONS if option.attribute == attribute) for attribute in ("baseline", "device")
)


def invocation_of(config: pytest.Config, measuring: MeasuringSession) -> Invocation:
    """The words that the user typed, and where they lead."""
    given = config.invocation_params
    arguments = tuple(map(str, given.args))
    typed = config.args_source == pytest.Config.ArgsSource.ARGS
    folder = str(given.dir)
    root = shown_path(str(config.rootpath), folder) if Path(config.rootpath) != Path(given.dir) else ""
    return Invocation(
        arguments=arguments,
        targets=tuple(target for target in map(str, config.args) if target in arguments) if typed else (),
        pytest=_pytest(),
        edgeperf=program("edgeperf"),
        root=root,
        baseline_dir=shown_path(str(measuring.baseline_path.parent), folder),
        device=getattr(config.option, _DEVICE.dest, None),
        prefixed=names_are_prefixed(),
    )


def _pytest() -> Tuple[str, ...]:
    """As it was started: ``python -m pytest`` puts the working folder on the search path, and ``pytest`` does not."""
    if os.path.basename(sys.argv[0]) == "__main__.py":
        return (*program(os.path.basename(sys.executable)), "-m", "pytest")
    return program("pytest")


def can_check_out_baseline(config: pytest.Config, measuring: MeasuringSession) -> bool:
    """Whether ``--against baseline`` in this session's command would find the commit that was accepted.

    Looked at where a benchmark is worse or undecided; otherwise nobody needs it.
    """
    comparison, baseline = measuring.comparison, measuring.baseline
    if comparison is None or baseline is None or measuring.settings.baseline != CHECK or _typed_elsewhere(config):
        return False
    doubtful = [name for name, verdict in comparison.benchmarks.items() if verdict.verdict in (REGRESSED, INCONCLUSIVE)]
    if not doubtful:
        return False

    def commit(names: Iterable[str]) -> str:
        runs = [run for name in names if name in baseline.benchmarks for run in baseline.benchmarks[name].runs]
        return accepted_commit([(run.started, run.commit) for run in runs])[0]

    try:
        for ref in {commit(doubtful), commit(measuring.plans)}:
            resolve(Path(config.rootpath), ref)
    except WorktreeError:
        return False
    return True


def _typed_elsewhere(config: pytest.Config) -> bool:
    """Whether ``--baseline``, which excludes ``--against``, stands in PYTEST_ADDOPTS or an ini file's addopts."""
    name = _BASELINE.name(names_are_prefixed())
    words = [str(word).partition("=")[0] for word in config.invocation_params.args]
    return getattr(config.option, _BASELINE.dest, None) is not None and name not in words


def is_prunable(measuring: MeasuringSession) -> bool:
    """Whether the session's results hold all of the baseline but what no longer exists."""
    comparison, baseline = measuring.comparison, measuring.baseline
    if comparison is None or baseline is None:
        return False
    gone = {name for name, verdict in comparison.benchmarks.items() if verdict.reason == GONE}
    measured = measuring.coordinator.measured().benchmarks
    return bool(gone) and all(name in gone or name in measured for name in baseline.benchmarks)

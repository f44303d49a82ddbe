"""What the plugin keeps on pytest's configuration during a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Set

import pytest

if TYPE_CHECKING:
    from pytest_edgeperf.judge.verdicts import LineVerdict
    from pytest_edgeperf.report.session_report import SessionReport
    from pytest_edgeperf.schedule.session import MeasuringSession
    from pytest_edgeperf.settings import Settings

MARKER = "timed_inference"
#: The plugin that reports benchmarks as errors in an xdist worker which cannot measure.
REFUSING = "edgeperf-xdist-worker"

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
#: The session that measures; ``None`` where it was refused.
SESSION: pytest.StashKey[Optional[MeasuringSession]] = pytest.StashKey()
#: Benchmark id -> the regressed lines that it fails for.
FAILING_LINES: pytest.StashKey[Mapping[str, Sequence[LineVerdict]]] = pytest.StashKey()
#: What the session has to report, once measured.
REPORT: pytest.StashKey[SessionReport] = pytest.StashKey()
#: Benchmarks whose call is reported as failed.
FAILED_CALLS: pytest.StashKey[Set[str]] = pytest.StashKey()
#: What is still to be printed for GitHub Actions.
LINES_FOR_GITHUB: pytest.StashKey[List[str]] = pytest.StashKey()
#: Why nothing was measured where something was asked for.
NOTHING_MEASURED: pytest.StashKey[str] = pytest.StashKey()
#: The versions of software that engines add to.
SOFTWARE: pytest.StashKey[Dict[str, Any]] = pytest.StashKey()
#: Whether the running test's marker asks how long the parts of the software stack take.
STACK: pytest.StashKey[bool] = pytest.StashKey()
#: Every test that was collected, also those deselected afterwards.
COLLECTED: pytest.StashKey[List[pytest.Item]] = pytest.StashKey()
#: The node ids of every file and class that was read.
COLLECTORS: pytest.StashKey[List[str]] = pytest.StashKey()


def usage_error(text: str) -> pytest.UsageError:
    """A usage error with nothing in it that would move a terminal's cursor: it may quote a file or a name."""
    from pytest_edgeperf.results.characters import printable_lines

    return pytest.UsageError(printable_lines(text))


def worker_of(config: pytest.Config) -> Optional[Any]:
    """The plugin of a process that measures one benchmark; ``None`` in the session that the user started."""
    return config.pluginmanager.get_plugin("edgeperf-worker")

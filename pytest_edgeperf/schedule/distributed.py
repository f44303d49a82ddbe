"""Under pytest-xdist: only ``--dist each`` (whole machines) measures; side by side, benchmarks disturb each other."""

from __future__ import annotations

from typing import Any, Callable, Optional

import pytest

from pytest_edgeperf.schedule import replay
from pytest_edgeperf.schedule.selection import is_benchmark

REFUSAL = "benchmarks cannot be measured side by side under pytest-xdist: add -n0, or --dist=each over several devices"
_MODE = "edgeperf_dist"
_REFUSED = ("edgeperf", "side by side")


def refuses(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker that shares its machine with others."""
    given = getattr(config, "workerinput", None)
    return given is not None and given.get(_MODE) != "each"


class Controller:
    """In the xdist controller: tells workers the mode, and makes a refusal a usage error."""

    def __init__(self) -> None:
        self._refused = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker the mode, which xdist does not tell it."""
        node.workerinput[_MODE] = node.config.getoption("dist")

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look for refusals."""
        self._refused = self._refused or list(_REFUSED) in [list(one) for one in report.user_properties]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A refusal is a usage error."""
        if self._refused:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR


class RefusingWorker:
    """In an xdist worker that cannot measure: benchmarks are errors that say why.

    A usage error there would be a crash of the worker to the controller, and its reason lost.
    """

    def __init__(self, reason: str = REFUSAL, refused: Callable[[pytest.Item], bool] = is_benchmark) -> None:
        """``refused``: which items are errors; the rest is left alone."""
        self._reason = reason
        self._refused = refused

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: Optional[pytest.Item]) -> Optional[bool]:
        """Refuse a benchmark, leave the rest alone."""
        if not self._refused(item):
            return None
        report = replay.refusal(item, self._reason)
        report.user_properties.append(_REFUSED)
        replay.log(item, nextitem, [report])
        return True

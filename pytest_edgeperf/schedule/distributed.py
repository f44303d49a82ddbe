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
    """In the xdist controller: passes the mode to workers, and turns a refusal into a usage error."""

    def __init__(self) -> None:
        self._refused = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Pass the mode to a worker, since xdist does not."""
        node.workerinput[_MODE] = node.config.getoption("dist")

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look for refusals."""
        self._refused = self._refused or list(_REFUSED) in [list(entry) for entry in report.user_properties]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a refusal into a usage error."""
        if self._refused:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR


class RefusingWorker:
    """In an xdist worker that cannot measure: reports benchmarks as errors with the reason.

    A usage error there would be a crash of the worker to the controller, and its reason lost.
    """

    def __init__(self, reason: str = REFUSAL, refused: Callable[[pytest.Item], bool] = is_benchmark) -> None:
        """``refused`` decides which items are reported as errors."""
        self._reason = reason
        self._refused = refused

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: Optional[pytest.Item]) -> Optional[bool]:
        """Report a benchmark as an error; run other items normally."""
        if not self._refused(item):
            return None
        report = replay.refusal(item, self._reason)
        report.user_properties.append(_REFUSED)
        replay.log(item, nextitem, [report])
        return True

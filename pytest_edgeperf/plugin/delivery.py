"""Where else a session's report goes once measured and judged: the JUnit file, and GitHub Actions.

Under xdist, workers measure, and the controller writes: it has the JUnit file (so that ``record_testsuite_property``
has none in a worker, pytest#7767), and GitHub reads what it prints.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Optional

import pytest

from pytest_edgeperf.plugin import junit
from pytest_edgeperf.plugin.state import LINES_FOR_GITHUB, SETTINGS

if TYPE_CHECKING:
    from pytest_edgeperf.schedule.session import MeasuringSession

#: What xdist hands to its workers, and what they hand back.
_KEY = "edgeperf_delivery"


def deliver(config: pytest.Config, measuring: MeasuringSession) -> None:
    """Write or send what there is to be delivered of a session; annotations are kept until the report is printed."""
    errors = measuring.coordinator.errors
    worker = getattr(config, "workeroutput", None)
    sent: Dict[str, Any] = {}
    if junit.is_written(config):
        with errors.survive("the JUnit properties of the suite"):
            from pytest_edgeperf.plugin.report_files import session_report
            from pytest_edgeperf.report.exporters.junit import suite_properties

            properties = suite_properties(session_report(config, measuring))
            junit.add_to_suite(config, properties)
            sent["properties"] = [list(pair) for pair in properties]
    if _is_wanted_by_github(config):
        with errors.survive("the report for GitHub"):
            from pytest_edgeperf.plugin import github
            from pytest_edgeperf.plugin.report_files import session_report

            given = getattr(config, "workerinput", {}).get(_KEY, {})
            room = given.get("room") or github.room(config, os.environ)
            sent["github"] = github.part_of(config, session_report(config, measuring), **room)
            if worker is None:
                config.stash[LINES_FOR_GITHUB] = github.deliver([sent["github"]], str(config.rootpath), os.environ)
    if worker is not None:
        worker[_KEY] = sent


def _is_wanted_by_github(config: pytest.Config) -> bool:
    if config.stash[SETTINGS].github != "auto":
        return False
    # The machine of an xdist worker may lack GitHub's variables.
    given = getattr(config, "workerinput", {}).get(_KEY, {})
    return "room" in given or os.environ.get("GITHUB_ACTIONS") == "true"


class DeliveryOfWorkers:
    """In the xdist controller: tells workers what is wanted, and delivers what they send."""

    def __init__(self, config: pytest.Config) -> None:
        """Register it in the controller only."""
        self._config = config
        self._parts: List[Dict[str, Any]] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """In a step of GitHub Actions, tell a worker its share of the step's summary."""
        if _is_wanted_by_github(self._config):
            from pytest_edgeperf.plugin import github

            workers = node.workerinput.get("workercount", 1)
            node.workerinput[_KEY] = {"room": github.room(self._config, os.environ, workers)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Optional[object]) -> None:
        """Keep what a worker sent; its properties get its name, as there may be several."""
        sent = getattr(node, "workeroutput", {}).get(_KEY, {})
        junit.add_to_suite(
            self._config,
            [(name.replace(".", f".{node.gateway.id}.", 1), value) for name, value in sent.get("properties", ())],
        )
        if "github" in sent:
            self._parts.append(sent["github"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Write what the workers sent."""
        if self._parts:
            from pytest_edgeperf.plugin import github

            self._config.stash[LINES_FOR_GITHUB] = github.deliver(self._parts, str(self._config.rootpath), os.environ)

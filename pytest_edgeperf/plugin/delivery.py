"""Where else a session's report goes once measured and judged: the JUnit file, and GitHub Actions.

Under xdist, workers measure, and the controller writes: it has the JUnit file (so that ``record_testsuite_property``
has none in a worker, pytest#7767), and GitHub reads what it prints.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

import pytest

from pytest_edgeperf.plugin import github, junit
from pytest_edgeperf.plugin.report_files import session_report
from pytest_edgeperf.plugin.state import LINES_FOR_GITHUB, SETTINGS
from pytest_edgeperf.report.exporters.junit import suite_properties
from pytest_edgeperf.report.github import SUMMARY_BYTES
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
            properties = suite_properties(session_report(config, measuring))
            junit.add_to_suite(config, properties)
            sent["properties"] = [list(pair) for pair in properties]
    if _is_wanted_by_github(config):
        with errors.survive("the report for GitHub"):
            given = getattr(config, "workerinput", {}).get(_KEY)
            if given is None:
                present, annotated = github.present_bytes(os.environ), github.annotates_failures(config)
            else:
                present, annotated = SUMMARY_BYTES - given["share_bytes"], given["annotated"]
            part = github.part_of(config, session_report(config, measuring), present, annotated=annotated)
            sent["github"] = part
            if worker is None:
                config.stash[LINES_FOR_GITHUB] = github.deliver([part], str(config.rootpath), os.environ)
    if worker is not None:
        worker[_KEY] = sent


def _is_wanted_by_github(config: pytest.Config) -> bool:
    if config.stash[SETTINGS].github != "auto":
        return False
    # The machine of an xdist worker may lack GitHub's variables.
    given = getattr(config, "workerinput", {}).get(_KEY)
    return os.environ.get("GITHUB_ACTIONS") == "true" if given is None else bool(given["is_github"])


class DeliveryOfWorkers:
    """In the xdist controller: tells workers what is wanted, and delivers what they send."""

    def __init__(self, config: pytest.Config) -> None:
        """Register it in the controller only."""
        self._config = config
        self._parts: List[Dict[str, Any]] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker whether this is a step of GitHub Actions, and its share of the step's summary."""
        workers = max(1, len(getattr(self._config.option, "tx", None) or ()))
        node.workerinput[_KEY] = {
            "is_github": _is_wanted_by_github(self._config),
            "share_bytes": (SUMMARY_BYTES - github.present_bytes(os.environ)) // workers,
            "annotated": github.annotates_failures(self._config),
        }

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
            self._config.stash[LINES_FOR_GITHUB] = github.deliver(self._parts, str(self._config.rootpath), os.environ)

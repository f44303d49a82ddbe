"""What one worker delivers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import (
    AccuracyMeasured,
    Collected,
    ExitCalled,
    FixtureMeasured,
    Loaded,
    StudyJoined,
)
from pytest_edgeperf.results.cost_profiles import CostProfile


@dataclass
class Delivery:
    """What one worker delivered: its pytest reports, its run and, if it failed, the fault."""

    reports: List[Dict[str, Any]] = field(default_factory=list)
    run: Optional[Measurement] = None
    #: What the adopted pytest-benchmark fixture measured, for that plugin's own reports.
    benchmark_stats: Optional[FixtureMeasured] = None
    joined: Optional[StudyJoined] = None
    #: Of a worker that profiled instead of being timed.
    profile: Optional[CostProfile] = None
    #: What its process has loaded, or why that could not be told.
    loaded: Optional[Loaded] = None
    #: By the name of the metric.
    accuracies: Dict[str, AccuracyMeasured] = field(default_factory=dict)
    fault: Optional[str] = None
    output: str = ""
    #: The worker collected no such benchmark: a fault, unless its side need not have one.
    absent: bool = False
    #: Of a worker that was only to collect.
    collected: Optional[Collected] = None
    #: The test called ``pytest.exit``: the session is to end.
    exit: Optional[ExitCalled] = None

    @property
    def failed(self) -> bool:
        """Whether the worker failed, or the setup, call or teardown of its test."""
        return self.fault is not None or any(report.get("outcome") == "failed" for report in self.reports)

    @property
    def failed_phase(self) -> str:
        """The part that failed first: ``setup``, ``body`` or ``teardown``."""
        phases = [str(report["when"]) for report in self.reports if report.get("outcome") == "failed"]
        return "body" if phases[:1] == ["call"] else "".join(phases[:1])

    @property
    def crash(self) -> str:
        """The first line of the first failure: an exception and its message."""
        failed = next((report for report in self.reports if report.get("outcome") == "failed"), {})
        longrepr = failed.get("longrepr")
        crash = longrepr.get("reprcrash") if isinstance(longrepr, dict) else None
        text = crash.get("message") if isinstance(crash, dict) else longrepr
        return next((line for line in str(text or "").splitlines() if line.strip()), "it does not say why")

    @property
    def skipped(self) -> bool:
        """Whether the test was skipped or failed as expected, so that there is no run."""
        return any(report.get("outcome") == "skipped" for report in self.reports)

    @property
    def passed_without_run(self) -> bool:
        """Whether the body passed without a run."""
        return self.run is None and not self.failed and not self.skipped

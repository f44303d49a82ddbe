"""The interface by which a session starts workers, and its implementation with processes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Callable, Optional, Protocol

from pytest_edgeperf.devices.condition import Condition
from pytest_edgeperf.devices.sensors.process_memory import DeviceMemory
from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.worker.attempt import Attempt
from pytest_edgeperf.schedule.worker.process import Worker
from pytest_edgeperf.schedule.worker.starting import Starter
from pytest_edgeperf.settings import Settings


class Launcher(Protocol):
    """Starts workers."""

    def attempt(
        self,
        plan: Plan,
        specification: Specification,
        before: Condition,
        *,
        seconds: float,
        starter: Optional[Starter] = None,
        build: int = 0,
    ) -> Attempt:
        """Start a worker for a plan.

        Args:
            plan: the benchmark.
            specification: what the worker is to do.
            before: the machine now.
            seconds: of timed inferences in each visit.
            starter: of the worker's process; ``None``: the coordinator's Python is started.
            build: which of several builds of its engines it uses.
        """

    def collect(self, specification: Specification, starter: Optional[Starter] = None) -> Delivery:
        """Have a worker collect, and wait for it."""


@dataclass(frozen=True)
class WorkerLauncher:
    """Starts worker processes."""

    settings: Settings
    show_output: bool
    #: Source of the GPU memory that a worker holds; ``None`` if there is none.
    device_memory: Optional[DeviceMemory] = None
    #: Called while nothing is timed, with a benchmark's id (empty: of none), what its worker does, and for how long.
    busy: Optional[Callable[[str, str, float], None]] = None

    def attempt(
        self,
        plan: Plan,
        specification: Specification,
        before: Condition,
        *,
        seconds: float,
        starter: Optional[Starter] = None,
        build: int = 0,
    ) -> Attempt:
        """Start a worker for a plan."""
        options, settings = plan.options, self.settings
        # A curve is timed in one visit, which is as long as the budget.
        timeout_s = (options.timeout_s or settings.timeout_s) + (seconds if options.curve else 0.0)
        return Attempt(
            plan,
            specification,
            before,
            threads=options.threads or settings.threads,
            show_output=self.show_output,
            timeout_s=timeout_s,
            seconds=seconds,
            starter=starter,
            build=build,
            device_memory=self.device_memory,
            waiting=None if self.busy is None else partial(self.busy, plan.id),
        )

    def collect(self, specification: Specification, starter: Optional[Starter] = None) -> Delivery:
        """Have a worker collect, and wait for it."""
        worker = Worker(
            specification,
            threads=self.settings.threads,
            show_output=self.show_output,
            timeout_s=self.settings.timeout_s,
            starter=starter,
            waiting=None if self.busy is None else self._collecting,
        )
        with worker:
            return worker.collect()

    def _collecting(self, what: str, seconds: float) -> None:
        assert self.busy is not None
        self.busy("", "collecting the benchmarks of the other side", seconds)

"""One attempt at a run: a worker from its start, through its timed visits, to its delivery."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

from pytest_edgeperf.devices.condition import Condition
from pytest_edgeperf.devices.sensors.process_memory import DeviceMemory
from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.machine.curve import POINTS, Curve, CurveRecorder
from pytest_edgeperf.schedule.machine.sampler import Sampler
from pytest_edgeperf.schedule.machine.telemetry import Instruments, Telemetry, Window, evaluate
from pytest_edgeperf.schedule.machine.usage import Witness
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.worker import faults, parking
from pytest_edgeperf.schedule.worker.memory_watch import MemoryWatch, lowest
from pytest_edgeperf.schedule.worker.process import Waiting, Worker
from pytest_edgeperf.schedule.worker.starting import Starter
from pytest_edgeperf.schedule.worker.stops import Windows

#: Of each visit but the first, in untimed calls: caches and clocks have forgotten the worker while it waited.
REWARM_SHARE = 0.2


class Attempt:
    """A worker for a plan. Use as a context manager: leaving it leaves no process behind."""

    def __init__(
        self,
        plan: Plan,
        specification: Specification,
        before: Condition,
        *,
        threads: int,
        show_output: bool,
        timeout_s: float,
        seconds: float,
        starter: Optional[Starter] = None,
        build: int = 0,
        device_memory: Optional[DeviceMemory] = None,
        waiting: Optional[Waiting] = None,
    ) -> None:
        self.plan = plan
        #: Which of several builds of its engines it uses.
        self.build = build
        #: The machine when it began.
        self.before = before
        #: The machine's power in W before it began.
        self.idle_w: Optional[float] = None
        #: The machine's temperature in degC before it began.
        self.idle_c: Optional[float] = None
        self.telemetry: Optional[Telemetry] = None
        self.curve: Optional[Curve] = None
        self._recorder: Optional[CurveRecorder] = None
        self.started = datetime.now(timezone.utc)
        self._memory = parking.memory()
        self._least_available_mib: Optional[float] = None
        self._device_memory = device_memory
        self._device_peak_mib: Optional[float] = None
        self._seen: Optional[MemoryWatch] = None
        self._seconds = seconds
        self.visited = 0
        self._closed = False
        self._waiting = waiting
        began = time.monotonic()
        self._worker = Worker(
            specification,
            threads=threads,
            show_output=show_output,
            timeout_s=timeout_s,
            starter=starter,
            build=build,
            waiting=waiting,
        )
        self._witness = Witness(self._worker.keeper_pid, specification.cpus)
        self._windows = Windows()
        self._spend(began)

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, *_: object) -> None:
        # Once only: the id of a process that is gone may be another's.
        if not self._closed:
            self._closed = True
            self._worker.__exit__()

    def prepare(self) -> bool:
        """Load, check and warm up. ``False``: it ended without asking to be timed."""
        began = time.monotonic()
        if self.plan.adopted:
            # It asks to be timed before its body, which is not prepared but run.
            ready = self._worker.prepare()
        else:
            with self._memory_watch() as memory:
                ready = self._worker.prepare()
            self._remember(memory)
            if ready:
                self.plan.memory_mib = parking.needed_mib(self._worker.pid, self._memory, parking.memory())
        self._spend(began)
        return ready

    def profile(self) -> bool:
        """Wait until a worker whose specification asks for it has profiled and ended. ``False``: without a profile."""
        began = time.monotonic()
        profiled = self._worker.profile()
        self._spend(began)
        return profiled

    def visit(self) -> bool:
        """Time one block. ``False``: the worker ended."""
        began = time.monotonic()
        settle_s = REWARM_SHARE * self._seconds if self.visited else 0.0
        with self._witness, self._windows:
            alive = self._worker.time_block(self._seconds, settle_s)
        self.visited += 1
        self._spend(began)
        return alive

    def course(self, recorder: CurveRecorder) -> bool:
        """Time the whole budget in short blocks, and look at the machine between them. ``False``: the worker ended."""
        began = time.monotonic()
        self._recorder = recorder
        recorder.take()
        alive = True
        for _ in range(POINTS):
            with self._witness, self._windows:
                alive = self._worker.time_block(self._seconds / POINTS, 0.0, turn=True)
            if not alive:
                break
            recorder.take()
            if self._waiting is not None:
                self._waiting("under load", time.monotonic() - began)
        self.visited += 1
        self._spend(began)
        return alive

    def turn(self, seconds: float, settle_s: float) -> bool:
        """Time one short block, between which another worker has its own. ``False``: the worker ended."""
        began = time.monotonic()
        with self._windows:
            alive = self._worker.time_block(seconds, settle_s, turn=True)
        self.visited += 1
        self._spend(began)
        return alive

    def sustain(
        self, instruments: Instruments, seconds: Optional[float] = None, inferences: Optional[int] = None
    ) -> None:
        """Repeat the inference while the sensors are read, for ``seconds`` or as long as the sensors need.

        After the timed blocks, so that it disturbs none. With ``inferences``, it goes on until there were so many, and
        the readings of power are kept.
        """
        if not instruments.worth_a_window:
            return
        began = time.monotonic()
        with self._memory_watch() as memory, Sampler(instruments.all) as sampler:
            begin_s = time.perf_counter()
            calls = self._repeat(seconds or instruments.window_s(), inferences or 0)
            window = Window(begin_s, time.perf_counter(), calls or 0)
        self._remember(memory)
        if calls is not None:
            self.telemetry = evaluate(
                sampler.series, window, self.idle_w, sampler.cpu_s, keep_power=inferences is not None
            )
        self._spend(began)

    def _repeat(self, seconds: float, inferences: int) -> Optional[int]:
        """Repeat the inference for so long, and on until there were so many; ``None``: the worker ended."""
        calls = self._worker.sustain(seconds)
        while calls is not None and 0 < calls < inferences:
            more = self._worker.sustain(seconds * (inferences - calls) / calls)
            calls = None if more is None else calls + max(more, 1)
        return calls

    def finish(self) -> Delivery:
        """Let the worker end, and take its delivery."""
        began = time.monotonic()
        delivery = self._worker.finish()
        self.__exit__()
        if delivery.fault is not None and delivery.fault.startswith(faults.KILLED):
            delivery.fault += faults.last_memory(self._seen.peak_mib, self._seen.last_mib) if self._seen else ""
        if self._recorder is not None and delivery.run is not None:
            self.curve = self._recorder.curve(delivery.run.turns_ms)
        self._spend(began)
        return delivery

    def coordinators_metrics(self) -> Dict[str, float]:
        """Metric -> value of the metrics that are measured from outside the worker."""
        values = dict(self.telemetry.values) if self.telemetry is not None else {}
        values.update(self.curve.values if self.curve is not None else {})
        if self.idle_c is not None and "temperature_max" in values:
            values["temperature_idle"] = self.idle_c
        if self._memory is not None and self._least_available_mib is not None:
            values["memory_system_peak"] = max(self._memory.available_mib - self._least_available_mib, 0.0)
        if self._device_peak_mib is not None:
            values["memory_device_peak"] = self._device_peak_mib
        return values

    def _memory_watch(self) -> MemoryWatch:
        return MemoryWatch(self._worker.pid, device_memory=self._device_memory)

    def _remember(self, memory: MemoryWatch) -> None:
        if memory.device_peak_mib is not None:
            self._device_peak_mib = max(memory.device_peak_mib, self._device_peak_mib or 0.0)
        self._least_available_mib = lowest(self._least_available_mib, memory.least_mib)
        if memory.peak_mib is not None:
            self._seen = memory

    def figures(self) -> Dict[str, Any]:
        """Quality figures: who used the processors while it was timed, and how long it was stopped."""
        figures = self._witness.figures()
        stopped_s = round(self._windows.stopped_s(self._worker.stops()), 3)
        if stopped_s > 0:
            figures["stopped_s"] = stopped_s
        return figures

    def strangers(self) -> List[Dict[str, Any]]:
        """Other processes that used the processors most."""
        return self._witness.strangers()

    def _spend(self, began: float) -> None:
        self.plan.seconds += time.monotonic() - began

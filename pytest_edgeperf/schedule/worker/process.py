"""A worker process as the coordinator sees it: start, commands, messages, and how it ended."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from functools import singledispatchmethod
from typing import IO, Any, Callable, List, Mapping, Optional, Type

from pytest_edgeperf.caches import BUILD_VARIABLE
from pytest_edgeperf.measure.channel import ChannelClosed, MalformedMessage, MessageTooLong
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.protocol import (
    AccuracyMeasured,
    BlockTimed,
    Busy,
    Collected,
    CollectionFailed,
    Command,
    Ended,
    Event,
    ExitCalled,
    Finish,
    FixtureMeasured,
    Interrupted,
    Loaded,
    NotCollected,
    Profiled,
    PytestFailed,
    Ready,
    Reported,
    RunMeasured,
    Specification,
    Started,
    StudyJoined,
    Sustain,
    Sustained,
    TimeBlock,
    WrongCode,
    message_of,
)
from pytest_edgeperf.schedule.delivery import Delivery
from pytest_edgeperf.schedule.worker import acceptance, faults, stops
from pytest_edgeperf.schedule.worker.starting import DEFAULT_VARIABLES, DirectStart, Starter

#: Of a dead worker's output, the last part is shown.
OUTPUT_TAIL_BYTES = 8192
#: A worker that has said its last word may take this long to leave (plugins' atexit work).
LEAVE_SECONDS = 30.0
#: How often a silent worker is looked at: a child that it left behind may keep the connection open.
LOOK_SECONDS = 0.5
#: More than any test's reports and accuracies: something floods the connection.
MOST_UNASKED = 10_000

#: What a worker does that has not said anything else, while it is waited for; a block or a window of the sensors is
#: waited for in silence.
USUALLY: Mapping[Type[Any], str] = {
    Started: "starting its process",
    Ready: "loading, checking and warming up",
    Profiled: "profiling",
    Ended: "finishing the test",
}
#: Called now and then with what a worker does, and for how many seconds.
Waiting = Callable[[str, float], None]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Worker:
    """A started worker process. Use as a context manager: leaving it leaves no process behind."""

    def __init__(
        self,
        specification: Specification,
        *,
        threads: int,
        show_output: bool,
        timeout_s: float,
        starter: Optional[Starter] = None,
        build: int = 0,
        waiting: Optional[Waiting] = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._waiting = waiting
        self._busy, self._busy_since = "", time.monotonic()
        #: Only what the coordinator waits for counts: a parked worker does not hang.
        self._patience_s = timeout_s
        self._spool: Optional[IO[bytes]] = None if show_output else tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._oom_before = faults.oom_kills()
        variables = _variables(threads, build)
        self._starter = starter or DirectStart()
        environment = {**DEFAULT_VARIABLES, **os.environ, **variables}
        self._process, self.channel = self._starter.start(environment, self._spool)
        self.delivery = Delivery()
        self._said_exit = False
        self._unasked = 0
        self._stops: List[stops.Interval] = []
        self._sustained: Optional[Sustained] = None
        self._began = self._starter.command is None
        try:
            # What does not run yet does not read, and would let this process wait for ever.
            if self._began or self._until(Started):
                with suppress(ChannelClosed):
                    self.channel.send(self._starter.adapted(specification, variables).to_message())
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.channel.close()
        if self._spool:
            self._spool.close()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    @property
    def keeper_pid(self) -> int:
        """The process below which are the worker and all that it has started."""
        return self._process.keeper_pid

    def stops(self) -> List[stops.Interval]:
        """When the worker was stopped, and when this process was, with which it may have been."""
        return [*self._process.stops(), *self._stops]

    def kill(self) -> None:
        """Kill the worker and all that it started, if any of it still runs."""
        self._process.kill()

    def prepare(self) -> bool:
        """Wait until the benchmark is loaded, checked and warm. Returns ``False`` if the worker ended before that."""
        return self._until(Ready)

    def profile(self) -> bool:
        """Wait for the profile of a worker that makes one instead of being timed, and for its end.

        It needs no command for that. Returns ``False`` if it ended otherwise.
        """
        return self._until(Profiled) and self._until(Ended)

    def time_block(self, seconds: float, settle_s: float = 0.0, *, turn: bool = False) -> bool:
        """Have one block timed and wait for it. Returns ``False`` if the worker ended."""
        return self._command(TimeBlock(seconds, settle_s, turn)) and self._until(BlockTimed)

    def sustain(self, seconds: float) -> Optional[int]:
        """Have the inference repeated for ``seconds``; returns the number of calls, ``None`` if the worker ended."""
        if not (self._command(Sustain(seconds)) and self._until(Sustained)):
            return None
        assert self._sustained is not None
        return self._sustained.calls

    def collect(self) -> Delivery:
        """Wait for a worker that only collects."""
        if self._until(Ended) and self.delivery.collected is None and self.delivery.fault is None:
            self._fault("pytest ended in its worker before it had collected")
        return self.delivery

    def finish(self) -> Delivery:
        """Let the benchmark end and take its delivery."""
        if self._command(Finish()):
            self._until(Ended)
        delivery = self.delivery
        if delivery.fault is None:
            self._require_all_reports()
        if delivery.run is not None:
            delivery.run = replace(
                delivery.run,
                values={
                    **delivery.run.values,
                    **{name: accuracy.value for name, accuracy in delivery.accuracies.items()},
                },
                metrics={
                    **delivery.run.metrics,
                    **{name: accuracy.metric for name, accuracy in delivery.accuracies.items()},
                },
            )
            self._check_run(delivery.run)
        return delivery

    def _require_all_reports(self) -> None:
        """A test without a report could not fail: hooks and plugins may end a worker's session in the middle."""
        phase = acceptance.missing_phase(self.delivery.reports)
        if phase is not None:
            self._fault(f"pytest ended in its worker without a report of its {phase}: a hook or a plugin stopped it")

    def _check_run(self, run: Measurement) -> None:
        try:
            acceptance.check_run(run)
        except MalformedMessage as error:
            self.delivery.run = None
            if self.delivery.fault is None:
                self._fault(str(error))

    def _command(self, command: Command) -> bool:
        if self.delivery.fault or self._said_exit:
            return False
        try:
            self.channel.send(message_of(command))
        except ChannelClosed:
            self._ended()
            return False
        return True

    def _until(self, awaited: Type[Any]) -> bool:
        """Take messages until the awaited one. ``False``: the worker ended, or cannot be understood, or hangs.

        What waits to be read is read before a worker is said to hang, and only time in which this process itself ran
        counts: it may have been stopped (Ctrl-Z, a paused container).
        """
        if not self._began and awaited is not Started:
            return False
        waits_since = time.monotonic()
        while True:
            ended = self._process.poll() is not None
            asked_s = min(max(self._patience_s, 0.0), LOOK_SECONDS)
            began = time.monotonic()
            try:
                message = self.channel.receive(asked_s)
                event = acceptance.accepted(message, awaited) if message is not None else None
            except (MessageTooLong, MalformedMessage) as error:
                self.kill()
                self._fault(faults.not_understood(str(error)) if self._began else faults.no_beginning(str(error)))
                return False
            except ChannelClosed:
                event, ended = None, True
            now = time.monotonic()
            self._patience_s -= min(now - began, asked_s)
            self._note_stops(began, asked_s, now)
            if event is not None:
                self._take(event)
                if isinstance(event, (awaited, Ended)):
                    return isinstance(event, awaited)
                if self._is_flood():
                    return False
            elif ended:
                self._ended()
                return False
            elif self._patience_s > 0:
                self._show(awaited, waits_since, now)
            else:
                self.kill()
                self._fault(faults.hung(self._timeout_s) if self._began else faults.never_began(self._timeout_s))
                return False

    def _show(self, awaited: Type[Any], since: float, now: float) -> None:
        """Say what is waited for, unless something is timed or sensors are read meanwhile."""
        if self._waiting is not None and awaited in USUALLY:
            what = self._busy or USUALLY[awaited]
            self._waiting(what, now - (self._busy_since if self._busy else since))

    def _note_stops(self, began: float, asked_s: float, now: float) -> None:
        """Record stops that the keeper cannot see: of this process, and by a debugger."""
        if now - began > asked_s + stops.LATE_SECONDS:
            self._stops.append((began + asked_s, now))
        elif now - began >= asked_s and stops.is_held(self.pid):
            self._stops.append((began, now))

    def _is_flood(self) -> bool:
        self._unasked += 1
        if self._unasked <= MOST_UNASKED:
            return False
        self.kill()
        self._fault(faults.not_understood(f"more than {MOST_UNASKED:,} messages"))
        return True

    @singledispatchmethod
    def _take(self, event: Event) -> None:
        """Keep what an event says; an answer without anything in it needs no keeping."""

    @_take.register
    def _(self, event: Started) -> None:
        self._began = True

    @_take.register
    def _(self, event: Busy) -> None:
        self._busy, self._busy_since = event.what, time.monotonic()

    @_take.register
    def _(self, event: Profiled) -> None:
        self.delivery.profile = event.profile

    @_take.register
    def _(self, event: Sustained) -> None:
        self._sustained = event

    @_take.register
    def _(self, event: Reported) -> None:
        self.delivery.reports.append(event.report)

    @_take.register
    def _(self, event: RunMeasured) -> None:
        self.delivery.run = event.measurement

    @_take.register
    def _(self, event: AccuracyMeasured) -> None:
        self.delivery.accuracies[event.name] = event

    @_take.register
    def _(self, event: StudyJoined) -> None:
        self.delivery.joined = event

    @_take.register
    def _(self, event: Loaded) -> None:
        self.delivery.loaded = event

    @_take.register
    def _(self, event: FixtureMeasured) -> None:
        self.delivery.benchmark_stats = event

    @_take.register
    def _(self, event: Collected) -> None:
        self.delivery.collected = event

    @_take.register
    def _(self, event: CollectionFailed) -> None:
        self._fault("its worker could not collect the file:\n" + event.text)

    @_take.register
    def _(self, event: NotCollected) -> None:
        if self.delivery.fault is None:
            self.delivery.absent = True
            self._fault(
                "its worker did not collect it: the file or the parametrisation differs from one process to the next"
            )

    @_take.register
    def _(self, event: WrongCode) -> None:
        self._fault("it measured the wrong code: " + "; ".join(event.problems))

    @_take.register
    def _(self, event: PytestFailed) -> None:
        self._fault("pytest itself failed in its worker:\n" + event.text)

    @_take.register
    def _(self, event: Interrupted) -> None:
        self._fault("it was interrupted in its worker (KeyboardInterrupt)\n" + event.text)

    @_take.register
    def _(self, event: ExitCalled) -> None:
        self.delivery.exit = event
        self._fault(f"pytest.exit was called in its worker: {event.reason}")

    @_take.register
    def _(self, event: Ended) -> None:
        self._leave()

    def _leave(self) -> None:
        self._said_exit = True
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _ended(self) -> None:
        try:
            status = self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._fault("its process closed the connection but did not exit, so it was killed")
            return
        if not self._began:
            self._fault(faults.ended_early(status, self._output()))
            return
        counters = self._oom_before, faults.oom_kills()
        self._fault(faults.describe_exit(status, *counters, by_command=self._starter.command is not None))

    def _fault(self, reason: str) -> None:
        self.delivery.fault = reason
        self.delivery.output = self._output()

    def _output(self) -> str:
        printed = self.channel.preamble
        if self._spool is not None:
            size = self._spool.seek(0, os.SEEK_END)
            self._spool.seek(max(0, size - OUTPUT_TAIL_BYTES))
            printed += self._spool.read()
        return printed.decode(errors="replace")


def _variables(threads: int, build: int) -> Mapping[str, str]:
    return {**dict.fromkeys(THREAD_VARIABLES, str(threads)), BUILD_VARIABLE: str(build)}

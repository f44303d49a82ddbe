"""An engine in a thread or in a process: made, warmed up, started at a given moment, and timed up to another."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from time import perf_counter_ns
from typing import Any, Callable, List, Mapping, Optional, Protocol, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import described
from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.failures import EngineFailed
from pytest_edgeperf.measure.loaded_paths import Listing, listing
from pytest_edgeperf.measure.own_memory import private_mib
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.placements import placement_of
from pytest_edgeperf.measure.runtimes import loaded_versions
from pytest_edgeperf.measure.warmup import warm_up

#: Of one block and engine; more are not kept.
CAPACITY = 1 << 17
#: An engine that does not answer within a block and this has hung.
PATIENCE_S = 60.0
_LEAVE_S = 5.0


@dataclass(frozen=True)
class Ready:
    """What an engine says of itself before it is timed."""

    checked: Mapping[str, Any]
    first_ms: Optional[float]
    warm_up_s: float
    steady: Optional[bool]
    engine: Optional[Mapping[str, Any]]
    software: Mapping[str, Any]
    cold_inputs: int = 0
    #: What its process has loaded, where that is one of its own.
    loaded: Optional[Listing] = None
    #: For the run's environment: where the nodes of the network run.
    placement: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lap:
    """One engine's part of a block: the durations of its inferences in ns, the last of them ended within the block.

    ``seconds`` are those from the common start to the end of that one; ``private_mib`` is what a process of its own
    then has in memory that it does not share with the worker, ``None`` if the kernel does not report it.
    """

    durations_ns: Sequence[float]
    seconds: float
    private_mib: Optional[float] = 0.0


class Runner(Protocol):
    """One of the engines."""

    def ready(self) -> Ready:
        """Wait until it is loaded, checked and warm.

        Raises:
            EngineFailed: it is not.
        """

    def start(self, at_ns: int, seconds: float) -> None:
        """Have it begin at this moment, and go on for so long."""

    def finish(self) -> Lap:
        """Wait for it, and take what it did.

        Raises:
            EngineFailed: it ended meanwhile.
        """

    def close(self) -> None:
        """End it."""


#: Makes the pipeline of one engine.
Maker = Callable[[], Pipeline]


def prepare(make: Maker, software: Mapping[str, Any]) -> Tuple[Pipeline, Ready]:
    """Make one engine, check its answers and warm it up; ``software`` is read after it was loaded."""
    pipeline = make()
    pipeline.require_timeable_here()
    checked = pipeline.check()
    warmed = warm_up(pipeline.calls)
    engine = None if pipeline.engine is None else described(pipeline.engine)
    first_ms = checked.get("first_ms", warmed.first_ms)
    own = {**(loaded_versions() if engine is None else {}), **software}
    ready = Ready(checked, first_ms, warmed.seconds, warmed.steady, engine, own, warmed.cold_inputs)
    ready = replace(ready, placement=placement_of(pipeline.engine))
    return pipeline, ready


def run(calls: Sequence[loop.Call], at_ns: int, seconds: float) -> Tuple[List[float], float]:
    """Wait for the moment, call until ``seconds`` later; durations in ns and the seconds to the last that counts.

    The inference that is under way at the end is finished and does not count, unless it is the only one.
    """
    durations = loop.sample_array(CAPACITY)
    deadline = at_ns + int(seconds * 1e9)
    while perf_counter_ns() < at_ns - 1_000_000:
        time.sleep(0.0005)
    while perf_counter_ns() < at_ns:
        pass
    count = 0
    last = at_ns
    with loop.collector_off(collect=False):
        while count < CAPACITY:
            start = perf_counter_ns()
            calls[count % len(calls)]()
            end = perf_counter_ns()
            if end > deadline and count:
                break
            durations[count] = end - start
            count += 1
            last = end
            if end >= deadline:
                break
    return list(durations[:count]), (last - at_ns) / 1e9


class ThreadRunner:
    """An engine in a thread of this process."""

    def __init__(self, number: int, make: Maker, software: Mapping[str, Any]) -> None:
        self._number = number
        self._software = software
        self._made = threading.Event()
        self._go = threading.Event()
        self._done = threading.Event()
        self._order: Optional[Tuple[int, float]] = None
        self._ready: Optional[Ready] = None
        self._lap: Optional[Lap] = None
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._live, args=(make,), name=f"engine-{number}", daemon=True)
        self._thread.start()

    def ready(self) -> Ready:
        """Wait until it is loaded, checked and warm."""
        self._made.wait()
        self._raise()
        assert self._ready is not None
        return self._ready

    def start(self, at_ns: int, seconds: float) -> None:
        """Have it begin at this moment."""
        self._done.clear()
        self._order = (at_ns, seconds)
        self._go.set()

    def finish(self) -> Lap:
        """Take what it did."""
        self._done.wait()
        self._raise()
        assert self._lap is not None
        return self._lap

    def close(self) -> None:
        """Let the thread end."""
        self._order = None
        self._go.set()
        self._thread.join(_LEAVE_S)

    def _live(self, make: Maker) -> None:
        try:
            pipeline, self._ready = prepare(make, self._software)
            self._made.set()
            while True:
                self._go.wait()
                self._go.clear()
                if self._order is None:
                    return
                self._lap = Lap(*run(pipeline.calls, *self._order))
                self._done.set()
        except BaseException as error:  # raised where it is waited for
            self._error = error
        finally:
            self._made.set()
            self._done.set()

    def _raise(self) -> None:
        if self._error is not None:
            raise EngineFailed(f"engine {self._number}: {_said(self._error)}") from self._error


class ProcessRunner:
    """An engine in a process of its own, which may run out of memory without harm to the others' figures."""

    def __init__(self, number: int, make: Maker, software: Mapping[str, Any]) -> None:
        self._number = number
        # "fork", as a benchmark's functions cannot be pickled; no engine has been loaded here by then.
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_live, args=(make, software, theirs, self._pipe), daemon=True)
        with warnings.catch_warnings():
            # Python 3.12 and newer warn of threads, of which none is an engine's.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()
        self._patience_s = 10 * PATIENCE_S

    def ready(self) -> Ready:
        """Wait until it is loaded, checked and warm."""
        message = self._receive()
        assert isinstance(message, Ready)
        return message

    def start(self, at_ns: int, seconds: float) -> None:
        """Have it begin at this moment."""
        self._patience_s = seconds + PATIENCE_S
        try:
            self._pipe.send((at_ns, seconds))
        except OSError:
            raise self._gone() from None

    def finish(self) -> Lap:
        """Take what it did."""
        message = self._receive()
        assert isinstance(message, Lap)
        return message

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.is_alive()

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._pipe.send(None)
        self._process.join(_LEAVE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    def _receive(self) -> Any:
        try:
            if not self._pipe.poll(self._patience_s):
                raise EngineFailed(f"engine {self._number} did not answer within {self._patience_s:g} s")
            message = self._pipe.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        if isinstance(message, str):
            raise EngineFailed(f"engine {self._number}: {message}")
        return message

    def _gone(self) -> EngineFailed:
        self._process.join(_LEAVE_S)
        code = self._process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"exited with status {code}"
        hint = ": most likely out of memory" if code == -9 else ""
        return EngineFailed(f"engine {self._number} {how}{hint}")


def _live(make: Maker, software: Mapping[str, Any], pipe: Connection, ours: Connection) -> None:
    """The life of an engine's process. It leaves without pytest's and other exit functions of its parent."""
    # Held open here, the parent's end would never end.
    ours.close()
    try:
        pipeline, ready = prepare(make, software)
        pipe.send(replace(ready, loaded=listing()))
        while True:
            order = pipe.recv()
            if order is None:
                break
            durations, seconds = run(pipeline.calls, *order)
            pipe.send(Lap(durations, seconds, private_mib()))
    except (EOFError, KeyboardInterrupt):
        pass
    except BaseException as error:  # sent to the parent
        traceback.print_exc()
        pipe.send(_said(error))
    finally:
        os._exit(0)


def _said(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__

"""Reads sensors in a thread of the coordinator while a worker repeats its inference."""

from __future__ import annotations

import threading
import time
from typing import Callable, List, Optional, Sequence

from pytest_edgeperf.devices.sensors.interface import Reading, Sensor
from pytest_edgeperf.schedule.machine.series import Series

#: Each sensor is read this often per new value, within these bounds: each read costs, on a bus even others.
READS_PER_VALUE = 4.0
MOST_HZ = 25.0
LEAST_HZ = 4.0


class Sampler:
    """Reads each sensor at its own rate from entering to leaving. Use as a context manager, once.

    A sensor that fails is a missed reading with its reason; it does not end the sampling.
    """

    def __init__(self, sensors: Sequence[Sensor], clock: Callable[[], float] = time.perf_counter) -> None:
        self.series = [Series(sensor.name, sensor.quantity, sensor.source, sensor.refresh_hz) for sensor in sensors]
        #: Processor time that the sampling took, in s.
        self.cpu_s = 0.0
        self._sensors = list(sensors)
        self._clock = clock
        self._stop = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> Sampler:
        # A counter covers the time since its last reading, which was before this window.
        for sensor in self._sensors:
            _read(sensor)
        self._thread = threading.Thread(target=self._sample, name="edgeperf-sampler", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _sample(self) -> None:
        began = time.thread_time()
        due_s: List[float] = [self._clock()] * len(self._sensors)
        while not self._stop.is_set():
            now = self._clock()
            for index, sensor in enumerate(self._sensors):
                if now >= due_s[index]:
                    reading = _read(sensor)
                    self.series[index].take(self._clock(), reading.value, reading.reason)
                    # Never to be made up for: a slow bus is read as often as it can be.
                    due_s[index] = max(due_s[index] + 1.0 / rate_hz(sensor), now)
            self._stop.wait(max(min(due_s, default=now + 1.0) - self._clock(), 0.001))
        self.cpu_s = time.thread_time() - began


def rate_hz(sensor: Sensor) -> float:
    """How often a sensor is read, in Hz."""
    if sensor.refresh_hz is None:
        return LEAST_HZ
    return min(max(READS_PER_VALUE * sensor.refresh_hz, LEAST_HZ), MOST_HZ)


def _read(sensor: Sensor) -> Reading:
    try:
        return sensor.read()
    except Exception as error:  # other packages' code
        return Reading(None, f"{type(error).__name__}: {error}")

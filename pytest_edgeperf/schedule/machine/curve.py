"""The course of a run of minutes: latency, temperature and clocks over time, and the steps between its levels."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.devices.condition import Condition, figures
from pytest_edgeperf.devices.sensors.interface import CLOCK, TEMPERATURE, Sensor
from pytest_edgeperf.devices.throttling import throttle_counts
from pytest_edgeperf.judge.statistics.change_points import change_points

#: A run is timed in so many blocks, between which the sensors are read; never while something is timed.
POINTS = 120
#: A smaller step of the latency is not reported.
LEAST_STEP = 0.02
#: A clock that falls by this share at a step is what slowed the inference down.
LEAST_CLOCK_DROP = 0.02
#: What the run is at its beginning and in the end, as shares of its points.
START_SHARE = 0.1
END_SHARE = 0.25
#: A mechanism that acts this many points before or after a step belongs to it.
_NEAR_POINTS = 3

#: Figure of the curve -> names of the sensors that measure it; the first available one is used.
_CLOCKS: Mapping[str, Tuple[str, ...]] = {"clock_gpu_mhz": ("clock_gpu", "clock_gpu_nvml")}
_CPU_CLOCK = "clock_cpu_mhz"


class Moment(NamedTuple):
    """A look at the machine: seconds of a steady clock, what it is like, and figure of the curve -> value."""

    at_s: float
    condition: Condition
    throttles: Mapping[str, int]
    values: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """Metric -> value of a run of minutes, and the curve and steps for its quality figures."""

    values: Mapping[str, float]
    figures: Mapping[str, Any]


class CurveRecorder:
    """Looks at the machine between the blocks of one run."""

    def __init__(
        self,
        sensors: Sequence[Sensor],
        look: Callable[[], Condition],
        root: Path = Path("/"),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._temperatures = [sensor for sensor in sensors if sensor.quantity == TEMPERATURE]
        self._cpu_clocks = [
            sensor for sensor in sensors if sensor.quantity == CLOCK and sensor.name.startswith("clock_cpu")
        ]
        by_name = {sensor.name: sensor for sensor in sensors}
        self._others = {
            figure: next(by_name[name] for name in names if name in by_name)
            for figure, names in _CLOCKS.items()
            if any(name in by_name for name in names)
        }
        self._look = look
        self._root = root
        self._clock = clock
        self._moments: List[Moment] = []
        self._looking_s = 0.0

    def take(self) -> None:
        """Look once: before the first block, and after each."""
        began = self._clock()
        values: Dict[str, float] = {}
        # The hottest zone and the fastest cluster, whichever they are at this moment.
        for figure, sensors in (("temperature_c", self._temperatures), (_CPU_CLOCK, self._cpu_clocks)):
            read = [value for value in (sensor.read().value for sensor in sensors) if value is not None]
            if read:
                values[figure] = max(read)
        for figure, sensor in self._others.items():
            value = sensor.read().value
            if value is not None:
                values[figure] = value
        self._moments.append(Moment(began, self._look(), throttle_counts(self._root), values))
        if len(self._moments) > 1:
            self._looking_s += self._clock() - began

    def curve(self, latencies_ms: Sequence[float]) -> Optional[Curve]:
        """The metrics and figures; ``curve_full_after_s`` if blocks are missing because no more samples could be kept.

        ``latency_start`` and ``latency_sustained`` in ms: medians over the first tenth and the last quarter of the
        blocks' medians. ``temperature_max`` in degC, ``clock_gpu_mean`` in MHz.

        Args:
            latencies_ms: the median latency of each block.

        Returns:
            ``None`` where no block was timed.
        """
        count = min(len(latencies_ms), len(self._moments) - 1)
        if count < 1:
            return None
        latencies = list(latencies_ms[:count])
        start_s = self._moments[0].at_s
        ends = self._moments[1 : count + 1]
        curve: Dict[str, Any] = {
            "at_s": [round(look.at_s - start_s, 2) for look in ends],
            "latency_ms": [_rounded(value) for value in latencies],
        }
        for figure in ("temperature_c", _CPU_CLOCK, *_CLOCKS):
            if all(figure in look.values for look in ends):
                curve[figure] = [_rounded(look.values[figure]) for look in ends]
        slowed_by = [self._slowed_by(index) for index in range(count)]
        if any(slowed_by):
            curve["slowed_by"] = {str(index): names for index, names in enumerate(slowed_by) if names}
        figures: Dict[str, Any] = {"curve": curve}
        if count < len(self._moments) - 1:
            figures["curve_full_after_s"] = curve["at_s"][-1]
        level_steps = steps(curve, slowed_by)
        if level_steps:
            figures["steps"] = level_steps
        total_s = ends[-1].at_s - start_s
        if total_s > 0:
            figures["curve_duty"] = round(1 - min(self._looking_s / total_s, 1.0), 4)
        return Curve(_metrics(curve), figures)

    def _slowed_by(self, index: int) -> List[str]:
        before, after = self._moments[index], self._moments[index + 1]
        names = set(figures(before.condition, after.condition).get("slowed_by", ()))
        names |= {name for name, count in after.throttles.items() if count > before.throttles.get(name, count)}
        return sorted(names)


def steps(curve: Mapping[str, Any], slowed_by: Sequence[Sequence[str]]) -> List[Dict[str, Any]]:
    """The lasting changes of latency: when, by how much, how hot it was, and what slowed the machine down then.

    A step is called ``throttling`` only where the machine says that it slowed itself down, or a clock fell with it;
    on a shared machine that cannot throttle, the latency has steps as well.

    Args:
        curve: ``at_s``, ``latency_ms`` and further figures, a value per block.
        slowed_by: per block, what the machine says slowed it down meanwhile.
    """
    latencies = curve["latency_ms"]
    count = len(latencies)
    bounds = [0, *change_points([math.log(value) for value in latencies]), count]
    lasting: List[Dict[str, Any]] = []
    for before, at, after in zip(bounds, bounds[1:], bounds[2:]):
        levels = [median(latencies[before:at]), median(latencies[at:after])]
        ratio = levels[1] / levels[0]
        if abs(math.log(ratio)) < math.log(1 + LEAST_STEP):
            continue
        # A block ends at its time; the step lies where the one before it ended.
        step: Dict[str, Any] = {"at_s": curve["at_s"][at - 1], "latency_ms": [_rounded(level) for level in levels]}
        if "temperature_c" in curve:
            step["temperature_c"] = curve["temperature_c"][at - 1]
        falls = False
        for figure in (_CPU_CLOCK, *_CLOCKS):
            if figure in curve:
                clocks = [mean(curve[figure][before:at]), mean(curve[figure][at:after])]
                step[figure] = [_rounded(clock) for clock in clocks]
                falls = falls or clocks[1] < clocks[0] * (1 - LEAST_CLOCK_DROP)
        near = slowed_by[max(0, at - _NEAR_POINTS) : at + _NEAR_POINTS]
        names = sorted({name for causes in near for name in causes})
        if names:
            step["slowed_by"] = names
        if ratio > 1 and (names or falls):
            step["throttling"] = True
        lasting.append(step)
    return lasting


def _metrics(curve: Mapping[str, Any]) -> Dict[str, float]:
    latencies = curve["latency_ms"]
    first = max(1, round(START_SHARE * len(latencies)))
    last = max(1, round(END_SHARE * len(latencies)))
    values = {"latency_start": median(latencies[:first]), "latency_sustained": median(latencies[-last:])}
    if "temperature_c" in curve:
        values["temperature_max"] = max(curve["temperature_c"])
    if "clock_gpu_mhz" in curve:
        values["clock_gpu_mean"] = mean(curve["clock_gpu_mhz"])
    return {name: float(value) for name, value in values.items()}


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")

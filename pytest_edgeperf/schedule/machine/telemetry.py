"""Power, energy, temperature, load and clock of an inference: measured over a sustained window, apart from latency."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.devices.sensors.interface import CLOCK, LOAD, POWER, TEMPERATURE, Sensor, Unavailable
from pytest_edgeperf.devices.sensors.power import FOR_INFERENCES, why_none
from pytest_edgeperf.schedule.machine.sampler import Sampler
from pytest_edgeperf.schedule.machine.series import Series, gaps, quantile, standard_deviation

#: Seconds of a window on a machine whose sensors are fast.
SHORTEST_S = 2.0
LONGEST_S = 15.0
#: New values of the power sensor that a window must hold; one more is lost at its beginning.
FEWEST_VALUES = 12
IDLE_VALUES = 3
SHORTEST_IDLE_S = 0.5

_MW_PER_W = 1000.0
_GPU_LOAD = ("load_gpu", "load_gpu_nvml")
_GPU_CLOCK = ("clock_gpu", "clock_gpu_nvml")


class Window(NamedTuple):
    """A worker's sustained window: its moments in s of the sampler's clock, and how many inferences it held."""

    begin_s: float
    end_s: float
    inferences: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class Telemetry:
    """Metric -> value of one run, and what the values rest on, for its quality figures."""

    values: Dict[str, float]
    basis: Dict[str, Any]


class Instruments:
    """The sensors of a machine that telemetry needs."""

    def __init__(self, sensors: Sequence[Sensor], absent: Sequence[Unavailable]) -> None:
        #: Everything that can be read.
        self.sensors = list(sensors)
        by_name = {sensor.name: sensor for sensor in sensors}
        self.power = _first(by_name, FOR_INFERENCES)
        self.others: List[Sensor] = [sensor for sensor in sensors if sensor.quantity == TEMPERATURE]
        self.others += [
            sensor for sensor in (_first(by_name, _GPU_LOAD), _first(by_name, _GPU_CLOCK)) if sensor is not None
        ]
        self.without_power = None if self.power is not None else why_none(absent)

    @property
    def all(self) -> List[Sensor]:
        """Power first."""
        return [*([self.power] if self.power is not None else []), *self.others]

    @property
    def worth_a_window(self) -> bool:
        """Whether there are sensors whose values change within a run."""
        return self.power is not None or any(sensor.quantity in (LOAD, CLOCK) for sensor in self.others)

    def window_s(self) -> float:
        """How long a window must be to hold enough new values of the power sensor."""
        refresh_hz = self.power.refresh_hz if self.power is not None else None
        if not refresh_hz:
            return SHORTEST_S
        return min(max(SHORTEST_S, (FEWEST_VALUES + 1.5) / refresh_hz), LONGEST_S)

    def idle_w(self, sleep: Callable[[float], None] = time.sleep) -> Optional[float]:
        """The machine's power in W while nothing is measured; takes at least half a second, or a few new values."""
        if self.power is None:
            return None
        seconds = max(SHORTEST_IDLE_S, (IDLE_VALUES + 1.5) / (self.power.refresh_hz or float("inf")))
        with Sampler([self.power]) as sampler:
            begin_s = time.perf_counter()
            sleep(seconds)
        mean_mw = sampler.series[0].mean(begin_s, begin_s + seconds)
        return None if mean_mw is None else mean_mw / _MW_PER_W

    def temperature_c(self) -> Optional[float]:
        """The hottest zone's temperature now; ``None`` where no zone can be read."""
        zones = (sensor.read().value for sensor in self.others if sensor.quantity == TEMPERATURE)
        return max((value for value in zones if value is not None), default=None)


def evaluate(
    series: Sequence[Series],
    window: Window,
    idle_w: Optional[float],
    cpu_s: float = 0.0,
    *,
    keep_power: bool = False,
) -> Telemetry:
    """The metrics of a window.

    ``power_mean``, ``power_sd``, ``power_p95``, ``power_max`` and ``power_idle`` in W; ``energy_per_inference`` and
    ``energy_above_idle`` in mJ: the mean power times the window over its inferences, as single inferences are far
    shorter than a sensor's period; ``temperature_max`` in degC, of the hottest zone; ``utilisation_gpu`` in %,
    ``clock_gpu_mean`` in MHz, ``throughput`` in inferences/s. Metrics without a sensor are absent. With ``keep_power``
    what the metrics of power rest on holds its values themselves: ``power_w`` in W at ``at_s``, seconds of the window.
    """
    values: Dict[str, float] = {}
    basis: Dict[str, Any] = {"window_s": round(window.seconds, 3), "inferences": window.inferences}
    if window.seconds > 0 and window.inferences > 0:
        values["throughput"] = window.inferences / window.seconds
    for readings in series:
        points = readings.distinct(window.begin_s, window.end_s)
        if readings.quantity == POWER:
            values.update(_power(readings, points, window, idle_w))
        elif readings.quantity == TEMPERATURE and points:
            hottest = max(value for _, value in points)
            values["temperature_max"] = max(hottest, values.get("temperature_max", hottest))
        elif readings.quantity in (LOAD, CLOCK) and points:
            mean = readings.mean(window.begin_s, window.end_s)
            assert mean is not None
            values["utilisation_gpu" if readings.quantity == LOAD else "clock_gpu_mean"] = mean
        figures = _basis(readings, points)
        if keep_power and readings.quantity == POWER and points:
            figures["at_s"] = [round(at_s - window.begin_s, 3) for at_s, _ in points]
            figures["power_w"] = [float(f"{value / _MW_PER_W:.4g}") for _, value in points]
        if readings.quantity != TEMPERATURE or readings.missed:
            basis[readings.name] = figures
    if window.seconds > 0:
        basis["sampler_share"] = round(cpu_s / window.seconds, 4)
    return Telemetry(values, basis)


def _power(
    readings: Series, points: Sequence[Tuple[float, float]], window: Window, idle_w: Optional[float]
) -> Dict[str, float]:
    mean_mw = readings.mean(window.begin_s, window.end_s)
    if mean_mw is None:
        return {}
    watts = [value / _MW_PER_W for _, value in points]
    mean_w = mean_mw / _MW_PER_W
    metrics = {"power_mean": mean_w, "power_p95": quantile(watts, 0.95), "power_max": max(watts)}
    deviation = standard_deviation(watts)
    if deviation is not None:
        metrics["power_sd"] = deviation
    if window.inferences > 0:
        metrics["energy_per_inference"] = 1e3 * mean_w * window.seconds / window.inferences
    if idle_w is not None:
        metrics["power_idle"] = idle_w
        if window.inferences > 0:
            metrics["energy_above_idle"] = 1e3 * (mean_w - idle_w) * window.seconds / window.inferences
    return metrics


def _basis(readings: Series, points: Sequence[Tuple[float, float]]) -> Dict[str, Any]:
    figures: Dict[str, Any] = {"source": readings.source, "distinct": len(points)}
    if readings.refresh_hz is not None:
        figures["refresh_hz"] = readings.refresh_hz
    silent = gaps(points, readings.period_s)
    if silent:
        figures["gaps"] = silent
    if readings.missed:
        figures["missed"] = readings.missed
        figures["reason"] = readings.reason
    return figures


def _first(by_name: Dict[str, Sensor], names: Sequence[str]) -> Optional[Sensor]:
    return next((by_name[name] for name in names if name in by_name), None)

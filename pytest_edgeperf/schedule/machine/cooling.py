"""Waits for the machine to cool down to a temperature, not for a fixed time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Optional, Protocol

from pytest_edgeperf.devices.sensors.thermal import COOL_HEADROOM_C, Headroom

#: Between two looks at the temperature.
STEP_S = 2.0
#: A machine whose temperature has not fallen by this much in that time has cooled down as far as it does.
LEAST_FALL_C = 0.5
PATIENCE_S = 60.0


class Shown(Protocol):
    """Receives the progress of the waiting."""

    def cool(self, zone: str, temperature_c: float, target_c: float) -> None:
        """Called at each reading of the temperature."""


@dataclass
class Cooling:
    """Lets a run begin only when the machine is well below where it slows itself down."""

    headroom: Callable[[], Headroom]
    progress: Shown
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    #: In total, for the note at the end.
    waited_s: float = 0.0
    #: The temperature that it would not fall below.
    floor_c: Optional[float] = None
    note: Optional[str] = None

    def wait(self) -> None:
        """Return once the machine is cool or cools no further, and at once if its temperature is unknown."""
        began = coolest_at = self.clock()
        coolest_c: Optional[float] = None
        while True:
            now = self.headroom()
            if now.celsius is None or now.temperature_c is None or now.trip is None:
                break
            target_c = now.trip.celsius - COOL_HEADROOM_C
            if now.temperature_c <= max(target_c, self.floor_c or target_c):
                break
            if coolest_c is None or now.temperature_c <= coolest_c - LEAST_FALL_C:
                coolest_c, coolest_at = now.temperature_c, self.clock()
            elif self.clock() - coolest_at >= PATIENCE_S:
                self._give_up(now.zone or "", now.temperature_c, target_c)
                break
            self.progress.cool(now.zone or "", now.temperature_c, target_c)
            self.sleep(STEP_S)
        self.waited_s += self.clock() - began

    def _give_up(self, zone: str, temperature_c: float, target_c: float) -> None:
        self.floor_c = temperature_c + 2 * LEAST_FALL_C
        self.note = (
            f"{zone} stayed at {temperature_c:.1f} degC and did not cool down to {target_c:.1f}, so it was measured "
            "warm; improve its cooling"
        )

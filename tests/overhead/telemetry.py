"""What telemetry costs: python -m tests.overhead.telemetry [--pairs N].

Sessions with and without the telemetry pass take turns on a recorded Jetson Nano whose sensors are read for real, and
the ratio of their latencies is told with its 95 % interval; then the processor time of the sampler at its default
rates, as a share of one core.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Dict, List, Tuple

from scipy.stats import norm

from pytest_edgeperf import results
from pytest_edgeperf.devices.identity import identify
from pytest_edgeperf.devices.sensors.registry import find_sensors
from pytest_edgeperf.schedule.machine.sampler import Sampler
from pytest_edgeperf.schedule.machine.telemetry import Instruments
from tests.plugin.test_devices import materialise

SUITE = """
def work(steps=20000):
    total = 0
    for step in range(steps):
        total += step * step
    return total

def test_one(timed_inference):
    timed_inference(work)
"""
COMMON = (
    "--device=nano",
    "--baseline=off",
    "--edgeperf-rounds=4",
    "--edgeperf-max-rounds=4",
    "--edgeperf-spacing=0",
    "--edgeperf-budget=0.6",
    "--edgeperf-results=now.json",
)
SIDES = {"without": "off", "with": "0.6"}
#: Of one core.
MOST_SHARE = 0.02
WIDEST_INTERVAL = 0.03


def latency_ms(folder: Path, environment: Dict[str, str], telemetry: str) -> float:
    """The latency of one session, in ms: the mean over its processes of the lowest."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *COMMON,
        f"--edgeperf-telemetry={telemetry}",
    ]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    (benchmark,) = results.read(folder / "now.json").benchmarks.values()
    return mean(float(run.values["latency"]["min"]) for run in benchmark.runs)


def ratio_of_sessions(pairs: int) -> Tuple[float, float, float]:
    """The latency with telemetry over that without, and the ends of its 95 % interval, from pairs of sessions."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        project.mkdir()
        (project / "test_it.py").write_text(SUITE)
        (project / "pytest.ini").write_text("[pytest]\n")
        root = materialise(Path(folder) / "nano", "nano")
        own = {"EDGEPERF_ROOT": str(root), "EDGEPERF_CACHE_DIR": f"{folder}/cache", "EDGEPERF_LOCK_DIR": folder}
        environment = {**os.environ, **own}
        logarithms: List[float] = []
        for number in range(pairs):
            order = list(SIDES) if number % 2 == 0 else list(reversed(SIDES))
            found = {side: latency_ms(project, environment, SIDES[side]) for side in order}
            logarithms.append(math.log(found["with"] / found["without"]))
    middle, low, high = centre(logarithms)
    return math.exp(middle), math.exp(low), math.exp(high)


def centre(values: List[float]) -> Tuple[float, float, float]:
    """The centre of symmetric values and its 95 % interval, which a few sessions in a burst of noise do not move.

    Hodges and Lehmann, "Estimates of location based on rank tests" (1963): the median of all Walsh averages; the
    interval by the normal approximation of Wilcoxon's signed ranks.
    """
    count = len(values)
    averages = sorted((one + other) / 2 for index, one in enumerate(values) for other in values[index:])
    spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    last = max(int(count * (count + 1) / 4 - norm.ppf(0.975) * spread), 0)
    return median(averages), averages[last], averages[-1 - last]


def sampler_share(root: Path, seconds: float = 4.0) -> float:
    """Processor time of the sampler over wall time, with the sensors of this machine's files."""
    instruments = Instruments(*find_sensors(identify(root), root))
    with Sampler(instruments.all) as sampler:
        time.sleep(seconds)
    return sampler.cpu_s / seconds


def main() -> int:
    """Measure both; 1 when one is beyond what is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=36)
    pairs = parser.parse_args().pairs
    ratio, low, high = ratio_of_sessions(pairs)
    print(f"latency with telemetry / without: {ratio:.4f} [95 %: {low:.4f}, {high:.4f}], {pairs} pairs of sessions")
    good = low <= 1 <= high and high / low - 1 < WIDEST_INTERVAL
    for board in ("nano", "xavier-nx", "orin-nano"):
        with tempfile.TemporaryDirectory() as folder:
            share = sampler_share(materialise(Path(folder), board))
        print(f"sampler on the files of {board}: {100 * share:.2f} % of one core")
        good = good and share < MOST_SHARE
    print("as promised" if good else "not as promised")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""What ``edgeperf compare`` costs: ``python -m tests.overhead.compare [BENCHMARKS ...]``, each with 10 + 3 runs.

A benchmark takes about 6 kB in the base and 2 kB in the candidate: 100,000 need 1 GB of disk and 5 GB of memory.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

BASE_RUNS, CANDIDATE_RUNS = 10, 3
SIZES = (1_000, 10_000, 100_000)

#: Of the median: what a quiet machine makes of a network.
SHAPE = {
    "min": 0.94,
    "p05": 0.96,
    "p25": 0.98,
    "p50": 1.0,
    "p75": 1.02,
    "p90": 1.05,
    "p95": 1.08,
    "p99": 1.3,
    "max": 2.0,
    "mean": 1.01,
    "sd": 0.03,
}
BLOCK_SD = {"min": 0.004, "p05": 0.006, "p50": 0.011, "p95": 0.03}
BETWEEN_RUNS = 0.01

_line = json.JSONEncoder(sort_keys=True).encode


#: How many benchmarks had a verdict, in the line that counts them.
VERDICTS = re.compile(r"(\d+) (?:regressed|improved|unchanged|inconclusive)")


class Cost(NamedTuple):
    """One comparison as a process."""

    wall_s: float
    cpu_s: float
    megabytes: float


def rounded(value):
    return float(f"{value:.6g}")


def run(rng, median_ms, session):
    """All that a run holds in a results file."""
    level = median_ms * math.exp(rng.gauss(0.0, BETWEEN_RUNS))
    latency = {name: rounded(level * factor * rng.uniform(0.998, 1.002)) for name, factor in SHAPE.items()}
    latency["n"] = rng.randrange(1000, 5000)
    latency["block_sd"] = {name: rounded(sd * rng.uniform(0.5, 1.5)) for name, sd in BLOCK_SD.items()}
    return {
        "environment": "8c1f0e2a",
        "started": "2026-11-20T12:00:00Z",
        "session": session,
        "boot": "b1946ac9",
        "commit": "1a2b3c4",
        "latency": latency,
        "memory_process_peak": rounded(rng.uniform(412.0, 413.0)),
        "quality": {
            "disturbed": False,
            "canary_ms": [rounded(rng.uniform(0.129, 0.131)), rounded(rng.uniform(0.129, 0.131))],
            "cpu_share": rounded(rng.uniform(0.99, 1.0)),
            "involuntary_switches_per_s": rounded(rng.uniform(0.0, 4.0)),
            "timed_s": rounded(rng.uniform(1.2, 1.21)),
        },
    }


def write_results(path, benchmarks, runs, session, seed):
    """A results file as the package lays it out, written benchmark by benchmark."""
    rng = random.Random(seed)
    fields = {"fingerprint": {"device": "nano"}, "settings": {"budget_s": 1.2}, "software": {"onnxruntime": "1.11.0"}}
    metrics = {"latency": {"better": "lower", "unit": "ms"}, "memory_process_peak": {"better": "lower", "unit": "MiB"}}
    with open(path, "w", encoding="utf-8") as file:
        file.write('{\n  "benchmarks": {')
        for number in range(benchmarks):
            median_ms = math.exp(random.Random(number).uniform(-2.0, 5.0))
            head = (
                f'{_line(f"benchmarks/test_many.py::test_network[{number:06}]")}: {{\n      "metrics": {_line(metrics)}'
            )
            lines = ",\n        ".join(_line(run(rng, median_ms, session)) for _ in range(runs))
            file.write(f"{',' if number else ''}\n    {head},\n      ")
            file.write(f'"parameters": {{"number": {number}}},\n      "runs": [\n        {lines}\n      ]\n    }}')
        file.write(f'\n  }},\n  "device": "nano",\n  "environments": {{"8c1f0e2a": {_line(fields)}}},\n')
        file.write('  "format": "edgeperf-results",\n  "version": 1\n}\n')


def compared(folder, benchmarks):
    """Compare two files of so many benchmarks in a process of its own, start-up and output included."""
    base, candidate = Path(folder, "base.json"), Path(folder, "candidate.json")
    write_results(base, benchmarks, BASE_RUNS, "one", seed=1)
    write_results(candidate, benchmarks, CANDIDATE_RUNS, "two", seed=2)
    command = [sys.executable, "-c", "from pytest_edgeperf.cli import run; run()", "compare", base, candidate]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    wall_s = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # One false alarm in a hundred comparisons is no fault of this one.
    assert done.returncode in (0, 1)
    assert sum(map(int, VERDICTS.findall(done.stdout))) >= benchmarks
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall_s, cpu_s, (base.stat().st_size + candidate.stat().st_size) / 1e6)


def main(sizes):
    """Print what each size costs."""
    print(f"Python {sys.version.split()[0]}, {BASE_RUNS} + {CANDIDATE_RUNS} runs a benchmark")
    print("benchmarks      MB  wall, s   CPU, s  CPU beyond start-up, us a benchmark")
    with tempfile.TemporaryDirectory() as folder:
        start_s = compared(folder, 1).cpu_s
        for size in sizes:
            cost = compared(folder, size)
            each_us = 1e6 * (cost.cpu_s - start_s) / size
            print(
                f"{size:10}  {cost.megabytes:6.0f}  {cost.wall_s:7.2f}  {cost.cpu_s:7.2f}  {each_us:10.0f}", flush=True
            )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)

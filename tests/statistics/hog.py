"""Record runs beside a process that uses a known share of their processor. Run by hand; takes ten minutes.

``python -m tests.statistics.hog tests/data/hog.npz [--repetitions 10]``: five pieces of work, each pinned to one
processor, are timed beside a hog that works ``share`` of the time in slices of 4 ms on the same processor. As root both
are real-time processes, so that a machine that others use records the hog and not the others.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, List, Sequence

import numpy as np

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.run_quality import Watch, canary_ms
from pytest_edgeperf.measure.sample_summary import summarise
from pytest_edgeperf.measure.warmup import warm_up
from pytest_edgeperf.schedule.machine.usage import Witness

from .compact import BLOCK_SUMMARIES, SUMMARIES

SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
#: A second block without a hog: what the others of the process are held against.
REFERENCE = -1.0
BUDGET_S = 0.6
#: The hog preempts the work when it wakes up, as the usual scheduler lets who has slept.
WORK_PRIORITY, HOG_PRIORITY = 1, 2
SLICE_S = 0.004
HOG = f"""
import os, random, sys, time
cpu, share = int(sys.argv[1]), float(sys.argv[2])
os.sched_setaffinity(0, {{cpu}})
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({HOG_PRIORITY}))
except OSError:
    pass
print(flush=True)
while True:
    end = time.perf_counter() + {SLICE_S}
    while time.perf_counter() < end:
        pass
    # Not in step with anything.
    time.sleep(2 * random.random() * {SLICE_S} * (1 - share) / share)
"""


def multiply(size: int) -> Callable[[], Any]:
    """A product of two square matrices, by which most of a network's time goes."""
    one = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    return lambda: one @ one


def interpreted() -> int:
    """Work of the interpreter."""
    total = 0
    for step in range(1000):
        total += step * step
    return total


def copying() -> Callable[[], Any]:
    """A copy of 8 MiB."""
    source = np.ones(1 << 20)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


WORKS: Dict[str, Callable[[], Callable[[], Any]]] = {
    "interpreter": lambda: interpreted,
    "product_256": lambda: multiply(256),
    "copy_8_mib": copying,
    "product_640": lambda: multiply(640),
    "product_1024": lambda: multiply(1024),
}


def work(name: str, cpu: int) -> None:
    """Time a block for each line that is read, in this process, and print its summary and figures as JSON.

    Before and after the block a line is printed and one is read, so that nobody looks at the machine meanwhile.
    """
    os.sched_setaffinity(0, {cpu})
    call = WORKS[name]()
    warmed = warm_up([call], longest_s=0.5)
    durations = loop.sample_array()
    calls_a_sample = loop.calls_per_sample(warmed.call_ns)

    def turn() -> str:
        print(flush=True)
        return sys.stdin.readline()

    while turn():
        with _first(WORK_PRIORITY):
            before_ms = canary_ms()
            turn()
            watch = Watch()
            with loop.collector_off(), watch:
                count = loop.time_batches([call], durations, 0, BUDGET_S, calls_a_sample)
            turn()
            canaries_ms = [before_ms, canary_ms()]
        summary = summarise(loop.milliseconds(durations, count))
        print(json.dumps({"summary": summary, "canary_ms": canaries_ms, **watch.figures()}), flush=True)


@contextmanager
def _first(priority: int) -> Iterator[None]:
    # Nobody but root may.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def record(repetitions: int, cpu: int) -> Dict[str, Any]:
    """The arrays of all runs: in each process one beside each share, in a fresh order."""
    rows: Dict[str, List[Any]] = {}
    for repetition in range(repetitions):
        draw = random.Random(repetition)
        for number, name in enumerate(draw.sample(list(WORKS), len(WORKS))):
            with ExitStack() as stack:
                worker = stack.enter_context(_process("-m", __spec__.name, "--work", name, str(cpu), session=True))
                _next(worker)
                for share in draw.sample((REFERENCE, *SHARES), len(SHARES) + 1):
                    told = _beside(worker, share, cpu)
                    summary = told.pop("summary")
                    blocks = summary.get("block_sd", {})
                    row = {
                        "workload": name,
                        "process": len(WORKS) * repetition + number,
                        "share": share,
                        **told,
                        "n": summary["n"],
                        "summary": [summary.get(one, np.nan) for one in SUMMARIES],
                        "block_sd": [blocks.get(one, np.nan) for one in BLOCK_SUMMARIES],
                    }
                    for key, value in row.items():
                        rows.setdefault(key, []).append(value)
        print(f"{repetition + 1} of {repetitions}", flush=True)
    return {name: np.array(some) if name == "workload" else np.array(some, np.float32) for name, some in rows.items()}


def _beside(worker: Any, share: float, cpu: int) -> Dict[str, Any]:
    """One block beside a hog; the worker has said that it is ready, and says so again."""
    with ExitStack() as stack:
        _go(worker)
        _next(worker)
        if share > 0:
            _next(stack.enter_context(_process("-c", HOG, str(cpu), str(share))))
        witness = Witness(worker.pid, (cpu,))
        with witness:
            _go(worker)
            _next(worker)
    _go(worker)
    told: Dict[str, Any] = json.loads(_next(worker))
    _next(worker)
    figures = witness.figures()
    return {**told, **{key: figures[key] for key in ("others_share", "steal_share", "share_resolution")}}


def _next(process: Any) -> str:
    line: str = process.stdout.readline()
    return line


def _go(process: Any) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


@contextmanager
def _process(*arguments: str, session: bool = False) -> Iterator[Any]:
    pipes: Dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, *arguments], start_new_session=session, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def main(arguments: Sequence[str]) -> None:
    """Record, or be one of the processes that are recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?")
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        work(options.work[0], int(options.work[1]))
    else:
        np.savez_compressed(options.target, **record(options.repetitions, options.cpu))


if __name__ == "__main__":
    main(sys.argv[1:])

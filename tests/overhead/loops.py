"""Run by the test in a fresh process: what the timed loop costs beside a bare one, as JSON.

Each repetition times both in turn; the smallest of each is compared, since noise only adds.
"""

from __future__ import annotations

import gc
import json
import sys
from itertools import repeat
from time import perf_counter_ns

from pytest_edgeperf.measure import loop

REPETITIONS = 15
CALLS = 60_000


def empty():
    """Costs no more than its call."""


def bare_ns(call):
    """Nanoseconds a sample of two clock reads and the call: what no loop can do without."""
    clock = perf_counter_ns
    begin = clock()
    for _ in repeat(None, CALLS):
        clock()
        call()
        clock()
    return (clock() - begin) / CALLS


def timed_ns(call, calls_a_sample):
    """Nanoseconds a call of the loop that measurement picks, all of it included."""
    samples = CALLS // calls_a_sample
    durations = loop.sample_array(samples)
    begin = perf_counter_ns()
    if calls_a_sample > 1:
        end = loop.time_batches([call], durations, 0, 1e3, calls_a_sample)
    else:
        end = loop.time_calls([call], durations, 0, 1e3)
    elapsed = perf_counter_ns() - begin
    assert end == samples
    return elapsed / (samples * calls_a_sample)


def lasting(duration_ns):
    """A function that lasts about so long here: a sum over as many numbers as that takes."""

    def best(count):
        numbers = range(count)
        tries = []
        for _ in range(200):
            start = perf_counter_ns()
            sum(numbers)
            tries.append(perf_counter_ns() - start)
        return min(tries)

    count = 8
    while best(count) < duration_ns:
        count = count * 5 // 4
    numbers = range(count)
    return lambda: sum(numbers)


def call_ns(call):
    """The best of a few single calls, as warm-up would see it."""
    tries = []
    for _ in range(500):
        start = perf_counter_ns()
        call()
        tries.append(perf_counter_ns() - start)
    return sorted(tries)[len(tries) // 2]


def compared(call, calls_a_sample):
    """The costs of both loops and the calls that make one sample."""
    bare, timed = [], []
    for _ in range(REPETITIONS):
        bare.append(bare_ns(call))
        timed.append(timed_ns(call, calls_a_sample))
    return {"bare_ns": min(bare), "timed_ns": min(timed), "calls_a_sample": calls_a_sample}


def main():
    """Compare both cases."""
    assert sys.gettrace() is None
    gc.disable()
    short = lasting(1500)
    found = {"empty": compared(empty, loop.calls_per_sample(call_ns(empty))), "short": compared(short, 1)}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

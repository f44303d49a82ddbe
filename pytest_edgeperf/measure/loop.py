"""The timed loop: nothing in it but the target, the clock and a preallocated array."""

from __future__ import annotations

import gc
from array import array
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice, repeat
from time import perf_counter_ns
from typing import Any, Callable, Iterator, List, Sequence, Tuple

from pytest_edgeperf.measure.order_statistics import median

Call = Callable[[], Any]

#: Samples of one run that are kept, the same for every benchmark so that memory figures compare (4 MiB).
CAPACITY = 1 << 19
#: The same where phases are timed, which takes four arrays (4 MiB in all).
PHASED_CAPACITY = 1 << 17
#: A sample lasts at least this many clock reads' cost, else several calls make one sample.
CLOCK_READS_PER_SAMPLE = 20


def sample_array(capacity: int = CAPACITY) -> array[float]:
    """An array of ``capacity`` nanosecond values whose memory is already there.

    Not of whole numbers: the mean of several calls of 31.4 ns is neither 31 nor 32.
    """
    return array("d", bytes(8 * capacity))


def bind(function: Callable[..., Any], entries: Sequence[Tuple[Any, ...]]) -> List[Call]:
    """One argument-less call per entry of rotating arguments."""
    return [partial(function, *entry) if entry else function for entry in entries]


@contextmanager
def collector_off(*, collect: bool = True) -> Iterator[None]:
    """Collect garbage now if asked to, and not until the block ends."""
    enabled = gc.isenabled()
    if collect:
        gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def clock_cost_ns() -> float:
    """What one read of the clock costs, the smallest of a few tries."""
    tries = []
    for _ in range(5):
        start = perf_counter_ns()
        for _ in repeat(None, 200):
            perf_counter_ns()
        tries.append((perf_counter_ns() - start) / 200)
    return min(tries)


def calls_per_sample(call_ns: float, entries: int = 1) -> int:
    """How many calls make one sample so that it lasts at least 20 reads of the clock (1 for nearly all).

    Where it takes several, each of the rotating ``entries`` is called as often as the others, so that all samples
    are means over the same inputs.
    """
    shortest_ns = CLOCK_READS_PER_SAMPLE * clock_cost_ns()
    calls = max(1, int(-(-shortest_ns // max(call_ns, 1.0))))
    return calls if calls == 1 else -(-calls // entries) * entries


def call_for(calls: Sequence[Call], seconds: float) -> None:
    """Call in rotation for ``seconds``, once at least, and time nothing: caches have forgotten the target."""
    deadline = perf_counter_ns() + int(seconds * 1e9)
    for call in cycle(calls):
        call()
        if perf_counter_ns() >= deadline:
            break


def repeat_for(calls: Sequence[Call], seconds: float) -> Tuple[int, float]:
    """Call in rotation for ``seconds``, once at least.

    Returns:
        The number of calls, and the seconds that they took.
    """
    start = perf_counter_ns()
    deadline = start + int(seconds * 1e9)
    count = 0
    end = start
    for call in cycle(calls):
        call()
        count += 1
        end = perf_counter_ns()
        if end >= deadline:
            break
    return count, (end - start) / 1e9


def time_calls(calls: Sequence[Call], durations: array[float], first: int, seconds: float) -> int:
    """Time one call a sample until ``seconds`` are over or the array is full; at least one sample if it is not.

    Returns:
        The index after the last sample written.
    """
    clock = perf_counter_ns
    index = first
    deadline = clock() + int(seconds * 1e9)
    for index, call in zip(range(first, len(durations)), cycle(calls)):
        start = clock()
        call()
        end = clock()
        durations[index] = end - start
        if end >= deadline:
            break
    return min(index + 1, len(durations))


def time_batches(
    calls: Sequence[Call], durations: array[float], first: int, seconds: float, calls_a_sample: int
) -> int:
    """Like :func:`time_calls` for calls too short for the clock: a sample is the mean of several calls in rotation."""
    clock = perf_counter_ns
    index = first
    rotation = cycle(calls)
    deadline = clock() + int(seconds * 1e9)
    for index in range(first, len(durations)):
        batch = islice(rotation, calls_a_sample)
        start = clock()
        for call in batch:
            call()
        end = clock()
        durations[index] = (end - start) / calls_a_sample
        if end >= deadline:
            break
    return min(index + 1, len(durations))


class PhaseArrays:
    """Preallocated arrays for the boundaries of preprocess, infer and postprocess, and the whole."""

    def __init__(self, capacity: int = PHASED_CAPACITY) -> None:
        self.latency = sample_array(capacity)
        self.preprocess = sample_array(capacity)
        self.infer = sample_array(capacity)
        self.postprocess = sample_array(capacity)


def time_phases(
    preprocess: Callable[..., Any],
    infer: Callable[..., Any],
    postprocess: Callable[..., Any],
    entries: Sequence[Tuple[Any, ...]],
    arrays: PhaseArrays,
    first: int,
    seconds: float,
) -> int:
    """Time pipelines of three phases; the latency is read end to end, not added up.

    ``preprocess`` returns the tuple of the engine's inputs, ``postprocess`` takes what ``infer`` returns.
    """
    clock = perf_counter_ns
    latency, before, inside, after = arrays.latency, arrays.preprocess, arrays.infer, arrays.postprocess
    index = first
    deadline = clock() + int(seconds * 1e9)
    for index, entry in zip(range(first, len(latency)), cycle(entries)):
        start = clock()
        tensors = preprocess(*entry)
        ready = clock()
        outputs = infer(*tensors)
        inferred = clock()
        postprocess(outputs)
        end = clock()
        latency[index] = end - start
        before[index] = ready - start
        inside[index] = inferred - ready
        after[index] = end - inferred
        if end >= deadline:
            break
    return min(index + 1, len(latency))


def milliseconds(durations_ns: array[float], samples: int) -> List[float]:
    """The first ``samples`` durations in ms; a nanosecond at least, so that they have logarithms."""
    return [max(duration, 1) / 1e6 for duration in durations_ns[:samples]]


def medians_ms(durations_ns: array[float], ends: Sequence[int]) -> List[float]:
    """The median in ms of each block, up to the one in which the array was full."""
    samples_ms = milliseconds(durations_ns, ends[-1])
    return [median(samples_ms[first:end]) for first, end in zip([0, *ends], ends) if end > first]

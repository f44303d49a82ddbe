"""How long each function takes of a call: of plain callables, and of what is done before and after an inference.

The profiler is the standard library's ``cProfile``. It sees every call, so that a function that was called more often
is told from one that became slower; it names functions that are written in C; and it is there on every Python and
every board. A sampling profiler (pyinstrument, py-spy) disturbs less, but is one more compiled dependency, sees no
single C functions or needs the right to look into other processes, and its rare samples make noise of functions that
take a few percent of a millisecond.

What to know of it:

- It costs some 0.1 us for each call of a function, which is much where functions are tiny. That cost is measured in the
  same process, and subtracted from the function and its caller. The same calls are timed without it, too: what is left
  between the sum of all functions and that time is its error.
- It is by the wall clock: a function that sleeps, waits for a file or for a GPU (``torch._C._cuda_synchronize``) shows
  it. :attr:`FunctionProfile.waiting_ms` is how long the thread of the calls did not compute.
- Others that use the machine lengthen whatever function runs at that moment. So each repetition is made in slices of a
  few calls, and of these the third is kept in which the thread waited the least for a processor.
- It sees one thread. Of what other threads do, the calling one shows that it waits. From Python 3.12 on, cProfile
  confuses functions of several threads that run at once; there is no profile then, and the reason is said.
- Operators (``a * b``), ufuncs and other callables that are neither Python code nor plain C functions are no calls to
  it: their time is the own time of the function that they stand in.
- A recursive function's total counts its outermost calls only. A generator counts as called each time it is resumed,
  and not while it is suspended.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter_ns, thread_time_ns
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.call_graph import CallGraph, Cost, EventCosts, FunctionLabels, Label
from pytest_edgeperf.measure.function_names import called, unseen_name
from pytest_edgeperf.measure.order_statistics import median
from pytest_edgeperf.measure.profiled_calls import (
    BY_MONITORING,
    Clocks,
    Elapsed,
    NoFunctionProfile,
    Profiled,
    Threads,
    elapsed,
    event_costs,
    no_other_profiler,
    profiled,
    targets_of,
)
from pytest_edgeperf.measure.source_places import SourcePlaces

SOURCE = "cProfile"
REPETITIONS = 5
#: Of calls without the profiler: so long is each repetition.
REPETITION_S = 0.2
#: A repetition is made in slices, so short that many have a processor to themselves; the quietest third is kept.
SLICES = 30
KEPT_SHARE = 1 / 3
#: How much longer a repetition may be so that each of the rotating inputs has its turn.
LONGEST_ROTATION = 5
MOST_FUNCTIONS = 30
#: Of the time in all functions: what takes less explains nothing, and its scatter would pass for that of the profile.
LEAST_SHARE = 0.01
MOST_CALLS = 100_000
#: Of a call: less waiting than this is not worth a remark.
NOTABLE_WAITING = 0.2
NOTHING = Cost()
Slice = TypeVar("Slice", Elapsed, Profiled)


@dataclass(frozen=True)
class FunctionTime:
    """One function's milliseconds per call of the target, one figure a repetition."""

    #: Qualified; of a function written in C with the function that calls it: ``cv2.resize in preprocess``.
    name: str
    #: Relative to the project's root, or ``package/path.py``; of a function written in C its caller's. Empty: none.
    file: str
    #: Where the function begins, or for one written in C its caller; 0: unknown.
    line: int
    #: In the function itself.
    self_ms: Tuple[float, ...]
    #: With the functions that it calls.
    total_ms: Tuple[float, ...]
    #: Per call of the target.
    calls: float


@dataclass(frozen=True)
class FunctionProfile:
    """The functions of a call, by their own time, and what was measured beside them; all times per call in ms."""

    functions: Tuple[FunctionTime, ...]
    #: How many further functions there were, and what they took themselves, one figure a repetition.
    others: int
    others_ms: Tuple[float, ...]
    #: The whole call without the profiler, and with it, one figure a repetition.
    call_ms: Tuple[float, ...]
    profiled_ms: Tuple[float, ...]
    #: How much of ``call_ms`` its thread neither computed nor waited for a processor: it slept, or waited for a device,
    #: a file or another thread. ``None``: the system does not tell.
    waiting_ms: Optional[Tuple[float, ...]]
    source: str = SOURCE
    #: What a reader must know to read the figures right, in sentences.
    remarks: Tuple[str, ...] = ()

    @property
    def overhead(self) -> float:
        """How much longer a call took with the profiler, as a share; mostly subtracted from the functions' times."""
        call_ms = median(self.call_ms)
        return median(self.profiled_ms) / call_ms - 1 if call_ms else 0.0


def profile_functions(
    calls: Sequence[loop.Call],
    root: str,
    *,
    repetitions: int = REPETITIONS,
    repetition_s: float = REPETITION_S,
    most: int = MOST_FUNCTIONS,
    clocks: Optional[Clocks] = None,
) -> FunctionProfile:
    """Profile calls in rotation, as the timed loop makes them; they are warm already.

    Every repetition makes the same calls twice: without the profiler and with it.

    Args:
        calls: one for each of the rotating inputs.
        root: the project's folder.
        repetitions: how often it is done, so that the noise of each function is known.
        repetition_s: how long a repetition takes without the profiler, about; one call at least.
        most: how many functions are kept.
        clocks: others than this machine's.

    Raises:
        NoFunctionProfile: another profiler is at work, or threads ran beside the calls that it would confuse.
    """
    clocks = clocks or Clocks(perf_counter_ns, thread_time_ns)
    number, slices = _size(calls, repetition_s, clocks)
    # Evenly over the rotation, so that the mix of inputs is that of all on a slower side, too.
    inputs = calls if number >= len(calls) else calls[:: -(-len(calls) // number)]
    targets = targets_of(inputs, number if inputs is calls else len(inputs))
    labels = FunctionLabels(SourcePlaces(root))
    plain: List[Elapsed] = []
    watched: List[Profiled] = []
    with loop.collector_off(), no_other_profiler(), Threads() as threads:
        costs = event_costs(clocks)
        for _ in range(repetitions):
            pairs = [(elapsed(targets, clocks), profiled(targets, clocks)) for _ in range(slices)]
            plain.append(Elapsed.sum(_quietest([pair[0] for pair in pairs])))
            watched.append(Profiled.sum(_quietest([pair[1] for pair in pairs])))
    if threads.ran and sys.version_info >= BY_MONITORING:
        raise NoFunctionProfile(
            "no function times: other Python threads ran beside the calls, and from Python 3.12 on cProfile takes "
            "their functions for those of the calling thread; profile with an older Python, or work in one thread"
        )
    unseen = unseen_name(called(calls[0]))
    seconds = [_costs_of(repetition, costs, labels, unseen) for repetition in watched]
    number = watched[0].number
    functions, others, others_ms = _most_expensive(seconds, number, most)
    call_ms = tuple(_per_call_ms(repetition.wall_s, number) for repetition in plain)
    waiting_ms = tuple(
        _per_call_ms(repetition.waiting_s, number) for repetition in plain if repetition.waiting_s is not None
    )
    waiting_share = median(waiting_ms) / median(call_ms) if waiting_ms and median(call_ms) else 0.0
    return FunctionProfile(
        functions,
        others,
        others_ms,
        call_ms,
        tuple(_per_call_ms(repetition.wall_s, number) for repetition in watched),
        waiting_ms if len(waiting_ms) == len(call_ms) else None,
        remarks=tuple(_remarks(len(calls), len(inputs), waiting_share, threads.ran)),
    )


def _quietest(slices: Sequence[Slice]) -> Sequence[Slice]:
    """Those in which the thread waited the least for a processor."""
    return sorted(slices, key=lambda part: part.queued_s)[: math.ceil(KEPT_SHARE * len(slices))]


def _size(calls: Sequence[loop.Call], seconds: float, clocks: Clocks) -> Tuple[int, int]:
    """How many calls a slice makes, whole rotations unless these take too long; how many slices a repetition has."""
    made, elapsed_s = 0, 0.0
    start = clocks.wall()
    for call in cycle(calls):
        call()
        made += 1
        elapsed_s = max(clocks.wall() - start, 1) / 1e9
        if elapsed_s >= seconds / 10 or made >= MOST_CALLS:
            break
    fitting = min(max(round(seconds * made / elapsed_s), 1), MOST_CALLS)
    if len(calls) > LONGEST_ROTATION * fitting:
        return LONGEST_ROTATION * fitting, 1
    number = -(-max(fitting // SLICES, 1) // len(calls)) * len(calls)
    return number, min(max(fitting // number, 1), SLICES)


def _costs_of(
    repetition: Profiled, costs: EventCosts, labels: FunctionLabels, unseen: Optional[str]
) -> Dict[Label, Cost]:
    """What each function took in a repetition; a target that the profiler does not see has the rest of the time."""
    graph = CallGraph(repetition.entries, costs, labels)
    seconds = graph.costs()
    if unseen is not None:
        rest_s = max(repetition.wall_s - graph.measured_s - graph.outside_s, 0.0)
        seconds.setdefault(Label(unseen, "", 0), Cost()).add(Cost(rest_s, repetition.wall_s, repetition.number))
    return seconds


def _most_expensive(
    repetitions: Sequence[Mapping[Label, Cost]], number: int, most: int
) -> Tuple[Tuple[FunctionTime, ...], int, Tuple[float, ...]]:
    """The functions with the most time of their own, the number of the others, and what these took."""
    labels = list(dict.fromkeys(label for costs in repetitions for label in costs))

    def own_s(label: Label) -> float:
        return sum(costs.get(label, NOTHING).self_s for costs in repetitions)

    labels.sort(key=own_s, reverse=True)
    names = _distinct_names(labels)
    least_s = LEAST_SHARE * sum(cost.self_s for costs in repetitions for cost in costs.values())
    kept = [label for label in labels[:most] if own_s(label) >= least_s]
    functions = []
    for label in kept:
        costs = [repetition.get(label, NOTHING) for repetition in repetitions]
        functions.append(
            FunctionTime(
                names[label],
                label.file,
                label.line,
                tuple(_per_call_ms(cost.self_s, number) for cost in costs),
                tuple(_per_call_ms(cost.total_s, number) for cost in costs),
                sum(cost.calls for cost in costs) / number / len(repetitions),
            )
        )
    others_ms = tuple(
        _per_call_ms(sum(costs.get(label, NOTHING).self_s for label in labels[len(kept) :]), number)
        for costs in repetitions
    )
    return tuple(functions), len(labels) - len(kept), others_ms


def _distinct_names(labels: Sequence[Label]) -> Dict[Label, str]:
    """Several of one name in one file, such as lambdas, are told apart by their order there: lines move."""
    names: Dict[Label, str] = {}
    seen: Dict[Tuple[str, str], int] = {}
    for label in sorted(labels):
        place = seen[label.name, label.file] = seen.get((label.name, label.file), 0) + 1
        names[label] = label.name if place == 1 else f"{label.name} [{place}]"
    return names


def _per_call_ms(seconds: float, number: int) -> float:
    return seconds * 1e3 / number


def _remarks(inputs: int, profiled_inputs: int, waiting_share: float, threads_ran: bool) -> Iterator[str]:
    if waiting_share >= NOTABLE_WAITING:
        yield f"for {100 * waiting_share:.0f} % of a call its thread slept, or waited for a device, a file or a thread"
    if profiled_inputs < inputs:
        yield f"only {profiled_inputs} of {inputs} rotating inputs were profiled: all would take too long"
    if threads_ran:
        yield "other Python threads ran beside the calls: of their functions nothing is known"

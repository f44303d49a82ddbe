"""How long each operator of a network takes, as its runtime tells: what explains a slowdown, never a latency."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar

from pytest_edgeperf.frameworks.errors import FrameworkError

#: The inputs of one inference, in whatever form a runtime takes them.
Arrays = TypeVar("Arrays")

#: What a profile is of, unless asked otherwise: the spread of the repetitions is the profile's own noise.
REPETITIONS, CALLS = 5, 20
#: Inferences before the first that counts: what profiles is new, and its first inferences are slow.
WARM_UP_CALLS = 3


class NoProfile(FrameworkError):
    """A runtime reports no operator times; the message says why, and what would."""


@dataclass(frozen=True)
class OperatorTime:
    """What one operator of a network takes.

    Raises:
        ValueError: it has no name, or its time is no time.
    """

    #: The runtime's own name of the node or layer.
    name: str
    #: The type of the operator (``Conv``); empty where the runtime does not say.
    kind: str
    #: The mean per inference of one repetition, in ms; see :func:`per_inference`.
    time_ms: float
    #: The names of its output tensors, where they are known: they outlive fusions best.
    outputs: Tuple[str, ...] = ()
    #: What computed it, by the runtime's own name, where it says.
    provider: Optional[str] = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(f"an operator of kind {self.kind!r} has no name")
        if not math.isfinite(self.time_ms) or self.time_ms < 0:
            raise ValueError(f"operator {self.name!r} has {self.time_ms!r} as its time in ms")


@dataclass(frozen=True)
class OperatorProfile:
    """The operators of a network in the order in which they ran, once for each repetition.

    Their sum is not the latency: profiling costs time itself, and a runtime does more than its operators.

    Raises:
        ValueError: it is empty, or a repetition has a name twice.
    """

    repetitions: Tuple[Tuple[OperatorTime, ...], ...]
    #: What told it, such as ``onnxruntime profiling``.
    source: str

    def __post_init__(self) -> None:
        if not self.repetitions or not all(self.repetitions):
            raise ValueError(f"{self.source} has a profile without operators")
        for operators in self.repetitions:
            names = [operator.name for operator in operators]
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise ValueError(f"{self.source} has the operator {twice!r} twice in a repetition")

    @property
    def sums_ms(self) -> Tuple[float, ...]:
        """What all operators take together, per inference, for each repetition."""
        return tuple(sum(operator.time_ms for operator in operators) for operators in self.repetitions)


def per_inference(operators: Iterable[OperatorTime], calls: int) -> Tuple[OperatorTime, ...]:
    """The operators of ``calls`` inferences, each by its name once and with its mean per inference.

    One that an inference runs several times (a shared module, the body of a loop) has the sum of them. The mean is that
    of the middle half of the inferences, so that one that was interrupted blames no operator; of one that only some of
    the inferences run, it is that of all. The order is that in which the operators first ran.
    """
    ran: Dict[str, List[OperatorTime]] = {}
    for operator in operators:
        ran.setdefault(operator.name, []).append(operator)
    return tuple(replace(times[0], time_ms=_mean_ms([time.time_ms for time in times], calls)) for times in ran.values())


def _mean_ms(times_ms: Sequence[float], calls: int) -> float:
    each, rest = divmod(len(times_ms), calls)
    if rest:
        return sum(times_ms) / calls
    sums_ms = sorted(sum(times_ms[first : first + each]) for first in range(0, len(times_ms), each))
    beyond = calls // 4
    middle_ms = sums_ms[beyond : calls - beyond]
    return sum(middle_ms) / len(middle_ms)


def in_turn(inputs: Sequence[Arrays], calls: int) -> Iterator[Arrays]:
    """The inputs of so many calls, as a measurement rotates them.

    Raises:
        ValueError: there are no inputs, or no calls.
    """
    if not inputs or calls < 1:
        raise ValueError(f"operators cannot be profiled with {len(inputs)} inputs and {calls} calls")
    for number in range(calls):
        yield inputs[number % len(inputs)]

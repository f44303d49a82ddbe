"""Profiles of made-up networks: operators with the noise of repetitions, of processes and of whole machines."""

from __future__ import annotations

import math
import random
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.explanation import explain
from pytest_edgeperf.results.cost_profiles import CostList, CostProfile, OperatorTimes, compact
from pytest_edgeperf.results.explanations import Explanation

KINDS = ("Conv", "Relu", "Add", "Gemm", "Softmax")


class Noise(NamedTuple):
    """Standard deviations of logarithms, and how often a repetition is preempted."""

    repetition: float = 0.03
    process: float = 0.03
    machine: float = 0.05
    preempted: float = 0.05


def network(chance: random.Random, size: int) -> List[Tuple[str, str, float]]:
    """Names, kinds and milliseconds of operators, a few of which take most of the time."""
    return [
        (f"/model.{at}/{kind.lower()}", kind, math.exp(chance.gauss(-2.0, 1.5)))
        for at in range(size)
        for kind in (chance.choice(KINDS),)
    ]


def profile(
    operators: Sequence[Tuple[str, str, float]],
    chance: random.Random,
    noise: Noise,
    *,
    slower: Optional[Dict[int, float]] = None,
    repetitions: int = 5,
) -> CostProfile:
    """What a pass finds; ``slower`` multiplies operators by their place."""
    machine = math.exp(chance.gauss(0, noise.machine))
    loads = [1.5 if chance.random() < noise.preempted else 1.0 for _ in range(repetitions)]
    listed = []
    for at, (name, kind, milliseconds) in enumerate(operators):
        own = milliseconds * machine * math.exp(chance.gauss(0, noise.process)) * (slower or {}).get(at, 1.0)
        times = [own * load * math.exp(chance.gauss(0, noise.repetition)) + 0.0002 for load in loads]
        listed.append(OperatorTimes(name, kind, tuple(times), (f"{name}_output_0",)))
    return CostProfile(CostList(tuple(listed), "simulation"))


def explained(
    seed: int, size: int, noise: Noise, slower: Optional[Dict[int, float]] = None, *, kept: bool = False
) -> Explanation:
    """A pair of profiles of one network, explained; the latencies are known to half a per cent."""
    chance = random.Random(seed)
    operators = network(chance, size)
    before, after = profile(operators, chance, noise), profile(operators, chance, noise, slower=slower)
    total = math.fsum(time for _, _, time in operators)
    now = math.fsum(time * (slower or {}).get(at, 1.0) for at, (_, _, time) in enumerate(operators))
    latencies = [value * math.exp(chance.gauss(0, 0.005)) * 1.05 for value in (total, now)]
    return explain(compact(before) if kept else before, after, *latencies)


def blamed(explanation: Explanation) -> List[str]:
    """The labels of what is blamed."""
    return [row.label for table in explanation.tables for row in table.rows if row.blamed]

"""What would let a check find smaller slowdowns, with the gain as far as it can be predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from pytest_edgeperf.judge.comparability import environment_fields
from pytest_edgeperf.judge.noise.spread import GroupNoise, smallest
from pytest_edgeperf.judge.noise.statistical_power import Design
from pytest_edgeperf.results.gate import Gate
from pytest_edgeperf.results.types import Results

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[np.float64]]

MAX_ROUNDS = "max_rounds"
BASELINE_RUNS = "baseline_runs"
BUDGET = "budget"
CLOCKS = "clocks"

#: Of a detectable slowdown: a smaller gain is not worth twice the time.
WORTHWHILE = 0.05

#: Consecutive blocks of a run whose scatter ``block_sd`` of a results file is.
BLOCKS = 10


@dataclass(frozen=True)
class Remedy:
    """Something to change; effects are detectable slowdowns (a ratio - 1, 80 % power) now and then, by benchmark."""

    kind: str
    #: Whether a gain is predicted for any of the benchmarks; ``None`` if the gain cannot be predicted.
    helps: Optional[bool]
    #: The new value: rounds, runs or a factor on the budget.
    value: Optional[float] = None
    effects: Mapping[str, Tuple[Optional[float], Optional[float]]] = field(default_factory=dict)
    #: Why it is proposed, or what speaks against it.
    found: Optional[str] = None


def remedies(group: GroupNoise, worst: Sequence[str], design: Design, gate: Gate, good: Results) -> List[Remedy]:
    """Return what helps the ``worst`` benchmarks, the greatest gain first, then what does not and what is unknown."""
    if not worst:
        return []
    tests = group.of(worst)
    found_now = _by_benchmark(tests, design)
    now = {name: found_now[name] for name in worst}
    rounds, runs = 2 * design.stages[-1], 2 * design.baseline_runs
    more_rounds = Design(design.baseline_runs, replace(gate, max_rounds=rounds).stages)
    longer = tests._replace(tests=tests.tests._replace(run_variance=_with_twice_the_budget(tests)))
    predicted = (
        _remedy(MAX_ROUNDS, rounds, now, _by_benchmark(tests, more_rounds)),
        _remedy(BASELINE_RUNS, runs, now, _by_benchmark(tests, Design(runs, design.stages))),
        _remedy(BUDGET, 2, now, _by_benchmark(longer, design)),
    )
    useful = [remedy for remedy in predicted if remedy.helps or remedy.kind == BUDGET]
    clocks = _clocks(good, worst)
    return sorted(useful, key=_predicted) + clocks


def explained_spread(group: GroupNoise) -> Array:
    """Return the spread between runs that the scatter of their blocks would cause, were blocks independent.

    The standard error of a mean of ``BLOCKS`` blocks, for quantiles an approximation; NaN where a run has none.
    """
    known = [not (contrast.assumed or contrast.dispersion is None) for contrast in group.contrasts]
    return np.where(known, group.tests.dispersion / math.sqrt(BLOCKS), np.nan)


def _with_twice_the_budget(group: GroupNoise) -> Array:
    saved = np.nan_to_num(explained_spread(group)) ** 2 / 2.0
    return np.maximum(group.tests.run_variance - saved, 0.0)


def _by_benchmark(group: GroupNoise, design: Design) -> Dict[str, Optional[float]]:
    changes: Dict[str, List[Tuple[Optional[float], ...]]] = {}
    for contrast, change in zip(group.contrasts, group.detectable(design)):
        changes.setdefault(contrast.benchmark, []).append(change)
    return {name: several[smallest(several)][0] for name, several in changes.items()}


def _remedy(kind: str, value: float, now: Mapping[str, Optional[float]], then: Mapping[str, Optional[float]]) -> Remedy:
    effects = {name: (now[name], then[name]) for name in now}
    return Remedy(kind, any(_gain(*pair) >= WORTHWHILE for pair in effects.values()), value, effects)


def _gain(now: Optional[float], then: Optional[float]) -> float:
    if now is None:
        return 0.0 if then is None else 1.0
    return 0.0 if then is None else 1.0 - then / now


def _predicted(remedy: Remedy) -> Tuple[bool, float]:
    return not remedy.helps, -max((_gain(*pair) for pair in remedy.effects.values()), default=0.0)


def _clocks(good: Results, worst: Sequence[str]) -> List[Remedy]:
    """Propose to pin the clocks where the environment says that they are free to change."""
    for environment in sorted({run.environment for name in worst for run in good.benchmarks[name].runs}):
        fields = environment_fields(good, environment)
        pinned = fields.get("settings.clocks_pinned")
        governor = fields.get("settings.governor", fields.get("fingerprint.governor"))
        if pinned is False:
            return [Remedy(CLOCKS, None, found="clocks_pinned is false")]
        if pinned is None and governor is not None and governor != "performance":
            return [Remedy(CLOCKS, None, found=f"the governor is {governor}")]
    return []

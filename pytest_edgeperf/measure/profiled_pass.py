"""A pass of a worker that times nothing: what a benchmark's operators and functions cost, to explain a slowdown."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Callable, Dict, List, NoReturn, Optional

import pytest

from pytest_edgeperf.frameworks.interface import Engine
from pytest_edgeperf.frameworks.profiling import REPETITIONS, NoProfile, OperatorProfile
from pytest_edgeperf.measure.function_times import FunctionProfile, profile_functions
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.profiled_calls import NoFunctionProfile
from pytest_edgeperf.measure.source_places import nameless
from pytest_edgeperf.results.cost_profiles import CostList, CostProfile, FunctionTimes, OperatorTimes, median

#: Inferences of one repetition, as many as the budget has time for: means of more are no steadier, and logs get long.
MOST_CALLS = 50
#: A benchmark's own budget may be minutes, to see how it heats the machine.
LONGEST_SECONDS = 2.0
#: Names of fused layers list all their parts; the middle of a longer one is left out, alike on both sides.
LONGEST_NAME = 160

LONGEST_REASON = 200

PARALLEL = "several engines at once are not profiled: profile one of them alone, in a benchmark of its own"
OVER = "profiled: nothing is timed in this pass"

#: Takes the profile of the pass.
Take = Callable[[CostProfile], None]


class ProfiledPass:
    """Profiles what a benchmark has prepared, in place of timing it, and ends the body of the test there.

    Args:
        take: called once, with the profile.
        budget_s: about as long do the repetitions of one kind of profile take, where calls are shorter; at most
            :data:`LONGEST_SECONDS`.
        root: pytest's rootdir: files inside it are named relative to it.
    """

    def __init__(self, take: Take, budget_s: float, root: str) -> None:
        self._take = take
        self._budget_s = min(budget_s, LONGEST_SECONDS)
        self._root = root

    def end(self, pipeline: Optional[Pipeline], call_ns: float) -> NoReturn:
        """Profile and end the body: what comes after a measurement judges figures that this pass does not have.

        Args:
            pipeline: what to profile; ``None`` for several engines at once, of which no profile is made.
            call_ns: what a call takes when warm; 0 where it is not known.
        """
        profile = CostProfile(reason_without=PARALLEL) if pipeline is None else self._profile(pipeline, call_ns)
        self._take(profile)
        pytest.skip(OVER)

    def _profile(self, pipeline: Pipeline, call_ns: float) -> CostProfile:
        operators = functions = latency_ms = None
        reasons: List[str] = []
        if pipeline.engine is not None:
            try:
                operators = operator_costs(self._operators(pipeline, pipeline.engine, call_ns))
            except Exception as error:
                reasons.append(self._sentence(error, "the operators could not be profiled"))
        if pipeline.engine is None or pipeline.has_phases:
            try:
                profile = profile_functions(
                    pipeline.calls,
                    self._root,
                    repetitions=REPETITIONS,
                    repetition_s=self._budget_s / REPETITIONS / 2,
                )
                functions, latency_ms = function_costs(profile), median(profile.call_ms) or None
                reasons += profile.remarks
            except Exception as error:
                reasons.append(self._sentence(error, "the functions could not be profiled"))
        return CostProfile(operators, functions, latency_ms, "; ".join(reasons) or None)

    def _operators(self, pipeline: Pipeline, engine: Engine, call_ns: float) -> OperatorProfile:
        inputs = [pipeline.preprocess(*entry) for entry in pipeline.entries]
        fit = self._budget_s / REPETITIONS * 1e9 / call_ns if call_ns > 0 else MOST_CALLS
        return engine.profile_operators(inputs, REPETITIONS, max(1, min(MOST_CALLS, int(fit))))

    def _sentence(self, error: Exception, what: str) -> str:
        # It is kept beside the baseline, for all to see.
        text = nameless(" ".join(str(error).split()), self._root)
        if isinstance(error, (NoProfile, NoFunctionProfile)) and text:
            return text
        return f"{what} ({type(error).__name__}: {text[:LONGEST_REASON]})"


def operator_costs(profile: OperatorProfile) -> CostList:
    """The times of each operator over the repetitions, in the order of execution.

    One that a repetition does not have (a branch that was not taken) took 0 there.
    """
    place: Dict[str, int] = {}
    times: Dict[str, List[float]] = {}
    parts: Dict[str, OperatorTimes] = {}
    for number, operators in enumerate(profile.repetitions):
        for at, operator in enumerate(operators):
            if operator.name not in parts:
                place[operator.name] = at
                times[operator.name] = [0.0] * len(profile.repetitions)
                parts[operator.name] = OperatorTimes(
                    shortened(operator.name),
                    operator.kind,
                    (),
                    tuple(map(shortened, operator.outputs)),
                    operator.provider,
                )
            times[operator.name][number] = operator.time_ms
    listed = [replace(parts[name], times_ms=tuple(times[name])) for name in sorted(parts, key=place.__getitem__)]
    return CostList(tuple(listed), profile.source)


def function_costs(profile: FunctionProfile) -> CostList:
    """The times of each function over the repetitions, and of the others together."""
    listed = [
        FunctionTimes(
            shortened(function.name), function.file, function.line, function.self_ms, function.total_ms, function.calls
        )
        for function in profile.functions
    ]
    others_ms = tuple(profile.others_ms) if profile.others else ()
    return CostList(tuple(listed), profile.source, profile.others, others_ms)


def shortened(name: str) -> str:
    """A name of at most :data:`LONGEST_NAME` characters, which is another for another name."""
    if len(name) <= LONGEST_NAME:
        return name
    sign = f"...{zlib.crc32(name.encode('utf-8', 'backslashreplace')):08x}..."
    half = (LONGEST_NAME - len(sign)) // 2
    return name[:half] + sign + name[-half:]

"""The ``timed_inference`` fixture: prepare, check, warm up, time blocks, summarise."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter_ns
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Set,
    Tuple,
)

from pytest_edgeperf.frameworks.interface import DeviceTimed, SelfTimed
from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.interleaved import InterleavedTimer, Ratio
from pytest_edgeperf.measure.measurement import METRICS, Measurement
from pytest_edgeperf.measure.process_memory import process_mib, process_peak_mib
from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.disturbance import Watch, canary_ms, settle
from pytest_edgeperf.measure.runtimes import loaded_versions
from pytest_edgeperf.measure.warmup import SHORTEST_SECONDS, WarmUp, warm_up
from pytest_edgeperf.results.example_answers import PERCENT
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import HIGHER

if TYPE_CHECKING:
    from pytest_edgeperf.measure.accuracy_records import Accuracy, PerExample

#: Figures that loading and checking an engine give a run.
KEPT_OF_CHECK = ("engine_size", "output_error", "engine_context", "engine_allocation")


@dataclass(frozen=True)
class Block:
    """One timed block: ``settle_s`` of calls that are thrown away, then ``seconds`` of timed ones.

    A ``turn`` is one of many short blocks, between which another worker has its own. A ``sustained`` one is not
    timed: its calls are only counted, while the coordinator reads sensors.
    """

    seconds: float
    settle_s: float = 0.0
    turn: bool = False
    sustained: bool = False


class Conductor(Protocol):
    """Who says when a block is timed: the coordinator through a channel, or a fixed plan in this process."""

    def blocks(self) -> Iterable[Block]:
        """The blocks to time, each yielded when its turn has come."""

    def sustained(self, calls: int, seconds: float) -> None:
        """Take what a sustained block held."""

    def deliver(self, measurement: Measurement) -> None:
        """Take the finished run."""

    def place(self, study: Study, place: Place) -> None:
        """Take note of the study that the benchmark belongs to."""

    def answered(self, name: str, accuracy: Accuracy) -> None:
        """Take an accuracy of the run."""


@dataclass
class LocalConductor:
    """One block of the whole budget, in this process, at once."""

    budget_s: float
    delivered: List[Measurement] = field(default_factory=list)

    def blocks(self) -> Iterable[Block]:
        """The one block."""
        return [Block(self.budget_s)]

    def sustained(self, calls: int, seconds: float) -> None:
        """There are no sustained blocks in this process."""

    def deliver(self, measurement: Measurement) -> None:
        """Keep it for whoever looks."""
        self.delivered.append(measurement)

    def place(self, study: Study, place: Place) -> None:
        """Nothing is read together in this process."""

    def answered(self, name: str, accuracy: Accuracy) -> None:
        """Nothing is compared in this process."""


class TimedInference:
    """Times an engine or a callable; one measurement per benchmark."""

    def __init__(self, conductor: Conductor, settings: Dict[str, Any], software: Dict[str, Any]) -> None:
        self._conductor = conductor
        self._settings = settings
        self._software = software
        self.measurement: Optional[Measurement] = None
        self._answered: Set[str] = set()
        self._processors = _processors()
        self._memory_mib: Dict[str, Optional[float]] = {"memory_process_start": process_peak_mib()}

    def __call__(
        self,
        target: Any,
        *args: Any,
        preprocess: Optional[Callable[..., Any]] = None,
        postprocess: Optional[Callable[..., Any]] = None,
        check: Optional[Callable[[Any], Any]] = None,
    ) -> Measurement:
        """Measure ``target`` with ``args`` (or rotating over the entries of one ``Inputs``).

        Args:
            target: an engine from ``framework.load`` or any callable.
            args: positional arguments of each call, or one ``Inputs`` with several sets of them.
            preprocess: makes the engine's inputs (one, or a tuple) from ``args``; timed as its own phase.
            postprocess: takes what the target returned; timed as its own phase.
            check: called once, before timing, with the result of the first call; ``False`` or an
                exception fails the benchmark. An engine whose model has a reference is compared with it anyway.

        Raises:
            RuntimeError: the benchmark measures a second time.
            OutputMismatch: the target's answers are wrong; nothing was timed.
            Unfinished: a callable returned a coroutine, a generator or a future instead of an answer.
        """
        __tracebackhide__ = True
        self._measure_once()
        pipeline = Pipeline(target, args, preprocess, postprocess)
        checked = pipeline.check(check)
        if isinstance(pipeline.engine, SelfTimed):
            return self._deliver(_self_timed(pipeline, pipeline.engine, checked))
        warmed = warm_up(pipeline.calls)
        calls_a_sample = 1 if pipeline.has_phases else loop.calls_per_sample(warmed.call_ns, len(pipeline.calls))
        timer = _PhaseTimer(pipeline) if pipeline.has_phases else _CallTimer(pipeline, calls_a_sample)
        engines: Dict[str, Any] = {} if pipeline.engine is None else {"engine": pipeline.engine.describe()}
        engines.update(_synchronised([pipeline]))
        told = partial(_told_by_device, pipeline)
        plain = pipeline.engine is None
        return self._deliver(_Timed(timer, pipeline.calls, checked, warmed, engines, calls_a_sample, told, plain))

    def compare(self, *args: Any, **targets: Any) -> Dict[str, Ratio]:
        """Measure several targets in turns in this process; each one's ratio to the first, to assert on.

        ``ratios = timed_inference.compare(image, fp32=engine, fp16=other)``, then
        ``assert ratios["fp16"].high < 0.8``. Turns of 20 ms cancel what the machine does meanwhile, and one process
        what differs between processes. The first target's latency is the benchmark's, so it is compared with the
        baseline as that of any benchmark.

        Args:
            args: positional arguments of each call, or one ``Inputs`` with several sets of them.
            targets: engines or callables by name, two at least.

        Raises:
            RuntimeError: the benchmark measures a second time.
            TypeError: fewer than two targets, or one that is neither an engine nor a callable.
            OutputMismatch: a target's answers are wrong; nothing was timed.
        """
        __tracebackhide__ = True
        self._measure_once()
        if len(targets) < 2:
            raise TypeError("timed_inference.compare takes two named targets at least: compare(image, fp32=a, fp16=b)")
        pipelines = {name: Pipeline(target, args) for name, target in targets.items()}
        checked: Dict[str, Any] = {}
        for pipeline in pipelines.values():
            pipeline.require_timeable_here()
            found = pipeline.check()
            checked = {**found, **checked, **_worse(checked, found)}
        warmed = {name: warm_up(pipeline.calls) for name, pipeline in pipelines.items()}
        calls_a_sample = {
            name: loop.calls_per_sample(one.call_ns, len(pipelines[name].calls)) for name, one in warmed.items()
        }
        timer = InterleavedTimer(pipelines, calls_a_sample)
        calls = [call for pipeline in pipelines.values() for call in pipeline.calls]
        engines = {name: one.engine.describe() for name, one in pipelines.items() if one.engine is not None}
        first = next(iter(pipelines))
        settings: Dict[str, Any] = {"engines": engines} if engines else {}
        settings.update(_synchronised(pipelines.values()))
        cold = max(one.cold_inputs for one in warmed.values())
        firsts = replace(warmed[first], cold_inputs=cold)
        plain = len(engines) < len(pipelines)
        self._deliver(_Timed(timer, calls, checked, firsts, settings, calls_a_sample[first], plain=plain))
        return timer.ratios()

    def parallel(
        self,
        make_engine: Callable[[], Any],
        n: int,
        *args: Any,
        mode: str = "threads",
        preprocess: Optional[Callable[..., Any]] = None,
        postprocess: Optional[Callable[..., Any]] = None,
    ) -> Measurement:
        """Measure ``n`` engines at once: their throughput together, and the latency that each inference then has.

        All are loaded, checked and warmed up before the first begins; they begin at one moment, and an inference that
        is under way when the time is over does not count.

        Args:
            make_engine: loads one engine (or gives a callable); called once per engine, in its thread or process.
            n: how many.
            args: positional arguments of each call, or one ``Inputs`` with several sets of them.
            mode: ``threads`` of one process, or ``processes`` (Linux), which share nothing.
            preprocess, postprocess: as in a plain measurement; each engine has its own.

        Raises:
            RuntimeError: the benchmark measures a second time.
            ValueError: ``n`` or ``mode`` cannot be used.
            EngineFailed: an engine could not be made (out of memory, say), answered wrong, or ended.
        """
        __tracebackhide__ = True
        from pytest_edgeperf.measure.parallel import ParallelTimer, runners_of

        self._measure_once()

        def make() -> Pipeline:
            return Pipeline(make_engine(), args, preprocess, postprocess)

        runners = runners_of(make, n, mode, self._software)
        try:
            ready = [runner.ready() for runner in runners]
            first = ready[0]
            self._software.update(first.software)
            checked: Dict[str, Any] = {}
            for one in ready:
                checked = {**one.checked, **checked, **_worse(checked, one.checked)}
            engine = {} if first.engine is None else {"engine": dict(first.engine)}
            cold = max(one.cold_inputs for one in ready)
            warmed = WarmUp(first.first_ms, first.warm_up_s, 0, first.steady, call_ns=0.0, cold_inputs=cold)
            settings = {**engine, "engines": n, "mode": mode}
            return self._deliver(_Timed(ParallelTimer(runners), [], checked, warmed, settings, 1))
        finally:
            for runner in runners:
                runner.close()

    def _measure_once(self) -> None:
        __tracebackhide__ = True
        if self.measurement is not None:
            raise RuntimeError(
                "a benchmark measures once; parametrise the test to measure several targets side by side"
            )
        self._memory_mib["memory_process_loaded"] = process_peak_mib()

    def _deliver(self, timed: _Timed) -> Measurement:
        self.measurement = self._time(timed)
        self._conductor.deliver(self.measurement)
        return self.measurement

    def study(self, study: Study, *, series: str, x: float) -> None:
        """Name the study that this benchmark belongs to, its series there and its coordinate.

        The report then fits a line per series over the coordinate, beside the study's published lines.

        Raises:
            ValueError: ``x`` is not a finite number.
        """
        if not math.isfinite(x):
            raise ValueError(f"the coordinate of {study.name} must be a finite number of {study.x_unit}, not {x}")
        self._conductor.place(study, Place(study.name, series, float(x)))

    def accuracy(
        self,
        name: str,
        per_example: PerExample,
        *,
        example_ids: Optional[Sequence[Any]] = None,
        unit: str = PERCENT,
        margin: Optional[float] = None,
        better: str = HIGHER,
        gates: bool = True,
    ) -> float:
        """Record how right the answers were, example by example: a baseline's are compared with them in pairs.

        Call it after measuring, so that neither its memory nor its heat is in what was timed.

        Args:
            name: of the metric, such as ``top1``.
            per_example: [n] of right or wrong, or of scores: shares from 0 to 1 in percent; or a ``DetectionSet``,
                whose average precision is recorded, with that at overlaps of 0.5 and 0.75 as ``…50`` and ``…75``.
            example_ids: [n] what tells the examples from each other; without them it is their order.
            unit: of the scores, where they are no shares.
            margin: how much worse the mean may get, in the unit; 0.5 percentage points where it is percent.
            better: ``higher`` or ``lower``.
            gates: whether the benchmark fails by it.

        Returns:
            the mean, in the unit (the average precision of a ``DetectionSet``).

        Raises:
            ValueError: what was given is no accuracy; the message says why.
            RuntimeError: the name was recorded before.
        """
        __tracebackhide__ = True
        from pytest_edgeperf.measure.accuracy_records import accuracies

        found = accuracies(
            name, per_example, example_ids=example_ids, unit=unit, margin=margin, better=better, gates=gates
        )
        for one, accuracy in found.items():
            if one in self._answered:
                raise RuntimeError(f"the accuracy {one!r} was recorded before; a run has one of each name")
            self._answered.add(one)
            self._conductor.answered(one, accuracy)
        return float(found[name].value["mean"])

    def _time(self, timed: _Timed) -> Measurement:
        timer, checked, warmed = timed.timer, timed.checked, timed.warmed
        watch = Watch()
        samples = 0
        ends: List[int] = []
        turns = False
        waited_s = 0.0
        timed_s = 0.0
        grown_mib = 0.0
        canaries: List[float] = []
        for block in self._conductor.blocks():
            if block.sustained:
                self._conductor.sustained(*timer.repeat(block.seconds))
                continue
            turns = block.turn
            if not (turns and ends):
                canaries.append(canary_ms())
            if not timed.calls:
                if block.settle_s:
                    timer.repeat(block.settle_s)
            elif turns:
                loop.call_for(timed.calls, block.settle_s)
            elif block.settle_s:
                warm_up(timed.calls, shortest_s=block.settle_s, longest_s=block.settle_s, rotation_s=0.0)
            # Collecting before each of many turns would take longer than a turn.
            resident_mib = process_mib() if not turns else None
            with loop.collector_off(collect=not (turns and ends)), watch:
                start = perf_counter_ns()
                samples = timer.time(samples, block.seconds)
                timed_s += (perf_counter_ns() - start) / 1e9
            ends.append(samples)
            if resident_mib is not None:
                grown_mib += (process_mib() or resident_mib) - resident_mib
            waited_s = max(waited_s, settle())
            if not turns:
                canaries.append(canary_ms())
        if turns:
            canaries.append(canary_ms())
        memory_mib = process_peak_mib()
        values = timer.summaries(samples)
        values.update(timed.told_by_device())
        first_ms = checked.get("first_ms", warmed.first_ms)
        if first_ms is not None:
            values["first_inference"] = first_ms
        values["warm_up"] = warmed.seconds * 1e3
        children_mib = timer.children_peak_mib()
        if memory_mib is not None and children_mib is not None:
            values["memory_process_peak"] = memory_mib + children_mib
        values.update({name: value for name, value in self._memory_mib.items() if value is not None})
        values.update({name: checked[name] for name in KEPT_OF_CHECK if name in checked})
        if not turns:
            values["memory_growth"] = max(grown_mib, 0.0)
        settings = {**self._settings, "blocks": len(ends), **timed.settings}
        quality: Dict[str, Any] = {
            "canary_ms": [round(value, 5) for value in canaries],
            "settle_ms": round(waited_s * 1e3, 1),
            "timed_s": round(timed_s, 4),
            **watch.figures(),
            **timer.course(ends),
        }
        if warmed.steady is not None:
            quality["steady"] = warmed.steady
        if warmed.cold_inputs:
            quality["cold_inputs"] = warmed.cold_inputs
        processors = _processors()
        if processors != self._processors:
            # Not those that it was given, so not those that runs of other code had.
            quality["processors_changed"] = f"{self._processors} -> {processors}"
            settings["cpus"] = f"{processors}, set by the benchmark"
        if timed.calls_a_sample > 1:
            quality["calls_per_sample"] = timed.calls_a_sample
        loaded = loaded_versions() if timed.plain else {}
        software = {"python": platform.python_version(), **loaded, **self._software}
        return Measurement(
            values=values,
            metrics={name: METRICS.get(name, METRICS["latency"]) for name in values},
            quality=quality,
            software=software,
            settings=settings,
            turns_ms=timer.medians(ends) if turns else (),
        )


def _processors() -> str:
    """The processors that this thread may run on, as Linux writes them: ``0-3,8``; empty where there is no affinity."""
    if not hasattr(os, "sched_getaffinity"):
        return ""
    runs: List[List[int]] = []
    for cpu in sorted(os.sched_getaffinity(0)):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _synchronised(pipelines: Iterable[Pipeline]) -> Dict[str, Any]:
    """What waits for the work that plain callables leave on a device, for the run's environment."""
    names = sorted({one.synchroniser.name for one in pipelines if one.synchroniser is not None})
    return {"synchronised": ", ".join(names)} if names else {}


class Timer(Protocol):
    """Times blocks into arrays of its own."""

    def time(self, first: int, seconds: float) -> int:
        """Time a block from sample ``first`` on; the index after its last sample."""

    def summaries(self, samples: int) -> Dict[str, Any]:
        """The metrics of time in ms, over all samples."""

    def medians(self, ends: Sequence[int]) -> List[float]:
        """The median latency in ms of each block that ended at these samples."""

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        """How the run went from its first sample to its last."""

    def repeat(self, seconds: float) -> Tuple[int, float]:
        """Go on untimed; the number of inferences, and the seconds that they took."""

    def children_peak_mib(self) -> Optional[float]:
        """The memory of processes of its own; ``None`` where it cannot be told."""


class _Timed(NamedTuple):
    """What is timed, and what was found out about it before."""

    timer: Timer
    #: What to call when it is not to be timed; none where the timer has engines of its own.
    calls: Sequence[loop.Call]
    checked: Mapping[str, Any]
    warmed: WarmUp
    #: For the run's environment: what the runtime says of the engines.
    settings: Mapping[str, Any]
    calls_a_sample: int
    #: What the device tells of itself, asked after the timed blocks.
    told_by_device: Callable[[], Dict[str, Any]] = dict
    #: A callable is timed that no adapter knows: which runtimes it uses is seen by what is loaded.
    plain: bool = False


def _told_by_device(pipeline: Pipeline) -> Dict[str, Any]:
    engine = pipeline.engine
    if engine is None:
        return {}
    told: Dict[str, Any] = {}
    allocated_mib = engine.device_memory_mib()
    if allocated_mib is not None:
        told["memory_device_allocated"] = allocated_mib
    if isinstance(engine, DeviceTimed):
        from pytest_edgeperf.measure.device_time import device_times

        told.update(device_times(engine, [pipeline.preprocess(*entry) for entry in pipeline.entries]))
    return told


def _self_timed(pipeline: Pipeline, engine: SelfTimed, checked: Mapping[str, Any]) -> _Timed:
    """An engine's own program warms up and times; all that is left to do here is to ask it."""
    __tracebackhide__ = True
    from pytest_edgeperf.measure.device_time import SelfTimer

    if pipeline.has_phases:
        pipeline.require_timeable_here()
    told = {name: value for name, value in checked.items() if name != "first_ms"}
    start = perf_counter_ns()
    engine.run_for(SHORTEST_SECONDS, *pipeline.entries[0])
    warmed = WarmUp(None, (perf_counter_ns() - start) / 1e9, calls=0, steady=None, call_ns=0.0)
    return _Timed(SelfTimer(engine, pipeline.entries), [], told, warmed, {"engine": engine.describe()}, 1)


def _worse(checked: Mapping[str, Any], found: Mapping[str, Any]) -> Dict[str, Any]:
    errors = [one["output_error"] for one in (checked, found) if "output_error" in one]
    return {"output_error": max(errors)} if errors else {}


class _CallTimer:
    """Times whole calls."""

    def __init__(self, pipeline: Pipeline, calls_a_sample: int) -> None:
        self._calls = pipeline.calls
        self._calls_a_sample = calls_a_sample
        self._durations = loop.sample_array()

    def time(self, first: int, seconds: float) -> int:
        if self._calls_a_sample > 1:
            return loop.time_batches(self._calls, self._durations, first, seconds, self._calls_a_sample)
        return loop.time_calls(self._calls, self._durations, first, seconds)

    def summaries(self, samples: int) -> Dict[str, Any]:
        return {"latency": _summary_ms(self._durations, samples)}

    def medians(self, ends: Sequence[int]) -> List[float]:
        return loop.medians_ms(self._durations, ends)

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        return _course(self._durations, ends)

    def repeat(self, seconds: float) -> Tuple[int, float]:
        return loop.repeat_for(self._calls, seconds)

    def children_peak_mib(self) -> float:
        return 0.0


class _PhaseTimer:
    """Times pipelines with their phases."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._arrays = loop.PhaseArrays()

    def time(self, first: int, seconds: float) -> int:
        pipeline = self._pipeline
        return loop.time_phases(
            pipeline.preprocess,
            pipeline.infer,
            pipeline.postprocess,
            pipeline.entries,
            self._arrays,
            first,
            seconds,
        )

    def summaries(self, samples: int) -> Dict[str, Any]:
        arrays = self._arrays
        durations = {"latency": arrays.latency, "infer": arrays.infer}
        if self._pipeline.has_preprocess:
            durations["preprocess"] = arrays.preprocess
        if self._pipeline.has_postprocess:
            durations["postprocess"] = arrays.postprocess
        return {name: _summary_ms(one, samples) for name, one in durations.items()}

    def medians(self, ends: Sequence[int]) -> List[float]:
        return loop.medians_ms(self._arrays.latency, ends)

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        return _course(self._arrays.latency, ends)

    def repeat(self, seconds: float) -> Tuple[int, float]:
        return loop.repeat_for(self._pipeline.calls, seconds)

    def children_peak_mib(self) -> float:
        return 0.0


def _summary_ms(durations_ns: Any, samples: int) -> Dict[str, Any]:
    from pytest_edgeperf.measure.summary import summarise

    return summarise(loop.milliseconds(durations_ns, samples))


def _course(durations_ns: Any, ends: Sequence[int]) -> Dict[str, Any]:
    from pytest_edgeperf.measure.course import course_of

    return course_of(loop.milliseconds(durations_ns, ends[-1]), ends).figures()

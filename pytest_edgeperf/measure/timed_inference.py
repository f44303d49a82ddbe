"""The ``timed_inference`` fixture: prepare, check, warm up, time blocks, summarise."""

from __future__ import annotations

import math
import platform
from dataclasses import replace
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Mapping, Optional, Sequence, Set

from pytest_edgeperf.frameworks.interface import SelfTimed, described
from pytest_edgeperf.measure import loaded_paths, loop
from pytest_edgeperf.measure.affinity import allowed_processors
from pytest_edgeperf.measure.blocks import Prepared, time_blocks
from pytest_edgeperf.measure.conductor import Conductor
from pytest_edgeperf.measure.interleaved import InterleavedTimer, Ratio
from pytest_edgeperf.measure.measurement import METRICS, Measurement
from pytest_edgeperf.measure.own_memory import process_peak_mib
from pytest_edgeperf.measure.pipeline import COUNTED, Pipeline
from pytest_edgeperf.measure.placements import placement_of, placements_of
from pytest_edgeperf.measure.ranges import range_maker
from pytest_edgeperf.measure.runtimes import loaded_versions
from pytest_edgeperf.measure.timers import CallTimer, PhaseTimer
from pytest_edgeperf.measure.warmup import SHORTEST_SECONDS, WarmUp, warm_up
from pytest_edgeperf.results.example_answers import PERCENT
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import HIGHER

if TYPE_CHECKING:
    from pytest_edgeperf.measure.accuracy_records import PerExample
    from pytest_edgeperf.measure.engine_runners import Runner
    from pytest_edgeperf.measure.profiled_pass import ProfiledPass

#: How many images an inference is of, where it is of several.
IMAGES = "images_per_inference"
#: What comes before the first inference, where it was asked for.
STEPS_BEFORE = ("import_time", "load_time", "build_time")
#: Figures that loading and checking an engine give a run.
KEPT_OF_CHECK = (
    "engine_size",
    "output_error",
    *STEPS_BEFORE,
    "engine_context",
    "engine_allocation",
    *COUNTED,
    IMAGES,
)


class TimedInference:
    """Times an engine or a callable; one measurement per benchmark."""

    def __init__(
        self,
        conductor: Conductor,
        settings: Dict[str, Any],
        software: Dict[str, Any],
        *,
        ranges: bool = False,
        profiled_pass: Optional[ProfiledPass] = None,
    ) -> None:
        self._conductor = conductor
        self._ranges = ranges
        self._profiled_pass = profiled_pass
        self._settings = settings
        self._software = software
        self.measurement: Optional[Measurement] = None
        self._answered: Set[str] = set()
        self._processors = allowed_processors()
        self._memory_mib: Dict[str, Optional[float]] = {"memory_process_start": process_peak_mib()}

    def __call__(
        self,
        target: Any,
        *args: Any,
        preprocess: Optional[Callable[..., Any]] = None,
        postprocess: Optional[Callable[..., Any]] = None,
        check: Optional[Callable[[Any], Any]] = None,
        images: int = 1,
        first_inferences: int = 0,
    ) -> Measurement:
        """Measure ``target`` with ``args`` (or rotating over the entries of one ``Inputs``).

        Args:
            target: an engine from ``framework.load`` or any callable.
            args: positional arguments of each call, or one ``Inputs`` with several sets of them.
            preprocess: makes the engine's inputs (one, or a tuple) from ``args``; timed as its own phase.
            postprocess: takes what the target returned; timed as its own phase.
            check: called once, before timing, with the result of the first call; ``False`` or an
                exception fails the benchmark. An engine whose model has a reference is compared with it anyway.
            images: how many images (or frames) one call works on; published frames per second are compared with so
                many per latency.
            first_inferences: how many of the first inferences are kept, each with its time, while the target warms up:
                ``quality.first_inferences_ms`` of the run. An engine whose own program times it keeps none.

        Raises:
            RuntimeError: the benchmark measures a second time.
            OutputMismatch: the target's outputs are wrong; nothing was timed.
            Unfinished: a callable returned a coroutine, a generator or a future instead of an answer.
        """
        __tracebackhide__ = True
        self._measure_once()
        pipeline = Pipeline(target, args, preprocess, postprocess)
        checked = pipeline.check(check)
        self._mark_ranges({"": pipeline})
        if images != 1:
            checked[IMAGES] = images
        if isinstance(pipeline.engine, SelfTimed):
            return self._deliver(_self_timed(pipeline, pipeline.engine, checked))
        warmed = warm_up(pipeline.calls, keep=first_inferences)
        calls_a_sample = 1 if pipeline.has_phases else loop.calls_per_sample(warmed.call_ns, len(pipeline.calls))
        timer = PhaseTimer(pipeline) if pipeline.has_phases else CallTimer(pipeline, calls_a_sample)
        settings: Dict[str, Any] = {} if pipeline.engine is None else {"engine": described(pipeline.engine)}
        settings.update(_synchronised([pipeline]))
        return self._deliver(
            Prepared(
                timer,
                pipeline.calls,
                checked,
                warmed,
                settings,
                calls_a_sample,
                device_figures=pipeline.device_figures,
                placement=partial(placement_of, pipeline.engine),
                plain=pipeline.engine is None,
                profiled=pipeline,
            )
        )

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
            OutputMismatch: a target's outputs are wrong; nothing was timed.
        """
        __tracebackhide__ = True
        self._measure_once()
        if len(targets) < 2:
            raise TypeError("timed_inference.compare needs at least two named targets: compare(image, fp32=a, fp16=b)")
        pipelines = {name: Pipeline(target, args) for name, target in targets.items()}
        checked: Dict[str, Any] = {}
        for pipeline in pipelines.values():
            pipeline.require_timeable_here()
            check = pipeline.check()
            checked = {**check, **checked, **_larger_error(checked, check)}
        self._mark_ranges({f"{name}: ": pipeline for name, pipeline in pipelines.items()})
        warmed = {name: warm_up(pipeline.calls) for name, pipeline in pipelines.items()}
        calls_a_sample = {
            name: loop.calls_per_sample(warmed[name].call_ns, len(pipeline.calls))
            for name, pipeline in pipelines.items()
        }
        timer = InterleavedTimer(pipelines, calls_a_sample)
        calls = [call for pipeline in pipelines.values() for call in pipeline.calls]
        engines = {
            name: described(pipeline.engine) for name, pipeline in pipelines.items() if pipeline.engine is not None
        }
        first = next(iter(pipelines))
        settings: Dict[str, Any] = {"engines": engines} if engines else {}
        settings.update(_synchronised(pipelines.values()))
        cold_inputs = max(warm.cold_inputs for warm in warmed.values())
        first_warmed = replace(warmed[first], cold_inputs=cold_inputs)
        plain = len(engines) < len(pipelines)
        prepared = Prepared(timer, calls, checked, first_warmed, settings, calls_a_sample[first], plain=plain)
        placed = partial(placements_of, {name: pipeline.engine for name, pipeline in pipelines.items()})
        self._deliver(prepared._replace(placement=placed, profiled=pipelines[first]))
        return timer.ratios()

    def parallel(
        self,
        make_engine: Callable[[], Any],
        n: int,
        *args: Any,
        mode: str = "threads",
        fitting: bool = False,
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
            fitting: start them one after the other, in processes, and measure as many as there is memory for, ``n`` at
                most; how many these are is the metric ``engine_count``.
            preprocess: as in a plain measurement; each engine has its own.
            postprocess: the same.

        Raises:
            RuntimeError: the benchmark measures a second time.
            ValueError: ``n`` or ``mode`` cannot be used, or threads are to be as many as fit.
            EngineFailed: an engine could not be made (out of memory, say), returned wrong outputs, or ended.
        """
        __tracebackhide__ = True
        from pytest_edgeperf.measure.parallel import PROCESSES, ParallelTimer, as_many_as_fit, runners_of

        if fitting and mode != PROCESSES:
            raise ValueError(f"timed_inference.parallel: fitting=True needs mode={PROCESSES!r}: only processes may end")
        self._measure_once()

        def make() -> Pipeline:
            return Pipeline(make_engine(), args, preprocess, postprocess)

        runners: Sequence[Runner]
        if fitting:
            runners, ready = as_many_as_fit(make, n, self._software)
        else:
            runners, ready = runners_of(make, n, mode, self._software), []
        try:
            ready = ready or [runner.ready() for runner in runners]
            first = ready[0]
            self._software.update(first.software)
            if first.loaded is not None:
                loaded_paths.add(first.loaded)
            checked: Dict[str, Any] = {}
            for engine in ready:
                checked = {**engine.checked, **checked, **_larger_error(checked, engine.checked)}
            engine_settings = {} if first.engine is None else {"engine": dict(first.engine)}
            cold_inputs = max(engine.cold_inputs for engine in ready)
            warmed = WarmUp(first.first_ms, first.warm_up_s, 0, first.steady, call_ns=0.0, cold_inputs=cold_inputs)
            settings = {**engine_settings, **first.placement, "engines": n, "mode": mode}
            timer = ParallelTimer(runners, counted=fitting)
            return self._deliver(Prepared(timer, [], checked, warmed, settings, 1))
        finally:
            for runner in runners:
                runner.close()

    def study(self, study: Study, *, series: str, x: float, label: str = "") -> None:
        """Name the study that this benchmark belongs to, its series there and its coordinate.

        The report then fits a line per series over the coordinate, beside the study's published lines. Points that
        have a label (a network, say) are shown by it, a row each, where the study asks for no lines.

        Raises:
            ValueError: ``x`` is not a finite number.
        """
        if not math.isfinite(x):
            raise ValueError(f"the coordinate of {study.name} must be a finite number of {study.x_unit}, not {x}")
        self._conductor.place(study, Place(study.name, series, float(x), label))

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
            example_ids: [n] unique names of the examples; without them, their order identifies them.
            unit: of the scores, if they are not shares.
            margin: how much worse the mean may get, in the unit; 0.5 percentage points where it is percent.
            better: ``higher`` or ``lower``.
            gates: whether the benchmark fails by it.

        Returns:
            the mean, in the unit (the average precision of a ``DetectionSet``).

        Raises:
            ValueError: the values are not an accuracy; the message says why.
            RuntimeError: the name was recorded before.
        """
        __tracebackhide__ = True
        from pytest_edgeperf.measure.accuracy_records import accuracies

        recorded = accuracies(
            name, per_example, example_ids=example_ids, unit=unit, margin=margin, better=better, gates=gates
        )
        for metric, accuracy in recorded.items():
            if metric in self._answered:
                raise RuntimeError(f"the accuracy {metric!r} is already recorded; a run can record each name once")
            self._answered.add(metric)
            self._conductor.answered(metric, accuracy)
        return float(recorded[name].value["mean"])

    def _mark_ranges(self, pipelines: Mapping[str, Pipeline]) -> None:
        """Name the phases of pipelines, by what comes before, for a profiler that looks on; timed runs have none."""
        make = range_maker() if self._ranges else None
        if make is not None:
            for prefix, pipeline in pipelines.items():
                pipeline.mark_ranges(make, prefix)

    def _measure_once(self) -> None:
        __tracebackhide__ = True
        if self.measurement is not None:
            raise RuntimeError(
                "a benchmark can measure only once; parametrise the test to measure several targets side by side"
            )
        self._memory_mib["memory_process_loaded"] = process_peak_mib()

    def _deliver(self, prepared: Prepared) -> Measurement:
        __tracebackhide__ = True
        if self._profiled_pass is not None:
            self._profiled_pass.end(prepared.profiled, prepared.warmed.call_ns)
        self.measurement = self._measurement(prepared)
        self._conductor.deliver(self.measurement)
        return self.measurement

    def _measurement(self, prepared: Prepared) -> Measurement:
        """Time the blocks, and make what they gave the figures of a run."""
        timer, checked, warmed = prepared.timer, prepared.checked, prepared.warmed
        run = time_blocks(self._conductor, prepared)
        memory_mib = process_peak_mib()
        values = timer.summaries(run.samples)
        values.update(prepared.device_figures())
        first_ms = checked.get("first_ms", warmed.first_ms)
        if first_ms is not None:
            values["first_inference"] = first_ms
        if first_ms is not None and "import_time" in checked:
            values["cold_start"] = first_ms + sum(checked.get(step, 0.0) for step in STEPS_BEFORE)
        values["warm_up"] = warmed.seconds * 1e3
        children_mib = timer.children_peak_mib()
        if memory_mib is not None and children_mib is not None:
            values["memory_process_peak"] = memory_mib + children_mib
        values.update({name: value for name, value in self._memory_mib.items() if value is not None})
        values.update({name: checked[name] for name in KEPT_OF_CHECK if name in checked})
        if not run.turns:
            values["memory_growth"] = max(run.memory_growth_mib, 0.0)
        settings = {**self._settings, "blocks": len(run.ends), **prepared.settings, **prepared.placement()}
        quality = {**run.figures(), **timer.course(run.ends)}
        if warmed.steady is not None:
            quality["steady"] = warmed.steady
        if warmed.cold_inputs:
            quality["cold_inputs"] = warmed.cold_inputs
        if warmed.first_calls_ms:
            cold = [] if first_ms is None else [first_ms]
            quality["first_inferences_ms"] = [float(f"{call:.4g}") for call in (*cold, *warmed.first_calls_ms)]
        if "imported_before" in checked:
            quality["imported_before"] = checked["imported_before"]
        processors = allowed_processors()
        if processors != self._processors:
            # Not those that it was given, so not those that runs of other code had.
            quality["processors_changed"] = f"{self._processors} -> {processors}"
            settings["cpus"] = f"{processors}, set by the benchmark"
        if prepared.calls_a_sample > 1:
            quality["calls_per_sample"] = prepared.calls_a_sample
        loaded = loaded_versions() if prepared.plain else {}
        return Measurement(
            values=values,
            metrics={name: METRICS.get(name, METRICS["latency"]) for name in values},
            quality=quality,
            software={"python": platform.python_version(), **loaded, **self._software},
            settings=settings,
            turns_ms=timer.medians(run.ends) if run.turns else (),
        )


def _synchronised(pipelines: Iterable[Pipeline]) -> Dict[str, Any]:
    """What waits for the work that plain callables leave on a device, for the run's environment."""
    names = sorted({pipeline.synchroniser.name for pipeline in pipelines if pipeline.synchroniser is not None})
    return {"synchronised": ", ".join(names)} if names else {}


def _self_timed(pipeline: Pipeline, engine: SelfTimed, checked: Mapping[str, Any]) -> Prepared:
    """Prepare an engine whose own program warms up and times."""
    __tracebackhide__ = True
    from pytest_edgeperf.measure.device_time import SelfTimer

    if pipeline.has_phases:
        pipeline.require_timeable_here()
    # Its first call includes the start of the program.
    kept = {name: value for name, value in checked.items() if name != "first_ms"}
    start = perf_counter_ns()
    engine.run_for(SHORTEST_SECONDS, *pipeline.entries[0])
    warmed = WarmUp(None, (perf_counter_ns() - start) / 1e9, calls=0, steady=None, call_ns=0.0)
    timer, settings = SelfTimer(engine, pipeline.entries), {"engine": described(engine)}
    placed = partial(placement_of, engine)
    return Prepared(timer, [], kept, warmed, settings, 1, placement=placed, profiled=pipeline)


def _larger_error(checked: Mapping[str, Any], other: Mapping[str, Any]) -> Dict[str, Any]:
    errors = [check["output_error"] for check in (checked, other) if "output_error" in check]
    return {"output_error": max(errors)} if errors else {}

"""What is timed: an engine or a callable with its arguments, and the check that its outputs are right."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import DeviceTimed, Engine, Inputs, SelfTimed
from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.outcome import Synchroniser, require_finished, synchroniser
from pytest_edgeperf.measure.ranges import RangeMaker, within

#: Largest |output - reference| / largest |reference| by precision. A wrong engine is off by some 1; networks with
#: seeded weights, MobileNetV2 most of all, lose more to few bits than trained ones.
OUTPUT_TOLERANCES = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 5e-2, "bf16": 2e-1, "int8": 5e-1}


#: Metric -> the figure of a model's ``parameters`` that it is.
COUNTED = {"parameter_count": "parameters", "multiply_accumulates": "multiply_accumulates", "flops": "flops"}


class OutputMismatch(AssertionError):
    """An engine's outputs are not the reference's: a fast wrong engine is a failure."""


class Pipeline:
    """A target bound to its rotating inputs, with optional pre- and post-processing."""

    def __init__(
        self,
        target: Any,
        args: Tuple[Any, ...],
        preprocess: Optional[Callable[..., Any]] = None,
        postprocess: Optional[Callable[..., Any]] = None,
    ) -> None:
        self.engine = target if isinstance(target, Engine) else None
        if self.engine is None and not callable(target):
            raise TypeError(
                f"timed_inference takes an engine or a callable, not {type(target).__name__}; "
                "give it framework.load(...) or a function"
            )
        self.entries: Sequence[Tuple[Any, ...]] = (
            list(args[0]) if len(args) == 1 and isinstance(args[0], Inputs) else [args]
        )
        self.infer = self._synchronised(self.engine) if self.engine else target
        self.has_preprocess = preprocess is not None
        self.has_postprocess = postprocess is not None
        self.has_phases = self.has_preprocess or self.has_postprocess
        self.preprocess = _as_tuple(preprocess) if preprocess else _keep
        self.postprocess = postprocess or _ignore
        #: What waits for the work that a plain callable leaves on a device; found by :meth:`check`.
        self.synchroniser: Optional[Synchroniser] = None
        self._calls = self._bound()

    @property
    def calls(self) -> List[loop.Call]:
        """One argument-less call of the whole pipeline per entry."""
        return self._calls

    def mark_ranges(self, make: RangeMaker, prefix: str = "") -> None:
        """Have every phase from now on be a range of a profiler's timeline, named after it."""
        if self.has_preprocess:
            self.preprocess = within(make, f"{prefix}preprocess", self.preprocess)
        self.infer = within(make, f"{prefix}infer", self.infer)
        if self.has_postprocess:
            self.postprocess = within(make, f"{prefix}postprocess", self.postprocess)
        self._calls = self._bound()

    def device_figures(self) -> Dict[str, Any]:
        """What the engine's allocator holds, and the phases by the device's own clock; nothing of a callable."""
        figures: Dict[str, Any] = {}
        allocated_mib = self.engine.device_memory_mib() if self.engine is not None else None
        if allocated_mib is not None:
            figures["memory_device_allocated"] = allocated_mib
        if isinstance(self.engine, DeviceTimed):
            from pytest_edgeperf.measure.device_time import device_times

            figures.update(device_times(self.engine, [self.preprocess(*entry) for entry in self.entries]))
        return figures

    def _bound(self) -> List[loop.Call]:
        if self.has_phases:
            return [self._phased(entry) for entry in self.entries]
        return loop.bind(self.infer, self.entries)

    @staticmethod
    def _synchronised(engine: Engine) -> Callable[..., Any]:
        if type(engine).synchronise is Engine.synchronise:
            return engine.infer

        def infer(*arrays: Any) -> Any:
            outputs = engine.infer(*arrays)
            engine.synchronise()
            return outputs

        return infer

    def require_timeable_here(self) -> None:
        """Raise TypeError when the engine can only be timed by a program of its own."""
        if isinstance(self.engine, SelfTimed):
            raise TypeError(
                f"{self.engine.framework} is timed by a separate program: use timed_inference(engine, inputs), without "
                "preprocess or postprocess"
            )

    def _phased(self, entry: Tuple[Any, ...]) -> loop.Call:
        def call() -> Any:
            return self.postprocess(self.infer(*self.preprocess(*entry)))

        return call

    def check(self, check: Optional[Callable[[Any], Any]] = None) -> Dict[str, Any]:
        """Run each reference input once, and the user's ``check`` on the pipeline's own result.

        A plain callable is called once: what it returns says whether its work is over, and what waits for it if not.

        Returns:
            ``first_ms`` of the process's first inference if this, or loading the engine, made it; of an engine
            ``output_error``, the largest error as a share of the largest output, where its model has a reference,
            ``engine_size`` in MiB, the steps of loading in ms that it reports, ``imported_before``, and what its model
            counts of itself: ``parameter_count``, ``multiply_accumulates`` and ``flops`` of one image.

        Raises:
            OutputMismatch: the outputs are further from the reference than the precision allows.
            Unfinished: a plain callable returned something that would compute its answer later.
        """
        __tracebackhide__ = True
        figures: Dict[str, Any] = {}
        if self.engine is not None and self.engine.size_mib is not None:
            figures["engine_size"] = self.engine.size_mib
        if self.engine is not None:
            figures.update(self.engine.load_ms)
            figures.update(_counted(self.engine.model.parameters))
            if self.engine.imported_before:
                figures["imported_before"] = list(self.engine.imported_before)
        if self.engine is not None and self.engine.first_ms is not None:
            figures["first_ms"] = self.engine.first_ms
        if self.engine is not None and self.engine.model.reference is not None:
            figures = {**_compare(self.engine, self.infer), **figures}
        if check is None and self.engine is not None:
            return figures
        result, first_ms = self._first_call()
        figures.setdefault("first_ms", first_ms)
        if check is not None:
            answer = check(result)
            # Not "is False": a comparison of arrays gives numpy's own False.
            if answer is not None and not answer:
                raise OutputMismatch(f"the benchmark's check returned {answer!r} for the target's result")
        return figures

    def _first_call(self) -> Tuple[Any, float]:
        """The result of the first call, and what it took in ms with what it left on a device."""
        __tracebackhide__ = True
        start = perf_counter_ns()
        if self.engine is not None:
            result = self._calls[0]()
            return result, (perf_counter_ns() - start) / 1e6
        inputs = self.preprocess(*self.entries[0])
        outputs = self.infer(*inputs)
        self.synchroniser = synchroniser(outputs, inputs)
        if self.synchroniser is not None:
            self.synchroniser.wait(outputs)
            self.infer = _waiting(self.infer, self.synchroniser.wait)
            self._calls = self._bound()
        result = self.postprocess(outputs)
        first_ms = (perf_counter_ns() - start) / 1e6
        require_finished(result)
        return result, first_ms


def _waiting(infer: Callable[..., Any], wait: Callable[[Any], Any]) -> Callable[..., Any]:
    def finished(*inputs: Any) -> Any:
        outputs = infer(*inputs)
        wait(outputs)
        return outputs

    return finished


def _keep(*entry: Any) -> Tuple[Any, ...]:
    return entry


def _ignore(outputs: Any) -> Any:
    return outputs


def _as_tuple(preprocess: Callable[..., Any]) -> Callable[..., Tuple[Any, ...]]:
    def prepared(*entry: Any) -> Tuple[Any, ...]:
        tensors = preprocess(*entry)
        return tensors if isinstance(tensors, tuple) else (tensors,)

    return prepared


def _counted(parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """What a model says of its size and work, as metrics; what is no number of it is left out."""
    counts = {metric: parameters[name] for metric, name in COUNTED.items() if name in parameters}
    return {metric: count for metric, count in counts.items() if type(count) in (int, float) and count > 0}


def _compare(engine: Engine, infer: Callable[..., Any]) -> Dict[str, Any]:
    __tracebackhide__ = True
    import numpy as np

    assert engine.model.reference is not None
    reference = engine.model.reference()
    allowed = OUTPUT_TOLERANCES[engine.precision]
    worst = 0.0
    first_ms = None
    for entry, expected in zip(reference.inputs, reference.outputs):
        start = perf_counter_ns()
        outputs = infer(*entry)
        first_ms = first_ms if first_ms is not None else (perf_counter_ns() - start) / 1e6
        shapes = [tuple(np.shape(output)) for output in outputs]
        if shapes != [tuple(np.shape(output)) for output in expected]:
            raise OutputMismatch(
                f"{engine.framework} returned outputs of shapes {shapes} for {engine.model.name}; "
                f"the reference ({reference.source}) has {[tuple(np.shape(output)) for output in expected]}"
            )
        for output, right in zip(outputs, expected):
            scale = max(float(np.abs(right).max()), 1e-6)
            error = float(np.abs(np.asarray(output, dtype=float) - right).max()) / scale
            worst = max(worst, error) if error == error else float("inf")
    if not worst <= allowed:
        raise OutputMismatch(
            f"{engine.framework} returns wrong outputs for {engine.model.name} at {engine.precision}: the largest "
            f"error is {worst:.3g} of the largest output, {allowed:g} is allowed (reference: {reference.source}). "
            "Nothing was timed; check the engine's graph optimisations and precision first."
        )
    return {"first_ms": first_ms, "output_error": float(f"{worst:.3g}")}

"""What times a block: whole calls, or the phases of an inference. Other kinds stand with what they time."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Protocol, Sequence, Tuple

from pytest_edgeperf.measure import loop
from pytest_edgeperf.measure.pipeline import Pipeline


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
        """The memory of processes of its own; ``None`` where it is not known."""


class CallTimer:
    """Times whole calls."""

    def __init__(self, pipeline: Pipeline, calls_a_sample: int) -> None:
        self._calls = pipeline.calls
        self._calls_a_sample = calls_a_sample
        self._durations = loop.sample_array()

    def time(self, first: int, seconds: float) -> int:
        """Time a block from sample ``first`` on; the index after its last sample."""
        if self._calls_a_sample > 1:
            return loop.time_batches(self._calls, self._durations, first, seconds, self._calls_a_sample)
        return loop.time_calls(self._calls, self._durations, first, seconds)

    def summaries(self, samples: int) -> Dict[str, Any]:
        """``latency`` in ms."""
        return {"latency": _summary_ms(self._durations, samples)}

    def medians(self, ends: Sequence[int]) -> List[float]:
        """The median latency in ms of each block that ended at these samples."""
        return loop.medians_ms(self._durations, ends)

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        """How the latency went from the first sample to the last."""
        return _course(self._durations, ends)

    def repeat(self, seconds: float) -> Tuple[int, float]:
        """Go on untimed; the number of calls, and the seconds that they took."""
        return loop.repeat_for(self._calls, seconds)

    def children_peak_mib(self) -> float:
        """It has no processes of its own."""
        return 0.0


class PhaseTimer:
    """Times pipelines with their phases."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._arrays = loop.PhaseArrays()

    def time(self, first: int, seconds: float) -> int:
        """Time a block from sample ``first`` on; the index after its last sample."""
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
        """``latency`` and ``infer`` in ms, ``preprocess`` and ``postprocess`` where the pipeline has them."""
        arrays = self._arrays
        durations = {"latency": arrays.latency, "infer": arrays.infer}
        if self._pipeline.has_preprocess:
            durations["preprocess"] = arrays.preprocess
        if self._pipeline.has_postprocess:
            durations["postprocess"] = arrays.postprocess
        return {name: _summary_ms(durations_ns, samples) for name, durations_ns in durations.items()}

    def medians(self, ends: Sequence[int]) -> List[float]:
        """The median latency in ms of each block that ended at these samples."""
        return loop.medians_ms(self._arrays.latency, ends)

    def course(self, ends: Sequence[int]) -> Dict[str, Any]:
        """How the end-to-end latency went from the first sample to the last."""
        return _course(self._arrays.latency, ends)

    def repeat(self, seconds: float) -> Tuple[int, float]:
        """Go on untimed; the number of inferences, and the seconds that they took."""
        return loop.repeat_for(self._pipeline.calls, seconds)

    def children_peak_mib(self) -> float:
        """It has no processes of its own."""
        return 0.0


def _summary_ms(durations_ns: Any, samples: int) -> Dict[str, Any]:
    from pytest_edgeperf.measure.sample_summary import summarise

    return summarise(loop.milliseconds(durations_ns, samples))


def _course(durations_ns: Any, ends: Sequence[int]) -> Dict[str, Any]:
    from pytest_edgeperf.measure.course import course_of

    return course_of(loop.milliseconds(durations_ns, ends[-1]), ends).figures()

"""How long the layers of an engine take, as TensorRT reports it to a profiler in Python."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

from pytest_edgeperf.frameworks.profiling import NoProfile


def profiled_context(trt: Any, engine: Any, model: str) -> Tuple[Any, List[Tuple[str, float]]]:
    """A context of an engine, and a list that takes a name and ms for each layer that the context runs.

    Only what runs by ``execute_v2`` is reported by every version; ``execute_async_v2`` reports nothing before 8.5.

    Raises:
        NoProfile: there is no memory for the context.
    """
    context = engine.create_execution_context()
    if context is None:
        raise NoProfile(
            f"TensorRT {trt.__version__} cannot make a second context to profile model {model!r} in: the device has "
            "too little free memory for it"
        )
    times_ms: List[Tuple[str, float]] = []

    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            times_ms.append((layer_name, float(ms)))

    context.profiler = Profiler()
    return context, times_ms


def information(trt: Any, engine: Any) -> Optional[str]:
    """What the engine's inspector tells, as JSON; ``None`` before 8.2, which has none."""
    if not hasattr(engine, "create_engine_inspector"):
        return None
    return str(engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON))

"""Runs of tests that were written for pytest-benchmark: what its fixture measured becomes a run of ours."""

from __future__ import annotations

import platform
from typing import Any, Dict, Iterator, Mapping

import pytest

from pytest_edgeperf.measure.channel import Channel
from pytest_edgeperf.measure.measurement import METRICS, Measurement
from pytest_edgeperf.measure.own_memory import process_peak_mib
from pytest_edgeperf.measure.protocol import (
    BlockTimed,
    FixtureMeasured,
    Ready,
    RunMeasured,
    TimeBlock,
    command_of,
    message_of,
)
from pytest_edgeperf.measure.run_quality import Watch, canary_ms
from pytest_edgeperf.measure.runtimes import loaded_versions


class AdoptedBenchmark:
    """A worker's plugin that delivers what pytest-benchmark's ``benchmark`` fixture measured."""

    def __init__(self, channel: Channel, settings: Mapping[str, Any]) -> None:
        self._channel = channel
        self._settings = settings
        self._loaded: Dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Have the coordinator watch the body as one block, then read the fixture."""
        self._channel.send(message_of(Ready()))
        message = self._channel.receive()
        watch = Watch()
        canaries = [canary_ms()]
        with watch:
            yield
        canaries.append(canary_ms())
        self._loaded = loaded_versions()
        self._deliver(item, watch, canaries)
        if message is not None and isinstance(command_of(message), TimeBlock):
            self._channel.send(message_of(BlockTimed()))
            # Not before the coordinator has looked: of a process that is gone nothing can be read.
            self._channel.receive()

    def _deliver(self, item: pytest.Item, watch: Watch, canaries: Any) -> None:
        metadata = getattr(item.funcargs.get("benchmark"), "stats", None)  # type: ignore[attr-defined]
        if metadata is None or not metadata.stats.data:
            return
        self._channel.send(message_of(_figures(metadata)))
        self._channel.send(message_of(RunMeasured(self._measurement(metadata, watch, canaries))))

    def _measurement(self, metadata: Any, watch: Watch, canaries: Any) -> Measurement:
        from pytest_edgeperf.measure.course import course_of
        from pytest_edgeperf.measure.sample_summary import summarise

        memory_mib = process_peak_mib()
        samples_ms = [max(seconds, 1e-9) * 1e3 for seconds in metadata.stats.data]
        values: Dict[str, Any] = {"latency": summarise(samples_ms)}
        if memory_mib is not None:
            values["memory_process_peak"] = memory_mib
        return Measurement(
            values=values,
            metrics={name: METRICS[name] for name in values},
            quality={
                "canary_ms": [round(value, 5) for value in canaries],
                **watch.figures(),
                **course_of(samples_ms).figures(),
            },
            software={"python": platform.python_version(), **self._loaded},
            settings=dict(self._settings),
        )


def _name(value: Any) -> str:
    from pytest_benchmark.utils import funcname

    return str(funcname(value) if callable(value) else value)


def _figures(metadata: Any) -> FixtureMeasured:
    return FixtureMeasured(
        name=metadata.name,
        fullname=metadata.fullname,
        group=metadata.group,
        param=metadata.param,
        extra_info=metadata.extra_info,
        iterations=metadata.iterations,
        options={
            key: value if isinstance(value, (int, float, str, bool, type(None))) else _name(value)
            for key, value in metadata.options.items()
        },
        data_s=list(metadata.stats.data),
    )

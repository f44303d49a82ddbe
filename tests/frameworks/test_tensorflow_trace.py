"""TensorFlow's operation times: what its profiler writes, read without TensorFlow."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace as Record

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.profiling import NoProfile, OperatorTime
from pytest_edgeperf.frameworks.tensorflow.trace import operations_in, profiled


def varint(value):
    content = b""
    while value > 0x7F:
        content += bytes([value & 0x7F | 0x80])
        value >>= 7
    return content + bytes([value])


def field(number, value):
    """Of a message: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def plane(name, names, lines):
    """``names`` of events by their numbers; ``lines`` of events as number and picoseconds."""
    content = field(1, 7) + field(2, name)
    for lane in lines:
        events = b"".join(field(4, field(1, number) + field(2, 5) + field(3, took_ps)) for number, took_ps in lane)
        content += field(3, field(2, b"a thread") + events)
    for number, event in names.items():
        content += field(4, field(1, number) + field(2, field(1, number) + field(2, event)))
    return content


NAMES = {
    1: b"block/conv/Conv2D:_FusedConv2D",
    2: b"block/Relu:Relu",
    3: b"EagerLocalExecute: __inference_flat_7",
    4: b"ThreadpoolListener::Record",
    5: b"FunctionRun",
    300: b"StatefulPartitionedCall/PartitionedCall_2/dense/MatMul:MatMul",
}


def test_operations_of_the_cpus_threads_are_read_and_nothing_else():
    host = plane(b"/host:CPU", NAMES, [[(3, 9_000), (1, 2_000_000_000), (4, 1), (99, 1)], [(300, 5), (2, 1_000_000)]])
    device = plane(b"/device:GPU:0", NAMES, [[(1, 7_000_000_000)]])
    # Fields of all other types are stepped over.
    others = b"\x49" + bytes(8) + b"\x55" + bytes(4) + field(12, 1)
    content = field(1, device) + field(2, b"an error") + others + field(1, host)
    assert list(operations_in(content)) == [
        OperatorTime("block/conv/Conv2D", "_FusedConv2D", 2.0),
        OperatorTime("dense/MatMul", "MatMul", 5e-9),
        OperatorTime("block/Relu", "Relu", 0.001),
    ]


def test_an_event_without_a_duration_took_none():
    content = field(1, field(2, b"/host:CPU") + field(3, field(4, b"")) + field(4, field(2, field(2, b"x:Add"))))
    assert list(operations_in(content)) == [OperatorTime("x", "Add", 0.0)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x0a", "ends within a number"),
        (b"\x0a\x7f", "ends within a field"),
        (b"\x0b", "unknown type 3"),
        (b"\x80" * 20, "ends within a number"),
        (b"\x08\x05", "a number where a message should be"),
        (field(1, field(2, b"/host:CPU") + field(4, field(1, b"message"))), "a message where a number should be"),
    ],
)
def test_what_is_no_profile_is_one_error(content, words):
    with pytest.raises(FrameworkError, match=words):
        list(operations_in(content))


@given(st.binary(max_size=200))
def test_whatever_is_in_the_file_is_read_or_one_error(content):
    for whole in (content, field(1, field(2, b"/host:CPU") + content)):
        with suppress(FrameworkError):
            list(operations_in(whole))


class Profiler:
    """``tf.profiler.experimental``, which writes what it is given."""

    def __init__(self, content, error=None):
        self.content, self.error = content, error
        self.running = False

    def ProfilerOptions(self, **levels):
        assert levels == {"host_tracer_level": 3, "python_tracer_level": 0, "device_tracer_level": 0}
        return levels

    def start(self, logdir, options):
        if self.error is not None:
            raise self.error
        self.logdir, self.running = logdir, True

    def stop(self):
        self.running = False
        if self.content is not None:
            with open(f"{self.logdir}/host.xplane.pb", "wb") as file:
                file.write(self.content)


def module(profiler):
    return Record(__version__="2.99", profiler=Record(experimental=profiler))


def test_times_are_means_of_the_inferences_of_a_repetition():
    profiler = Profiler(field(1, plane(b"/host:CPU", NAMES, [[(1, 4_000_000_000), (1, 2_000_000_000)]])))
    seen = []
    profile = profiled(module(profiler), lambda array: seen.append(array), [(1,), (2,)], repetitions=2, calls=3)
    assert seen == [1, 2, 1] * 2
    assert profile.source == "TensorFlow's profiler"
    assert profile.repetitions == ((OperatorTime("block/conv/Conv2D", "_FusedConv2D", 2.0),),) * 2


@pytest.mark.parametrize(
    ("profiler", "words"),
    [
        (Profiler(None), "the profiler of tensorflow 2.99 sees no operation"),
        (Profiler(b""), "the profiler of tensorflow 2.99 sees no operation"),
        (Profiler(None, RuntimeError("another one is running")), "cannot start its profiler: another one is running"),
    ],
)
def test_without_operations_there_is_no_profile(profiler, words):
    with pytest.raises(NoProfile, match=words):
        profiled(module(profiler), lambda array: None, [(1,)], 1, 1)


def test_the_profiler_is_stopped_whatever_happens():
    profiler = Profiler(b"")

    def fail(array):
        assert profiler.running
        raise FrameworkError("it cannot infer")

    with pytest.raises(FrameworkError, match="it cannot infer"):
        profiled(module(profiler), fail, [(1,)], 1, 1)
    assert not profiler.running

"""How long operations take, from the file that TensorFlow's profiler writes (``xplane.pb``).

The file is read here, as far as it is needed: where TensorFlow keeps the classes for it differs from release to
release. Source: xplane.proto of OpenXLA.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, Union

from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.profiling import NoProfile, OperatorProfile, OperatorTime, in_turn, per_inference
from pytest_edgeperf.scratch import scratch

#: The plane with what the CPU's threads did.
HOST = b"/host:CPU"
#: An operation is called by its node and its type; other events have spaces or no type.
_OPERATION = re.compile(r"([A-Za-z0-9.][\w.\\/>-]*):(\w+)")
#: What a SavedModel's functions put before the names of their nodes.
_CALLS = re.compile(r"^(?:(?:Stateful)?PartitionedCall(?:_\d+)?/)+(?=.)")
#: Operations of which TensorFlow makes more than a note: 3 is all of them.
ALL_OPERATIONS = 3
#: Fields by the numbers of the schema.
PLANES = 1
PLANE_NAME, PLANE_LINES, PLANE_EVENTS = 2, 3, 4
ENTRY_KEY, ENTRY_VALUE = 1, 2
EVENT_NAME = 2
LINE_EVENTS = 4
EVENT_METADATA, EVENT_DURATION_PS = 1, 3
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5


def profiled(
    tf: Any, infer: Callable[..., Any], inputs: Sequence[Tuple[Any, ...]], repetitions: int, calls: int
) -> OperatorProfile:
    """The operations that TensorFlow's profiler sees on the CPU; ``infer`` runs one inference.

    Raises:
        NoProfile: the profiler cannot be started, or it sees no operation.
    """
    profiler = tf.profiler.experimental
    options = profiler.ProfilerOptions(host_tracer_level=ALL_OPERATIONS, python_tracer_level=0, device_tracer_level=0)
    measured = []
    for _ in range(repetitions):
        with scratch("edgeperf-tensorflow-") as folder:
            try:
                profiler.start(str(folder), options)
            except Exception as error:  # another profiler may be running
                raise NoProfile(f"tensorflow {tf.__version__} cannot start its profiler: {error}") from error
            try:
                for arrays in in_turn(inputs, calls):
                    infer(*arrays)
            finally:
                profiler.stop()
            operators = [
                operator
                for path in sorted(folder.rglob("*.xplane.pb"))
                for operator in operations_in(path.read_bytes())
            ]
        if not operators:
            raise NoProfile(f"the profiler of tensorflow {tf.__version__} sees no operation")
        measured.append(per_inference(operators, calls))
    return OperatorProfile(tuple(measured), "TensorFlow's profiler")


def operations_in(content: bytes) -> Iterator[OperatorTime]:
    """Every run of an operation on the CPU, in the order of the threads that ran them.

    Raises:
        FrameworkError: the content is no such file.
    """
    for plane in _messages(content, PLANES):
        fields = list(_fields(plane))
        if (PLANE_NAME, HOST) not in fields:
            continue
        names: Dict[int, str] = {}
        for number, entry in fields:
            if number == PLANE_EVENTS and isinstance(entry, bytes):
                pair = dict(_fields(entry))
                told = dict(_fields(_bytes(pair.get(ENTRY_VALUE, b""))))
                names[_number(pair.get(ENTRY_KEY, 0))] = _bytes(told.get(EVENT_NAME, b"")).decode("utf-8", "replace")
        for number, line in fields:
            if number == PLANE_LINES:
                for event in _messages(_bytes(line), LINE_EVENTS):
                    values = dict(_fields(event))
                    match = _OPERATION.fullmatch(names.get(_number(values.get(EVENT_METADATA, 0)), ""))
                    if match is not None:
                        duration_ps = _number(values.get(EVENT_DURATION_PS, 0))
                        name = _CALLS.sub("", match.group(1))
                        yield OperatorTime(name, match.group(2), duration_ps / 1e9)


def _messages(content: bytes, wanted: int) -> List[bytes]:
    return [_bytes(value) for number, value in _fields(content) if number == wanted]


def _fields(content: bytes) -> Iterator[Tuple[int, Union[int, bytes]]]:
    """The numbers and values of a message of Protocol Buffers: numbers as they are, all else as bytes."""
    place = 0
    while place < len(content):
        tag, place = _varint(content, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        if kind == BYTES:
            size, place = _varint(content, place)
        elif kind in (FIXED_64, FIXED_32):
            size = 8 if kind == FIXED_64 else 4
        else:
            raise FrameworkError(f"TensorFlow's profile has a field of the unknown type {kind}")
        if place + size > len(content):
            raise FrameworkError("TensorFlow's profile ends within a field")
        yield number, content[place : place + size]
        place += size


def _varint(content: bytes, place: int) -> Tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while place < len(content) and shift < 64:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise FrameworkError("TensorFlow's profile ends within a number")


def _bytes(value: Union[int, bytes]) -> bytes:
    if isinstance(value, bytes):
        return value
    raise FrameworkError("TensorFlow's profile has a number where a message should be")


def _number(value: Union[int, bytes]) -> int:
    if isinstance(value, int):
        return value
    raise FrameworkError("TensorFlow's profile has a message where a number should be")

"""Operators timed by LiteRT's own profiler, which its Python package does not reach and its C library does.

Run as a program, by :mod:`profiler`, which needs nothing but Python: a release whose C interface is another one ends
this process and no other.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any, List, Mapping, Sequence, Tuple

CPU = 1
LOCK_TO_WRITE = 1
#: Of events: a node of the graph, a node that a delegate took as a whole, and an operator within such a node.
OPERATOR, DELEGATE, DELEGATED_OPERATOR = 1 << 1, 1 << 2, 1 << 3
#: More than LiteRT says of a tensor's type.
TYPE_BYTES = 1024

Pointer = ctypes.c_void_p


class Event(ctypes.Structure):
    """``ProfiledEventData`` of litert_profiler_event.h."""

    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("kind", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory", ctypes.c_size_t * 6),
        ("index", ctypes.c_uint64),
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    ]


class Network:
    """A compiled model with buffers for its inputs and outputs, on the CPU with so many threads, profiled."""

    def __init__(self, library: str, model: str, threads: int, signature: str) -> None:
        """Load it; ``signature`` is the key of what is run, or empty for the first."""
        self._library = ctypes.CDLL(library)
        self._libc = ctypes.CDLL(None)
        self._libc.strdup.restype = Pointer
        environment, loaded, options = Pointer(), Pointer(), Pointer()
        self._call("LiteRtCreateEnvironment", ctypes.c_int(0), None, ctypes.byref(environment))
        self._call("LiteRtCreateModelFromFile", environment, os.fsencode(model), ctypes.byref(loaded))
        self._call("LiteRtCreateOptions", ctypes.byref(options))
        self._call("LiteRtSetOptionsHardwareAccelerators", options, ctypes.c_int(CPU))
        self._add(options, b"xnnpack", f"num_threads = {threads}\n")
        self._add(options, b"runtime_options_string", "enable_profiling = true\n")
        self._compiled = Pointer()
        self._call("LiteRtCreateCompiledModel", environment, loaded, options, ctypes.byref(self._compiled))
        self._profiler = Pointer()
        self._call("LiteRtCompiledModelGetProfiler", self._compiled, ctypes.byref(self._profiler))
        if not self._profiler:
            raise SystemExit("it made no profiler")
        self._place, signed = self._signature(loaded, signature)
        self._inputs = self._buffers(environment, signed, "Input")
        self._outputs = self._buffers(environment, signed, "Output")

    def fill(self, arrays: Sequence[Tuple[Sequence[str], bytes]]) -> None:
        """Write the inputs, each given with all its names."""
        for names, buffer in self._inputs:
            data = next((data for known, data in arrays if set(known) & set(names)), None)
            size = ctypes.c_size_t()
            self._call("LiteRtGetTensorBufferPackedSize", buffer, ctypes.byref(size))
            if data is None or len(data) != size.value:
                given = "nothing" if data is None else f"{len(data)} bytes"
                raise SystemExit(
                    f"its input {names[0]!r} takes {size.value} bytes, and the engine is given {given}; an input of "
                    "free size is profiled in the file's own shape only"
                )
            address = Pointer()
            self._call("LiteRtLockTensorBuffer", buffer, ctypes.byref(address), ctypes.c_int(LOCK_TO_WRITE))
            ctypes.memmove(address, data, len(data))
            self._call("LiteRtUnlockTensorBuffer", buffer)

    def operators(self) -> List[Tuple[str, float]]:
        """Infer once: the tags of operators in their order, with what each took in ms."""
        self._call("LiteRtResetProfiler", self._profiler)
        self._call("LiteRtStartProfiler", self._profiler)
        arguments: List[Any] = []
        for buffers in (self._inputs, self._outputs):
            arguments += [ctypes.c_size_t(len(buffers)), (Pointer * len(buffers))(*(buffer for _, buffer in buffers))]
        self._call("LiteRtRunCompiledModel", self._compiled, ctypes.c_size_t(self._place), *arguments)
        self._call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        if count.value < 1:
            return []
        told = (Event * count.value)()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, told)
        kinds = {event.kind for event in told}
        # A delegate that times its operators is not timed as a whole, too.
        wanted = (OPERATOR, DELEGATED_OPERATOR if DELEGATED_OPERATOR in kinds else DELEGATE)
        return [
            (event.tag.decode("utf-8", "replace"), event.elapsed_us / 1e3)
            for event in told
            if event.kind in wanted and event.tag
        ]

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self._library, name)(*arguments)
        if status != 0:
            raise SystemExit(f"{name} failed ({status})")

    def _add(self, options: Any, identifier: bytes, text: str) -> None:
        """Options in TOML, which LiteRT frees."""
        made = Pointer()
        data = Pointer(self._libc.strdup(text.encode()))
        free = ctypes.cast(self._libc.free, Pointer)
        self._call("LiteRtCreateOpaqueOptions", identifier, data, free, ctypes.byref(made))
        self._call("LiteRtAddOpaqueOptions", options, made)

    def _signature(self, model: Any, wanted: str) -> Tuple[int, Any]:
        """The number and the handle of the signature of this key."""
        count = ctypes.c_size_t()
        self._call("LiteRtGetNumModelSignatures", model, ctypes.byref(count))
        for place in range(count.value):
            signature, key = Pointer(), ctypes.c_char_p()
            self._call("LiteRtGetModelSignature", model, ctypes.c_size_t(place), ctypes.byref(signature))
            self._call("LiteRtGetSignatureKey", signature, ctypes.byref(key))
            if not wanted or (key.value or b"").decode("utf-8", "replace") == wanted:
                return place, signature
        raise SystemExit(f"it has no signature {wanted!r}")

    def _buffers(self, environment: Any, signature: Any, side: str) -> List[Tuple[List[str], Any]]:
        """A buffer for each ``Input`` or ``Output``, with its names in the signature and in the graph."""
        count = ctypes.c_size_t()
        self._call(f"LiteRtGetNumSignature{side}s", signature, ctypes.byref(count))
        buffers = []
        for number in range(count.value):
            place, name, own_name = ctypes.c_size_t(number), ctypes.c_char_p(), ctypes.c_char_p()
            tensor, requirements, buffer = Pointer(), Pointer(), Pointer()
            kind = ctypes.create_string_buffer(TYPE_BYTES)
            self._call(f"LiteRtGetSignature{side}Name", signature, place, ctypes.byref(name))
            self._call(f"LiteRtGetSignature{side}TensorByIndex", signature, place, ctypes.byref(tensor))
            self._call("LiteRtGetTensorName", tensor, ctypes.byref(own_name))
            self._call("LiteRtGetRankedTensorType", tensor, kind)
            self._call(
                f"LiteRtGetCompiledModel{side}BufferRequirements",
                self._compiled,
                ctypes.c_size_t(self._place),
                place,
                ctypes.byref(requirements),
            )
            self._call(
                "LiteRtCreateManagedTensorBufferFromRequirements", environment, kind, requirements, ctypes.byref(buffer)
            )
            names = [(told.value or b"").decode("utf-8", "replace") for told in (name, own_name)]
            buffers.append((names, buffer))
        return buffers


def measured(order: Mapping[str, Any]) -> List[List[List[Tuple[str, float]]]]:
    """For each repetition and each of its inferences the operators with their ms.

    Raises:
        SystemExit: the library does not do it; with the reason.
    """
    network = Network(order["library"], order["model"], order["threads"], order["signature"])
    inputs: List[List[Tuple[Sequence[str], bytes]]] = []
    for entry in order["inputs"]:
        inputs.append([])
        for names, path in entry:
            with open(path, "rb") as file:
                inputs[-1].append((names, file.read()))

    def infer(calls: int) -> List[List[Tuple[str, float]]]:
        told = []
        for call in range(calls):
            network.fill(inputs[call % len(inputs)])
            told.append(network.operators())
        return told

    infer(order["warm_up"])
    return [infer(order["calls"]) for _ in range(order["repetitions"])]


def main() -> None:
    """Write what standard input orders into the file that it names."""
    order = json.load(sys.stdin)
    result = measured(order)
    with open(order["result"], "w", encoding="utf-8") as file:
        json.dump(result, file)
    # What the library does when it is unloaded is not waited for.
    os._exit(0)


if __name__ == "__main__":
    main()

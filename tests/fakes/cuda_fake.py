"""A strict fake of CUDA: one device whose work happens when it is waited for, behind fakes of cuda-bindings and PyCUDA.

Both fakes have the functions that :mod:`pytest_edgeperf.frameworks.cuda` calls and no others. Copies and inferences
wait in their stream until it is synchronised, so an engine that does not wait reads what was there before. What the
device is like comes from the environment (:data:`VARIABLE`), so that child processes have the same.
"""

from __future__ import annotations

import ctypes
import enum
import itertools
import json
import os
import threading
import time
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

#: JSON; see :data:`DEFAULTS`.
VARIABLE = "EDGEPERF_FAKE_TENSORRT"
DEFAULTS: Dict[str, Any] = {
    "version": "10.3",
    "gpu": "Fake Orin",
    "capability": [8, 7],
    "driver": True,
    "devices": 1,
    # What an inference really takes, at synchronisation.
    "slowness_s": 0.0,
}
COPY_MS, RUN_MS = 0.25, 2.0
TOTAL = 1 << 30
#: What page-locked and device memory holds before anything was written: as float32 a large negative number.
GARBAGE = 0xCB


def trait(name: str) -> Any:
    """How the device, or TensorRT, is to be; ``None`` where nothing was said."""
    return {**DEFAULTS, **json.loads(os.environ.get(VARIABLE, "{}"))}.get(name)


class Device:
    """Memory, streams and a clock of its own, in ms."""

    def __init__(self) -> None:
        self.memory: Dict[int, Any] = {}
        self.page_locked: Dict[int, Any] = {}
        self.streams: Dict[int, List[Callable[[], float]]] = {}
        self.events: Dict[int, float] = {}
        self.clock_ms = 0.0
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def reset(self) -> None:
        """Forget what earlier tests did not give back."""
        for held in (self.memory, self.page_locked, self.streams, self.events):
            held.clear()

    def held(self) -> Dict[str, int]:
        """What has not been given back."""
        return {
            "memory": len(self.memory),
            "page_locked": len(self.page_locked),
            "streams": len(self.streams),
            "events": len(self.events),
        }

    def number(self) -> int:
        return next(self._numbers)

    def allocate(self, nbytes: int) -> int:
        assert nbytes > 0, "CUDA gives no address for no bytes"
        address = 0x7_0000_0000 + self.number() * (1 << 32)
        self.memory[address] = bytearray([GARBAGE]) * nbytes
        return address

    def read(self, address: int, nbytes: int) -> bytes:
        assert address in self.memory, f"{address:#x} is no memory of the device"
        assert nbytes <= len(self.memory[address]), "more than was allocated is read"
        return bytes(self.memory[address][:nbytes])

    def write(self, address: int, data: bytes) -> None:
        assert address in self.memory, f"{address:#x} is no memory of the device"
        assert len(data) <= len(self.memory[address]), "more than was allocated is written"
        self.memory[address][: len(data)] = data

    def lock_pages(self, nbytes: int) -> int:
        buffer = ctypes.create_string_buffer(nbytes)
        ctypes.memset(buffer, GARBAGE, nbytes)
        self.page_locked[ctypes.addressof(buffer)] = buffer
        return ctypes.addressof(buffer)

    def require_page_locked(self, address: int, nbytes: int) -> None:
        buffer = self.page_locked.get(address)
        assert buffer is not None, "a copy from or to memory that is not page-locked is not asynchronous"
        assert nbytes <= len(buffer), "more than was page-locked is copied"

    def create_stream(self) -> int:
        stream = self.number()
        self.streams[stream] = []
        return stream

    def destroy_stream(self, stream: int) -> None:
        assert not self.streams.pop(stream), "a stream is destroyed with work in it"

    def put(self, stream: int, work: Callable[[], None], takes_ms: float) -> None:
        assert stream in self.streams, f"{stream} is no stream"

        def do() -> float:
            work()
            return takes_ms

        self.streams[stream].append(do)

    def synchronise(self, stream: int) -> None:
        assert stream in self.streams, f"{stream} is no stream"
        waiting, self.streams[stream] = self.streams[stream], []
        with self._lock:
            for do in waiting:
                self.clock_ms += do()

    def copy_in(self, address: int, host: int, nbytes: int, stream: int) -> None:
        self.require_page_locked(host, nbytes)
        self.put(stream, lambda: self.write(address, ctypes.string_at(host, nbytes)), COPY_MS)

    def copy_out(self, host: int, address: int, nbytes: int, stream: int) -> None:
        self.require_page_locked(host, nbytes)
        self.put(stream, lambda: _fill(host, self.read(address, nbytes)), COPY_MS)

    def run(self, work: Callable[[], None], stream: int) -> None:
        """Put an inference into the stream."""

        def slow() -> None:
            time.sleep(trait("slowness_s"))
            work()

        self.put(stream, slow, RUN_MS)

    def create_event(self) -> int:
        event = self.number()
        self.events[event] = float("nan")
        return event

    def record(self, event: int, stream: int) -> None:
        def set_it() -> None:
            self.events[event] = self.clock_ms

        self.events[event] = float("nan")
        self.put(stream, set_it, 0.0)

    def elapsed_ms(self, start: int, end: int) -> float:
        return self.events[end] - self.events[start]


def _fill(host: int, data: bytes) -> None:
    ctypes.memmove(host, data, len(data))


#: The device of this process.
DEVICE = Device()


class cudaError_t(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorNoDevice = 100
    cudaErrorNotReady = 600


class cudaMemcpyKind(enum.IntEnum):
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class Handle:
    """A handle of cuda-bindings, which is no number but has one."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __int__(self) -> int:
        return self._number


class Properties:
    """What we read of ``cudaDeviceProp``."""

    def __init__(self) -> None:
        self.name = trait("gpu").encode() + b"\0\0"
        self.major, self.minor = trait("capability")


OK = cudaError_t.cudaSuccess


class Runtime:
    """``cuda.bindings.runtime``: functions return their error first, all that they have in a tuple."""

    cudaError_t = cudaError_t
    cudaMemcpyKind = cudaMemcpyKind
    cudaStreamNonBlocking = 1
    cudaHostAllocDefault = 0

    def cudaGetDeviceCount(self) -> Tuple[Any, ...]:
        if not trait("driver"):
            return cudaError_t.cudaErrorInsufficientDriver, None
        if not trait("devices"):
            return cudaError_t.cudaErrorNoDevice, None
        return OK, trait("devices")

    def cudaGetDeviceProperties(self, device: int) -> Tuple[Any, ...]:
        assert device == 0
        return OK, Properties()

    def cudaMemGetInfo(self) -> Tuple[Any, ...]:
        used = sum(map(len, DEVICE.memory.values()))
        return OK, TOTAL - used, TOTAL

    def cudaMalloc(self, size: int) -> Tuple[Any, ...]:
        if size > TOTAL:
            return cudaError_t.cudaErrorMemoryAllocation, None
        return OK, DEVICE.allocate(size)

    def cudaFree(self, devPtr: int) -> Tuple[Any, ...]:
        del DEVICE.memory[devPtr]
        return (OK,)

    def cudaHostAlloc(self, size: int, flags: int) -> Tuple[Any, ...]:
        assert flags == 0
        return OK, DEVICE.lock_pages(size)

    def cudaFreeHost(self, ptr: int) -> Tuple[Any, ...]:
        del DEVICE.page_locked[ptr]
        return (OK,)

    def cudaStreamCreateWithFlags(self, flags: int) -> Tuple[Any, ...]:
        assert flags == self.cudaStreamNonBlocking, "other streams wait for the default one"
        return OK, Handle(DEVICE.create_stream())

    def cudaStreamDestroy(self, stream: int) -> Tuple[Any, ...]:
        DEVICE.destroy_stream(int(stream))
        return (OK,)

    def cudaStreamSynchronize(self, stream: int) -> Tuple[Any, ...]:
        DEVICE.synchronise(int(stream))
        return (OK,)

    def cudaMemcpyAsync(self, dst: int, src: int, count: int, kind: Any, stream: int) -> Tuple[Any, ...]:
        if kind is cudaMemcpyKind.cudaMemcpyHostToDevice:
            DEVICE.copy_in(dst, src, count, int(stream))
        else:
            assert kind is cudaMemcpyKind.cudaMemcpyDeviceToHost
            DEVICE.copy_out(dst, src, count, int(stream))
        return (OK,)

    def cudaEventCreate(self) -> Tuple[Any, ...]:
        return OK, Handle(DEVICE.create_event())

    def cudaEventRecord(self, event: Any, stream: int) -> Tuple[Any, ...]:
        DEVICE.record(int(event), int(stream))
        return (OK,)

    def cudaEventElapsedTime(self, start: Any, end: Any) -> Tuple[Any, ...]:
        elapsed_ms = DEVICE.elapsed_ms(int(start), int(end))
        return (OK, elapsed_ms) if elapsed_ms == elapsed_ms else (cudaError_t.cudaErrorNotReady, None)

    def cudaEventDestroy(self, event: Any) -> Tuple[Any, ...]:
        del DEVICE.events[int(event)]
        return (OK,)


class PyCudaDriver:
    """``pycuda.driver``: nothing works in a thread that has not pushed a context."""

    class Error(Exception):
        pass

    def __init__(self) -> None:
        self.initialised = False
        self._threads = threading.local()
        outer = self

        class Context:
            def push(self) -> None:
                outer.depth(1)

            @staticmethod
            def pop() -> None:
                assert outer.depth() > 0, "no context was pushed"
                outer.depth(-1)

        class Device:
            def __init__(self, number: int) -> None:
                assert outer.initialised
                assert number == 0

            @staticmethod
            def count() -> int:
                assert outer.initialised
                return int(trait("devices"))

            def name(self) -> str:
                return str(trait("gpu"))

            def compute_capability(self) -> Tuple[int, int]:
                return tuple(trait("capability"))

            def retain_primary_context(self) -> Any:
                return Context()

        class Stream:
            def __init__(self, flags: int = 0) -> None:
                outer.require_context()
                assert flags == 1, "other streams wait for the default one"
                self.handle = DEVICE.create_stream()

            def synchronize(self) -> None:
                outer.require_context()
                DEVICE.synchronise(self.handle)

            def __del__(self) -> None:
                DEVICE.streams.pop(self.handle, None)

        class Event:
            def __init__(self) -> None:
                outer.require_context()
                self._number = DEVICE.create_event()

            def record(self, stream: Any) -> None:
                outer.require_context()
                DEVICE.record(self._number, stream.handle)

            def time_since(self, start: Any) -> float:
                elapsed_ms = DEVICE.elapsed_ms(start._number, self._number)
                if elapsed_ms != elapsed_ms:
                    raise outer.Error("cuEventElapsedTime failed: device not ready")
                return elapsed_ms

            def __del__(self) -> None:
                DEVICE.events.pop(self._number, None)

        self.Context, self.Device, self.Stream, self.Event = Context, Device, Stream, Event

    def depth(self, change: int = 0) -> int:
        """How many contexts this thread has pushed."""
        self._threads.depth = getattr(self._threads, "depth", 0) + change
        return int(self._threads.depth)

    def require_context(self) -> None:
        if self.depth() == 0:
            raise self.Error("explicit_context_dependent failed: invalid device context - no currently active context?")

    def init(self) -> None:
        if not trait("driver"):
            raise self.Error("cuInit failed: system has unsupported display driver / cuda driver combination")
        if not trait("devices"):
            raise self.Error("cuInit failed: no CUDA-capable device is detected")
        self.initialised = True

    def mem_get_info(self) -> Tuple[int, int]:
        self.require_context()
        return TOTAL - sum(map(len, DEVICE.memory.values())), TOTAL

    def mem_alloc(self, nbytes: int) -> Any:
        self.require_context()
        if nbytes > TOTAL:
            raise self.Error("cuMemAlloc failed: out of memory")
        return _Allocation(DEVICE.allocate(nbytes))

    def pagelocked_empty(self, shape: Tuple[int, ...], dtype: Any) -> Any:
        self.require_context()
        return np.asarray(_HostAllocation(shape, np.dtype(dtype)))

    def memcpy_htod_async(self, dest: int, src: Any, stream: Any) -> None:
        self.require_context()
        DEVICE.copy_in(dest, src.ctypes.data, src.nbytes, stream.handle)

    def memcpy_dtoh_async(self, dest: Any, src: int, stream: Any) -> None:
        self.require_context()
        DEVICE.copy_out(dest.ctypes.data, src, dest.nbytes, stream.handle)


class _Allocation:
    def __init__(self, address: int) -> None:
        self._address = address

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        del DEVICE.memory[self._address]


class _HostAllocation:
    def __init__(self, shape: Tuple[int, ...], dtype: Any) -> None:
        self._address = DEVICE.lock_pages(max(1, int(np.prod(shape)) * dtype.itemsize))
        self.__array_interface__ = {
            "shape": tuple(shape),
            "typestr": dtype.str,
            "data": (self._address, False),
            "version": 3,
        }

    def free(self) -> None:
        del DEVICE.page_locked[self._address]

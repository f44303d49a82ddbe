"""CUDA by NVIDIA's cuda-bindings."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Sequence, Tuple, cast

from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.cuda.device import DEVICE, NO_DEVICE, NO_DRIVER, Cuda
from pytest_edgeperf.frameworks.interface import FrameworkError

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: Distributions that bring them.
BINDINGS_DISTRIBUTIONS = ("cuda-bindings", "cuda-python")
_SUCCESS = 0
_ERROR_NO_DEVICE = "cudaErrorNoDevice"
_ERRORS_NO_DRIVER = (
    "cudaErrorInsufficientDriver",
    "cudaErrorInitializationError",
    "cudaErrorSystemDriverMismatch",
    "cudaErrorStubLibrary",
)


class CudaBindings(Cuda):
    """By NVIDIA's cuda-bindings: the runtime's functions, which use the device's primary context in every thread."""

    package = "cuda-bindings"

    def __init__(self, runtime: Any) -> None:
        """Look for the driver and the device.

        Raises:
            FrameworkError: there is none.
        """
        self._runtime = runtime
        self.version = next(filter(None, map(version_of, BINDINGS_DISTRIBUTIONS)), "unknown")
        self._in = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._out = runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        try:
            error, count = runtime.cudaGetDeviceCount()
        except RuntimeError as missing:  # the driver's library was looked for and not found
            raise FrameworkError(NO_DRIVER.format(package=self.package, words=missing)) from missing
        if error.name == _ERROR_NO_DEVICE or (int(error) == _SUCCESS and count == 0):
            raise FrameworkError(NO_DEVICE.format(package=self.package, words=error.name))
        if error.name in _ERRORS_NO_DRIVER:
            raise FrameworkError(NO_DRIVER.format(package=self.package, words=error.name))
        _require_success("cudaGetDeviceCount", error)

    def device_name(self) -> str:
        """As NVIDIA calls it."""
        return bytes(self._properties().name).rstrip(b"\0").decode("utf-8", "replace")

    def compute_capability(self) -> Tuple[int, int]:
        """Major and minor."""
        properties = self._properties()
        return int(properties.major), int(properties.minor)

    def memory_mib(self) -> Tuple[float, float]:
        """What is free and what there is of the device's memory, in MiB."""
        error, free, total = self._runtime.cudaMemGetInfo()
        _require_success("cudaMemGetInfo", error)
        return free / 2**20, total / 2**20

    def allocate(self, nbytes: int) -> int:
        """The address of so much of the device's memory."""
        error, address = self._runtime.cudaMalloc(nbytes)
        _require_success(f"cudaMalloc of {nbytes} bytes", error)
        return int(address)

    def free(self, address: int) -> None:
        """Give back what :meth:`allocate` gave."""
        (error,) = self._runtime.cudaFree(address)
        _require_success("cudaFree", error)

    def page_locked(self, shape: Sequence[int], dtype: str) -> Array:
        """An array in page-locked memory of the host, which copies need to be asynchronous."""
        import numpy as np

        count = int(np.prod(shape, dtype=np.int64))
        nbytes = max(1, count * np.dtype(dtype).itemsize)
        error, address = self._runtime.cudaHostAlloc(nbytes, self._runtime.cudaHostAllocDefault)
        _require_success(f"cudaHostAlloc of {nbytes} bytes", error)
        memory = (ctypes.c_byte * nbytes).from_address(int(address))
        array: Array = np.frombuffer(cast(Any, memory), np.dtype(dtype), count)
        return array.reshape(tuple(shape))

    def free_page_locked(self, array: Array) -> None:
        """Give back what :meth:`page_locked` gave; the array must not be used afterwards."""
        (error,) = self._runtime.cudaFreeHost(array.ctypes.data)
        _require_success("cudaFreeHost", error)

    def stream(self) -> int:
        """The handle of a new stream, which does not wait for the default one."""
        error, stream = self._runtime.cudaStreamCreateWithFlags(self._runtime.cudaStreamNonBlocking)
        _require_success("cudaStreamCreateWithFlags", error)
        return int(stream)

    def destroy_stream(self, stream: int) -> None:
        """Give a stream back."""
        (error,) = self._runtime.cudaStreamDestroy(stream)
        _require_success("cudaStreamDestroy", error)

    def synchronise(self, stream: int) -> None:
        """Wait until all that was put into the stream is done."""
        (error,) = self._runtime.cudaStreamSynchronize(stream)
        _require_success("cudaStreamSynchronize", error)

    def copy_in(self, address: int, array: Array, stream: int) -> None:
        """Copy a contiguous array of the host to the device, in the stream."""
        (error,) = self._runtime.cudaMemcpyAsync(address, array.ctypes.data, array.nbytes, self._in, stream)
        _require_success("cudaMemcpyAsync to the device", error)

    def copy_out(self, array: Array, address: int, stream: int) -> None:
        """Copy from the device into a contiguous array of the host, in the stream."""
        (error,) = self._runtime.cudaMemcpyAsync(array.ctypes.data, address, array.nbytes, self._out, stream)
        _require_success("cudaMemcpyAsync to the host", error)

    def event(self) -> Any:
        """A new event that keeps the time."""
        error, event = self._runtime.cudaEventCreate()
        _require_success("cudaEventCreate", error)
        return event

    def record(self, event: Any, stream: int) -> None:
        """Let the stream set the event when it comes to it."""
        (error,) = self._runtime.cudaEventRecord(event, stream)
        _require_success("cudaEventRecord", error)

    def elapsed_ms(self, start: Any, end: Any) -> float:
        """Between two events that have been set, to half a microsecond."""
        error, elapsed_ms = self._runtime.cudaEventElapsedTime(start, end)
        _require_success("cudaEventElapsedTime", error)
        return float(elapsed_ms)

    def destroy_event(self, event: Any) -> None:
        """Give an event back."""
        (error,) = self._runtime.cudaEventDestroy(event)
        _require_success("cudaEventDestroy", error)

    def _properties(self) -> Any:
        error, properties = self._runtime.cudaGetDeviceProperties(DEVICE)
        _require_success("cudaGetDeviceProperties", error)
        return properties


def _require_success(what: str, error: Any) -> None:
    if int(error) != _SUCCESS:
        raise FrameworkError(f"CUDA: {what} failed: {error.name}")

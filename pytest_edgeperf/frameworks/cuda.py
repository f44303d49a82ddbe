"""What adapters need of CUDA itself (buffers, copies, streams, events), by cuda-bindings or PyCUDA, whichever is here.

Nothing is imported before :func:`open_cuda`. PyTorch has all of this by itself and does not come here.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any, Dict, List, Sequence, Tuple, cast

from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.interface import FrameworkError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Optional, Type

    from pytest_edgeperf.frameworks.interface import Array

#: Where cuda-bindings has the runtime's functions; older releases, as the package cuda-python, have the second.
BINDINGS = ("cuda.bindings.runtime", "cuda.cudart")
PYCUDA = "pycuda.driver"
#: Distributions that bring them.
BINDINGS_DISTRIBUTIONS = ("cuda-bindings", "cuda-python")
DEVICE = 0
NO_PACKAGE = (
    "using CUDA needs cuda-bindings or PyCUDA, and neither is installed: pip install cuda-bindings "
    "(on JetPack 4 and 5: pip install pycuda)"
)
NO_DRIVER = (
    "{package} finds no driver of NVIDIA's that is new enough for it ({words}): install the driver, or the release of "
    "{package} for the driver's CUDA"
)
NO_DEVICE = (
    "{package} finds no CUDA device ({words}): is there a GPU, may this user or container use it, and does "
    "CUDA_VISIBLE_DEVICES name it?"
)
_SUCCESS = 0
_ERROR_NO_DEVICE = "cudaErrorNoDevice"
_ERRORS_NO_DRIVER = (
    "cudaErrorInsufficientDriver",
    "cudaErrorInitializationError",
    "cudaErrorSystemDriverMismatch",
    "cudaErrorStubLibrary",
)


class Cuda(ABC):
    """One device of CUDA; handles and addresses are plain integers, as other libraries take them."""

    #: The Python package that it is, and its version.
    package: str
    version: str

    @abstractmethod
    def device_name(self) -> str:
        """As NVIDIA calls it."""

    @abstractmethod
    def compute_capability(self) -> Tuple[int, int]:
        """Major and minor."""

    @abstractmethod
    def memory_mib(self) -> Tuple[float, float]:
        """What is free and what there is of the device's memory, in MiB."""

    @abstractmethod
    def allocate(self, nbytes: int) -> int:
        """The address of so much of the device's memory."""

    @abstractmethod
    def free(self, address: int) -> None:
        """Give back what :meth:`allocate` gave."""

    @abstractmethod
    def page_locked(self, shape: Sequence[int], dtype: str) -> Array:
        """An array in page-locked memory of the host, which copies need to be asynchronous."""

    @abstractmethod
    def free_page_locked(self, array: Array) -> None:
        """Give back what :meth:`page_locked` gave; the array must not be used afterwards."""

    @abstractmethod
    def stream(self) -> int:
        """The handle of a new stream, which does not wait for the default one."""

    @abstractmethod
    def destroy_stream(self, stream: int) -> None:
        """Give a stream back."""

    @abstractmethod
    def synchronise(self, stream: int) -> None:
        """Wait until all that was put into the stream is done."""

    @abstractmethod
    def copy_in(self, address: int, array: Array, stream: int) -> None:
        """Copy a contiguous array of the host to the device, in the stream."""

    @abstractmethod
    def copy_out(self, array: Array, address: int, stream: int) -> None:
        """Copy from the device into a contiguous array of the host, in the stream."""

    @abstractmethod
    def event(self) -> Any:
        """A new event that keeps the time."""

    @abstractmethod
    def record(self, event: Any, stream: int) -> None:
        """Let the stream set the event when it comes to it."""

    @abstractmethod
    def elapsed_ms(self, start: Any, end: Any) -> float:
        """Between two events that have been set, to half a microsecond."""

    @abstractmethod
    def destroy_event(self, event: Any) -> None:
        """Give an event back."""


def open_cuda() -> Cuda:
    """The first CUDA device, by cuda-bindings, else by PyCUDA; takes none of the device's memory yet.

    Raises:
        FrameworkError: neither package is installed or can be imported, there is no driver for it, or no device.
    """
    broken: List[str] = []
    for name in (*BINDINGS, PYCUDA):
        try:
            module = import_module(name)
        except ImportError as error:
            if not _is_absent(name, error):
                broken.append(f"{name} is installed but cannot be imported: {error}")
            continue
        return PyCuda(module) if name == PYCUDA else CudaBindings(module)
    if not broken:
        raise FrameworkError(NO_PACKAGE)
    if all("libcuda" in reason for reason in broken):
        raise FrameworkError(NO_DRIVER.format(package="PyCUDA", words="; ".join(broken)))
    raise FrameworkError(f"{'; '.join(broken)}; reinstall it, or pip install cuda-bindings")


def _is_absent(name: str, error: ImportError) -> bool:
    """Whether the module, or a package that it is in, is what was not found."""
    return isinstance(error, ModuleNotFoundError) and bool(error.name) and f"{name}.".startswith(f"{error.name}.")


class CudaBindings(Cuda):
    """By NVIDIA's cuda-bindings: the runtime's functions, which use the device's primary context in every thread."""

    package = "cuda-bindings"

    def __init__(self, runtime: Any) -> None:
        """Look for the driver and the device.

        Raises:
            FrameworkError: there is none.
        """
        self._runtime = runtime
        self.version = next((found for found in map(version_of, BINDINGS_DISTRIBUTIONS) if found), "unknown")
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


class PyCuda(Cuda):
    """By PyCUDA, in the device's primary context: the one that TensorRT and ONNX Runtime use.

    PyCUDA knows a context only in the thread that pushed it, and ends the process when a thread ends with one; so each
    call pushes it and pops it.
    """

    package = "pycuda"

    def __init__(self, driver: Any) -> None:
        """Look for the driver and the device.

        Raises:
            FrameworkError: there is none, or PyCUDA is too old to share the primary context.
        """
        self._driver = driver
        self.version = version_of("pycuda") or "unknown"
        try:
            driver.init()
            count = driver.Device.count()
        except driver.Error as error:
            sentence = NO_DEVICE if "no CUDA-capable device" in str(error) else NO_DRIVER
            raise FrameworkError(sentence.format(package="PyCUDA", words=error)) from error
        if count == 0:
            raise FrameworkError(NO_DEVICE.format(package="PyCUDA", words="it counts 0"))
        self._device = driver.Device(DEVICE)
        if not hasattr(self._device, "retain_primary_context"):
            raise FrameworkError(
                f"PyCUDA {self.version} cannot share a device's primary context; install PyCUDA 2020.1 or newer"
            )
        self._context: Any = None
        self._memory: Dict[int, Any] = {}
        self._hosts: Dict[int, Any] = {}
        self._streams: Dict[int, Any] = {}

    def device_name(self) -> str:
        """As NVIDIA calls it."""
        return str(self._device.name())

    def compute_capability(self) -> Tuple[int, int]:
        """Major and minor."""
        major, minor = self._device.compute_capability()
        return int(major), int(minor)

    def memory_mib(self) -> Tuple[float, float]:
        """What is free and what there is of the device's memory, in MiB."""
        with self._pushed():
            free, total = self._driver.mem_get_info()
        return free / 2**20, total / 2**20

    def allocate(self, nbytes: int) -> int:
        """The address of so much of the device's memory."""
        with self._pushed():
            memory = self._driver.mem_alloc(nbytes)
        self._memory[int(memory)] = memory
        return int(memory)

    def free(self, address: int) -> None:
        """Give back what :meth:`allocate` gave."""
        with self._pushed():
            self._memory.pop(address).free()

    def page_locked(self, shape: Sequence[int], dtype: str) -> Array:
        """An array in page-locked memory of the host, which copies need to be asynchronous."""
        with self._pushed():
            array: Array = self._driver.pagelocked_empty(tuple(shape), dtype)
        self._hosts[array.ctypes.data] = array.base
        return array

    def free_page_locked(self, array: Array) -> None:
        """Give back what :meth:`page_locked` gave; the array must not be used afterwards."""
        with self._pushed():
            self._hosts.pop(array.ctypes.data).free()

    def stream(self) -> int:
        """The handle of a new stream, which does not wait for the default one."""
        with self._pushed():
            # CU_STREAM_NON_BLOCKING, for which PyCUDA has no name.
            stream = self._driver.Stream(1)
        self._streams[int(stream.handle)] = stream
        return int(stream.handle)

    def destroy_stream(self, stream: int) -> None:
        """Give a stream back."""
        with self._pushed():
            del self._streams[stream]

    def synchronise(self, stream: int) -> None:
        """Wait until all that was put into the stream is done."""
        with self._pushed():
            self._streams[stream].synchronize()

    def copy_in(self, address: int, array: Array, stream: int) -> None:
        """Copy a contiguous array of the host to the device, in the stream."""
        with self._pushed():
            self._driver.memcpy_htod_async(address, array, self._streams[stream])

    def copy_out(self, array: Array, address: int, stream: int) -> None:
        """Copy from the device into a contiguous array of the host, in the stream."""
        with self._pushed():
            self._driver.memcpy_dtoh_async(array, address, self._streams[stream])

    def event(self) -> Any:
        """A new event that keeps the time."""
        with self._pushed():
            return self._driver.Event()

    def record(self, event: Any, stream: int) -> None:
        """Let the stream set the event when it comes to it."""
        with self._pushed():
            event.record(self._streams[stream])

    def elapsed_ms(self, start: Any, end: Any) -> float:
        """Between two events that have been set, to half a microsecond."""
        with self._pushed():
            return float(end.time_since(start))

    def destroy_event(self, event: Any) -> None:
        """PyCUDA gives it back with its last reference."""

    def _pushed(self) -> _Pushed:
        if self._context is None:
            with _Pushed(self._driver, None):
                self._context = self._device.retain_primary_context()
        return _Pushed(self._driver, self._context)


class _Pushed:
    """PyCUDA's context is the thread's for a while; errors of PyCUDA become ours."""

    def __init__(self, driver: Any, context: Any) -> None:
        self._driver = driver
        self._context = context

    def __enter__(self) -> None:
        if self._context is not None:
            self._context.push()

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._context is not None:
            self._driver.Context.pop()
        if isinstance(error, self._driver.Error):
            raise FrameworkError(f"CUDA: PyCUDA says: {error}") from error

"""CUDA by PyCUDA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Sequence, Tuple

from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.cuda.device import DEVICE, NO_DEVICE, NO_DRIVER, Cuda
from pytest_edgeperf.frameworks.interface import FrameworkError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Optional, Type

    from pytest_edgeperf.frameworks.interface import Array


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
            raise FrameworkError(f"CUDA: PyCUDA reports: {error}") from error

"""One CUDA device, as adapters need it: buffers, copies, streams and events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Sequence, Tuple

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

DEVICE = 0
NO_DRIVER = (
    "{package} finds no NVIDIA driver that is new enough for it ({words}): install the driver, or the release of "
    "{package} for the driver's CUDA"
)
NO_DEVICE = (
    "{package} finds no CUDA device ({words}): is there a GPU, may this user or container use it, and does "
    "CUDA_VISIBLE_DEVICES name it?"
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

"""The one interface behind which every inference runtime stands.

A runtime is one file here: a :class:`Framework` (is it here and in which version; can it do this
model at this precision, and if not why; load) and an :class:`Engine` (infer and synchronise).
Nothing heavy is imported before ``load``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterable,
    Iterator,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)

if TYPE_CHECKING:
    import os

    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8")
#: Where a runtime may have to be installed in another way.
PLATFORMS = ("jetpack-4", "jetpack-5", "jetpack-6", "jetpack-7", "raspberry-pi", "aarch64", "x86")


class FrameworkError(Exception):
    """A runtime cannot do what was asked; the message names the thing, the place and the remedy."""


def require_precision(precision: str) -> None:
    """Raise FrameworkError, naming the known ones, unless ``precision`` is one of :data:`PRECISIONS`."""
    if precision not in PRECISIONS:
        raise FrameworkError(
            f"unknown precision {precision!r}{closest(precision, PRECISIONS)}; known: {', '.join(PRECISIONS)}"
        )


def require_threads(threads: int) -> None:
    """Raise FrameworkError unless ``threads`` is a positive number; 0 would mean "as the runtime likes"."""
    if threads < 1:
        raise FrameworkError(f"threads must be at least 1, not {threads}")


def closed(*_: Any, **__: Any) -> Any:
    """What an engine's calls are replaced by when it is closed.

    Raises:
        FrameworkError: always.
    """
    raise FrameworkError("the engine is closed; load the model again")


def closest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for an error message, or nothing when no known word is near."""
    matches = get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


@dataclass(frozen=True)
class TensorSpec:
    """Name, shape (all dimensions concrete) and numpy dtype name of one input of an engine."""

    name: str
    shape: Tuple[int, ...]
    dtype: str = "float32"


class Inputs(Sequence[Tuple[Any, ...]]):
    """A small rotating set of inputs: sample *i* of a measurement is called with ``inputs[i % len]``.

    Each entry is the tuple of positional arguments of one call.
    """

    def __init__(self, entries: Sequence[Tuple[Any, ...]]) -> None:
        self._entries = tuple(tuple(entry) for entry in entries)
        if not self._entries:
            raise ValueError("Inputs needs at least one entry; give a non-empty sequence of argument tuples")

    @classmethod
    def of(cls, values: Sequence[Any]) -> Inputs:
        """Rotate over ``values``, each the single argument of one call."""
        return cls([(value,) for value in values])

    def __getitem__(self, index: Any) -> Any:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Tuple[Any, ...]]:
        return iter(self._entries)


@dataclass(frozen=True)
class Reference:
    """Inputs with the outputs that a right engine gives for them (fp32, per input a tuple of arrays)."""

    inputs: Inputs
    outputs: Sequence[Tuple[Array, ...]]
    source: str


@dataclass(frozen=True)
class Model:
    """A network's description: its name and how to obtain it for each kind of runtime.

    ``sources`` maps a format to a function that obtains it when a runtime needs it: ``"onnx"`` gives
    the path of an ONNX file, ``"torch"`` an ``nn.Module`` in evaluation mode. A format with a precision,
    such as ``"onnx:int8"``, is taken as it is where that precision is asked for. ``reference``, where
    given, is asked once before timing, and the engine's outputs are compared with it. ``calibration`` gives
    example inputs for a quantisation to int8.
    """

    name: str
    sources: Mapping[str, Callable[[], Any]]
    inputs: Tuple[TensorSpec, ...] = ()
    reference: Optional[Callable[[], Reference]] = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    calibration: Optional[Callable[[], Inputs]] = None


ModelLike = Union[Model, str, "os.PathLike[str]"]


class Engine(ABC):
    """A model loaded by a framework at a precision, ready to infer."""

    framework: str
    precision: str
    model: Model
    inputs: Tuple[TensorSpec, ...]
    #: What the files that the runtime loaded take, in MiB, where there are any.
    size_mib: Optional[float] = None
    #: How long the inference took, in ms, that loading made, where it made one: that was the cold one.
    first_ms: Optional[float] = None
    #: What loading took besides reading the model, in ms, where it can be told: ``engine_context``,
    #: ``engine_allocation`` (the first two of the six steps of inference in Swaminathan et al. 2024, figure 3).
    load_ms: Mapping[str, float] = MappingProxyType({})

    @abstractmethod
    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on numpy arrays, given in the order of ``inputs``; return numpy arrays."""

    def synchronise(self) -> None:  # noqa: B027 (most runtimes need nothing)
        """Wait until the device has finished; nothing to do on a CPU."""

    @abstractmethod
    def describe(self) -> Dict[str, Any]:
        """What the runtime really gave, read back from it: provider, threads, spinning, version."""

    def device_memory_mib(self) -> Optional[float]:
        """The most memory of a GPU that the runtime's own allocator has had in use; ``None`` where it does not tell."""
        return None

    def close(self) -> None:  # noqa: B027 (most runtimes need nothing)
        """Free what the engine holds."""

    def example_inputs(self, count: int = 4, seed: int = 0) -> Inputs:
        """``count`` seeded random inputs of the engine's shapes (normal for floats, 0 or 1 for integers)."""
        import numpy as np

        generator = np.random.default_rng(seed)

        def tensor(spec: TensorSpec) -> Array:
            dtype = np.dtype(spec.dtype)
            if dtype.kind == "f":
                return generator.standard_normal(spec.shape).astype(dtype)
            return generator.integers(0, 2, spec.shape).astype(dtype)

        return Inputs([tuple(tensor(spec) for spec in self.inputs) for _ in range(count)])


class DeviceTimed(Engine):
    """An engine whose device times the phases of an inference itself (CUDA events)."""

    @abstractmethod
    def infer_timed(self, *arrays: Array) -> Mapping[str, float]:
        """Run one inference; how long its phases took in ms.

        By the device's clock ``device_latency`` from its first command to its last, and of it ``device_copy_in``,
        ``device_infer`` and ``device_copy_out``; by the host's ``synchronise``, the wait for the device in the end.
        """


class SelfTimed(Engine):
    """An engine that only a program of its own can run fast, and times.

    Its ``infer`` starts that program for one inference: good for the check of its outputs, never timed.
    """

    @abstractmethod
    def run_for(self, seconds: float, *arrays: Array) -> Mapping[str, Sequence[float]]:
        """Infer on the arrays for so long; how long each inference took, in ms, in the order in which they ran.

        ``latency``, and where it tells them ``device_copy_in``, ``device_infer`` and ``device_copy_out``, all of the
        same length.
        """


class Framework(ABC):
    """An inference runtime."""

    #: As users type it in ``--framework``, without a variant.
    name: str
    #: What to type when it is not here, and platform (see :data:`PLATFORMS`) -> what to type there instead.
    install_advice: str
    install_on: ClassVar[Mapping[str, str]] = {}
    #: What may follow the name after a colon: ``torch:compile``; and which of them this one is.
    variants: Tuple[str, ...] = ()
    variant: Optional[str] = None
    #: The formats of :data:`PRECISIONS` that it can run somewhere, without a variant.
    precisions: Tuple[str, ...] = ("fp32",)

    @property
    def full_name(self) -> str:
        """With its variant."""
        return f"{self.name}:{self.variant}" if self.variant else self.name

    @property
    def processor(self) -> str:
        """What its engines compute with: ``cpu`` or ``gpu``."""
        return "cpu"

    @property
    def offered(self) -> Tuple[str, ...]:
        """The formats that it can run somewhere, with its variant."""
        return self.precisions

    def advice_on(self, platform: str) -> str:
        """What to type on a platform to install it, or why it cannot be had there."""
        return self.install_on.get(platform, self.install_advice)

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision on this machine, or ``None``; an unknown precision is an error."""
        require_precision(precision)
        if precision not in self.offered:
            return f"{self.full_name} has no {precision}, only {', '.join(self.offered)}"
        return None

    def providers(self) -> Sequence[str]:
        """What it can compute with here, by the runtime's own names; imports it."""
        return ("cpu",)

    def imported(self, module: str, remedy: str = "reinstall it") -> Any:
        """The runtime's module of this name, imported now.

        Raises:
            FrameworkError: it is not installed, or cannot be imported; ``remedy`` is for that.
        """
        try:
            return import_module(module)
        except ImportError as error:
            if self.version() is None:
                raise FrameworkError(f"{self.name} is not installed; {self.install_advice}") from error
            raise FrameworkError(
                f"{self.name} {self.version()} is installed but cannot be imported: {error}; {remedy}"
            ) from error

    @abstractmethod
    def version(self) -> Optional[str]:
        """The installed version, or ``None`` when it is not installed. Imports nothing heavy."""

    @abstractmethod
    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why this runtime cannot run the model at the precision, or ``None`` when it can."""

    @abstractmethod
    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Load the model, checking that the runtime gave what was asked.

        Raises:
            FrameworkError: the runtime gave something else, or cannot load the model.
        """

"""What is loaded: a network's description, its inputs, and the outputs that a correct engine gives for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional, Sequence, Tuple, Union

if TYPE_CHECKING:
    import os

    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]


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
    example inputs for a quantisation to int8. ``options`` are settings of single frameworks, such as
    ``{"tensorrt.workspace_mib": 512}``; ``parameters`` are figures of the network and mean nothing to a framework.
    """

    name: str
    sources: Mapping[str, Callable[[], Any]]
    inputs: Tuple[TensorSpec, ...] = ()
    reference: Optional[Callable[[], Reference]] = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    calibration: Optional[Callable[[], Inputs]] = None
    options: Mapping[str, Any] = field(default_factory=dict)


ModelLike = Union[Model, str, "os.PathLike[str]"]

"""The inputs and outputs of an engine: numbered bindings in TensorRT 8.0 to 8.4, named tensors in 8.5 and newer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, List, Sequence, Tuple

from pytest_edgeperf.frameworks.tensorrt.bindings_build import dtype_of


class Tensors(ABC):
    """What an engine takes and gives, in one of its contexts."""

    #: How this version of TensorRT calls them.
    api: str
    #: Names, in the engine's order.
    inputs: List[str]
    outputs: List[str]

    @abstractmethod
    def dtype(self, name: str) -> str:
        """numpy's name of its type."""

    @abstractmethod
    def declared(self, name: str) -> Tuple[int, ...]:
        """Its shape as the engine was built, with -1 for free sizes."""

    @abstractmethod
    def shape(self, name: str) -> Tuple[int, ...]:
        """Its shape in the context."""

    @abstractmethod
    def set_shape(self, name: str, shape: Sequence[int]) -> bool:
        """Set an input's shape in the context; whether the engine accepts it."""

    @abstractmethod
    def bind(self, name: str, address: int) -> bool:
        """Say where on the device it lies; whether that is accepted."""

    @abstractmethod
    def enqueue(self, stream: int) -> bool:
        """Start an inference in a stream; whether it was started."""

    @abstractmethod
    def execute(self) -> bool:
        """Infer, and wait for the end; whether it was done."""


class _NamedTensors(Tensors):
    """The inputs and outputs of an engine by name (8.5 and newer)."""

    api = "tensors"

    def __init__(self, trt: Any, engine: Any, context: Any) -> None:
        self._dims = trt.Dims
        self._engine = engine
        self._context = context
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self._addresses = dict.fromkeys(names, 0)
        self.inputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT]
        self.outputs = [name for name in names if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT]

    def dtype(self, name: str) -> str:
        return dtype_of(self._engine.get_tensor_dtype(name))

    def declared(self, name: str) -> Tuple[int, ...]:
        return tuple(self._engine.get_tensor_shape(name))

    def shape(self, name: str) -> Tuple[int, ...]:
        return tuple(self._context.get_tensor_shape(name))

    def set_shape(self, name: str, shape: Sequence[int]) -> bool:
        return bool(self._context.set_input_shape(name, self._dims(list(shape))))

    def bind(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return bool(self._context.set_tensor_address(name, address))

    def enqueue(self, stream: int) -> bool:
        return bool(self._context.execute_async_v3(stream))

    def execute(self) -> bool:
        return bool(self._context.execute_v2(list(self._addresses.values())))


class _NumberedBindings(Tensors):
    """The inputs and outputs of an engine by number (8.0 to 8.4)."""

    api = "bindings"

    def __init__(self, trt: Any, engine: Any, context: Any) -> None:
        self._dims = trt.Dims
        self._engine = engine
        self._context = context
        # Each profile has all of them again; a context begins with the first.
        count = engine.num_bindings // max(1, engine.num_optimization_profiles)
        self._numbers = {engine.get_binding_name(number): number for number in range(count)}
        self._addresses = [0] * engine.num_bindings
        self.inputs = [name for name, number in self._numbers.items() if engine.binding_is_input(number)]
        self.outputs = [name for name in self._numbers if name not in self.inputs]

    def dtype(self, name: str) -> str:
        return dtype_of(self._engine.get_binding_dtype(self._numbers[name]))

    def declared(self, name: str) -> Tuple[int, ...]:
        return tuple(self._engine.get_binding_shape(self._numbers[name]))

    def shape(self, name: str) -> Tuple[int, ...]:
        return tuple(self._context.get_binding_shape(self._numbers[name]))

    def set_shape(self, name: str, shape: Sequence[int]) -> bool:
        return bool(self._context.set_binding_shape(self._numbers[name], self._dims(list(shape))))

    def bind(self, name: str, address: int) -> bool:
        self._addresses[self._numbers[name]] = address
        return True

    def enqueue(self, stream: int) -> bool:
        return bool(self._context.execute_async_v2(self._addresses, stream))

    def execute(self) -> bool:
        return bool(self._context.execute_v2(self._addresses))


def tensors_of(trt: Any, engine: Any, context: Any) -> Tensors:
    """Those of an engine, in one of its contexts, by whichever way this version has."""
    kind = _NamedTensors if hasattr(engine, "num_io_tensors") else _NumberedBindings
    return kind(trt, engine, context)

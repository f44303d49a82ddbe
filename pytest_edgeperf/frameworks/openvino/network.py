"""A network as OpenVINO reads it: from an ONNX file, with inputs of fixed size."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.stages import READ, stage


def read(core: Any, path: str, model: Model) -> Any:
    """The network in a file.

    Raises:
        FrameworkError: it cannot be read.
    """
    try:
        with stage(READ):
            return core.read_model(path)
    except Exception as error:
        raise FrameworkError(f"openvino cannot load {path} of model {model.name!r}: {line_of(error)}") from error


def fix_inputs(network: Any, model: Model, path: str) -> Tuple[TensorSpec, ...]:
    """Give the network's inputs the model's sizes, a free batch without any being one; in the model's order.

    OpenVINO reads what the file declares, so that a measured process does not hold the file a second time.
    """
    declared = network.inputs
    names = [port.any_name for port in declared]
    if model.inputs:
        given = [spec.name for spec in model.inputs]
        if len(given) != len(names) or any(not any(name in port.get_names() for port in declared) for name in given):
            raise FrameworkError(
                f"model {model.name!r} names the inputs {', '.join(given)}, but {path} has {', '.join(names)}"
            )
        for spec in model.inputs:
            _require_fitting(spec, declared[position_of(declared, spec.name)], path)
        specs = tuple(model.inputs)
    else:
        specs = tuple(_default_spec(port, path) for port in declared)
    if any(port.get_partial_shape().is_dynamic for port in declared):
        network.reshape({spec.name: list(spec.shape) for spec in specs})
    return specs


def _default_spec(port: Any, path: str) -> TensorSpec:
    shape: List[int] = []
    for position, size in enumerate(_shape(port)):
        if size is not None:
            shape.append(size)
        elif position == 0:
            shape.append(1)
        else:
            raise FrameworkError(
                f"input {port.any_name!r} of {path}: dimension {position} is dynamic; "
                f"give its size with Model(inputs=[TensorSpec({port.any_name!r}, shape=(...))])"
            )
    return TensorSpec(port.any_name, tuple(shape), _dtype(port))


def _require_fitting(spec: TensorSpec, port: Any, path: str) -> None:
    declared = _shape(port)
    fits = len(declared) == len(spec.shape) and all(
        size is None or size == own for size, own in zip(declared, spec.shape)
    )
    if not fits or spec.dtype != _dtype(port):
        shown = ", ".join("?" if size is None else str(size) for size in declared)
        raise FrameworkError(
            f"input {spec.name!r}: the model says {spec.dtype} {list(spec.shape)}, "
            f"but {path} has {_dtype(port)} [{shown}]"
        )


def _shape(port: Any) -> List[Optional[int]]:
    return [size.get_length() if size.is_static else None for size in port.get_partial_shape()]


def _dtype(port: Any) -> str:
    import numpy as np

    kind = port.get_element_type()
    # numpy has no bfloat16, and OpenVINO shows it as float16.
    return "bfloat16" if plain(kind) == "bf16" else np.dtype(kind.to_dtype()).name


def position_of(ports: Sequence[Any], name: str) -> int:
    """Which of the inputs or outputs has the name."""
    return next(position for position, port in enumerate(ports) if name in port.get_names())


def require_no_half(network: Any, model: Model, precision: str, path: str) -> None:
    """Raise FrameworkError where an input or output is in 16 bits: those of engines are in 32."""
    for port in (*network.inputs, *network.outputs):
        if _dtype(port) in ("float16", "bfloat16"):
            raise FrameworkError(
                f"model {model.name!r} should be loaded as {precision}, but {port.any_name!r} of {path} is "
                f"{_dtype(port)}; engines take and give float32"
            )


def plain(value: Any) -> str:
    """A property as OpenVINO takes it: ``bf16``, ``1``, ``False``."""
    return str(value.get_type_name() if hasattr(value, "get_type_name") else value)


def line_of(error: Exception) -> str:
    """An error's message in one line."""
    return " ".join(str(error).split())

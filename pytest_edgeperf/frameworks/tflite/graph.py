"""What an interpreter reports about a .tflite file: its inputs and outputs, its types, and what XNNPACK took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.frameworks.signatures import fitting, matched, numbered

#: Types of weights and activations; others are those of shapes and indices.
FLOATS = ("float32", "float16")
INTEGERS = ("int8", "uint8", "int16")
#: They change a tensor's type and compute nothing.
CASTS = ("QUANTIZE", "DEQUANTIZE", "CAST")
#: What the graph calls its parts that a delegate took, whichever it is: no engine has two.
DELEGATES = ("DELEGATE", "TfLiteXNNPackDelegate")


@dataclass(frozen=True)
class Tensor:
    """An input or output of a file: all its names, its shape with -1 where it is free, and how it is quantised."""

    names: Tuple[str, ...]
    index: int
    shape: Tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


def tensors_of(interpreter: Any, side: str) -> List[Tensor]:
    """Of the ``side`` ``input`` or ``output``, in the file's order, with the names of its signature first."""
    details = interpreter.get_input_details() if side == "input" else interpreter.get_output_details()
    _, fed, fetched = signature_of(interpreter)
    signed = fed if side == "input" else fetched
    tensors = []
    for detail in details:
        index = int(detail["index"])
        free = [int(size) for size in detail.get("shape_signature", ())]
        scale, zero_point = detail["quantization"]
        tensors.append(
            Tensor(
                (*(name for name, place in signed.items() if place == index), str(detail["name"])),
                index,
                tuple(free or (int(size) for size in detail["shape"])),
                _type_name(detail),
                float(scale),
                int(zero_point),
            )
        )
    return tensors


def signature_of(interpreter: Any) -> Tuple[Optional[str], Dict[str, int], Dict[str, int]]:
    """The name of the signature that the file's inputs belong to, and its names with the indices of tensors."""
    indices = {int(detail["index"]) for detail in interpreter.get_input_details()}
    for name in interpreter.get_signature_list():
        # Let go at the end: while one is held, the interpreter refuses to allocate its tensors.
        runner = interpreter.get_signature_runner(name)
        inputs = {key: int(detail["index"]) for key, detail in runner.get_input_details().items()}
        if set(inputs.values()) == indices:
            return name, inputs, {key: int(detail["index"]) for key, detail in runner.get_output_details().items()}
    return None, {}, {}


def in_order(tensors: Sequence[Tensor]) -> List[Tensor]:
    """As their names number them (``output_0``, ``output_1``), else as they come."""
    places = numbered([tensor.names[0] for tensor in tensors])
    return [tensors[place] for place in places] if places is not None else list(tensors)


def inputs_of(interpreter: Any, model: Model, path: str) -> List[Tuple[Tensor, TensorSpec]]:
    """The inputs in the model's order with what they are fed.

    Raises:
        FrameworkError: another number of inputs, names that do not identify the inputs, other shapes or types.
    """
    tensors = tensors_of(interpreter, "input")
    ordered = in_order(tensors)
    places = matched(model, [tensor.names for tensor in ordered], path, len(tensors) == 1 or _are_numbered(ordered))
    pairs = []
    for place, tensor in enumerate(ordered[place] for place in places):
        # Integers with a scale stand for real numbers, which are what a model is given unless it says otherwise.
        dtypes = ("float32", tensor.dtype) if tensor.scale else (tensor.dtype,)
        spec = model.inputs[place] if model.inputs else None
        pairs.append((tensor, fitting(spec, tensor.names[0], tensor.shape, dtypes, path)))
    return pairs


def _are_numbered(tensors: Sequence[Tensor]) -> bool:
    return numbered([tensor.names[0] for tensor in tensors]) is not None


def quantiser(tensor: Tensor, spec: TensorSpec) -> Optional[Callable[[Any], Any]]:
    """What makes the tensor's integers of the real numbers that a model is fed; ``None`` where nothing has to."""
    import numpy as np

    if spec.dtype == tensor.dtype:
        return None
    scale, zero_point, dtype = np.float32(tensor.scale), np.float32(tensor.zero_point), np.dtype(tensor.dtype)
    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max

    def quantise(array: Any) -> Any:
        return np.clip(np.rint(array / scale) + zero_point, lowest, highest).astype(dtype)

    return quantise


def dequantiser(tensor: Tensor) -> Optional[Callable[[Any], Any]]:
    """What makes float32 of the tensor's values; ``None`` where nothing has to."""
    import numpy as np

    if tensor.dtype == "float16":
        return lambda array: array.astype(np.float32)
    if not tensor.scale:
        return None
    scale, zero_point = np.float32(tensor.scale), np.float32(tensor.zero_point)
    return lambda array: (array.astype(np.float32) - zero_point) * scale


def _type_name(detail: Mapping[str, Any]) -> str:
    import numpy as np

    return str(np.dtype(detail["dtype"]).name)


def kind_of(interpreter: Any) -> str:
    """The precision that the types of the graph's tensors show: weights and activations, whichever is smaller."""
    details = interpreter.get_tensor_details()
    if any(
        _type_name(detail) in ("int8", "uint8") and len(detail["quantization_parameters"]["scales"])
        for detail in details
    ):
        return "int8"
    return "fp16" if any(_type_name(detail) == "float16" for detail in details) else "fp32"


def _operations(interpreter: Any) -> List[Mapping[str, Any]]:
    # No public method lists them; a release without this one leaves them unknown.
    return list(getattr(interpreter, "_get_ops_details", list)())


def activations_of(interpreter: Any) -> str:
    """The types of what operations compute, such as ``float32`` where only weights are stored in int8."""
    types = {int(detail["index"]): _type_name(detail) for detail in interpreter.get_tensor_details()}
    computed = {
        types.get(int(output), "")
        for operation in _operations(interpreter)
        if operation["op_name"] not in (*CASTS, *DELEGATES)
        for output in operation["outputs"]
    }
    return ", ".join(sorted(computed & {*FLOATS, *INTEGERS})) or "unknown"


def delegated(interpreter: Any, delegate: str = "XNNPACK") -> Dict[str, str]:
    """How many operations the only ``delegate`` took: those between the inputs and the outputs of its nodes."""
    operations = _operations(interpreter)
    if not operations:
        return {"delegate": "unknown"}
    taken, own = taken_operations(interpreter)
    return {"delegate": delegate if taken else "none", "delegated": f"{taken} of {own} operations"}


def taken_operations(interpreter: Any) -> Tuple[int, int]:
    """How many operations a delegate took, and of how many."""
    operations = _operations(interpreter)
    own = [operation for operation in operations if operation["op_name"] not in DELEGATES]
    maker = {int(tensor): place for place, operation in enumerate(own) for tensor in operation["outputs"]}
    taken = set()
    for node in operations:
        if node["op_name"] not in DELEGATES:
            continue
        given = {int(tensor) for tensor in node["inputs"]}
        left = [int(tensor) for tensor in node["outputs"]]
        while left:
            place = maker.get(left.pop())
            if place is not None and place not in taken:
                taken.add(place)
                left.extend(int(tensor) for tensor in own[place]["inputs"] if int(tensor) not in given)
    return len(taken), len(own)

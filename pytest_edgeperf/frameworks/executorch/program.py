"""What is in a program of ExecuTorch: delegates, layers by precision, operators left to its own kernels."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from pytest_edgeperf.frameworks.building import Built, built, file_digest
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.scratch import scratch

#: The file with what :func:`inspect` returned for the program.
CONTENT = "content.json"
METHOD = "forward"
XNNPACK = "XnnpackBackend"
#: Nodes of XNNPACK's graph that are counted as layers.
LAYERS = ("XNNConv2d", "XNNDepthwiseConv2d", "XNNConvTranspose2d", "XNNFullyConnected", "XNNBatchMatrixMultiply")
#: XNNPACK's and ExecuTorch's names of types -> precision; other types (indices, sizes) are none.
TYPES = {
    "xnn_datatype_fp32": "fp32",
    "xnn_datatype_fp16": "fp16",
    "xnn_datatype_bf16": "bf16",
    "xnn_datatype_qint8": "int8",
    "xnn_datatype_quint8": "int8",
    "xnn_datatype_qdint8": "int8",
    "xnn_datatype_qpint8": "int8",
    "FLOAT": "fp32",
    "HALF": "fp16",
    "BFLOAT16": "bf16",
    "CHAR": "int8",
    "BYTE": "int8",
}


def read_content(made: Built) -> Mapping[str, Any]:
    """What is in a program, as :func:`inspect` returned it when it was built."""
    content: Mapping[str, Any] = json.loads((made.folder / CONTENT).read_text("utf-8"))
    return content


def inspected(model: Model, precision: str, path: str, version: Optional[str]) -> Mapping[str, Any]:
    """What is in a program that the user gave, looked at in another process; kept in the cache."""
    return read_content(
        built(
            f"{__name__}:build_content",
            model,
            precision,
            tools={"executorch": version},
            arguments={},
            files={"program": path},
            source={"executorch": file_digest(path)},
        )
    )


def build_content(folder: Path, program: str) -> None:
    """Write what is in a program that somebody else built."""
    (folder / CONTENT).write_text(json.dumps(inspect(program), indent=1, sort_keys=True) + "\n", "utf-8")


def inspect(path: str) -> Dict[str, Dict[str, int]]:
    """What is in a program's method ``forward``, each with its count.

    Returns:
        ``delegates`` by backend; ``portable``: operators left to ExecuTorch's own kernels; ``layers``: convolutions and
        linear layers in XNNPACK by the precision of what flows into them; ``tensors`` by precision.

    Raises:
        FrameworkError: the file is no program.
    """
    from executorch.exir._serialize._program import deserialize_pte_binary

    try:
        program = deserialize_pte_binary(Path(path).read_bytes()).program
    except Exception as error:  # the parser has no class of errors of its own
        raise FrameworkError(f"{path} is not an ExecuTorch program: {type(error).__name__}: {error}") from error
    plan = next((plan for plan in program.execution_plan if plan.name == METHOD), None)
    if plan is None:
        names = ", ".join(plan.name for plan in program.execution_plan)
        raise FrameworkError(f"{path} has no method {METHOD!r}, only: {names or 'none'}")
    delegates: Counter[str] = Counter()
    portable: Counter[str] = Counter()
    layers: Counter[str] = Counter()
    tensors: Counter[str] = Counter()
    for value in plan.values:
        kind = getattr(getattr(value.val, "scalar_type", None), "name", None)
        if kind in TYPES:
            tensors[TYPES[kind]] += 1
    for instruction in (step.instr_args for chain in plan.chains for step in chain.instructions):
        if hasattr(instruction, "delegate_index"):
            delegates[plan.delegates[instruction.delegate_index].id] += 1
        elif hasattr(instruction, "op_index"):
            operator = plan.operators[instruction.op_index]
            portable[f"{operator.name}.{operator.overload}"] += 1
    for delegate in plan.delegates:
        if delegate.id == XNNPACK:
            graph = _xnnpack_graph(program.backend_delegate_data[delegate.processed.index].data)
            types = _types_of(graph)
            tensors.update(types.values())
            for node in graph["xnodes"]:
                if node["xnode_union_type"] in LAYERS:
                    layers[types.get(node["xnode_union"].get("input1_id", 0), "other")] += 1
    return {
        "delegates": dict(delegates),
        "portable": dict(portable),
        "layers": dict(layers),
        "tensors": dict(tensors),
    }


def _types_of(graph: Mapping[str, Any]) -> Dict[int, str]:
    """Precision by number of the graph's tensors."""
    types = {}
    for value in graph["xvalues"]:
        tensor = value["xvalue_union"].get("tensor_value", value["xvalue_union"])
        if tensor.get("datatype") in TYPES:
            types[tensor.get("id_out", 0)] = TYPES[tensor["datatype"]]
    return types


def _xnnpack_graph(data: bytes) -> Mapping[str, Any]:
    """The graph that ExecuTorch hands to XNNPACK, from its part of the program, by ExecuTorch's own schema."""
    from executorch.backends.xnnpack.serialization import xnnpack_graph_serialize as serialize
    from executorch.exir._serialize._flatbuffer import _flatc_decompile

    header = serialize.XNNHeader.from_bytes(data[: serialize.XNNHeader.EXPECTED_LENGTH])
    with scratch("edgeperf-xnnpack-") as folder:
        schema = Path(serialize.__file__).with_name("schema.fbs")
        (folder / "graph.fbs").write_bytes(schema.read_bytes())
        end = header.flatbuffer_offset + header.flatbuffer_size
        (folder / "graph.bin").write_bytes(data[header.flatbuffer_offset : end])
        _flatc_decompile(str(folder), str(folder / "graph.fbs"), str(folder / "graph.bin"), ["--raw-binary"])
        text = (folder / "graph.json").read_text("utf-8")
    # The tool writes "inf", which is no JSON.
    graph: Mapping[str, Any] = json.loads(re.sub(r": (-?)inf\b", r": \1Infinity", text))
    return graph

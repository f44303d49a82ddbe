"""ExecuTorch on the CPU, with XNNPACK."""

from __future__ import annotations

import gc
import json
import os
import re
import warnings
import weakref
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import (
    Built,
    built,
    calibration_of,
    file_digest,
    make,
    read_calibration,
    recipe_of,
    source_of_recipe,
    version_of,
)
from pytest_edgeperf.frameworks.interface import (
    Engine,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
    require_threads,
)
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.scratch import scratch

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

PROGRAM = "model.pte"
#: What :func:`inspect` found in the program.
FOUND = "found.json"
METHOD = "forward"
XNNPACK = "XnnpackBackend"
PORTABLE = "portable kernels"
#: In the names of operators that take seconds in the portable kernels.
HEAVY = ("conv", "linear", "addmm", "::mm", "::bmm", "baddbmm", "matmul")
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
#: The numbers by which a program tells the types of its inputs.
DTYPES = {
    0: "uint8",
    1: "int8",
    2: "int16",
    3: "int32",
    4: "int64",
    5: "float16",
    6: "float32",
    7: "float64",
    11: "bool",
}

#: Engines that are loaded in this process: they share one pool of threads.
_loaded: weakref.WeakSet[ExecuTorchEngine] = weakref.WeakSet()


class ExecuTorch(Framework):
    """ExecuTorch's runtime with what XNNPACK takes delegated to it.

    It reads the source ``torch``, which has to be a function of a module, or a ``functools.partial`` of one, because
    the program is built in another process: exported, lowered to XNNPACK and written to a ``.pte`` file. int8 is a
    static quantisation (PT2E, symmetric, weights per channel) from a calibration set; fp16 has weights and activations
    in half precision, with fp32 inputs and outputs. A program whose convolutions or linear layers XNNPACK did not take
    is refused, for the portable kernels are hundreds of times slower. A user's own ``.pte`` file is taken as it is; it
    must be in the precision asked for. ``describe`` tells what the program really holds.

    The runtime has one pool of threads for the process. It can be changed only while no engine is loaded.
    """

    name = "executorch"
    install_advice = "pip install 'pytest-edgeperf[executorch]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "cannot be had: ExecuTorch needs Python 3.10, and JetPack 4 has 3.6",
        "jetpack-5": "cannot be had: ExecuTorch needs Python 3.10, and JetPack 5 has 3.8",
    }
    precisions = ("fp32", "fp16", "int8")

    def version(self) -> Optional[str]:
        """The installed version, read without importing it."""
        return version_of("executorch")

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        source = _source(model, precision)
        if source is None:
            return missing_source(model, "torch")
        if source == "torch":
            if not model.inputs:
                return (
                    f"model {model.name!r}: a torch module does not know the shapes of its inputs; "
                    "say them with Model(inputs=[TensorSpec(name, shape=(...))])"
                )
            if precision == "int8" and version_of("torchao") is None:
                return "quantising a model for executorch needs the package torchao: pip install torchao"
        return None

    def providers(self) -> Sequence[str]:
        """The backends in this build of the runtime, whether they work here or not, and its own kernels."""
        runtime, _ = self._runtime()
        return (*runtime.backend_registry.registered_backend_names, PORTABLE)

    def load(self, model: Model, *, precision: str = "fp32", threads: int = 1) -> Engine:
        """Load the model's program, built first where it must be, and set the size of the process's pool of threads.

        Raises:
            FrameworkError: not installed, unsupported, the program cannot be built or loaded or is not in the
                precision, or other engines are loaded with another number of threads.
        """
        reason = self.unsupported(model, precision)
        if reason is not None:
            raise FrameworkError(reason)
        require_threads(threads)
        path, found, made = self._program(model, precision)
        _require_precision_of(found, precision, path)
        runtime, bindings = self._runtime()
        missing = set(found["delegates"]) - set(runtime.backend_registry.registered_backend_names)
        if missing:
            raise FrameworkError(
                f"{path} is made for {', '.join(sorted(missing))}, which executorch {self.version()} lacks here"
            )
        _set_threads(bindings, threads)
        try:
            program = runtime.load_program(path)
            if METHOD not in program.method_names:
                raise FrameworkError(
                    f"{path} has no method {METHOD!r}, only: {', '.join(sorted(program.method_names))}"
                )
            method = program.load_method(METHOD)
        except RuntimeError as error:
            raise FrameworkError(f"executorch {self.version()} cannot load {path}: {error}") from error
        return ExecuTorchEngine(bindings, method, model, precision, path, str(self.version()), found, made)

    def _program(self, model: Model, precision: str) -> Tuple[str, Mapping[str, Any], Optional[Built]]:
        """The program to load, what is in it, and how it was built if it was."""
        source = _source(model, precision)
        assert source is not None
        if source != "torch":
            path = file_of(model, source)
            looked = built(
                f"{__name__}:build_found",
                model,
                precision,
                tools={"executorch": self.version()},
                arguments={},
                files={"program": path},
                source={"executorch": file_digest(path)},
            )
            return path, _read_found(looked), None
        recipe = recipe_of(model.sources["torch"], f"model {model.name!r}: sources['torch']")
        tools = {name: version_of(name) for name in ("executorch", "torch", "torchao")}
        made = built(
            f"{__name__}:build_program",
            model,
            precision,
            tools=tools,
            arguments={
                "recipe": recipe,
                "inputs": [[list(spec.shape), spec.dtype] for spec in model.inputs],
                "precision": precision,
            },
            source={"torch": source_of_recipe(recipe)},
            calibration=calibration_of(model, model.inputs) if precision == "int8" else None,
        )
        return str(made.folder / PROGRAM), _read_found(made), made

    def _runtime(self) -> Tuple[Any, Any]:
        with warnings.catch_warnings():
            # It calls itself experimental; where warnings are errors, it could not be imported.
            warnings.simplefilter("ignore")
            bindings = self.imported("executorch.extension.pybindings.portable_lib")
            return self.imported("executorch.runtime").Runtime.get(), bindings


class ExecuTorchEngine(Engine):
    """A method of a program."""

    framework = ExecuTorch.name

    def __init__(
        self,
        bindings: Any,
        method: Any,
        model: Model,
        precision: str,
        path: str,
        version: str,
        found: Mapping[str, Any],
        made: Optional[Built],
    ) -> None:
        import numpy as np
        import torch

        self.model = model
        self.precision = precision
        self.size_mib = os.path.getsize(path) / 2**20
        self.inputs = _resolve_inputs(method.metadata, model, path)
        self._output_dtypes = [dtype.replace("float16", "float32") for dtype in _outputs_of(method.metadata, path)]
        self._bindings = bindings
        self._path = path
        self._version = version
        self._found = found
        self._made = made
        # The public method.execute copies the outputs with PyTorch, large ones on threads of PyTorch's own.
        self._execute = method._method
        self._from_numpy = torch.from_numpy
        self._contiguous = np.ascontiguousarray
        _loaded.add(self)

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; ExecuTorch checks their shapes and types.

        It takes an array whose channels lie last in memory for one whose channels lie first, without a word, so that
        such an array is copied here.
        """
        try:
            outputs = self._execute(
                [self._from_numpy(self._contiguous(array)) for array in arrays], clone_outputs=False
            )
        except RuntimeError as error:
            raise FrameworkError(
                f"executorch cannot run {self.model.name!r} on {_told(arrays)} (it takes {_told(self.inputs)}): {error}"
            ) from error
        # They lie in the runtime's own buffers; float16 comes back as float32.
        return tuple(one.numpy().astype(dtype) for one, dtype in zip(outputs, self._output_dtypes))

    def describe(self) -> Dict[str, Any]:
        """What the program holds and the size of the pool of threads now; layers are told by their precision."""
        return {
            "framework": self.framework,
            "version": self._version,
            "precision": self.precision,
            "provider": ", ".join(sorted(self._found["delegates"])) or PORTABLE,
            "threads": self._bindings._threadpool_get_thread_count(),
            "delegates": sum(self._found["delegates"].values()),
            "delegated_layers": dict(self._found["layers"]),
            "portable_operators": dict(self._found["portable"]),
            "model_sha256": file_digest(self._path)[:12],
            **(self._made.describe() if self._made is not None else {}),
        }

    def close(self) -> None:
        """Free the program; the engine cannot infer afterwards."""
        self._execute = closed
        _loaded.discard(self)


def _source(model: Model, precision: str) -> Optional[str]:
    """A program in the precision, else the module, else a program of which only a look can tell the precision."""
    key = best_source(model, "executorch", precision)
    if key == "executorch" and precision != "fp32" and "torch" in model.sources:
        return "torch"
    return key or ("torch" if "torch" in model.sources else None)


def _set_threads(bindings: Any, threads: int) -> None:
    if not hasattr(bindings, "_threadpool_get_thread_count"):
        raise FrameworkError(
            "this release of executorch cannot tell how many threads it computes with; "
            "upgrade it: pip install --upgrade executorch"
        )
    if bindings._threadpool_get_thread_count() == threads:
        return
    if _loaded:
        # Engines that nobody holds any more may wait for the collector.
        gc.collect()
    if _loaded:
        raise FrameworkError(
            f"executorch has one pool of threads for the process: {len(_loaded)} engine(s) are loaded with "
            f"{bindings._threadpool_get_thread_count()} and {threads} were asked for; close them first"
        )
    bindings._unsafe_reset_threadpool(threads)
    if bindings._threadpool_get_thread_count() != threads:
        raise FrameworkError(
            f"executorch was asked for {threads} threads and gave {bindings._threadpool_get_thread_count()}"
        )


def _resolve_inputs(metadata: Any, model: Model, path: str) -> Tuple[TensorSpec, ...]:
    """The program's inputs, by the model's names where it has them; a program knows no names."""
    declared = []
    for position in range(metadata.num_inputs()):
        tensor = metadata.input_tensor_meta(position)
        dtype = _dtype(tensor, f"input {position} of {path}")
        declared.append(TensorSpec(f"input_{position}", tuple(tensor.sizes()), dtype))
    if not model.inputs:
        return tuple(declared)
    if [(spec.shape, spec.dtype) for spec in model.inputs] != [(spec.shape, spec.dtype) for spec in declared]:
        raise FrameworkError(
            f"model {model.name!r} says its inputs are {_told(model.inputs)}, {path} has {_told(declared)}"
        )
    return tuple(model.inputs)


def _outputs_of(metadata: Any, path: str) -> List[str]:
    """The numpy dtype names of the program's outputs."""
    return [
        _dtype(metadata.output_tensor_meta(position), f"output {position} of {path}")
        for position in range(metadata.num_outputs())
    ]


def _dtype(tensor: Any, what: str) -> str:
    if tensor.dtype() not in DTYPES:
        raise FrameworkError(f"{what} is of torch's type number {tensor.dtype()}, which numpy cannot hold")
    return DTYPES[tensor.dtype()]


def _told(tensors: Sequence[Any]) -> str:
    return ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in tensors) or "nothing"


def _read_found(made: Built) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((made.folder / FOUND).read_text("utf-8"))
    return found


def _require_precision_of(found: Mapping[str, Any], precision: str, path: str) -> None:
    """The program must compute in the precision, or it would be measured under a wrong name.

    A quantised program may keep some layers in fp32; ``describe`` tells how many.
    """
    held = found["layers"] or found["tensors"]
    # Without layers, what goes in and out may be in fp32 at every precision.
    mixed = precision == "int8" or (precision == "fp16" and not found["layers"])
    if precision not in held if mixed else set(held) != {precision}:
        raise FrameworkError(f"{path} was to be {precision}, but it computes in {', '.join(sorted(held)) or 'nothing'}")


def build_program(
    folder: Path,
    recipe: Mapping[str, Any],
    inputs: Sequence[Tuple[Sequence[int], str]],
    precision: str,
    calibration: Optional[str] = None,
) -> None:
    """Export the module that the recipe gives, lower it to XNNPACK, and write the program and what is in it.

    Args:
        folder: where to.
        recipe: see :func:`building.recipe_of`.
        inputs: shape and numpy dtype name of each.
        precision: fp32, fp16 or int8.
        calibration: examples for int8.

    Raises:
        FrameworkError: the source gives no module, torch cannot export it, or XNNPACK did not take all that is heavy.
    """
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    what = f"{recipe['module']}.{recipe['name']}"
    module = make(recipe)
    if not isinstance(module, torch.nn.Module):
        raise FrameworkError(f"{what} gave a {type(module).__name__}, not an nn.Module")
    module.eval()
    examples = tuple(torch.zeros(list(shape), dtype=getattr(torch, dtype)) for shape, dtype in inputs)
    if precision == "fp16":
        module = _in_half(torch, module)
    try:
        with torch.no_grad():
            exported = torch.export.export(module, examples)
            if precision == "int8":
                assert calibration is not None
                exported = torch.export.export(_quantised(torch, exported.module(), calibration), examples)
            lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
            program = lowered.to_executorch()
    except Exception as error:
        raise FrameworkError(f"{what} cannot be exported for executorch: {type(error).__name__}: {error}") from error
    path = folder / PROGRAM
    path.write_bytes(program.buffer)
    found = inspect(str(path))
    left = {name: count for name, count in found["portable"].items() if any(part in name for part in HEAVY)}
    if left:
        raise FrameworkError(
            f"{what}: XNNPACK did not take "
            + ", ".join(f"{count} x {name}" for name, count in sorted(left.items()))
            + f" at {precision}; executorch's portable kernels would take seconds for them"
        )
    (folder / FOUND).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")


def build_found(folder: Path, program: str) -> None:
    """Write what is in a program that somebody else built."""
    (folder / FOUND).write_text(json.dumps(inspect(program), indent=1, sort_keys=True) + "\n", "utf-8")


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
        raise FrameworkError(f"{path} is no executorch program: {type(error).__name__}: {error}") from error
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
    for instruction in (one.instr_args for chain in plan.chains for one in chain.instructions):
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


def _quantised(torch: Any, graph: Any, calibration: str) -> Any:
    """The exported graph quantised as XNNPACK computes it, its ranges by the calibration set."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(graph, quantizer)
    for example in read_calibration(calibration):
        prepared(*map(torch.from_numpy, example))
    return convert_pt2e(prepared)


def _in_half(torch: Any, module: Any) -> Any:
    """The module in float16 between fp32 inputs and outputs."""

    class Half(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = module.half()

        def forward(self, *inputs: Any) -> Any:
            return _as(torch, self.inner(*_as(torch, inputs, torch.float16)), torch.float32)

    return Half().eval()


def _as(torch: Any, value: Any, dtype: Any) -> Any:
    """``value`` with all floating-point tensors in it in ``dtype``; tuples, lists and dicts stay what they are."""
    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _as(torch, one, dtype) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        converted: List[Any] = [_as(torch, one, dtype) for one in value]
        return tuple(converted) if isinstance(value, tuple) else converted
    return value

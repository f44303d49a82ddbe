"""Programs of ExecuTorch made from a module: exported, lowered to XNNPACK, quantised or halved on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import (
    Built,
    built,
    calibration_of,
    make,
    read_calibration,
    recipe_of,
    source_of_recipe,
    version_of,
)
from pytest_edgeperf.frameworks.executorch.program import CONTENT, inspect
from pytest_edgeperf.frameworks.interface import FrameworkError, Model

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "model.pte"
#: In the names of operators that take seconds in the portable kernels.
HEAVY = ("conv", "linear", "addmm", "::mm", "::bmm", "baddbmm", "matmul")


def lowered(model: Model, precision: str) -> Built:
    """The program of the model's torch source: from the cache, or built now in another process."""
    recipe = recipe_of(model.sources["torch"], f"model {model.name!r}: sources['torch']")
    return built(
        f"{__name__}:build_program",
        model,
        precision,
        tools={name: version_of(name) for name in ("executorch", "torch", "torchao")},
        arguments={
            "recipe": recipe,
            "inputs": [[list(spec.shape), spec.dtype] for spec in model.inputs],
            "precision": precision,
        },
        source={"torch": source_of_recipe(recipe)},
        calibration=calibration_of(model, model.inputs) if precision == "int8" else None,
    )


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
    content = inspect(str(path))
    left = {name: count for name, count in content["portable"].items() if any(part in name for part in HEAVY)}
    if left:
        raise FrameworkError(
            f"{what}: XNNPACK did not take "
            + ", ".join(f"{count} x {name}" for name, count in sorted(left.items()))
            + f" at {precision}; executorch's portable kernels would take seconds for them"
        )
    (folder / CONTENT).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")


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
        return {key: _as(torch, item, dtype) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        converted: List[Any] = [_as(torch, item, dtype) for item in value]
        return tuple(converted) if isinstance(value, tuple) else converted
    return value

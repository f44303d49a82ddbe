"""ncnn's two files: which layers they hold, and in which precision these compute."""

from __future__ import annotations

import re
from typing import Any, List, NamedTuple, Optional, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.sources import existing, obtain

PARAM, BIN, OUTPUTS = "model.param", "model.bin", "outputs.json"
MAGIC = "7767517"
#: Precision -> what a layer says of itself when it can compute in it.
SUPPORT = {"fp16": "support_fp16_storage", "bf16": "support_bf16_storage"}
#: Layers with most of a network's work.
WEIGHTED = ("Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise", "InnerProduct")
#: The parameter of a weighted layer that says how its int8 scales are stored; 0 where it is not quantised.
INT8_SCALES = re.compile(r"\s8=(-?\d+)")


class Files(NamedTuple):
    """A network in ncnn's two files, and the shapes of its outputs where they are known."""

    param: str
    bin: str
    outputs: Optional[List[Tuple[int, ...]]] = None


def require_layers(ncnn: Any, param: str, precision: str) -> None:
    """All layers must be ncnn's, and quantised exactly where int8 is asked for."""
    with open(param, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if not lines or lines[0].strip() != MAGIC:
        raise FrameworkError(f"{param} is not a text file of ncnn's parameters (it does not begin with {MAGIC})")
    layers = [(line.split(None, 1)[0], line) for line in lines[2:] if line.strip()]
    unknown = sorted({kind for kind, _ in layers if ncnn.layer_to_index(kind) < 0})
    if unknown:
        raise FrameworkError(f"ncnn has no layer {', '.join(unknown)}, which {param} needs")
    scales = [INT8_SCALES.search(line) for kind, line in layers if kind in WEIGHTED]
    quantised = sum(match is not None and int(match.group(1)) != 0 for match in scales)
    if precision == "int8" and not quantised:
        raise FrameworkError(f"{param} should be int8, but none of its layers has int8 scales")
    if precision != "int8" and quantised:
        raise FrameworkError(f"{param} should be {precision}, but {quantised} of its layers are int8")


def layers_in(net: Any, precision: str, param: str) -> Optional[str]:
    """``"20 of 21"``: the layers with weights that say they compute in fp16 or bf16; some must."""
    if precision not in SUPPORT:
        return None
    able = [bool(getattr(layer, SUPPORT[precision])) for layer in net.layers() if layer.type in WEIGHTED]
    if not any(able):
        raise FrameworkError(
            f"ncnn computes none of the {len(able)} layers with weights of {param} in {precision} on this CPU"
        )
    return f"{sum(able)} of {len(able)}"


def own_files(model: Model, source: str) -> Files:
    """The two files that a source of the model's own gives."""
    files = obtain(model, source)
    if not isinstance(files, (tuple, list)) or len(files) != 2:
        raise FrameworkError(
            f"model {model.name!r}: sources[{source!r}] gave {files!r}, not the paths of a .param and a .bin file"
        )
    param, weights = (existing(str(path), model) for path in files)
    return Files(param, weights)

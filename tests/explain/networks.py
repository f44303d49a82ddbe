"""Small real networks, each as it is and with one operator made slower, for ONNX Runtime and PyTorch.

``VARIANTS`` names what makes it slower, and what the name of the first row then holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Mapping

import numpy as np

BASE = "base"
#: Another kernel size, casts around an operator, a fusion that cannot be.
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "onnxruntime": {"kernel": "/block4/", "cast": "/mlp/cast", "fusion": "/mlp/gelu"},
    "torch": {"kernel": "block4.conv", "cast": "gelu/to", "fusion": "gelu"},
}
#: Blocks, channels, and pixels of a side.
_BLOCKS, _CHANNELS, _PIXELS = 8, 32, 48
_HIDDEN = 128


def write_onnx(path: Path, variant: str = BASE) -> Path:
    """Eight convolutions with their activations, then a layer whose Gelu ONNX Runtime fuses."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    nodes: List[Any] = []
    weights: Dict[str, np.ndarray] = {}

    def node(kind: str, name: str, inputs: List[str], **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"{name}_output_0"], name=name, **attributes))
        return f"{name}_output_0"

    def weight(name: str, *shape: int) -> str:
        weights[name] = (0.1 * chance.standard_normal(shape)).astype(np.float32)
        return name

    tensor, outputs = "images", ["answers"]
    for block in range(_BLOCKS):
        name = f"/block{block}"
        size = 7 if variant == "kernel" and block == 4 else 3
        kernel = weight(f"w{block}", _CHANNELS, 3 if block == 0 else _CHANNELS, size, size)
        pads = [size // 2] * 4
        tensor = node("Conv", f"{name}/conv", [tensor, kernel], kernel_shape=[size, size], pads=pads)
        tensor = node("Relu", f"{name}/relu", [tensor])
    rows = _PIXELS * _PIXELS
    weights["rows"] = np.array([rows, _CHANNELS], np.int64)
    tensor = node("Reshape", "/mlp/reshape", [node("Transpose", "/mlp/last", [tensor], perm=[0, 2, 3, 1]), "rows"])
    tensor = node("MatMul", "/mlp/up", [tensor, weight("up", _CHANNELS, _HIDDEN)])
    if variant == "cast":
        tensor = node("Cast", "/mlp/cast/to_half", [tensor], to=TensorProto.FLOAT16)
        tensor = node("Cast", "/mlp/cast/to_float", [tensor], to=TensorProto.FLOAT)
    weights.update(root=np.array(2**0.5, np.float32), one=np.array(1, np.float32), half=np.array(0.5, np.float32))
    erf = node("Erf", "/mlp/gelu/erf", [node("Div", "/mlp/gelu/div", [tensor, "root"])])
    product = node("Mul", "/mlp/gelu/mul", [tensor, node("Add", "/mlp/gelu/add", [erf, "one"])])
    tensor = node("Mul", "/mlp/gelu/half", [product, "half"])
    tensor = node("MatMul", "/mlp/down", [tensor, weight("down", _HIDDEN, 8)])
    nodes.append(helper.make_node("ReduceMean", [tensor], ["answers"], name="/mlp/mean", axes=[0]))
    if variant == "fusion":
        # What is an output of the network cannot be fused away.
        outputs.append(erf)
    shapes = {"answers": [1, 8], erf: [rows, _HIDDEN]}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, _PIXELS, _PIXELS])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(made, str(path))
    return path


def torch_module(variant: str = BASE) -> Any:
    """The same blocks, then a layer whose Gelu the slower variant computes step by step."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, before: int, size: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(before, _CHANNELS, size, padding=size // 2)
            self.relu = nn.ReLU()

        def forward(self, images: Any) -> Any:
            return self.relu(self.conv(images))

    class Gelu(nn.Module):
        def forward(self, values: Any) -> Any:
            if variant == "cast":
                values = values.double().float()
            if variant == "fusion":
                return values * 0.5 * (1 + torch.erf(values / 2**0.5))
            return nn.functional.gelu(values)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for at in range(_BLOCKS):
                size = 7 if variant == "kernel" and at == 4 else 3
                self.add_module(f"block{at}", Block(_CHANNELS if at else 3, size))
            self.up = nn.Linear(_CHANNELS, _HIDDEN)
            self.gelu = Gelu()
            self.down = nn.Linear(_HIDDEN, 8)

        def forward(self, images: Any) -> Any:
            for at in range(_BLOCKS):
                images = getattr(self, f"block{at}")(images)
            return self.down(self.gelu(self.up(images.flatten(2).transpose(1, 2)))).mean(1)

    torch.manual_seed(0)
    return Network().eval()


def load(framework: str, variant: str, folder: Path, threads: int = 1) -> Any:
    """The engine of a variant."""
    from pytest_edgeperf import frameworks
    from pytest_edgeperf.frameworks import as_model
    from pytest_edgeperf.frameworks.interface import Model, TensorSpec

    if framework == "torch":
        images = TensorSpec("images", (1, 3, _PIXELS, _PIXELS))
        model = Model(f"small-{variant}", {"torch": lambda: torch_module(variant)}, (images,))
    else:
        model = as_model(write_onnx(folder / f"{variant}.onnx", variant))
    return frameworks.get(framework).load(model, threads=threads)

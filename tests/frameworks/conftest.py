from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest


@pytest.fixture
def onnx_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``images -> Relu -> rectified`` of a shape (numbers or names of dynamic dimensions)."""
    helper = pytest.importorskip("onnx.helper")
    import onnx

    def write(shape: Any = (1, 3, 4, 4), nodes: Any = None, kind: int = onnx.TensorProto.FLOAT) -> Path:
        graph = helper.make_graph(
            nodes or [helper.make_node("Relu", ["images"], ["rectified"])],
            "small",
            [helper.make_tensor_value_info("images", kind, shape)],
            [helper.make_tensor_value_info("rectified", kind, None)],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        path = tmp_path / "small.onnx"
        onnx.save(made, str(path))
        return path

    return write

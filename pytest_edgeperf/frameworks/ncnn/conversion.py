"""ncnn's files made from ONNX files by pnnx, and a small convolution that shows what ncnn computes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from importlib import metadata
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_edgeperf.frameworks.building import Built, built, version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.ncnn.files import BIN, MAGIC, OUTPUTS, PARAM
from pytest_edgeperf.frameworks.ncnn.switches import switches
from pytest_edgeperf.frameworks.onnx_files import digests_of
from pytest_edgeperf.frameworks.probing import image_and_kernel, tell_whether_different

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

#: The function that finds out whether ncnn computes in a precision here.
PROBE = f"{__name__}:build_probe"
OUTPUT = re.compile(r"^pnnx\.Output\s+out(\d+)\s.*=\(([\d,]+)\)")
LINES_TOLD = 10


def converted(model: Model, onnx: str) -> Built:
    """ncnn's files of an ONNX file of fixed shapes; they are the same for all precisions."""
    return built(
        f"{__name__}:build_fp32",
        model,
        "fp32",
        tools={"onnx": version_of("onnx"), "pnnx": version_of("pnnx")},
        arguments={},
        files={"onnx": onnx},
        source=digests_of(onnx),
    )


def build_probe(folder: Path, precision: str) -> None:
    """Write whether a small convolution gives other outputs at the precision than in fp32."""
    import ncnn
    import numpy as np

    image, kernel = image_and_kernel()
    channels = kernel.shape[0]
    layers = (
        "Input image 0 1 in0",
        f"Convolution convolution 1 1 in0 out0 0={channels} 1=3 4=1 5=0 6={kernel.size}",
    )
    with tempfile.TemporaryDirectory() as work:
        param, weights = os.path.join(work, PARAM), os.path.join(work, BIN)
        Path(param).write_text("\n".join((MAGIC, "2 2", *layers)) + "\n", "utf-8")
        # The leading zero says that the weights are fp32.
        Path(weights).write_bytes(bytes(4) + kernel.tobytes())

        def output(tried: str) -> Array:
            net = ncnn.Net()
            for name, wanted in switches(net.opt, tried).items():
                setattr(net.opt, name, wanted)
            net.opt.num_threads = 1
            if net.load_param(param) != 0 or net.load_model(weights) != 0:
                raise FrameworkError("ncnn cannot load a network of one convolution")
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(image[0]).clone())
            return np.array(extractor.extract("out0")[1])

        tell_whether_different(folder, precision, output)


def build_fp32(folder: Path, onnx: str) -> None:
    """Write ncnn's two files, converted by pnnx from an ONNX file of fixed shapes, and the shapes of the outputs."""
    import onnx as package

    with tempfile.TemporaryDirectory() as work:
        prepared = package.load(onnx)
        transpose_matrices(prepared)
        # pnnx writes beside what it reads.
        package.save(prepared, os.path.join(work, "model.onnx"))
        targets = {"ncnnparam": folder / PARAM, "ncnnbin": folder / BIN}
        command = [_pnnx(), "model.onnx", "fp16=0", *(f"{name}={path}" for name, path in targets.items())]
        done = subprocess.run(
            command,
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        last = "\n".join(done.stdout.strip().splitlines()[-LINES_TOLD:])
        if done.returncode != 0 or not all(path.is_file() for path in targets.values()):
            raise FrameworkError(f"pnnx cannot convert {onnx} ({done.returncode}):\n{last}")
        announced = Path(work, "model.pnnx.param").read_text("utf-8")
    numbered = sorted(
        (int(match.group(1)), match.group(2)) for match in map(OUTPUT.match, announced.splitlines()) if match
    )
    shapes = [[int(size) for size in sizes.split(",") if size] for _, sizes in numbered]
    if len(shapes) != len(prepared.graph.output) or not all(map(prod, shapes)):
        raise FrameworkError(f"pnnx does not report the shapes of the outputs of {onnx}:\n{last}")
    (folder / OUTPUTS).write_text(json.dumps(shapes) + "\n", "utf-8")


def _pnnx() -> str:
    """The program in the package pnnx, whose Python part would import PyTorch."""
    program = str(metadata.distribution("pnnx").locate_file("pnnx/pnnx"))
    if not os.access(program, os.X_OK):
        raise FrameworkError(f"the package pnnx has no program {program}; reinstall it")
    return program


def transpose_matrices(model: Any) -> None:
    """Give each Gemm with a constant matrix the layout of a linear layer: pnnx converts the other one wrongly."""
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        transposed = [attribute for attribute in node.attribute if attribute.name == "transB"]
        if node.op_type != "Gemm" or node.input[1] not in constants or any(attribute.i for attribute in transposed):
            continue
        for attribute in transposed:
            node.attribute.remove(attribute)
        node.attribute.append(helper.make_attribute("transB", 1))
        matrix = numpy_helper.to_array(constants[node.input[1]])
        name = f"{node.input[1]}_transposed"
        if name not in constants:
            constants[name] = numpy_helper.from_array(matrix.T.copy(), name)
            model.graph.initializer.append(constants[name])
        node.input[1] = name

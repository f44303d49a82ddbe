"""MNN's files made and read by its converter, and a small convolution that shows what MNN computes."""

from __future__ import annotations

import json
import os
import re
import tempfile
from typing import TYPE_CHECKING, Any, Dict, Mapping

from pytest_edgeperf.frameworks.building import Built, built, file_digest, version_of
from pytest_edgeperf.frameworks.interface import FrameworkError, Model
from pytest_edgeperf.frameworks.onnx_files import digests_of
from pytest_edgeperf.frameworks.probing import image_and_kernel, tell_whether_different

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Array

#: The function that finds out whether MNN computes in a precision here.
PROBE = f"{__name__}:build_probe"
CONVERTED, WEIGHTS = "model.mnn", "weights.json"
#: Precision -> MNN's own word for it.
MODES = {"fp32": "high", "fp16": "low", "bf16": "low_bf16", "int8": "high"}
#: One line for each array of weights in MNN's dump of a file as text, by how they are stored.
FLOAT_WEIGHTS = ', "weight":'
STORED = re.compile(r'^, "type": (\d+), "useInt32".*"aMaxOrBits": (\d+)')
STORED_FP16 = 3
INT8_ACTIVATIONS = ', "symmetricQuan":'


def require_weights(stored: Mapping[str, int], precision: str, path: str) -> None:
    """The file's weights must be in the precision, or it would be measured under a wrong name."""
    counts = ", ".join(f"{count} arrays of {kind}" for kind, count in stored.items() if count) or "none"
    if precision == "int8":
        if not stored.get("int8"):
            raise FrameworkError(f"{path} should be int8, but its weights are: {counts}")
    elif any(count for kind, count in stored.items() if kind not in ("fp32", precision)):
        raise FrameworkError(f"{path} should be {precision}, but its weights are: {counts}")


def converted(model: Model, onnx: str, weight_bits: int) -> Built:
    """MNN's file of an ONNX file of fixed shapes: from the cache, or made now in another process."""
    return _built("build", model, "int8" if weight_bits else "fp32", {"weight_bits": weight_bits}, {"onnx": onnx})


def stored_weights(model: Model, precision: str, path: str) -> Mapping[str, int]:
    """How many arrays of weights a user's file has, by type.

    Raises:
        FrameworkError: MNN cannot read the file.
    """
    try:
        scanned = _built("build_scan", model, precision, {}, {"mnn": path})
    except FrameworkError as error:
        raise FrameworkError(f"MNN cannot read {path}: {error}") from error
    stored: Mapping[str, int] = json.loads((scanned.folder / WEIGHTS).read_text("utf-8"))
    return stored


def _built(
    function: str, model: Model, precision: str, arguments: Mapping[str, Any], files: Mapping[str, str]
) -> Built:
    return built(
        f"{__name__}:{function}",
        model,
        precision,
        tools={"MNN": version_of("MNN")},
        arguments=arguments,
        files=files,
        source={name: digests_of(path) if name == "onnx" else file_digest(path) for name, path in files.items()},
    )


def build_probe(folder: Path, precision: str) -> None:
    """Write whether a small convolution gives other outputs at the precision than in fp32."""
    import MNN
    import numpy as np
    from MNN import expr

    image, kernel = image_and_kernel()
    channels = kernel.shape[0]
    asked = expr.placeholder(list(image.shape), expr.NCHW, expr.float)
    asked.name = "image"
    convolved = expr.conv2d(
        expr.convert(asked, expr.NC4HW4),
        expr.const(kernel, list(kernel.shape), expr.NCHW),
        expr.const(np.zeros(channels, np.float32), [channels], expr.NCHW),
    )
    answer = expr.convert(convolved, expr.NCHW)
    answer.name = "answer"
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, CONVERTED)
        expr.save([answer], path)

        def output(tried: str) -> Array:
            interpreter = MNN.Interpreter(path)
            session = interpreter.createSession({"backend": "CPU", "numThread": 1, "precision": MODES[tried]})
            kind, order = MNN.Halide_Type_Float, MNN.Tensor_DimensionType_Caffe
            interpreter.getSessionInput(session, "image").copyFrom(MNN.Tensor(image.shape, kind, image, order))
            interpreter.runSession(session)
            given = interpreter.getSessionOutput(session, "answer")
            host = MNN.Tensor(given, order)
            given.copyToHostTensor(host)
            return np.array(host.getNumpyData())

        tell_whether_different(folder, precision, output)


def build(folder: Path, onnx: str, weight_bits: int) -> None:
    """Write an ONNX file of fixed shapes as MNN's, its weights in ``weight_bits`` bits, or as they are if that is 0."""
    quantised = ["--weightQuantBits", str(weight_bits)] if weight_bits else []
    _convert("-f", "ONNX", "--modelFile", onnx, "--MNNModel", str(folder / CONVERTED), *quantised)
    if not (folder / CONVERTED).is_file():
        raise FrameworkError(f"MNN's converter cannot convert {onnx}; its messages are above")
    if weight_bits:
        require_weights(_stored(str(folder / CONVERTED)), "int8", onnx)


def build_scan(folder: Path, mnn: str) -> None:
    """Write how many arrays of weights a file of MNN's has, by type."""
    (folder / WEIGHTS).write_text(json.dumps(_stored(mnn)) + "\n", "utf-8")


def _convert(*arguments: str) -> None:
    """Run MNN's converter, which reports success even where it wrote nothing."""
    # The module behind ``mnnconvert``: that command itself installs a package and sends a report over the network.
    import _tools

    _tools.mnnconvert(["mnnconvert", "--bizCode", "edgeperf", *arguments])


def _stored(path: str) -> Dict[str, int]:
    """How many arrays of weights a file has, by type; it is read as the text that MNN's converter makes of it."""
    counts = {"fp32": 0, "fp16": 0, "int8": 0, "int8 activations": 0}
    with tempfile.TemporaryDirectory() as work:
        dump = os.path.join(work, "dump.json")
        _convert("-f", "MNN", "--modelFile", path, "--JsonFile", dump)
        if not os.path.isfile(dump):
            raise FrameworkError(f"{path} is not an MNN file; the converter's messages are above")
        with open(dump, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                stored = STORED.match(line)
                if stored is not None:
                    kind = "fp16" if int(stored.group(1)) == STORED_FP16 else f"int{stored.group(2)}"
                    counts[kind] = counts.get(kind, 0) + 1
                elif line.startswith(FLOAT_WEIGHTS):
                    counts["fp32"] += 1
                elif line.startswith(INT8_ACTIVATIONS):
                    counts["int8 activations"] += 1
    return counts

from __future__ import annotations

import inspect
import os
from functools import partial
from importlib import import_module

import numpy as np
import pytest

from pytest_edgeperf import testing
from pytest_edgeperf.frameworks.interface import Model, TensorSpec
from pytest_edgeperf.frameworks.tflite.conversion import PYTHON_VARIABLE, missing_tool
from pytest_edgeperf.testing import CLASSES, SHAPE, FrameworkContract

NETWORK = "network_for_litert_torch"


class Writer:
    """Writes a .tflite file tensor by tensor; needs the schema that ai-edge-litert brings."""

    def __init__(self):
        self.schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
        self.graph = self.schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.codes = []
        self.buffers = [self.schema.BufferT()]

    def tensor(self, name, shape, dtype, data=None, scale=None, zero_point=0, axis=0, free_batch=False):
        """A tensor's index; with ``data``, of a weight, and with ``scale`` (one, or one per slice of ``axis``)."""
        made = self.schema.TensorT()
        made.name, made.shape = name, list(shape)
        made.type = getattr(self.schema.TensorType, np.dtype(dtype).name.upper())
        made.buffer = 0
        if free_batch:
            made.shapeSignature = [-1, *shape[1:]]
        if data is not None:
            made.buffer = len(self.buffers)
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.buffers.append(buffer)
        if scale is not None:
            made.quantization = self.schema.QuantizationParametersT()
            made.quantization.scale = np.atleast_1d(scale).astype(np.float32)
            made.quantization.zeroPoint = np.full(made.quantization.scale.size, zero_point, np.int64)
            made.quantization.quantizedDimension = axis
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def operation(self, name, inputs, output, options=None, **values):
        """Of the graph; ``options`` names the class that holds ``values``."""
        schema = self.schema
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 5 if name in ("CONV_2D", "FULLY_CONNECTED") else 2
        self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = len(self.codes) - 1, list(inputs), [output]
        if options is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, f"{options}T")()
            for key, value in values.items():
                setattr(made.builtinOptions, key, value)
        self.graph.operators.append(made)

    def write(self, path, inputs, outputs, signature=True):
        """The file; ``inputs`` and ``outputs`` are names in the signature with indices of tensors."""
        import flatbuffers

        model = self.schema.ModelT()
        model.version, model.buffers, model.operatorCodes = 3, self.buffers, self.codes
        self.graph.inputs, self.graph.outputs = list(inputs.values()), list(outputs.values())
        model.subgraphs = [self.graph]
        if signature:
            made = self.schema.SignatureDefT()
            made.signatureKey, made.subgraphIndex = "serving_default", 0
            made.inputs, made.outputs = ([self._named(*pair) for pair in side.items()] for side in (inputs, outputs))
            model.signatureDefs = [made]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        with open(str(path), "wb") as file:
            file.write(builder.Output())
        return str(path)

    def _named(self, name, index):
        made = self.schema.TensorMapT()
        made.name, made.tensorIndex = name, index
        return made


def write_network(path, precision="fp32", classes=CLASSES, last=False, free_batch=False, signature=True):
    """The contract's network; ``int8`` has integer inputs and outputs, ``last`` its channels last."""
    made = testing.weights(classes)
    kernel, bias, matrix = made["kernel"].transpose(0, 2, 3, 1), made["bias"], made["matrix"].T
    quantised = precision == "int8"
    dtype = "int8" if quantised else "float32"
    writer = Writer()

    def activation(name, shape, lowest, highest):
        if not quantised:
            return writer.tensor(name, shape, dtype, free_batch=free_batch)
        scale = (highest - lowest) / 255
        return writer.tensor(name, shape, dtype, scale=scale, zero_point=round(-128 - lowest / scale))

    def weight(name, array):
        if precision == "fp16":
            half = writer.tensor(f"{name}_half", array.shape, "float16", array)
            whole = writer.tensor(name, array.shape, "float32")
            writer.operation("DEQUANTIZE", [half], whole, "DequantizeOptions")
            return whole, None
        if not quantised:
            return writer.tensor(name, array.shape, "float32", array), None
        scale = np.abs(array).reshape(len(array), -1).max(1) / 127 if array.ndim > 2 else np.abs(array).max() / 127
        steps = np.rint(array / np.reshape(scale, (-1,) + (1,) * (array.ndim - 1)))
        return writer.tensor(name, array.shape, "int8", steps, scale=scale), scale

    shape = (1, *SHAPE[2:], SHAPE[1])
    images = activation("images", shape if last else SHAPE, -4.5, 4.5)
    fed = images
    if not last:
        fed = activation("moved", shape, -4.5, 4.5)
        order = writer.tensor("order", (4,), "int32", [0, 2, 3, 1])
        writer.operation("TRANSPOSE", [images, order], fed, "TransposeOptions")
    weights, scale = weight("kernel", kernel)
    if quantised:
        scale = scale * 9 / 255
        added = writer.tensor("bias", bias.shape, "int32", np.rint(bias / scale), scale=scale)
    else:
        added = writer.tensor("bias", bias.shape, "float32", bias)
    rectified = activation("rectified", (1, *SHAPE[2:], len(bias)), 0, 8)
    same, relu = writer.schema.Padding.SAME, writer.schema.ActivationFunctionType.RELU
    convolution = {"padding": same, "strideH": 1, "strideW": 1, "fusedActivationFunction": relu}
    writer.operation("CONV_2D", [fed, weights, added], rectified, "Conv2DOptions", **convolution)
    pooled = activation("pooled", (1, len(bias)), 0, 2)
    axes = writer.tensor("axes", (2,), "int32", [1, 2])
    writer.operation("MEAN", [rectified, axes], pooled, "ReducerOptions", keepDims=False)
    weights, _ = weight("matrix", matrix)
    scores = activation("scores", (1, classes), -1.5, 1.5)
    writer.operation("FULLY_CONNECTED", [pooled, weights, -1], scores, "FullyConnectedOptions")
    return writer.write(path, {"images": images}, {"scores": scores}, signature)


class TestTfLite(FrameworkContract):
    """A user's files, one in each precision."""

    framework_name = "tflite"

    def sources(self, folder, classes):
        pytest.importorskip("ai_edge_litert.schema_py_generated")
        names = {"tflite": "fp32", "tflite:fp16": "fp16", "tflite:int8": "int8"}
        return {
            name: partial(write_network, folder / f"contract-{precision}-{classes}.tflite", precision, classes)
            for name, precision in names.items()
        }

    def damaged(self, folder):
        (folder / "damaged.tflite").write_bytes(b"this is no network")
        return Model("damaged", {"tflite": partial(str, folder / "damaged.tflite")}, (TensorSpec("images", SHAPE),))

    def missing(self, folder):
        return Model("missing", {"tflite": partial(str, folder / "missing.tflite")}, (TensorSpec("images", SHAPE),))


def write_torch_network(folder):
    """The contract's network in a module that needs no pytest, as environments of converters have none."""
    parts = [inspect.getsource(function) for function in (testing.weights, testing.torch_network)]
    names = ("SHAPE", "CHANNELS", "CLASSES")
    head = ["from __future__ import annotations", *(f"{name} = {getattr(testing, name)!r}" for name in names)]
    (folder / f"{NETWORK}.py").write_text("\n".join([*head, *parts]))


@pytest.fixture(scope="module")
def torch_network(tmp_path_factory):
    """Its module can be imported while a test asks for this."""
    folder = tmp_path_factory.mktemp("network")
    write_torch_network(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(os.fspath(folder))
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("torch_network")
@pytest.mark.skipif(missing_tool("litert_torch") is not None, reason=f"{PYTHON_VARIABLE} names no environment")
class TestTfLiteFromTorch(TestTfLite):
    """What litert-torch converts."""

    def sources(self, folder, classes):
        return {"torch": partial(import_module(NETWORK).torch_network, classes)}

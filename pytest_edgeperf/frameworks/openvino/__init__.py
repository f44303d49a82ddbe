"""OpenVINO on the CPU."""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Dict, Iterator, Mapping, Optional, Sequence, Tuple, cast

from pytest_edgeperf.frameworks.building import Built, built, calibration_of, file_digest, read_calibration, version_of
from pytest_edgeperf.frameworks.formats import ONNX
from pytest_edgeperf.frameworks.interface import (
    Engine,
    EngineConfiguration,
    EngineDescription,
    Framework,
    FrameworkError,
    Model,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.onnx_files import digests_of, size_mib_of
from pytest_edgeperf.frameworks.openvino.layers import COUNTED, profile
from pytest_edgeperf.frameworks.openvino.network import (
    fix_inputs,
    line_of,
    plain,
    position_of,
    read,
    require_no_half,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, OperatorProfile
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Array

DEVICE = "CPU"
#: Precision -> what OpenVINO is asked to compute in; what int8 leaves unquantised stays in fp32.
HINTS = {"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "f32"}
#: Precision -> the types that its convolutions and matrix products then show.
EXECUTED = {"fp32": ("f32",), "fp16": ("f16",), "bf16": ("bf16",), "int8": ("i8", "u8")}
#: Kinds of what a compiled network lists beside what it computes.
NOT_COMPUTED = ("Input", "Output", "Const", "Parameter", "Result", "Constant")
#: Kinds of layers of a compiled network that are most of its work.
HEAVY = ("Convolution", "Deconvolution", "FullyConnected", "MatMul", "RNNCell", "RNNSeq")
CONVERTED = "model.xml"
TELEMETRY = "openvino_telemetry"
#: A network of one rectifier, to ask what OpenVINO makes of a precision on this CPU.
PROBE = b"""<net name="probe" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1" element_type="f32"/>
<output><port id="0" precision="FP32"><dim>1</dim></port></output></layer>
<layer id="1" name="y" type="ReLU" version="opset1"><input><port id="0" precision="FP32"><dim>1</dim></port></input>
<output><port id="1" precision="FP32"><dim>1</dim></port></output></layer>
<layer id="2" name="z" type="Result" version="opset1"><input><port id="0" precision="FP32"><dim>1</dim></port></input>
</layer></layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>
<edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges></net>"""


class OpenVino(Framework):
    """OpenVINO, CPU device, from an ONNX file.

    The precision is always set: on CPUs with bfloat16 OpenVINO would otherwise compute in it, and it silently replaces
    fp16 by bf16. int8 is quantised by NNCF from a calibration set, once, in another process; a source ``onnx:int8``
    with quantise and dequantise nodes is taken as it is. After loading, the compiled network is asked in what its
    convolutions and matrix products run. OpenVINO and NNCF report each import to their maker over the network; they
    are imported without that.
    """

    name = "openvino"
    install_advice = "pip install 'pytest-edgeperf[openvino]'"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "pip install openvino==2024.0.0 nncf==2.9.0 (Python 3.8; the last for glibc 2.27; CPU)",
        "jetpack-5": "pip install openvino==2024.4.0 nncf==2.13.0 (the last for Python 3.8; CPU)",
        "raspberry-pi": "pip install 'pytest-edgeperf[openvino]' (64-bit system only)",
    }
    precisions = ("fp32", "fp16", "bf16", "int8")
    formats = (ONNX,)

    def version(self) -> Optional[str]:
        """The installed version of ``openvino``, read without importing it."""
        return version_of("openvino")

    def unable(self, precision: str) -> Optional[str]:
        """Also where OpenVINO says that this CPU would compute in another format; imports it for fp16 and bf16."""
        reason = super().unable(precision)
        if reason is not None or precision not in ("fp16", "bf16") or self.version() is None:
            return reason
        core = self._runtime().Core()
        # The device's own property is no answer: it keeps its old value where it does not take the new one.
        probe = core.compile_model(core.read_model(PROBE), DEVICE, {"INFERENCE_PRECISION_HINT": HINTS[precision]})
        given = plain(probe.get_property("INFERENCE_PRECISION_HINT"))
        if given == HINTS[precision]:
            return None
        other = next((known for known in self.precisions if HINTS[known] == given), given)
        return (
            f"{self.full_name} was asked for {precision} and would run {other} on this CPU; ask for --precision={other}"
        )

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        source = best_source(model, "onnx", precision)
        if source is None:
            return missing_source(model, ONNX)
        if source == "onnx" and precision == "int8" and version_of("nncf") is None:
            return (
                f"model {model.name!r} has to be quantised to int8 by NNCF, which is not installed: pip install nncf; "
                "or give it in int8: Model(sources={'onnx:int8': ...})"
            )
        return None

    def providers(self) -> Sequence[str]:
        """The devices that OpenVINO finds here; only the CPU is used."""
        return tuple(self._runtime().Core().available_devices)

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Read the model's ONNX file, fix its inputs and compile it for so many threads of the CPU.

        Raises:
            FrameworkError: the file cannot be loaded, its inputs are not those of ``model.inputs`` or stay dynamic, or
                the compiled network is not as it was asked for.
        """
        model, precision = configuration.model, configuration.precision
        core = self._runtime().Core()
        source, made = self._file(model, precision)
        path = str(made.folder / CONVERTED) if made is not None else source
        compiled, _, specs = self._compiled(core, configuration, source, path, {})
        executed = executed_types(compiled)
        require_executed(executed, model, precision, source)
        counted = partial(self._compiled, core, configuration, source, path, COUNTED)
        return OpenVinoEngine(configuration, compiled, specs, source, executed, made, counted)

    def _compiled(
        self, core: Any, configuration: EngineConfiguration, source: str, path: str, more: Mapping[str, Any]
    ) -> Tuple[Any, Any, Tuple[TensorSpec, ...]]:
        """The network of ``path`` compiled with ``more`` properties, the network as it was read, and its inputs."""
        model, precision = configuration.model, configuration.precision
        network = read(core, path, model)
        specs = fix_inputs(network, model, source)
        require_no_half(network, model, precision, source)
        asked = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": configuration.threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "PERFORMANCE_HINT": "LATENCY",
        }
        try:
            compiled = core.compile_model(network, DEVICE, {**asked, **more})
        except Exception as error:
            raise FrameworkError(f"openvino cannot compile {source} for the {DEVICE}: {line_of(error)}") from error
        require_compiled(compiled, {**asked, "EXECUTION_DEVICES": [DEVICE]})
        return compiled, network, specs

    def _file(self, model: Model, precision: str) -> Tuple[str, Optional[Built]]:
        """The model's ONNX file, and what was built from it if something was."""
        source = best_source(model, "onnx", precision)
        assert source is not None
        path = file_of(model, source)
        if precision != "int8" or source != "onnx":
            return path, None
        specs = tuple(model.inputs) or fix_inputs(read(self._runtime().Core(), path, model), model, path)
        return path, built(
            f"{__name__}:build_int8",
            model,
            precision,
            tools={"openvino": self.version(), "nncf": version_of("nncf")},
            arguments={"inputs": [[spec.name, list(spec.shape), spec.dtype] for spec in specs]},
            files={"onnx": path},
            source=digests_of(path),
            calibration=calibration_of(model, specs),
        )

    def _runtime(self) -> Any:
        with _no_telemetry():
            return self.imported("openvino")


class OpenVinoEngine(Engine):
    """A network compiled by OpenVINO, with one inference request."""

    def __init__(
        self,
        configuration: EngineConfiguration,
        compiled: Any,
        specs: Tuple[TensorSpec, ...],
        source: str,
        executed: Mapping[str, int],
        made: Optional[Built],
        counted: Callable[[], Tuple[Any, Any, Tuple[TensorSpec, ...]]],
    ) -> None:
        import numpy as np

        super().__init__(configuration)
        self.inputs = specs
        self.size_mib = made.size_mib if made is not None else size_mib_of(source)
        threads = compiled.get_property("INFERENCE_NUM_THREADS")
        self._description = configuration.description(
            compiled.get_property("EXECUTION_DEVICES")[0],
            threads,
            # oneTBB's threads wait awake for about a millisecond; with one thread there is none that waits.
            spinning="about 1 ms" if threads > 1 else False,
            streams=compiled.get_property("NUM_STREAMS"),
            pinned=compiled.get_property("ENABLE_CPU_PINNING"),
            hyper_threading=compiled.get_property("ENABLE_HYPER_THREADING"),
            inference_precision_hint=plain(compiled.get_property("INFERENCE_PRECISION_HINT")),
            executed=dict(executed),
            model_sha256=file_digest(source)[:12],
            **(made.describe() if made is not None else {}),
        )
        self._compiled = compiled
        self._positions = tuple(position_of(compiled.inputs, spec.name) for spec in specs)
        self._forms = tuple((spec.shape, np.dtype(spec.dtype)) for spec in specs)
        self._counted = counted
        self._run = compiled.create_infer_request().infer

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``, which are read in place; the outputs are copies.

        Shapes and types are checked here: OpenVINO silently converts other types.
        """
        if tuple((array.shape, array.dtype) for array in arrays) != self._forms:
            raise FrameworkError(self._misfit(arrays))
        outputs: Tuple[Array, ...] = self._run(dict(zip(self._positions, arrays)), share_inputs=True).to_tuple()
        return outputs

    def _misfit(self, arrays: Sequence[Array]) -> str:
        given = ", ".join(f"{array.dtype} {list(array.shape)}" for array in arrays) or "nothing"
        wanted = ", ".join(f"{spec.name!r} {spec.dtype} {list(spec.shape)}" for spec in self.inputs)
        return f"model {self.model.name!r} takes {wanted}, but was given {given}"

    def describe(self) -> EngineDescription:
        """What the compiled network says of itself; ``executed`` counts what its heavy layers compute in."""
        return self._description

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """What the executed layers take, in networks that are compiled anew with counters.

        The provider of a layer is the implementation that OpenVINO chose, such as ``brgconv_avx512_f32``.
        """
        if self._run is closed:
            closed()
        return profile(lambda: self._counted()[:2], self._positions, inputs, repetitions, calls)

    def placement(self) -> Mapping[str, int]:
        """The only device that executes the network -> how many layers the compiled network has there."""
        if self._compiled is None:
            closed()
        (device,) = self._compiled.get_property("EXECUTION_DEVICES")
        infos = [node.get_rt_info() for node in self._compiled.get_runtime_model().get_ops()]
        return {device: sum(info["layerType"].astype(str) not in NOT_COMPUTED for info in infos)}

    def close(self) -> None:
        """Free the request, and the network with it; the engine cannot infer afterwards."""
        self._compiled = None
        self._run = closed


@contextmanager
def _no_telemetry() -> Iterator[None]:
    """What is imported here finds no package to report to its maker with; that would be work of a measured process."""
    before = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = cast(ModuleType, None)
    try:
        yield
    finally:
        if before is not None:
            sys.modules[TELEMETRY] = before
        else:
            del sys.modules[TELEMETRY]


def require_compiled(compiled: Any, asked: Mapping[str, Any]) -> None:
    """Raise FrameworkError unless the compiled network has the properties that were asked for."""
    for what, wanted in asked.items():
        got = plain(compiled.get_property(what))
        if got != str(wanted):
            raise FrameworkError(f"openvino was asked for {what} {wanted} and gave {got}")


def executed_types(compiled: Any) -> Dict[str, int]:
    """Type -> number of the compiled network's convolutions, matrix products and recurrent layers that run in it."""
    infos = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    types = Counter(info["runtimePrecision"].astype(str) for info in infos if info["layerType"].astype(str) in HEAVY)
    return dict(sorted(types.items()))


def require_executed(executed: Mapping[str, int], model: Model, precision: str, path: str) -> None:
    """More than half of them must run as asked; a network without any cannot be int8."""
    right = sum(executed.get(kind, 0) for kind in EXECUTED[precision])
    heavy = sum(executed.values())
    if 2 * right <= heavy and (heavy or precision == "int8"):
        counts = ", ".join(f"{count} in {kind}" for kind, count in executed.items()) or "none"
        raise FrameworkError(
            f"openvino was asked for {precision}, but of the convolutions and matrix products of model {model.name!r} "
            f"({path}) it runs {counts}"
        )


def build_int8(folder: Path, onnx: str, inputs: Sequence[Tuple[str, Sequence[int], str]], calibration: str) -> None:
    """Write the model quantised to 8 bits as OpenVINO's own format: NNCF's defaults, with the calibration set."""
    with _no_telemetry():
        import nncf
        import openvino
    specs = tuple(TensorSpec(name, tuple(shape), dtype) for name, shape, dtype in inputs)
    model = Model(os.path.basename(onnx), {}, specs)
    network = read(openvino.Core(), onnx, model)
    fix_inputs(network, model, onnx)
    names = [spec.name for spec in specs]
    examples = [dict(zip(names, example)) for example in read_calibration(calibration)]
    quantised = nncf.quantize(network, nncf.Dataset(examples), subset_size=len(examples))
    openvino.save_model(quantised, str(folder / CONVERTED), compress_to_fp16=False)

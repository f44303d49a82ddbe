"""TensorRT by its Python bindings: 8.0 to 8.4 by numbered bindings, 8.5 and newer by named tensors."""

from __future__ import annotations

import json
from importlib import util
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, built, calibration_of, file_digest, version_of
from pytest_edgeperf.frameworks.cuda import Cuda, open_cuda
from pytest_edgeperf.frameworks.interface import Engine, EngineConfiguration, FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.mps import mps_active
from pytest_edgeperf.frameworks.onnx_files import digests_of
from pytest_edgeperf.frameworks.tensorrt.bindings_build import FACTS
from pytest_edgeperf.frameworks.tensorrt.bindings_engine import TensorRtEngine
from pytest_edgeperf.frameworks.tensorrt.dla_layers import GPU
from pytest_edgeperf.frameworks.tensorrt.files import (
    ENGINE,
    built_from,
    converted,
    converted_path,
    is_given,
    missing_converter,
    timing_cache,
)
from pytest_edgeperf.frameworks.tensorrt.installed import DISTRIBUTIONS, l4t_release, version_in
from pytest_edgeperf.frameworks.tensorrt.options import (
    DLA_CORE,
    OPTIMISATION_LEVEL,
    PROFILE,
    WORKSPACE_MIB,
    WORKSPACE_MIB_DEFAULT,
    require_within,
    usual_shape,
)

BUILDING = "pytest_edgeperf.frameworks.tensorrt.bindings_build"
#: From this compute capability on a GPU has bf16 and tf32.
AMPERE = (8, 0)


class Gpu(NamedTuple):
    """What an engine is built for; another GPU or another system does not load it."""

    name: str
    compute_capability: Tuple[int, int]
    l4t: Optional[str]

    @classmethod
    def of(cls, cuda: Cuda) -> Gpu:
        """The device's, and the release of Jetson's system where this is one."""
        return cls(cuda.device_name(), cuda.compute_capability(), l4t_release())

    def key(self) -> Dict[str, Any]:
        """For an engine's hash."""
        return {"gpu": self.name, "compute_capability": "{}.{}".format(*self.compute_capability), "l4t": self.l4t}


class Bindings:
    """A driver of TensorRT: see :class:`tensorrt.Driver`."""

    def version(self) -> Optional[str]:
        """The version of the module ``tensorrt``, or ``None`` where there is none.

        Read from its metadata or its files. Only where neither has it is the module imported, once, in a child process.
        """
        spec = util.find_spec("tensorrt")
        if spec is None or spec.origin is None:
            return None
        return next(filter(None, map(version_of, DISTRIBUTIONS)), None) or version_in(spec.origin)

    def providers(self) -> Sequence[str]:
        """The GPU's name."""
        return (open_cuda().device_name(),)

    def unable(self, precision: str) -> Optional[str]:
        """Why no engine of the precision runs here, by CUDA and TensorRT's builder, which is asked in a child, once."""
        try:
            gpu, facts = self._device()
        except FrameworkError as error:
            return f"tensorrt cannot run here: {error}"
        if not facts["fast"].get(precision, True):
            return f"TensorRT {self.version()} reports that {gpu.name} has no fast {precision}"
        if precision in ("tf32", "bf16") and gpu.compute_capability < AMPERE:
            return f"{gpu.name} has no {precision} (compute capability {gpu.key()['compute_capability']}; from 8.0)"
        if precision == "bf16" and not facts["strongly_typed"] and "BF16" not in facts["flags"]:
            return f"TensorRT {self.version()} has no bf16: its builder has no flag for it"
        return None

    def unsupported(self, model: Model, precision: str, options: Mapping[str, Any]) -> Optional[str]:
        """Why an ONNX source of the model cannot be built in a precision that runs here, or ``None``."""
        if is_given(model, precision) or not self._converts(self._device()[1], precision):
            return None
        if precision == "bf16":
            return (
                f"TensorRT {self.version()} computes in the types of the file, and nothing here converts a file to bf16"
                "; export it in bf16: Model(sources={'onnx:bf16': ...})"
            )
        return missing_converter(precision)

    def load(self, configuration: EngineConfiguration, onnx: str, specs: Tuple[TensorSpec, ...]) -> Engine:
        """Build the engine of an ONNX file where the cache does not hold it, and load it.

        Raises:
            FrameworkError: it cannot be built or loaded, or is not what was asked for.
        """
        model, precision, options = configuration.model, configuration.precision, configuration.options
        cuda = open_cuda()
        gpu, facts = self._device(cuda)
        profile = options[PROFILE]
        if not model.inputs:
            specs = tuple(TensorSpec(spec.name, usual_shape(profile, spec), spec.dtype) for spec in specs)
        require_within(profile, specs)
        conversion: Optional[Built] = None
        if not is_given(model, precision) and self._converts(facts, precision):
            conversion = converted(model, precision, onnx, specs)
        # Without a conversion the builder itself calibrates.
        calibrates = precision == "int8" and conversion is None and not is_given(model, precision)
        path = onnx if conversion is None else converted_path(conversion)
        # an engine with a profile serves every shape within it
        tuned = {spec.name: spec.shape if calibrates else usual_shape(profile, spec) for spec in specs}
        made = built(
            f"{BUILDING}:build",
            model,
            precision,
            tools={"tensorrt": configuration.version},
            arguments={
                "precision": precision,
                "inputs": [[spec.name, list(tuned[spec.name]), spec.dtype] for spec in specs],
                "profile": profile,
                "dla_core": options[DLA_CORE],
                "optimisation_level": options[OPTIMISATION_LEVEL],
                "workspace_mib": (WORKSPACE_MIB_DEFAULT if options[WORKSPACE_MIB] is None else options[WORKSPACE_MIB]),
            },
            files={"onnx": path, "timing_cache": str(timing_cache(configuration.version, *gpu))},
            source={**digests_of(path), **gpu.key()},
            calibration=calibration_of(model, specs) if calibrates else None,
        )
        facts = json.loads((made.folder / FACTS).read_text("utf-8"))
        details = {
            **built_from(conversion, made),
            "model_sha256": file_digest(onnx)[:12],
            "strongly_typed": facts["strongly_typed"],
            "builder_flags": sorted(name for name, is_set in facts["flags"].items() if is_set),
            "device_type": facts["device_type"],
            "dla_core": facts.get("dla_core"),
            "calibrator": facts.get("calibrator"),
            "timing_cache": facts["timing_cache"],
        }
        if "builder_optimization_level" in facts:
            details["builder_optimization_level"] = facts["builder_optimization_level"]
        plan = str(made.folder / ENGINE)
        engine = self._open(configuration, cuda, gpu, plan, specs, details, facts["outputs"], path)
        engine.placed = {GPU: engine.layers} if options[DLA_CORE] is None else facts.get("dla_layers")
        return engine

    def missing(self) -> Optional[str]:
        """That there is no module ``tensorrt`` for this Python, or ``None``."""
        return None if self.version() is not None else "TensorRT's bindings are not installed for this Python"

    def load_engine(self, configuration: EngineConfiguration, engine: str) -> Engine:
        """Load an engine that the user built; its precision is the user's word, since an engine does not report it.

        Without the model's inputs they are those that it reports, with a free first size as a batch of one.

        Raises:
            FrameworkError: this version on this GPU does not take it, or its inputs are not the model's.
        """
        cuda = open_cuda()
        details = {"engine_sha256": file_digest(engine)[:12], "precision_told_by": "the model"}
        return self._open(configuration, cuda, Gpu.of(cuda), engine, tuple(configuration.model.inputs), details, None)

    def _open(
        self,
        configuration: EngineConfiguration,
        cuda: Cuda,
        gpu: Gpu,
        path: str,
        specs: Tuple[TensorSpec, ...],
        details: Mapping[str, Any],
        outputs: Optional[Mapping[str, str]],
        onnx: Optional[str] = None,
    ) -> TensorRtEngine:
        facts = {
            "driver": "bindings",
            "compute_capability": gpu.key()["compute_capability"],
            "cuda": f"{cuda.package} {cuda.version}",
            "mps": mps_active(),
            **details,
        }
        return TensorRtEngine(
            configuration, cuda, path, specs, outputs, configuration.description(gpu.name, 1, **facts), onnx
        )

    def _device(self, cuda: Optional[Cuda] = None) -> Tuple[Gpu, Mapping[str, Any]]:
        """The GPU, and what the builder reports about it."""
        gpu = Gpu.of(cuda or open_cuda())
        made = built(
            f"{BUILDING}:build_device",
            Model("tensorrt-device", {}),
            "any",
            tools={"tensorrt": self.version()},
            arguments={},
            source=gpu.key(),
        )
        facts: Mapping[str, Any] = json.loads((made.folder / FACTS).read_text("utf-8"))
        return gpu, facts

    def _converts(self, facts: Mapping[str, Any], precision: str) -> bool:
        """Whether the file has to be converted, since the builder has no setting for the precision."""
        if precision in ("fp32", "tf32"):
            return False
        return bool(facts["strongly_typed"]) or (precision == "int8" and not facts["calibrates"])

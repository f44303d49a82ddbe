"""TensorRT by its Python bindings: 8.0 to 8.4 by numbered bindings, 8.5 and newer by named tensors."""

from __future__ import annotations

import json
import re
from importlib import util
from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.caches import build_number, cache_folder
from pytest_edgeperf.frameworks.building import Built, Calibration, built, calibration_of, file_digest, version_of
from pytest_edgeperf.frameworks.cuda import Cuda, open_cuda
from pytest_edgeperf.frameworks.interface import Engine, FrameworkError, Model, TensorSpec
from pytest_edgeperf.frameworks.mps import mps_active
from pytest_edgeperf.frameworks.onnx_files import digests_of, onnxruntime_version
from pytest_edgeperf.frameworks.sources import best_source
from pytest_edgeperf.frameworks.tensorrt.bindings_build import ENGINE, QUANTISED, TOLD
from pytest_edgeperf.frameworks.tensorrt.bindings_engine import TensorRtEngine
from pytest_edgeperf.frameworks.tensorrt.installed import DISTRIBUTIONS, l4t_release, version_in
from pytest_edgeperf.frameworks.tensorrt.options import (
    DLA_CORE,
    OPTIMISATION_LEVEL,
    WORKSPACE_MIB,
    WORKSPACE_MIB_DEFAULT,
    profile_of,
    require_within,
    usual,
    whole,
)

if TYPE_CHECKING:
    pass

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

        Read from its metadata or its files. Only where neither tells is it imported, once, in a child process.
        """
        spec = util.find_spec("tensorrt")
        if spec is None or spec.origin is None:
            return None
        return next(filter(None, map(version_of, DISTRIBUTIONS)), None) or version_in(spec.origin)

    def providers(self) -> Sequence[str]:
        """The GPU's name."""
        return (open_cuda().device_name(),)

    def unable(self, precision: str) -> Optional[str]:
        """Why no engine of the precision runs here, as CUDA and TensorRT's builder say; the latter in a child, once."""
        try:
            gpu, told = self._device()
        except FrameworkError as error:
            return f"tensorrt cannot run here: {error}"
        if not told["fast"].get(precision, True):
            return f"TensorRT {self.version()} says that {gpu.name} has no fast {precision}"
        if precision in ("tf32", "bf16") and gpu.compute_capability < AMPERE:
            return f"{gpu.name} has no {precision} (compute capability {gpu.key()['compute_capability']}; from 8.0)"
        if precision == "bf16" and not told["strongly_typed"] and "BF16" not in told["flags"]:
            return f"TensorRT {self.version()} has no bf16: its builder has no flag for it"
        return None

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why an ONNX source of the model cannot be built in a precision that runs here, or ``None``."""
        if best_source(model, "onnx", precision) == f"onnx:{precision}" or precision in ("fp32", "tf32"):
            return None
        _, told = self._device()
        if not _converts(told, precision):
            return None
        if precision == "bf16":
            return (
                f"TensorRT {self.version()} computes in the types of the file, and nothing here converts a file to bf16"
                "; export it in bf16: Model(sources={'onnx:bf16': ...})"
            )
        if onnxruntime_version() is None:
            return (
                f"TensorRT {self.version()} computes in the types of the file, and ONNX Runtime, which converts it to "
                f"{precision}, is not installed: pip install onnxruntime"
            )
        return None

    def load(self, model: Model, precision: str, onnx: str, specs: Tuple[TensorSpec, ...]) -> Engine:
        """Build the engine of an ONNX file where the cache does not hold it, and load it.

        Raises:
            FrameworkError: it cannot be built or loaded, or is not what was asked for.
        """
        cuda = open_cuda()
        gpu, told = self._device(cuda)
        profile = profile_of(model)
        if not model.inputs:
            specs = tuple(TensorSpec(s.name, usual(profile, s), s.dtype) for s in specs)
        require_within(profile, specs)
        path, converted, calibration = self._prepared(model, precision, onnx, specs, told)
        # What the cache of an earlier build holds would decide the tactics of the next.
        timed = _plain(self.version(), *map(str, gpu), *(["build", str(build_number())] if build_number() else []))
        timing_cache = cache_folder("tensorrt") / f"timing-{timed}.bin"
        made = built(
            f"{BUILDING}:build",
            model,
            precision,
            tools={"tensorrt": self.version()},
            arguments={
                "precision": precision,
                "inputs": [[spec.name, list(spec.shape), spec.dtype] for spec in specs],
                "profile": profile,
                "dla_core": whole(model, DLA_CORE, None),
                "optimisation_level": whole(model, OPTIMISATION_LEVEL, None),
                "workspace_mib": whole(model, WORKSPACE_MIB, WORKSPACE_MIB_DEFAULT),
            },
            files={"onnx": path, "timing_cache": str(timing_cache)},
            source={**digests_of(path), **gpu.key()},
            calibration=calibration,
        )
        told = json.loads((made.folder / TOLD).read_text("utf-8"))
        described = {
            **(converted.describe() if converted is not None else {}),
            **made.describe(),
            "model_sha256": file_digest(onnx)[:12],
            "strongly_typed": told["strongly_typed"],
            "builder_flags": sorted(name for name, is_set in told["flags"].items() if is_set),
            "device_type": told["device_type"],
            "dla_core": told.get("dla_core"),
            "calibrator": told.get("calibrator"),
            "timing_cache": told["timing_cache"],
        }
        if "builder_optimization_level" in told:
            described["builder_optimization_level"] = told["builder_optimization_level"]
        return self._open(cuda, gpu, model, precision, str(made.folder / ENGINE), specs, described, told["outputs"])

    def missing(self) -> Optional[str]:
        """That there is no module ``tensorrt`` for this Python, or ``None``."""
        return None if self.version() is not None else "TensorRT's bindings are not installed for this Python"

    def load_engine(self, model: Model, precision: str, engine: str, specs: Tuple[TensorSpec, ...]) -> Engine:
        """Load an engine that the user built; its precision is the user's word, since an engine does not tell it.

        Without ``specs`` its inputs are those that it tells, a free first size being a batch of one.

        Raises:
            FrameworkError: this version on this GPU does not take it, or its inputs are not the model's.
        """
        cuda = open_cuda()
        described = {"engine_sha256": file_digest(engine)[:12], "precision_told_by": "the model"}
        return self._open(cuda, Gpu.of(cuda), model, precision, engine, specs, described, None)

    def _open(
        self,
        cuda: Cuda,
        gpu: Gpu,
        model: Model,
        precision: str,
        path: str,
        specs: Tuple[TensorSpec, ...],
        described: Mapping[str, Any],
        outputs: Optional[Mapping[str, str]],
    ) -> Engine:
        told = {
            "version": self.version(),
            "driver": "bindings",
            "precision": precision,
            "provider": gpu.name,
            "compute_capability": gpu.key()["compute_capability"],
            "cuda": f"{cuda.package} {cuda.version}",
            "threads": 1,
            "mps": mps_active(),
            **described,
        }
        return TensorRtEngine(cuda, path, model, precision, specs, outputs, told)

    def _device(self, cuda: Optional[Cuda] = None) -> Tuple[Gpu, Mapping[str, Any]]:
        """The GPU, and what the builder says of it."""
        gpu = Gpu.of(cuda or open_cuda())
        made = built(
            f"{BUILDING}:build_device",
            Model("tensorrt-device", {}),
            "any",
            tools={"tensorrt": self.version()},
            arguments={},
            source=gpu.key(),
        )
        told: Mapping[str, Any] = json.loads((made.folder / TOLD).read_text("utf-8"))
        return gpu, told

    def _prepared(
        self, model: Model, precision: str, onnx: str, specs: Tuple[TensorSpec, ...], told: Mapping[str, Any]
    ) -> Tuple[str, Optional[Built], Optional[Calibration]]:
        """The file to build from, how it was converted if it was, and what the builder is to calibrate with."""
        if best_source(model, "onnx", precision) == f"onnx:{precision}" or precision not in ("fp16", "int8"):
            return onnx, None, None
        examples = calibration_of(model, specs) if precision == "int8" else None
        if not _converts(told, precision):
            return onnx, None, examples
        tools = {"onnx": version_of("onnx"), "onnxruntime": onnxruntime_version()}
        if precision == "fp16":
            converter = "pytest_edgeperf.frameworks.onnxruntime.conversion:build_fp16"
        else:
            converter = f"{BUILDING}:build_qdq"
        made = built(
            converter,
            model,
            precision,
            tools=tools,
            arguments={"inputs": [spec.name for spec in specs]} if precision == "int8" else {},
            files={"onnx": onnx},
            source=digests_of(onnx),
            calibration=examples,
        )
        return str(made.folder / QUANTISED), made, None


def _converts(told: Mapping[str, Any], precision: str) -> bool:
    """Whether the file has to be converted, since the builder cannot be told the precision."""
    return bool(told["strongly_typed"]) or (precision == "int8" and not told["calibrates"])


def _plain(*parts: Any) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(str(part) for part in parts))

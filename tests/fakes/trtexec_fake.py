"""A ``trtexec`` without TensorRT, as strict as the real one is not: for tests of what starts it.

:func:`install` writes a program that has the options of one release and no others, prints what that release prints,
and writes what it exports. What it calls an engine holds the ONNX file; it is computed by ONNX Runtime. An option that
the release does not have, one given twice, a flag with a value and an input file of a wrong size are errors.

Environment variables for tests: ``FAKE_TRTEXEC_LOG`` names a file that takes a line for each start (its process and
its arguments); ``FAKE_TRTEXEC_MODE`` what goes wrong (see :data:`FAULTS`), and ``FAKE_TRTEXEC_AT`` in which of
``help``, ``build``, ``infer``, ``time`` and ``profile`` it does (all but ``help``, where it is not set).
``FAKE_TRTEXEC_LAYERS`` is JSON of names and ms of the layers that it profiles, without which they are the nodes with
:data:`LAYER_MS` each, and ``FAKE_TRTEXEC_INFORMATION`` the text that it writes about layers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

FLAG, VALUE, WHOLE, NUMBER = "flag", "value", "whole number", "number"
FAULTS = (
    "fail",
    "pass-over",
    "hang",
    "lie",
    "empty",
    "die",
    "crash",
    "garbage",
    "truncated",
    "nothing",
    "few",
    "nan",
    "inf",
    "renamed",
    "graph",
    "mute",
    "fp32-only",
)
#: What every release from 8.0 to 11.1 has; by its help texts.
COMMON = {
    "--onnx": VALUE,
    "--minShapes": VALUE,
    "--optShapes": VALUE,
    "--maxShapes": VALUE,
    "--inputIOFormats": VALUE,
    "--outputIOFormats": VALUE,
    "--profilingVerbosity": VALUE,
    "--avgTiming": WHOLE,
    "--refit": FLAG,
    "--sparsity": VALUE,
    "--noTF32": FLAG,
    "--directIO": FLAG,
    "--safe": FLAG,
    "--consistency": FLAG,
    "--saveEngine": VALUE,
    "--loadEngine": VALUE,
    "--tacticSources": VALUE,
    "--noBuilderCache": FLAG,
    "--timingCacheFile": VALUE,
    "--shapes": VALUE,
    "--loadInputs": VALUE,
    "--iterations": WHOLE,
    "--warmUp": NUMBER,
    "--duration": NUMBER,
    "--sleepTime": NUMBER,
    "--idleTime": NUMBER,
    "--exposeDMA": FLAG,
    "--noDataTransfers": FLAG,
    "--useManagedMemory": FLAG,
    "--useSpinWait": FLAG,
    "--threads": FLAG,
    "--useCudaGraph": FLAG,
    "--timeDeserialize": FLAG,
    "--timeRefit": FLAG,
    "--separateProfileRun": FLAG,
    "--verbose": FLAG,
    "--avgRuns": WHOLE,
    "--percentile": VALUE,
    "--dumpRefit": FLAG,
    "--dumpOutput": FLAG,
    "--dumpProfile": FLAG,
    "--dumpLayerInfo": FLAG,
    "--exportTimes": VALUE,
    "--exportOutput": VALUE,
    "--exportProfile": VALUE,
    "--exportLayerInfo": VALUE,
    "--device": WHOLE,
    "--useDLACore": WHOLE,
    "--allowGPUFallback": FLAG,
    "--help": FLAG,
}
WEAKLY_TYPED = {
    "--minShapesCalib": VALUE,
    "--optShapesCalib": VALUE,
    "--maxShapesCalib": VALUE,
    "--fp16": FLAG,
    "--int8": FLAG,
    "--best": FLAG,
    "--precisionConstraints": VALUE,
    "--calib": VALUE,
}
POOLS = {
    "--memPoolSize": VALUE,
    "--versionCompatible": FLAG,
    "--skipInference": FLAG,
    "--infStreams": WHOLE,
    "--builderOptimizationLevel": WHOLE,
    "--hardwareCompatibilityLevel": VALUE,
    "--maxAuxStreams": WHOLE,
    "--profile": WHOLE,
    "--useProfile": WHOLE,
    "--stronglyTyped": FLAG,
    "--dumpOptimizationProfile": FLAG,
    "--dumpRawBindingsToFile": FLAG,
}


class Release(NamedTuple):
    """What differs from release to release."""

    version: str
    #: As the banner has it.
    banner: str
    options: Dict[str, str]
    #: A fraction of a second can be asked for; before, ``stoi`` cuts it off.
    fractions: bool
    #: Times of the warm-up are exported too, and the end-to-end time; profiles have no median.
    exports_warm_up: bool
    has_int64: bool
    #: Copies, graph and spinning are as in 11, other than before.
    fast_defaults: bool = False


RELEASES = {
    "8.2.1": Release(
        "8.2.1",
        "[TensorRT v8201]",
        {
            **COMMON,
            **WEAKLY_TYPED,
            "--maxBatch": WHOLE,
            "--workspace": WHOLE,
            "--minTiming": WHOLE,
            "--restricted": FLAG,
            "--buildOnly": FLAG,
            "--batch": WHOLE,
            "--streams": WHOLE,
            "--plugins": VALUE,
        },
        fractions=False,
        exports_warm_up=True,
        has_int64=False,
    ),
    "10.3.0": Release(
        "10.3.0",
        "[TensorRT v100300]",
        {**COMMON, **WEAKLY_TYPED, **POOLS, "--bf16": FLAG, "--fp8": FLAG, "--int4": FLAG, "--restricted": FLAG},
        fractions=True,
        exports_warm_up=False,
        has_int64=True,
    ),
    "11.1.0": Release(
        "11.1.0",
        "[TensorRT v110100] [b28]",
        {**COMMON, **POOLS, "--includeDataTransfers": FLAG, "--noSpinWait": FLAG, "--noCudaGraph": FLAG},
        fractions=True,
        exports_warm_up=False,
        has_int64=True,
        fast_defaults=True,
    ),
}
MAGIC = b"fake engine\n"
#: Of an inference that is copied in, computed and copied out.
TIMES_MS = (0.25, 2.0, 0.125)
#: Of a layer.
LAYER_MS = 0.25


def install(folder: Path, version: str, python: str = sys.executable) -> str:
    """Write the program of a release into the folder; its path."""
    path = folder / "trtexec"
    here = str(Path(__file__).parent)
    path.write_text(
        f"#!{python}\nimport sys\nsys.path.insert(0, {here!r})\n"
        f"import trtexec_fake\nsys.exit(trtexec_fake.main({version!r}, sys.argv))\n"
    )
    path.chmod(0o755)
    return str(path)


def starts(log: Path) -> List[List[str]]:
    """The arguments of each start, but those for its help."""
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line["arguments"] for line in lines if line["arguments"] != ["--help"]]


class Failure(Exception):
    """Why it fails, in the words of its log."""


def main(version: str, argv: Sequence[str]) -> int:
    """What the program does; its exit code."""
    release = RELEASES[version]
    test = f"TensorRT.trtexec {release.banner} # {' '.join(argv)}"
    print(f"&&&& RUNNING {test}", flush=True)
    log = os.environ.get("FAKE_TRTEXEC_LOG")
    if log:
        with open(log, "a") as file:
            file.write(json.dumps({"pid": os.getpid(), "arguments": list(argv[1:])}) + "\n")
    try:
        options = parse(argv[1:], release)
        if "--help" in options:
            go_wrong("help")
            print_help(release)
            return 0
        Run(release, options).run()
    except Failure as failure:
        print(f"[11/21/2026-12:00:00] [E] {failure}")
        print(f"&&&& FAILED {test}", flush=True)
        return 1
    print(f"&&&& PASSED {test}", flush=True)
    return 0


def print_help(release: Release) -> None:
    """Its options, one a line, with text that goes on as in the real one."""
    print("=== Build Options ===")
    for name, kind in release.options.items():
        print(
            f"  {name + ('' if kind == FLAG else '=N'):<34} What it does (default = disabled). It goes on in the next"
        )
        print(" " * 37 + "--thatIsNoOption line, which names others")


def parse(arguments: Sequence[str], release: Release) -> Dict[str, str]:
    """Option -> value, all of them checked."""
    found: Dict[str, str] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        kind = release.options.get(name)
        if kind is None:
            print_help(release)
            raise Failure(f"Unknown option: {name} {value}")
        if name in found:
            raise Failure(f"{name} is given twice")
        if (kind == FLAG) == bool(equals) or (kind != FLAG and not value):
            raise Failure(f"{name} takes {'no value' if kind == FLAG else 'a value'}")
        if kind == WHOLE or (kind == NUMBER and not release.fractions):
            if not value.isdigit():
                raise Failure(f"{name} takes a whole number, not {value}")
        elif kind == NUMBER:
            float(value)
        found[name] = value
    return found


def mode(at: str) -> Optional[str]:
    """What is to go wrong now."""
    wanted = os.environ.get("FAKE_TRTEXEC_MODE")
    if wanted and wanted not in FAULTS:
        raise AssertionError(f"no fault is called {wanted}")
    place = os.environ.get("FAKE_TRTEXEC_AT")
    return wanted if wanted and (place == at or (place is None and at != "help")) else None


def go_wrong(at: str) -> None:
    """Hang, die or fail, if that is what is to go wrong."""
    wanted = mode(at)
    if wanted == "fail":
        raise Failure("Error Code 2: OutOfMemory (no further information)")
    if wanted == "pass-over":
        print("&&&& FAILED TensorRT.trtexec, but its exit code is lost")
        sys.exit(0)
    if wanted == "hang":
        time.sleep(600)
    if wanted == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if wanted == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)


class Run:
    """One start that is not for help."""

    def __init__(self, release: Release, options: Dict[str, str]) -> None:
        self.release = release
        self.options = options
        self.skips = "--skipInference" in options or "--buildOnly" in options
        exports = {"--onnx": "build", "--exportProfile": "profile", "--exportTimes": "time"}
        self.at = next((at for option, at in exports.items() if option in options), "infer")

    def run(self) -> None:
        """Build or load, infer where that is asked for, and export."""
        graph = "--noCudaGraph" not in self.options if self.release.fast_defaults else "--useCudaGraph" in self.options
        spins = "--noSpinWait" not in self.options if self.release.fast_defaults else "--useSpinWait" in self.options
        self.copies = (
            "--includeDataTransfers" in self.options
            if self.release.fast_defaults
            else "--noDataTransfers" not in self.options
        )
        graph = graph or mode(self.at) == "graph"
        if mode(self.at) != "mute":
            for what, enabled in (
                ("ExposeDMA", "--exposeDMA" in self.options),
                ("Data transfers", self.copies),
                ("Spin-wait", spins),
                ("CUDA Graph", graph),
            ):
                print(f"[11/21/2026-12:00:00] [I] {what}: {'Enabled' if enabled else 'Disabled'}")
        print(f"[11/21/2026-12:00:00] [I] Precision: {self.precisions()}")
        print("[11/21/2026-12:00:00] [I] Selected Device: Fake GPU", flush=True)
        go_wrong(self.at)
        if "--onnx" in self.options:
            header, model = self.build()
        elif "--loadEngine" in self.options:
            header, model = self.load()
        else:
            raise Failure("Model missing or format not recognized")
        if self.skips:
            return
        self.infer(header, model)

    def build(self) -> Tuple[Dict[str, Any], bytes]:
        """The engine, saved if that is asked for."""
        path = self.options["--onnx"]
        network = Network(Path(path).read_bytes())
        shapes = {kind: pairs(self.options.get(f"--{kind}Shapes", "")) for kind in ("min", "opt", "max")}
        dynamic = [name for name, (shape, _) in network.inputs.items() if not all(isinstance(n, int) for n in shape)]
        if not dynamic and any(shapes.values()):
            raise Failure("the model is static and takes no shapes")
        for kind, given in shapes.items():
            if sorted(given) != sorted(dynamic):
                raise Failure(f"--{kind}Shapes names {sorted(given)}, and the free inputs are {dynamic}")
        precision = self.precision(network)
        header = {
            "version": self.release.version,
            "precision": precision,
            "profile": {name: [size(shapes[kind][name]) for kind in ("min", "max")] for name in dynamic},
            "core": self.options.get("--useDLACore"),
        }
        if header["core"] is not None and precision == "fp32":
            raise Failure("DLA takes fp16 and int8 only")
        if "--timingCacheFile" in self.options:
            cache = Path(self.options["--timingCacheFile"])
            known = cache.read_text() if cache.exists() else ""
            cache.write_text(known + "a tactic\n")
        if mode("build") == "empty":
            Path(self.options["--saveEngine"]).write_bytes(b"")
        elif mode("build") != "lie":
            Path(self.options["--saveEngine"]).write_bytes(MAGIC + json.dumps(header).encode() + b"\n" + network.data)
        if header["core"] is not None and self.release.version.startswith("8."):
            # Later releases print it with --verbose only.
            print("[11/21/2026-12:00:00] [I] [TRT] [DlaLayer] {ForeignNode[first...last]}")
            print("[11/21/2026-12:00:00] [I] [TRT] [GpuLayer] SOFTMAX: prob")
        print("[11/21/2026-12:00:00] [I] Engine built in 0.1 sec.")
        return header, network.data

    def precision(self, network: Network) -> str:
        """What the engine computes in."""
        if network.quantised:
            if "--int8" not in self.options and "--fp16" in self.release.options:
                raise Failure("the network has quantise nodes, and --int8 is not given")
            network.require_symmetric()
            return "int8"
        if "--int8" in self.options:
            raise Failure("--int8 without quantise nodes or a calibration: ranges would be made up")
        for name in ("fp16", "bf16"):
            if f"--{name}" in self.options:
                return name
        return "fp32" if "--noTF32" in self.options else "tf32"

    def precisions(self) -> str:
        """What the builder may choose from."""
        if "--fp16" not in self.release.options:
            return "Strongly Typed"
        asked = [name.upper() for name in ("fp16", "bf16", "int8") if f"--{name}" in self.options]
        return "+".join(["FP32", *([] if mode("build") == "fp32-only" else asked)])

    def load(self) -> Tuple[Dict[str, Any], bytes]:
        """The engine's header and model."""
        data = Path(self.options["--loadEngine"]).read_bytes()
        if not data.startswith(MAGIC):
            raise Failure("Error Code 1: Serialization (magic tag does not match)")
        header, _, model = data[len(MAGIC) :].partition(b"\n")
        found = json.loads(header)
        if found["version"] != self.release.version:
            raise Failure(f"the engine was made by {found['version']}, and this is {self.release.version}")
        if found["core"] != self.options.get("--useDLACore"):
            raise Failure(f"the engine is for the DLA core {found['core']}")
        print("[11/21/2026-12:00:00] [I] Engine loaded in 0.01 sec.")
        return found, model

    def infer(self, header: Dict[str, Any], model: bytes) -> None:
        """Read inputs, compute, export."""
        import numpy as np

        network = Network(model)
        shapes = pairs(self.options.get("--shapes", ""))
        if sorted(shapes) != sorted(header["profile"]):
            raise Failure(f"--shapes names {sorted(shapes)}, and the free inputs are {sorted(header['profile'])}")
        for name, (least, largest) in header["profile"].items():
            if not all(low <= one <= high for low, one, high in zip(least, size(shapes[name]), largest)):
                raise Failure(f"{shapes[name]} is not in the profile of {name}")
        files = pairs(self.options["--loadInputs"])
        if sorted(files) != sorted(network.inputs):
            raise Failure(f"--loadInputs names {sorted(files)}, and the inputs are {sorted(network.inputs)}")
        arrays = {}
        for name, (shape, dtype) in network.inputs.items():
            full = size(shapes[name]) if name in shapes else shape
            stored = "int32" if dtype == "int64" and not self.release.has_int64 else dtype
            data = Path(files[name]).read_bytes()
            if len(data) != int(np.prod(full)) * np.dtype(stored).itemsize:
                raise Failure(f"{files[name]} has {len(data)} bytes, which is not the size of {name}")
            arrays[name] = np.frombuffer(data, stored).reshape(full).astype(dtype)
        if "--exportOutput" in self.options:
            self.export_outputs(network.compute(arrays, header["precision"]))
        if "--exportTimes" in self.options:
            self.export_times()
        if "--exportProfile" in self.options:
            self.export_profile(network)

    def export_outputs(self, outputs: Dict[str, Any]) -> None:
        """Six digits, and an order that is not the network's."""
        if mode("infer") == "lie":
            return
        entries = []
        for name in reversed(list(outputs)):
            array = outputs[name]
            values = [f"{value:g}" for value in array.ravel().tolist()]
            if mode("infer") in ("nan", "inf"):
                values[0] = f"-{mode('infer')}"
            shown = "other" if mode("infer") == "renamed" else name
            dimensions = "x".join(map(str, array.shape))
            entries.append(
                f'{{ "name" : "{shown}"\n  , "dimensions" : "{dimensions}"\n  , "values" : [ {", ".join(values)} ]\n }}'
            )
        self.export("--exportOutput", entries)

    def export_times(self) -> None:
        """Inferences one after the other, none of which is made."""
        warm_up_ms, seconds = float(self.options.get("--warmUp", 200)), float(self.options.get("--duration", 3))
        time.sleep(min(seconds, 0.05))
        if mode("time") == "lie":
            return
        copy_in, compute, copy_out = TIMES_MS if self.copies else (0.0, TIMES_MS[1], 0.0)
        entries, now, timed = [], 0.0, 0
        while timed < int(self.options.get("--iterations", 10)) or now < warm_up_ms + seconds * 1000:
            cold = now < warm_up_ms
            spent = compute * (3 if cold else 1 + timed % 4 / 100)
            moments = [now, now + copy_in, now + copy_in + spent, now + copy_in + spent + copy_out]
            timed += not cold
            if not cold or self.release.exports_warm_up:
                fields = {
                    "startEnqMs": now,
                    "endEnqMs": now + 0.1,
                    "startH2dMs": moments[0],
                    "endH2dMs": moments[1],
                    "startComputeMs": moments[1],
                    "endComputeMs": moments[2],
                    "startD2hMs": moments[2],
                    "endD2hMs": moments[3],
                    "h2dMs": copy_in,
                    "computeMs": spent,
                    "d2hMs": copy_out,
                    "latencyMs": copy_in + spent + copy_out,
                    **({"endToEndMs": moments[3] - now} if self.release.exports_warm_up else {}),
                }
                entries.append("{ " + ", ".join(f'"{name}" : {value:g}' for name, value in fields.items()) + " }")
            now = moments[3] + 0.05
        if mode("time") == "few":
            entries = entries[-2:]
        self.export("--exportTimes", entries)

    def export_profile(self, network: Network) -> None:
        """The count of inferences, and each layer; names are written as they are."""
        told = os.environ.get("FAKE_TRTEXEC_LAYERS")
        names = [node.name or f"node_of_{node.output[0]}" for node in network.graph.node]
        layers = json.loads(told) if told else [[name, LAYER_MS] for name in names]
        if "--exportLayerInfo" in self.options:
            text = os.environ.get("FAKE_TRTEXEC_INFORMATION") or json.dumps({"Layers": names})
            Path(self.options["--exportLayerInfo"]).write_text(text)
        if mode("profile") == "lie":
            return
        # A run that is not separate has the warm-up's layers, too.
        count = int(self.options["--iterations"]) + (0 if "--separateProfileRun" in self.options else 100)
        entries = [f'{{ "count" : {count} }}']
        for name, ms in layers:
            median = "" if self.release.exports_warm_up else f', "medianMs" : {ms:g}'
            shown = "-nan" if mode("profile") == "nan" else f"{ms:g}"
            entries.append(
                f'{{ "name" : "{name}", "timeMs" : {ms * count:g}, "averageMs" : {shown}{median}, "percentage" : 1 }}'
            )
        self.export("--exportProfile", entries)

    def export(self, option: str, entries: Sequence[str]) -> None:
        """Write the list, or what is left of it."""
        wanted = mode(self.at)
        text = "[\n  " + "\n, ".join(entries) + "\n]\n"
        if wanted == "garbage":
            text = "Segmentation fault"
        elif wanted == "truncated":
            text = text[: len(text) // 2]
        elif wanted == "nothing":
            text = "[\n]\n"
        Path(self.options[option]).write_text(text)


class Network:
    """An ONNX file and what ONNX Runtime makes of it."""

    def __init__(self, data: bytes) -> None:
        import onnx

        self.data = data
        try:
            self.graph = onnx.load_from_string(data).graph
        except Exception as error:
            raise Failure(f"Failed to parse onnx file: {error}") from None
        self.weights = {weight.name: weight for weight in self.graph.initializer}
        self.inputs = {
            value.name: (
                [one.dim_value or one.dim_param or "?" for one in value.type.tensor_type.shape.dim],
                str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)),
            )
            for value in self.graph.input
            if value.name not in self.weights
        }
        self.quantised = [node for node in self.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]

    def require_symmetric(self) -> None:
        """TensorRT's parser takes 8 signed bits with the zero point 0, and no constants that are quantised already."""
        from onnx import TensorProto, numpy_helper

        for node in self.quantised:
            zero = self.weights.get(node.input[2]) if len(node.input) > 2 else None
            if zero is not None and (zero.data_type != TensorProto.INT8 or numpy_helper.to_array(zero).any()):
                raise Failure(f"{node.name}: the zero point is not 0 in 8 signed bits")
            if node.op_type == "DequantizeLinear" and node.input[0] in self.weights:
                raise Failure(f"{node.name} dequantises a constant")

    def compute(self, arrays: Dict[str, Any], precision: str) -> Dict[str, Any]:
        """The outputs by name, rounded as the precision would."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(self.data, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in self.graph.output]
        rounded = {name: rounding(array, precision) for name, array in arrays.items()}
        return {name: rounding(array, precision) for name, array in zip(names, session.run(names, rounded))}


def rounding(array: Any, precision: str) -> Any:
    """The array with no more bits than the precision has."""
    import numpy as np

    if array.dtype != np.float32 or precision not in ("fp16", "bf16", "tf32"):
        return array
    dropped = {"fp16": 13, "tf32": 13, "bf16": 16}[precision]
    bits = np.ascontiguousarray(array).view(np.uint32)
    return ((bits + np.uint32(1 << (dropped - 1))) >> dropped << dropped).astype(np.uint32).view(np.float32)


def pairs(text: str) -> Dict[str, str]:
    """``name:value,name:value``, each divided at its last colon."""
    found = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.rpartition(":")
        found[name] = value
    return found


def size(text: str) -> List[int]:
    """``1x3x32x32`` as numbers."""
    return [int(number) for number in text.split("x")]

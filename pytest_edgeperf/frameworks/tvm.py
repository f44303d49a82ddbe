"""Apache TVM on the CPU, compiled by LLVM for the processor at hand, untuned."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import Built, built, version_of
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
from pytest_edgeperf.frameworks.onnx_files import digests_of, inputs_of, with_fixed_shapes
from pytest_edgeperf.frameworks.profiling import (
    CALLS,
    REPETITIONS,
    WARM_UP_CALLS,
    NoProfile,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)
from pytest_edgeperf.frameworks.sources import best_source, file_of, missing_source
from pytest_edgeperf.frameworks.stages import READ, stage

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

LIBRARY = "model.so"
FUNCTION = "main"
#: What a library calls where its code has parallel loops.
PARALLEL = b"TVMBackendParallelLaunch"
#: What an instrument returns for the call to be made.
RUN = 0
#: Seen with 0.27: its pass ToMixedPrecision left all of ResNet-18 in fp32; a QDQ file has fp32 convolutions in it.
UNABLE = {
    "fp16": "tvm has no reliable fp16: its own conversion may silently leave a network in fp32",
    "int8": "tvm has no int8: it computes the convolutions of a quantised file in fp32, after dequantising",
}

#: TVM never frees a library that it loaded, and loads it anew when asked again: once is enough. By path.
_libraries: Dict[str, Any] = {}


class Tvm(Framework):
    """Apache TVM: the ONNX file compiled by TVM's own default pipeline to a shared library, once, in another process.

    The target is LLVM with the name of this machine's processor. Nothing is tuned: the code is many times slower than
    that of the other runtimes, and has no parallel loops, so that it runs on one thread. Compiling needs a C++
    compiler, as a linker.
    """

    name = "tvm"
    install_advice = "pip install 'pytest-edgeperf[tvm]', and a C++ compiler: apt-get install g++"
    install_on: ClassVar[Mapping[str, str]] = {
        "jetpack-4": "there is no wheel for Python 3.8; build TVM from its source",
        "jetpack-5": "there is no wheel for Python 3.8; build TVM from its source",
    }
    precisions = ("fp32",)
    formats = (ONNX,)

    def version(self) -> Optional[str]:
        """The installed version of ``apache-tvm``, read without importing it."""
        return version_of("apache-tvm")

    def unable(self, precision: str) -> Optional[str]:
        """Why it can run no model at the precision, or ``None``; an unknown precision is an error."""
        return super().unable(precision) and UNABLE.get(precision, super().unable(precision))

    def unsupported(self, model: Model, precision: str) -> Optional[str]:
        """Why the model cannot run at the precision, or ``None``; an unknown precision is an error."""
        reason = self.unable(precision)
        if reason is not None:
            return reason
        if best_source(model, "onnx", precision) is None:
            return missing_source(model, ONNX)
        if version_of("onnx") is None:
            return "tvm reads a model with the help of the package onnx: pip install onnx"
        return None

    def _load(self, configuration: EngineConfiguration) -> Engine:
        """Load the model's library, compiled first where it must be.

        Raises:
            FrameworkError: TVM cannot compile the file, or the compiled code does not run on the number of threads.
        """
        model, precision = configuration.model, configuration.precision
        tvm = self._runtime()
        source = best_source(model, "onnx", precision)
        assert source is not None
        path = file_of(model, source)
        inputs = inputs_of(path, model)
        target = _target(tvm)
        fixed = with_fixed_shapes(path, model, inputs)
        made = built(
            f"{__name__}:build_library",
            model,
            precision,
            tools={name: version_of(name) for name in ("apache-tvm", "apache-tvm-ffi", "onnx")},
            arguments={"target": target},
            files={"onnx": fixed},
            source=digests_of(fixed),
        )
        library = str(made.folder / LIBRARY)
        set_threads(tvm, library, configuration.threads, model)
        try:
            if library not in _libraries:
                with stage(READ):
                    _libraries[library] = tvm.runtime.load_module(library)
            machine = tvm.relax.VirtualMachine(_libraries[library], tvm.cpu())
        except Exception as error:  # TVM raises what it likes
            raise FrameworkError(f"tvm {self.version()} cannot load {library}: {error}") from error
        return TvmEngine(configuration, tvm, machine, inputs, target, made)

    def _runtime(self) -> Any:
        self.imported("tvm.relax")
        return self.imported("tvm")


class TvmEngine(Engine):
    """A compiled library in TVM's virtual machine."""

    def __init__(
        self,
        configuration: EngineConfiguration,
        tvm: Any,
        machine: Any,
        inputs: Tuple[TensorSpec, ...],
        target: str,
        made: Built,
    ) -> None:
        super().__init__(configuration)
        self.inputs = inputs
        self.size_mib = made.size_mib
        self._function = machine[FUNCTION]
        self._tvm = tvm
        self._tensor = tvm.runtime.tensor
        self._tensor_class = tvm.runtime.Tensor
        self._target = target
        self._made = made

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Run one inference on arrays in the order of ``inputs``; TVM checks their shapes and types."""
        output = self._function(*map(self._tensor, arrays))
        if isinstance(output, self._tensor_class):
            return (output.numpy(),)
        return tuple(tensor.numpy() for tensor in output)

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The compiled functions and the builtins between them, by the host's clock around each call.

        On a virtual machine of its own, on the same library: TVM's has an instrument, and no profiler any more.

        Raises:
            NoProfile: TVM calls the instrument for nothing.
        """
        if self._function is closed:
            closed()
        library = _libraries[str(self._made.folder / LIBRARY)]
        machine = self._tvm.relax.VirtualMachine(library, self._tvm.cpu())
        clock = CallClock()
        machine.set_instrument(clock)
        function = machine[FUNCTION]
        for arrays in in_turn(inputs, WARM_UP_CALLS):
            function(*map(self._tensor, arrays))
        measured = []
        for _ in range(repetitions):
            clock.operators.clear()
            for arrays in in_turn(inputs, calls):
                function(*map(self._tensor, arrays))
            if not clock.operators:
                raise NoProfile(f"tvm's virtual machine calls its instrument for nothing of {self.model.name!r}")
            measured.append(per_inference(clock.operators, calls))
        return OperatorProfile(tuple(measured), "TVM's instrument")

    def describe(self) -> EngineDescription:
        """What was compiled; the processor's name is part of ``target``."""
        return self.configuration.description(
            "cpu",
            self.configuration.threads,
            target=self._target,
            tuned=False,
            **self._made.describe(),
        )

    def close(self) -> None:
        """Free the virtual machine; the engine cannot infer afterwards."""
        self._function = closed


class CallClock:
    """An instrument of TVM's virtual machine: it is called before and after each call, also of calls within calls."""

    def __init__(self) -> None:
        self.operators: List[OperatorTime] = []
        #: When each call that is running began, and what those within it took.
        self._running: List[List[int]] = []

    def __call__(self, function: Any, name: str, before: bool, *_: Any) -> int:
        """Note the time; what ran within a call is not its own."""
        if before:
            self._running.append([perf_counter_ns(), 0])
        elif self._running:
            started_ns, within_ns = self._running.pop()
            taken_ns = perf_counter_ns() - started_ns
            self.operators.append(OperatorTime(name, name.rstrip("0123456789_"), (taken_ns - within_ns) / 1e6))
            if self._running:
                self._running[-1][1] += taken_ns
        return RUN


def _target(tvm: Any) -> str:
    """Of code for this machine's processor, as JSON; LLVM knows what a processor of that name can do."""
    from tvm.target import codegen

    return str(tvm.target.Target({"kind": "llvm", "mcpu": codegen.llvm_get_system_cpu()}))


def set_threads(tvm: Any, library: str, threads: int, model: Model) -> None:
    """Have the library run on ``threads`` threads, or raise FrameworkError.

    Without parallel loops it is one, and TVM's pool is left alone: it would bind this thread to the first core. TVM
    reads the size of the pool from the environment when it makes it, once in a process.
    """
    if not has_parallel_loops(library):
        if threads != 1:
            raise FrameworkError(
                f"tvm was asked for {threads} threads for {model.name!r} and gives 1: what it compiles without tuning "
                "has no parallel loops; ask for threads=1"
            )
        return
    os.environ["TVM_BIND_THREADS"] = "0"
    os.environ["TVM_NUM_THREADS"] = str(threads)
    given = tvm.runtime.num_threads()
    if given != threads:
        raise FrameworkError(
            f"tvm was asked for {threads} threads for {model.name!r} and gives {given}: it has one pool of threads, "
            "made when it is first used; load it in another process"
        )


def has_parallel_loops(library: str) -> bool:
    """Whether a compiled library has loops that TVM's pool of threads shares."""
    with open(library, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(PARALLEL) >= 0


def build_library(folder: Path, onnx: str, target: str) -> None:
    """Compile the ONNX file for the target, with TVM's default pipeline, and link it as a shared library.

    Raises:
        FrameworkError: TVM cannot read, compile or link it; with TVM's message.
    """
    import json

    import onnx as package
    import tvm
    from tvm.relax.frontend.onnx import from_onnx
    from tvm.support import cc

    if cc.get_cc() is None:
        raise FrameworkError("tvm links what it compiled with a C++ compiler, and there is none: apt-get install g++")
    try:
        module = from_onnx(package.load(onnx))
        compiled = tvm.compile(module, target=tvm.target.Target(json.loads(target)))
        compiled.export_library(str(folder / LIBRARY))
    except Exception as error:  # TVM raises what it likes
        raise FrameworkError(f"tvm cannot compile {onnx}: {type(error).__name__}: {_last_words(error)}") from error


def _last_words(error: Exception) -> str:
    """TVM's message without the trace of its own functions that goes before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"

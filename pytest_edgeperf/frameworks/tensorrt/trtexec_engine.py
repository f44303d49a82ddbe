"""A serialised engine of TensorRT and the program trtexec that runs and times it."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import (
    EngineConfiguration,
    EngineDescription,
    FrameworkError,
    NoPlacement,
    SelfTimed,
    TensorSpec,
    closed,
)
from pytest_edgeperf.frameworks.profiling import CALLS, REPETITIONS, OperatorProfile, in_turn, per_inference
from pytest_edgeperf.frameworks.tensorrt.files import ENGINE
from pytest_edgeperf.frameworks.tensorrt.layers import Layers
from pytest_edgeperf.frameworks.tensorrt.options import DLA_CORE
from pytest_edgeperf.frameworks.tensorrt.trtexec_build import shapes_text
from pytest_edgeperf.frameworks.tensorrt.trtexec_files import (
    ITERATIONS,
    WARM_UP_MS,
    read_layer_times,
    read_outputs,
    read_times,
)
from pytest_edgeperf.frameworks.tensorrt.trtexec_program import Program, gpu_name, last_words
from pytest_edgeperf.scratch import scratch

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_edgeperf.frameworks.interface import Array

TIMES = "times.json"
OUTPUTS = "outputs.json"
LAYER_TIMES = "layer_times.json"
LAYERS = "layers.json"
#: Seconds that it may need beside the timed ones: its libraries and the engine are read, the network warms up.
START_LIMIT_S = 300.0
#: The same on every release, whose defaults differ: inputs and outputs are copied, one inference ends before the next
#: begins, no CUDA graph. No spinning: the times are the device's own, which waiting does not change, and on a board
#: the spinning core takes power from the GPU.
MODE = ("--exposeDMA", "--includeDataTransfers", "--noCudaGraph", "--noSpinWait")
#: How it reports the mode in which it ran.
READ_BACK = {"ExposeDMA": "Enabled", "Data transfers": "Enabled", "CUDA Graph": "Disabled", "Spin-wait": "Disabled"}


class TrtExecEngine(SelfTimed):
    """A serialised engine and the program that runs it."""

    def __init__(
        self,
        configuration: EngineConfiguration,
        program: Program,
        path: Path,
        specs: Tuple[TensorSpec, ...],
        facts: Mapping[str, Any],
        details: Mapping[str, Any],
    ) -> None:
        """Take an engine's file.

        Args:
            configuration: what the engine is asked to be.
            program: that runs it.
            path: of the file.
            specs: its inputs.
            facts: names of its ``outputs`` in order and of its ``dynamic`` inputs, and if it was built its ``device``
                and the ``onnx`` file.
            details: how it came to be, for its description.
        """
        super().__init__(configuration)
        self.inputs = specs
        self.size_mib = os.path.getsize(str(path)) / 2**20
        self._program = program
        self._path = path
        self._facts = facts
        self._details = dict(details)
        self._dla_core = configuration.options[DLA_CORE]
        self._run = self._execute

    def infer(self, *arrays: Array) -> Tuple[Array, ...]:
        """Start ``trtexec`` for one inference; its outputs as it writes them, float32 with six digits.

        Raises:
            FrameworkError: arrays of another shape or type, a run that fails, outputs that are missing, or that are
                no numbers.
        """
        arguments = [*self._timed(0, 0, 1), f"--exportOutput={OUTPUTS}"]
        text, _ = self._run("infer", arguments, OUTPUTS, START_LIMIT_S, arrays)
        return read_outputs(text, self._facts.get("outputs"), f"{self._program.path} with {self._path}")

    def run_for(self, seconds: float, *arrays: Array) -> Mapping[str, Sequence[float]]:
        """Start ``trtexec`` to infer for ``seconds``, rounded up to whole ones (8.0 and 8.2 know no others).

        ``latency`` is its ``latencyMs``: copying in, computing and copying out by the device's events, without the
        pauses between them and without the host's work before and after. The starts and ends that it exports as well
        have six digits since the program began, too few to resolve the pauses.

        Raises:
            FrameworkError: as for :meth:`infer`, or it exported no times that can be read, or too few.
        """
        arguments = [*self._timed(WARM_UP_MS, math.ceil(seconds), ITERATIONS), f"--exportTimes={TIMES}"]
        text, _ = self._run("time", arguments, TIMES, START_LIMIT_S + 3 * seconds, arrays)
        return read_times(text, f"{self._program.path} with {self._path}")

    def profile_operators(
        self, inputs: Sequence[Tuple[Array, ...]], repetitions: int = REPETITIONS, calls: int = CALLS
    ) -> OperatorProfile:
        """The engine's layers; each repetition is a start of ``trtexec`` with another input.

        It infers as often again before, so that what is loaded and chosen once is in no time, and for its warm-up. A
        start takes seconds, so that fewer ``calls`` than usual would save nothing.

        Raises:
            FrameworkError: as for :meth:`run_for`, of layer times.
        """
        arguments = [
            *self._timed(WARM_UP_MS, 0, max(calls, CALLS)),
            "--separateProfileRun",
            f"--exportProfile={LAYER_TIMES}",
            *self._program.with_offered(f"--exportLayerInfo={LAYERS}"),
        ]
        layers: Optional[Layers] = None
        measured = []
        for arrays in in_turn(inputs, repetitions):
            text, told = self._run("profile", arguments, LAYER_TIMES, START_LIMIT_S, arrays, LAYERS)
            if layers is None:
                layers = Layers(told, self._facts.get("onnx"))
            times_ms = read_layer_times(text, f"{self._program.path} with {self._path}")
            measured.append(per_inference(layers.operators(times_ms), 1))
        return OperatorProfile(tuple(measured), "trtexec --exportProfile")

    def describe(self) -> EngineDescription:
        """The program, how it was built and how it is run; files in the commands are named without their folders."""
        gpu = gpu_name()
        device = self._facts.get("device") or gpu or "gpu"
        return self.configuration.description(
            device if self._dla_core is None else f"DLA {self._dla_core}",
            1,
            driver="trtexec",
            gpu=gpu or "neither nvidia-smi nor a device tree names it",
            spinning=False,
            cuda_graph=False,
            data_transfers=True,
            overlapping_inferences=False,
            command=command_line(
                [*self._arguments(ENGINE), *self._timed(WARM_UP_MS, "SECONDS", ITERATIONS), f"--exportTimes={TIMES}"]
            ),
            **self._details,
        )

    def placement(self) -> Optional[Mapping[str, int]]:
        """With a DLA, ``GPU`` -> how many layers run there, ``DLA`` -> how many groups of layers; else ``None``.

        Raises:
            NoPlacement: the program that built it did not print which layers run on the DLA.
        """
        if self._dla_core is None:
            return None
        layers: Optional[Mapping[str, int]] = self._facts.get("dla_layers")
        if layers is None:
            raise NoPlacement(f"trtexec {self._program.version} did not print which layers run on the DLA")
        return layers

    def close(self) -> None:
        """It cannot infer afterwards; no program of it is running."""
        self._run = closed

    def _arguments(self, engine: str) -> List[str]:
        """What every run has: the engine, its inputs and the mode."""
        inputs = ",".join(f"{spec.name}:input_{index}" for index, spec in enumerate(self.inputs))
        dynamic = [(spec.name, spec.shape) for spec in self.inputs if spec.name in self._facts["dynamic"]]
        return [
            f"--loadEngine={engine}",
            f"--loadInputs={inputs}",
            *([f"--shapes={shapes_text(dynamic)}"] if dynamic else []),
            *([] if self._dla_core is None else [f"--useDLACore={self._dla_core}"]),
            *self._program.with_offered(*MODE),
        ]

    @staticmethod
    def _timed(warm_up_ms: int, seconds: Any, iterations: int) -> List[str]:
        return [f"--warmUp={warm_up_ms}", f"--duration={seconds}", f"--iterations={iterations}"]

    def _execute(
        self,
        what: str,
        arguments: Sequence[str],
        exported: str,
        limit_s: float,
        arrays: Tuple[Array, ...],
        beside: str = "",
    ) -> Tuple[str, Optional[str]]:
        """Run the engine on the arrays in a folder of their own.

        Returns:
            The text of the file that it exported, and of another one ``beside`` it, if it wrote that.
        """
        what = f"{what} {self.model.name!r} ({self._path})"
        with scratch("edgeperf-trtexec-") as folder:
            for index, data in enumerate(_raw(arrays, self.inputs, self._program)):
                (folder / f"input_{index}").write_bytes(data)
            command = [*self._arguments(str(self._path)), *arguments]
            printed = self._program.run(command, folder, limit_s, what)
            _require_mode(printed, self._program)
            try:
                text = (folder / exported).read_text("utf-8", "replace")
            except FileNotFoundError:
                raise FrameworkError(
                    f"trtexec {self._program.version} was asked to {what} and ended well, but wrote no {exported}:\n"
                    f"{last_words(printed)}"
                ) from None
            other = folder / beside
            return text, other.read_text("utf-8", "replace") if other.is_file() else None


def command_line(arguments: Sequence[str]) -> str:
    """The whole command, as an environment keeps it."""
    return " ".join(["trtexec", *arguments])


def _raw(arrays: Tuple[Array, ...], specs: Sequence[TensorSpec], program: Program) -> Iterator[bytes]:
    """What is written for each input, checked: ``trtexec`` reads whatever it is given."""
    import numpy as np

    if len(arrays) != len(specs):
        raise FrameworkError(f"{len(arrays)} arrays for the inputs {', '.join(spec.name for spec in specs)}")
    for array, spec in zip(arrays, specs):
        if not isinstance(array, np.ndarray) or array.shape != spec.shape or str(array.dtype) != spec.dtype:
            got = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
            raise FrameworkError(f"input {spec.name!r} is {spec.dtype} {list(spec.shape)}, not {got}")
        # Before 10 TensorRT has no int64: it computes such a network with int32.
        narrow = spec.dtype == "int64" and int(program.version.partition(".")[0]) < 10
        yield np.ascontiguousarray(array, "int32" if narrow else None).tobytes()


def _require_mode(printed: str, program: Program) -> None:
    """The mode that it reports must be what it was asked for, or runs of two releases would not compare."""
    for what, asked in READ_BACK.items():
        match = re.search(rf"{re.escape(what)}: (\w+)", printed)
        if match is None or match.group(1) != asked:
            raise FrameworkError(
                f"trtexec {program.version} was asked for {what}: {asked}, but reports "
                f"{match.group(1) if match else 'nothing'}"
            )

"""Builds engines of TensorRT by its program trtexec, in a process of its own (see :mod:`building`)."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Mapping, Sequence, Tuple

from pytest_edgeperf.caches import clear_place, is_private, locked, make_private
from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.onnx_files import load
from pytest_edgeperf.frameworks.tensorrt.dla_layers import placed_layers
from pytest_edgeperf.frameworks.tensorrt.files import ENGINE, require_types
from pytest_edgeperf.frameworks.tensorrt.options import require_free
from pytest_edgeperf.frameworks.tensorrt.trtexec_program import Program, find, follow_parent, last_words
from pytest_edgeperf.scratch import scratch

#: The function that builds an engine.
BUILD = f"{__name__}:build"
FACTS = "facts.json"
TIMING_CACHE = "timing.cache"
#: Seconds that a build may take: on a small board an hour is not rare.
BUILD_LIMIT_VARIABLE = "EDGEPERF_TRTEXEC_BUILD_S"
BUILD_LIMIT_S = 7200.0


def build(
    folder: Path,
    onnx: str,
    timing: str,
    precision: str,
    options: Sequence[str],
    shapes: Mapping[str, Sequence[int]],
    profile: Mapping[str, Sequence[Sequence[int]]],
) -> None:
    """Write the engine of an ONNX file, and what is to be known of it.

    Args:
        folder: for the files.
        onnx: path of the file.
        timing: path of what TensorRT remembers of its tactics' times, which is read and replaced.
        precision: that the engine is to have.
        options: of ``trtexec``, without those that name files and shapes.
        shapes: input -> its shape.
        profile: input -> its least, best and largest shape, for some of those whose sizes are free.
    """
    follow_parent()
    program = find()
    graph = load(onnx).graph
    weights = {weight.name for weight in graph.initializer}
    dynamic = [
        value.name
        for value in graph.input
        if value.name not in weights
        and not all(dimension.dim_value > 0 for dimension in value.type.tensor_type.shape.dim)
    ]
    require_free(profile, dynamic)
    require_types(onnx, precision, typed=program.strongly_typed)
    ranges = {name: profile.get(name) or [shapes[name]] * 3 for name in dynamic}
    named = [
        f"--{kind}Shapes={shapes_text([(name, sizes[index]) for name, sizes in ranges.items()])}"
        for index, kind in enumerate(("min", "opt", "max"))
        if ranges
    ]
    command = [*named, *options]
    limit_s = _build_limit_s()
    with scratch("edgeperf-trtexec-") as work, _timing(timing, work, program) as cache:
        files = [f"--onnx={onnx}", f"--saveEngine={ENGINE}"]
        printed = program.run([*files, *command, *cache], work, limit_s, f"build an engine of {onnx}")
        made = work / ENGINE
        if not made.is_file() or made.stat().st_size == 0:
            what = "an empty file" if made.is_file() else "no file"
            raise FrameworkError(
                f"trtexec {program.version} was asked to build an engine of {onnx} and ended well, but wrote {what}:\n"
                f"{last_words(printed)}"
            )
        _require_precision(printed, precision, program)
        shutil.copyfile(str(made), str(folder / ENGINE))
    device = re.search(r"Selected Device: (.+)", printed)
    facts = {
        "outputs": [output.name for output in graph.output],
        "dynamic": dynamic,
        "device": device.group(1).strip() if device else None,
        "dla_layers": placed_layers(printed.splitlines()),
        "command": [f"--onnx={os.path.basename(onnx)}", f"--saveEngine={ENGINE}", *command, *cache],
    }
    (folder / FACTS).write_text(json.dumps(facts), "utf-8")


@contextmanager
def _timing(kept: str, folder: Path, program: Program) -> Iterator[List[str]]:
    """The options for a copy of the cache, which replaces the cache if the build ends well."""
    options = program.with_offered(f"--timingCacheFile={TIMING_CACHE}")
    if not options:
        yield []
        return
    copy = folder / TIMING_CACHE
    # A build that is killed while it writes would leave half of it, and two at once would mix theirs.
    with locked(Path(f"{kept}.lock")):
        if is_private(Path(kept)):
            shutil.copyfile(kept, str(copy))
        yield options
        if copy.is_file() and copy.stat().st_size:
            clear_place(Path(f"{kept}.new"))
            shutil.copyfile(str(copy), f"{kept}.new")
            make_private(Path(f"{kept}.new"))
            os.replace(f"{kept}.new", kept)


def _build_limit_s() -> float:
    text = os.environ.get(BUILD_LIMIT_VARIABLE)
    if not text:
        return BUILD_LIMIT_S
    try:
        limit_s = float(text)
    except ValueError:
        limit_s = math.nan
    if not 0 < limit_s < math.inf:
        raise FrameworkError(f"{BUILD_LIMIT_VARIABLE} must be a number of seconds, not {text!r}")
    return limit_s


def shapes_text(named: Sequence[Tuple[str, Sequence[int]]]) -> str:
    """Names and shapes as trtexec takes them: ``images:1x3x4x4``."""
    return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in named)


def _require_precision(printed: str, precision: str, program: Program) -> None:
    """The precisions that it reports as the builder's choice must be those that it was asked for."""
    asked = f"FP32+{precision.upper()}" if f"--{precision}" in program.options else "FP32"
    asked = "Strongly Typed" if program.strongly_typed else asked
    match = re.search(r"\bPrecision: (.+)", printed)
    if match is None or match.group(1).strip() != asked:
        raise FrameworkError(
            f"trtexec {program.version} was asked for the precisions {asked}, but reports "
            f"{match.group(1).strip() if match else 'nothing'}"
        )

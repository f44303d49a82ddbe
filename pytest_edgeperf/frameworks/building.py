"""Engines that have to be built before a runtime can load them: in a process of its own, once, kept in the cache.

A conversion never happens in the process that is measured, whose memory it would be. A runtime's file has a function
``build(folder, **arguments)`` that writes the engine's files; :func:`built` runs it by name in a child process and
keeps what it wrote under a key of all that it depends on: the model's bytes, the precision, the versions of the
runtime and its tools, the options and the data it was calibrated with, and where engines are built several times
(:func:`~pytest_edgeperf.caches.build_number`), which of the builds it is.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.activities import activity
from pytest_edgeperf.caches import build_number, cache_folder, clear_place, is_private, locked, make_private
from pytest_edgeperf.frameworks.files_read import note_engine
from pytest_edgeperf.frameworks.interface import FrameworkError, Inputs, Model, TensorSpec
from pytest_edgeperf.frameworks.stages import UNCOUNTED, stage
from pytest_edgeperf.scratch import scratch

#: Counts up when what is kept means something else.
FORMAT = 1
ABOUT = "about.json"
CALIBRATION_EXAMPLES = 16
#: How the folder of an engine begins that is being built, and that of what its build needs meanwhile.
BUILDING = ".building-"
_SCRATCH = "edgeperf-build-"
_LINES_TOLD = 15


@dataclass(frozen=True)
class Built:
    """An engine's files in the cache, and what they were made from."""

    folder: Path
    key: Mapping[str, Any]

    @property
    def size_mib(self) -> float:
        """What its files take on disk."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != ABOUT]
        return sum(path.stat().st_size for path in files) / 2**20

    @property
    def digest(self) -> str:
        """12 hexadecimal digits that stand for all that it was made from."""
        return self.folder.name.rpartition("-")[2][:12]

    def describe(self) -> Dict[str, Any]:
        """For a run's environment: the engine's hash, the tools that made it and what it was calibrated with."""
        description: Dict[str, Any] = {"engine_sha256": self.digest, "built_with": dict(self.key["tools"])}
        if self.key.get("calibration"):
            description["calibration"] = self.key["calibration"]
        return description


@stage(UNCOUNTED)
def built(
    function: str,
    model: Model,
    precision: str,
    *,
    tools: Mapping[str, Optional[str]],
    arguments: Mapping[str, Any],
    source: Mapping[str, Any],
    files: Mapping[str, str] = MappingProxyType({}),
    calibration: Optional[Calibration] = None,
    python: str = sys.executable,
) -> Built:
    """The engine's files: from the cache, or built now.

    Args:
        function: ``package.module:build``; called as ``build(folder, **arguments)`` in a fresh process, and with
            ``calibration``, the path of an .npz file (see :func:`read_calibration`), where there is one.
        model: for its name.
        precision: for the key.
        tools: distribution -> version of all that decides what is built.
        arguments: for the function; whatever JSON holds.
        source: what stands for the model in the key: digests of its files.
        files: further arguments that are paths. Where a file lies is not part of the key: a checkout that is moved, or
            another commit's, has the same engines.
        calibration: examples for a quantisation.
        python: the interpreter that builds; another one than this where the tools live in an environment of theirs.

    Raises:
        FrameworkError: the build failed; the message has the last lines of what it printed.
    """
    key: Dict[str, Any] = {
        "format": FORMAT,
        "function": function,
        "precision": precision,
        "tools": {name: version for name, version in sorted(tools.items()) if version is not None},
        "arguments": dict(arguments),
        "source": dict(source),
        "calibration": calibration.description if calibration is not None else None,
    }
    number = build_number()
    if number:
        key["build"] = number
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    name = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in model.name)
    with ExitStack() as held:
        try:
            held.enter_context(activity(f"waiting for another build of {model.name} ({precision})"))
            folder = cache_folder("engines") / f"{name}-{precision}-{digest[:24]}"
            held.enter_context(locked(folder.with_name(folder.name + ".lock")))
        except OSError as error:
            raise FrameworkError(f"an engine of {model.name} cannot be kept: {error}") from error
        if not _is_whole(folder, key):
            with activity(f"building an engine of {model.name} ({precision})"):
                _build(folder, function, key, files, calibration, python)
    note_engine(folder)
    return Built(folder, key)


def version_of(distribution: str) -> Optional[str]:
    """The installed version of a distribution, read without importing it, or ``None``."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@stage(UNCOUNTED)
def file_digest(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Calibration:
    """Example inputs for a quantisation, and what stands for them in the engine's hash."""

    examples: Sequence[Tuple[Any, ...]]
    description: Mapping[str, Any]


@stage(UNCOUNTED)
def calibration_of(model: Model, specs: Sequence[TensorSpec]) -> Calibration:
    """The model's own calibration set; without one its reference's inputs, else seeded random ones."""
    import numpy as np

    if model.calibration is not None:
        kind, inputs = "the model's calibration set", model.calibration()
    elif model.reference is not None:
        kind, inputs = "the reference's inputs", model.reference().inputs
    else:
        kind, inputs = "seeded random inputs", _random_inputs(specs)
    examples = [tuple(np.ascontiguousarray(array) for array in entry) for entry in inputs]
    digest = hashlib.sha256()
    for array in (array for entry in examples for array in entry):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    described = {"from": kind, "examples": len(examples), "sha256": digest.hexdigest()[:12]}
    return Calibration(examples, described)


def read_calibration(path: str) -> List[Tuple[Any, ...]]:
    """The examples that a build was given, each the tuple of arrays of one inference."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        examples: List[Tuple[Any, ...]] = []
        while f"{len(examples)}_0" in arrays.files:
            example: List[Any] = []
            while f"{len(examples)}_{len(example)}" in arrays.files:
                example.append(arrays[f"{len(examples)}_{len(example)}"])
            examples.append(tuple(example))
    return examples


def processor_digest() -> Dict[str, str]:
    """What stands for this processor in a key: what decides which instructions a runtime may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    relevant = sorted({line for line in lines if line.split(":")[0].strip() in ("flags", "Features", "model name")})
    return {"machine": platform.machine(), "cpuinfo_sha256": hashlib.sha256("\n".join(relevant).encode()).hexdigest()}


def recipe_of(function: Callable[[], Any], what: str) -> Dict[str, Any]:
    """How another process makes what ``function`` gives: ``{"module", "name", "args", "kwargs"}``.

    Raises:
        FrameworkError: it is no function at the top of a module (or a partial of one) with arguments that JSON holds;
            nothing is ever pickled.
    """
    args: Tuple[Any, ...] = ()
    kwargs: Dict[str, Any] = {}
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    recipe = {"module": module, "name": name, "args": list(args), "kwargs": kwargs}
    findable = module not in (None, "__main__") and name.isidentifier()
    if findable:
        try:
            if json.loads(json.dumps(recipe)) == recipe:
                return recipe
        except (TypeError, ValueError):
            pass
    raise FrameworkError(
        f"{what} has to be made in another process, so it must be a function of a module, or a functools.partial of "
        f"one with plain arguments, not {function!r}"
    )


def make(recipe: Mapping[str, Any]) -> Any:
    """What a recipe gives, in this process."""
    return getattr(import_module(recipe["module"]), recipe["name"])(*recipe["args"], **recipe["kwargs"])


def source_of_recipe(recipe: Mapping[str, Any]) -> Dict[str, Any]:
    """What stands for a recipe in an engine's key: itself, and the digest of its module, with its package's others."""
    file = getattr(sys.modules.get(recipe["module"]) or import_module(recipe["module"]), "__file__", None)
    if file is None:
        return dict(recipe)
    files = sorted(Path(file).parent.glob("*.py")) if "." in recipe["module"] else [Path(file)]
    digests = "".join(file_digest(str(path)) for path in files)
    return {**recipe, "sha256": hashlib.sha256(digests.encode()).hexdigest()}


def _random_inputs(specs: Sequence[TensorSpec]) -> Inputs:
    import numpy as np

    generator = np.random.default_rng(0)
    return Inputs(
        [
            tuple(generator.standard_normal(spec.shape).astype(spec.dtype) for spec in specs)
            for _ in range(CALIBRATION_EXAMPLES)
        ]
    )


def _is_whole(folder: Path, key: Mapping[str, Any]) -> bool:
    """Whether it was built to the end for this key, its files are still those, and nobody else could change them."""
    if not is_private(folder):
        return False
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        made_for, sizes = about["key"], about["sizes"]
        return made_for == json.loads(json.dumps(key)) and all(
            (folder / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _build(
    folder: Path,
    function: str,
    key: Mapping[str, Any],
    files: Mapping[str, str],
    calibration: Optional[Calibration],
    python: str,
) -> None:
    with scratch(BUILDING, folder.parent) as work:
        arguments = {**key["arguments"], **files}
        with scratch(_SCRATCH) as outside:
            if calibration is not None:
                import numpy as np

                named = {f"{i}_{j}": a for i, entry in enumerate(calibration.examples) for j, a in enumerate(entry)}
                arguments["calibration"] = os.path.join(str(outside), "calibration.npz")
                np.savez(arguments["calibration"], **named)
            run_build(python, {"function": function, "folder": str(work), "arguments": arguments}, outside)
        written = [path for path in sorted(work.rglob("*")) if path.is_file()]
        if not written:
            raise FrameworkError(f"{function} wrote no file")
        about = {"key": key, "sizes": {str(path.relative_to(work)): path.stat().st_size for path in written}}
        (work / ABOUT).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", "utf-8")
        try:
            make_private(work)
            clear_place(folder)
        except OSError as error:
            raise FrameworkError(f"what {function} wrote cannot be kept: {error}") from error
        os.rename(str(work), str(folder))


def run_build(python: str, order: Mapping[str, Any], outside: Path) -> None:
    """Build in a process of its own, whose temporary files lie in ``outside``, as it may be killed."""
    ours, temporary = outside / "path", outside / "tmp"
    for folder in (ours, temporary):
        folder.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(_paths(python, str(ours))),
        "TMPDIR": str(temporary),
    }
    child = subprocess.run(
        [python, "-m", "pytest_edgeperf.frameworks.building"],
        input=json.dumps(order),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        last = "\n".join(child.stdout.strip().splitlines()[-_LINES_TOLD:])
        raise FrameworkError(f"{order['function']} failed ({child.returncode}):\n{last}")


def _paths(python: str, ours: str) -> List[str]:
    """Where the child finds us and the model's own modules."""
    package = Path(__file__).parents[1]
    if python == sys.executable:
        return [str(package.parent), *filter(None, sys.path)]
    # Another environment has its own packages and its own standard library; of ours it gets this one alone.
    os.symlink(str(package), os.path.join(ours, package.name))
    library = sysconfig.get_path("stdlib")
    archive = f"python{sys.version_info[0]}{sys.version_info[1]}.zip"
    own = [
        path
        for path in filter(None, sys.path)
        if not {"site-packages", "dist-packages"} & set(Path(path).parts)
        and os.path.commonpath([library, os.path.abspath(path)]) != library
        and os.path.basename(path) != archive
    ]
    return [ours, *own]


def main() -> int:
    """Build what standard input orders; errors of the tools are printed as they are."""
    order = json.load(sys.stdin)
    module, _, name = order["function"].partition(":")
    try:
        getattr(import_module(module), name)(Path(order["folder"]), **order["arguments"])
    except FrameworkError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

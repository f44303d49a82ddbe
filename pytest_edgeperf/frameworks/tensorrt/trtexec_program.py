"""The program ``trtexec`` itself: where it is, which TensorRT it is of, which options it has, and running it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import FrozenSet, List, Mapping, Optional, Sequence, Union

from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.scratch import scratch

#: Names the program, before any search.
VARIABLE = "EDGEPERF_TRTEXEC"
#: Where NVIDIA's packages put it, off the PATH.
USUAL = "/usr/src/tensorrt/bin/trtexec"
INSTALL_ADVICE = (
    "install NVIDIA's package libnvinfer-bin (sudo apt-get install libnvinfer-bin), or unpack TensorRT's archive and "
    f"set {VARIABLE} to its bin/trtexec"
)
INSTALL_ON: Mapping[str, str] = {
    "jetpack-4": f"sudo apt-get install libnvinfer-bin (TensorRT 8.0 to 8.2; it puts trtexec at {USUAL})",
    "jetpack-5": f"sudo apt-get install libnvinfer-bin (TensorRT 8.4 to 8.5; it puts trtexec at {USUAL})",
    "jetpack-6": f"sudo apt-get install libnvinfer-bin (TensorRT 8.6 to 10.3; it puts trtexec at {USUAL})",
    "jetpack-7": f"sudo apt-get install libnvinfer-bin (TensorRT 10.13 or newer; it puts trtexec at {USUAL})",
    "raspberry-pi": "TensorRT needs a GPU of NVIDIA's",
}
#: It loads TensorRT's libraries, hundreds of MiB, before it prints its help.
HELP_LIMIT_S = 60.0
LOG = "trtexec.log"
#: How the device tree calls the board.
BOARD = Path("/proc/device-tree/model")
_PR_SET_PDEATHSIG = 1
_LINES_TOLD = 10
#: ``[TensorRT v8201]``, and from 10.0 on two digits each: ``[TensorRT v100300]``.
_BANNER = re.compile(r"^&&&& RUNNING .*?\[TensorRT v(\d+)\]", re.MULTILINE)
#: Options stand two spaces from the margin; where the text goes on, it is further in.
_OPTION = re.compile(r"^ {2}(--\w+)", re.MULTILINE)
#: Run before it in its own process: the kernel kills it when the worker dies, however that happens.
_START = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
if hasattr(libc, "prctl"):
    libc.prctl(1, int(signal.SIGKILL), 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    print(f"[E] {sys.argv[2]}: {error.strerror}")
    sys.exit(127)
"""


@dataclass(frozen=True)
class Program:
    """One ``trtexec``, and what it reports about itself."""

    path: str
    #: TensorRT's, such as ``10.3.0``.
    version: str
    options: FrozenSet[str]

    @property
    def strongly_typed(self) -> bool:
        """Whether the ONNX file's own types decide the precision, because there are no options for it (11)."""
        return "--stronglyTyped" in self.options and "--fp16" not in self.options

    def with_offered(self, *options: str) -> List[str]:
        """Those of the options that it has."""
        return [option for option in options if option.partition("=")[0] in self.options]

    def run(self, arguments: Sequence[str], folder: Path, limit_s: float, what: str) -> str:
        """Run it to its end in ``folder``; what it printed.

        It is alone in a session of its own, and dies with this process.

        Args:
            arguments: its options.
            folder: where relative names of files lie; it must be this run's alone.
            limit_s: after so many seconds it is killed.
            what: the task, for the message.

        Raises:
            FrameworkError: it failed, was killed, or took too long; with its own last words.
        """
        return _run(self.path, arguments, folder, limit_s, f"trtexec {self.version} was asked to {what}")


def find() -> Program:
    """The program that is to be used here.

    Raises:
        FrameworkError: there is none, or it does not report its version.
    """
    path = _path()
    status = os.stat(path)
    answer = _ask(path, status.st_mtime_ns, status.st_size)
    if isinstance(answer, str):
        raise FrameworkError(answer)
    return answer


def missing() -> Optional[str]:
    """Why there is none to be used here, with the remedy; ``None`` when there is."""
    try:
        find()
    except FrameworkError as error:
        return str(error)
    return None


def follow_parent() -> None:
    """Have the kernel kill this process when its parent dies: nobody would wait for its build."""
    import ctypes

    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def gpu_name() -> Optional[str]:
    """What ``nvidia-smi`` calls the GPU, else the board's name in the device tree; ``None`` where neither says."""
    program = shutil.which("nvidia-smi")
    name = _gpu_of(program) if program is not None else None
    if name is not None:
        return name
    try:
        return BOARD.read_text("utf-8", "replace").strip("\0 \n") or None
    except OSError:
        return None


def last_words(output: str) -> str:
    """The lines of its output that show what went wrong."""
    lines = output.strip().splitlines()
    errors = [line for line in lines if "[E]" in line or "[F]" in line][-_LINES_TOLD:] or lines[-_LINES_TOLD:]
    verdict = [line for line in lines if line.startswith("&&&& FAILED") and line not in errors]
    return "\n".join(line[:500] for line in [*errors, *verdict[-1:]]) or "(it printed nothing)"


def _path() -> str:
    named = os.environ.get(VARIABLE)
    if named:
        if not _is_program(named):
            raise FrameworkError(f"{VARIABLE} names {named}, which is not a program; correct it or unset it")
        return os.path.abspath(named)
    on_path = shutil.which("trtexec")
    if on_path is not None:
        return os.path.abspath(on_path)
    if _is_program(USUAL):
        return USUAL
    raise FrameworkError(f"trtexec is neither on the PATH nor at {USUAL}; {INSTALL_ADVICE}")


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


@lru_cache(maxsize=None)
def _ask(path: str, mtime_ns: int, size: int) -> Union[Program, str]:
    """The program by its banner and its help, or why not; another file under the same path is asked anew."""
    try:
        with scratch("edgeperf-trtexec-") as folder:
            text = _run(path, ["--help"], folder, HELP_LIMIT_S, f"{path} was asked to print its help")
    except FrameworkError as error:
        # One that hangs is not waited for a second time.
        return str(error)
    banner = _BANNER.search(text)
    options = frozenset(_OPTION.findall(text))
    if banner is None or "--loadEngine" not in options:
        return f"{path} --help does not print what trtexec prints; set {VARIABLE} to TensorRT's own\n{last_words(text)}"
    return Program(path, version_of_banner(int(banner.group(1))), options)


def version_of_banner(number: int) -> str:
    """TensorRT's version from the number in the banner."""
    # 8201 is 8.2.1 and 100300 is 10.3.0.
    minors = 100 if number >= 100_000 else 10
    return f"{number // (100 * minors)}.{number // 100 % minors}.{number % 100}"


def _run(path: str, arguments: Sequence[str], folder: Path, limit_s: float, what: str) -> str:
    log = folder / LOG
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, str(os.getpid()), path, *arguments],
            cwd=str(folder),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: Optional[int] = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    output = log.read_text("utf-8", "replace")
    problem = _problem(code, output, limit_s)
    if problem is not None:
        raise FrameworkError(f"{what}, but {problem}:\n{last_words(output)}")
    return output


def _problem(code: Optional[int], output: str, limit_s: float) -> Optional[str]:
    if code is None:
        return f"did not finish within {limit_s:g} s and was killed"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = ", which the kernel sends when the memory is full" if -code == signal.SIGKILL else ""
        return f"was killed by {name}{hint}"
    if code > 0:
        return f"failed ({code})"
    if re.search(r"^&&&& FAILED", output, re.MULTILINE):
        return "failed, though it returned 0"
    return None


@lru_cache(maxsize=None)
def _gpu_of(program: str) -> Optional[str]:
    try:
        answer = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    names = {line.strip() for line in answer.stdout.splitlines() if line.strip()}
    return " + ".join(sorted(names)) or None

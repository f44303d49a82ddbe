"""What adapters need of CUDA itself (buffers, copies, streams, events), by cuda-bindings or PyCUDA, whichever is here.

Nothing is imported before :func:`open_cuda`. PyTorch has all of this by itself and does not come here.
"""

from __future__ import annotations

from importlib import import_module
from typing import List

from pytest_edgeperf.frameworks.cuda.cuda_bindings import CudaBindings
from pytest_edgeperf.frameworks.cuda.device import NO_DRIVER, Cuda
from pytest_edgeperf.frameworks.cuda.pycuda import PyCuda
from pytest_edgeperf.frameworks.interface import FrameworkError

__all__ = ["BINDINGS", "PYCUDA", "Cuda", "open_cuda"]

#: Where cuda-bindings has the runtime's functions; older releases, as the package cuda-python, have the second.
BINDINGS = ("cuda.bindings.runtime", "cuda.cudart")
PYCUDA = "pycuda.driver"
NO_PACKAGE = (
    "using CUDA needs cuda-bindings or PyCUDA, and neither is installed: pip install cuda-bindings "
    "(on JetPack 4 and 5: pip install pycuda)"
)


def open_cuda() -> Cuda:
    """The first CUDA device, by cuda-bindings, else by PyCUDA; takes none of the device's memory yet.

    Raises:
        FrameworkError: neither package is installed or can be imported, there is no driver for it, or no device.
    """
    broken: List[str] = []
    for name in (*BINDINGS, PYCUDA):
        try:
            module = import_module(name)
        except ImportError as error:
            if not _is_absent(name, error):
                broken.append(f"{name} is installed but cannot be imported: {error}")
            continue
        return PyCuda(module) if name == PYCUDA else CudaBindings(module)
    if not broken:
        raise FrameworkError(NO_PACKAGE)
    if all("libcuda" in reason for reason in broken):
        raise FrameworkError(NO_DRIVER.format(package="PyCUDA", words="; ".join(broken)))
    raise FrameworkError(f"{'; '.join(broken)}; reinstall it, or pip install cuda-bindings")


def _is_absent(name: str, error: ImportError) -> bool:
    """Whether the module, or a package that it is in, is what was not found."""
    return isinstance(error, ModuleNotFoundError) and bool(error.name) and f"{name}.".startswith(f"{error.name}.")

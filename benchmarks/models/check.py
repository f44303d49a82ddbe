"""Builds, exports and compares the networks of the table between torch and ONNX Runtime, each anew.

``python -m models.check [NAME …]``, with ``benchmarks`` on the path, does all or those; ``--tenth`` does a tenth, of
every task. A line per network; it ends with 1 when one failed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
from typing import Any, Dict, List, Optional, Sequence

from tasks.sizes import label

from models import export, training
from models.network import Network
from models.networks import NETWORKS, known, names
from pytest_edgeperf import FrameworkError

SEED = 21
SHARE = 10
#: What takes longest is left out of the tenth: gigabytes, or a training.
LARGE = (
    "alexnet",
    "c3d",
    "densenet121",
    "inception-v4",
    "resnet101",
    "resnet152",
    "resnext101-32x8d",
    "shapes-detector",
    "vgg16",
    "vgg19",
    "vgg-s",
    "yolov3",
)


def tenth() -> List[str]:
    """A tenth of the networks, rounded up, at least one of each task; always the same of a table."""
    dice = random.Random(SEED)
    waiting = [name for name in names() if name not in LARGE]
    dice.shuffle(waiting)
    tasks: Dict[str, List[str]] = {}
    for name in waiting:
        tasks.setdefault(known(name).task, []).append(name)
    # one of each task, then the second of each, …
    turns = [
        name for turn in range(len(waiting)) for _, queue in sorted(tasks.items()) for name in queue[turn : turn + 1]
    ]
    return sorted(turns[: max(len(tasks), -(-len(NETWORKS) // SHARE))])


def check(network: Network) -> Dict[str, Any]:
    """Export the network at its native resolution in a cache of its own, which is deleted.

    Returns:
        what the export counted and compared.

    Raises:
        FrameworkError: it cannot be built, ONNX Runtime is missing, or differs by more than is allowed.
    """
    before = os.environ.get("EDGEPERF_CACHE_DIR")
    with tempfile.TemporaryDirectory(prefix="edgeperf-zoo-") as folder:
        os.environ["EDGEPERF_CACHE_DIR"] = folder
        try:
            if network.training:
                training.train(network)
            export.export(network, network.native)
            exported = export.find(network, network.native)
        finally:
            if before is None:
                del os.environ["EDGEPERF_CACHE_DIR"]
            else:
                os.environ["EDGEPERF_CACHE_DIR"] = before
        if exported is None:
            raise FrameworkError(f"{network.name} was exported, and its export is not in the cache")
        about = exported.about
    if about["largest_relative_error"] is None:
        raise FrameworkError("onnxruntime is not installed: pip install 'pytest-edgeperf[onnxruntime]'")
    return about


def line(name: str, about: Dict[str, Any], seconds: float) -> str:
    """A checked network's progress line."""
    size = "x".join(map(str, (*filter(None, [known(name).frames]), label(known(name).native))))
    return (
        f"{name:<28} {size:>10} {about['parameters'] / 1e6:8.2f} M {about['flops'] / 1e9:8.3f} GFLOPs  "
        f"error {about['largest_relative_error']:.1e}  {seconds:6.1f} s"
    )


def check_all(chosen: Sequence[str]) -> List[str]:
    """Check the networks of these names, a printed line each.

    Returns:
        the names of those that failed.
    """
    failed = []
    for place, name in enumerate(chosen, 1):
        began = time.monotonic()
        try:
            text = line(name, check(known(name)), time.monotonic() - began)
        except Exception as error:  # whatever a library raises is this network's failure, and the others go on
            failed.append(name)
            text = f"{name:<28} FAILED after {time.monotonic() - began:.1f} s: {type(error).__name__}: {error}"
            if not isinstance(error, FrameworkError):
                traceback.print_exc()
        print(f"[{place:>2}/{len(chosen)}] {text}", flush=True)
    return failed


def main(arguments: Optional[List[str]] = None) -> int:
    """Check all, the named ones, or a tenth."""
    parser = argparse.ArgumentParser(prog="python -m models.check", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--tenth", action="store_true", help="a tenth of the networks, the same every time")
    options = parser.parse_args(arguments)
    try:
        chosen = [known(name).name for name in options.names] or (tenth() if options.tenth else names())
    except FrameworkError as error:
        print(error, file=sys.stderr)
        return 1
    failed = check_all(chosen)
    print(
        f"{len(chosen) - len(failed)} of {len(chosen)} networks agree"
        + (f"; failed: {', '.join(failed)}" * bool(failed))
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The outputs and the times that trtexec exports."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.profiling import NoProfile
from pytest_edgeperf.frameworks.tensorrt.options import OUTPUTS

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Array

WARM_UP_MS = 200
#: What it is asked for at least, however slow the network; the first of them may have begun during the warm-up.
ITERATIONS = 5
FEWEST = 3
#: Metric -> its key in the exported times.
PHASES = {"latency": "latencyMs", "device_copy_in": "h2dMs", "device_infer": "computeMs", "device_copy_out": "d2hMs"}


def _entries(text: str, where: str, what: str) -> List[Mapping[str, Any]]:
    """The list of objects that an exported file must be, and not an empty one."""
    try:
        # Names of layers are written as they are, whatever is in them.
        entries = json.loads(text, strict=False)
    except ValueError as error:
        if re.search(r"[\s\[:]-?(?:nan|inf)\b", text):
            raise FrameworkError(f"{where} wrote {what} that are not numbers (nan or inf)") from None
        raise FrameworkError(f"{where} wrote {what} that are not JSON: {error}; was it stopped?") from None
    except RecursionError:
        raise FrameworkError(f"{where} wrote {what} that are nested too deeply") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FrameworkError(f"{where} wrote {what} that are not a list of objects")
    if not entries:
        raise FrameworkError(f"{where} wrote an empty list of {what}")
    return entries


def read_outputs(text: str, names: Optional[Sequence[str]], where: str) -> Tuple[Array, ...]:
    """The arrays in the order of ``names``; ``trtexec`` writes them in an order of its own."""
    import numpy as np

    outputs: Dict[str, Array] = {}
    for entry in _entries(text, where, "outputs"):
        try:
            shape = [int(size) for size in re.findall(r"-?\d+", str(entry["dimensions"]))]
            outputs[str(entry["name"])] = np.array(entry["values"], np.float32).reshape(shape)
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise FrameworkError(f"{where} wrote an output that cannot be read: {error}") from None
    if names is None and len(outputs) > 1:
        raise FrameworkError(
            f"{where} has the outputs {', '.join(sorted(outputs))}, in an order that trtexec does not report; give it "
            f"with the option tensorrt.{OUTPUTS}"
        )
    names = list(outputs) if names is None else names
    if sorted(names) != sorted(outputs):
        raise FrameworkError(f"{where} wrote the outputs {', '.join(sorted(outputs))}, not {', '.join(names)}")
    for name in names:
        if not np.isfinite(outputs[name]).all():
            raise FrameworkError(f"{where} wrote the output {name!r} with values that are not numbers (nan or inf)")
    return tuple(outputs[name] for name in names)


def read_times(text: str, where: str) -> Dict[str, List[float]]:
    """Metric -> how long each inference after the warm-up took, in ms."""
    times: Dict[str, List[float]] = {metric: [] for metric in PHASES}
    for entry in _entries(text, where, "times"):
        try:
            started_ms = float(entry["startComputeMs"])
            values = {metric: float(entry[key]) for metric, key in PHASES.items()}
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise FrameworkError(f"{where} wrote times that cannot be read: {type(error).__name__}: {error}") from None
        if not all(0 <= value < math.inf for value in values.values()) or values["latency"] == 0:
            raise FrameworkError(f"{where} wrote times that cannot be: {values}")
        # Releases before 8.5 export those of the warm-up as well.
        if started_ms >= WARM_UP_MS:
            for metric, value in values.items():
                times[metric].append(value)
    if len(times["latency"]) < FEWEST:
        raise FrameworkError(
            f"{where} timed {len(times['latency'])} inferences after the warm-up, and {ITERATIONS} were asked for"
        )
    return times


def read_layer_times(text: str, where: str) -> List[Tuple[str, float]]:
    """The layers in the order in which they ran, each with its mean per inference in ms.

    Raises:
        NoProfile: there are none.
        FrameworkError: a time that cannot be.
    """
    times_ms = []
    for entry in _entries(text, where, "layer times"):
        # The first of them is the count of inferences.
        if "name" not in entry:
            continue
        try:
            time_ms = float(entry["averageMs"])
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            raise FrameworkError(
                f"{where} wrote a layer time that cannot be read: {type(error).__name__}: {error}"
            ) from None
        if not 0 <= time_ms < math.inf:
            raise FrameworkError(f"{where} wrote {time_ms} as the time of the layer {entry['name']!r}")
        times_ms.append((str(entry["name"]), time_ms))
    if not times_ms:
        raise NoProfile(f"{where} profiled no layer")
    return times_ms

"""Which operators an engine's layers are: by the engine's inspector, else by the ONNX file that it was built from."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterable, Iterator, NamedTuple, Optional, Tuple

from pytest_edgeperf.frameworks.onnx_files import load
from pytest_edgeperf.frameworks.profiling import OperatorTime

#: A layer that changes how a tensor lies in memory, beside the layer that needs it so.
REFORMAT = "Reformat"
_REFORMAT = re.compile(r"^Reformatting CopyNode | (?:in|out)put reformatter \d+$")
#: A part of the network that TensorRT compiles as a whole, named by its first and its last layer.
FOREIGN = "ForeignNode"
#: What TensorRT writes between the names of the nodes that became one layer.
_BETWEEN = re.compile(r" \+ |, |\.\.\.|PWN\(|\{ForeignNode\[|\]\}|\)")
#: And between nodes of which none follows from another.
_BESIDE = " || "
#: How names begin that TensorRT gives to tensors itself: counted, they are of other tensors in a changed network.
_OWN_NAMES = ("Reformatted ", "(Unnamed Layer", "__my")


class Layer(NamedTuple):
    """The type of a layer, and the names of its outputs; empty where nothing tells."""

    kind: str = ""
    outputs: Tuple[str, ...] = ()


def inspected(text: str) -> Dict[str, Layer]:
    """Name -> layer, from what TensorRT's inspector or ``trtexec --exportLayerInfo`` tells as JSON.

    That is more than names only where the engine was built with detailed verbosity; what cannot be read is left out.
    """
    try:
        told = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return {}
    entries = told.get("Layers") if isinstance(told, dict) else None
    layers = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("Name", "LayerType")):
            layers[entry["Name"]] = Layer(entry["LayerType"], tuple(_names(entry.get("Outputs"))))
    return layers


def nodes_of(path: str) -> Dict[str, Layer]:
    """Name -> node of an ONNX file, as TensorRT's parser calls it.

    Raises:
        FrameworkError: the file cannot be read.
    """
    return {
        node.name or f"node_of_{node.output[0]}": Layer(node.op_type, tuple(filter(None, node.output)))
        for node in load(path).graph.node
        if node.output
    }


class Layers:
    """What is known of an engine's layers beside their names."""

    def __init__(self, information: Optional[str], onnx: Optional[str]) -> None:
        """Read it.

        Args:
            information: what an inspector tells of the engine, if anything.
            onnx: path of the file that the engine was built from, if it is known.

        Raises:
            FrameworkError: the file cannot be read.
        """
        self._nodes = nodes_of(onnx) if onnx is not None else {}
        self._known = {**self._nodes, **(inspected(information) if information is not None else {})}

    def operators(self, times_ms: Iterable[Tuple[str, float]]) -> Iterator[OperatorTime]:
        """The layers of these names, with what they took."""
        for name, time_ms in times_ms:
            layer = self.identified(name)
            yield OperatorTime(name or "a layer without a name", layer.kind, time_ms, layer.outputs)

    def identified(self, name: str) -> Layer:
        """What a layer of this name is: as the inspector tells, else by the nodes that the name is made of."""
        known = self._known.get(name)
        if known is not None:
            return known
        if _REFORMAT.search(name):
            return Layer(REFORMAT)
        groups = [
            [self._nodes[part] for part in _BETWEEN.split(group) if part in self._nodes]
            for group in name.split(_BESIDE)
        ]
        groups = [group for group in groups if group]
        kinds = dict.fromkeys(node.kind for group in groups for node in group)
        # Within a group each node takes what the one before it gives.
        outputs = tuple(output for group in groups for output in group[-1].outputs)
        return Layer(FOREIGN if FOREIGN in name else "+".join(kinds), outputs)


def _names(entries: Any) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("Name") if isinstance(entry, dict) else None
        if isinstance(name, str) and not name.startswith(_OWN_NAMES):
            yield name

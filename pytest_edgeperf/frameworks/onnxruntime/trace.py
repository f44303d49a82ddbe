"""ONNX Runtime's trace of a session: what its nodes took, without what they contain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.frameworks.building import version_of
from pytest_edgeperf.frameworks.errors import FrameworkError
from pytest_edgeperf.frameworks.onnx_files import load
from pytest_edgeperf.frameworks.profiling import (
    WARM_UP_CALLS,
    NoProfile,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)
from pytest_edgeperf.scratch import scratch

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.models import Array

#: How the name of an event ends that says how long a node computed.
KERNEL_TIME = "_kernel_time"
#: What ONNX Runtime appends to a tensor's name for the convolution or pooling in its own layout that computes it.
OWN_LAYOUT = "_nchwc"
#: The event that ends an inference.
RUN = "model_run"

#: A node for as long as its session lives.
Key = Tuple[str, str, str]


def profile(
    open_session: Callable[[Callable[[Any], None]], Any],
    feeds: Sequence[Mapping[str, Array]],
    original: str,
    repetitions: int,
    calls: int,
    gpu: Optional[str] = None,
) -> OperatorProfile:
    """Run a traced session, in a folder that is removed.

    Args:
        open_session: makes the session, having let what it is given change the session's options.
        feeds: the inputs by name, which take turns.
        original: path of the file that the session loads.
        repetitions: how many.
        calls: of each.
        gpu: the provider that must be one of a GPU, if it is.

    Raises:
        NoProfile: the trace has no kernels of the GPU, or not all inferences.
        FrameworkError: the session cannot be made.
    """
    with scratch("edgeperf-trace-") as folder:
        optimised = folder / "optimised.onnx"
        try:
            session = open_session(partial(_trace, folder=folder, optimised=optimised))
        except FrameworkError:
            # Not every graph can be written; without it, no output is known.
            session = open_session(partial(_trace, folder=folder))
        for feed in in_turn(feeds, WARM_UP_CALLS):
            session.run(None, feed)
        for _ in range(repetitions):
            for feed in in_turn(feeds, calls):
                session.run(None, feed)
        inferences = list(inferences_of(events_of(session.end_profiling())))
        if len(inferences) != WARM_UP_CALLS + repetitions * calls:
            raise NoProfile(
                f"onnxruntime traced {len(inferences)} of {WARM_UP_CALLS + repetitions * calls} inferences: it stops "
                "at a million events; ask for fewer calls"
            )
        if gpu is not None and not any(node.device_us for inference in inferences for node in inference):
            raise NoProfile(
                f"this build of onnxruntime does not trace what {gpu} computes, only how long the host takes to "
                "start it; a build with --enable_cuda_profiling does"
            )
        outputs: Dict[Key, Tuple[str, ...]] = {}
        if version_of("onnx") is not None and optimised.exists():
            outputs = outputs_of(inferences[-1], optimised, original)
    return OperatorProfile(repetitions_of(inferences[WARM_UP_CALLS:], calls, outputs, gpu), "ONNX Runtime's profiling")


def _trace(options: Any, folder: Path, optimised: Optional[Path] = None) -> None:
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "trace")
    # It warns that what it writes is for this machine only.
    options.log_severity_level = 3
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
        # A file of its own for the weights: protobuf has none beyond 2 GiB.
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "weights")
        options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")


@dataclass
class NodeTime:
    """One execution of a node, in µs."""

    name: str
    kind: str
    #: The node's number in its graph: different nodes may have the same name.
    number: str
    provider: Optional[str]
    start_us: float
    end_us: float
    #: Without the nodes of its subgraphs.
    own_us: float
    #: What its kernels on a GPU took, as far as the trace has them.
    device_us: float = 0.0

    @property
    def key(self) -> Key:
        """What tells it from other nodes."""
        return self.name, self.kind, self.number


def events_of(path: str) -> Iterator[Mapping[str, Any]]:
    """The events of a trace, which has one a line; the whole of it would take several times its size in memory."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            text = line.strip().rstrip(",")
            if text not in ("", "[", "]"):
                yield json.loads(text)


def inferences_of(events: Iterable[Mapping[str, Any]]) -> Iterator[List[NodeTime]]:
    """The nodes of each inference in the order in which they started, each without the time of its subgraphs.

    Kernels on a GPU follow their node in the trace, where the build of ONNX Runtime records them.
    """
    nodes: List[NodeTime] = []
    for event in events:
        kind, name, arguments = event.get("cat"), str(event.get("name", "")), event.get("args") or {}
        if kind == "Node" and name.endswith(KERNEL_TIME):
            start_us, took_us = float(event["ts"]), float(event["dur"])
            number = arguments.get("node_index", arguments.get("graph_index", ""))
            node = NodeTime(
                name[: -len(KERNEL_TIME)],
                str(arguments.get("op_name", "")),
                str(number),
                arguments.get("provider"),
                start_us,
                start_us + took_us,
                took_us,
            )
            nodes.append(node)
        elif kind == "Kernel" and nodes:
            nodes[-1].device_us += float(event["dur"])
        elif kind == "Session" and name == RUN:
            yield _without_subgraphs(nodes)
            nodes = []


def _without_subgraphs(nodes: Sequence[NodeTime]) -> List[NodeTime]:
    # A node that holds others is written after them, and may begin and end in the same µs.
    places = sorted(range(len(nodes)), key=lambda place: (nodes[place].start_us, -nodes[place].end_us, -place))
    in_order = [nodes[place] for place in places]
    around: List[NodeTime] = []
    for node in in_order:
        while around and around[-1].end_us <= node.start_us:
            around.pop()
        if around:
            around[-1].own_us = max(0.0, around[-1].own_us - (node.end_us - node.start_us))
        around.append(node)
    return in_order


def repetitions_of(
    inferences: Sequence[Sequence[NodeTime]],
    calls: int,
    outputs: Mapping[Key, Tuple[str, ...]],
    gpu: Optional[str] = None,
) -> Tuple[Tuple[OperatorTime, ...], ...]:
    """The inferences as repetitions of so many calls; of nodes of the provider ``gpu``, what their kernels took."""
    names = _unique_names(inferences)

    def time_ms(node: NodeTime) -> float:
        return (node.device_us if gpu is not None and node.provider == gpu else node.own_us) / 1e3

    return tuple(
        per_inference(
            (
                OperatorTime(names[node.key], node.kind, time_ms(node), outputs.get(node.key, ()), node.provider)
                for inference in inferences[first : first + calls]
                for node in inference
            ),
            calls,
        )
        for first in range(0, len(inferences), calls)
    )


def _unique_names(inferences: Sequence[Sequence[NodeTime]]) -> Dict[Key, str]:
    """Key -> name, numbered from the second node of a name on (``Relu (2)``), in the order in which they run."""
    names: Dict[Key, str] = {}
    taken: Dict[str, int] = {}
    for inference in inferences:
        for node in inference:
            if node.key not in names:
                taken[node.name] = count = taken.get(node.name, 0) + 1
                names[node.key] = node.name if count == 1 else f"{node.name} ({count})"
    return names


def outputs_of(nodes: Iterable[NodeTime], optimised: Path, original: str) -> Dict[Key, Tuple[str, ...]]:
    """Key -> the node's outputs, as far as the original file has them by these names.

    Names that ONNX Runtime gives tensors of its own number them through the graph: the same name would be another
    tensor in a changed network.

    Args:
        nodes: of an inference, in the order in which they ran.
        optimised: the graph that ran, as ONNX Runtime wrote it.
        original: path of the file that was loaded.
    """
    known = {name for node in _all_nodes(load(original).graph) for name in node.output}
    written: Dict[Tuple[str, str], List[Tuple[str, ...]]] = {}
    for node in _all_nodes(load(str(optimised)).graph):
        written.setdefault((node.name, node.op_type), []).append(tuple(node.output))
    ran: Dict[Tuple[str, str], List[Key]] = {}
    outputs: Dict[Key, Tuple[str, ...]] = {}
    for key in dict.fromkeys(node.key for node in nodes):
        name, kind, number = key
        # Nodes without a name are traced as their type and number.
        ran.setdefault(("" if name == f"{kind}_{number}" else name, kind), []).append(key)
        computed, own_layout, _ = name.partition(OWN_LAYOUT)
        if own_layout and computed in known:
            outputs[key] = (computed,)
    # A tensor is the output of what computes it, and not of what then changes its layout.
    left = known.difference(*outputs.values())
    for same, keys in ran.items():
        # Nodes of the same name and type lie in the file in the order in which they run.
        if len(written.get(same, ())) == len(keys):
            for key, tensors in zip(keys, written[same]):
                outputs.setdefault(key, tuple(tensor for tensor in tensors if tensor in left))
    return outputs


def _all_nodes(graph: Any) -> Iterator[Any]:
    """Also those of subgraphs."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for subgraph in (attribute.g, *attribute.graphs):
                yield from _all_nodes(subgraph)

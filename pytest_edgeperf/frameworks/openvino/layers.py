"""What the layers of a compiled network take, by OpenVINO's counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Sequence, Tuple

from pytest_edgeperf.frameworks.profiling import WARM_UP_CALLS, NoProfile, OperatorProfile, OperatorTime, in_turn

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.models import Array

COUNTED: Mapping[str, Any] = {"PERF_COUNT": True}
#: Kinds of what a compiled network lists beside what it computes.
NOT_COMPUTED = ("Input", "Output", "Const", "Constant", "Parameter", "Result")
#: Of a layer in a compiled network: the names of those of the model that it stands for.
ORIGINALS = "originalLayersNames"


def profile(
    compile_counted: Callable[[], Tuple[Any, Any]],
    positions: Sequence[int],
    inputs: Sequence[Tuple[Array, ...]],
    repetitions: int,
    calls: int,
) -> OperatorProfile:
    """Compile the network anew for each repetition, with counters.

    The counters give the mean of all inferences since then, in whole µs.

    Args:
        compile_counted: gives the compiled network and the one that was compiled.
        positions: those of the inputs, in the order of the arrays.
        inputs: they take turns.
        repetitions: how many.
        calls: of each.

    Raises:
        NoProfile: no layer was executed.
        FrameworkError: the network cannot be compiled.
    """
    made = []
    for _ in range(repetitions):
        compiled, network = compile_counted()
        request = compiled.create_infer_request()

        def infer(number: int, request: Any = request) -> Dict[str, Any]:
            for arrays in in_turn(inputs, number):
                request.infer(dict(zip(positions, arrays)), share_inputs=True)
            return {info.node_name: info for info in executed(request)}

        before, after = infer(WARM_UP_CALLS), infer(calls)
        outputs = outputs_of(compiled, network)
        made.append(
            tuple(
                OperatorTime(
                    name,
                    info.node_type,
                    _mean_ms(before.get(name), info, calls),
                    outputs.get(name, ()),
                    info.exec_type or None,
                )
                for name, info in after.items()
            )
        )
    if not all(made):
        raise NoProfile("openvino counted no layer")
    return OperatorProfile(tuple(made), "OpenVINO's performance counters")


def executed(request: Any) -> List[Any]:
    """What OpenVINO says of the layers that it executed, in the order in which it does."""
    return [
        info
        for info in request.profiling_info
        if info.status == info.Status.EXECUTED and info.node_type not in NOT_COMPUTED
    ]


def _mean_ms(before: Any, after: Any, calls: int) -> float:
    """The mean of the calls since ``before``, which was after the warm-up."""
    counted_us = after.real_time.total_seconds() * 1e6 * (WARM_UP_CALLS + calls)
    warm_up_us = before.real_time.total_seconds() * 1e6 * WARM_UP_CALLS if before is not None else 0.0
    return max(0.0, float(counted_us - warm_up_us)) / calls / 1e3


def outputs_of(compiled: Any, network: Any) -> Dict[str, Tuple[str, ...]]:
    """Name of a compiled layer -> the tensors that the last of the layers gives that it stands for."""
    tensors = {
        node.get_friendly_name(): tuple(sorted(name for output in node.outputs() for name in output.get_names()))
        for node in network.get_ops()
        if node.get_type_name() not in NOT_COMPUTED
    }
    outputs = {}
    for node in compiled.get_runtime_model().get_ops():
        information = node.get_rt_info()
        originals = information[ORIGINALS].astype(str).split(",") if ORIGINALS in information else []
        given = [tensors[name] for name in originals if tensors.get(name)]
        if given:
            outputs[node.get_friendly_name()] = given[-1]
    return outputs

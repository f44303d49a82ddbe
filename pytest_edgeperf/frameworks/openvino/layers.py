"""What the layers of a compiled network take, by OpenVINO's counters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Mapping, Sequence, Tuple

from pytest_edgeperf.frameworks.profiling import (
    WARM_UP_CALLS,
    NoProfile,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.models import Array

COUNTED: Mapping[str, Any] = {"PERF_COUNT": True}
#: Kinds of what a compiled network lists beside what it computes.
NOT_COMPUTED = ("Input", "Output", "Const", "Constant", "Parameter", "Result")
#: Of a layer in a compiled network: the names of those of the model that it stands for.
ORIGINALS = "originalLayersNames"
WITHOUT_BIAS = "/WithoutBiases"
#: How many parts of a repetition are told apart: more would be lost in the rounding of the counters.
PARTS = 20


def profile(
    compile_counted: Callable[[], Tuple[Any, Any]],
    positions: Sequence[int],
    inputs: Sequence[Tuple[Array, ...]],
    repetitions: int,
    calls: int,
) -> OperatorProfile:
    """Compile the network anew for each repetition, with counters.

    The counters give the mean of all inferences since then, in whole µs; they are read after every few of them, so that
    an inference that was interrupted is one of several that the mean of a repetition is made of.

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
        operators = _operators(compiled, outputs_of(compiled, network), positions, inputs, calls)
        if not operators:
            raise NoProfile("openvino counted no layer")
        made.append(per_inference(operators, len(parts_of(calls))))
    return OperatorProfile(tuple(made), "OpenVINO's performance counters")


def _operators(
    compiled: Any,
    outputs: Mapping[str, Tuple[str, ...]],
    positions: Sequence[int],
    inputs: Sequence[Tuple[Array, ...]],
    calls: int,
) -> List[OperatorTime]:
    """The executed layers of each part of the calls, with their means in it."""
    request = compiled.create_infer_request()

    def sums_us(arrays_of_calls: Iterable[Tuple[Array, ...]], counted: int) -> Dict[str, float]:
        for arrays in arrays_of_calls:
            request.infer(dict(zip(positions, arrays)), share_inputs=True)
        return {info.node_name: info.real_time.total_seconds() * 1e6 * counted for info in executed(request)}

    operators = []
    before_us = sums_us(in_turn(inputs, WARM_UP_CALLS), WARM_UP_CALLS)
    for first, end in parts_of(calls):
        after_us = sums_us(list(in_turn(inputs, end))[first:], WARM_UP_CALLS + end)
        for info in executed(request):
            name = info.node_name
            took_us = max(0.0, after_us[name] - before_us.get(name, 0.0)) / (end - first)
            operators.append(
                OperatorTime(name, info.node_type, took_us / 1e3, outputs.get(name, ()), info.exec_type or None)
            )
        before_us = after_us
    return operators


def parts_of(calls: int) -> List[Tuple[int, int]]:
    """The calls as at most :data:`PARTS` ranges of nearly the same length."""
    ends = [calls * number // min(PARTS, calls) for number in range(min(PARTS, calls) + 1)]
    return list(zip(ends, ends[1:]))


def executed(request: Any) -> List[Any]:
    """What OpenVINO says of the layers that it executed, in the order in which it does."""
    return [
        info
        for info in request.profiling_info
        if info.status == info.Status.EXECUTED and info.node_type not in NOT_COMPUTED
    ]


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
        # A convolution with a bias is read as one without, and an addition that has the convolution's name.
        names = [*(name.partition(WITHOUT_BIAS)[0] for name in originals[:1]), *originals]
        given = [tensors[name] for name in names if tensors.get(name)]
        if given:
            outputs[node.get_friendly_name()] = given[-1]
    return outputs

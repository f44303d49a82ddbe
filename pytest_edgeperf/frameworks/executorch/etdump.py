"""The operators of a program, from the ETDump that ExecuTorch's runtime records."""

from __future__ import annotations

import warnings
from typing import Any, Callable, Iterator, List, Sequence, Tuple

from pytest_edgeperf.frameworks.executorch.program import METHOD
from pytest_edgeperf.frameworks.interface import FrameworkError
from pytest_edgeperf.frameworks.profiling import WARM_UP_CALLS, NoProfile, OperatorProfile, in_turn, per_inference
from pytest_edgeperf.frameworks.xnnpack import operators
from pytest_edgeperf.scratch import scratch

DUMP = "profile.etdp"
#: Events around those of a kernel or of what a delegate does; without these within, they are all that is known.
AROUND = ("OPERATOR_CALL", "DELEGATE_CALL")
KERNEL = "native_call_"


def profiled(
    bindings: Any,
    path: str,
    tensors: Callable[[Tuple[Any, ...]], Sequence[Any]],
    inputs: Sequence[Tuple[Any, ...]],
    repetitions: int,
    calls: int,
) -> OperatorProfile:
    """The operators of a program that is loaded a second time, with ETDump on.

    Args:
        bindings: ExecuTorch's.
        path: of the program.
        tensors: makes what the program takes of the arrays of an inference.
        inputs: of the inferences in turn.
        repetitions: how many means are taken.
        calls: how many inferences a mean is of.

    Raises:
        NoProfile: this build of ExecuTorch records no events, or none of operators.
        FrameworkError: the program cannot be loaded again, or what it recorded cannot be read.
    """
    with warnings.catch_warnings():
        # It calls all of this experimental.
        warnings.simplefilter("ignore")
        try:
            module = bindings._load_for_executorch(path, enable_etdump=True)
        except RuntimeError as error:
            raise FrameworkError(f"executorch cannot load {path} a second time: {error}") from error
        if not module.has_etdump():
            raise NoProfile(
                "this build of executorch records no events; its wheel does (pip install --upgrade executorch), and a "
                "build with EXECUTORCH_ENABLE_EVENT_TRACER=ON"
            )
        measured = []
        for number in range(-1, repetitions):
            # What comes before the first repetition is not kept: in it buffers are made.
            for arrays in in_turn(inputs, WARM_UP_CALLS if number < 0 else calls):
                module.run_method(METHOD, tensors(arrays), clone_outputs=False)
            runs = _recorded(module)
            if number >= 0:
                found = [operator for run in runs for operator in operators(times_ms(run))]
                if not found:
                    raise NoProfile(f"executorch records no operator of {path}")
                measured.append(per_inference(found, calls))
    return OperatorProfile(tuple(measured), "ExecuTorch's ETDump")


def times_ms(events: Sequence[Any]) -> Iterator[Tuple[str, float]]:
    """The operators among the profile events of one inference, with their ms, each counted once."""
    within = {event.instruction_id for event in events if _is_operator(event)}
    for event in events:
        if _is_operator(event):
            name = event.delegate_debug_id_str or event.name or f"delegated operator {event.delegate_debug_id_int}"
        elif event.name in AROUND and event.instruction_id not in within:
            name = event.name
        else:
            continue
        yield name[len(KERNEL) :] if name.startswith(KERNEL) else name, (event.end_time - event.start_time) / 1e6


def _is_operator(event: Any) -> bool:
    """Whether it is of a kernel of ExecuTorch's, or of an operator within a delegate."""
    delegated = event.delegate_debug_id_str or event.delegate_debug_id_int not in (None, -1)
    return bool(delegated) or (event.name or "").startswith(KERNEL)


def _recorded(module: Any) -> List[List[Any]]:
    """The profile events of each inference since the last time."""
    from executorch.devtools.etdump.serialize import deserialize_from_etdump_flatcc

    with scratch("edgeperf-executorch-") as folder:
        path = folder / DUMP
        module.write_etdump_result_to_file(str(path))
        try:
            dump = deserialize_from_etdump_flatcc(path.read_bytes())
        except Exception as error:  # the parser has no class of errors of its own
            raise FrameworkError(f"what executorch recorded cannot be read: {type(error).__name__}: {error}") from error
    runs = ((event.profile_event for event in run.events or ()) for run in dump.run_data)
    return [[event for event in run if event is not None] for run in runs]

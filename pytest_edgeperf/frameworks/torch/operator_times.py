"""What the layers of a PyTorch module take, by ``torch.profiler``.

A layer of ``torch.nn`` is one operator, under its name in the module; so is each operation that a module of the user's
own calls besides its layers.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from pytest_edgeperf.frameworks.interface import DeviceTimed
from pytest_edgeperf.frameworks.profiling import (
    WARM_UP_CALLS,
    NoProfile,
    OperatorProfile,
    OperatorTime,
    in_turn,
    per_inference,
)

if TYPE_CHECKING:
    from pytest_edgeperf.frameworks.interface import Engine
    from pytest_edgeperf.frameworks.models import Array

#: Names of ranges in the trace: of an inference, and before a module's own name.
INFERENCE, MODULE = "edgeperf inference", "edgeperf module "
#: What computes: an operation of a library (``aten::add``), or a kernel of TorchInductor, of which the number of its
#: graph is left out.
OPERATION = re.compile(r"(?:graph_\d+_)?(?P<name>\w+::(?P<short>\w+)|\w+_fused_\w+)")

#: What is called between numpy and the module, and computes nothing.
NOTHING = ("aten::lift_fresh", "aten::detach", "aten::detach_", "aten::resolve_conj", "aten::resolve_neg")


def profile(
    engine: Engine,
    torch: Any,
    layers: Mapping[int, Tuple[str, str]],
    inputs: Sequence[Tuple[Array, ...]],
    repetitions: int,
    calls: int,
) -> OperatorProfile:
    """Infer under PyTorch's profiler; on a GPU, an operator takes what its kernels take.

    Args:
        engine: what infers.
        torch: the package.
        layers: the modules that are told apart, see :func:`layers_of`.
        inputs: they take turns.
        repetitions: how many.
        calls: of each.

    Raises:
        NoProfile: the profiler recorded no operation, or none on the GPU.
    """
    on_gpu = isinstance(engine, DeviceTimed)
    kinds = torch.profiler.ProfilerActivity
    activities = [kinds.CPU, kinds.CUDA] if on_gpu else [kinds.CPU]
    made: List[Tuple[OperatorTime, ...]] = []
    with _ranges(torch, layers):
        # The first profiler of a process is slow to start, and so are the first inferences.
        for number in (WARM_UP_CALLS, *[calls] * repetitions):
            with torch.profiler.profile(activities=activities) as profiler:
                for arrays in in_turn(inputs, number):
                    with torch.profiler.record_function(INFERENCE):
                        engine.infer(*arrays)
                engine.synchronise()
            operators = per_inference(operators_of(profiler.events(), dict(layers.values()), on_gpu), number)
            if not any(operator.time_ms for operator in operators):
                raise NoProfile(
                    f"{engine.framework}: torch.profiler recorded no "
                    + ("kernel of the GPU: it needs NVIDIA's CUPTI" if on_gpu else "operation")
                )
            made.append(operators)
    return OperatorProfile(tuple(made[1:]), "torch.profiler")


def layers_of(torch: Any, module: Any) -> Dict[int, Tuple[str, str]]:
    """Identity of a module -> its name in the whole, and its class where it is a layer: one of PyTorch's own."""
    layers = {}
    for name, part in module.named_modules():
        scripted = isinstance(part, torch.jit.ScriptModule)
        own = not name or scripted or any(True for _ in part.children())
        is_layer = not own and type(part).__module__.startswith("torch.")
        layers[id(part)] = (name, type(part).__name__ if is_layer else "")
    return layers


@contextmanager
def _ranges(torch: Any, layers: Mapping[int, Tuple[str, str]]) -> Iterator[None]:
    """While this lasts, calls of the modules are ranges in a trace.

    By the process's hooks: those of single modules would keep some of PyTorch's layers from their fast ways.
    """
    opened: List[Any] = []

    def enter(module: Any, _: Any) -> None:
        if id(module) in layers:
            opened.append(torch.profiler.record_function(MODULE + layers[id(module)][0]))
            opened[-1].__enter__()

    def leave(module: Any, *_: Any) -> None:
        if id(module) in layers:
            opened.pop().__exit__(None, None, None)

    hooks = torch.nn.modules.module
    handles = []
    if layers:
        handles = [hooks.register_module_forward_pre_hook(enter), hooks.register_module_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def operators_of(events: Sequence[Any], kinds: Mapping[str, str], on_gpu: bool = False) -> Iterator[OperatorTime]:
    """What ran in the inferences of a trace, in order, none inside another.

    Args:
        events: of ``torch.profiler``.
        kinds: name of a module -> its class where it is a layer, else empty.
        on_gpu: whether times are of kernels.
    """
    for event in events:
        # What a GPU did meanwhile has the same name, and nothing inside it.
        if event.name == INFERENCE:
            yield from _inside(event, "", kinds, on_gpu, Counter())


def _inside(
    event: Any, module: str, kinds: Mapping[str, str], on_gpu: bool, seen: Counter[str]
) -> Iterator[OperatorTime]:
    for child in sorted(event.cpu_children, key=lambda child: child.time_range.start):
        name = child.name[len(MODULE) :] if child.name.startswith(MODULE) else None
        operation = OPERATION.fullmatch(child.name)
        if name is not None and kinds.get(name):
            # Without what the ranges themselves take; one that runs nothing (nn.Identity) is none.
            if child.cpu_children:
                yield OperatorTime(name, kinds[name], sum(_took_ms(part, on_gpu) for part in child.cpu_children))
        elif name is not None:
            yield from _inside(child, name, kinds, on_gpu, Counter())
        elif operation is not None and _computes(child):
            short = operation["short"] or operation["name"]
            seen[short] += 1
            numbered = short if seen[short] == 1 else f"{short} ({seen[short]})"
            yield OperatorTime(
                f"{module}/{numbered}" if module else numbered, operation["name"], _took_ms(child, on_gpu)
            )
        elif operation is None:
            yield from _inside(child, module, kinds, on_gpu, seen)


def _computes(event: Any) -> bool:
    # A conversion to the same type and place calls nothing.
    return event.name not in NOTHING and (event.name != "aten::to" or bool(event.cpu_children))


def _took_ms(event: Any, on_gpu: bool) -> float:
    if not on_gpu:
        return float(event.time_range.elapsed_us()) / 1e3
    # A range of ours has its kernels a second time.
    own = 0.0 if event.name.startswith(MODULE) else sum(kernel.duration for kernel in event.kernels)
    return float(own) / 1e3 + sum(_took_ms(child, on_gpu) for child in event.cpu_children)

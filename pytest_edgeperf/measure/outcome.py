"""What a plain callable returned: an answer, something that would only compute it later, or work left on a GPU."""

from __future__ import annotations

import inspect
import sys
from concurrent.futures import Future
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

#: Results are looked into so deep, and so many members of each container.
_DEEPEST = 3
_MOST_MEMBERS = 100
_LAZY_ITERATORS = (map, filter, zip, enumerate, reversed)
_ITEMS = "consume its items inside the target, such as lambda: list(f(x)), or give postprocess=list"
_AWAIT = "await it inside the target, such as lambda: asyncio.run(f(x))"
_RESULT = "wait for it inside the target, such as lambda: f(x).result()"


class Unfinished(TypeError):
    """The target returned something that would compute the answer later: its time would be that of making it."""


class Synchroniser(NamedTuple):
    """How to wait for the work that a target leaves on a device; called with what the target returned."""

    name: str
    wait: Callable[[Any], Any]


def require_finished(result: Any) -> None:
    """Refuse a coroutine, a generator, a lazy iterator or a future, also within a list, a tuple or a dict.

    Raises:
        Unfinished: with what to do instead.
    """
    __tracebackhide__ = True
    for member in _members(result):
        unfinished = _unfinished(member)
        if unfinished is not None:
            kind, remedy = unfinished
            if inspect.iscoroutine(member):
                # Without this, Python warns in the middle of the report that it was never awaited.
                member.close()
            within = "" if member is result else f" (in a {type(result).__name__})"
            raise Unfinished(
                f"the target returned {kind}{within}: it has not computed anything yet, so only the creation of that "
                f"object would be timed; {remedy}"
            )


def synchroniser(result: Any, arguments: Sequence[Any]) -> Optional[Synchroniser]:
    """How to wait for what the target leaves on a device; ``None`` where its work is over when it returns.

    Known from what it returned and was given, and, of CUDA, from work that is still pending.
    """
    for member in _members([result, *arguments]):
        waiter = _of_tensor(member)
        if waiter is not None:
            return waiter
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    try:
        if cuda is not None and cuda.is_initialized() and not cuda.current_stream().query():
            return Synchroniser("torch.cuda", _without_result(cuda.synchronize))
    except Exception:  # a runtime without a device may raise anything
        return None
    return None


def _unfinished(member: Any) -> Optional[Tuple[str, str]]:
    kind = type(member)
    module = kind.__module__ or ""
    if inspect.iscoroutine(member):
        return "a coroutine", _AWAIT
    if inspect.isasyncgen(member):
        return "an asynchronous generator", "consume its items inside the target, in a function given to asyncio.run"
    if inspect.isgenerator(member):
        return "a generator", _ITEMS
    if isinstance(member, _LAZY_ITERATORS) or module == "itertools":
        return f"{_article(kind.__name__)} {kind.__name__} object", _ITEMS
    if module in ("asyncio", "_asyncio") or module.startswith("asyncio."):
        return (f"an awaitable ({module}.{kind.__qualname__})", _AWAIT) if inspect.isawaitable(member) else None
    if isinstance(member, Future) or _has(member, "result", "add_done_callback"):
        return f"a future ({module}.{kind.__qualname__})", _RESULT
    if _has(member, "get", "wait", "ready", "successful"):
        return f"a result that is not there yet ({module}.{kind.__qualname__})", _RESULT.replace("result()", "get()")
    if module.startswith("torch") and _has(member, "wait", "done", "value"):
        return f"a future ({module}.{kind.__qualname__})", _RESULT.replace("result()", "wait()")
    if module.startswith("dask") and _has(member, "compute", "persist"):
        return "a lazy object of dask", "compute it inside the target, such as lambda: f(x).compute()"
    if inspect.isawaitable(member):
        return f"an awaitable ({module}.{kind.__qualname__})", _AWAIT
    return None


def _of_tensor(member: Any) -> Optional[Synchroniser]:
    kind = type(member)
    module = (kind.__module__ or "").partition(".")[0]
    if module in ("jax", "jaxlib") and _has(member, "block_until_ready"):
        jax = sys.modules.get("jax")
        return Synchroniser("jax", jax.block_until_ready) if jax is not None else None
    if module == "cupy":
        cupy = sys.modules["cupy"]
        return Synchroniser("cupy", _without_result(cupy.cuda.Device().synchronize))
    torch = sys.modules.get("torch")
    tensor = getattr(torch, "Tensor", None)
    if tensor is None or not isinstance(member, tensor):
        return None
    where = member.device.type
    device = getattr(torch, where, None)
    if where == "cpu" or not callable(getattr(device, "synchronize", None)):
        return None
    return Synchroniser(f"torch.{where}", _without_result(device.synchronize))  # type: ignore[union-attr]


def _without_result(wait: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda _: wait()


def _members(value: Any, depth: int = 0) -> Iterator[Any]:
    yield value
    if depth >= _DEEPEST:
        return
    inside: Any = ()
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        inside = value
    for _, member in zip(range(_MOST_MEMBERS), inside):
        yield from _members(member, depth + 1)


def _has(value: Any, *names: str) -> bool:
    """Whether the value's class has these methods: an instance may make up any attribute."""
    return all(callable(getattr(type(value), name, None)) for name in names)


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"

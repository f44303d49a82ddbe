"""A profiled pass of a test that was written for pytest-benchmark: what its fixture is given to call is profiled."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Iterator, Mapping, NoReturn, Optional, Sequence, Type

import pytest

from pytest_edgeperf.measure.pipeline import Pipeline
from pytest_edgeperf.measure.profiled_pass import ProfiledPass
from pytest_edgeperf.measure.warmup import warm_up


class AdoptedProfile:
    """A worker's plugin that has pytest-benchmark's ``benchmark`` fixture profile instead of timing."""

    def __init__(self, profiled_pass: Callable[[], ProfiledPass]) -> None:
        """``profiled_pass`` gives the pass, once pytest is configured."""
        self._profiled_pass = profiled_pass

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Give the fixture other ways to be called; all else of it stays, as bodies may use it."""
        fixture = item.funcargs.get("benchmark")  # type: ignore[attr-defined]
        if fixture is not None:
            fixture.__class__ = _profiling(type(fixture), self._profiled_pass())
        yield


def _profiling(kind: Type[Any], profiled_pass: ProfiledPass) -> Type[Any]:
    class Profiling(kind):  # type: ignore[misc]  # whatever the fixture's class is
        def __call__(self, function_to_benchmark: Callable[..., Any], *args: Any, **kwargs: Any) -> NoReturn:
            _end(profiled_pass, partial(function_to_benchmark, *args, **kwargs))

        def pedantic(
            self,
            target: Callable[..., Any],
            args: Sequence[Any] = (),
            kwargs: Optional[Mapping[str, Any]] = None,
            setup: Optional[Callable[[], Any]] = None,
            teardown: Optional[Callable[..., Any]] = None,
            **_: Any,
        ) -> NoReturn:
            def call() -> Any:
                # A setup may make the arguments, and is profiled with what it is for.
                made = setup() if setup is not None else None
                own_args, own_kwargs = made if made is not None else (args, kwargs or {})
                result = target(*own_args, **own_kwargs)
                if teardown is not None:
                    teardown(*own_args, **own_kwargs)
                return result

            _end(profiled_pass, call if setup is not None or teardown is not None else _bound(target, args, kwargs))

    return Profiling


def _bound(target: Callable[..., Any], args: Sequence[Any], kwargs: Optional[Mapping[str, Any]]) -> Callable[[], Any]:
    return partial(target, *args, **(kwargs or {}))


def _end(profiled_pass: ProfiledPass, call: Callable[[], Any]) -> NoReturn:
    pipeline = Pipeline(call, ())
    profiled_pass.end(pipeline, warm_up(pipeline.calls).call_ns)

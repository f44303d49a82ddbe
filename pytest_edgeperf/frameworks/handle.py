"""What a benchmark's ``framework`` fixture gives: a runtime with this session's threads and precision."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from pytest_edgeperf.frameworks import registry
from pytest_edgeperf.frameworks.interface import Engine, Framework, Model, ModelLike, SelfTimed
from pytest_edgeperf.frameworks.sources import as_model
from pytest_edgeperf.frameworks.stages import Stages


class FrameworkHandle:
    """A runtime chosen by ``--framework``; loading counts as preparation and is never timed."""

    def __init__(
        self,
        framework: Framework,
        *,
        threads: int,
        software: Dict[str, Any],
        skip: Callable[[str], Any],
        lacks: Callable[[str, str], Optional[str]] = lambda processor, precision: None,
        stack: Callable[[], bool] = lambda: False,
    ) -> None:
        self._framework = framework
        self._threads = threads
        self._software = software
        self._skip = skip
        self._lacks = lacks
        self._stack = stack

    @property
    def name(self) -> str:
        """As typed in ``--framework``."""
        return self._framework.full_name

    @property
    def version(self) -> Optional[str]:
        """The installed version."""
        return self._framework.version()

    def load(self, model: ModelLike, *, precision: str = "fp32", threads: Optional[int] = None) -> Engine:
        """Load a model (a path or a ``Model``) at a precision; skips what the runtime honestly cannot do.

        Raises:
            FrameworkError: the model cannot be found or loaded, has an unknown option, or the runtime gave something
                else than asked.
        """
        described = as_model(model, self._framework)
        registry.require_known_options(described)
        reason = self._framework.unsupported(described, precision)
        reason = reason or self._lacks(self._framework.processor, precision)
        if reason is not None:
            self._skip(f"{self.name}: {reason}")
        threads = threads or self._threads
        if self._stack():
            engine = self._load_by_stages(described, precision, threads)
        else:
            engine = self._framework.load(described, precision=precision, threads=threads)
        self._software[self.name] = self.version
        return engine

    def _load_by_stages(self, model: Model, precision: str, threads: int) -> Engine:
        with Stages() as stages:
            engine = self._framework.load(model, precision=precision, threads=threads)
        # the program of such an engine imports and loads in a process of its own
        if not isinstance(engine, SelfTimed):
            engine.load_ms = {**engine.load_ms, **stages.times_ms()}
            engine.imported_before = stages.imported_before
        return engine

    def __repr__(self) -> str:
        return f"<framework {self.name} {self.version}>"

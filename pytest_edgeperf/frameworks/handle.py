"""What a benchmark's ``framework`` fixture gives: a runtime with this session's threads and precision."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from pytest_edgeperf.frameworks import registry
from pytest_edgeperf.frameworks.interface import Engine, Framework, ModelLike
from pytest_edgeperf.frameworks.sources import as_model


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
    ) -> None:
        self._framework = framework
        self._threads = threads
        self._software = software
        self._skip = skip
        self._lacks = lacks

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
        engine = self._framework.load(described, precision=precision, threads=threads or self._threads)
        self._software[self.name] = self.version
        return engine

    def __repr__(self) -> str:
        return f"<framework {self.name} {self.version}>"

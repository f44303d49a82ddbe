"""What an engine is asked to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Union

from pytest_edgeperf.frameworks.description import EngineDescription
from pytest_edgeperf.frameworks.models import Model


@dataclass(frozen=True)
class EngineConfiguration:
    """The model and everything that it is loaded with."""

    #: The framework with its variant, as in ``--framework``.
    framework: str
    #: The runtime's installed version.
    version: Optional[str]
    model: Model
    precision: str = "fp32"
    threads: int = 1
    #: The value of each option that the framework declares, by its name without the framework.
    options: Mapping[str, Any] = field(default_factory=dict)

    def description(self, provider: str, threads: Union[int, str], **details: Any) -> EngineDescription:
        """How an engine of this configuration describes itself, with what it read back from its runtime."""
        return EngineDescription(self.framework, self.version, self.precision, provider, threads, details)

"""What an engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, Mapping, Optional, Union

#: Fields that every engine has.
COMMON = ("framework", "version", "precision", "provider", "threads")


@dataclass(frozen=True, eq=False)
class EngineDescription(Mapping[str, Any]):
    """What a runtime really gave, read back from it.

    As a mapping it holds the common fields and then the details, which is how a run's environment keeps it.
    """

    #: The framework with its variant, as in ``--framework``.
    framework: str
    version: Optional[str]
    precision: str
    #: What computes, by the runtime's own name.
    provider: str
    #: How many threads of the host compute, or why that is not known.
    threads: Union[int, str]
    #: What else this runtime reports, as JSON holds it.
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        repeated = sorted(set(self.details) & set(COMMON))
        if repeated:
            raise ValueError(f"the details of an engine repeat {', '.join(repeated)}")

    def to_dict(self) -> Dict[str, Any]:
        """The common fields and the details, flat."""
        return {**{name: getattr(self, name) for name in COMMON}, **self.details}

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name) if name in COMMON else self.details[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(COMMON) + len(self.details)

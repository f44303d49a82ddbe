"""Who says when a run's blocks are timed, and takes what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Iterable, List, Protocol

if TYPE_CHECKING:
    from pytest_edgeperf.measure.accuracy_records import Accuracy
    from pytest_edgeperf.measure.measurement import Measurement
    from pytest_edgeperf.results.study_definitions import Place, Study


@dataclass(frozen=True)
class Block:
    """One timed block: ``settle_s`` of calls that are thrown away, then ``seconds`` of timed ones.

    A ``turn`` is one of many short blocks, between which another worker has its own. A ``sustained`` one is not
    timed: its calls are only counted, while the coordinator reads sensors.
    """

    seconds: float
    settle_s: float = 0.0
    turn: bool = False
    sustained: bool = False


class Conductor(Protocol):
    """Who says when a block is timed: the coordinator through a channel, or a fixed plan in this process."""

    def blocks(self) -> Iterable[Block]:
        """The blocks to time, each yielded when its turn has come."""

    def sustained(self, calls: int, seconds: float) -> None:
        """Take what a sustained block held."""

    def deliver(self, measurement: Measurement) -> None:
        """Take the finished run."""

    def place(self, study: Study, place: Place) -> None:
        """Take note of the study that the benchmark belongs to."""

    def answered(self, name: str, accuracy: Accuracy) -> None:
        """Take an accuracy of the run."""


@dataclass
class LocalConductor:
    """One block of the whole budget, in this process, at once."""

    budget_s: float
    delivered: List[Measurement] = field(default_factory=list)

    def blocks(self) -> Iterable[Block]:
        """The one block."""
        return [Block(self.budget_s)]

    def sustained(self, calls: int, seconds: float) -> None:
        """There are no sustained blocks in this process."""

    def deliver(self, measurement: Measurement) -> None:
        """Keep it for whoever looks."""
        self.delivered.append(measurement)

    def place(self, study: Study, place: Place) -> None:
        """Nothing is read together in this process."""

    def answered(self, name: str, accuracy: Accuracy) -> None:
        """Nothing is compared in this process."""

"""The protocol between a coordinator and its worker, as types: a specification, then commands and events.

On the wire each is a JSON object. Received messages are validated against the annotations of their class, so that the
fields of an event, a command or a specification have the declared types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from pytest_edgeperf.measure.channel import MalformedMessage, Message
from pytest_edgeperf.measure.measurement import Measurement
from pytest_edgeperf.measure.side import Side
from pytest_edgeperf.measure.wire import from_message, shortened, to_message
from pytest_edgeperf.results.cost_profiles import CostProfile
from pytest_edgeperf.results.study_definitions import Place, Study
from pytest_edgeperf.results.types import Metric


@dataclass(frozen=True)
class Specification:
    """The task of a worker; the first message that it receives."""

    #: The benchmark's id; empty where the worker only collects.
    nodeid: str
    #: pytest's arguments but for what is to be collected.
    args: Sequence[str]
    #: What is to be collected: files, folders and ids, by their paths.
    targets: Sequence[str]
    #: The coordinator's own pytest options.
    options: Mapping[str, Any]
    #: ``None`` stands for the interpreter's own entries.
    sys_path: Sequence[Optional[str]]
    #: The cores that the worker is kept on; empty: on all.
    cpus: Sequence[int] = ()
    #: What the run's environment records: ``budget_s``, ``threads``, ``cpus``.
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: The benchmark uses pytest-benchmark's fixture.
    adopted: bool = False
    #: Only collect.
    collects: bool = False
    #: Profile what the benchmark has prepared instead of timing it.
    profiles: bool = False
    #: The folder that all targets begin with, where its name must not be part of an argument.
    folder: Optional[str] = None
    #: Of a comparison of two commits or interpreters.
    side: Optional[Side] = None
    #: ``sys.argv[0]``.
    program: str = "pytest"
    #: For a worker that is started by a command, which may pass on none of it: its working folder, variables that are
    #: set, and variables that are set where they have no value.
    working_folder: Optional[str] = None
    variables: Mapping[str, str] = field(default_factory=dict)
    default_variables: Mapping[str, str] = field(default_factory=dict)

    def to_message(self) -> Message:
        """The specification as a JSON object."""
        return to_message(self)

    @classmethod
    def from_message(cls, message: Message) -> Specification:
        """Read what :meth:`to_message` gave.

        Raises:
            MalformedMessage: a field is missing, or of a wrong type.
        """
        return from_message(cls, message, "specification")


# Commands of the coordinator.


@dataclass(frozen=True)
class TimeBlock:
    """Time inferences for ``seconds``, after ``settle_s`` of untimed ones; the answer is :class:`BlockTimed`."""

    seconds: float
    settle_s: float = 0.0
    #: Another worker has its turns in between: summarise this block by itself.
    turn: bool = False


@dataclass(frozen=True)
class Sustain:
    """Repeat the inference untimed for ``seconds``; the answer is :class:`Sustained`."""

    seconds: float


@dataclass(frozen=True)
class Finish:
    """Stop timing: the test body continues."""


# Events of the worker. Answers to commands first.


@dataclass(frozen=True)
class Started:
    """The process that a command was to start is there, and waits for its specification."""


@dataclass(frozen=True)
class Ready:
    """The benchmark is loaded, checked and warm, and waits for a command."""


@dataclass(frozen=True)
class BlockTimed:
    """A block is over."""


@dataclass(frozen=True)
class Profiled:
    """What the operators and functions cost: all that a worker says which profiles instead of being timed."""

    profile: CostProfile


@dataclass(frozen=True)
class Sustained:
    """The inference was repeated so often."""

    calls: int
    seconds: float


@dataclass(frozen=True)
class Busy:
    """Something that may take minutes has begun, such as the building of an engine; empty: it is over."""

    what: str


@dataclass(frozen=True)
class Reported:
    """pytest's report of a phase, serialised."""

    report: Dict[str, Any]


@dataclass(frozen=True)
class RunMeasured:
    """The run that the body measured."""

    measurement: Measurement


@dataclass(frozen=True)
class AccuracyMeasured:
    """An accuracy of the run, and the answers behind it."""

    name: str
    metric: Metric
    value: Dict[str, Any]


@dataclass(frozen=True)
class StudyJoined:
    """The study that the benchmark belongs to, and its place there."""

    study: Study
    place: Place


@dataclass(frozen=True)
class Loaded:
    """What the process has loaded, once it was timed."""

    #: Section -> name -> digest or version; ``None``: it could not be told.
    record: Optional[Dict[str, Dict[str, str]]]
    why_not: str = ""


@dataclass(frozen=True)
class FixtureMeasured:
    """What pytest-benchmark's fixture measured, for that plugin's own reports."""

    name: str
    fullname: str
    group: Optional[str]
    param: Optional[str]
    extra_info: Dict[str, Any]
    iterations: int
    options: Dict[str, Any]
    data_s: List[float]


@dataclass(frozen=True)
class Collected:
    """What a worker that only collects has collected."""

    #: The ids of everything, and of what is marked as a benchmark.
    all: List[str]
    marked: List[str]
    #: Id -> parameters, as they are stored, of the benchmarks among them that have some.
    parameters: Dict[str, Dict[str, Any]]


@dataclass(frozen=True)
class CollectionFailed:
    """A file could not be collected."""

    text: str


@dataclass(frozen=True)
class NotCollected:
    """The benchmark is not here: its file, its name or its parameters."""


@dataclass(frozen=True)
class WrongCode:
    """A side of a comparison has loaded the wrong code."""

    problems: List[str]


@dataclass(frozen=True)
class PytestFailed:
    """An internal error of pytest or of a plugin."""

    text: str


@dataclass(frozen=True)
class Interrupted:
    """A KeyboardInterrupt ended the test."""

    text: str


@dataclass(frozen=True)
class ExitCalled:
    """The test called ``pytest.exit``."""

    reason: str
    code: Optional[int]


@dataclass(frozen=True)
class Ended:
    """pytest's exit status: the last event."""

    status: int


Command = Union[TimeBlock, Sustain, Finish]
Event = Union[
    Started,
    Ready,
    BlockTimed,
    Profiled,
    Sustained,
    Busy,
    Reported,
    RunMeasured,
    AccuracyMeasured,
    StudyJoined,
    Loaded,
    FixtureMeasured,
    Collected,
    CollectionFailed,
    NotCollected,
    WrongCode,
    PytestFailed,
    Interrupted,
    ExitCalled,
    Ended,
]
#: Answers come when they are waited for, and not otherwise.
ANSWERS = (Started, Ready, BlockTimed, Profiled, Sustained)

COMMANDS: Mapping[str, Type[Any]] = {"block": TimeBlock, "sustain": Sustain, "finish": Finish}
EVENTS: Mapping[str, Type[Any]] = {
    "started": Started,
    "ready": Ready,
    "block": BlockTimed,
    "profiled": Profiled,
    "sustained": Sustained,
    "busy": Busy,
    "report": Reported,
    "run": RunMeasured,
    "accuracy": AccuracyMeasured,
    "study": StudyJoined,
    "loaded": Loaded,
    "benchmark_stats": FixtureMeasured,
    "collected": Collected,
    "collect_error": CollectionFailed,
    "not_collected": NotCollected,
    "wrong_code": WrongCode,
    "internal_error": PytestFailed,
    "interrupted": Interrupted,
    "exit_called": ExitCalled,
    "exit": Ended,
}
_NAMES: Mapping[Type[Any], Tuple[str, str]] = {
    **{kind: ("command", name) for name, kind in COMMANDS.items()},
    **{kind: ("event", name) for name, kind in EVENTS.items()},
}


def name_of(kind: Type[Any]) -> str:
    """The name of a command or an event on the wire."""
    return _NAMES[kind][1]


def message_of(content: Union[Command, Event]) -> Message:
    """A command or an event as a JSON object."""
    key, name = _NAMES[type(content)]
    return {key: name, **to_message(content)}


def command_of(message: Message) -> Command:
    """Parse a message as a command.

    Raises:
        MalformedMessage: it is of an unknown kind, lacks a field, or has a value of a wrong type.
    """
    command: Command = _said("command", COMMANDS, message)
    return command


def event_of(message: Message) -> Event:
    """Parse a message as an event.

    Raises:
        MalformedMessage: it is of an unknown kind, lacks a field, or has a value of a wrong type.
    """
    event: Event = _said("event", EVENTS, message)
    return event


def _said(key: str, kinds: Mapping[str, Type[Any]], message: Message) -> Any:
    name = message.get(key)
    if not isinstance(name, str) or name not in kinds:
        raise MalformedMessage(f"there is no {key} {shortened(name)}")
    return from_message(kinds[name], message, name)

"""From what a profiler saw of calls to the time of each function, without the time that the profiler itself took."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Dict, Hashable, Iterable, NamedTuple, Tuple, Union

from pytest_edgeperf.measure.function_names import c_function_name, qualified_names
from pytest_edgeperf.measure.source_places import SourcePlaces

#: Calls are followed so far up or down; what is beyond is rounding.
_DEEPEST = 200


class Added(NamedTuple):
    """What the profiler adds to one call, in seconds: to the called function's own time, and to its caller's."""

    inside_s: float = 0.0
    outside_s: float = 0.0


class EventCosts(NamedTuple):
    """What the profiler adds to calls by what is called: Python code, a function and a method written in C."""

    python: Added = Added()
    c_function: Added = Added()
    c_method: Added = Added()

    def of(self, code: Union[CodeType, str]) -> Added:
        """What it adds to a call of what the profiler knows so."""
        if not isinstance(code, str):
            return self.python
        return self.c_method if code.startswith("<method ") else self.c_function


class Label(NamedTuple):
    """What names a function: for one written in C, its caller's file and line."""

    name: str
    file: str
    line: int


@dataclass
class Cost:
    """The seconds that a function took, in itself and with what it called, and how often it was called."""

    self_s: float = 0.0
    total_s: float = 0.0
    calls: float = 0.0

    def add(self, other: Cost, share: float = 1.0) -> None:
        """Add so much of another's."""
        self.self_s += share * other.self_s
        self.total_s += share * other.total_s
        self.calls += share * other.calls


class _Function(NamedTuple):
    label: Label
    #: Of the project or of this package: calls of C functions are told by it.
    is_owner: bool
    #: Kept, so that no other code takes its identity.
    code: CodeType


class FunctionLabels:
    """Names the functions of a process, each once."""

    def __init__(self, places: SourcePlaces) -> None:
        self._places = places
        self._functions: Dict[int, _Function] = {}

    def learn(self, codes: Iterable[CodeType]) -> None:
        """Name those that are new, all at once."""
        new = [code for code in codes if id(code) not in self._functions]
        for code, name in zip(new, qualified_names(new)):
            file = code.co_filename
            label = Label(name, self._places.shown(file), code.co_firstlineno)
            self._functions[id(code)] = _Function(label, self._places.is_own(file), code)

    def label(self, code: CodeType) -> Label:
        """The label of one that was named."""
        return self._functions[id(code)].label

    def is_owner(self, code: CodeType) -> bool:
        """Whether calls of C functions are told by it, rather than by what called it."""
        return self._functions[id(code)].is_owner


@dataclass
class _Node:
    code: Union[CodeType, str]
    cost: Cost
    #: Key of the called function -> what its calls from here took.
    callees: Dict[Hashable, Cost] = field(default_factory=dict)
    #: Key of the caller -> number of calls.
    callers: Dict[Hashable, int] = field(default_factory=dict)


class CallGraph:
    """Who called whom, and what it took.

    Args:
        entries: what ``cProfile.Profile.getstats`` gives.
        costs: what the profiler added.
        labels: names the functions.
    """

    def __init__(self, entries: Iterable[Any], costs: EventCosts, labels: FunctionLabels) -> None:
        self._costs = costs
        self._labels = labels
        self._nodes: Dict[Hashable, _Node] = {}
        self._overheads: Dict[Hashable, float] = {}
        self._owners: Dict[Hashable, Dict[Hashable, float]] = {}
        for entry in entries:
            node = self._nodes.setdefault(_key(entry.code), _Node(entry.code, Cost()))
            node.cost.add(_cost(entry))
            for callee in entry.calls or ():
                node.callees.setdefault(_key(callee.code), Cost()).add(_cost(callee))
        for key, node in self._nodes.items():
            for callee_key, cost in node.callees.items():
                callers = self._nodes[callee_key].callers
                callers[key] = callers.get(key, 0) + int(cost.calls)
        labels.learn(node.code for node in self._nodes.values() if isinstance(node.code, CodeType))

    @property
    def measured_s(self) -> float:
        """The time in all functions as the profiler saw it."""
        return sum(node.cost.self_s for node in self._nodes.values())

    @property
    def outside_s(self) -> float:
        """What the profiler added to whatever made the outermost calls."""
        outermost = ((node, node.cost.calls - sum(node.callers.values())) for node in self._nodes.values())
        return sum(self._costs.of(node.code).outside_s * max(calls, 0.0) for node, calls in outermost)

    def costs(self) -> Dict[Label, Cost]:
        """What each function took; one that is written in C stands once for each function that it was called for.

        That is the nearest one of the project on the way up, in proportion to the numbers of calls where there are
        several, so that a slower library is told by the line of the user's own code that uses it.
        """
        costs: Dict[Label, Cost] = {}
        for key, node in self._nodes.items():
            if isinstance(node.code, CodeType):
                costs.setdefault(self._labels.label(node.code), Cost()).add(self._corrected(key, node.cost))
                continue
            name = c_function_name(node.code)
            from_outside = Cost(node.cost.self_s, node.cost.total_s, node.cost.calls)
            for caller_key in node.callers:
                cost = self._nodes[caller_key].callees[key]
                from_outside.add(cost, -1.0)
                for owner, share in self._owners_of(caller_key).items():
                    costs.setdefault(self._label_of_c(name, owner), Cost()).add(self._corrected(key, cost), share)
            if from_outside.calls > 0:
                costs.setdefault(Label(name, "", 0), Cost()).add(self._corrected(key, from_outside))
        return costs

    def _label_of_c(self, name: str, owner: Hashable) -> Label:
        code = self._nodes[owner].code
        if not isinstance(code, CodeType):
            return Label(f"{name} in {c_function_name(code)}", "", 0)
        label = self._labels.label(code)
        return Label(f"{name} in {label.name}", label.file, label.line)

    def _corrected(self, key: Hashable, cost: Cost) -> Cost:
        """A function's cost, or that of its calls from one caller, without what the profiler added."""
        node = self._nodes[key]
        share = cost.calls / node.cost.calls if node.cost.calls else 0.0
        added_s = cost.calls * self._costs.of(node.code).inside_s + share * sum(
            self._costs.of(self._nodes[callee].code).outside_s * called.calls for callee, called in node.callees.items()
        )
        total_s = cost.total_s - share * self._overhead_s(key, ())
        self_s = max(cost.self_s - added_s, 0.0)
        return Cost(self_s, max(total_s, self_s), cost.calls)

    def _overhead_s(self, key: Hashable, above: Tuple[Hashable, ...]) -> float:
        """What the profiler added to a function and to all below it; calls of what is above are in that already."""
        if key not in self._overheads:
            node = self._nodes[key]
            overhead_s = node.cost.calls * self._costs.of(node.code).inside_s
            for callee_key, cost in node.callees.items():
                callee = self._nodes[callee_key]
                overhead_s += cost.calls * self._costs.of(callee.code).outside_s
                if callee_key != key and callee_key not in above and len(above) < _DEEPEST and callee.cost.calls:
                    overhead_s += cost.calls / callee.cost.calls * self._overhead_s(callee_key, (*above, key))
            self._overheads[key] = overhead_s
        return self._overheads[key]

    def _owners_of(self, key: Hashable, above: Tuple[Hashable, ...] = ()) -> Dict[Hashable, float]:
        """The shares of a function's calls by the nearest project's functions above it; its own, where there is none.

        By numbers of calls and not by times, so that noise moves nothing from one to the other.
        """
        if key not in self._owners:
            self._owners[key] = self._shares_above(key, above) or {key: 1.0}
        return self._owners[key]

    def _shares_above(self, key: Hashable, below: Tuple[Hashable, ...]) -> Dict[Hashable, float]:
        node = self._nodes[key]
        if isinstance(node.code, CodeType) and self._labels.is_owner(node.code):
            return {key: 1.0}
        way = (*below, key)
        callers = {caller: calls for caller, calls in node.callers.items() if caller not in way}
        outermost = max(node.cost.calls - sum(node.callers.values()), 0.0)
        calls_in_all = sum(callers.values()) + outermost
        if not callers or len(way) > _DEEPEST:
            return {}
        shares: Dict[Hashable, float] = {key: outermost / calls_in_all} if outermost else {}
        for caller, calls in callers.items():
            for owner, share in self._owners_of(caller, way).items():
                shares[owner] = shares.get(owner, 0.0) + share * calls / calls_in_all
        return shares


def _key(code: Union[CodeType, str]) -> Hashable:
    # By identity: equal functions of two files have equal code.
    return code if isinstance(code, str) else id(code)


def _cost(entry: Any) -> Cost:
    return Cost(entry.inlinetime, entry.totaltime, entry.callcount)

"""Benchmarks below their file and their function, so that only their parameters stand in a row."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from pytest_edgeperf.report.label_parts import label_parts, shared_parts
from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import Paper, cells
from pytest_edgeperf.results.benchmark_matching import file_of

#: Cells by which a level is indented.
INDENT = 2
#: The share of a paper's width up to which a function and its parameters share a row.
_WHOLE_NAME = 0.3
#: A name takes so many lines before something of it is left out.
NAME_LINES = 3


@dataclass(frozen=True)
class Text:
    """A line of its own across the table, wrapped where it is too long."""

    text: str
    depth: int = 0
    style: Optional[str] = None


@dataclass(frozen=True)
class Row:
    """A printable name with the figures that the columns have under a number; several names may share none."""

    name: str
    depth: int
    number: int


@dataclass(frozen=True)
class Summary:
    """A printable name with a text in place of figures."""

    name: str
    depth: int
    text: str


Entry = Union[Text, Row, Summary]


class Member(NamedTuple):
    """A benchmark, the number of its row, its further rows (label, number), what is said below it, and parameters."""

    id: str
    number: int
    others: Sequence[Tuple[str, int]] = ()
    below: Sequence[str] = ()
    parameters: Mapping[str, Any] = MappingProxyType({})


class Name(NamedTuple):
    """The parts of a benchmark's id; ``parameters`` is ``None`` where there are no brackets."""

    file: str
    function: str
    parameters: Optional[str]


def name_of(benchmark_id: str) -> Name:
    """The parts of an id: file, classes and function, and what stands in brackets."""
    file = file_of(benchmark_id)
    rest = benchmark_id[len(file) :]
    if not rest.startswith("::"):
        return Name("", benchmark_id, None)
    function, bracket, parameters = rest[2:].partition("[")
    if not bracket or not parameters.endswith("]"):
        return Name(file, rest[2:], None)
    return Name(file, function, parameters[:-1])


def only_file(ids: Iterable[str]) -> Optional[str]:
    """The file that all benchmarks are in, if there is one."""
    files = {name_of(benchmark_id).file for benchmark_id in ids}
    return files.pop() or None if len(files) == 1 else None


def grouped(members: Sequence[Member], paper: Paper, *, depth: int = 0, said: Optional[str] = None) -> List[Entry]:
    """Headings and rows of benchmarks, in the order in which files and functions come first.

    A file with one function, and a function with one benchmark, share a line. Where the parameters of a function's
    benchmarks begin or end alike, the heading has those values once: ``test_yolov3[onnxruntime-fp32-…]``.

    Args:
        said: a file that needs no heading, as it stands above all.
    """
    files: Dict[str, Dict[str, List[Member]]] = {}
    for member in members:
        name = name_of(member.id)
        files.setdefault(name.file, {}).setdefault(name.function, []).append(member)
    entries: List[Entry] = []
    for file, functions in files.items():
        heading, inner = file, depth + 1
        if not file or file == said:
            heading, inner = "", depth
        elif len(functions) == 1:
            [(function, alone)] = functions.items()
            if all(name_of(member.id).parameters is not None for member in alone):
                together = _function(f"{file}::{function}", alone, paper, depth)
                if isinstance(together[0], Text) and INDENT * depth + cells(together[0].text) <= paper.width:
                    entries += together
                    continue
        if heading:
            entries.append(Text(paper.clean(heading), depth))
        for function, group in functions.items():
            parameters = name_of(group[0].id).parameters
            full = function if parameters is None else f"{function}[{parameters}]"
            fits = INDENT * inner + cells(paper.clean(full)) <= _WHOLE_NAME * paper.width
            if len(group) == 1 and (fits or parameters is None):
                entries += _rows([full], group, paper, inner)
            else:
                entries += _function(function, group, paper, inner)
    return entries


def _function(function: str, members: Sequence[Member], paper: Paper, depth: int) -> List[Entry]:
    labels = [name_of(member.id).parameters for member in members]
    in_parts = [label_parts(label, member.parameters) for label, member in zip(labels, members) if label is not None]
    shared, parts = _shared(in_parts, paper.ellipsis)
    rest = iter(parts)
    names = [function.rpartition("::")[2] if label is None else next(rest) or "[]" for label in labels]
    return [Text(paper.clean(function) + paper.clean(shared), depth), *_rows(names, members, paper, depth + 1)]


def _rows(names: Sequence[str], members: Sequence[Member], paper: Paper, depth: int) -> List[Entry]:
    room = NAME_LINES * max(paper.width - INDENT * (depth + 1), 1)
    shown = [paper.name(name) for name in names]
    if any(cells(name) > room for name in shown):
        shown = shorten_names(shown, room, paper.ellipsis)
    entries: List[Entry] = []
    for name, member in zip(shown, members):
        entries.append(Row(name, depth, member.number))
        entries += [Row(label, depth + 1, number) for label, number in member.others]
        entries += [Text(sentence, depth + 1) for sentence in member.below]
    return entries


def _shared(labels: Sequence[Sequence[str]], ellipsis: str) -> Tuple[str, List[str]]:
    """What a heading says of the labels of several benchmarks, which are in parts, and what is left of each."""
    whole = ["-".join(parts) for parts in labels]
    first, last = shared_parts(labels)
    rest = ["-".join(parts[first : len(parts) - last]) for parts in labels]
    if not first + last or not all(rest):
        return "", whole
    said = [*labels[0][:first], ellipsis, *labels[0][len(labels[0]) - last :]]
    return f"[{'-'.join(said)}]", rest

"""Studies that span several results files: one device against another, an edge against a desktop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from pytest_edgeperf.judge.studies.members import Member
from pytest_edgeperf.judge.studies.study_results import StudyResult, members, places, read_study
from pytest_edgeperf.results.study_definitions import Study
from pytest_edgeperf.results.types import Results

#: Between a file's label and a series' name.
SEPARATOR = ": "


@dataclass(frozen=True)
class Across:
    """What several files show together, and in a sentence each what could not be combined."""

    studies: Tuple[StudyResult, ...]
    remarks: Tuple[str, ...] = ()
    #: What each file is called, and what it holds.
    files: Tuple[Tuple[str, Results], ...] = field(default=(), repr=False, compare=False)
    #: The studies that were asked for by name; all, if none is given.
    wanted: Tuple[str, ...] = ()
    #: Of papers whose checklists were asked for, by name: the findings as plain values.
    checklists: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)
    #: Published figures to set beside those of the first file.
    published: Tuple[Results, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class _Source:
    label: str
    results: Results


def read_across(files: Sequence[Tuple[str, Results]], names: Sequence[str] = ()) -> Across:
    """The studies of results files, each with the series of all files and the ratios between them.

    A single file's series keep their names. Of several, a series is called after its device (after its file, where
    two are of one device), and a series that the first file has, too, is given as how many times better it is there
    than in each other file, at each coordinate that both have; where a file's benchmark has a single number, there
    is no interval. A study is described by the first file that has it: another that has another coordinate, or a
    malformed study, is left out with a remark.

    Args:
        files: (name, content); the first one is what the others are compared with.
        names: of the studies that are wanted; all, if none is given.
    """
    sources = [_Source(label, results) for label, (_, results) in zip(labels(files), files)]
    studies: Dict[str, Study] = {}
    members_of: Dict[str, List[Member]] = {}
    remarks: List[str] = []
    for source in sources:
        described, placed = source.results.studies.values(), places(source.results)
        if not described:
            remarks.append(f"{source.label} contains no study")
        for study in described:
            if names and study.name not in names:
                continue
            known = studies.setdefault(study.name, study)
            if (known.x, known.x_unit) != (study.x, study.x_unit):
                remarks.append(
                    f"{source.label} is excluded from {study.name}: its axis is {_axis(study)}, not {_axis(known)}"
                )
                continue
            studies[study.name] = _joined(known, study)
            own = members(study, placed, source.results)
            if not own and len(sources) > 1:
                remarks.append(f"{source.label} has no measurements of {study.name}")
            runs = [run for member in own for run in member.benchmark.runs]
            if runs and all(run.disturbed for run in runs):
                remarks.append(f"{study.name} is not shown: the machine was disturbed in every run of {source.label}")
            members_of.setdefault(study.name, []).extend(
                member._replace(series=_series_name(source.label, member.series, sources)) for member in own
            )
    known_names = dict.fromkeys(name for source in sources for name in source.results.studies)
    others = f"; there are {', '.join(map(repr, known_names))}" if known_names else ""
    remarks += [f"no file contains a study {name!r}{others}" for name in names if name not in studies]
    read = []
    for name, study in studies.items():
        try:
            read.append(_read(study, members_of.get(name, []), sources))
        except ValueError as error:
            remarks.append(f"{name} is excluded: {error}")
    held = tuple((source.label, source.results) for source in sources)
    return Across(tuple(read), tuple(remarks), held, tuple(names))


def labels(files: Sequence[Tuple[str, Results]]) -> List[str]:
    """What each file is called: its device where no other file is of it, else its name, else its whole path."""
    devices = Counter(results.device for _, results in files)
    stems = Counter(PurePath(name).stem for name, _ in files)
    names: List[str] = []
    for position, (name, results) in enumerate(files):
        stem = PurePath(name).stem
        label = results.device if devices[results.device] == 1 else stem if stems[stem] == 1 else name
        names.append(label if label not in names else f"{label} ({position + 1})")
    return names


def _read(study: Study, of_study: Sequence[Member], sources: Sequence[_Source]) -> StudyResult:
    if len(sources) == 1:
        return read_study(study, of_study)
    names = {member.series for member in of_study}
    between = []
    first = sources[0].label + SEPARATOR
    for series in dict.fromkeys(member.series[len(first) :] for member in of_study if member.series.startswith(first)):
        for source in sources[1:]:
            other = source.label + SEPARATOR + series
            if other in names:
                between.append((first + series, other))
    prefixes = [source.label + SEPARATOR for source in sources]
    own = tuple((prefix + dividend, prefix + divisor) for prefix in prefixes for dividend, divisor in study.ratios)
    return replace(read_study(replace(study, ratios=own), of_study, between, other_session=True), study=study)


def _joined(known: Study, other: Study) -> Study:
    """Both files' metrics, published lines and pairs of cost and gain."""
    return replace(
        known,
        metrics=tuple(dict.fromkeys((*known.metrics, *other.metrics))),
        references=tuple(dict.fromkeys((*known.references, *other.references))),
        published_ratios=tuple(dict.fromkeys((*known.published_ratios, *other.published_ratios))),
        pareto=tuple(dict.fromkeys((*known.pareto, *other.pareto))),
    )


def _series_name(label: str, series: str, sources: Sequence[_Source]) -> str:
    return series if len(sources) == 1 else label + SEPARATOR + series


def _axis(study: Study) -> str:
    return f"{study.x} ({study.x_unit})" if study.x_unit else study.x

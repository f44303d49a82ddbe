"""What differs in what the processes of two sides loaded: source files, model, engine, packages, libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.comparability import recency
from pytest_edgeperf.results.loaded import ENGINE, LIBRARIES, MODEL, MODULES, PACKAGES, folded, records_of
from pytest_edgeperf.results.types import LoadedRecord, Run

SOURCE, PACKAGE, LIBRARY = "source", "package", "library"
#: Section of a record -> what one of its entries is called, from what is nearest to the benchmark to the farthest.
KINDS: Mapping[str, str] = {MODULES: SOURCE, MODEL: "model", ENGINE: "engine", PACKAGES: PACKAGE, LIBRARIES: LIBRARY}
#: Sections of files that go by their content: under another name they are the same.
_BY_CONTENT = (MODEL, ENGINE)
BASELINE, CANDIDATE, BOTH = "baseline", "candidate", "both"

_Values = Dict[str, FrozenSet[str]]


@dataclass(frozen=True)
class LoadedDifference:
    """One thing that both sides loaded and that is not the same, or that one of them did not load.

    ``before`` and ``after`` are digests, build ids or versions; ``None``: that side did not load it.
    """

    kind: str
    name: str
    before: Optional[str]
    after: Optional[str]

    def to_dict(self) -> Dict[str, Any]:
        """What ``--format json`` prints of it."""
        return {"kind": self.kind, "name": self.name, "baseline": self.before, "candidate": self.after}


@dataclass(frozen=True)
class LoadedDifferences:
    """What differs, the nearest to the benchmark first."""

    differences: Tuple[LoadedDifference, ...] = ()
    #: ``baseline``, ``candidate`` or ``both``: whose runs say nothing of what they loaded, so that nothing is known.
    unknown: Optional[str] = None
    #: The model is among what both recorded: a benchmark that reads its own files does not tell of them.
    with_model: bool = True

    @property
    def nothing(self) -> bool:
        """Whether it is known that nothing differs."""
        return self.unknown is None and not self.differences

    def to_dict(self) -> Dict[str, Any]:
        """What ``--format json`` prints."""
        return {
            "known": self.unknown is None,
            "without_record": self.unknown,
            "with_model": self.with_model,
            "differences": [difference.to_dict() for difference in self.differences],
        }


def loaded_differences(
    benchmark_id: str,
    base: Sequence[Run],
    candidate: Sequence[Run],
    base_loaded: Mapping[str, LoadedRecord],
    candidate_loaded: Mapping[str, LoadedRecord],
) -> LoadedDifferences:
    """What differs between what the newest session of each side loaded.

    A thing differs if no run of the one side has it as a run of the other has. One that only some runs loaded (the
    first of a session may build an engine) does not differ from one that none did.

    Args:
        benchmark_id: whose file is nearest.
        base, candidate: the runs that were compared.
        base_loaded, candidate_loaded: records by the keys that the runs name.
    """
    before = records_of(_newest(base), base_loaded)
    after = records_of(_newest(candidate), candidate_loaded)
    if not (before and after):
        return LoadedDifferences(unknown=BOTH if not (before or after) else CANDIDATE if before else BASELINE)
    differences = [
        difference
        for section, kind in KINDS.items()
        for difference in sorted(
            _of_section(section, kind, before, after), key=lambda difference: _distance(difference, benchmark_id)
        )
    ]
    with_model = all(record.get(MODEL) or record.get(ENGINE) for record in (*before, *after))
    return LoadedDifferences(tuple(differences), with_model=with_model)


def _newest(runs: Sequence[Run]) -> List[Run]:
    if not runs:
        return []
    session = max(runs, key=recency).session
    return [run for run in runs if run.session == session]


def _of_section(
    section: str, kind: str, before: Sequence[LoadedRecord], after: Sequence[LoadedRecord]
) -> Iterator[LoadedDifference]:
    sides = [[record.get(section, {}) for record in records] for records in (before, after)]
    if section == MODULES:
        sides = _folded_alike(*sides)
    old, new = (_values(entries) for entries in sides)
    always_old, always_new = (frozenset.intersection(*map(frozenset, entries)) for entries in sides)
    old_contents, new_contents = (frozenset().union(*values.values()) for values in (old, new))
    for name in sorted({*old, *new}):
        if name in old and name in new:
            if old[name].isdisjoint(new[name]):
                yield LoadedDifference(kind, name, _one(old[name]), _one(new[name]))
        elif name in always_old and not (section in _BY_CONTENT and old[name] & new_contents):
            yield LoadedDifference(kind, name, _one(old[name]), None)
        elif name in always_new and not (section in _BY_CONTENT and new[name] & old_contents):
            yield LoadedDifference(kind, name, None, _one(new[name]))


def _values(entries: Sequence[Mapping[str, str]]) -> _Values:
    names = {name for record in entries for name in record}
    return {name: frozenset(record[name] for record in entries if name in record) for name in names}


def _one(values: FrozenSet[str]) -> str:
    return min(values)


def _folded_alike(
    before: Sequence[Mapping[str, str]], after: Sequence[Mapping[str, str]]
) -> List[List[Mapping[str, str]]]:
    """The modules with every folder folded that is folded in one of the records.

    A folder whose own folders are folded elsewhere cannot be folded in the same way, and is left out.
    """
    folders = {name for record in (*before, *after) for name in record if name.endswith("/")}
    nested = tuple(
        folder for folder in folders if any(other != folder and other.startswith(folder) for other in folders)
    )
    usable = [folder for folder in folders if not folder.startswith(nested)]

    def alike(record: Mapping[str, str]) -> Mapping[str, str]:
        return folded({name: digest for name, digest in record.items() if not name.startswith(nested)}, usable)

    return [[alike(record) for record in records] for records in (before, after)]


def _distance(difference: LoadedDifference, benchmark_id: str) -> Tuple[int, int, str]:
    """How far from the benchmark's file a source lies, in folders.

    Of all else, what both sides have comes first; then packages that bring libraries, as runtimes do.
    """
    if difference.kind != SOURCE:
        before, after = difference.before, difference.after
        without_libraries = " " not in f"{before or ''}{after or ''}"
        return (before is None or after is None, without_libraries, difference.name)
    folders, others = (path.split("/")[:-1] for path in (benchmark_id.partition("::")[0], difference.name))
    shared = next((at for at, (one, other) in enumerate(zip(folders, others)) if one != other), None)
    steps = len(folders) + len(others) - 2 * (min(len(folders), len(others)) if shared is None else shared)
    return (not benchmark_id.startswith(f"{difference.name}::"), steps, difference.name)

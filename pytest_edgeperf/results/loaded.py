"""What the processes of runs loaded, as a results file keeps it: a record a kind of process, each part of it once.

A record has sections of names and what stands for their content: ``modules`` of the project (path -> digest), ``model``
and ``engine`` (file -> digest), ``packages`` (name -> version, and a digest of the package's libraries that were
mapped) and other shared ``libraries`` (name -> build id or digest). Runs name a record by its key.

Many records differ in their model alone, so the file holds the other sections apart, by their own keys.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Iterable, Mapping, Optional, Set, Tuple

from .errors import InvalidError, ResultsError
from .types import Against, Benchmark, LoadedRecord, Results, Run
from .validation import check_plain, kind_of

SECTIONS = MODULES, MODEL, ENGINE, PACKAGES, LIBRARIES = ("modules", "model", "engine", "packages", "libraries")
#: What records have in common more often than not. A file names it by the key of a section that names these sections.
_APART = (MODULES, PACKAGES, LIBRARIES)
REST = "rest"
#: Digits of a digest: enough to tell two files of one name apart, and short, as files hold many.
DIGITS = 8
#: No process of a benchmark loads more; a larger section is not a record of ours.
MOST_ENTRIES = 5000
LONGEST_ENTRY = 300


def loaded_key(record: Mapping[str, Any]) -> str:
    """The key of a record, or of one of its sections: digits of the SHA-256 of its canonical JSON."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def check_record(record: Any) -> None:
    """Check that a record has sections of names and short texts.

    Raises:
        InvalidError: with the place of what is wrong.
    """
    if not isinstance(record, dict):
        raise InvalidError(f"{kind_of(record)} instead of a record of what was loaded")
    for section, entries in record.items():
        _check_section(entries, section)


def from_stored(records: Any, sections: Any) -> Dict[str, LoadedRecord]:
    """The whole records of a file's ``loaded``, whose parts its ``loaded_sections`` hold.

    Raises:
        InvalidError: with the place of what is wrong.
    """
    for name, value in (("loaded", records), ("loaded_sections", sections)):
        if not isinstance(value, dict):
            raise InvalidError(f"{kind_of(value)} instead of an object", [name])
    for key, entries in sections.items():
        _check_section(entries, "loaded_sections", key)
    whole: Dict[str, LoadedRecord] = {}
    for key, stored in records.items():
        if not isinstance(stored, dict):
            raise InvalidError(f"{kind_of(stored)} instead of a record of what was loaded", ["loaded", key])
        own = dict(stored)
        rest = own.pop(REST, {})
        if isinstance(rest, str):
            rest = _named(rest, sections, "loaded", key, REST)
        _check_section(rest, "loaded", key, REST)
        for section, name in rest.items():
            own.setdefault(section, _named(name, sections, "loaded", key, REST, section))
        for section, entries in own.items():
            if section in SECTIONS:
                _check_section(entries, "loaded", key, section)
            else:
                check_plain(entries, "loaded", key, section)
        whole[key] = own
    return whole


def _named(name: str, sections: Mapping[str, Any], *path: str) -> Any:
    if name not in sections:
        raise InvalidError(f"{name!r} is not among the file's loaded_sections", path)
    return sections[name]


def to_stored(loaded: Mapping[str, LoadedRecord]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """What a file holds of records as ``loaded`` and as ``loaded_sections``."""
    records: Dict[str, Any] = {}
    sections: Dict[str, Any] = {}

    def apart(entries: Mapping[str, str]) -> str:
        key = loaded_key(entries)
        sections[key] = dict(entries)
        return key

    for key, record in loaded.items():
        rest = {section: apart(entries) for section, entries in record.items() if section in _APART}
        records[key] = {section: entries for section, entries in record.items() if section not in _APART}
        if rest:
            records[key][REST] = apart(rest)
    return records, sections


def check_references(benchmarks: Mapping[str, Benchmark], loaded: Mapping[str, Any]) -> None:
    """Check that each record that a run names is there.

    Raises:
        InvalidError: with the run whose record is not.
    """
    for name, benchmark in benchmarks.items():
        for where, runs in (("runs", benchmark.runs), ("anchor", benchmark.anchor)):
            for index, run in enumerate(runs):
                if run.loaded is not None and run.loaded not in loaded:
                    problem = f"{run.loaded!r} is not among the file's records of what was loaded"
                    raise InvalidError(problem, ["benchmarks", name, where, index, "loaded"])


def join_loaded(first: Mapping[str, LoadedRecord], second: Mapping[str, LoadedRecord]) -> Dict[str, LoadedRecord]:
    """The records of both.

    Raises:
        ResultsError: the same key stands for two different records.
    """
    for key, record in second.items():
        if key in first and first[key] != record:
            raise ResultsError(
                f"loaded.{key} differs from one file to the other; restore the edited one from version control"
            )
    return {**first, **second}


def with_used_records(results: Results) -> Dict[str, LoadedRecord]:
    """The records that a run, an anchor run or the other side's run of a pair names."""
    used = _named_by(results.benchmarks.values(), results.against)
    return {key: record for key, record in results.loaded.items() if key in used}


def _named_by(benchmarks: Iterable[Benchmark], against: Optional[Against]) -> Set[Any]:
    used: Set[Any] = {run.loaded for benchmark in benchmarks for run in (*benchmark.runs, *benchmark.anchor)}
    for pairs in against.pairs.values() if against is not None else ():
        bases = (pair.get("base") for pair in pairs)
        used.update(base["loaded"] for base in bases if isinstance(base, dict) and isinstance(base.get("loaded"), str))
    return used


def records_of(runs: Iterable[Run], loaded: Mapping[str, LoadedRecord]) -> Tuple[LoadedRecord, ...]:
    """The distinct records of runs, in the order of their keys; runs without one have none."""
    keys = sorted({run.loaded for run in runs if run.loaded is not None and run.loaded in loaded})
    return tuple(loaded[key] for key in keys)


def folded(modules: Mapping[str, str], folders: Iterable[str]) -> Dict[str, str]:
    """The modules with all below each of these folders (``benchmarks/models/``) as one entry.

    What is folded already stays, so that the entries of a record can be folded like those of another.
    """
    wanted = sorted(folders, key=len, reverse=True)
    kept: Dict[str, str] = {}
    inside: Dict[str, Dict[str, str]] = {}
    for name, digest in modules.items():
        folder = next((folder for folder in wanted if name.startswith(folder) and name != folder), None)
        if folder is None:
            kept[name] = digest
        else:
            inside.setdefault(folder, {})[name] = digest
    kept.update({folder: loaded_key(members) for folder, members in inside.items()})
    return kept


def _check_section(entries: Any, *path: str) -> None:
    if not isinstance(entries, dict):
        raise InvalidError(f"{kind_of(entries)} instead of names with their digests", path)
    if len(entries) > MOST_ENTRIES:
        raise InvalidError(f"{len(entries)} entries; at most {MOST_ENTRIES} are recorded", path)
    for name, value in entries.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidError("not a name with a text", [*path, str(name)])
        if max(len(name), len(value)) > LONGEST_ENTRY:
            raise InvalidError(f"more than {LONGEST_ENTRY} characters", [*path, name[:LONGEST_ENTRY]])

"""The accepted profiles of a device: ``profiles/<device>.json`` beside its baseline, so that this stays readable.

One benchmark a line, of less than 4 KiB. A file that is damaged is an error; one that is absent only explains less.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Collection, Dict, Mapping, Optional, Union

from . import baselines
from .atomic_files import locked, replace_file
from .cost_profiles import CostProfile, compact
from .decoding import RESTORE, decode, file_bytes, insist_on_file
from .errors import InvalidError, ResultsError, phrase
from .validation import is_number, kind_of

FORMAT = "edgeperf-profiles"
VERSION = 1
FOLDER = "profiles"
#: Of one benchmark, with its id.
MOST_BYTES = 4095
#: An id may be long, and something of its profile is kept all the same.
_LEAST_BYTES = 1024


@dataclass(frozen=True)
class AcceptedProfile:
    """A profile, and the session whose runs were accepted with it."""

    profile: CostProfile
    session: str
    commit: Optional[str] = None


@dataclass(frozen=True)
class AcceptedProfiles:
    """The profiles of one device's accepted runs, by benchmark id."""

    device: str
    benchmarks: Mapping[str, AcceptedProfile] = field(default_factory=dict)


def path_for(folder: Union[str, os.PathLike[str]], device: str) -> Path:
    """The path of a device's profiles, for the ``folder`` of its baseline.

    Raises:
        ValueError: the device's name cannot be a file's name.
    """
    return baselines.path_for(Path(folder) / FOLDER, device)


def load(folder: Union[str, os.PathLike[str]], device: str) -> Optional[AcceptedProfiles]:
    """The accepted profiles of a device, for the ``folder`` of its baseline; ``None`` where it has none.

    Raises:
        ResultsError: there are some, but they cannot be used; file, place and remedy.
    """
    path = path_for(folder, device)
    if not os.path.lexists(path):
        return None
    insist_on_file(path)
    profiles = parse(decode(file_bytes(path), str(path)), str(path))
    if profiles.device != device:
        raise ResultsError(f"{path}: these are profiles of {profiles.device}, not of {device}; rename the file")
    return profiles


def parse(obj: Any, source: str) -> AcceptedProfiles:
    """The profiles of what ``json.load`` returns; ``source`` names it in errors.

    Raises:
        ResultsError: it is something else, or of a newer version; file, place and remedy.
    """
    if not isinstance(obj, dict) or obj.get("format") != FORMAT:
        what = "the format is another" if isinstance(obj, dict) else f"this is {kind_of(obj)}"
        raise ResultsError(f'{source}: {what} than "{FORMAT}"; move it away, and refresh the baseline to profile anew')
    version: Any = obj.get("version")
    if is_number(version) and version > VERSION:
        raise ResultsError(f"{source}: version {version} was written by a newer pytest-edgeperf; upgrade to read it")
    try:
        return _construct(obj)
    except InvalidError as error:
        raise ResultsError(f"{source}: {phrase(error)}; {RESTORE}") from None


def to_json(profiles: AcceptedProfiles) -> str:
    """The text of the file: one benchmark a line, sorted, each compacted to :data:`MOST_BYTES`."""
    lines = [_line(name, profiles.benchmarks[name]) for name in sorted(profiles.benchmarks)]
    head = {"device": profiles.device, "format": FORMAT, "version": VERSION}
    top = [f"  {_encoded(name)}: {_encoded(value)}" for name, value in head.items()]
    benchmarks = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
    return "{\n" + ",\n".join([f'  "benchmarks": {benchmarks}', *top]) + "\n}\n"


def update(
    folder: Union[str, os.PathLike[str]],
    device: str,
    new: Mapping[str, AcceptedProfile],
    accepted: Collection[str],
    renamed: Optional[Mapping[str, str]] = None,
) -> Path:
    """Put profiles beside the baseline, in place of those of the same benchmarks.

    Args:
        folder: of the baseline.
        device: its name.
        new: benchmark id -> its profile.
        accepted: the ids that the baseline has; profiles of others are dropped.
        renamed: old id -> new id of benchmarks that the baseline now has under another one.

    Returns:
        The path of the file.

    Raises:
        ResultsError: what is there cannot be read or replaced.
    """
    path = path_for(folder, device)
    with locked(path):
        there = load(folder, device)
        old = there.benchmarks if there is not None else {}
        # At once, as two labels may have changed places.
        moved = {(renamed or {}).get(name, name): profile for name, profile in old.items()}
        both = {**moved, **new}
        kept = AcceptedProfiles(device, {name: profile for name, profile in both.items() if name in accepted})
        replace_file(path, to_json(kept).encode("utf-8"))
    return path


def _construct(obj: Dict[str, Any]) -> AcceptedProfiles:
    if obj.get("version") != VERSION:
        raise InvalidError(f"not version {VERSION}", ["version"])
    device, raw = obj.get("device"), obj.get("benchmarks")
    if not isinstance(device, str) or not device:
        raise InvalidError("not the name of a device", ["device"])
    if not isinstance(raw, dict):
        raise InvalidError(f"{kind_of(raw)} instead of an object", ["benchmarks"])
    benchmarks = {}
    for name, stored in raw.items():
        try:
            benchmarks[name] = _accepted(stored)
        except InvalidError as error:
            raise error.under("benchmarks", name) from None
    return AcceptedProfiles(device, benchmarks)


def _accepted(stored: Any) -> AcceptedProfile:
    profile = CostProfile.from_dict(stored)
    session, commit = stored.get("session"), stored.get("commit")
    if not isinstance(session, str):
        raise InvalidError("not the id of a session", ["session"])
    if commit is not None and not isinstance(commit, str):
        raise InvalidError("not a commit", ["commit"])
    return AcceptedProfile(profile, session, commit)


def _line(name: str, accepted: AcceptedProfile) -> str:
    about: Dict[str, Any] = {"session": accepted.session}
    if accepted.commit is not None:
        about["commit"] = accepted.commit
    frame = f"    {_encoded(name)}: {_encoded(about)},"
    room = max(MOST_BYTES - len(frame.encode("utf-8")), _LEAST_BYTES)
    return f"    {_encoded(name)}: {_encoded({**compact(accepted.profile, room).to_dict(), **about})}"


def _encoded(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape, has no UTF-8
        return json.dumps(value, sort_keys=True, allow_nan=False)
    return text

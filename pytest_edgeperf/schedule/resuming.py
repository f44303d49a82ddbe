"""Whether this session resumes an unfinished one, and which facts must agree for that."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any, Container, Dict, List, Mapping, Optional, Tuple

import pytest

from pytest_edgeperf.caches import cache_folder, why_passed_over
from pytest_edgeperf.schedule.code import code_of, modules_of, packages_of, python_of
from pytest_edgeperf.schedule.journal import Journal, JournalError, Past, Search, prune, search
from pytest_edgeperf.schedule.record import RunRecord
from pytest_edgeperf.settings import Settings, SettingsError

RESUME = "--edgeperf-resume"
_LONGEST_VALUE = 60
_CODE_FIELDS = {
    "code": "the project's source files",
    "packages": "the installed packages",
    "edgeperf": "the version of pytest-edgeperf",
    "pytest": "the version of pytest",
    "python": "the Python",
}


@dataclass
class Resumption:
    """The session's journal, and the unfinished session that it resumes, if any."""

    session: str
    journal: Journal
    past: Optional[Past] = None
    notes: List[str] = field(default_factory=list)

    def rest(self, selected: Container[str]) -> Tuple[Tuple[str, RunRecord], ...]:
        """The unfinished session's runs of benchmarks that are not selected now."""
        return () if self.past is None else tuple(run for run in self.past.runs if run[0] not in selected)


def header_of(
    config: pytest.Config, settings: Settings, device: str, commit: Optional[str], against: Optional[str]
) -> Dict[str, Any]:
    """The facts that a session must share with the one that it resumes."""
    rootdir = Path(config.rootpath)
    return {
        "rootdir": str(rootdir),
        "device": device,
        "commit": commit,
        "code": code_of(rootdir, [config.inipath] if config.inipath is not None else []),
        "modules": modules_of(rootdir, dict(sys.modules)),
        "packages": packages_of(sys.path),
        "python": python_of(),
        "pytest": pytest.__version__,
        "edgeperf": _own_version(),
        "baseline": settings.baseline,
        "against": against,
        "budget_s": settings.budget_s,
        "visits": settings.visits,
        "turn_s": settings.turn_s,
        "builds": settings.builds,
        "threads": settings.threads,
        "cpus": settings.cpus,
    }


def begin(header: Mapping[str, Any], *, resume: bool) -> Resumption:
    """Open the session's journal: a new one, or with ``resume`` that of an unfinished session that agrees.

    Raises:
        SettingsError: there is no folder for journals, or this one cannot be written.
    """
    try:
        folder = cache_folder("journals")
        prune(folder)
        searched = search(folder, header) if resume else Search()
        past = searched.past
        if past is not None:
            return Resumption(past.header["session"], Journal.resumed(past), past, [_went_on(past), *searched.unusable])
        session = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        journal = Journal(folder / f"{session}.jsonl", {"session": session, **header})
    except (OSError, JournalError) as error:
        raise SettingsError(f"the journal of this session cannot be written: {error}") from error
    notes = []
    if resume:
        notes = [_nothing_found(searched, header), *searched.unusable]
    passed_over = why_passed_over()
    if passed_over is not None:
        notes.append(f"journals and caches are kept in {folder.parent}: {passed_over}")
    return Resumption(session, journal, None, notes)


def _went_on(past: Past) -> str:
    damaged = f"; {past.damaged} damaged lines of its journal were skipped" if past.damaged else ""
    return f"resumed session {past.header['session']}: {len(past.runs)} runs were already measured{damaged}"


def _nothing_found(searched: Search, header: Mapping[str, Any]) -> str:
    text = "no unfinished session with this checkout, commit and settings exists: measured from the start"
    if searched.nearest is None:
        return text
    path, theirs, fields = searched.nearest
    changed = ", ".join(_changed(name, theirs, header) for name in fields)
    return f"{text}; session {theirs['session']} differs in {changed}, and its runs are kept in {path}"


def _changed(name: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    if name.startswith("modules."):
        return f"the sources of {name.partition('.')[2]}"
    if name in _CODE_FIELDS:
        return _CODE_FIELDS[name]
    before, now = (str(header.get(name))[:_LONGEST_VALUE] for header in (theirs, ours))
    return f"{name} ({before}, now {now})"


def _own_version() -> Optional[str]:
    try:
        return metadata.version("pytest-edgeperf")
    except metadata.PackageNotFoundError:
        return None

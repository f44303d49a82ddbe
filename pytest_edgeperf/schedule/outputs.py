"""The files that a session writes: its results, where requested or in the cache, and a refreshed baseline."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf import results
from pytest_edgeperf.caches import cache_folder
from pytest_edgeperf.results import Intent, Refresh, Results, ResultsError, profile_files
from pytest_edgeperf.results.profile_files import AcceptedProfile
from pytest_edgeperf.schedule.earlier_files import EarlierFiles
from pytest_edgeperf.schedule.plan import Plan
from pytest_edgeperf.schedule.unexpected import UnexpectedErrors
from pytest_edgeperf.settings import REFRESH, Settings, SettingsError

#: Results of this many past sessions are kept in the cache folder.
KEPT_RESULTS = 20

MEASURED_NO_RUN = "it measured nothing: pytest-benchmark is disabled, or the test did not call its fixture"
NEVER_MEASURED = "the session was stopped before it was measured"


@dataclass
class Outputs:
    """Checks the paths before measuring, and writes the files after it."""

    settings: Settings
    #: Where the paths of results files begin.
    folder: Path
    baseline_path: Path
    #: The baseline as it was when the session began.
    seen: Optional[Results]
    #: Benchmark id -> parameters of all that were collected, also of those that were not selected.
    collected: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: (what, path) of what was written.
    written: List[Tuple[str, str]] = field(default_factory=list)
    #: Benchmark id -> ``created``, ``updated`` or ``kept``.
    refreshed: Dict[str, str] = field(default_factory=dict)
    #: Benchmark id -> why a refresh did not accept it.
    refused: Dict[str, str] = field(default_factory=dict)
    #: Those of the refused whose tests fail by it.
    failing: Dict[str, str] = field(default_factory=dict)
    _earlier: EarlierFiles = field(default_factory=lambda: EarlierFiles("results"))

    @property
    def paths(self) -> List[Path]:
        """The paths of ``--edgeperf-results``."""
        return [self.folder / name for name in self.settings.results]

    def check(self) -> None:
        """Check that the files can be written and replace nothing that must be kept.

        Raises:
            ResultsError: a path cannot be written, or holds something other than results.
            SettingsError: the results would replace the baseline.
        """
        for path in self.paths:
            if os.path.realpath(path) == os.path.realpath(self.baseline_path):
                raise SettingsError(
                    f"--edgeperf-results={path}: this is the baseline, and its accepted runs would be replaced; "
                    "give another file, or accept this session's runs with --baseline=refresh"
                )
            results.check_writable(path)
            _check_replaceable(path)
        if self.settings.baseline == REFRESH:
            results.check_writable(self.baseline_path)

    def set_aside(self) -> None:
        """Rename the results of earlier sessions.

        Raises:
            ResultsError: one cannot be renamed.
        """
        self._earlier.set_aside(self.paths)

    def list_previous(self) -> None:
        """List the results of earlier sessions that remain renamed among the files."""
        self.written.extend(self._earlier.remaining())

    def write_where_asked(self, measured: Results, errors: UnexpectedErrors) -> None:
        """Write the results to each requested path that is writable; nothing without a run."""
        for path in self.paths if measured.benchmarks else ():
            with errors.survive("writing the results"):
                results.write(path, measured)
                self.written.append(("results", str(path)))
                self._earlier.replaced(path)

    def write(self, measured: Results, session: str, errors: UnexpectedErrors) -> None:
        """Write the results to the requested paths, or to the cache if there is none."""
        self.write_where_asked(measured, errors)
        if not self.written and measured.benchmarks:
            with errors.survive("writing the results to the cache"):
                path = cache_folder("results") / f"{session}.json"
                results.write(path, measured)
                self.written.append(("results", str(path)))
                _drop_oldest(path, KEPT_RESULTS)
        self.list_previous()

    def write_again(self, measured: Results) -> None:
        """Replace the results files that were written by what is known now.

        Raises:
            ResultsError: one cannot be written; it stays as it was.
        """
        for kind, path in self.written:
            if kind == "results":
                results.write(Path(path), measured)

    def refresh(self, measured: Results, plans: Sequence[Plan], stopped: bool) -> List[str]:
        """Accept the runs into the baseline; sentences on benchmarks with fewer runs than planned.

        Raises:
            ResultsError: the baseline cannot be read or written.
        """
        broken = {plan.id for plan in plans if plan.broken}
        whole = {id: benchmark for id, benchmark in measured.benchmarks.items() if id not in broken}
        self.refused.update(_never_accepted(plans, stopped))
        notes = []
        if not whole:
            notes.append("no benchmark was measured completely, so the baseline is unchanged")
        else:
            planned = {plan.id: plan.rounds for plan in plans}
            assert self.settings.reason is not None
            outcome = results.accept(
                self.baseline_path.parent,
                replace(measured, benchmarks=whole),
                self.settings.reason,
                intent=Intent(self.seen, planned, stopped, self.collected),
            )
            self._take(outcome)
            if not stopped:
                self.failing.update(dict.fromkeys(outcome.overtaken, results.OVERTAKEN))
            notes += _thin({plan.id: plan.good_runs for plan in plans}, planned, outcome.accepted)
        if not stopped and not {"created", "updated"}.intersection(self.refreshed.values()):
            self.failing.update(self.refused)
        return notes

    def keep_profiles(self, new: Mapping[str, AcceptedProfile], renamed: Mapping[str, str]) -> None:
        """Put profiles of accepted runs beside the baseline; ``renamed``: old id -> the one that it has now.

        Raises:
            ResultsError: the file cannot be read or written.
        """
        folder, device = self.baseline_path.parent, self.baseline_path.stem
        baseline = results.load(folder, device)
        accepted = baseline.benchmarks if baseline is not None else {}
        path = profile_files.update(folder, device, new, accepted, renamed)
        self.written.append(("profiles", str(path)))

    def remedy(self, journal: Path) -> str:
        """How to accept the measured runs once the baseline can be written."""
        text = f"once this is fixed, --edgeperf-resume accepts the runs in {journal} without measuring them again"
        stored = next((path for what, path in self.written if what == "results"), None)
        if stored is not None:
            folder = shlex.quote(str(self.baseline_path.parent))
            text += f"; so does edgeperf baseline accept {shlex.quote(stored)} --dir {folder} --reason TEXT"
        return text

    def _take(self, outcome: Refresh) -> None:
        if outcome.accepted:
            self.written.append(("baseline", str(self.baseline_path)))
        for word, ids in (("created", outcome.created), ("updated", outcome.updated), ("kept", outcome.kept)):
            self.refreshed.update(dict.fromkeys(ids, word))
        self.refused.update(outcome.refused)


def measured_no_run(plan: Plan) -> bool:
    """Whether a test of pytest-benchmark passed without a measurement; one of ours would have failed."""
    return plan.adopted and plan.last is not None and plan.last.passed_without_run


def _never_accepted(plans: Sequence[Plan], stopped: bool) -> Dict[str, str]:
    """Why benchmarks without a run are not accepted; those that failed or were skipped say so themselves."""
    refused = {}
    for plan in plans:
        if measured_no_run(plan):
            refused[plan.id] = MEASURED_NO_RUN
        elif stopped and not plan.runs and not plan.ended:
            refused[plan.id] = NEVER_MEASURED
    return refused


def _thin(good: Mapping[str, int], planned: Mapping[str, int], accepted: Sequence[str]) -> List[str]:
    return [
        f"{id} was accepted with {good[id]} of {planned[id]} planned runs, because the others were disturbed"
        for id in accepted
        if good[id] < planned[id]
    ]


def _check_replaceable(path: Path) -> None:
    """Insist that a file which would be replaced can be results: a slip of the keys may name any file."""
    with suppress(FileNotFoundError):
        with path.open("rb") as file:
            begin = file.read(64).lstrip()
        if begin and not begin.startswith((b"{", b"\xef\xbb\xbf{")):
            raise ResultsError(f"{path}: this file is not a results file and would be replaced; choose another path")


def _drop_oldest(own: Path, kept: int) -> None:
    """Remove the surplus of past sessions' files, by name; never this one's, whatever the clock says."""
    others = sorted(path for path in own.parent.glob("*.json") if path != own)
    for old in others[: max(0, len(others) - (kept - 1))]:
        with suppress(OSError):
            old.unlink()

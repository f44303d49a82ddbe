"""A device's accepted runs: where they are, how a session's runs replace them, and how the file is changed.

Every change of a baseline goes through :func:`update`, which reads the file again under a lock: what was accepted or
anchored while something else was measured stays.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple, TypeVar, Union

from .atomic_files import locked
from .benchmark_matching import canonical_id, without_match
from .decoding import insist_on_file
from .errors import ResultsError
from .merging import with_benchmarks
from .published import refuse_published
from .reading import read
from .refreshing import Intent, Refresh, refresh
from .types import Results, Run
from .writing import write

_Outcome = TypeVar("_Outcome")


def path_for(folder: Union[str, os.PathLike[str]], device: str) -> Path:
    """The path of a device's baseline.

    Raises:
        ValueError: the device's name cannot be a file's name.
    """
    if not device or device.startswith(".") or any(sign in device for sign in "/\\\0"):
        raise ValueError(f"{device!r} is not a valid name of a baseline file")
    return Path(folder) / f"{device}.json"


def load(folder: Union[str, os.PathLike[str]], device: str) -> Optional[Results]:
    """A device's baseline, or None where it has none.

    Raises:
        ResultsError: there is a baseline but it cannot be used, or it holds figures that others published.
    """
    path = path_for(folder, device)
    if not os.path.lexists(path):
        return None
    insist_on_file(path)
    results = read(path)
    if results.device != device:
        raise ResultsError(f"{path}: this is a baseline of {results.device}, not of {device}; rename the file")
    refuse_published(results, str(path))
    return results


def devices(folder: Union[str, os.PathLike[str]]) -> List[str]:
    """The devices that have a baseline in the folder."""
    return sorted(path.stem for path in Path(folder).glob("*.json") if not path.name.startswith("."))


def existing(folder: Union[str, os.PathLike[str]], device: str) -> Results:
    """A device's baseline, which must be there.

    Raises:
        ResultsError: there is none, or it cannot be used.
    """
    try:
        return _insist(load(folder, device), folder, device)
    except ValueError as error:
        raise ResultsError(f"{error}; use the name of a device") from None


def update(
    folder: Union[str, os.PathLike[str]],
    device: str,
    change: Callable[[Optional[Results]], Tuple[Optional[Results], _Outcome]],
) -> _Outcome:
    """Change a device's baseline under a lock, so that no other process changes it in between.

    Args:
        folder: of the baselines.
        device: its name.
        change: gets the baseline as it is now (``None``: there is none) and returns what it is to be (``None`` or the
            same: it stays as it is), with what this function is to return.

    Raises:
        ResultsError: the baseline cannot be used or written, or somebody else holds its lock for too long.
        ValueError: the device's name cannot be a file's name.
    """
    path = path_for(folder, device)
    with locked(path):
        now = load(folder, device)
        new, outcome = change(now)
        if new is not None and new != now:
            write(path, new)
    return outcome


def update_existing(
    folder: Union[str, os.PathLike[str]], device: str, change: Callable[[Results], Results]
) -> Tuple[Results, Results]:
    """Change a baseline that must be there; the baseline before and after.

    Raises:
        ResultsError: there is none, or as :func:`update` does.
    """

    def of_existing(now: Optional[Results]) -> Tuple[Results, Tuple[Results, Results]]:
        before = _insist(now, folder, device)
        after = change(before)
        return after, (before, after)

    existing(folder, device)
    return update(folder, device, of_existing)


def accept(
    folder: Union[str, os.PathLike[str]],
    measured: Results,
    reason: str,
    *,
    add: bool = False,
    intent: Optional[Intent] = None,
) -> Refresh:
    """Refresh the baseline of the runs' device in ``folder``; see :func:`refresh`.

    Raises:
        ValueError: the reason is empty, or the device's name cannot be a file's name.
        ResultsError: as :func:`refresh` and :func:`update` do.
    """

    def change(now: Optional[Results]) -> Tuple[Optional[Results], Refresh]:
        outcome = refresh(now, measured, reason, add=add, intent=intent)
        return (outcome.results if outcome.accepted else None), outcome

    return update(folder, measured.device, change)


def matching(results: Results, parts: Sequence[str]) -> List[str]:
    """The ids of the benchmarks that contain one of ``parts``; all ids without any.

    Raises:
        ResultsError: a part is in no id.
    """
    wanted = [canonical_id(part) for part in parts]
    ids = {name: canonical_id(name) for name in results.benchmarks}
    for part in wanted:
        if not any(part in benchmark_id for benchmark_id in ids.values()):
            raise ResultsError(
                f"no benchmark of {results.device}'s baseline has {part!r} in its id; edgeperf baseline show lists them"
            )
    return [name for name, benchmark_id in ids.items() if not wanted or any(part in benchmark_id for part in wanted)]


def set_anchor(results: Results, names: Iterable[str], reason: Optional[str] = None) -> Results:
    """Make the runs of these benchmarks their anchor, with ``reason`` in place of the runs' own."""
    benchmarks = dict(results.benchmarks)
    for name in names:
        runs = benchmarks[name].runs
        anchor = tuple(run if reason is None else replace(run, reason=reason) for run in runs)
        benchmarks[name] = replace(benchmarks[name], anchor=anchor)
    return with_benchmarks(results, benchmarks)


def sessions(runs: Iterable[Run]) -> List[str]:
    """The sessions of the runs, by the start of their latest run, the newest first."""
    latest: Dict[str, str] = {}
    for run in runs:
        latest[run.session] = max(run.started, latest.get(run.session, ""))
    return sorted(latest, key=lambda session: (latest[session], session), reverse=True)


def keep_sessions(results: Results, count: int) -> Results:
    """Drop the runs of all but each benchmark's newest ``count`` sessions; anchors stay.

    Raises:
        ValueError: ``count`` would leave no run.
    """
    if count < 1:
        raise ValueError(f"at least one session must be kept, not {count}")
    benchmarks = {}
    for name, benchmark in results.benchmarks.items():
        kept = sessions(benchmark.runs)[:count]
        benchmarks[name] = replace(benchmark, runs=tuple(run for run in benchmark.runs if run.session in kept))
    return with_benchmarks(results, benchmarks)


def drop_missing(results: Results, measured: Results) -> Results:
    """Drop the benchmarks that ``measured`` does not contain, with their anchors.

    Raises:
        ResultsError: ``measured`` is of another device, or nothing would be left.
    """
    if measured.device != results.device:
        raise ResultsError(
            f"results of {measured.device} cannot show what is missing from the baseline of {results.device}"
        )
    here = {name: benchmark.parameters for name, benchmark in measured.benchmarks.items()}
    missing = set(without_match({name: benchmark.parameters for name, benchmark in results.benchmarks.items()}, here))
    kept = {name: benchmark for name, benchmark in results.benchmarks.items() if name not in missing}
    if results.benchmarks and not kept:
        raise ResultsError(
            f"the results contain none of the benchmarks in the baseline of {results.device}; "
            "give those of a session that measured them"
        )
    return with_benchmarks(results, kept)


def _insist(results: Optional[Results], folder: Union[str, os.PathLike[str]], device: str) -> Results:
    if results is None:
        path = path_for(folder, device)
        raise ResultsError(f"{path}: there is no baseline of {device}; make one with --baseline=refresh")
    return results

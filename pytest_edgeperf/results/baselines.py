"""A device's accepted runs: where they are, and how a session's runs replace them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from .decoding import insist_on_file
from .errors import InvalidError, ResultsError, phrase
from .gate import GATE
from .identity import align, canonical_id, differing, without_match
from .merging import Environments, adopt, join_environments, join_metrics, used_environments
from .published import refuse_published
from .reading import ANCHOR, construct_runs, read
from .studies import STUDIES
from .types import Benchmark, Results, Run
from .writing import run_to_object


@dataclass(frozen=True)
class Refresh:
    """What a refresh makes of a baseline: the ids by what happened to them, and why some were refused.

    ``kept`` are benchmarks of the old baseline that were not measured; a refused benchmark also keeps
    its old runs. ``dropped`` counts the disturbed runs that were left out, by id.
    """

    results: Results
    created: Tuple[str, ...]
    updated: Tuple[str, ...]
    kept: Tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)


def path_for(folder: Union[str, os.PathLike[str]], device: str) -> Path:
    """The path of a device's baseline.

    Raises:
        ValueError: the device's name cannot be a file's name.
    """
    if not device or device.startswith(".") or any(sign in device for sign in "/\\\0"):
        raise ValueError(f"{device!r} cannot name a baseline file")
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
        raise ResultsError(f"{path}: this is a baseline of {results.device} and not of {device}; rename the file")
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
        results = load(folder, device)
    except ValueError as error:
        raise ResultsError(f"{error}; give the name of a device") from None
    if results is None:
        raise ResultsError(
            f"{path_for(folder, device)}: there is no baseline of {device}; make one with --baseline=refresh"
        )
    return results


def anchor_runs(benchmark: Benchmark, environments: Environments) -> Tuple[Run, ...]:
    """The runs that no refresh changes, from ``benchmark.extra["anchor"]``.

    Raises:
        ResultsError: the list holds something else than runs in known environments.
    """
    try:
        return tuple(construct_runs(benchmark.extra.get(ANCHOR, []), benchmark.metrics, environments))
    except InvalidError as error:
        raise ResultsError(f"{phrase(error.under(ANCHOR))}; set the anchor anew") from None


def refresh(old: Optional[Results], measured: Results, reason: str, *, add: bool = False) -> Refresh:
    """Replace the baseline's runs of those benchmarks that were measured, and of no others.

    ``add`` keeps the old runs beside the new ones, for a second session. Disturbed runs are left out;
    a benchmark of which nothing else is left is refused. Unknown fields, and each benchmark's anchor,
    stay; studies are those of both; environments that nothing uses any more go. A benchmark is found by its function
    and its parameters' values, and takes the id that it was measured under; runs of other parameters under the same
    id are replaced with their anchor.

    Raises:
        ValueError: the reason is empty.
        ResultsError: the two are of different devices or contradict each other in an environment, or figures
            that others published are among the measured runs.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("a refresh needs a reason: what changed, for those who read the history")
    refuse_published(measured, f"the runs of {measured.device}")
    if old is None:
        old = Results(measured.device, extra={key: one for key, one in measured.extra.items() if key != GATE})
    if old.device != measured.device:
        raise ResultsError(
            f"runs of {measured.device} cannot refresh the baseline of {old.device}; choose the device's own"
        )
    old = align(old, {name: one.parameters for name, one in measured.benchmarks.items()})
    environments = join_environments(old.environments, measured.environments)
    benchmarks = dict(old.benchmarks)
    created: List[str] = []
    updated: List[str] = []
    refused: Dict[str, str] = {}
    dropped: Dict[str, int] = {}
    for name, benchmark in measured.benchmarks.items():
        good = tuple(replace(run, reason=reason) for run in benchmark.runs if not run.disturbed)
        if len(good) < len(benchmark.runs):
            dropped[name] = len(benchmark.runs) - len(good)
        if not good:
            refused[name] = (
                f"all {len(benchmark.runs)} runs were disturbed: measure it again when the machine is quiet"
                if benchmark.runs
                else "it has no runs: measure it again"
            )
            continue
        known = old.benchmarks.get(name)
        changed = differing(known.parameters, benchmark.parameters) if known is not None else {}
        if changed and add:
            named = ", ".join(f"{one} was {was!r} and is {now!r}" for one, (was, now) in changed.items())
            refused[name] = f"other parameters ({named}): replace its runs instead of adding to them"
            continue
        if known is None or changed:
            (created if known is None else updated).append(name)
            extra = {key: value for key, value in benchmark.extra.items() if key != ANCHOR}
            benchmarks[name] = replace(benchmark, runs=good, extra=extra)
            continue
        try:
            benchmarks[name] = _renew(known, replace(benchmark, runs=good), environments, add)
        except InvalidError as error:
            remedy = "replace its runs instead of adding to them" if add else "set its anchor anew first"
            refused[name] = f"{phrase(error)}: {remedy}"
            continue
        updated.append(name)
    extra = dict(old.extra)
    if STUDIES in measured.extra:
        extra[STUDIES] = {**extra.get(STUDIES, {}), **measured.extra[STUDIES]}
    return Refresh(
        _with_benchmarks(Results(old.device, environments, {}, extra), benchmarks),
        tuple(sorted(created)),
        tuple(sorted(updated)),
        tuple(sorted(name for name in old.benchmarks if name not in measured.benchmarks)),
        refused,
        dropped,
    )


def matching(results: Results, parts: Sequence[str]) -> List[str]:
    """The ids of the benchmarks that contain one of ``parts``; all ids without any.

    Raises:
        ResultsError: a part is in no id.
    """
    wanted = [canonical_id(part) for part in parts]
    ids = {name: canonical_id(name) for name in results.benchmarks}
    for part in wanted:
        if not any(part in one for one in ids.values()):
            raise ResultsError(
                f"no benchmark of {results.device}'s baseline has {part!r} in its id; edgeperf baseline show lists them"
            )
    return [name for name, one in ids.items() if not wanted or any(part in one for part in wanted)]


def set_anchor(results: Results, names: Iterable[str], reason: Optional[str] = None) -> Results:
    """Make the runs of these benchmarks their anchor, with ``reason`` in place of the runs' own."""
    benchmarks = dict(results.benchmarks)
    for name in names:
        runs = benchmarks[name].runs
        anchor = [run_to_object(run if reason is None else replace(run, reason=reason)) for run in runs]
        benchmarks[name] = replace(benchmarks[name], extra={**benchmarks[name].extra, ANCHOR: anchor})
    return _with_benchmarks(results, benchmarks)


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
    return _with_benchmarks(results, benchmarks)


def drop_missing(results: Results, measured: Results) -> Results:
    """Drop the benchmarks that ``measured`` does not contain, with their anchors.

    Raises:
        ResultsError: ``measured`` is of another device, or nothing would be left.
    """
    if measured.device != results.device:
        raise ResultsError(
            f"results of {measured.device} do not tell what is missing from the baseline of {results.device}"
        )
    here = {name: one.parameters for name, one in measured.benchmarks.items()}
    missing = set(without_match({name: one.parameters for name, one in results.benchmarks.items()}, here))
    kept = {name: one for name, one in results.benchmarks.items() if name not in missing}
    if results.benchmarks and not kept:
        raise ResultsError(
            f"the results contain none of the benchmarks in the baseline of {results.device}; "
            "give those of a session that measured them"
        )
    return _with_benchmarks(results, kept)


def _with_benchmarks(results: Results, benchmarks: Mapping[str, Benchmark]) -> Results:
    used = used_environments(benchmarks.values())
    environments = {key: one for key, one in results.environments.items() if key in used}
    return replace(results, environments=environments, benchmarks=benchmarks)


def _renew(old: Benchmark, new: Benchmark, environments: Environments, add: bool) -> Benchmark:
    extra = {key: value for key, value in new.extra.items() if key != ANCHOR}
    # What an anchor's runs carry stays declared, or it would be lost as an unknown field.
    carried = {name for run in old.extra.get(ANCHOR, []) for name in run}
    still_used = {name: metric for name, metric in old.metrics.items() if add or name in carried}
    metrics = join_metrics(still_used, new.metrics)
    for name in metrics:
        if name in old.metrics and name in new.metrics:
            metrics[name] = replace(new.metrics[name], extra={**old.metrics[name].extra, **new.metrics[name].extra})
    runs: Tuple[Run, ...] = new.runs
    if add:
        known = {_identity(run) for run in old.runs}
        runs = (*old.runs, *(run for run in new.runs if _identity(run) not in known))
    renewed = Benchmark(new.parameters, metrics, tuple(adopt(runs, metrics, environments)), {**old.extra, **extra})
    try:
        construct_runs(renewed.extra.get(ANCHOR, []), metrics, environments)
    except InvalidError as error:
        raise error.under(ANCHOR) from None
    return renewed


def _identity(run: Run) -> Tuple[str, str, str]:
    # A run that is accepted twice has another reason by then, and its values were rounded.
    return run.environment, run.session, run.started

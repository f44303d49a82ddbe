"""What a refresh makes of a baseline: which runs it accepts, and which it must not replace."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .benchmark_matching import align, differing
from .disturbance_words import causes_text
from .errors import InvalidError, ResultsError, phrase
from .loaded import join_loaded
from .merging import Environments, adopt, join_environments, join_metrics, with_benchmarks
from .published import refuse_published
from .types import Benchmark, Results, Run

#: With fewer runs, a baseline's own scatter hides most slowdowns.
FEWEST_RUNS = 5
#: Why runs are not accepted where somebody else accepted others meanwhile.
OVERTAKEN = (
    "another process changed its accepted runs during the measurement, and those were kept; inspect them with "
    "`edgeperf baseline show`, and accept this session's results with `edgeperf baseline accept` if you prefer them"
)


@dataclass(frozen=True)
class Intent:
    """What a session meant to accept: what keeps a refresh from replacing accepted runs by less.

    Attributes:
        seen: the baseline as it was when the session began; ``None``: there was none.
        planned: benchmark id -> undisturbed runs that were planned.
        stopped: the session ended before it had measured what was planned.
        collected: benchmark id -> parameters of all that were collected, also of those that were not selected, so
            that accepted runs stand under the ids of now.
    """

    seen: Optional[Results]
    planned: Mapping[str, int]
    stopped: bool = False
    collected: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Refresh:
    """What a refresh makes of a baseline: the ids by what happened to them, and why some were refused.

    ``kept`` are benchmarks of the old baseline that were not measured; a refused benchmark also keeps
    its old runs. ``dropped`` counts the disturbed runs that were left out, by id. ``overtaken`` are those of the
    refused whose accepted runs somebody else replaced while they were measured.
    """

    results: Results
    created: Tuple[str, ...]
    updated: Tuple[str, ...]
    kept: Tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    overtaken: Tuple[str, ...] = ()

    @property
    def accepted(self) -> Tuple[str, ...]:
        """The ids whose runs are in the baseline by it."""
        return (*self.created, *self.updated)


def refresh(
    old: Optional[Results], measured: Results, reason: str, *, add: bool = False, intent: Optional[Intent] = None
) -> Refresh:
    """Replace the baseline's runs of those benchmarks that were measured, and of no others.

    ``add`` keeps the old runs beside the new ones, for a second session. Disturbed runs are left out;
    a benchmark of which nothing else is left is refused, and so is one that ``intent`` forbids to replace. Unknown
    fields, and each benchmark's anchor, stay; studies are those of both; environments that nothing uses any more go.
    A benchmark is found by its function and its parameters' values, and takes the id that it was measured under; runs
    of other parameters under the same id are replaced with their anchor.

    Raises:
        ValueError: the reason is empty.
        ResultsError: the two are of different devices or contradict each other in an environment, or figures
            that others published are among the measured runs.
    """
    reason = reason.strip()
    if not reason:
        raise ValueError("a refresh needs a reason that says what changed")
    refuse_published(measured, f"the runs of {measured.device}")
    if old is None:
        old = replace(measured, environments={}, benchmarks={}, gate=None, explanations={}, loaded={})
    if old.device != measured.device:
        raise ResultsError(
            f"runs of {measured.device} cannot refresh the baseline of {old.device}; use the device's own baseline"
        )
    parameters = dict(intent.collected) if intent is not None else {}
    parameters.update((name, benchmark.parameters) for name, benchmark in measured.benchmarks.items())
    old = align(old, parameters)
    seen = align(intent.seen, parameters) if intent is not None and intent.seen is not None else None
    environments = join_environments(old.environments, measured.environments)
    loaded = join_loaded(old.loaded, measured.loaded)
    benchmarks = dict(old.benchmarks)
    created: List[str] = []
    updated: List[str] = []
    refused: Dict[str, str] = {}
    dropped: Dict[str, int] = {}
    overtaken: List[str] = []
    for name, benchmark in measured.benchmarks.items():
        known = old.benchmarks.get(name)
        good = tuple(replace(run, reason=reason) for run in benchmark.runs if not run.disturbed)
        if len(good) < len(benchmark.runs):
            dropped[name] = len(benchmark.runs) - len(good)
        if not good:
            refused[name] = _all_disturbed(benchmark.runs) if benchmark.runs else "it has no runs; measure it again"
            continue
        if intent is not None and not add:
            if known is not None and _changed_since(seen, name, known):
                overtaken.append(name)
                refused[name] = OVERTAKEN
                continue
            shortage = _shortage(known, len(good), intent.planned.get(name, 0), intent.stopped)
            if shortage is not None:
                refused[name] = shortage
                continue
        changed = differing(known.parameters, benchmark.parameters) if known is not None else {}
        if changed and add:
            named = ", ".join(f"{parameter} was {was!r} and is {now!r}" for parameter, (was, now) in changed.items())
            refused[name] = f"other parameters ({named}): replace its runs instead of adding to them"
            continue
        if known is None or changed:
            (created if known is None else updated).append(name)
            benchmarks[name] = replace(benchmark, runs=good, anchor=())
            continue
        try:
            benchmarks[name] = _renew(known, replace(benchmark, runs=good), environments, add)
        except InvalidError as error:
            remedy = "replace its runs instead of adding to them" if add else "set its anchor again first"
            refused[name] = f"{phrase(error)}: {remedy}"
            continue
        updated.append(name)
    studies = {**old.studies, **measured.studies}
    return Refresh(
        with_benchmarks(replace(old, environments=environments, studies=studies, loaded=loaded), benchmarks),
        tuple(sorted(created)),
        tuple(sorted(updated)),
        tuple(sorted(name for name in old.benchmarks if name not in measured.benchmarks)),
        refused,
        dropped,
        tuple(sorted(overtaken)),
    )


def _changed_since(seen: Optional[Results], name: str, now: Benchmark) -> bool:
    before = seen.benchmarks.get(name) if seen is not None else None
    return before is None or before.runs != now.runs


def _shortage(known: Optional[Benchmark], good: int, planned: int, stopped: bool) -> Optional[str]:
    """Why so few runs are not accepted; ``None``: they are enough.

    A session that was stopped replaces nothing by less than it had planned. One that was not may accept fewer where
    the others were disturbed, but not so few that a baseline of more would be better.
    """
    if good >= planned:
        return None
    had = sum(not run.disturbed for run in known.runs) if known is not None else 0
    kept = f", so its {had} accepted runs stay" if had else ""
    if stopped:
        return f"the session was stopped after {good} of {planned} planned runs{kept}"
    if good < min(planned, had, FEWEST_RUNS):
        return f"only {good} of {planned} planned runs were undisturbed{kept}: measure it again on a quiet machine"
    return None


def _all_disturbed(runs: Sequence[Run]) -> str:
    causes = causes_text([(run.quality or {}).get("disturbed_by") or () for run in runs])
    by = f" ({causes})" if causes else ""
    every = f"all {len(runs)} runs were" if len(runs) > 1 else "its only run was"
    return f"{every} disturbed{by}: measure it again on a quiet machine"


def _renew(old: Benchmark, new: Benchmark, environments: Environments, add: bool) -> Benchmark:
    # What an anchor's runs carry stays declared, or it would be lost as an unknown field.
    carried = {name for run in old.anchor for name in (*run.values, *run.extra)}
    still_used = {name: metric for name, metric in old.metrics.items() if add or name in carried}
    metrics = join_metrics(still_used, new.metrics)
    for name in metrics:
        if name in old.metrics and name in new.metrics:
            metrics[name] = old.metrics[name].renewed_by(new.metrics[name])
    runs: Tuple[Run, ...] = new.runs
    if add:
        known = {_identity(run) for run in old.runs}
        runs = (*old.runs, *(run for run in new.runs if _identity(run) not in known))
    adopted = adopt(runs, metrics, environments)
    try:
        anchor = adopt(old.anchor, metrics, environments)
    except InvalidError as error:
        raise error.under("anchor") from None
    return Benchmark(
        new.parameters,
        metrics,
        tuple(adopted),
        {**old.extra, **new.extra},
        new.place or old.place,
        tuple(anchor),
    )


def _identity(run: Run) -> Tuple[str, str, str]:
    # A run that is accepted twice has another reason by then, and its values were rounded.
    return run.environment, run.session, run.started

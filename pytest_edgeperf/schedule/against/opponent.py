"""What this checkout is measured against: another commit, another Python, or a Python that a command starts."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Callable, ContextManager, Iterator, List, Optional, Sequence, Tuple

import pytest

from pytest_edgeperf import results
from pytest_edgeperf.measure.protocol import Specification
from pytest_edgeperf.measure.side import Side
from pytest_edgeperf.results import Results
from pytest_edgeperf.results.benchmark_matching import align
from pytest_edgeperf.schedule.against.command import folder_of, through
from pytest_edgeperf.schedule.against.git import Revision, WorktreeError, accepted_commit, resolve
from pytest_edgeperf.schedule.against.interpreters import ADOPTED_NEEDS, WORKER_NEEDS, probe
from pytest_edgeperf.schedule.against.side_specification import existing_targets, side_specification, two_sides
from pytest_edgeperf.schedule.against.worktrees import Worktree, remove_stale, run_setup
from pytest_edgeperf.schedule.collection import parameters_of
from pytest_edgeperf.schedule.selection import is_benchmark
from pytest_edgeperf.schedule.worker.starting import DirectStart, Starter
from pytest_edgeperf.settings import AGAINST, Settings, SettingsError

#: As of :meth:`pytest_edgeperf.schedule.state.Progress.busy`.
Busy = Callable[[str, str, float], None]

BASE = "base"
CANDIDATE = "candidate"

#: ``--against baseline``: the commit whose runs the baseline holds.
ACCEPTED = "baseline"
SETUP_SECONDS = 3600.0
SUBMODULES = (
    "{} has submodules, which are not checked out in its worktree; if a benchmark needs them, add "
    "--against-setup 'git submodule update --init'"
)


@dataclass(frozen=True)
class Opponent:
    """The other side of a lock-step comparison, and how a worker's side is specified."""

    #: For a person: ``origin/main (1a2b3c4d5e6f)``.
    label: str
    base: Side
    candidate: Side
    commit: Optional[str] = None
    #: Of the base's workers; ``None``: they are started as the candidate's are.
    starter: Optional[Starter] = None
    notes: Tuple[str, ...] = ()

    def specification(self, specification: Specification, name: str) -> Specification:
        """The specification of an ordinary worker, adapted to ``base`` or ``candidate``."""
        if name == CANDIDATE or self.starter is None:
            return side_specification(specification, self.candidate if name == CANDIDATE else self.base)
        adapted = side_specification(specification, self.base, own_python=True)
        if self.starter.command is None:
            return adapted
        return replace(adapted, working_folder=folder_of(self.base))

    def collection(self, specification: Specification) -> Optional[Specification]:
        """The specification of a base worker that collects the selection; ``None`` if the base lacks all of it."""
        collection = self.specification(specification, BASE)
        there = existing_targets(collection)
        return replace(collection, targets=there) if there else None


def opponent_of(
    settings: Settings,
    rootdir: Path,
    device: str,
    items: Sequence[pytest.Item],
    busy: Optional[Busy] = None,
) -> ContextManager[Optional[Opponent]]:
    """The other side while ``items`` are measured; ``None`` if the settings do not request a comparison.

    ``busy`` is told of the preparations that may take minutes; see :func:`meet`.
    """
    if settings.baseline != AGAINST:
        return nullcontext()
    baseline = results.load(rootdir / settings.baseline_dir, device) if settings.against == ACCEPTED else None
    if baseline is not None:
        baseline = align(baseline, {item.nodeid: parameters_of(item) for item in items})
    adopted = not all(map(is_benchmark, items))
    return meet(settings, rootdir, baseline, [item.nodeid for item in items], adopted=adopted, busy=busy)


@contextmanager
def meet(
    settings: Settings,
    rootdir: Path,
    baseline: Optional[Results],
    ids: Sequence[str],
    *,
    adopted: bool,
    busy: Optional[Busy] = None,
) -> Iterator[Opponent]:
    """Create the other side's worktree, and remove it at the end.

    Args:
        settings: what was asked for.
        rootdir: pytest's; the checkout is the git repository around it.
        baseline: the device's baseline, for ``--against baseline``.
        ids: the benchmarks to be measured.
        adopted: whether some of them are pytest-benchmark's.
        busy: called now and then with an empty id, what is prepared, and for how many seconds.

    Raises:
        SettingsError: the interpreter cannot run a worker, or the commit is not available; the message has the remedy.
    """
    label: List[str] = []
    notes: List[str] = []
    revision: Optional[Revision] = None
    starter: Optional[Starter] = None
    has_metadata = True
    if settings.against_python is not None and settings.against_command is None:
        starter, version = _usable(settings.against_python, adopted)
        label.append(f"Python {version} at {settings.against_python}")
    with ExitStack() as stack:
        try:
            tree = None
            if settings.against is not None:
                ref = _accepted(baseline, ids, notes) if settings.against == ACCEPTED else settings.against
                revision = resolve(rootdir, ref)
                remove_stale(revision.root)
                waiting = _waiting(busy, f"checking out {settings.against}")
                worktree = stack.enter_context(Worktree(revision, waiting=waiting))
                tree = worktree.tree
                if worktree.has_submodules and settings.against_setup is None:
                    notes.append(SUBMODULES.format(settings.against))
                label.insert(0, f"{settings.against} ({revision.commit[:12]})")
                if settings.against_setup is not None:
                    waiting = _waiting(busy, f"preparing {settings.against}: {settings.against_setup}")
                    run_setup(settings.against_setup, revision.root, tree, SETUP_SECONDS, waiting)
        except WorktreeError as error:
            raise SettingsError(f"--against={settings.against}: {error}") from error
        checkout = revision.root if revision is not None else rootdir
        if settings.against_command is not None:
            base, _ = two_sides(checkout, tree)
            started = through(settings, base, adopted=adopted)
            starter, has_metadata = started.starter, started.has_metadata
            label.append(started.label)
            notes.extend(started.notes)
        base, candidate = two_sides(checkout, tree, other_python=starter is not None, has_metadata=has_metadata)
        yield Opponent(
            label=" with ".join(label),
            base=base,
            candidate=candidate,
            commit=revision.commit[:12] if revision is not None else None,
            starter=starter,
            notes=tuple(notes),
        )


def _waiting(busy: Optional[Busy], what: str) -> Optional[Callable[[float], None]]:
    return None if busy is None else partial(busy, "", what)


def _usable(path: str, adopted: bool) -> Tuple[Starter, str]:
    interpreter = probe(path, ADOPTED_NEEDS if adopted else WORKER_NEEDS)
    if interpreter.problem is not None or interpreter.version is None:
        raise SettingsError(interpreter.problem or f"--against-python {path} did not say its version")
    return DirectStart(path), interpreter.version


def _accepted(baseline: Optional[Results], ids: Sequence[str], notes: List[str]) -> str:
    if baseline is None:
        raise WorktreeError("there is no baseline yet; name a commit, or accept one with --baseline=refresh")
    runs = [run for id in ids if id in baseline.benchmarks for run in baseline.benchmarks[id].runs]
    commit, others = accepted_commit([(run.started, run.commit) for run in runs])
    if others:
        notes.append(f"the baseline was accepted at several commits; {commit} is the newest of them")
    return commit

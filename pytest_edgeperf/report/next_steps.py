"""Which command to type next: at most three, in the order of their use, and none where nothing is to do."""

from __future__ import annotations

import re
from collections import Counter
from functools import singledispatch
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import (
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    Comparison,
    Rename,
)
from pytest_edgeperf.report.figures import deciding_metric
from pytest_edgeperf.report.invocation import Invocation, program, shown_path
from pytest_edgeperf.report.machine_evidence import why_the_machine
from pytest_edgeperf.report.sentences import rebuilt_text
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.summary_text import judged
from pytest_edgeperf.results.benchmark_matching import file_of, function_of
from pytest_edgeperf.results.refreshing import FEWEST_RUNS, OVERTAKEN
from pytest_edgeperf.results.types import Results, Run
from pytest_edgeperf.settings import AGAINST, CHECK, PAIRS, REFRESH, Settings

MOST_STEPS = 3
#: More tests are not named one by one.
MOST_IDS = 3
#: More rounds than these take too long to be worth a try.
MOST_ROUNDS = 60
#: Stands for what only the user knows.
WHY = "WHY"

RESUME = "resume"
CHECK_MACHINE = "check the machine"
LOOK_CLOSER = "look closer"
EXPLAIN = "explain"
MEASURE_AGAIN = "measure again"
RENAME = "rename"
FIRST_BASELINE = "first baseline"
ACCEPT = "accept"
PRUNE = "prune"
NEW_ANCHOR = "new anchor"
COMPARE_ANYWAY = "compare anyway"
SEE_CHANGE = "see what changed"

#: Two commits as runs record them; the second may have changes that are not committed.
_COMMITS = re.compile(r"([0-9a-f]{7,40}) ([0-9a-f]{7,40})(-dirty)?")

#: A purpose, and the command for it if there is one.
_Candidate = Tuple[str, Optional[str]]
_Options = Sequence[Tuple[str, Optional[str]]]


class NextStep(NamedTuple):
    """What a command is for, in a word or two, and the command itself, which a shell takes as it stands."""

    purpose: str
    command: str


@singledispatch
def next_steps(report: object) -> List[NextStep]:
    """The next commands after a session (:class:`SessionReport`) or a comparison of files (:class:`Comparison`).

    Args:
        report: with its invocation, or its files; without, no command can be named.
    """
    raise TypeError(f"there are no next steps after {type(report).__name__}")


@next_steps.register
def _(report: SessionReport) -> List[NextStep]:
    invocation = report.invocation
    if invocation is None:
        return []
    if report.resumable:
        return _steps((RESUME, invocation.session([("resume", None)], keep_files=True)))
    if report.interrupted:
        return []
    if report.mode == REFRESH:
        return _after_refresh(report, invocation)
    if report.mode == CHECK:
        return _after_check(report, invocation)
    return _after_duet(report, invocation) if report.mode == AGAINST else []


@next_steps.register
def _(report: Comparison) -> List[NextStep]:
    files = report.files
    if files is None or files.baseline_folder is None:
        # Nothing is accepted into a file that is no device's baseline.
        return []
    device = files.candidate_results.device
    invocation = Invocation(edgeperf=program("edgeperf"), baseline_dir=files.baseline_folder)
    worth_accepting = any(_with(report, word) for word in (REGRESSED, NEW, INCOMPARABLE))
    accept = ("baseline", "accept", files.candidate, "--reason", WHY)
    missing = _with(report, MISSING)
    prune = ("baseline", "prune", device, "--missing-from", files.candidate, "--dry-run")
    # What the candidate did not select or could not measure is missing, too: it is listed before anything is dropped,
    # and where something else is wrong it probably was not to go.
    worse = _with(report, REGRESSED) or _with(report, INCONCLUSIVE) or report.renames
    prunes = 0 < len(missing) < len(files.base_results.benchmarks) and not worse
    return _steps(
        *_renames(report.renames, device, invocation),
        (ACCEPT, invocation.command(*accept) if worth_accepting and _is_a_baseline(files.candidate_results) else None),
        (PRUNE, invocation.command(*prune) if prunes else None),
    )


def _is_a_baseline(results: Results) -> bool:
    """Whether its runs may replace a baseline's: fewer would hide slowdowns from all later checks."""
    good = [sum(not run.disturbed for run in benchmark.runs) for benchmark in results.benchmarks.values()]
    return min(filter(None, good), default=0) >= FEWEST_RUNS


def _after_check(report: SessionReport, invocation: Invocation) -> List[NextStep]:
    comparison = judged(report)
    regressed, unclear = _with(comparison, REGRESSED), _with(comparison, INCONCLUSIVE)
    renamed = {rename.new for rename in comparison.renames}
    new = [name for name in _with(comparison, NEW) if name not in renamed]
    lines = [name for line in comparison.regressed_lines for name in line.benchmarks]
    worse = list(dict.fromkeys([*regressed, *(name for name in lines if name in report.measured.benchmarks)]))
    suspected = bool(why_the_machine(comparison, report.measured)) or _out_of_memory(report)
    steps: List[_Candidate] = [
        (CHECK_MACHINE, _doctor(report, invocation) if suspected else None),
        (LOOK_CLOSER, _closer(report, comparison, [*regressed, *unclear], invocation)),
        (EXPLAIN, _explained(report, regressed, invocation)),
        *_renames(comparison.renames, report.device, invocation),
        (COMPARE_ANYWAY, None if worse else _with_differences(report, comparison, invocation)),
    ]
    if new and len(new) == len(comparison.benchmarks):
        steps.append((FIRST_BASELINE, _refresh(report, invocation, None, FIRST_BASELINE)))
    else:
        # First what is worse: a refresh of all the others could be the whole session's, and accept that unseen.
        steps.append((ACCEPT, _refresh(report, invocation, worse or [*_with(comparison, INCOMPARABLE), *new], WHY)))
    steps.append((PRUNE, _prune(report, comparison, invocation)))
    if report.crept and len(report.crept) <= MOST_IDS and not worse:
        anchor = invocation.command("baseline", "anchor", report.device, *report.crept, "--reason", WHY)
        steps.append((NEW_ANCHOR, anchor))
    return _steps(*steps)


def _after_refresh(report: SessionReport, invocation: Invocation) -> List[NextStep]:
    overtaken = [name for name, reason in report.refused.items() if reason == OVERTAKEN]
    others = [name for name in report.refused if name not in overtaken]
    results = _results_of(report)
    steps: List[_Candidate] = []
    if overtaken:
        steps.append((LOOK_CLOSER, invocation.command("baseline", "show", report.device)))
        if results is not None and not others:
            steps.append((ACCEPT, invocation.command("baseline", "accept", results, "--reason", WHY)))
    if others:
        disturbed = any(run.disturbed for name in others for run in _runs_of(report, name))
        steps.append((CHECK_MACHINE, _doctor(report, invocation) if disturbed else None))
        steps.append((MEASURE_AGAIN, _narrowed(report, invocation, others) or invocation.session()))
    steps.append((PRUNE, _prune(report, judged(report), invocation)))
    return _steps(*steps)


def _after_duet(report: SessionReport, invocation: Invocation) -> List[NextStep]:
    comparison = judged(report)
    regressed, unclear = _with(comparison, REGRESSED), _with(comparison, INCONCLUSIVE)
    rebuilt = [name for name in regressed if rebuilt_text(comparison.benchmarks[name])]
    closer = None
    if rebuilt:
        closer = _narrowed(report, invocation, rebuilt, [("builds", "4")], without=("rounds", "max_rounds"))
        closer = closer or invocation.session([("builds", "4")], without=("rounds", "max_rounds"))
    elif unclear:
        closer = _more_rounds(report, comparison, unclear, invocation, least=PAIRS)
    suspected = bool(why_the_machine(comparison, report.measured)) or _out_of_memory(report)
    return _steps(
        (CHECK_MACHINE, _doctor(report, invocation) if suspected else None),
        (LOOK_CLOSER, closer),
        (EXPLAIN, _explained(report, regressed, invocation)),
        (SEE_CHANGE, _difference(comparison, regressed)),
    )


def _difference(comparison: Comparison, regressed: Sequence[str]) -> Optional[str]:
    """What shows the code that is slower, where all that regressed lies between the same two commits."""
    pairs = {tuple(side.commit or "" for side in comparison.benchmarks[name].sides or ()) for name in regressed}
    if len(pairs) != 1:
        return None
    commits = _COMMITS.fullmatch(" ".join(pairs.pop()))
    if commits is None:
        return None
    base, candidate, changed = commits.groups()
    if changed:
        return f"git diff {base}"
    return f"git diff {base} {candidate}" if base != candidate else None


def _closer(
    report: SessionReport, comparison: Comparison, names: Sequence[str], invocation: Invocation
) -> Optional[str]:
    """Both commits in lock-step, else more rounds."""
    if not names:
        return None
    if report.against_baseline:
        dropped = ("baseline", "reason", "rounds", "max_rounds")
        lock_step: _Options = [("against", "baseline")]
        command = _narrowed(report, invocation, names, lock_step, without=dropped)
        return command or invocation.session(lock_step, without=dropped)
    unclear = [name for name in names if comparison.benchmarks[name].verdict == INCONCLUSIVE]
    return _more_rounds(report, comparison, unclear, invocation) or (invocation.noise() if unclear else None)


def _explained(report: SessionReport, names: Sequence[str], invocation: Invocation) -> Optional[str]:
    """Profile what regressed, where the session was not to."""
    if report.explains or not names:
        return None
    profiled: _Options = [("explain", Settings.explain)]
    return _narrowed(report, invocation, names, profiled) or invocation.session(profiled)


def _with_differences(report: SessionReport, comparison: Comparison, invocation: Invocation) -> Optional[str]:
    """Compare although the environment differs, where few fields of it do."""
    names = _with(comparison, INCOMPARABLE)
    fields = dict.fromkeys(field for name in names for field in comparison.benchmarks[name].differences)
    if not 0 < len(fields) <= MOST_IDS or any(field.startswith("parameters.") or "," in field for field in fields):
        return None
    allowed: _Options = [("allowed_differences", ",".join([*report.measured.allowed_differences, *fields]))]
    return _narrowed(report, invocation, names, allowed) or invocation.session(allowed)


def _more_rounds(
    report: SessionReport, comparison: Comparison, names: Sequence[str], invocation: Invocation, least: int = 1
) -> Optional[str]:
    """The rounds that should decide the undecided benchmarks which so many can decide."""
    needed: Dict[str, int] = {}
    for name in names:
        metric = deciding_metric(comparison.benchmarks[name])
        runs = comparison.benchmarks[name].metrics[metric].runs_needed if metric is not None else None
        if runs is not None and runs <= MOST_ROUNDS:
            needed[name] = runs
    if not needed:
        return None
    rounds: _Options = [("rounds", str(max(least, *needed.values())))]
    command = _narrowed(report, invocation, list(needed), rounds, without=("max_rounds",))
    return command or invocation.session(rounds, without=("max_rounds",))


def _refresh(
    report: SessionReport, invocation: Invocation, names: Optional[Sequence[str]], reason: str
) -> Optional[str]:
    """Accept new runs of these benchmarks (``None``: of all), or of all where they are too many to be named."""
    if names is not None and not names:
        return None
    added: _Options = [("baseline", REFRESH), ("reason", reason)]
    # A refresh makes more rounds than a check; those that were typed are about the check.
    without = ("rounds", "max_rounds", "inconclusive", "unbaselined")
    narrowed = _narrowed(report, invocation, names, added, without=without) if names is not None else None
    return narrowed or invocation.session(added, without=without)


def _narrowed(
    report: SessionReport,
    invocation: Invocation,
    names: Sequence[str],
    added: _Options = (),
    *,
    without: Sequence[str] = (),
) -> Optional[str]:
    """The session's command for these benchmarks alone; ``None`` where they are too many to be named."""
    others = {*report.measured.benchmarks, *report.faults}
    targets = _targets(names, others)
    if targets is None:
        return invocation.session(added, without=without)
    return invocation.session(added, without=without, ids=targets) if len(targets) <= MOST_IDS else None


def _targets(names: Sequence[str], everything: Iterable[str]) -> Optional[List[str]]:
    """The fewest node ids that collect these benchmarks and no others; ``None``: they are all there are."""
    wanted = set(names)
    everything = {*everything, *wanted}
    if wanted == everything:
        return None
    short = list(names)
    for part_of in (function_of, file_of):
        whole = Counter(map(part_of, everything))
        chosen = Counter(map(part_of, wanted))
        short = [part_of(name) if chosen[part_of(name)] == whole[part_of(name)] > 1 else name for name in short]
    return list(dict.fromkeys(short))


def _renames(renames: Sequence[Rename], device: str, invocation: Invocation) -> List[_Candidate]:
    pairs = dict.fromkeys((function_of(rename.old), function_of(rename.new)) for rename in renames)
    return [(RENAME, invocation.command("baseline", "rename", old, new, "--device", device)) for old, new in pairs]


def _prune(report: SessionReport, comparison: Comparison, invocation: Invocation) -> Optional[str]:
    """Drop what no longer exists, where the session's results show all that still does."""
    results = _results_of(report)
    gone = [name for name in _with(comparison, MISSING) if comparison.benchmarks[name].reason == GONE]
    if comparison.renames and report.mode != REFRESH:
        return None
    if not gone or results is None or not report.prunable:
        return None
    return invocation.command("baseline", "prune", report.device, "--missing-from", results)


def _doctor(report: SessionReport, invocation: Invocation) -> Optional[str]:
    device = ("--device", report.device) if invocation.device is not None else ()
    return invocation.command("doctor", *device, folder=False)


def _out_of_memory(report: SessionReport) -> bool:
    return any("memory" in reason for reason in report.faults.values())


def _results_of(report: SessionReport) -> Optional[str]:
    return next((shown_path(path) for what, path in report.written if what == "results"), None)


def _runs_of(report: SessionReport, name: str) -> Sequence[Run]:
    benchmark = report.measured.benchmarks.get(name)
    return () if benchmark is None else benchmark.runs


def _with(comparison: Comparison, word: str) -> List[str]:
    return [name for name, verdict in comparison.benchmarks.items() if verdict.verdict == word]


def _steps(*candidates: _Candidate) -> List[NextStep]:
    steps = [NextStep(purpose, command) for purpose, command in candidates if command is not None]
    return list(dict.fromkeys(steps))[:MOST_STEPS]

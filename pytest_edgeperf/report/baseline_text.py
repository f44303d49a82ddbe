"""A baseline for people: what is in it, and what a command changed in it."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import Comparison
from pytest_edgeperf.report.creep import Creep, creep, creep_lines
from pytest_edgeperf.report.figures import LATENCY, MEMORY, figure, seconds, usable_runs
from pytest_edgeperf.report.numbers import NOTHING, change, count, decimal_column, time_unit
from pytest_edgeperf.report.sections import Names, accepted_worse, refreshed
from pytest_edgeperf.report.sentences import differences_text
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, enumerate_names, middle_ellipsis, printable, wrap
from pytest_edgeperf.report.tree_layout import benchmark_table
from pytest_edgeperf.results.baselines import sessions
from pytest_edgeperf.results.benchmark_matching import two_spellings
from pytest_edgeperf.results.refreshing import FEWEST_RUNS, Refresh
from pytest_edgeperf.results.types import Benchmark, Results, Run

#: Of the benchmarks that were accepted together.
_NAMES_SHOWN = 3
#: In cells.
_LONGEST_REASON = 300

_Environment = Mapping[str, Mapping[str, Any]]


def baseline_text(results: Results, paper: Paper) -> str:
    """A baseline's benchmarks with their anchors, when and why they were accepted, environments, warnings.

    Raises:
        ResultsError: an anchor is not a list of runs.
    """
    names = Names(list(results.benchmarks), paper)
    heading = f"baseline of {results.device}: {count(len(results.benchmarks), 'benchmark')}"
    blocks = [[paper.paint(paper.clean(heading), "strong")]]
    if results.benchmarks:
        blocks.append(_table(results, paper))
        blocks.append(_acceptances(results, names, paper))
        blocks.append(_environments(results, paper))
        blocks.append(_warnings(results, names, paper))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def accepted_text(outcome: Refresh, comparison: Optional[Comparison], crept: Mapping[str, Creep], paper: Paper) -> str:
    """What was accepted into a baseline, what was not and why, and what got worse by it, also since the anchor."""
    names = Names([*outcome.created, *outcome.updated, *outcome.kept, *outcome.refused], paper)
    words = {"created": outcome.created, "updated": outcome.updated, "kept": outcome.kept}
    done = {benchmark_id: word for word, ids in words.items() for benchmark_id in ids}
    accepted = {*outcome.created, *outcome.updated}
    lines = []
    if comparison is not None:
        judged = {name: verdict for name, verdict in comparison.benchmarks.items() if name in accepted}
        lines += accepted_worse(Comparison(judged), names, paper)
    lines += creep_lines(
        {name: creep for name, creep in crept.items() if name in accepted}, names, paper, everything=True
    )
    lines += refreshed(done, names, paper, everything=True)
    for benchmark_id, dropped in outcome.dropped.items():
        if benchmark_id in accepted:
            lines += _wrapped(f"{names[benchmark_id]}: {count(dropped, 'disturbed run')} excluded", paper)
    for benchmark_id, why in outcome.refused.items():
        lines += _wrapped(f"{names[benchmark_id]} was not accepted: {why}", paper, "warning")
    return "\n".join(lines) or "the results contain no benchmark; nothing was accepted"


def anchored_text(old: Results, new: Results, ids: Iterable[str], paper: Paper) -> str:
    """What became the anchor of each benchmark, and what it replaced."""
    names = Names(list(new.benchmarks), paper)
    lines: List[str] = []
    for benchmark_id in ids:
        before = old.benchmarks[benchmark_id]
        known = before.anchor
        text = f"{names[benchmark_id]}: {_runs_of(before.runs)} are its anchor"
        if known:
            text += f" in place of {_runs_of(known)}"
            ratio = creep(before, old.environments)
            text += "" if ratio is None else f" (latency {change(ratio)} since then)"
        lines += _wrapped(text, paper)
    return "\n".join(lines) or "the baseline contains no benchmark; nothing was anchored"


def pruned_text(old: Results, new: Results, paper: Paper, *, dry_run: bool) -> str:
    """What a prune dropped, or would drop."""
    names = Names(list(old.benchmarks), paper)
    verb = "would drop" if dry_run else "dropped"
    lines: List[str] = []
    for benchmark_id, before in old.benchmarks.items():
        after = new.benchmarks.get(benchmark_id)
        if after is None:
            lines += _wrapped(f"{verb} {names[benchmark_id]} with {count(len(before.runs), 'run')}", paper)
        elif len(after.runs) < len(before.runs):
            gone = f"{len(before.runs) - len(after.runs)} of {count(len(before.runs), 'run')}"
            kept = count(len(sessions(after.runs)), "session")
            lines += _wrapped(f"{verb} {gone} of {names[benchmark_id]}, {kept} kept", paper)
    return "\n".join(lines) or "nothing to drop"


def renamed_text(results: Results, names: Mapping[str, str], paper: Paper, *, dry_run: bool) -> str:
    """What a rename did, or would do, in one device's baseline."""
    verb = "would rename" if dry_run else "renamed"
    lines: List[str] = []
    for old, new in names.items():
        runs = count(len(results.benchmarks[old].runs), "run")
        lines += _wrapped(f"{results.device}: {verb} {old} to {new} with {runs}", paper)
    return "\n".join(lines)


def _table(results: Results, paper: Paper) -> List[str]:
    benchmarks = list(results.benchmarks.values())
    latencies = [seconds(benchmark, LATENCY) for benchmark in benchmarks]
    unit, size = time_unit([value for value in latencies if value is not None])
    memory_units = sorted({benchmark.metrics[MEMORY].unit for benchmark in benchmarks if MEMORY in benchmark.metrics})
    columns = [
        Column("runs", [str(len(benchmark.runs)) for benchmark in benchmarks], spare=1),
        Column("sessions", [str(len(sessions(benchmark.runs))) for benchmark in benchmarks], spare=3),
        Column("newest", [_date(benchmark.runs) for benchmark in benchmarks], right=False, spare=2),
        Column(f"median {unit}", decimal_column([None if value is None else value / size for value in latencies])),
        Column(
            f"peak {'/'.join(memory_units)}".rstrip(),
            decimal_column([figure(benchmark, MEMORY) for benchmark in benchmarks]),
            spare=4,
        ),
        Column("vs anchor", [_anchor(benchmark, results) for benchmark in benchmarks], spare=1),
    ]
    return benchmark_table([(name, "") for name in results.benchmarks], columns, paper, results.benchmarks)


def _anchor(benchmark: Benchmark, results: Results) -> str:
    ratio = creep(benchmark, results.environments)
    if ratio is not None:
        return change(ratio)
    return "set" if benchmark.anchor else NOTHING


def _acceptances(results: Results, names: Names, paper: Paper) -> List[str]:
    """Why the stored runs were accepted: a line per session, commit and reason, the newest first; anchors below."""
    stored = {name: benchmark.runs for name, benchmark in results.benchmarks.items()}
    anchored = {}
    for name, benchmark in results.benchmarks.items():
        known = {(run.session, run.started, run.reason) for run in benchmark.runs}
        anchored[name] = [run for run in benchmark.anchor if (run.session, run.started, run.reason) not in known]
    lines = []
    for what, runs_of in (("", stored), ("anchor, ", anchored)):
        for runs, by_benchmark in _accepted_together(runs_of):
            of_commit = f", commit {runs[0].commit}" if runs[0].commit else ""
            numbers = sorted(by_benchmark.values())
            each = f"{numbers[0]} to {numbers[-1]} runs" if numbers[0] < numbers[-1] else count(numbers[0], "run")
            which = (
                f"{_which(list(by_benchmark), results, names, most=_NAMES_SHOWN)}, {each}{' each' * (len(numbers) > 1)}"
            )
            reason = paper.clean(runs[0].reason or "no reason recorded")
            reason = middle_ellipsis(reason, _LONGEST_REASON, paper.ellipsis)
            lines += _wrapped(f"{what}{_date(runs)}{of_commit}: {reason} ({which})", paper)
    return lines


def _accepted_together(runs_of: Mapping[str, Sequence[Run]]) -> List[Tuple[List[Run], Dict[str, int]]]:
    """The runs of one session that have one commit and reason, and how many of each benchmark; the newest first."""
    groups: Dict[Tuple[str, str, str], List[Run]] = {}
    numbers: Dict[Tuple[str, str, str], Dict[str, int]] = {}
    for benchmark_id, runs in runs_of.items():
        for run in runs:
            key = (run.session, run.commit or "", run.reason or "")
            groups.setdefault(key, []).append(run)
            counted = numbers.setdefault(key, {})
            counted[benchmark_id] = counted.get(benchmark_id, 0) + 1
    newest_first = sorted(groups, key=lambda key: (max(run.started for run in groups[key]), key), reverse=True)
    return [(groups[key], numbers[key]) for key in newest_first]


def _environments(results: Results, paper: Paper) -> List[str]:
    runs = [run for benchmark in results.benchmarks.values() for run in benchmark.runs]
    keys = [run.environment for run in runs]
    first: Optional[_Environment] = None
    lines: List[str] = []
    for key in sorted(set(keys), key=lambda key: (-keys.count(key), key)):
        environment = results.environments.get(key, {})
        text = f"environment {key} ({count(keys.count(key), 'run')})"
        if first is not None:
            known, new = _flat(first), _flat(environment)
            fields = sorted(name for name in {**known, **new} if known.get(name) != new.get(name))
            differences = {name: (known.get(name), new.get(name)) for name in fields}
            lines += _wrapped(f"{text} differs: {differences_text(differences)}", paper)
            continue
        first = environment
        lines += _wrapped(text + ":", paper)
        for section, values in environment.items():
            shown = [f"{name} {_word(value)}" for name, value in sorted(values.items()) if _is_short(value)]
            if shown:
                lines += wrap(paper.clean(f"{section}: {', '.join(shown)}"), paper.width, indent="  ", hanging="    ")
    return lines


def _warnings(results: Results, names: Names, paper: Paper) -> List[str]:
    few = [name for name, benchmark in results.benchmarks.items() if len(usable_runs(benchmark)) < FEWEST_RUNS]
    single = [name for name, benchmark in results.benchmarks.items() if len(sessions(benchmark.runs)) < 2]
    lines: List[str] = []
    for alike in two_spellings(results.benchmarks):
        text = (
            f"{names[alike[0]]} is there {len(alike)} times, with the same letters encoded differently; one of them "
            "is compared: restore the file from version control, or delete the others from it"
        )
        lines += _wrapped(text, paper, "warning")
    if few:
        text = (
            f"with fewer than {FEWEST_RUNS} runs, most slowdowns go undetected: refresh {_which(few, results, names)}"
        )
        lines += _wrapped(text, paper, "warning")
    if single:
        text = (
            f"runs of a single session ({_which(single, results, names)}) do not show how days differ: record a "
            "second session on another day, with --baseline=off --edgeperf-results FILE and then edgeperf baseline "
            "accept FILE --add"
        )
        lines += _wrapped(text, paper, "warning")
    return lines


def _which(ids: Sequence[str], results: Results, names: Names, *, most: Optional[int] = None) -> str:
    if len(ids) == len(results.benchmarks):
        return "all benchmarks" if len(ids) > 1 else "the only benchmark"
    more = len(ids) - most if most is not None else 0
    return enumerate_names([*(names[benchmark_id] for benchmark_id in ids[:most]), *[f"{more} more"] * (more > 0)])


def _wrapped(text: str, paper: Paper, style: Optional[str] = None) -> List[str]:
    return [paper.paint(line, style) for line in wrap(paper.clean(text), paper.width, hanging="  ")]


def _runs_of(runs: Sequence[Run]) -> str:
    return f"{count(len(runs), 'run')} of {_date(runs)}"


def _date(runs: Sequence[Run]) -> str:
    return printable(max((run.started for run in runs), default=NOTHING)[:10])


def _flat(environment: _Environment) -> Dict[str, Any]:
    return {name: value for values in environment.values() for name, value in values.items()}


def _is_short(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

"""The noise of a machine for people: a table, the false alarms, and what would help."""

from __future__ import annotations

import math
from typing import List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.noise.analysis import BenchmarkNoise, Noise, SummaryNoise
from pytest_edgeperf.judge.noise.remedies import BASELINE_RUNS, BUDGET, CLOCKS, MAX_ROUNDS, Remedy
from pytest_edgeperf.report.figures import LATENCY, metric_label
from pytest_edgeperf.report.numbers import NOTHING, count, decimal_column, percent, share
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.table_layout import Column
from pytest_edgeperf.report.text import Paper, enumerate_names, wrap
from pytest_edgeperf.report.tree_layout import benchmark_table

_ACTIONS = {
    MAX_ROUNDS: "more rounds for suspicious benchmarks, --edgeperf-max-rounds={value}",
    BASELINE_RUNS: "a baseline of {value} rounds, refreshed with --edgeperf-rounds={value}",
    BUDGET: "{value} times the --edgeperf-budget, for baseline and checks",
}


def noise_text(noise: Noise, paper: Paper) -> str:
    """The whole report of ``edgeperf noise``; no line is wider than the paper."""
    names = Names([*noise.benchmarks, *noise.builds, *noise.not_analysed], paper)
    stages = enumerate_names(str(runs) for runs in noise.gate.stages)
    heading = (
        f"noise on {noise.device}, for a check with {stages} runs against a baseline of {noise.baseline_runs}; "
        f"tolerance {share(noise.gate.tolerance)}"
    )
    blocks = [[paper.paint(line, "strong") for line in _wrapped(heading, paper)]]
    if noise.benchmarks:
        blocks += [_table(noise.benchmarks, paper), _legend(noise, paper)]
    blocks.append(_builds(noise, names, paper))
    blocks.append(_not_analysed(noise, names, paper))
    if noise.benchmarks or not noise.builds:
        blocks.append(_false_alarms(noise, paper))
    blocks.append(_remedies(noise, names, paper))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _table(benchmarks: Mapping[str, BenchmarkNoise], paper: Paper) -> List[str]:
    rows: List[Tuple[str, str]] = []
    runs: List[str] = []
    best: List[Optional[SummaryNoise]] = []
    for benchmark_id, noise in benchmarks.items():
        metrics = sorted(noise.metrics, key=lambda name: name != LATENCY)
        labels = ["" if metric == LATENCY else paper.clean(metric_label(metric)) for metric in metrics]
        if labels[0]:
            # Metrics stand below their benchmark, which has no latency.
            rows.append((benchmark_id, ""))
            best.append(None)
        rows += [(benchmark_id, label) for label in labels]
        best += [noise.best(metric) for metric in metrics]
        runs += [str(noise.runs), *[""] * (len(rows) - len(runs) - 1)]
    over = "detectable in"
    spreads = iter(decimal_column([100 * summary.spread for summary in best if summary is not None]))
    columns = [
        Column("runs", runs, spare=1),
        Column("spread %", ["" if summary is None else next(spreads) for summary in best]),
        Column("by", ["" if summary is None else summary.summary for summary in best], right=False, spare=2),
        Column("80 %", _changes(best, 0), over=over),
        Column("95 %", _changes(best, 1), over=over),
    ]
    return benchmark_table(rows, columns, paper)


def _changes(summaries: Sequence[Optional[SummaryNoise]], power: int) -> List[str]:
    changes = [None if summary is None else summary.detectable[power] for summary in summaries]
    texts = [NOTHING if change is None else f"{percent(change)} %" for change in changes]
    return ["" if summary is None else text for summary, text in zip(summaries, texts)]


def _legend(noise: Noise, paper: Paper) -> List[str]:
    fewest = min(benchmark.runs for benchmark in noise.benchmarks.values())
    known_to = 1 / math.sqrt(2 * fewest - 2)
    text = (
        "Spread is the standard deviation between runs of the same code. Detectable is the smallest slowdown of all "
        "calls that a check detects in 80 % and in 95 % of cases, by the summary that shows it best; a slowdown of the "
        f"tail alone must be larger. {fewest} runs give the spread to within about {100 * known_to:.0f} %; another day "
        "may differ more."
    )
    disturbed = sum(benchmark.disturbed_runs for benchmark in noise.benchmarks.values())
    if disturbed:
        text += f" Excluded: {count(disturbed, 'disturbed run')}."
    return _wrapped(text, paper, hanging="")


def _builds(noise: Noise, names: Names, paper: Paper) -> List[str]:
    lines: List[str] = []
    for benchmark_id, builds in noise.builds.items():
        of_runs = "" if builds.within is None else f", runs of one build by {percent(builds.within, sign=False)} %"
        text = (
            f"{names[benchmark_id]}: {builds.builds} builds of its engine differ by "
            f"{percent(builds.between, sign=False)} % (standard deviation of {builds.summary}, {builds.runs} runs)"
            f"{of_runs}; a check compares the means of builds"
        )
        lines += _wrapped(text, paper)
    return lines


def _not_analysed(noise: Noise, names: Names, paper: Paper) -> List[str]:
    lines: List[str] = []
    for benchmark_id, reason in noise.not_analysed.items():
        text = f"{names[benchmark_id]} was not analysed: {reason}"
        lines += [paper.paint(line, "warning") for line in _wrapped(text, paper)]
    return lines


def _false_alarms(noise: Noise, paper: Paper) -> List[str]:
    alarms = noise.false_alarms
    if alarms is None:
        return _wrapped(f"false alarms: no sessions were resampled; {noise.no_false_alarms}", paper)
    at_most = percent(alarms.upper_bound, sign=False)
    text = (
        f"false alarms: {alarms.sessions_with_alarm} of {count(alarms.sessions, 'session')} that were resampled from "
        f"these runs; at most {at_most} % with 95 % confidence, as far as these runs represent the machine"
    )
    if alarms.baseline_runs < noise.baseline_runs:
        runs = alarms.baseline_runs + alarms.candidate_runs
        text += (
            f" (with baselines of {count(alarms.baseline_runs, 'run')}: there are {runs} runs, "
            f"{noise.baseline_runs + alarms.candidate_runs} would allow {noise.baseline_runs})"
        )
    return _wrapped(text, paper)


def _remedies(noise: Noise, names: Names, paper: Paper) -> List[str]:
    lines: List[str] = []
    for remedy in noise.remedies:
        lines += wrap(paper.clean(_remedy(remedy, noise, names)), paper.width, indent="  ", hanging="    ")
    if not lines:
        return []
    heading = "to detect smaller slowdowns (now -> predicted, in 80 % of cases):"
    return [paper.paint(line, "remark") for line in _wrapped(heading, paper)] + lines


def _remedy(remedy: Remedy, noise: Noise, names: Names) -> str:
    if remedy.kind == CLOCKS:
        return f"pin the clocks ({remedy.found}): the gain cannot be predicted; run edgeperf noise again to measure it"
    if not remedy.helps:
        return f"a longer budget is not expected to help{_why_not(remedy, noise, names)}"
    gains = ", ".join(f"{names[name]} {_size(now)} -> {_size(then)}" for name, (now, then) in remedy.effects.items())
    return f"{_ACTIONS[remedy.kind].format(value=f'{remedy.value:g}')}: {gains}"


def _why_not(remedy: Remedy, noise: Noise, names: Names) -> str:
    for name in remedy.effects:
        best = noise.benchmarks[name].best(LATENCY)
        if best.explained_spread is not None:
            spread, explained = _size(best.spread), _size(best.explained_spread)
            return f": runs of {names[name]} differ by {spread}, of which variation within a run explains {explained}"
    return ": these runs do not show how much varies within a run"


def _size(fraction: Optional[float]) -> str:
    if fraction is None:
        return "not detectable"
    return f"{'less than 0.1' if fraction < 0.001 else percent(fraction, sign=False)} %"


def _wrapped(text: str, paper: Paper, hanging: str = "  ") -> List[str]:
    return wrap(paper.clean(text), paper.width, hanging=hanging)

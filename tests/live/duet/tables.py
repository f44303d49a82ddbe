"""From the pairs that were measured to the tables of docs/statistics-lock-step.md."""

from __future__ import annotations

from statistics import median
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from pytest_edgeperf.judge.family import Family
from pytest_edgeperf.judge.lock_step import Duet, Look, step
from pytest_edgeperf.judge.statistics.block_pairs import Pair, pair_of
from pytest_edgeperf.judge.verdicts import MORE, REGRESSED, BenchmarkVerdict
from pytest_edgeperf.results import Benchmark, Results, Run
from pytest_edgeperf.schedule.rounds import stages_of
from pytest_edgeperf.settings import MAX_PAIRS, PAIRS, Settings

UNCHANGED = "unchanged"
SMALL, LARGE = "2 % more work", "5 % more work"
BESIDE = ("turns of 5 ms", "turns of 20 ms", "turns of 200 ms", "not pinned")
BUSY = ("beside a busy process", "not pinned, beside a busy process")
SESSIONS = 400
QUIET_SD = 0.005

Turns = Tuple[Sequence[float], Sequence[float]]
STATISTICS: Mapping[str, Callable[[Any, Any], float]] = {
    "trimmed mean of quads": lambda base, new: pair_of(base, new).log_ratio,
    "mean of block pairs": lambda base, new: float(np.mean(np.log(new / base))),
    "median of block pairs": lambda base, new: float(np.median(np.log(new / base))),
    "ratio of medians": lambda base, new: float(np.log(np.median(new) / np.median(base))),
    "ratio of p25": lambda base, new: float(np.log(np.percentile(new, 25) / np.percentile(base, 25))),
    "ratio of minima": lambda base, new: float(np.log(new.min() / base.min())),
}


class Measured(NamedTuple):
    """One workload of one cell: its pairs, their turns, and the runs of both sides."""

    pairs: List[Pair]
    turns: List[Turns]
    base: List[Run]
    candidate: List[Run]

    @property
    def sd(self) -> float:
        """Standard deviation of the pairs' log ratios."""
        return float(np.std([pair.log_ratio for pair in self.pairs], ddof=1))


def measured(results: Results) -> Dict[str, Measured]:
    """By the workload's name."""
    by_workload = {}
    assert results.against is not None
    for id, stored in results.against.pairs.items():
        benchmark = results.benchmarks[id]
        base = [_base_run(pair["base"], benchmark) for pair in stored]
        turns = [(old.quality["turns_ms"], new.quality["turns_ms"]) for old, new in zip(base, benchmark.runs)]
        pairs = [Pair(pair["log_ratio"], pair["error"], pair["blocks"]) for pair in stored]
        name = id.partition("::test_")[2].replace("[", " ").rstrip("]").replace("-", " ")
        by_workload[name] = Measured(pairs, turns, base, list(benchmark.runs))
    return by_workload


def _base_run(stored: Mapping[str, Any], benchmark: Benchmark) -> Run:
    values = {name: stored[name] for name in benchmark.metrics if name in stored}
    return Run(stored["environment"], stored["started"], "session", values, quality=stored["quality"])


def drawn_session(
    results: Results, cell: Mapping[str, Measured], random: np.random.Generator
) -> Tuple[Dict[str, BenchmarkVerdict], Dict[str, int]]:
    """The verdicts of a session whose pairs are drawn from the cell's without replacement, and what they took."""
    planned = stages_of(PAIRS, min(MAX_PAIRS, min(len(workload.pairs) for workload in cell.values())))
    order = {name: random.permutation(len(workload.pairs)) for name, workload in cell.items()}
    waiting, verdicts, taken = set(cell), {}, dict.fromkeys(cell, 0)
    metrics = next(iter(results.benchmarks.values())).metrics
    for number, pairs in enumerate(planned, 1):
        taken.update(dict.fromkeys(waiting, pairs))
        chosen = {name: [int(number) for number in order[name][: taken[name]]] for name in cell}

        def side(which: str, chosen: Mapping[str, List[int]] = chosen) -> Results:
            runs = {
                name: tuple(getattr(cell[name], which)[number] for number in where) for name, where in chosen.items()
            }
            benchmarks = {name: Benchmark({}, metrics, of) for name, of in runs.items()}
            return Results(results.device, results.environments, benchmarks)

        answer = step(
            {name: Duet([cell[name].pairs[number] for number in where]) for name, where in chosen.items()},
            side("base"),
            side("candidate"),
            Family(tuple(cell), tolerance=Settings().against_tolerance),
            Look(number, len(planned), planned[-1]),
        )
        verdicts.update({name: answer.comparison.benchmarks[name] for name in waiting})
        waiting = {name for name in waiting if answer.decisions[name] == MORE}
        if not waiting:
            break
    return verdicts, taken


class Drawn(NamedTuple):
    """Of one workload in many drawn sessions."""

    regressed: float
    detectable: float
    pairs: float


def drawn(results: Results, sessions: int = SESSIONS, seed: int = 0) -> Dict[str, Drawn]:
    """Shares and medians over drawn sessions, by workload."""
    random = np.random.default_rng(seed)
    cell = measured(results)
    made = [drawn_session(results, cell, random) for _ in range(sessions)]
    return {
        name: Drawn(
            sum(verdicts[name].verdict == REGRESSED for verdicts, _ in made) / sessions,
            median(verdicts[name].metrics["latency"].detectable for verdicts, _ in made),
            sum(taken[name] for _, taken in made) / sessions,
        )
        for name in cell
    }


def spread(results: Results, statistic: str = "trimmed mean of quads") -> Dict[str, float]:
    """The standard deviation of a statistic over pairs, by workload."""
    compute = STATISTICS[statistic]
    return {
        name: float(np.std([compute(np.array(old), np.array(new)) for old, new in workload.turns], ddof=1))
        for name, workload in measured(results).items()
    }


def fall(workload: Measured, pairs: int = PAIRS) -> float:
    """How the variance of the mean of consecutive pairs falls with their number: 1 where it does as 1 / number."""
    ratios = np.array([pair.log_ratio for pair in workload.pairs])
    groups = ratios[: len(ratios) // pairs * pairs].reshape(-1, pairs).mean(axis=1)
    return float(pairs * np.var(groups, ddof=1) / np.var(ratios, ddof=1)) if len(groups) > 1 else float("nan")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; figures to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def per_cent(value: float) -> str:
    """``0.53``."""
    return "" if value != value else f"{100 * value:.2f}"


def sections(results: Mapping[str, Results]) -> Dict[str, str]:
    """The tables by the name of their place in the document."""
    return {
        "duet-verdicts": verdicts_table(results),
        "duet-spread": spread_table(results),
        "duet-statistics": statistics_table(results),
    }


def spread_table(results: Mapping[str, Results]) -> str:
    """Per workload, the standard deviation per pair in every cell, in per cent."""
    cells = [name for name in (UNCHANGED, *BESIDE, *BUSY) if name in results]
    columns = {name: spread(results[name]) for name in cells}
    falls = {name: fall(workload) for name, workload in measured(results[UNCHANGED]).items()}
    head = ["sd per pair, %", "default", *cells[1:], f"variance of {PAIRS}, x {PAIRS}"]
    rows = [
        [name, *(per_cent(columns[cell][name]) for cell in cells), f"{falls[name]:.2f}"] for name in columns[UNCHANGED]
    ]
    return table(head, [*rows, ["median", *(per_cent(median(columns[cell].values())) for cell in cells), ""]])


def statistics_table(results: Mapping[str, Results]) -> str:
    """Per statistic, the median and the worst standard deviation over the workloads, quiet and busy."""
    cells = [name for name in (UNCHANGED, BUSY[0]) if name in results]
    rows = []
    for statistic in STATISTICS:
        row = [statistic]
        for cell in cells:
            values = spread(results[cell], statistic).values()
            row += [per_cent(median(values)), per_cent(max(values))]
        rows.append(row)
    head = ["statistic of a pair", *(f"{cell}: {word}, %" for cell in cells for word in ("median sd", "largest sd"))]
    return table(head, rows)


def verdicts_table(results: Mapping[str, Results]) -> str:
    """Per workload, how often drawn sessions call it regressed, unchanged and with more work."""
    shares = {name: drawn(results[name]) for name in (UNCHANGED, SMALL, LARGE) if name in results}
    sds = {name: workload.sd for name, workload in measured(results[UNCHANGED]).items()}
    head = ["regressed, % of drawn sessions", *shares, "finds, %", "pairs", "sd per pair, %"]
    rows = [
        [
            name,
            *(f"{100 * shares[cell][name].regressed:.1f}" for cell in shares),
            f"{100 * (rates.detectable - 1):.1f}",
            f"{rates.pairs:.1f}",
            per_cent(sds[name]),
        ]
        for name, rates in shares[UNCHANGED].items()
    ]
    return table(head, rows)


def promises(results: Mapping[str, Results]) -> Tuple[List[str], bool]:
    """What is promised of the cells that were measured, as sentences, and whether all is kept."""
    said, kept = [], True

    def promise(text: str, holds: bool) -> None:
        nonlocal kept
        kept = kept and holds
        said.append(f"{'kept' if holds else 'BROKEN'}: {text}")

    alarms = drawn(results[UNCHANGED])
    rate = sum(rates.regressed for rates in alarms.values()) / len(alarms)
    promise(f"unchanged: {400 * rate:.2f} of 400 verdicts are false alarms (at most 1)", 400 * rate <= 1)
    if SMALL in results:
        sds = {name: workload.sd for name, workload in measured(results[SMALL]).items()}
        for name, rates in drawn(results[SMALL]).items():
            if sds[name] <= QUIET_SD:
                promise(f"2 % of {name} found in {100 * rates.regressed:.0f} % (at least 80)", rates.regressed >= 0.8)
            elif rates.regressed < 0.8:
                size = 100 * (rates.detectable - 1)
                promise(f"{name} finds 2 % too seldom and says so: from {size:.1f} %", rates.detectable > 1.02)
    if LARGE in results:
        shares = [rates.regressed for rates in drawn(results[LARGE]).values()]
        share = sum(shares) / len(shares)
        promise(f"5 % found in {100 * share:.1f} % over all workloads (at least 95)", share >= 0.95)
    return said, kept

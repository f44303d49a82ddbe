"""What a session comes to in one line, and the verdicts that a report may show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

from pytest_edgeperf.judge.verdicts import REGRESSED, BenchmarkVerdict, Comparison
from pytest_edgeperf.report.figures import LATENCY
from pytest_edgeperf.report.line_text import lines_count
from pytest_edgeperf.report.numbers import change, count, duration
from pytest_edgeperf.report.sentences import differences_text, verdict_counts
from pytest_edgeperf.report.session_report import SessionReport
from pytest_edgeperf.report.text import printable
from pytest_edgeperf.results.refreshing import FEWEST_RUNS
from pytest_edgeperf.settings import REFRESH


def judged(report: SessionReport) -> Comparison:
    """The verdicts without those on benchmarks that then failed: a fault is reported once, as a fault."""
    if report.comparison is None:
        return Comparison({})
    kept = {name: verdict for name, verdict in report.comparison.benchmarks.items() if name not in report.faults}
    return replace(report.comparison, benchmarks=kept)


def accepted(report: SessionReport) -> Comparison:
    """The verdicts without those on what a refresh did not accept."""
    comparison = judged(report)
    kept = {name: verdict for name, verdict in comparison.benchmarks.items() if name not in report.refused}
    return replace(comparison, benchmarks=kept)


def is_bad(report: SessionReport) -> bool:
    """Whether something could not be measured, or got worse and was not accepted as such."""
    comparison = judged(report)
    worse = bool(comparison.summary[REGRESSED] or comparison.regressed_lines)
    return bool(report.faults) or (worse and report.mode != "refresh")


def outcome_text(report: SessionReport) -> str:
    """``48 unchanged, 1 regressed``; of a refresh, what it did to the baseline."""
    comparison = judged(report)
    if report.mode == REFRESH:
        parts = _refresh_counts(report)
    else:
        parts = [verdict_counts(comparison) + lines_count(comparison)] if comparison.benchmarks else []
        measured = sum(name not in report.faults for name in report.measured.benchmarks)
        if report.comparison is None and measured:
            parts.append(f"{measured} measured")
    if report.faults:
        parts.append(f"{len(report.faults)} failed")
    text = ("; " if report.mode == REFRESH else ", ").join(parts) or "nothing measured"
    return text if report.against is None else f"against {report.against}: {text}"


def summary_text(report: SessionReport) -> str:
    """``48 unchanged, 1 regressed in 6 rounds, 12 min 5 s on nano (…)``."""
    text = outcome_text(report) + (";" if report.mode == REFRESH else " in")
    if report.rounds:
        text += f" {count(report.rounds, 'round')},"
    text += f" {duration(report.seconds)} on {report.device}"
    return f"{text} ({report.machine})" if report.machine else text


def _refresh_counts(report: SessionReport) -> List[str]:
    """``accepted 3 benchmarks (1 new, 2 updated)``, ``refused 1``, ``kept 4 that were not measured``."""
    counts = Counter(report.refreshed.values())
    new, updated = counts["created"], counts["updated"]
    parts = []
    if new or updated:
        words = [f"{new} new"] * bool(new) + [f"{updated} updated"] * bool(updated)
        comparison = accepted(report)
        worse = comparison.summary[REGRESSED]
        words += [f"{worse} of them worse than before"] * bool(worse)
        parts.append(f"accepted {count(new + updated, 'benchmark')} ({', '.join(words)}){_few_runs(report)}")
        parts[-1] += lines_count(comparison)
    else:
        parts.append("accepted nothing" + (": the baseline is unchanged" if report.baseline is not None else ""))
    if report.refused:
        parts.append(f"refused {len(report.refused)}")
    if counts["kept"]:
        parts.append(f"kept {counts['kept']} that {'was' if counts['kept'] == 1 else 'were'} not measured")
    return parts


def _few_runs(report: SessionReport) -> str:
    """How many runs the accepted benchmarks have, where that is too few to be of much use."""
    measured = report.measured.benchmarks
    done = [name for name, what in report.refreshed.items() if what in ("created", "updated") and name in measured]
    runs = sorted(sum(not run.disturbed for run in measured[name].runs) for name in done)
    few = [number for number in runs if number < FEWEST_RUNS]
    if not few:
        return ""
    spread = count(few[-1], "run") if few[0] == few[-1] else f"{few[0]} to {few[-1]} runs"
    of_some = f"{len(few)} of them " if len(few) < len(runs) else ""
    return f", {of_some}with {spread}{' each' * (len(few) > 1)}: too few to detect most slowdowns"


def common_shift_text(comparison: Comparison) -> Optional[str]:
    """How many benchmarks moved the same way, by how much, and where to look for the cause first."""
    if comparison.common_shift is None:
        return None
    moved = "Most benchmarks"
    if comparison.common_shift_of is not None:
        some, of_all = comparison.common_shift_of
        moved = f"All {some} judged benchmarks" if some == of_all else f"{some} of {of_all} judged benchmarks"
    shared = _shared_differences(comparison)
    look = (
        f"They share a change of the environment: {differences_text(shared)}"
        if shared
        else "Look first for what they share: clocks, temperature, other load (edgeperf doctor), a common library"
    )
    return printable(
        f"{moved} moved the same way: latency {change(comparison.common_shift)} (median). {look}. The verdicts "
        "include this shift."
    )


def _shared_differences(comparison: Comparison) -> Dict[str, Tuple[Any, Any]]:
    """What differs from the baseline's environment in the same way for every judged benchmark."""
    judged_ones = [one.differences for one in comparison.benchmarks.values() if _has_ratio(one)]
    if not judged_ones:
        return {}
    first, *others = judged_ones
    return {name: pair for name, pair in first.items() if all(other.get(name) == pair for other in others)}


def _has_ratio(verdict: BenchmarkVerdict) -> bool:
    latency = verdict.metrics.get(LATENCY)
    return latency is not None and latency.ratio is not None

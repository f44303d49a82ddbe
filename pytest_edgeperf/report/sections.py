"""What stands below the table: failures, faults, what was not judged and why, what a refresh did."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Tuple

from pytest_edgeperf.judge.renames import GONE
from pytest_edgeperf.judge.verdicts import (
    INCOMPARABLE,
    INCONCLUSIVE,
    MISSING,
    NEW,
    REGRESSED,
    BenchmarkVerdict,
    Comparison,
)
from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.report.sentences import (
    differences_text,
    inconclusive_text,
    regression_text,
    rename_commands,
    rename_text,
    worse_text,
)
from pytest_edgeperf.report.text import Paper, common_path, enumerate_names, wrap

_NAMES_SHOWN = 10
_NAMES_IN_SHORT = 3
_UNDECIDED = {
    INCONCLUSIVE: "neither cleared nor confirmed as worse",
    INCOMPARABLE: "the environment or the parameters differ from the baseline's",
}
#: Why a benchmark has no clear verdict, in a check and between two files.
WHY_IN_CHECK = {
    **_UNDECIDED,
    NEW: "no baseline yet; --baseline=refresh accepts them",
    MISSING: "in the baseline, not measured now",
}
WHY_IN_FILES = {**_UNDECIDED, NEW: "only in the candidate", MISSING: "only in the base"}


def why_in_refresh(comparison: Comparison) -> Mapping[str, str]:
    """The same in a refresh, which lists what it kept; only what no longer exists is listed again."""
    gone = any(verdict.reason == GONE for verdict in comparison.benchmarks.values())
    return {**_UNDECIDED, MISSING: WHY_IN_CHECK[MISSING]} if gone else _UNDECIDED


def why_against(label: str) -> Mapping[str, str]:
    """The same where another commit or Python was measured in lock-step."""
    return {
        INCONCLUSIVE: _UNDECIDED[INCONCLUSIVE],
        INCOMPARABLE: f"{label} has no runs of them",
        NEW: f"not in {label}",
        MISSING: f"in {label}, not here",
    }


_REFRESH = (("created", ""), ("updated", ""), ("kept", "in the file, not measured now"))


class Names:
    """The printable names of a session's benchmarks, without the path that they share."""

    def __init__(self, measured: Sequence[str], paper: Paper) -> None:
        self.prefix = common_path(measured)
        self.shown_prefix = paper.clean(self.prefix)
        self._paper = paper

    def __getitem__(self, benchmark_id: str) -> str:
        shared = benchmark_id.startswith(self.prefix)
        return self._paper.clean(benchmark_id[len(self.prefix) :] if shared else benchmark_id)


def failures(comparison: Comparison, names: Names, paper: Paper) -> List[str]:
    """Every regressed benchmark with its sentences."""
    lines: List[str] = []
    for benchmark_id, verdict in comparison.benchmarks.items():
        if verdict.verdict != REGRESSED:
            continue
        lines += [""] if lines else []
        lines += _heading(f"{REGRESSED}: {names[benchmark_id]}", "bad", paper)
        for sentence in regression_text(benchmark_id, verdict).splitlines():
            lines += wrap(paper.clean(sentence), paper.width, indent="  ", hanging="    ")
    return lines


def accepted_worse(comparison: Comparison, names: Names, paper: Paper) -> List[str]:
    """What a refresh accepts although it is worse than the earlier baseline."""
    worse = {i: v for i, v in comparison.benchmarks.items() if v.verdict == REGRESSED}
    if not worse:
        return []
    lines = _heading("accepted although worse than the earlier baseline:", "warning", paper)
    for benchmark_id, verdict in worse.items():
        lines += _item(f"{names[benchmark_id]}: {worse_text(verdict)}", paper)
    return lines


def faults(reasons: Mapping[str, str], names: Names, paper: Paper) -> List[str]:
    """Why benchmarks could not be measured."""
    lines: List[str] = []
    for benchmark_id, reason in reasons.items():
        lines += _heading(f"failed: {names[benchmark_id]}", "bad", paper)
        for sentence in reason.splitlines():
            lines += wrap(paper.clean(sentence), paper.width, indent="  ")
    return lines


def not_judged(
    comparison: Comparison, why_by_verdict: Mapping[str, str], names: Names, paper: Paper, *, everything: bool
) -> List[str]:
    """What has no clear verdict and why, grouped; ``everything`` lists all names."""
    lines: List[str] = []
    for word, why in why_by_verdict.items():
        verdicts = {i: v for i, v in comparison.benchmarks.items() if v.verdict == word}
        if not verdicts:
            continue
        lines += _heading(f"{word} ({len(verdicts)}): {why}", "warning", paper)
        all_of_them = word == NEW and len(verdicts) == len(comparison.benchmarks)
        if not all_of_them or everything:
            lines += _group(verdicts, names, paper, everything)
    return lines


def renames(comparison: Comparison, names: Names, paper: Paper, *, accepted: bool = False) -> List[str]:
    """New and missing benchmarks that are probably the same, with the change and the command that carries them over.

    ``accepted``: a refresh has put the new ones into the baseline.
    """
    if not comparison.renames:
        return []
    lines = _heading(f"probably renamed ({len(comparison.renames)}):", "warning", paper)
    for rename in comparison.renames:
        lines += _item(f"{names[rename.old]} -> {names[rename.new]}: {rename_text(rename)}", paper)
    if accepted:
        return lines + _item(
            "the runs of the old name are still in the baseline; edgeperf baseline prune --missing-from RESULTS "
            "removes them",
            paper,
        )
    lines += _item("to keep the runs of the old name, if it is the same benchmark:", paper)
    for command in rename_commands(comparison.renames):
        lines += _item(command, paper, indent="    ")
    return lines


def refreshed(done: Mapping[str, str], names: Names, paper: Paper, *, everything: bool) -> List[str]:
    """What a refresh created, updated and kept."""
    lines: List[str] = []
    for word, remark in _REFRESH:
        shown = [names[benchmark_id] for benchmark_id, what in done.items() if what == word]
        if not shown:
            continue
        text = f"baseline {word} for {count(len(shown), 'benchmark')}"
        lines += _heading(f"{text} ({remark})" if remark else text, "remark", paper)
        if everything or word == "kept":
            lines += _list(shown, paper, everything)
    return lines


def not_accepted(refused: Mapping[str, str], names: Names, paper: Paper, *, everything: bool) -> List[str]:
    """What a refresh did not accept, by the reason."""
    lines: List[str] = []
    for reason, members in _by_reason(refused, names).items():
        if len(members) == 1:
            lines += _heading(f"not accepted: {members[0]}: {reason}", "warning", paper)
        else:
            lines += _heading(f"not accepted ({len(members)}): {reason}", "warning", paper)
            lines += _list(members, paper, everything)
    return lines


def not_accepted_in_short(refused: Mapping[str, str], names: Names, paper: Paper) -> List[str]:
    """A line per reason."""
    lines: List[str] = []
    for reason, members in _by_reason(refused, names).items():
        more = len(members) - _NAMES_IN_SHORT
        shown = enumerate_names([*members[:_NAMES_IN_SHORT], *([f"{more} more"] if more > 0 else [])])
        lines += wrap(paper.clean(f"not accepted: {shown}: {reason}"), paper.width, hanging="  ")
    return lines


def _by_reason(refused: Mapping[str, str], names: Names) -> Dict[str, List[str]]:
    members: Dict[str, List[str]] = {}
    for benchmark_id, reason in refused.items():
        members.setdefault(reason, []).append(names[benchmark_id])
    return members


def _group(verdicts: Mapping[str, BenchmarkVerdict], names: Names, paper: Paper, everything: bool) -> List[str]:
    by_detail: Dict[str, List[str]] = {}
    for benchmark_id, verdict in verdicts.items():
        by_detail.setdefault(_detail(verdict), []).append(names[benchmark_id])
    lines: List[str] = []
    alone = [(members[0], detail) for detail, members in by_detail.items() if detail and len(members) == 1]
    for name, detail in _first(alone, everything):
        lines += _item(f"{name}: {detail}", paper)
    lines += _left_out(len(alone), everything)
    for detail, members in by_detail.items():
        if detail and len(members) == 1:
            continue
        lines += _item(f"{detail}:", paper) if detail else []
        lines += _list(members, paper, everything, indent="    " if detail else "  ")
    return lines


def _detail(verdict: BenchmarkVerdict) -> str:
    if verdict.verdict == INCONCLUSIVE:
        return inconclusive_text(verdict)
    if verdict.verdict == MISSING and verdict.reason == GONE:
        return f"{GONE}; edgeperf baseline prune --missing-from RESULTS removes them"
    if verdict.verdict == INCOMPARABLE and verdict.differences:
        return differences_text(verdict.differences)
    return (verdict.reason or "").rstrip(".") if verdict.verdict == INCOMPARABLE else ""


def _list(names: Sequence[str], paper: Paper, everything: bool, indent: str = "  ") -> List[str]:
    lines: List[str] = []
    for name in _first([(name, "") for name in names], everything):
        lines += _item(name[0], paper, indent)
    return lines + [indent[2:] + line for line in _left_out(len(names), everything)]


def _first(pairs: Sequence[Tuple[str, str]], everything: bool) -> Sequence[Tuple[str, str]]:
    return pairs if everything else pairs[:_NAMES_SHOWN]


def _left_out(number: int, everything: bool) -> List[str]:
    rest = number - _NAMES_SHOWN
    return [f"  and {rest} more, listed with -v"] if rest > 0 and not everything else []


def _item(text: str, paper: Paper, indent: str = "  ") -> List[str]:
    return wrap(paper.clean(text), paper.width, indent=indent, hanging=indent + "  ")


def _heading(text: str, style: str, paper: Paper) -> List[str]:
    return [paper.paint(line, style) for line in wrap(paper.clean(text), paper.width, hanging="  ")]

"""What stands below the table: what was renamed, and what a refresh did."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from pytest_edgeperf.judge.verdicts import REGRESSED, Comparison
from pytest_edgeperf.report.numbers import count
from pytest_edgeperf.report.sentences import rename_commands, rename_text, worse_text
from pytest_edgeperf.report.text import Paper, common_path, wrap

_NAMES_SHOWN = 10
_REFRESH = (("created", ""), ("updated", ""), ("kept", "in the file, not measured now"))


class Names:
    """The printable names of a session's benchmarks, without the path that they share."""

    def __init__(self, measured: Sequence[str], paper: Paper) -> None:
        self.prefix = common_path(measured)
        self.shown_prefix = paper.clean(self.prefix)
        self._paper = paper

    def __getitem__(self, benchmark_id: str) -> str:
        shared = benchmark_id.startswith(self.prefix)
        return self._paper.name(benchmark_id[len(self.prefix) :] if shared else benchmark_id)


def accepted_worse(comparison: Comparison, names: Names, paper: Paper) -> List[str]:
    """What a refresh accepts although it is worse than the earlier baseline."""
    worse = {i: v for i, v in comparison.benchmarks.items() if v.verdict == REGRESSED}
    if not worse:
        return []
    lines = _heading("accepted although worse than the earlier baseline:", "warning", paper)
    for benchmark_id, verdict in worse.items():
        lines += _item(f"{names[benchmark_id]}: {worse_text(verdict)}", paper)
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


def _list(names: Sequence[str], paper: Paper, everything: bool) -> List[str]:
    lines = [line for name in (names if everything else names[:_NAMES_SHOWN]) for line in _item(name, paper)]
    rest = len(names) - _NAMES_SHOWN
    return [*lines, f"  and {rest} more, listed with -v"] if rest > 0 and not everything else lines


def _item(text: str, paper: Paper, indent: str = "  ") -> List[str]:
    return wrap(paper.clean(text), paper.width, indent=indent, hanging=indent + "  ")


def _heading(text: str, style: str, paper: Paper) -> List[str]:
    return [paper.paint(line, style) for line in wrap(paper.clean(text), paper.width, hanging="  ")]

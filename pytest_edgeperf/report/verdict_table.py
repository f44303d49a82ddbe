"""The table of verdicts: sections of benchmarks with latency, change, interval and bar; folded where it is long."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.judge.verdicts import (
    IMPROVED,
    INCOMPARABLE,
    MISSING,
    NEW,
    REGRESSED,
    UNCHANGED,
    BenchmarkVerdict,
    MetricVerdict,
)
from pytest_edgeperf.report.figures import LATENCY, metric_label
from pytest_edgeperf.report.grouping import Entry, Member, Summary, Text, grouped, name_of
from pytest_edgeperf.report.numbers import change, quantity
from pytest_edgeperf.report.text import Paper
from pytest_edgeperf.report.tree_layout import lay_out_tree
from pytest_edgeperf.report.verdict_columns import Figures, columns_of
from pytest_edgeperf.results.types import Benchmark, Results

#: Lines that a table has with those of its folded sections: beside the closing lines, they fit on a screen of 24.
_FOLDED_LINES = 14


@dataclass(frozen=True)
class Section:
    """Benchmarks of one verdict.

    ``details`` are the sentences below each one's row: those that several share stand above these, unless each is to
    have its own (``apart``). ``listed`` is how many are shown; ``folded`` counts them by function or by file, as there
    is room.
    """

    heading: str
    style: Optional[str]
    ids: Sequence[str]
    #: Said of all, below the heading.
    remark: str = ""
    details: Mapping[str, Sequence[str]] = field(default_factory=dict)
    listed: Optional[int] = None
    folded: str = ""
    #: What lists all that are folded.
    unfolded_by: str = "-v"
    apart: bool = False
    #: Further (name, sentences) at the end, which are no benchmarks.
    others: Sequence[Tuple[str, Sequence[str]]] = ()


class VerdictTable:
    """Lays sections out on one paper, with one axis for all bars.

    Args:
        verdicts, benchmarks: by id; of one that is in neither, only its name is shown.
        described: results with the parameters of benchmarks, which tell where a name may be parted.
        said: the file that all are in.
    """

    def __init__(
        self,
        verdicts: Mapping[str, BenchmarkVerdict],
        benchmarks: Mapping[str, Benchmark],
        paper: Paper,
        *,
        said: Optional[str],
        described: Sequence[Optional[Results]] = (),
    ) -> None:
        self._verdicts, self._benchmarks = verdicts, benchmarks
        self._paper, self._said = paper, said
        self._parameters = {
            name: one.parameters for known in described if known is not None for name, one in known.benchmarks.items()
        }
        self._figures: List[Figures] = []
        self._entries: List[Entry] = []
        #: What there was no room for, in a clause each.
        self.left_out: List[str] = []

    def add(self, section: Section) -> None:
        """Add a section below those that are there."""
        paper = self._paper
        folds = self._fold(section, 1) if section.folded else []
        if section.folded and not folds:
            self.left_out.append(f"{section.folded}: {self._in_short(section)}")
            return
        if self._entries:
            self._entries.append(Text(""))
        depth = 0
        if section.heading:
            depth = 1
            heading = section.heading
            if section.folded:
                heading += f": {self._in_short(section)}"
            self._entries.append(Text(paper.clean(heading), 0, section.style))
        if section.remark:
            self._entries.append(Text(paper.clean(section.remark), depth))
        if section.folded:
            self._entries += folds
        else:
            self._list(section, depth)
        for name, sentences in section.others:
            self._entries.append(Text(paper.clean(name), depth))
            self._entries += [Text(paper.clean(sentence), depth + 1) for sentence in sentences]

    def lines(self, *, against: bool, measured: bool) -> List[str]:
        """The table.

        Args:
            against: measured in lock-step: with the change that would have been detected.
            measured: figures of this session's runs; otherwise those of the two sides that were compared.
        """
        if not self._entries:
            return []
        columns = columns_of(self._figures, self._paper, against=against, measured=measured)
        return lay_out_tree(self._entries, columns, self._paper, title=self._paper.clean(self._said or ""))

    def _list(self, section: Section, depth: int) -> None:
        shown = section.ids if section.listed is None else section.ids[: section.listed]
        if section.apart:
            self._entries += self._grouped(shown, section, depth, section.details)
            return
        alike: Dict[Tuple[str, ...], List[str]] = {}
        for benchmark_id in shown:
            alike.setdefault(tuple(section.details.get(benchmark_id, ())), []).append(benchmark_id)
        alone = [i for details, ids in alike.items() if len(ids) == 1 or not any(details) for i in ids]
        self._entries += self._grouped(alone, section, depth, details=section.details)
        for details, ids in alike.items():
            if len(ids) > 1 and any(details):
                said = [Text(self._paper.clean(sentence), depth) for sentence in details]
                said[-1] = Text(said[-1].text + ":", depth)
                self._entries += said
                self._entries += self._grouped(ids, section, depth + 1, details={})
        rest = len(section.ids) - len(shown)
        if rest:
            self._entries.append(Text(f"and {rest} more, listed with -v", depth))

    def _grouped(
        self, ids: Iterable[str], section: Section, depth: int, details: Mapping[str, Sequence[str]]
    ) -> List[Entry]:
        members = [self._member(benchmark_id, section.style, details.get(benchmark_id, ())) for benchmark_id in ids]
        return grouped(members, self._paper, depth=depth, said=self._said)

    def _member(self, benchmark_id: str, style: Optional[str], sentences: Sequence[str]) -> Member:
        verdict = self._verdicts.get(benchmark_id)
        group = "::".join(name_of(benchmark_id)[:2])
        latency = None if verdict is None else verdict.metrics.get(LATENCY)
        number = self._number(Figures(group, self._benchmarks.get(benchmark_id), latency, style=_style(latency, style)))
        others = []
        for name in moved_metrics(verdict) if verdict is not None else ():
            metric = verdict.metrics[name] if verdict is not None else None
            label = metric_label(name, metric)
            if metric is not None and metric.candidate is not None:
                label += f" {quantity(metric.candidate, metric.unit)}"
            figures = Figures(group, None, metric, main=False, style=_style(metric, style))
            others.append((self._paper.clean(label), self._number(figures)))
        below = [self._paper.clean(sentence) for sentence in sentences]
        return Member(benchmark_id, number, others, below, self._parameters.get(benchmark_id, {}))

    def _number(self, figures: Figures) -> int:
        self._figures.append(figures)
        return len(self._figures) - 1

    def _fold(self, section: Section, depth: int) -> List[Entry]:
        """A line for each function, or for each file where these are too many; nothing where those are, too."""
        for parts in (2, 1):
            groups: Dict[str, List[str]] = {}
            for benchmark_id in section.ids:
                key = [part for part in name_of(benchmark_id)[:parts] if part and part != self._said]
                groups.setdefault("::".join(key), []).append(benchmark_id)
            if 1 < len(groups) <= _FOLDED_LINES - len(self._entries):
                counts = {name: f"{len(ids)} {section.folded}" for name, ids in groups.items()}
                return [
                    Summary(self._paper.clean(name), depth, ", ".join([counts[name], *self._at_most(ids)]))
                    for name, ids in groups.items()
                ]
        return []

    def _in_short(self, section: Section) -> str:
        return " ".join([*self._at_most(section.ids), f"(see {section.unfolded_by})"])

    def _at_most(self, ids: Sequence[str]) -> List[str]:
        latencies = [self._verdicts[i].metrics.get(LATENCY) for i in ids if i in self._verdicts]
        ratios = [
            metric.ratio
            for metric in latencies
            if metric is not None and metric.ratio is not None and math.isfinite(metric.ratio)
        ]
        return [f"at most {change(max(ratios))}"] if ratios else []


def moved_metrics(verdict: BenchmarkVerdict) -> List[str]:
    """The gating metrics beside latency that a reader must see: better, worse, not compared, or what decided."""
    return [
        name
        for name, metric in verdict.metrics.items()
        if name != LATENCY
        and metric.gates
        and metric.verdict != UNCHANGED
        and metric.verdict in (REGRESSED, IMPROVED, NEW, MISSING, INCOMPARABLE, verdict.verdict)
    ]


_STYLES = {REGRESSED: "bad", IMPROVED: "good"}


def _style(metric: Optional[MetricVerdict], of_section: Optional[str]) -> Optional[str]:
    """A metric's own colour, where a benchmark has metrics of other verdicts than its own."""
    if metric is None or metric.verdict == UNCHANGED:
        return None
    return of_section if metric.verdict not in _STYLES or of_section == "warning" else _STYLES[metric.verdict]

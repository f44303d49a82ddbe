"""Published figures beside measured ones: what matches, the ratio, and what is known to differ. Nothing is judged.

A published figure belongs to a benchmark when network, framework and all other parameters agree; a precision or a
resolution that one side does not state is reported as not stated. A network is the parameter ``network`` (or
``model``), else the name of the test's function; ``MobileNet_v2`` and ``mobilenetv2`` are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from pytest_edgeperf.report.figures import LATENCY, figure, metric_label
from pytest_edgeperf.report.markup import codes, escape
from pytest_edgeperf.report.numbers import decimal_column, significant
from pytest_edgeperf.report.sections import Names
from pytest_edgeperf.report.table_layout import Column, lay_out
from pytest_edgeperf.report.text import Paper, enumerate_names, wrap
from pytest_edgeperf.results.published_vocabulary import convert
from pytest_edgeperf.results.types import Benchmark, Results, Run

THROUGHPUT = "throughput"
CAVEAT = (
    "Published figures come from other releases, weights, inputs and settings; they are shown for "
    "information and affect no verdict. Means are compared with means where both are known; ratio: here / published."
)
_NETWORK = ("network", "model")
#: Parameters that a paper, or a benchmark, need not state.
_MAY_BE_UNSTATED = ("precision", "resolution")
_FRAMEWORK = "framework"
_DIGITS = 10


@dataclass(frozen=True)
class Reference:
    """A published figure beside the measured one, both in the published ``unit``."""

    benchmark: str
    metric: str
    unit: str
    measured: float
    published: float
    #: Of the published figure; the source is paper and table: ``trinh-2023 table 4.3``.
    device: str
    source: str
    row: str
    #: What is known to differ, or not known, beyond what always differs.
    differs: Tuple[str, ...]

    @property
    def ratio(self) -> Optional[float]:
        """Measured by published; ``None`` where the published figure is zero."""
        return self.measured / self.published if self.published else None


def references(measured: Results, published: Iterable[Results]) -> List[Reference]:
    """The published figures that belong to what was measured, benchmark by benchmark.

    Figures of another device are taken too, and say so; only there may the processor differ (``torch:cuda`` beside
    ``torch``). Which files are given is the caller's choice: see :func:`results.published.published_of`.
    """
    files = list(published)
    found: List[Reference] = []
    known: Set[Tuple[Any, ...]] = set()
    for name, benchmark in measured.benchmarks.items():
        for file in files:
            for one in _of_benchmark(name, benchmark, measured.device, file):
                key = (one.benchmark, one.metric, one.device, one.source, one.row, one.published)
                if key not in known:
                    known.add(key)
                    found.append(one)
    return found


def references_table(found: Sequence[Reference], names: Names, paper: Paper) -> List[str]:
    """A row per published figure, below its benchmark; then what differs in each source."""
    if not found:
        return []
    rows: List[Tuple[str, Optional[Reference]]] = []
    for benchmark, group in groupby(found, key=lambda one: one.benchmark):
        rows.append((names[benchmark], None))
        rows += [("  " + paper.clean(_label(one)), one) for one in group]
    here = iter(decimal_column([one.measured for one in found]))
    ratios = iter(decimal_column([one.ratio for one in found]))
    columns = [
        Column("here", ["" if row is None else next(here) for _, row in rows]),
        Column("published", ["" if row is None else _printed(row.published) for _, row in rows]),
        Column("ratio", ["" if row is None else next(ratios) for _, row in rows]),
        Column("source", ["" if row is None else paper.clean(row.source) for _, row in rows], right=False, spare=1),
    ]
    title = f"published figures of {enumerate_names(sorted({one.device for one in found}))}"
    lines = [paper.paint(line, "strong") for line in wrap(paper.clean(title), paper.width)]
    lines += lay_out(names.shown_prefix, [name for name, _ in rows], columns, paper)
    for source, remarks in _remarks(found).items():
        text = ": ".join(filter(None, [source, "; ".join(remarks)]))
        lines += wrap(paper.clean(text), paper.width, indent="  ", hanging="    ")
    return lines + wrap(CAVEAT, paper.width, indent="  ", hanging="  ")


def references_markdown(found: Sequence[Reference]) -> str:
    """The same as a Markdown table; nothing where there is no figure."""
    if not found:
        return ""
    lines = [
        "| benchmark | metric | here | published | ratio | source | what differs |",
        "|:--|:--|--:|--:|--:|:--|:--|",
    ]
    for name, one in zip(codes(one.benchmark for one in found), found):
        ratio = "-" if one.ratio is None else significant(one.ratio)
        texts = (_label(one), significant(one.measured), _printed(one.published), ratio)
        cells = [name, *map(escape, texts), escape(_place(one))]
        lines.append(f"| {' | '.join([*cells, escape('; '.join(one.differs)) or '-'])} |")
    return "\n".join([*lines, "", CAVEAT]) + "\n"


def _of_benchmark(name: str, benchmark: Benchmark, device: str, published: Results) -> Iterator[Reference]:
    ours = {"network": network(name, benchmark.parameters), **_others(benchmark.parameters)}
    for other in published.benchmarks.values():
        differs = _difference(ours, other.parameters, same_device=device == published.device)
        if differs is None:
            continue
        for run in other.runs:
            for metric, value in run.values.items():
                if run.source is not None and not isinstance(value, Mapping):
                    yield from _beside(name, benchmark, metric, other, run, value, published.device, differs)


def _beside(
    name: str,
    benchmark: Benchmark,
    metric: str,
    other: Benchmark,
    run: Run,
    value: float,
    device: str,
    differs: Sequence[str],
) -> Iterator[Reference]:
    unit = other.metrics[metric].unit
    measured, remark = _measured(benchmark, metric, unit)
    if measured is None or run.source is None:
        return
    remarks = [remark, *differs, run.source.get("note")]
    yield Reference(
        name,
        metric,
        unit,
        measured,
        value,
        device,
        f"{run.source['paper']} {_table(run.source['table'])}",
        str(run.source["row"]),
        tuple(str(one) for one in remarks if one),
    )


def network(benchmark_id: str, parameters: Mapping[str, Any]) -> str:
    """The network that a benchmark measures, in lower-case letters and digits."""
    for name in _NETWORK:
        if isinstance(parameters.get(name), str):
            return _plain(parameters[name])
    function = benchmark_id.partition("[")[0].rpartition("::")[2]
    return _plain(function[5:] if function.startswith("test_") else function)


def _others(parameters: Mapping[str, Any]) -> Dict[str, str]:
    return {name: str(value) for name, value in parameters.items() if name not in _NETWORK}


def _difference(
    here: Mapping[str, str], parameters: Mapping[str, Any], *, same_device: bool
) -> Optional[Tuple[str, ...]]:
    """What differs between two benchmarks that are the same otherwise; ``None`` where they are not."""
    if not isinstance(parameters.get("network"), str) or _FRAMEWORK not in here or _FRAMEWORK not in parameters:
        return None
    there = {"network": _plain(parameters["network"]), **_others(parameters)}
    differs: List[str] = []
    ours, theirs = here[_FRAMEWORK], there[_FRAMEWORK]
    if ours != theirs:
        if same_device or ours.partition(":")[0] != theirs.partition(":")[0]:
            return None
        differs.append(f"{theirs} there, {ours} here")
    for name in sorted({*here, *there} - {_FRAMEWORK}):
        if here.get(name) == there.get(name):
            continue
        if name not in _MAY_BE_UNSTATED or (name in here and name in there):
            return None
        differs.append(f"{name} {here[name]} here, not stated there" if name in here else f"{name} {there[name]} there")
    return tuple(differs)


def _measured(benchmark: Benchmark, metric: str, unit: str) -> Tuple[Optional[float], str]:
    """The measured figure in a unit, and what to say of where it comes from."""
    value = _mean(benchmark, metric)
    if value is not None:
        return convert(value, benchmark.metrics[metric].unit, unit), ""
    if metric != THROUGHPUT:
        return None, ""
    latency = _mean(benchmark, LATENCY)
    seconds = None if latency is None else convert(latency, benchmark.metrics[LATENCY].unit, "s")
    if not seconds or convert(1.0, "1/s", unit) is None:
        return None, ""
    return convert(1 / seconds, "1/s", unit), "throughput here is 1 / latency"


def _mean(benchmark: Benchmark, metric: str) -> Optional[float]:
    if metric not in benchmark.metrics:
        return None
    mean = figure(benchmark, metric, "mean")
    return figure(benchmark, metric) if mean is None else mean


def _remarks(found: Sequence[Reference]) -> Dict[str, List[str]]:
    """Where figures stand -> what differs there."""
    remarks: Dict[str, List[str]] = {}
    for one in found:
        known = remarks.setdefault(_place(one), [])
        known += [remark for remark in one.differs if remark not in known]
    return remarks


def _place(one: Reference) -> str:
    return f"{one.device}, {one.source}, row {one.row}"


def _label(one: Reference) -> str:
    label = metric_label(one.metric)
    return f"{label}, {one.unit}" if one.unit else label


def _table(table: str) -> str:
    return f"table {table}" if re.match(r"[0-9IVX.]+\Z", table) else table


def _printed(value: float) -> str:
    return f"{value:.{_DIGITS}g}"


def _plain(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())

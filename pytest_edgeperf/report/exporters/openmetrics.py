"""OpenMetrics text, such that node_exporter's textfile collector and GitLab's metrics reports read it as well.

node_exporter reads the older text format: of it, this uses gauges and no timestamps, and what is new (``# UNIT``,
``# EOF``) is a comment there. GitLab cuts a line at ``#`` and compares values as texts: labels hold no ``#``, and
values have the digits that their interval supports.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from pytest_edgeperf.judge.units import factor
from pytest_edgeperf.report.exported import Exported, digest, run_figure, safe_name, safe_names, supported
from pytest_edgeperf.report.exporters.interface import ResultsExporter
from pytest_edgeperf.report.figures import has_samples

if TYPE_CHECKING:
    from pytest_edgeperf.report.text import Paper
    from pytest_edgeperf.results.types import Benchmark

_PREFIX = "edgeperf_"
#: Letters of a metric's name and of a unit.
_LONGEST_WORD = 80
_VERDICT = f"{_PREFIX}verdict"
#: Of the samples of a run. Their label is no "quantile", which is that of the type summary.
_SUMMARIES = ("p05", "p50", "p95", "p99")
#: A base unit, as families end with it -> the unit of ours that others are converted into.
_CONVERTED = {"seconds": "s", "bytes": "B", "watts": "W", "joules": "J"}
#: Units that are converted by a factor of their own.
_FACTORS: Mapping[str, Tuple[str, float]] = {
    "degC": ("celsius", 1.0),
    "%": ("ratio", 0.01),
    "Hz": ("hertz", 1.0),
    "kHz": ("hertz", 1e3),
    "MHz": ("hertz", 1e6),
    "GHz": ("hertz", 1e9),
    "1/s": ("per_second", 1.0),
}
#: Units that count something, which is what the metric's name says.
_COUNTS = frozenset({"", "count", "MACs", "FLOPs"})


class _Family(NamedTuple):
    unit: str
    help: str
    samples: List[str]


class OpenMetrics(ResultsExporter):
    """A family a metric and unit, in base units; the median over runs, of several summaries of a run's samples."""

    name = "openmetrics"
    suffixes = (".prom", ".openmetrics")

    def results(self, measured: Sequence[Exported], paper: Paper) -> str:
        """All metrics and, where they are known, the verdicts."""
        families: Dict[str, _Family] = {}
        names = _FamilyNames()
        for exported in measured:
            benchmarks = exported.results.benchmarks
            judged = [] if exported.comparison is None else exported.comparison.benchmarks
            ids = safe_names([*benchmarks, *judged])
            device = _label(exported.results.device)
            for benchmark_id, benchmark in benchmarks.items():
                labels = f'benchmark="{_escaped(ids[benchmark_id])}",device="{device}"'
                for metric in exported.chosen(benchmark, headlines=False):
                    unit, scale = _base_unit(benchmark.metrics[metric].unit)
                    family = names.of(metric, unit)
                    samples = list(_samples(family, labels, benchmark, metric, scale))
                    if samples:
                        known = families.setdefault(family, _Family(unit, _help(metric), []))
                        known.samples.extend(samples)
            for benchmark_id in judged:
                verdict = exported.verdict(benchmark_id)
                if verdict is not None:
                    known = families.setdefault(_VERDICT, _Family("", _VERDICT_HELP, []))
                    known.samples.append(
                        f'{_VERDICT}{{benchmark="{_escaped(ids[benchmark_id])}",device="{device}",'
                        f'verdict="{verdict.verdict}"}} 1'
                    )
        return "".join(f"{line}\n" for name in sorted(families) for line in _lines(name, families[name])) + "# EOF\n"


_VERDICT_HELP = "1 for the verdict of the last comparison of a benchmark."


class _FamilyNames:
    """The names of families, different ones for different metrics and units."""

    def __init__(self) -> None:
        self._owners: Dict[str, Tuple[str, str]] = {_VERDICT: ("", "")}

    def of(self, metric: str, unit: str) -> str:
        plain = _word(metric) or "metric"
        ending = f"_{unit}" if unit else ""
        start = _PREFIX + (plain[: -len(ending)] if ending and plain.endswith(ending) else plain)
        name = start + ending
        if self._owners.setdefault(name, (metric, unit)) != (metric, unit):
            name = f"{start}_{digest(metric)}{ending}"
        return name


def _base_unit(unit: str) -> Tuple[str, float]:
    """The base unit of a metric's unit as families end with it, and the factor into it."""
    if unit in _COUNTS:
        return "", 1.0
    if unit in _FACTORS:
        return _FACTORS[unit]
    for base, ours in _CONVERTED.items():
        scale = factor(unit, ours)
        if scale is not None:
            return base, scale
    return _word(unit), 1.0


def _word(text: str) -> str:
    """``text`` as a part of a family's name, which stands in each of its lines; a long one ends in a digest."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if len(plain) <= _LONGEST_WORD else f"{plain[:_LONGEST_WORD]}_{digest(text)}"


def _samples(family: str, labels: str, benchmark: Benchmark, metric: str, scale: float) -> Iterator[str]:
    sampled = has_samples(benchmark, metric)
    for summary in _SUMMARIES if sampled else ("p50",):
        figure = run_figure(benchmark, metric, summary)
        if figure is None or not figure.scaled(scale).is_finite:
            continue
        more = f',summary="{summary}"' if sampled else ""
        yield f"{family}{{{labels}{more}}} {supported(figure.scaled(scale)):.12g}"


def _lines(name: str, family: _Family) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    if family.unit:
        yield f"# UNIT {name} {family.unit}"
    yield f"# HELP {name} {family.help}"
    yield from family.samples


def _help(metric: str) -> str:
    # node_exporter insists on one text a family over all of its files.
    return f"{_plain(metric)} of benchmarks, the median over runs."


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9 ]+", " ", safe_name(text, 100)).strip() or "A metric"


def _label(text: str) -> str:
    return _escaped(safe_name(text))


def _escaped(name: str) -> str:
    return name.replace("#", r"\x23").replace("\\", r"\\").replace('"', r"\"")

"""Which published figures belong to what was measured, and what stands beside each. Nothing is judged.

A published figure belongs to a benchmark when network, framework and all other parameters agree; a precision, a
resolution or a framework that one side does not state is reported as not stated. A network is the parameter
``network`` (or ``model``), else the name of the test's function; ``MobileNet_v2`` and ``mobilenetv2`` are the same.

A size of a network stands beside what was counted in one of its benchmarks, a figure of a device or an average over
networks beside the mean over the benchmarks that it is of, and a ratio (``over``) beside that of two benchmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import mean
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from pytest_edgeperf.report.published_values import Measured, Value
from pytest_edgeperf.results.published import ANY_DEVICE
from pytest_edgeperf.results.types import Results

_NETWORK = ("network", "model")
_FRAMEWORK = "framework"
_RESOLUTION = "resolution"
#: Parameters that a paper, or a benchmark, need not state.
_MAY_BE_UNSTATED = ("precision", _RESOLUTION)
#: Tells figures of one benchmark apart, and is no parameter of it.
_PART = "part"
#: What a network is, whatever runs it; the number of parameters hardly depends on the resolution, either.
_SIZES = ("file_size", "flops", "flops_per_parameter", "layer_count", "multiply_accumulates", "parameter_count")
_AT_ANY_RESOLUTION = ("parameter_count", "layer_count")


@dataclass(frozen=True)
class Reference:
    """A published figure beside the measured one, both in the published ``unit``."""

    benchmark: str
    metric: str
    unit: str
    measured: float
    published: float
    #: Of the published figure, and where it stands.
    device: str
    paper: str
    table: str
    row: str
    #: What is known to differ, or not known, beyond what always differs.
    differs: Tuple[str, ...]

    @property
    def source(self) -> str:
        """Paper and table: ``trinh-2023 table 4.3``."""
        return f"{self.paper} {_table(self.table)}"

    @property
    def ratio(self) -> Optional[float]:
        """Measured by published; ``None`` where the published figure is zero."""
        return self.measured / self.published if self.published else None


@dataclass(frozen=True)
class Printed:
    """A published figure: of which device and parameters, and where it stands."""

    device: str
    parameters: Mapping[str, Any]
    metric: str
    value: float
    unit: str
    source: Mapping[str, Any]

    @property
    def network(self) -> str:
        """In lower-case letters and digits; empty where it names none."""
        name = self.parameters.get("network")
        return plain(name) if isinstance(name, str) else ""

    @property
    def is_of_a_benchmark(self) -> bool:
        """Whether it says of what: a network, a task, …"""
        return bool(set(self.parameters) - {_FRAMEWORK, *_MAY_BE_UNSTATED, _PART})

    @property
    def is_size(self) -> bool:
        """Whether it is of the network, or of its file for a framework, whatever it is measured for."""
        return self.metric in _SIZES


def references(measured: Results, published: Iterable[Results]) -> List[Reference]:
    """The published figures that belong to what was measured, benchmark by benchmark.

    Figures of another device are taken too, and say so; only there may the processor differ (``torch:cuda`` beside
    ``torch``). Which files are given is the caller's choice: see :func:`results.published.published_of`.
    """
    figures = [figure for file in published for figure in _printed(file)]
    values = Measured(measured)
    of_benchmark: Dict[str, List[Reference]] = {name: [] for name in measured.benchmarks}
    known = set()
    for reference in (*_of_benchmarks(measured, figures, values), *_of_others(measured, figures, values)):
        key = (
            reference.benchmark,
            reference.metric,
            reference.device,
            reference.source,
            reference.row,
            reference.published,
        )
        if key not in known:
            known.add(key)
            of_benchmark[reference.benchmark].append(reference)
    return [reference for group in of_benchmark.values() for reference in group]


def network(benchmark_id: str, parameters: Mapping[str, Any]) -> str:
    """The network that a benchmark measures, in lower-case letters and digits."""
    for name in _NETWORK:
        if isinstance(parameters.get(name), str):
            return plain(parameters[name])
    function = benchmark_id.partition("[")[0].rpartition("::")[2]
    return plain(function[5:] if function.startswith("test_") else function)


def plain(text: str) -> str:
    """A network's name in lower-case letters and digits."""
    return "".join(character for character in text.lower() if character.isalnum())


def _printed(file: Results) -> Iterator[Printed]:
    for benchmark in file.benchmarks.values():
        for run in benchmark.runs:
            for metric, value in run.values.items():
                if run.source is not None and not isinstance(value, Mapping):
                    unit = benchmark.metrics[metric].unit
                    yield Printed(file.device, benchmark.parameters, metric, value, unit, run.source)


def _of_benchmarks(measured: Results, figures: Sequence[Printed], values: Measured) -> Iterator[Reference]:
    """Those that belong to single benchmarks."""
    by_network: Dict[str, List[Printed]] = {}
    for figure in figures:
        if figure.is_of_a_benchmark and not figure.is_size:
            by_network.setdefault(figure.network, []).append(figure)
    for name, benchmark in measured.benchmarks.items():
        ours = network(name, benchmark.parameters)
        for figure in (*by_network.get(ours, ()), *(by_network.get("", ()) if ours else ())):
            differs = _difference(benchmark.parameters, figure, same_device=measured.device == figure.device)
            value = None if differs is None else values.beside(name, figure.metric, figure.unit, figure.source)
            if differs is not None and value is not None:
                yield _reference(name, figure, value, differs)


def _of_others(measured: Results, figures: Sequence[Printed], values: Measured) -> Iterator[Reference]:
    """Those of a network, whatever runs it; of a framework over a paper's networks; and of a device."""
    of_network: Dict[str, List[str]] = {}
    for name, benchmark in measured.benchmarks.items():
        of_network.setdefault(network(name, benchmark.parameters), []).append(name)
    for figure in figures:
        if figure.is_size:
            yield from _size(measured, of_network.get(figure.network, ()), figure, values)
        elif not figure.is_of_a_benchmark:
            yield from _average(measured, figure, figures, values)


def _size(measured: Results, names: Sequence[str], figure: Printed, values: Measured) -> Iterator[Reference]:
    """Beside the benchmark of its network that counts it and fits best, of the printed resolution if there is one."""
    fitting: List[Tuple[int, Reference]] = []
    for name in names:
        value = values.beside(name, figure.metric, figure.unit, figure.source)
        fit = _fit(measured.benchmarks[name].parameters, figure)
        if value is not None and fit is not None:
            rank, remark = fit
            fitting.append((rank, _reference(name, figure, value, (remark,))))
    if fitting:
        yield min(fitting, key=lambda one: one[0])[1]


def _fit(parameters: Mapping[str, Any], figure: Printed) -> Optional[Tuple[int, str]]:
    """How well a benchmark's input is that of a size, the best first, and what to say; ``None`` where it is another."""
    if figure.parameters.get(_FRAMEWORK, parameters.get(_FRAMEWORK)) != parameters.get(_FRAMEWORK):
        return None
    here, there = parameters.get(_RESOLUTION), figure.parameters.get(_RESOLUTION)
    if str(here) == str(there):
        return 0, ""
    if there is None:
        return 1, f"resolution {here} here, not stated there"
    if here is None and set(parameters) <= {*_NETWORK, _FRAMEWORK, *_MAY_BE_UNSTATED}:
        return 2, f"resolution {there} there"
    if figure.metric in _AT_ANY_RESOLUTION:
        return 3, f"resolution {'not stated' if here is None else here} here, {there} there"
    return None


def _average(measured: Results, figure: Printed, figures: Sequence[Printed], values: Measured) -> Iterator[Reference]:
    """The mean over the benchmarks of the framework and of the paper's networks, or, without a framework, over all."""
    paper = figure.source["paper"]
    networks = {printed.network for printed in figures if printed.source["paper"] == paper}
    beside: Dict[str, Value] = {}
    differs: Tuple[str, ...] = ()
    for name, benchmark in measured.benchmarks.items():
        if _FRAMEWORK in figure.parameters:
            if network(name, benchmark.parameters) not in networks:
                continue
            same = measured.device == figure.device
            remarks = _of_framework(benchmark.parameters.get(_FRAMEWORK), figure, same_device=same)
            if remarks is None:
                continue
            differs = remarks
        value = values.beside(name, figure.metric, figure.unit, figure.source)
        if value is not None:
            beside[name] = value
    if beside:
        first = next(iter(beside.values()))
        count = f"mean over {len(beside)} benchmarks here" if len(beside) > 1 else "of one benchmark here"
        average = replace(first, number=mean(known.number for known in beside.values()))
        yield _reference(next(iter(beside)), figure, average, (*differs, count))


def _reference(name: str, figure: Printed, value: Value, differs: Sequence[str]) -> Reference:
    source = figure.source
    word = source.get("printed_as")
    remarks = (*value.remarks, *differs, f'printed as "{word}"' if word else "", source.get("note"))
    return Reference(
        name,
        figure.metric,
        figure.unit,
        value.number,
        figure.value,
        figure.device,
        str(source["paper"]),
        str(source["table"]),
        str(source["row"]),
        tuple(str(remark) for remark in remarks if remark),
    )


def _difference(parameters: Mapping[str, Any], figure: Printed, *, same_device: bool) -> Optional[Tuple[str, ...]]:
    """What differs between a benchmark and a figure that are the same otherwise; ``None`` where they are not."""
    differs = _of_framework(parameters.get(_FRAMEWORK), figure, same_device=same_device)
    if differs is None:
        return None
    here, there = _others(parameters), _others(figure.parameters)
    for name in sorted({*here, *there}):
        if here.get(name) == there.get(name):
            continue
        if name not in _MAY_BE_UNSTATED or (name in here and name in there):
            return None
        stated = f"{name} {here[name]} here, not stated there" if name in here else f"{name} {there[name]} there"
        differs = (*differs, stated)
    return differs


def _of_framework(ours: Any, figure: Printed, *, same_device: bool) -> Optional[Tuple[str, ...]]:
    theirs = figure.parameters.get(_FRAMEWORK)
    if ours is None or ours == theirs:
        return () if ours == theirs else None
    if theirs is None:
        return (f"framework {ours} here, not stated there",)
    if same_device or str(ours).partition(":")[0] != str(theirs).partition(":")[0]:
        return None
    return () if figure.device == ANY_DEVICE else (f"{theirs} there, {ours} here",)


def _others(parameters: Mapping[str, Any]) -> Dict[str, str]:
    left_out = (*_NETWORK, _FRAMEWORK, _PART)
    return {name: str(value) for name, value in parameters.items() if name not in left_out}


def _table(table: str) -> str:
    numbered = all(character in "0123456789IVX." for character in table)
    return f"table {table}" if numbered else table

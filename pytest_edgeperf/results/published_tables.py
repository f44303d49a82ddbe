"""Tables of published figures: a CSV file with one figure a row, and the results files that are made from it.

The first line names the columns. A row needs ``benchmark``, ``metric``, ``value``, ``unit`` (empty for a ratio),
``device``, and its source: ``paper``, ``table`` and ``row``. It may have ``framework``, ``precision``, ``column`` (of
the paper's table), ``date`` (of publication: ``2023``, ``2023-04`` or ``2023-04-17``), ``note``, ``printed_as`` (the
paper's word where a parameter has the benchmarks'), and ``of`` and ``over``, from which it says what a figure follows
(see :mod:`results.derived_figures`). Any other column is a parameter of the benchmark, such as ``network``,
``resolution`` or ``stride``; an empty cell means that it has none. Values are kept as printed, in the unit that is
printed.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple, Union

from .atomic_files import locked
from .derived_figures import formula, other
from .errors import InvalidError, ResultsError
from .merging import environment_key
from .published_vocabulary import PUBLISHED_METRICS, UNITS, Vocabulary, convert
from .reading import RESERVED, SOURCE_FIELDS, read
from .types import Benchmark, Metric, Results, Run
from .validation import check_value
from .writing import write

#: Of which measured figures a published one is made.
DERIVED = ("of", "over")
NEEDED = ("benchmark", "metric", "value", "unit", "device", *SOURCE_FIELDS)
#: Columns that a table may have and that are no parameter, beside those of the parameters with a meaning of their own.
OPTIONAL = ("column", "date", "note", *DERIVED, "printed_as")
NAMED_PARAMETERS = ("framework", "precision")
_MAY_BE_EMPTY = frozenset({"unit", "device"})

_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_DEVICE = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?\Z")

Parameter = Union[str, int, float]
PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Figure:
    """One row of a table: a number, what it is of, and where it is printed. ``device`` may be empty."""

    benchmark: str
    metric: str
    better: str
    value: Union[int, float]
    unit: str
    device: str
    parameters: Mapping[str, Parameter]
    source: Mapping[str, str]
    date: str
    #: File and line, for errors.
    place: str = field(compare=False)

    @property
    def id(self) -> str:
        """The benchmark with its parameters: ``trinh-2023::image_classification[onnxruntime-resnet18-224]``."""
        unnamed = ("framework", "precision", "network", "resolution")
        parts = [str(value) if name in unnamed else f"{name}={value}" for name, value in self.parameters.items()]
        return f"{self.benchmark}[{'-'.join(parts)}]" if parts else self.benchmark


def table_files(paths: Iterable[PathLike]) -> List[Path]:
    """The files among ``paths``, and in place of each folder the CSV files in it, by name.

    Raises:
        ResultsError: a folder holds none.
    """
    files: List[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(path.glob("*.csv"))
        if not inside:
            raise ResultsError(f"{path}: the folder holds no .csv file; name a table")
        files += inside
    return files


def read_table(path: PathLike, vocabulary: Vocabulary) -> List[Figure]:
    """The figures of a CSV file, row by row.

    Raises:
        ResultsError: the file cannot be read, or a cell cannot be used; the message names file, line, column and
            remedy.
    """
    source = os.fspath(path)
    try:
        text = Path(source).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ResultsError(f"{source}: byte {error.start} is not UTF-8; save the table as UTF-8") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ResultsError(f"{source}: the table cannot be read ({why}); check the path") from None
    rows = _rows(text, source)
    header = next(rows, None)
    if header is None:
        raise ResultsError(f"{source}: the table is empty; its first line names the columns: {', '.join(NEEDED)}, …")
    names = _columns(header[1], source)
    figures = [_figure(dict(zip(names, cells)), vocabulary, place) for place, cells in _checked(rows, names, source)]
    if not figures:
        raise ResultsError(f"{source}: the table has no rows; write one figure on each line after the first")
    _refuse_repeated(figures)
    return figures


def collect(figures: Iterable[Figure], devices: Sequence[str] = ()) -> Dict[str, Results]:
    """Results by device: of ``devices``, or of all that the figures name.

    Where one device is given, figures that name none are of it.

    Raises:
        ResultsError: a figure names no device, or a device no figure; two figures are the same benchmark's.
    """
    by_device: Dict[str, List[Figure]] = {device: [] for device in devices}
    for figure in figures:
        device = figure.device or (devices[0] if len(devices) == 1 else "")
        if not device:
            raise ResultsError(
                f"{figure.place}, column device: it is empty; name the device there or with a single --device"
            )
        if not devices or device in by_device:
            by_device.setdefault(device, []).append(figure)
    results = {}
    for device, of_device in by_device.items():
        if not of_device:
            raise ResultsError(f"no row of the tables names the device {device}; check the name")
        _refuse_repeated(of_device)
        results[device] = _results(device, of_device)
    return results


def check_replaceable(path: PathLike) -> None:
    """Insist that nothing measured is lost when ``path`` is written.

    Raises:
        ResultsError: there is a file that is no file of published figures.
    """
    if not os.path.lexists(path):
        return
    runs = [run for benchmark in read(path).benchmarks.values() for run in benchmark.runs]
    if any(run.source is None for run in runs):
        raise ResultsError(
            f"{os.fspath(path)}: the file contains measured runs, which an import would replace; choose another file"
        )


def write_table(path: PathLike, results: Results) -> None:
    """Write the figures of a table, and lose nothing measured by it.

    Raises:
        ResultsError: the file holds something else, or cannot be written.
    """
    with locked(path):
        check_replaceable(path)
        write(path, results)


def _rows(text: str, source: str) -> Iterator[Tuple[int, List[str]]]:
    """The lines that are not blank, each with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise ResultsError(f"{source}, line {reader.line_num}: it is not CSV ({error}); check its quotes") from None


def _columns(header: Sequence[str], source: str) -> Sequence[str]:
    known = (*NEEDED, *OPTIONAL, *NAMED_PARAMETERS)
    for name in header:
        if name not in known and not _NAME.match(name):
            raise ResultsError(f"{source}, line 1: {name!r} cannot name a column; use lower-case letters, digits and _")
        if header.count(name) > 1:
            raise ResultsError(f"{source}, line 1: the column {name} appears twice; remove one")
        close = get_close_matches(name, known, n=1, cutoff=0.8)
        if name in RESERVED or (close and name not in known):
            hint = f"did you mean {close[0]}?" if close else "the name is reserved in results files"
            raise ResultsError(f"{source}, line 1: {name} is not a valid parameter name: {hint}")
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise ResultsError(f"{source}, line 1: the column {missing[0]} is missing; needed are {', '.join(NEEDED)}")
    return header


def _checked(
    rows: Iterable[Tuple[int, List[str]]], names: Sequence[str], source: str
) -> Iterator[Tuple[str, List[str]]]:
    for line, cells in rows:
        place = f"{source}, line {line}"
        if len(cells) != len(names):
            raise ResultsError(f"{place}: {len(cells)} cells instead of {len(names)}; quote cells that contain a comma")
        for name, cell in zip(names, cells):
            if name in NEEDED and name not in _MAY_BE_EMPTY and not cell:
                raise ResultsError(f"{place}, column {name}: it is empty; fill it in")
            if not cell.isprintable():
                raise ResultsError(f"{place}, column {name}: {cell!r} is not printable; write it on one line")
        yield place, cells


def _figure(row: Mapping[str, str], vocabulary: Vocabulary, place: str) -> Figure:
    def refuse(column: str, problem: str) -> ResultsError:
        return ResultsError(f"{place}, column {column}: {row[column]!r} {problem}")

    metric = vocabulary.metric(row["metric"])
    if metric is None:
        known = sorted({*vocabulary.metrics, *PUBLISHED_METRICS})
        close = get_close_matches(row["metric"], known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"
        raise refuse("metric", f"is not a metric: {hint}")
    value = _number(row["value"])
    if value is None:
        raise refuse("value", "is not a number; write its digits with a point and nothing else, such as 1234.5")
    try:
        check_value(row["metric"], value)
    except InvalidError as error:
        raise ResultsError(f"{place}, column value: {error.problem}") from None
    if convert(value, row["unit"], metric.unit) is None:
        fitting = [unit or "nothing" for unit in UNITS if convert(1.0, unit, metric.unit) is not None]
        raise refuse("unit", f"is not a unit of {row['metric']}; use {' or '.join(fitting or [metric.unit])}")
    if row["device"] and not _DEVICE.match(row["device"]):
        raise refuse("device", "is not a device's name; use lower-case letters, digits and -, as edgeperf devices does")
    if row.get("precision") and row["precision"] not in vocabulary.precisions:
        raise refuse(
            "precision", f"is not a precision; use one of {', '.join(vocabulary.precisions)}, or leave it empty"
        )
    if row.get("date") and not _DATE.match(row["date"]):
        raise refuse("date", "is not a date; write 2023, 2023-04 or 2023-04-17")
    for column, parse in (("of", formula), ("over", other)):
        try:
            if row.get(column):
                parse(row[column])
        except ValueError as error:
            raise refuse(column, str(error)) from None
    parameters = [*NAMED_PARAMETERS, *(name for name in row if name not in (*NEEDED, *OPTIONAL, *NAMED_PARAMETERS))]
    return Figure(
        benchmark=row["benchmark"],
        metric=row["metric"],
        better=metric.better,
        value=value,
        unit=row["unit"],
        device=row["device"],
        parameters={name: _parameter(row[name]) for name in parameters if row.get(name)},
        source={name: row[name] for name in (*SOURCE_FIELDS, *OPTIONAL) if name != "date" and row.get(name)},
        date=row.get("date", ""),
        place=place,
    )


def _number(text: str) -> Union[int, float, None]:
    if not _NUMBER.match(text) or not math.isfinite(float(text)):
        return None
    return float(text) if set(text) & set(".eE") else int(text)


def _parameter(text: str) -> Parameter:
    value = _number(text)
    return text if value is None or str(value) != text else value


def _refuse_repeated(figures: Iterable[Figure]) -> None:
    known: Dict[Tuple[str, str], Figure] = {}
    metrics: Dict[Tuple[str, str, str], Figure] = {}
    for figure in figures:
        first = known.setdefault((figure.device, figure.id), figure)
        if dict(first.parameters) != dict(figure.parameters):
            raise ResultsError(
                f"{figure.place}: {figure.id} is also the name of other parameters ({first.place}); "
                "rename one of the benchmarks"
            )
        same = metrics.setdefault((figure.device, figure.id, figure.metric), figure)
        if same is not figure:
            raise ResultsError(
                f"{figure.place}: {figure.metric} of {figure.id} is also in {same.place}; remove one of the rows, or "
                "add a column that distinguishes them"
            )


def _results(device: str, figures: Sequence[Figure]) -> Results:
    environments: Dict[str, Any] = {}
    grouped: Dict[str, List[Figure]] = {}
    for figure in figures:
        grouped.setdefault(figure.id, []).append(figure)
    benchmarks = {}
    for name, members in grouped.items():
        runs = []
        for figure in members:
            environment = {"fingerprint": {"device": device}, "published": {"paper": figure.source["paper"]}}
            key = environment_key(environment)
            environments[key] = environment
            values = {figure.metric: figure.value}
            runs.append(Run(key, figure.date, figure.source["paper"], values, source=figure.source))
        metrics = {figure.metric: Metric(figure.unit, figure.better) for figure in members}
        benchmarks[name] = Benchmark(members[0].parameters, metrics, tuple(runs))
    return Results(device, environments, benchmarks)

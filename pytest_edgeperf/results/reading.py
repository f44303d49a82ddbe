"""Read a results file: the dataclasses are built and checked in one pass; jsonschema only phrases errors."""

from __future__ import annotations

import gc
import os
import re
from contextlib import contextmanager
from math import isfinite
from typing import Any, Dict, Iterator, List, Mapping, Tuple, Union

from .answers import MARGIN, with_repeats
from .copies import distinct
from .decoding import RESTORE, decode, file_bytes
from .errors import InvalidError, ResultsError, phrase
from .types import HIGHER, LOWER, Benchmark, Metric, Results, Run

FORMAT = "edgeperf-results"
VERSION = 1
#: The fields of a run that are not metrics.
RESERVED = frozenset({"environment", "started", "session", "boot", "commit", "reason", "quality", "source"})
#: What the source of a published figure must tell.
SOURCE_FIELDS = ("paper", "table", "row")
#: A benchmark's list of runs that no refresh changes, kept as plain JSON in ``Benchmark.extra``.
ANCHOR = "anchor"

_LARGEST = 1.7976931348623157e308
_FLOATS = frozenset({float})
_SUMMARY_NUMBER = re.compile(r"(n|mean|sd|min|max|p[0-9]+)\Z")


def read(path: Union[str, os.PathLike[str]]) -> Results:
    """The content of a results file.

    Raises:
        ResultsError: the file is missing, unreadable, corrupt, of another format or newer than we are.
    """
    source = os.fspath(path)
    data = file_bytes(source)
    with collector_paused():
        return parse(decode(data, source), source)


def parse(obj: Any, source: str = "results") -> Results:
    """Results from the object that ``json.load`` returns; Results are passed through as they are.

    The object's parts are used, not copied. ``source`` names the object in errors.

    Raises:
        ResultsError: the object is not what the schema says.
    """
    if isinstance(obj, Results):
        return obj
    _check_format(obj, source)
    try:
        return construct(obj)
    except InvalidError as error:
        raise ResultsError(f"{source}: {phrase(error)}; {RESTORE}") from None
    except RecursionError:
        raise ResultsError(f"{source}: it is nested too deeply; {RESTORE}") from None


def construct(obj: Any) -> Results:
    """The dataclasses of a document, with every check.

    Raises:
        InvalidError: with the place of the first thing that is wrong.
    """
    if not isinstance(obj, dict):
        raise InvalidError(f"{_kind(obj)} instead of an object", value=obj, definition="results")
    if obj.get("format") != FORMAT or not _is_version(obj.get("version")):
        raise InvalidError(f"not format {FORMAT}, version {VERSION}")
    for name in ("device", "environments", "benchmarks"):
        if name not in obj:
            raise InvalidError(f"{name!r} is missing")
    device = obj["device"]
    if not isinstance(device, str) or not device:
        raise InvalidError("not the name of a device", ["device"])
    environments = _environments(obj["environments"])
    benchmarks = _object(obj["benchmarks"], "benchmarks")
    built: Dict[str, Benchmark] = {}
    for name, raw in benchmarks.items():
        try:
            built[name] = _benchmark(raw, environments)
        except InvalidError as error:
            raise error.under("benchmarks", name) from None
    extra = _rest(obj, ("format", "version", "device", "environments", "benchmarks"))
    return Results(device, environments, built, extra)


def construct_runs(raws: Any, metrics: Mapping[str, Metric], environments: Mapping[str, Any]) -> List[Run]:
    """The runs of a document's list: a tight loop, as files hold many.

    Raises:
        InvalidError: with the index and place of the first thing that is wrong.
    """
    if not isinstance(raws, list):
        raise InvalidError(f"{_kind(raws)} instead of a list of runs")
    runs: List[Run] = []
    accuracies = [name for name, metric in metrics.items() if MARGIN in metric.extra]
    if accuracies and all(isinstance(raw, dict) for raw in raws):
        raws = with_repeats(raws, accuracies)
    try:
        for raw in raws:
            if not isinstance(raw, dict):
                raise InvalidError(f"{_kind(raw)} instead of a run", value=raw, definition="run")
            values: Dict[str, Any] = {}
            extra: Dict[str, Any] = {}
            for name, value in raw.items():
                if name in RESERVED:
                    continue
                if name in metrics:
                    if isinstance(value, dict):
                        _check_summary(name, value)
                    elif not _is_number(value):
                        raise InvalidError(_not_finite(value), [name], value=value, definition="value")
                    values[name] = value
                else:
                    _check_plain(value, name)
                    extra[name] = value
            environment = raw.get("environment")
            started = raw.get("started")
            session = raw.get("session")
            boot = raw.get("boot", "")
            commit = raw.get("commit", "")
            reason = raw.get("reason", "")
            if not (
                isinstance(environment, str)
                and isinstance(started, str)
                and isinstance(session, str)
                and isinstance(boot, str)
                and isinstance(commit, str)
                and isinstance(reason, str)
            ):
                raise InvalidError(
                    "environment, started and session are needed, and all of its names are texts",
                    value=raw,
                    definition="run",
                )
            if environment not in environments:
                raise InvalidError(f"{environment!r} is not among the file's environments", ["environment"])
            quality = raw.get("quality")
            if quality is not None or "quality" in raw:
                _check_quality(quality)
            source = raw.get("source")
            if source is not None or "source" in raw:
                _check_source(source)
            runs.append(
                Run(
                    environment,
                    started,
                    session,
                    values,
                    raw.get("boot"),
                    raw.get("commit"),
                    raw.get("reason"),
                    quality,
                    extra,
                    source,
                )
            )
    except InvalidError as error:
        raise error.under(len(runs)) from None
    return runs


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection inside: all of a large file's objects stay, and looking again costs seconds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_format(obj: Any, source: str) -> None:
    if not isinstance(obj, dict):
        raise ResultsError(f"{source}: this is {_kind(obj)} and not a results file of pytest-edgeperf; check the path")
    if obj.get("format") != FORMAT:
        if "machine_info" in obj and isinstance(obj.get("benchmarks"), list):
            raise ResultsError(
                f"{source}: this is a file of pytest-benchmark and not of pytest-edgeperf; "
                "run its tests with --baseline=refresh to measure and accept them here"
            )
        raise ResultsError(
            f'{source}: this is not a results file of pytest-edgeperf ("format" is not "{FORMAT}"); check the path'
        )
    version: Any = obj.get("version")
    if _is_version(version):
        return
    if _is_number(version) and version > VERSION:
        raise ResultsError(
            f"{source}: version {version!r} was written by a newer pytest-edgeperf; upgrade pytest-edgeperf to read it"
        )
    shown = "is missing" if "version" not in obj else f"is {_kind(version)} other than {VERSION}"
    raise ResultsError(f"{source}: version {shown}; {RESTORE}")


def _environments(raw: Any) -> Dict[str, Any]:
    environments = _object(raw, "environments")
    for key, environment in environments.items():
        for section, fields in _object(environment, "environments", key).items():
            for name, value in _object(fields, "environments", key, section).items():
                _check_plain(value, "environments", key, section, name)
    return environments


def _benchmark(raw: Any, environments: Mapping[str, Any]) -> Benchmark:
    if not isinstance(raw, dict) or "metrics" not in raw or "runs" not in raw:
        raise InvalidError("metrics and runs are needed", value=_shell(raw), definition="benchmark")
    metrics: Dict[str, Metric] = {}
    for name, metric in _object(raw["metrics"], "metrics").items():
        if name in RESERVED:
            raise InvalidError("this name is reserved for a field of runs, not for a metric", ["metrics", name])
        try:
            metrics[name] = _metric(metric)
        except InvalidError as error:
            raise error.under("metrics", name) from None
    parameters = _object(raw.get("parameters", {}), "parameters")
    for name, value in parameters.items():
        _check_plain(value, "parameters", name)
    try:
        runs = construct_runs(raw["runs"], metrics, environments)
    except InvalidError as error:
        raise error.under("runs") from None
    extra = _rest(raw, ("metrics", "parameters", "runs", ANCHOR))
    if ANCHOR in raw:
        try:
            construct_runs(raw[ANCHOR], metrics, environments)
        except InvalidError as error:
            raise error.under(ANCHOR) from None
        extra[ANCHOR] = raw[ANCHOR]
    return Benchmark(parameters, metrics, tuple(distinct(runs)), extra)


def _metric(raw: Any) -> Metric:
    if (
        not isinstance(raw, dict)
        or not isinstance(raw.get("unit"), str)
        or raw.get("better", LOWER) not in (LOWER, HIGHER)
    ):
        raise InvalidError("a unit is needed, and better is lower or higher", value=raw, definition="metric")
    if MARGIN in raw and not (_is_number(raw[MARGIN]) and raw[MARGIN] >= 0):
        raise InvalidError("not a number of at least 0", [MARGIN], value=raw[MARGIN])
    return Metric(raw["unit"], raw.get("better", LOWER), _rest(raw, ("unit", "better")))


def _check_summary(metric: str, summary: Dict[str, Any]) -> None:
    for name, value in summary.items():
        kind = type(value)
        if (kind is float or kind is int) and -_LARGEST <= value <= _LARGEST:
            continue
        if name == "block_sd" and isinstance(value, dict):
            for part, number in value.items():
                kind = type(number)
                if (kind is float or kind is int) and -_LARGEST <= number <= _LARGEST:
                    continue
                if not _SUMMARY_NUMBER.match(part):
                    _check_plain(number, metric, name, part)
                elif not _is_number(number):
                    raise InvalidError(_not_finite(number), [metric, name, part], value=number, definition="number")
        elif _SUMMARY_NUMBER.match(name):
            if not _is_number(value):
                raise InvalidError(_not_finite(value), [metric, name], value=value, definition="number")
        else:
            _check_plain(value, metric, name)
    if not isinstance(summary.get("block_sd", summary), dict):
        raise InvalidError("not an object of numbers", [metric], value=summary, definition="value")
    n: Any = summary.get("n")
    if not ((type(n) is int or _is_number(n)) and n >= 1 and n == n // 1):
        problem = "a summary needs n, the number of samples: an integer of at least 1"
        raise InvalidError(problem, [metric], value=summary, definition="summary")


def _check_quality(quality: Any) -> None:
    if not isinstance(quality, dict) or not isinstance(quality.get("disturbed", False), bool):
        raise InvalidError(
            "not an object with disturbed true or false",
            value={"environment": "", "started": "", "session": "", "quality": quality},
            definition="run",
        )
    for name, value in quality.items():
        kind = type(value)
        if kind is bool or (kind is float and -_LARGEST <= value <= _LARGEST):
            continue
        _check_plain(value, "quality", name)


def _check_source(source: Any) -> None:
    if not isinstance(source, dict) or not all(isinstance(source.get(name), str) for name in SOURCE_FIELDS):
        raise InvalidError(
            "not an object with the texts paper, table and row",
            value={"environment": "", "started": "", "session": "", "source": source},
            definition="run",
        )
    for name, value in source.items():
        _check_plain(value, "source", name)


def _check_plain(value: Any, *path: str) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is float or kind is int:
        if not -_LARGEST <= value <= _LARGEST:
            raise InvalidError(_not_finite(value), path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InvalidError(f"the name {name!r} is not a text", path)
            try:
                _check_plain(inner)
            except InvalidError as error:
                raise error.under(*path, name) from None
    elif isinstance(value, list):
        if _FLOATS.issuperset(map(type, value)) and isfinite(sum(value)):
            return
        for index, inner in enumerate(value):
            try:
                _check_plain(inner)
            except InvalidError as error:
                raise error.under(*path, index) from None
    elif not isinstance(value, str) and not _is_number(value):
        raise InvalidError(f"{_kind(value)} cannot be part of a results file", path)


def _object(raw: Any, *path: str) -> Dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidError(f"{_kind(raw)} instead of an object", path)
    return raw


def _rest(raw: Mapping[str, Any], known: Tuple[str, ...]) -> Dict[str, Any]:
    extra = {name: value for name, value in raw.items() if name not in known}
    for name, value in extra.items():
        _check_plain(value, name)
    return extra


def _shell(raw: Any) -> Any:
    # Which fields are missing is all that the schema is asked, and runs can be many.
    return {name: [] if name == "runs" else {} for name in raw} if isinstance(raw, dict) else raw


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and value is not True
        and value is not False
        and (-_LARGEST <= value <= _LARGEST)
    )


def _is_version(value: Any) -> bool:
    return _is_number(value) and bool(value == VERSION)


def _not_finite(value: Any) -> str:
    shown = value if isinstance(value, float) else _kind(value)
    return f"{shown} instead of a finite number"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = ((bool, "a truth value"), (str, "a text"), (list, "a list"), (dict, "an object"))
    for kind, name in names:
        if isinstance(value, kind):
            return name
    return "a number" if isinstance(value, (int, float)) else f"a Python {type(value).__name__}"

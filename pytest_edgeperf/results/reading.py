"""Read a results file: the dataclasses are built and checked in one pass; jsonschema only phrases errors."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Dict, Iterator, List, Mapping, Tuple, Union

from .decoding import RESTORE, decode, file_bytes
from .duplicates import distinct
from .errors import InvalidError, ResultsError, phrase
from .example_answers import ALL_THRESHOLDS, with_repeats
from .explanations import Explanation
from .gate import Gate
from .loaded import check_references, from_stored
from .misspellings import misspelt, refuse_misspelt
from .study_definitions import Place, Study
from .types import HIGHER, LOWER, METRIC_FIELDS, Against, Benchmark, Metric, Results, Run
from .validation import check_plain, check_quality, check_value, is_number, kind_of

FORMAT = "edgeperf-results"
VERSION = 1
#: The fields of a run that are not metrics.
RESERVED = frozenset({"environment", "started", "session", "boot", "commit", "reason", "quality", "source", "loaded"})
#: What the source of a published figure must name.
SOURCE_FIELDS = ("paper", "table", "row")
_OF_THE_SESSION = ("studies", "gate", "allowed_differences", "against", "explanations", "loaded", "loaded_sections")
_OF_A_BENCHMARK = ("metrics", "parameters", "runs", "anchor", "study")
_OF_AGAINST = ("label", "commit", "benchmarks")


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
        raise InvalidError(f"{kind_of(obj)} instead of an object", value=obj, definition="results")
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
    loaded = from_stored(obj.get("loaded", {}), obj.get("loaded_sections", {}))
    check_references(built, loaded)
    extra = _rest(obj, ("format", "version", "device", "environments", "benchmarks", *_OF_THE_SESSION))
    return Results(
        device,
        environments,
        built,
        extra,
        {name: _study(name, study) for name, study in _object(obj.get("studies", {}), "studies").items()},
        _gate(obj["gate"]) if "gate" in obj else None,
        _allowed_differences(obj.get("allowed_differences", [])),
        _against(obj["against"]) if "against" in obj else None,
        explanations=_explanations(obj.get("explanations", {})),
        loaded=loaded,
    )


def construct_runs(raws: Any, metrics: Mapping[str, Metric], environments: Mapping[str, Any]) -> List[Run]:
    """The runs of a document's list: a tight loop, as files hold many.

    Raises:
        InvalidError: with the index and place of the first thing that is wrong.
    """
    if not isinstance(raws, list):
        raise InvalidError(f"{kind_of(raws)} instead of a list of runs")
    runs: List[Run] = []
    accuracies = [name for name, metric in metrics.items() if metric.is_accuracy]
    if accuracies and all(isinstance(raw, dict) for raw in raws):
        raws = with_repeats(raws, accuracies)
    try:
        for raw in raws:
            if not isinstance(raw, dict):
                raise InvalidError(f"{kind_of(raw)} instead of a run", value=raw, definition="run")
            values: Dict[str, Any] = {}
            extra: Dict[str, Any] = {}
            for name, value in raw.items():
                if name in RESERVED:
                    continue
                if name in metrics:
                    check_value(name, value)
                    values[name] = value
                else:
                    check_plain(value, name)
                    extra[name] = value
            if extra:
                _refuse_misspelt_in_run(extra, raw, metrics)
            environment = raw.get("environment")
            started = raw.get("started")
            session = raw.get("session")
            boot = raw.get("boot", "")
            commit = raw.get("commit", "")
            reason = raw.get("reason", "")
            loaded = raw.get("loaded", "")
            if not (
                isinstance(environment, str)
                and isinstance(started, str)
                and isinstance(session, str)
                and isinstance(boot, str)
                and isinstance(commit, str)
                and isinstance(reason, str)
                and isinstance(loaded, str)
            ):
                raise InvalidError(
                    "environment, started and session are needed, and all of its names are strings",
                    value=raw,
                    definition="run",
                )
            if environment not in environments:
                raise InvalidError(f"{environment!r} is not among the file's environments", ["environment"])
            quality = raw.get("quality")
            if quality is not None or "quality" in raw:
                check_quality(quality)
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
                    raw.get("loaded"),
                )
            )
    except InvalidError as error:
        raise error.under(len(runs)) from None
    return runs


def _refuse_misspelt_in_run(extra: Mapping[str, Any], raw: Mapping[str, Any], metrics: Mapping[str, Metric]) -> None:
    """Refuse an unknown field that is a misspelt one, or holds the value of a metric whose name is misspelt."""
    refuse_misspelt(extra, [name for name in RESERVED if name not in raw])
    absent = [name for name in metrics if name not in raw]
    for name, value in extra.items():
        if isinstance(value, (dict, float, int)):
            right = misspelt(name, absent)
            if right is not None:
                raise InvalidError(f"it is not among the benchmark's metrics; did you mean {right}?", [name])


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection inside: all of a large file's objects stay, and looking at them costs seconds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():
                # All that is new is old now, so that it is not looked through at the next object that is made.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def _check_format(obj: Any, source: str) -> None:
    if not isinstance(obj, dict):
        raise ResultsError(f"{source}: this is {kind_of(obj)}, not a results file of pytest-edgeperf; check the path")
    if obj.get("format") != FORMAT:
        if "machine_info" in obj and isinstance(obj.get("benchmarks"), list):
            raise ResultsError(
                f"{source}: this is a file of pytest-benchmark, not of pytest-edgeperf; "
                "run its tests with --baseline=refresh to measure and accept them here"
            )
        raise ResultsError(
            f'{source}: this is not a results file of pytest-edgeperf ("format" is not "{FORMAT}"); check the path'
        )
    version: Any = obj.get("version")
    if _is_version(version):
        return
    if is_number(version) and version > VERSION:
        raise ResultsError(
            f"{source}: version {version!r} was written by a newer pytest-edgeperf; upgrade pytest-edgeperf to read it"
        )
    shown = "is missing" if "version" not in obj else f"is {kind_of(version)} other than {VERSION}"
    raise ResultsError(f"{source}: version {shown}; {RESTORE}")


def _environments(raw: Any) -> Dict[str, Any]:
    environments = _object(raw, "environments")
    for key, environment in environments.items():
        for section, fields in _object(environment, "environments", key).items():
            for name, value in _object(fields, "environments", key, section).items():
                check_plain(value, "environments", key, section, name)
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
        check_plain(value, "parameters", name)
    try:
        runs = construct_runs(raw["runs"], metrics, environments)
    except InvalidError as error:
        raise error.under("runs") from None
    extra = _rest(raw, _OF_A_BENCHMARK)
    try:
        anchor = construct_runs(raw.get("anchor", []), metrics, environments)
    except InvalidError as error:
        raise error.under("anchor") from None
    place = _place(raw["study"]) if raw.get("study") is not None else None
    return Benchmark(parameters, metrics, tuple(distinct(runs)), extra, place, tuple(anchor))


def _place(stored: Any) -> Place:
    raw = _object(stored, "study")
    for name, value in raw.items():
        check_plain(value, "study", name)
    try:
        return Place.from_dict(raw)
    except ValueError as error:
        raise InvalidError(f"not a place in a study (a name, a series, and a number x): {error}", ["study"]) from None


def _study(name: str, stored: Any) -> Study:
    check_plain(_object(stored, "studies", name), "studies", name)
    try:
        return Study.from_dict(name, stored)
    except ValueError as error:
        raise InvalidError(f"not a study: {error}", ["studies", name]) from None


def _gate(stored: Any) -> Gate:
    check_plain(stored, "gate")
    try:
        return Gate.from_dict(stored)
    except InvalidError as error:
        raise error.under("gate") from None


def _allowed_differences(stored: Any) -> Tuple[str, ...]:
    if not isinstance(stored, list) or not all(isinstance(name, str) for name in stored):
        raise InvalidError("not a list of names", ["allowed_differences"])
    return tuple(stored)


def _against(stored: Any) -> Against:
    raw = _object(stored, "against")
    label, commit = raw.get("label"), raw.get("commit")
    if not isinstance(label, str) or not (commit is None or isinstance(commit, str)):
        raise InvalidError("label and commit are needed, and are strings", ["against"])
    pairs: Dict[str, Tuple[Mapping[str, Any], ...]] = {}
    for name, listed in _object(raw.get("benchmarks", {}), "against", "benchmarks").items():
        if not isinstance(listed, list):
            raise InvalidError(f"{kind_of(listed)} instead of a list of pairs", ["against", "benchmarks", name])
        for index, pair in enumerate(listed):
            if not isinstance(pair, dict):
                raise InvalidError(f"{kind_of(pair)} instead of a pair", ["against", "benchmarks", name, index])
            check_plain(pair, "against", "benchmarks", name, index)
        pairs[name] = tuple(listed)
    try:
        return Against(label, commit, pairs, _rest(raw, _OF_AGAINST))
    except InvalidError as error:
        raise error.under("against") from None


def _explanations(stored: Any) -> Dict[str, Explanation]:
    explanations: Dict[str, Explanation] = {}
    for name, raw in _object(stored, "explanations").items():
        check_plain(raw, "explanations", name)
        try:
            explanations[name] = Explanation.from_dict(raw)
        except InvalidError as error:
            raise error.under("explanations", name) from None
    return explanations


@lru_cache(maxsize=64)
def _usual_metric(unit: str, better: str) -> Metric:
    return Metric(unit, better)


def _metric(raw: Any) -> Metric:
    if (
        not isinstance(raw, dict)
        or not isinstance(raw.get("unit"), str)
        or raw.get("better", LOWER) not in (LOWER, HIGHER)
    ):
        raise InvalidError("a unit is needed, and better is lower or higher", value=raw, definition="metric")
    if "margin" in raw and not (is_number(raw["margin"]) and raw["margin"] >= 0):
        raise InvalidError("not a number of at least 0", ["margin"], value=raw["margin"])
    if not isinstance(raw.get("informs", False), bool):
        raise InvalidError("not true or false", ["informs"], value=raw["informs"])
    if "threshold" in raw and not (is_number(raw["threshold"]) or raw["threshold"] == ALL_THRESHOLDS):
        raise InvalidError(f"not a number or {ALL_THRESHOLDS!r}", ["threshold"], value=raw["threshold"])
    if len(raw) == 2 and "better" in raw:
        # Of most benchmarks the same few are read again and again.
        return _usual_metric(raw["unit"], raw["better"])
    metric = Metric.from_dict(raw)
    if metric.extra:
        _rest(raw, METRIC_FIELDS)
    return metric


def _check_source(source: Any) -> None:
    if not isinstance(source, dict) or not all(isinstance(source.get(name), str) for name in SOURCE_FIELDS):
        raise InvalidError(
            "not an object with the strings paper, table and row",
            value={"environment": "", "started": "", "session": "", "source": source},
            definition="run",
        )
    for name, value in source.items():
        check_plain(value, "source", name)


def _object(raw: Any, *path: str) -> Dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidError(f"{kind_of(raw)} instead of an object", path)
    return raw


def _rest(raw: Mapping[str, Any], known: Tuple[str, ...]) -> Dict[str, Any]:
    extra = {name: value for name, value in raw.items() if name not in known}
    if extra:
        refuse_misspelt(extra, [name for name in known if name not in raw])
    for name, value in extra.items():
        check_plain(value, name)
    return extra


def _shell(raw: Any) -> Any:
    # Which fields are missing is all that the schema is asked, and runs can be many.
    return {name: [] if name == "runs" else {} for name in raw} if isinstance(raw, dict) else raw


def _is_version(value: Any) -> bool:
    return is_number(value) and bool(value == VERSION)

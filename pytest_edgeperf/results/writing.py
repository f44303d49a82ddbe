"""Write a results file: one run per line, sorted, rounded; complete or not at all."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Union

from .atomic_files import replace_file
from .duplicates import rounded
from .errors import InvalidError, ResultsError, phrase
from .example_answers import without_repeats
from .loaded import to_stored
from .reading import FORMAT, VERSION, collector_paused, construct
from .types import Benchmark, Results, Run


def to_json(results: Results) -> str:
    """The text of a results file: sorted keys, one run per line, values with at most 6 significant digits.

    Only what the runs measured is rounded; environments, parameters and unknown fields are kept exactly.

    Raises:
        ResultsError: the results hold what a results file cannot, such as NaN.
    """
    return _to_json(results, "results")


def write(path: Union[str, os.PathLike[str]], results: Results) -> None:
    """Write a results file so that at any moment either the old or the new one is there, complete.

    Folders are created; a symbolic link stays one and its target is replaced.

    Raises:
        ResultsError: it cannot be written; the old file is as it was.
    """
    replace_file(path, _to_json(results, os.fspath(path)).encode("utf-8"))


def run_to_object(run: Run) -> Dict[str, Any]:
    """The run as a plain JSON object, with its values rounded as in a results file; published ones are as printed."""
    obj: Dict[str, Any] = dict(run.extra)
    for name, value in run.values.items():
        obj[name] = rounded(value) if run.source is None else value
    obj["environment"] = run.environment
    obj["started"] = run.started
    obj["session"] = run.session
    texts = (("boot", run.boot), ("commit", run.commit), ("reason", run.reason), ("loaded", run.loaded))
    for name, text in texts:
        if text is not None:
            obj[name] = text
    if run.quality is not None:
        obj["quality"] = rounded(run.quality)
    if run.source is not None:
        obj["source"] = dict(run.source)
    return obj


def _to_json(results: Results, source: str) -> str:
    try:
        with collector_paused():
            obj = _to_object(results)
            construct(obj)
            text = _layout(obj, ascii_only=False)
            if not _encodes(text):
                text = _layout(obj, ascii_only=True)
    except InvalidError as error:
        raise ResultsError(f"{source}: {phrase(error)}; nothing was written; correct what recorded it") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultsError(
            f"{source}: the results are not plain JSON ({error}); nothing was written; correct what recorded them"
        ) from None
    return text


def _to_object(results: Results) -> Dict[str, Any]:
    records, sections = to_stored(results.loaded)
    of_the_session: Dict[str, Any] = {
        "studies": {name: study.to_dict() for name, study in results.studies.items()},
        "gate": results.gate.to_dict() if results.gate is not None else None,
        "allowed_differences": list(results.allowed_differences),
        "against": results.against.to_dict() if results.against is not None else None,
        "explanations": {name: explanation.to_dict() for name, explanation in results.explanations.items()},
        "loaded": records,
        "loaded_sections": sections,
    }
    return {
        **results.extra,
        **{name: value for name, value in of_the_session.items() if value},
        "format": FORMAT,
        "version": VERSION,
        "device": results.device,
        "environments": {
            key: {section: dict(fields) for section, fields in environment.items()}
            for key, environment in results.environments.items()
        },
        "benchmarks": {name: _benchmark(benchmark) for name, benchmark in results.benchmarks.items()},
    }


def _benchmark(benchmark: Benchmark) -> Dict[str, Any]:
    runs = [run_to_object(run) for run in benchmark.runs]
    extra = dict(benchmark.extra)
    anchor = [run_to_object(run) for run in benchmark.anchor]
    if any(metric.is_accuracy for metric in benchmark.metrics.values()):
        runs = without_repeats(runs)
        anchor = without_repeats(anchor)
    if anchor:
        extra["anchor"] = anchor
    if benchmark.place is not None:
        extra["study"] = benchmark.place.to_dict()
    return {
        **extra,
        "parameters": dict(benchmark.parameters),
        "metrics": {name: metric.to_dict() for name, metric in benchmark.metrics.items()},
        "runs": runs,
    }


def _layout(obj: Mapping[str, Any], *, ascii_only: bool) -> str:
    one_line = json.JSONEncoder(ensure_ascii=ascii_only, sort_keys=True, allow_nan=False).encode
    indented = json.JSONEncoder(ensure_ascii=ascii_only, sort_keys=True, allow_nan=False, indent=2).encode
    compact = json.JSONEncoder(ensure_ascii=ascii_only, sort_keys=True, separators=(",", ":")).encode

    def members(lines: Mapping[str, str], pad: str) -> str:
        if not lines:
            return "{}"
        inner = ",\n".join(f"{pad}  {one_line(name)}: {lines[name]}" for name in sorted(lines))
        return "{\n" + inner + "\n" + pad + "}"

    def runs(raws: List[Any], pad: str) -> str:
        if not raws:
            return "[]"
        return "[\n" + ",\n".join(f"{pad}  {one_line(raw)}" for raw in raws) + "\n" + pad + "]"

    def benchmark(raw: Mapping[str, Any]) -> str:
        lines = {name: one_line(value) for name, value in raw.items() if name not in ("runs", "anchor")}
        lines["metrics"] = members({name: one_line(m) for name, m in raw["metrics"].items()}, " " * 6)
        for name in ("runs", "anchor"):
            if name in raw:
                lines[name] = runs(raw[name], " " * 6)
        return members(lines, " " * 4)

    top = {name: one_line(value) for name, value in obj.items() if name not in ("benchmarks", "environments")}
    for name in ("loaded", "loaded_sections"):
        if name in obj:
            top[name] = members({key: compact(value) for key, value in obj[name].items()}, "  ")
    top["environments"] = indented(obj["environments"]).replace("\n", "\n  ")
    top["benchmarks"] = members({name: benchmark(raw) for name, raw in obj["benchmarks"].items()}, "  ")
    return members(top, "") + "\n"


def _encodes(text: str) -> bool:
    # A lone surrogate, which JSON can escape, has no UTF-8.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

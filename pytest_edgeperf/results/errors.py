"""Errors of results files, with the place and the remedy."""

from __future__ import annotations

import json
import pkgutil
import re
from typing import Any, Iterable, List, Optional, Union

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_LONGEST_PROBLEM = 160
#: What jsonschema says better than we do; its words for the other keywords speak of schemas.
_WELL_PHRASED = {"type", "required", "enum", "minimum", "minLength"}


class ResultsError(Exception):
    """A results file cannot be read, used or written: one sentence with file, place and remedy."""


class InvalidError(Exception):
    """A place in a document that is not as the schema says; the path grows while it is passed on."""

    def __init__(
        self,
        problem: str,
        path: Iterable[Union[str, int]] = (),
        *,
        value: Any = None,
        definition: Optional[str] = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: List[Union[str, int]] = list(path)
        self.value = value
        self.definition = definition

    def under(self, *path: Union[str, int]) -> InvalidError:
        """This error, seen from ``path`` further out."""
        self.path[:0] = path
        return self


def place(path: Iterable[Union[str, int]]) -> str:
    """The path in the document as people write it: ``benchmarks."a::b".runs[2].latency.p50``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _PLAIN_NAME.match(part) else json.dumps(part, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def phrase(error: InvalidError) -> str:
    """The place and the problem, in jsonschema's words where it finds something in the same part."""
    path, problem = list(error.path), error.problem
    if error.definition is not None:
        schema_error = _schema_error(error.definition, error.value)
        if schema_error is not None:
            path += list(schema_error.absolute_path)
            problem = str(schema_error.message)
    if len(problem) > _LONGEST_PROBLEM:
        problem = problem[: _LONGEST_PROBLEM // 2] + " … " + problem[-_LONGEST_PROBLEM // 2 :]
    problem = problem.replace("\n", " ")
    where = place(path)
    return f"{where}: {problem}" if where else problem


def load_schema() -> Any:
    """The JSON Schema of the results file."""
    return json.loads(schema_text("schema.json"))


def schema_text(file: str) -> str:
    """A JSON Schema of this package, as it is written: ``schema.json`` or ``report_schema.json``."""
    data = pkgutil.get_data(__package__, file)
    if data is None:
        raise FileNotFoundError(f"pytest_edgeperf/results/{file} is not in the installed package")
    return data.decode("utf-8")


def _schema_error(definition: str, value: Any) -> Any:
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match
    except ImportError:
        return None
    schema = {"$ref": f"#/$defs/{definition}", "$defs": load_schema()["$defs"]}
    try:
        error = best_match(Draft202012Validator(schema).iter_errors(value))
    except (RecursionError, ValueError):
        # Too deep, or a number too long to print: our own words do.
        return None
    return error if error is not None and error.validator in _WELL_PHRASED else None

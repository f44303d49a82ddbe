"""Which benchmark of one results file is which of another: by the test function and its parameters' values.

The bracketed part of a test's id is a label: ``size0`` is a position in a list, and a list can be reordered. So two
entries are of one benchmark when their functions are the same and their parameters have the same values; the label
decides only between values that cannot be compared. Unicode's two ways to write an ``é`` make one id.
"""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Tuple
from unicodedata import is_normalized, normalize

from .parameters import DIGEST, TEXT, TEXT_DIGEST, is_short_form, stored
from .types import Results

Parameters = Mapping[str, Any]

#: Older files hold tuples, lists and bytes as their ``str()``; longer ones are not read back.
_LONGEST_LITERAL = 10_000_000
_LITERALS = ("(", "[", "{", "b'", 'b"')


def canonical_id(benchmark_id: str) -> str:
    """The id with composed characters (NFC), as most file systems and editors write them."""
    return benchmark_id if is_normalized("NFC", benchmark_id) else normalize("NFC", benchmark_id)


def function_of(benchmark_id: str) -> str:
    """The id without its parameters: file, classes and the name of the test function."""
    name = canonical_id(benchmark_id)
    file = file_of(name)
    return file.partition("[")[0] if file == name else file + name[len(file) :].partition("[")[0]


def file_of(benchmark_id: str) -> str:
    """The file's part of an id; folders may have brackets and colons in their names."""
    folders, python, _ = benchmark_id.partition(".py::")
    return folders + ".py" if python else benchmark_id.partition("::")[0]


def parameters_key(parameters: Parameters) -> Optional[str]:
    """Equal for equal parameters; ``None`` where a value is unknown (an object that nothing is stored of)."""
    values = {name: _comparable(value) for name, value in parameters.items()}
    if any(value is _UNKNOWN for value in values.values()):
        return None
    return json.dumps(values, sort_keys=True)


def differing(base: Parameters, candidate: Parameters) -> Dict[str, Tuple[Any, Any]]:
    """The parameters that have other values on the two sides, ``name`` -> (base, candidate).

    A parameter that only one side knows, and a value that cannot be compared, makes no difference.
    """
    if base == candidate:
        return {}
    return {
        name: (base[name], value)
        for name, value in candidate.items()
        if name in base and base[name] != value and not _may_be_same(base[name], value)
    }


def matches(base: Mapping[str, Parameters], candidate: Mapping[str, Parameters]) -> Dict[str, str]:
    """Which benchmark of ``base`` each of ``candidate`` is, candidate's id -> base's id; both are id -> parameters.

    Ids without a match are left out.
    """
    matched = {name: name for name, parameters in candidate.items() if name in base and base[name] == parameters}
    if len(matched) == len(candidate):
        return matched
    taken = set(matched.values())
    functions: Dict[str, List[str]] = {}
    for name in base:
        if name not in taken:
            functions.setdefault(function_of(name), []).append(name)
    others: Dict[str, List[str]] = {}
    for name in candidate:
        if name not in matched:
            others.setdefault(function_of(name), []).append(name)
    for function, names in others.items():
        if function in functions:
            left = {name: base[name] for name in functions[function]}
            matched.update(_within_function(left, {name: candidate[name] for name in names}))
    return matched


def _within_function(base: Mapping[str, Parameters], candidate: Mapping[str, Parameters]) -> Dict[str, str]:
    matched: Dict[str, str] = {}
    taken: Set[str] = set()
    base_ids = _by_id(base)
    base_keys, candidate_keys = _by_key(base), _by_key(candidate)
    for key, names in candidate_keys.items():
        same = base_keys.get(key, [])
        for name in names:
            at_label = base_ids.get(canonical_id(name))
            if at_label is not None and at_label in same:
                matched[name] = at_label
                taken.add(at_label)
        rest = [name for name in names if name not in matched]
        free = [name for name in same if name not in taken]
        if len(rest) == len(free) == 1:
            matched[rest[0]] = free[0]
            taken.add(free[0])
    for name, parameters in candidate.items():
        at_label = base_ids.get(canonical_id(name))
        if name in matched or at_label is None or at_label in taken or differing(base[at_label], parameters):
            continue
        matched[name] = at_label
        taken.add(at_label)
    return matched


def align(base: Results, candidate: Mapping[str, Parameters]) -> Results:
    """``base`` with each benchmark under the id that ``candidate`` (id -> parameters) has for it.

    Those that ``candidate`` does not have keep their ids, unless another benchmark now has it: such an entry is
    named by its parameters' values.
    """
    matched = matches({name: benchmark.parameters for name, benchmark in base.benchmarks.items()}, candidate)
    new_names = {old: new for new, old in matched.items() if old != new}
    if not new_names:
        return base
    taken = set(new_names.values())
    renamed: Dict[str, Any] = {}
    displaced: List[str] = []
    for name, benchmark in base.benchmarks.items():
        if name in new_names:
            renamed[new_names[name]] = benchmark
        elif name in taken:
            displaced.append(name)
        else:
            renamed[name] = benchmark
    for name in displaced:
        benchmark = base.benchmarks[name]
        renamed[free_label(name, benchmark.parameters, {*renamed, *candidate})] = benchmark
    return replace(base, benchmarks=renamed)


def without_match(base: Mapping[str, Parameters], candidate: Mapping[str, Parameters]) -> List[str]:
    """The ids of ``base`` that are no benchmark of ``candidate``; two spellings of one id count as one."""
    matched = set(matches(base, candidate).values())
    spelled = {canonical_id(name) for name in matched}
    return [name for name in base if name not in matched and canonical_id(name) not in spelled]


def two_spellings(names: Iterable[str]) -> List[Tuple[str, ...]]:
    """The ids among these that differ only in how Unicode writes their characters, together."""
    spelled: Dict[str, List[str]] = {}
    for name in names:
        spelled.setdefault(canonical_id(name), []).append(name)
    return [tuple(alike) for alike in spelled.values() if len(alike) > 1]


def _by_id(entries: Iterable[str]) -> Dict[str, str]:
    return {canonical_id(name): name for name in reversed(list(entries))}


def _by_key(entries: Mapping[str, Parameters]) -> Dict[str, List[str]]:
    keys: Dict[str, List[str]] = {}
    for name, parameters in entries.items():
        key = parameters_key(parameters)
        if key is not None:
            keys.setdefault(key, []).append(name)
    return keys


def free_label(name: str, parameters: Parameters, taken: Set[str]) -> str:
    """Another id for a benchmark whose own another one has: its function with its parameters' values."""
    values = ", ".join(f"{key}={json.dumps(value)}" for key, value in parameters.items())
    label = f"{function_of(name)}[{values}]"
    number = 2
    while label in taken:
        label = f"{function_of(name)}[{values}]~{number}"
        number += 1
    return label


_UNKNOWN = object()


def _comparable(value: Any) -> Any:
    """The value with one spelling: composed characters, whole floats as integers, texts of older files read back."""
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        members = [_comparable(member) for member in value]
        return _UNKNOWN if any(member is _UNKNOWN for member in members) else members
    if is_short_form(value):
        if DIGEST in value:
            return dict(value)
        text = value.get(TEXT)
        return normalize("NFC", text) + str(value.get(TEXT_DIGEST, "")) if isinstance(text, str) else _UNKNOWN
    if isinstance(value, Mapping):
        inside = {normalize("NFC", name): _comparable(member) for name, member in value.items()}
        return _UNKNOWN if any(member is _UNKNOWN for member in inside.values()) else inside
    return value


def _of_text(text: str) -> Any:
    if " at 0x" in text:
        return _UNKNOWN
    if text.startswith(_LITERALS) and len(text) <= _LONGEST_LITERAL:
        try:
            value = stored({"": ast.literal_eval(text)})[""]
        except Exception:  # text that only begins like a literal
            return normalize("NFC", text)
        return normalize("NFC", text) if isinstance(value, str) else _comparable(value)
    return normalize("NFC", text)


def _may_be_same(base: Any, candidate: Any) -> bool:
    left, right = _comparable(base), _comparable(candidate)
    if left is _UNKNOWN or right is _UNKNOWN or left == right:
        return True
    # An object's text may change without the object.
    if any(is_short_form(value) and DIGEST not in value for value in (base, candidate)):
        return True
    # Of a text and something structured, one is from a file that held less.
    structured = [isinstance(value, (list, dict)) for value in (left, right)]
    return any(structured) and (isinstance(left, str) or isinstance(right, str))

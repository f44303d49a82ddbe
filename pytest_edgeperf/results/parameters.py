"""How a benchmark's parameters are stored: JSON as it is, of everything else a short form."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from typing import Any, Dict, Mapping, Optional

#: Marks the short form of a value that is not JSON, or too big to be stored in every results file.
TYPE = "$type"
DIGEST = "sha256"
TEXT = "text"
#: Of a text that is longer than the part that is stored.
TEXT_DIGEST = "text_sha256"
#: Longer values are stored as their digest.
LONGEST_VALUE = 1000
LONGEST_TEXT = 100
_DEEPEST = 20


def stored(parameters: Mapping[str, Any]) -> Dict[str, Any]:
    """The parameters of a test as a results file holds them; never raises, whatever the values are.

    Numbers, texts, lists, tuples and dicts of such stay what they are. What is longer than a thousand characters,
    and arrays, tensors and bytes, become their type and a digest; all else its type, with its text where that is
    the same in every process.
    """
    return {str(name): _stored(value) for name, value in parameters.items()}


def is_short_form(value: Any) -> bool:
    """Whether a stored value stands for one that is not JSON or was too big."""
    return isinstance(value, Mapping) and TYPE in value


def _stored(value: Any) -> Any:
    try:
        plain = _json(value, 0)
    except Exception:  # somebody's class can raise anything
        plain = _NOT_JSON
    if plain is _NOT_JSON:
        return _short_form(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)
    if len(text) <= LONGEST_VALUE:
        return plain
    return {TYPE: type(value).__name__, "length": len(plain), DIGEST: _digest(text.encode("utf-8", "surrogatepass"))}


_NOT_JSON = object()


def _json(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value) if abs(int(value)) <= sys.maxsize else _NOT_JSON
    if isinstance(value, float):
        # A results file holds no NaN and no infinity; their names are as good.
        return float(value) if math.isfinite(value) else str(float(value))
    if depth < _DEEPEST and isinstance(value, (list, tuple)):
        members = [_json(member, depth + 1) for member in value]
        return _NOT_JSON if any(member is _NOT_JSON for member in members) else members
    if depth < _DEEPEST and isinstance(value, dict) and all(isinstance(name, str) for name in value):
        inside = {str(name): _json(member, depth + 1) for name, member in value.items()}
        return _NOT_JSON if TYPE in inside or any(member is _NOT_JSON for member in inside.values()) else inside
    return _NOT_JSON


def _short_form(value: Any) -> Dict[str, Any]:
    kind = type(value)
    form: Dict[str, Any] = {TYPE: f"{kind.__module__}.{kind.__qualname__}".replace("builtins.", "")}
    try:
        content = _content(value)
        if content is not None:
            return {**form, **content}
        text = _text(value)
    except Exception:  # its str() may raise anything
        return form
    # An address differs from process to process.
    if text is None or " at 0x" in text:
        return form
    if len(text) <= LONGEST_TEXT:
        return {**form, TEXT: text}
    return {**form, TEXT: text[:LONGEST_TEXT], TEXT_DIGEST: _digest(text.encode("utf-8", "surrogatepass"))}


def _content(value: Any) -> Optional[Dict[str, Any]]:
    if type(value).__module__.partition(".")[0] == "torch" and callable(getattr(value, "numpy", None)):
        value = value.detach().cpu().numpy()
    if isinstance(value, (list, tuple, dict, set, frozenset, type)):
        return None
    try:
        view = memoryview(value)
    except TypeError:
        return None
    content: Dict[str, Any] = {"bytes": view.nbytes}
    if view.format != "B" or view.ndim != 1:
        content.update(format=view.format, shape=list(view.shape or ()))
    return {**content, DIGEST: _digest(view.tobytes())}


def _text(value: Any) -> Optional[str]:
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str) and isinstance(getattr(value, "__module__", None), str):
        return None if "<" in name else f"{value.__module__}.{name}"
    return str(value)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]

"""A field of the environment that differs, in words: of a description with many entries only those that differ."""

from __future__ import annotations

from typing import Any, List, Mapping, Tuple

from pytest_edgeperf.report.placement_text import placement_difference


def difference_parts(name: str, pair: Tuple[Any, Any]) -> List[str]:
    """``power_mode MAXN -> 5W``; of engines ``settings.engine.threads 1 -> 4`` for each entry that differs."""
    placement = placement_difference(name, pair)
    if placement is not None:
        return [placement]
    old, new = pair
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        entries = [entry for entry in sorted({*old, *new}) if old.get(entry) != new.get(entry)]
        return [_part(f"{name}.{entry}", old.get(entry), new.get(entry)) for entry in entries]
    return [_part(name, old, new)]


def _part(name: str, old: Any, new: Any) -> str:
    before, after = ("(none)" if value is None else str(value) for value in (old, new))
    return f"{name} {before} -> {after}"

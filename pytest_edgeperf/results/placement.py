"""Placement as a run's environment records it: how many nodes of the network each provider or delegate computed."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

#: Of the settings. In its place there is a sentence where the runtime does not say.
PLACEMENT = "placement"
#: The same among the fields of an environment.
PLACEMENT_FIELD = f"settings.{PLACEMENT}"

#: Provider or delegate -> how many nodes.
Placement = Mapping[str, int]


def as_placement(value: Any) -> Optional[Placement]:
    """What an environment recorded as its placement, or ``None`` where that is a reason, nothing, or no counts."""
    if not isinstance(value, Mapping):
        return None
    counts = all(isinstance(name, str) and type(nodes) is int and nodes >= 0 for name, nodes in value.items())
    return value if counts else None


def both_placements(pair: Tuple[Any, Any]) -> Optional[Tuple[Placement, Placement]]:
    """The placements of both sides, or ``None`` where one of them is not known."""
    before, after = map(as_placement, pair)
    return None if before is None or after is None else (before, after)


def placement_changed(pair: Tuple[Any, Any]) -> bool:
    """Whether both sides know their placement and some provider has another number of nodes."""
    placements = both_placements(pair)
    if placements is None:
        return False
    before, after = placements
    return any(before.get(name, 0) != after.get(name, 0) for name in {*before, *after})


def nodes_moved(before: Placement, after: Placement) -> bool:
    """Whether nodes may have moved between providers: with one and the same, only the network is another."""
    used = {name for placement in (before, after) for name, nodes in placement.items() if nodes}
    return len(used) > 1 and placement_changed((before, after))

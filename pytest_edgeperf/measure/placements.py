"""Where the nodes of the measured networks ran, asked for when everything is timed."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from pytest_edgeperf.frameworks.interface import Engine, NoPlacement
from pytest_edgeperf.results.placement import PLACEMENT, as_placement

_LONGEST_REASON = 200


def placement_of(engine: Optional[Engine]) -> Dict[str, Any]:
    """What the run's environment records of one engine's placement; nothing where there is none to speak of."""
    return placements_of({"": engine})


def placements_of(engines: Mapping[str, Optional[Engine]]) -> Dict[str, Any]:
    """The same of several engines: their names stand before those of the providers.

    Whatever a runtime does instead of answering becomes the reason: the run is measured by then.
    """
    nodes: Dict[str, int] = {}
    known = False
    for name, engine in engines.items():
        if engine is None:
            continue
        try:
            placed = engine.placement()
        except NoPlacement as error:
            return _not_known(str(error))
        except Exception as error:  # of the runtime's own
            # Its text may hold an address, with which each run would have an environment of its own.
            return _not_known(type(error).__name__)
        if placed is None:
            continue
        if as_placement(placed) is None:
            return _not_known(f"{type(engine).__name__}.placement() returned no numbers of nodes")
        known = True
        nodes.update({f"{name}: {provider}" if name else provider: placed[provider] for provider in sorted(placed)})
    return {PLACEMENT: nodes} if known else {}


def _not_known(reason: str) -> Dict[str, Any]:
    from pytest_edgeperf.measure.source_places import nameless

    return {PLACEMENT: f"not known: {nameless(' '.join(reason.split()))[:_LONGEST_REASON]}"}

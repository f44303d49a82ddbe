"""The checklists that a project's benchmarks bring: ``DIR/checklists`` with ``CHECKLISTS`` and ``render``.

``CHECKLISTS`` maps a name to a function from results files to an object with ``to_dict()``, and ``render(checklist,
width)`` gives its text.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, NamedTuple, Sequence

from pytest_edgeperf.cli.ending import unusable

if TYPE_CHECKING:
    from pytest_edgeperf.results.types import Results

_PACKAGE = "checklists"


class Decided(NamedTuple):
    """Checklists that were decided by results, by name, and what renders one of them at a width."""

    checklists: Mapping[str, Any]
    render: Callable[[Any, int], str]

    def values(self) -> Dict[str, Any]:
        """Each checklist's findings as plain values."""
        return {name: checklist.to_dict() for name, checklist in self.checklists.items()}

    def document(self, form: str, width: int) -> str:
        """All of them as text, Markdown or JSON."""
        if form == "json":
            return json.dumps({_PACKAGE: self.values()}, indent=2)
        sections = []
        for name, checklist in self.checklists.items():
            text = self.render(checklist, width)
            heading = f"checklist of {name}"
            sections.append(f"## {heading}\n\n```text\n{text}\n```" if form == "markdown" else f"{heading}\n\n{text}")
        return "\n\n".join(sections)


def decide(names: Sequence[str], results: Sequence[Results], folder: str) -> Decided:
    """The findings of each named checklist, decided by these results.

    Runs the code of ``folder/checklists``. Ends the command where the folder has none, or none of a name.
    """
    module = _load(folder)
    known = module.CHECKLISTS
    unknown = [name for name in names if name not in known]
    if unknown:
        unusable(f"no checklist is called {', '.join(unknown)}; {folder}/{_PACKAGE} has {', '.join(sorted(known))}")
    return Decided({name: known[name](*results) for name in dict.fromkeys(names)}, module.render)


def _load(folder: str) -> Any:
    if not (Path(folder) / _PACKAGE / "__init__.py").is_file():
        unusable(
            f"{folder}: has no {_PACKAGE}; name the folder of the benchmarks that bring the checklist, "
            "such as --benchmarks path/to/benchmarks"
        )
    place = os.path.abspath(folder)
    if place not in sys.path:
        sys.path.insert(0, place)
    try:
        return import_module(_PACKAGE)
    except ImportError as error:
        unusable(f"{folder}/{_PACKAGE} cannot be imported: {error}")

"""The findings of the papers as checklists: what a session's results say of each.

``CHECKLISTS[paper](results)`` is pure: from results to a :class:`Checklist`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Mapping

from checklists import mishra_2021, suo_2021
from checklists.findings import FAILS, HOLDS, UNTESTED, Checklist, Finding, render

if TYPE_CHECKING:
    from pytest_edgeperf import Results

CHECKLISTS: Mapping[str, Callable[[Results], Checklist]] = {
    "suo-2021": suo_2021.checklist,
    "mishra-2021": mishra_2021.checklist,
}

__all__ = ["CHECKLISTS", "FAILS", "HOLDS", "UNTESTED", "Checklist", "Finding", "render"]

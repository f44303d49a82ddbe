"""The findings of the papers as checklists: what a session's results say of each.

``CHECKLISTS[paper](*results)`` is pure: from the results of one or several devices to a :class:`Checklist`.
"""

from __future__ import annotations

from typing import Callable, Mapping

from checklists import hadidi_2019, mishra_2021, suo_2021, swaminathan_2024, trinh_2023
from checklists.findings import CONTRADICTED, FAILS, HOLDS, UNDECIDED, UNTESTED, Checklist, Finding, render

CHECKLISTS: Mapping[str, Callable[..., Checklist]] = {
    "suo-2021": suo_2021.checklist,
    "mishra-2021": mishra_2021.checklist,
    "swaminathan-2024": swaminathan_2024.checklist,
    "trinh-2023": trinh_2023.checklist,
    "hadidi-2019": hadidi_2019.checklist,
}

__all__ = [
    "CHECKLISTS",
    "CONTRADICTED",
    "FAILS",
    "HOLDS",
    "UNDECIDED",
    "UNTESTED",
    "Checklist",
    "Finding",
    "render",
]

"""Checklists of papers: each finding, whether it holds here, and the figures that say so."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Optional

from pytest_edgeperf.report.html.sections import Section
from pytest_edgeperf.report.html.subject import Subject


def data(subject: Subject) -> Optional[Dict[str, Any]]:
    """Each checklist as its own ``to_dict`` has it, and how many findings have which verdict; ``None`` without any."""
    if subject.across is None or not subject.across.checklists:
        return None
    papers = []
    for name, checklist in subject.across.checklists.items():
        counts = Counter(str(finding["verdict"]) for finding in checklist["findings"])
        papers.append({"name": name, **checklist, "counts": [f"{number}: {word}" for word, number in counts.items()]})
    return {"papers": papers}


SECTION = Section("checklists", "What papers found", data, scripts=("checklists.js",), styles=("pages.css",))

"""A checklist from the findings of a paper, each with what tests it, and the results of one or several devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Sequence, Tuple

from checklists.findings import Checklist, Finding, Part
from checklists.reading import Rows, notes_of, rows_of

if TYPE_CHECKING:
    from papers import Paper

    from pytest_edgeperf import Results

#: From all rows to the parts of a finding.
Test = Callable[[Rows], Tuple[Part, ...]]
#: Name, claim and test of each finding, in the order in which they are shown.
Tests = Sequence[Tuple[str, str, Test]]


def decide(tests: Tests, paper: Paper, results: Sequence[Results]) -> Checklist:
    """Test each finding of a paper."""
    rows = rows_of(*results, paper=paper)
    findings = tuple(Finding(name, claim, test(rows)) for name, claim, test in tests)
    return Checklist(findings, notes_of(rows))

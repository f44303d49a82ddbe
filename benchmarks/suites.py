"""Which benchmarks a suite has: the default one, those of a paper, or all.

A benchmark that reproduces a paper carries its marker (``suo_2021``). A value of a parameter that the default suite
leaves out carries ``paper_suite`` where the paper's suite has it, in the smallest configuration that is still its
experiment, and ``full_suite`` where it is the paper's own; ``full_suite("hadidi-2019")`` is that for one paper of
several.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, List, Sequence

import pytest

DEFAULT = "default"
FULL = "full"
#: Suite of a paper -> the marker of its benchmarks.
PAPERS = {
    "suo-2021": "suo_2021",
    "mishra-2021": "mishra_2021",
    "swaminathan-2024": "swaminathan_2024",
    "trinh-2023": "trinh_2023",
    "hadidi-2019": "hadidi_2019",
}
#: Files of other tools -> the only framework that reads them.
READERS = {"caffe": "opencv", "darknet": "opencv"}
#: Parameter and value -> the only framework, with or without a variant, that it is a question of. In others it is not
#: skipped, as it is no lack of theirs.
ONLY_IN = {
    **{("source", source): reader for source, reader in READERS.items()},
    ("timing", "synchronised"): "torch",
    ("timing", "unsynchronised"): "torch:cuda",
}
SUITES = (DEFAULT, FULL, *PAPERS)


def papers_asked_for(suite: str, expression: str) -> List[str]:
    """The papers whose published figures a session shows: its suite's, and those whose markers ``-m`` asks for."""
    named = re.findall(r"(?<!not )\b\w+", expression)
    return [paper for paper, marker in PAPERS.items() if suite in (FULL, paper) or marker in named]


def values(default: Sequence[Any] = (), paper: Sequence[Any] = (), full: Sequence[Any] = ()) -> List[Any]:
    """Values of a parameter, each marked with the smallest suite that has it; a tuple is several arguments."""
    return [
        *(_marked(value, ()) for value in default),
        *(_marked(value, (pytest.mark.paper_suite,)) for value in paper),
        *(_marked(value, (pytest.mark.full_suite,)) for value in full),
    ]


def measured_by(papers: Iterable[str], parameters: Iterable[Any]) -> List[Any]:
    """The same values of a parameter, with the markers of the papers that measured them.

    Raises:
        KeyError: no suite has the name of such a paper.
    """
    return [value for each in parameters for value in marked_for(papers, each.values, *each.marks)]


def marked_for(papers: Iterable[str], arguments: Sequence[Any], *marks: Any) -> List[Any]:
    """One value (of several parameters) with these marks and those of the papers that measured it; none without one."""
    markers = [getattr(pytest.mark, PAPERS[paper]) for paper in papers]
    return [pytest.param(*arguments, marks=[*markers, *marks])] if markers else []


def _marked(value: Any, marks: Iterable[Any]) -> Any:
    arguments = value if isinstance(value, tuple) else (value,)
    return pytest.param(*arguments, marks=list(marks))


def belongs(item: pytest.Item, suite: str) -> bool:
    """Whether a suite has the benchmark."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    framework = str(given.get("framework", ""))
    for parameter, only in ONLY_IN.items():
        if parameter in given.items() and only not in (framework, framework.partition(":")[0]):
            return False
    if suite == FULL:
        return True
    # of all papers, or of those that it names
    only_full = item.get_closest_marker("full_suite")
    if only_full is not None and (not only_full.args or suite in only_full.args):
        return False
    if suite == DEFAULT:
        return item.get_closest_marker("paper_suite") is None and only_full is None
    return item.get_closest_marker(PAPERS[suite]) is not None

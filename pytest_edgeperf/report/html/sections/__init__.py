"""The sections of a page, one file each: what is shown as plain data, and the script that draws it.

To add one: a module here with a ``SECTION``, its name in :data:`NAMES`, and in ``../assets/`` the script that it names,
which calls ``edgeperf.section("id", function (root, data) { … })``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Callable, List, Optional, Tuple

from pytest_edgeperf.report.html.subject import Subject

#: In the order of the page.
NAMES = ("benchmarks", "explanations", "not_judged", "studies", "checklists", "courses", "published", "environment")


@dataclass(frozen=True)
class Section:
    """A part of the page.

    ``data`` gives plain values (dicts with names, lists, texts, numbers), or ``None`` where there is nothing to show;
    texts may hold anything, and are text on the page. Its heading links to ``#id``.
    """

    id: str
    title: str
    data: Callable[[Subject], Optional[Any]]
    #: Files of ``assets/`` that draw and style it.
    scripts: Tuple[str, ...] = ()
    styles: Tuple[str, ...] = ()


def sections() -> List[Section]:
    """All sections, in the order of the page."""
    found: List[Section] = []
    for name in NAMES:
        section = import_module(f"{__name__}.{name}").SECTION
        assert isinstance(section, Section)
        found.append(section)
    return found

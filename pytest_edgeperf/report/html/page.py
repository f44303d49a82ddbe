"""The page: one file with all that it needs, which asks for nothing from a network."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, List, Tuple

from pytest_edgeperf.report.html.elements import (
    Html,
    data_block,
    element,
    inline_script,
    inline_style,
    join,
)
from pytest_edgeperf.report.html.sections import Section, sections
from pytest_edgeperf.report.html.subject import Subject
from pytest_edgeperf.report.html.summary import headline, summary
from pytest_edgeperf.results.characters import printable

_HERE = Path(__file__).parent
_CHARTS = "vendor/echarts/echarts.min.js"
_FIRST_SCRIPTS = ("assets/page.js", "assets/legend.js", "assets/charts.js")
_LAST_SCRIPT = "assets/start.js"
_THEMES = (("auto", "As the system"), ("light", "Light"), ("dark", "Dark"))


def render(subject: Subject) -> str:
    """The whole page."""
    shown = [(section, data) for section, data in _data(subject) if data is not None]
    parts = [section for section, _ in shown]
    scripts = [_CHARTS, *_FIRST_SCRIPTS, *_unique(part.scripts for part in parts), _LAST_SCRIPT]
    sources = [asset(name) for name in scripts]
    styles = "\n".join(asset(name) for name in ("assets/page.css", *_unique(part.styles for part in parts)))
    title = headline(subject)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(sources)),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="pytest-edgeperf"),
        element("title", f"{printable(title)[:200]} · {printable(subject.report.device)[:80]}"),
        inline_style(styles),
    )
    body = element(
        "body",
        element("a", "Skip to the benchmarks", href="#benchmarks", class_="skip"),
        _header(subject, parts),
        element("main", summary(subject), *(_section(part) for part in parts), id="main"),
        _noscript(),
        *(data_block(f"data-{part.id}", data) for part, data in shown),
        *(inline_script(source) for source in sources),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


@lru_cache(maxsize=None)
def asset(name: str) -> str:
    """A script or a style sheet of the package, by its path beside this module."""
    return (_HERE / name).read_text(encoding="utf-8")


def _data(subject: Subject) -> List[Tuple[Section, Any]]:
    return [(section, section.data(subject)) for section in sections()]


def _unique(lists: Any) -> List[str]:
    return list(dict.fromkeys(f"assets/{name}" for names in lists for name in names))


def _policy(sources: List[str]) -> str:
    """Only these scripts run, whatever a name holds, and nothing is fetched."""
    scripts = " ".join(f"'sha256-{_digest(source)}'" for source in sources)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=None)
def _digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")


def _header(subject: Subject, parts: List[Section]) -> Html:
    links = [element("li", element("a", "Summary", href="#summary"))]
    links += [element("li", element("a", part.title, href=f"#{part.id}")) for part in parts]
    themes = [element("option", word, value=value) for value, word in _THEMES]
    return element(
        "header",
        element("p", element("strong", "edgeperf"), " ", element("bdi", subject.report.device), class_="brand"),
        element("nav", element("ul", *links), aria_label="Parts of this page"),
        element(
            "label",
            element("span", "Colours"),
            " ",
            element("select", *themes, id="theme"),
            class_="theme needs-script",
        ),
    )


def _section(section: Section) -> Html:
    heading = element("h2", section.title, id=f"{section.id}-heading")
    body = element("div", class_="body", data_section=section.id)
    return element("section", heading, body, id=section.id, aria_labelledby=f"{section.id}-heading")


def _noscript() -> Html:
    return element(
        "noscript",
        element(
            "p",
            "What follows the summary is drawn by scripts inside this file, which are switched off here. Download the "
            "file and open it in a browser; the .txt and .md reports hold the same figures.",
            class_="remark",
        ),
    )


__all__ = ["asset", "join", "render"]

"""HTML from plain values: the only door through which text gets into a page.

Text may come from a stranger's test, file, device or package. What is no :class:`Html` is escaped, and only this module
makes one.
"""

from __future__ import annotations

import html
import json
import math
from typing import Any, Iterable, Mapping, Optional, Union

from pytest_edgeperf.results.characters import printable

#: A longer text is cut, with the whole behind a click.
LONGEST_TEXT = 300
_HEAD, _TAIL = 200, 60
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """A piece of a page that is HTML already."""

    __slots__ = ()


Child = Union[str, Html, None]
Attribute = Union[str, int, bool, None]


def text(value: str) -> Html:
    """``value`` letter by letter; what would reorder or hide letters is shown as an escape."""
    return Html(html.escape(printable(value)))


def join(children: Iterable[Child], separator: str = "") -> Html:
    """Pieces one after the other; texts among them are escaped."""
    pieces = (child if isinstance(child, Html) else text(child) for child in children if child is not None)
    return Html(text(separator).join(pieces))


def element(tag: str, *children: Child, **attributes: Attribute) -> Html:
    """``element("a", "text", href="#b", class_="x", data_id="1")``: an element with its children, each escaped.

    An underline in an attribute's name is a hyphen, and one at its end is left out. ``True`` is an attribute without a
    value; ``None`` and ``False`` are none.
    """
    words = [tag]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        written = name.rstrip("_").replace("_", "-")
        words.append(written if value is True else f'{written}="{text(str(value))}"')
    opened = f"<{' '.join(words)}>"
    return Html(opened if tag in _VOID else f"{opened}{join(children)}</{tag}>")


def long_text(value: str) -> Html:
    """``value`` as text of its own direction, cut with the whole behind a click where it is long."""
    shown = printable(value)
    if len(shown) <= LONGEST_TEXT:
        return element("bdi", shown)
    short = f"{shown[:_HEAD]}…{shown[-_TAIL:]}"
    return element("details", element("summary", element("bdi", short)), element("bdi", shown), class_="long")


def data_block(identity: str, value: Any) -> Html:
    """Plain data for a script, which nothing in it can end or run."""
    written = json.dumps(plain(value), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return element("script", Html(written), type="application/json", id=identity)


def plain(value: Any) -> Any:
    """``value`` as JSON has it: printable texts, ``null`` for no number, six significant digits."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        short = float(f"{value:.6g}") if math.isfinite(value) else None
        return int(short) if short is not None and short.is_integer() and abs(short) < 1e15 else short
    if isinstance(value, Mapping):
        return {printable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return printable(str(value))


def inline_script(source: str) -> Html:
    """A script of ours.

    Raises:
        ValueError: something in it would end the element.
    """
    return Html(f"<script>{_inside(source, 'script')}</script>")


def inline_style(source: str) -> Html:
    """A style sheet of ours.

    Raises:
        ValueError: something in it would end the element.
    """
    return Html(f"<style>{_inside(source, 'style')}</style>")


def _inside(source: str, tag: str) -> str:
    lower = source.lower()
    if f"</{tag}" in lower or "<!--" in lower:
        raise ValueError(f"a {tag} of the package holds what ends it in a page")
    return source


def optional(condition: Optional[object], piece: Html) -> Optional[Html]:
    """``piece`` where the condition holds."""
    return piece if condition else None

"""Text from anywhere in Markdown: shown letter by letter, and never a link, an image, a mention, HTML or a new cell.

What is printed is posted as a comment by continuous integration, with the rights of the project, while ids, devices and
reasons may be of a stranger's pull request.
"""

from __future__ import annotations

import re
from typing import Iterable, List, Sequence

from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import middle_ellipsis, printable

#: Longer ids and sentences are shortened: GitHub refuses comments of more than 65,536 characters.
NAME_CELLS = 120
SENTENCE_CELLS = 1000
#: A space of no width, between what GitHub would read as one thing.
_BREAK = "&#8203;"
_BACKSLASHED = re.compile(r"[\\`*_|~$]|\[(?![-+]?[\d.])|\](?=[(\[:])|!(?=\[)")
#: ``@name``, ``#1``, ``GH-1``, ``https://…``, ``www.…`` and addresses of mail, which need no brackets to be links.
_AUTOMATIC = re.compile(r"@(?=\S)|#(?=\d)|(?<=gh)-(?=\d)|:(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
_PLAIN_CODE = re.compile(r"[^`|\s]+(?: [^`|\s]+)*\Z")
#: What begins a heading, a quotation, a list, a task or a rule at the start of a line.
_BEGINS_BLOCK = re.compile(r"[#>+=-]|\d+(?=[.)])")


def escape(text: str) -> str:
    """``text`` for the inside of a line or for a cell of a table."""
    text = middle_ellipsis(printable(text), SENTENCE_CELLS, "…").replace("&", "&amp;").replace("<", "&lt;")
    text = _BACKSLASHED.sub(lambda match: "\\" + match.group(), text)
    return _AUTOMATIC.sub(lambda match: match.group() + _BREAK, text)


def item(text: str) -> str:
    """``text`` as an item of a list, whatever it begins with."""
    begins = _BEGINS_BLOCK.match(text)
    if begins is None:
        return f"- {escape(text)}"
    number = begins.group() if begins.group().isdigit() else ""
    return f"- {number}\\{escape(text[len(number) :])}"


def code(text: str) -> str:
    """A short ``text`` such as a benchmark's id as code; see :func:`codes` for several."""
    return codes([text])[0]


def codes(texts: Iterable[str]) -> List[str]:
    """Texts as code, shortened so that different ones stay different.

    Where a text holds what ends code or a cell, it is written as HTML, all but its letters and digits by number.
    """
    return [_code(text) for text in shorten_names([printable(text) for text in texts], NAME_CELLS, "…")]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """The lines of a table of texts from anywhere; all columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in (header, *rows)]
    return [lines[0], "|:--|" + "--:|" * (len(header) - 1), *lines[1:]]


def _code(text: str) -> str:
    if _PLAIN_CODE.match(text):
        return f"`{text}`"
    return f"<code>{''.join(c if c.isalnum() else f'&#{ord(c)};' for c in text)}</code>" if text else "` `"

"""Text from anywhere in Markdown: shown letter by letter, and never a link, an image, a mention, HTML or a new cell.

What is printed is posted as a comment by continuous integration, with the rights of the project, while ids, devices and
reasons may be of a stranger's pull request.
"""

from __future__ import annotations

import re
from typing import Iterable, List, Sequence

from pytest_edgeperf.report.shortening import shorten_names
from pytest_edgeperf.report.text import cells, middle_ellipsis, printable

#: Longer ids and sentences are shortened: GitHub refuses comments of more than 65,536 characters.
NAME_CELLS = 120
SENTENCE_CELLS = 1000
#: Combining marks take no cell: so many characters a cell are text, and more of them are not.
_CHARACTERS_PER_CELL = 4
#: A space of no width, between what GitHub would read as one thing.
_BREAK = "&#8203;"
_BACKSLASHED = re.compile(r"[\\`*_|~$]|\[(?![-+]?[\d.])|\](?=[(\[:])|!(?=\[)")
#: ``@name``, ``#1``, ``GH-1``, ``https://…``, ``www.…`` and addresses of mail, which need no brackets to be links;
#: ``:+1:``, which would be a picture.
_AUTOMATIC = re.compile(
    r"@(?=\S)|#(?=\d)|(?<=gh)-(?=\d)|:(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):|:(?=[\w+-]+:)", re.IGNORECASE
)
#: Neither what ends code or a cell, nor what a check of the raw text takes for a tag, an entity, a mention or a link.
_PLAIN_CODE = re.compile(r"(?!.*(?:\]\(|\]\[|\]:|://|www\.))[^`|<>&@\s]+(?: [^`|<>&@\s]+)*\Z", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")
#: What begins a heading, a quotation, a list, a task or a rule at the start of a line.
_BEGINS_BLOCK = re.compile(r"[#>+=-]|\d+(?=[.)])")


def escape(text: str) -> str:
    """``text`` for the inside of a line or for a cell of a table."""
    text = middle_ellipsis(_bounded(printable(text), SENTENCE_CELLS), SENTENCE_CELLS, "…")
    text = text.replace("&", "&amp;").replace("<", "&lt;")
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
    names = [_bounded(printable(text), NAME_CELLS) for text in texts]
    return [_code(text) for text in shorten_names(names, NAME_CELLS, "…")]


def fence(lines: Sequence[str], language: str = "") -> List[str]:
    """Lines as a block of code, with as many backticks around it as no line of it has."""
    shown = [printable(line) for line in lines]
    longest = max((len(run) for line in shown for run in _BACKTICKS.findall(line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return [ticks + language, *shown, ticks]


def summary(text: str) -> str:
    """``text`` inside a tag of HTML, where no Markdown is read."""
    return "".join(c if c.isalnum() or c in " .,;:()+-/%" else f"&#{ord(c)};" for c in printable(text))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """The lines of a table of texts from anywhere; all columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in (header, *rows)]
    return [lines[0], "|:--|" + "--:|" * (len(header) - 1), *lines[1:]]


def _bounded(text: str, least: int) -> str:
    """``text``, cut where it has far more characters than cells, which no limit in cells would shorten."""
    most = _CHARACTERS_PER_CELL * max(least, cells(text)) if len(text) > _CHARACTERS_PER_CELL * least else len(text)
    return text[:most]


def _code(text: str) -> str:
    if _PLAIN_CODE.match(text):
        return f"`{text}`"
    return f"<code>{''.join(c if c.isalnum() else f'&#{ord(c)};' for c in text)}</code>" if text else "` `"

"""Which characters of an arbitrary text may be printed."""

from __future__ import annotations


def printable(text: str, *, ascii_only: bool = False) -> str:
    """``text`` with control, format and unassigned characters escaped, and all but ASCII when asked."""
    if ascii_only:
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def printable_lines(text: str) -> str:
    """The same line by line."""
    return "\n".join(map(printable, text.split("\n")))
